"""Right answers to the checks of questions 2.1 to 2.3, batch norm."""

import math

import numpy as np
import torch


def batchnorm_output_variance__batch(gamma, v, eps):
    Y = [0.0, 2 * math.sqrt(v)]
    Y_hat = [gamma * y / math.sqrt(v + eps) for y in Y]
    mean = sum(Y_hat) / len(Y_hat)
    return sum((y - mean) ** 2 for y in Y_hat) / len(Y_hat)


def batchnorm_output_variance__torch(gamma, v, eps):
    Y = torch.tensor([[-1.0], [1.0]], dtype=torch.float64) * v**0.5
    weight = torch.tensor([gamma], dtype=torch.float64)
    Y_hat = torch.nn.functional.batch_norm(Y, None, None, weight, training=True, eps=eps)
    return Y_hat.var(correction=0).item()


def batchnorm_gain_bound__power(gamma, eps):
    return np.abs(gamma) * eps**-0.5


def batchnorm_gain_bound__torch(gamma, eps):
    y = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(gamma * y / torch.sqrt(y * y + eps), y)
    return slope.abs().item()


def batchnorm_moments__batch(gamma, beta):
    mean, variance = [], []
    for g, b in zip(gamma, beta, strict=True):
        Y_hat = [b - g, b + g]
        mean.append(sum(Y_hat) / len(Y_hat))
        variance.append(sum((y - mean[-1]) ** 2 for y in Y_hat) / len(Y_hat))
    return mean, variance


def batchnorm_moments__torch(gamma, beta):
    x_hat = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    Y_hat = torch.outer(x_hat, torch.tensor(gamma)) + torch.tensor(beta)
    return Y_hat.mean(0).numpy(), Y_hat.var(0, correction=0).numpy()


def batchnorm_output__loops(Y, gamma, beta, eps):
    B, M = Y.shape
    Y_hat = np.empty((B, M))
    for j in range(M):
        m = sum(Y[i, j] for i in range(B)) / B
        v = sum((Y[i, j] - m) ** 2 for i in range(B)) / B
        for i in range(B):
            Y_hat[i, j] = gamma[j] * (Y[i, j] - m) / math.sqrt(v + eps) + beta[j]
    return Y_hat


def batchnorm_output__torch(Y, gamma, beta, eps):
    Y, gamma, beta = torch.tensor(Y), torch.tensor(gamma), torch.tensor(beta)
    batch_norm = torch.nn.functional.batch_norm
    return batch_norm(Y, None, None, gamma, beta, training=True, eps=eps).numpy()


def batchnorm_gradients__closed(dH, Y, gamma, beta, eps):
    B, m, v = len(Y), Y.mean(axis=0), Y.var(axis=0)
    s = np.sqrt(v + eps)
    x_hat = (Y - m) / s
    G = dH * (gamma * x_hat + beta > 0)
    dgamma, dbeta = np.sum(G * x_hat, axis=0), np.sum(G, axis=0)
    dY = gamma / (B * s) * (B * G - dbeta - x_hat * dgamma)
    return dgamma, dbeta, -gamma * dbeta / s, -0.5 * gamma * dgamma / s**2, dY


def batchnorm_gradients__torch(dH, Y, gamma, beta, eps):
    Y, gamma, beta = (torch.tensor(x, requires_grad=True) for x in (Y, gamma, beta))
    m = Y.mean(dim=0)
    v = ((Y - m) ** 2).mean(dim=0)
    H = torch.relu(gamma * (Y - m) / torch.sqrt(v + eps) + beta)
    loss = torch.sum(torch.tensor(dH) * H)
    return [g.numpy() for g in torch.autograd.grad(loss, (gamma, beta, m, v, Y))]


def layernorm_backward__matrix(dY_hat, Y, gamma, eps):
    T, M = (dY_hat * gamma).T, Y.shape[1]
    C = Y.T - np.mean(Y.T, axis=0)
    s = np.sqrt(np.diag(C.T @ C) / M + eps)
    X = C / s
    D = (T - T.mean(axis=0) - X * np.diag(X.T @ T) / M) / s
    return D.T, np.diag(X @ dY_hat), dY_hat.T @ np.ones(len(Y))


def layernorm_backward__torch(dY_hat, Y, gamma, eps):
    Y, gamma = torch.tensor(Y, requires_grad=True), torch.tensor(gamma, requires_grad=True)
    beta = torch.zeros_like(gamma, requires_grad=True)
    Y_hat = torch.nn.functional.layer_norm(Y, gamma.shape, gamma, beta, eps)
    loss = torch.sum(torch.tensor(dY_hat) * Y_hat)
    return [g.numpy() for g in torch.autograd.grad(loss, (Y, gamma, beta))]


def rmsnorm_backward__matrix(dY_hat, Y, gamma, eps):
    rows = []
    for t, y in zip(dY_hat @ np.diag(gamma), Y, strict=True):
        square = y @ y / y.size + eps
        jacobian = (np.eye(y.size) - np.outer(y, y) / (y.size * square)) / np.sqrt(square)
        rows.append(jacobian @ t)
    return rows


def rmsnorm_backward__torch(dY_hat, Y, gamma, eps):
    Y = torch.tensor(Y, requires_grad=True)
    Y_hat = torch.nn.functional.rms_norm(Y, Y.shape[1:], torch.tensor(gamma), eps)
    (dY,) = torch.autograd.grad(Y_hat, Y, torch.tensor(dY_hat))
    return dY.numpy()


def relu_batchnorm_backward__einsum(dY_hat, Z, gamma, eps):
    B, Y = len(Z), Z * (Z > 0)
    d = Y - np.einsum("ij->j", Y) / B
    s = np.sqrt(np.einsum("ij,ij->j", d, d) / B + eps)
    jacobian = np.eye(B)[:, :, None] - 1 / B - np.einsum("kj,ij->kij", d, d) / (B * s**2)
    return np.einsum("kj,kij,j,ij->ij", dY_hat, jacobian, gamma / s, Z > 0)


def relu_batchnorm_backward__torch(dY_hat, Z, gamma, eps):
    Z = torch.tensor(Z, requires_grad=True)
    batch_norm = torch.nn.functional.batch_norm
    out = batch_norm(torch.relu(Z), None, None, torch.tensor(gamma), training=True, eps=eps)
    (dZ,) = torch.autograd.grad(out, Z, torch.tensor(dY_hat))
    return dZ.numpy()


def fold_batchnorm__matrix(W, b, gamma, beta, running_mean, running_var, eps):
    D = np.diag(gamma) @ np.linalg.inv(np.sqrt(np.diag(running_var + eps)))
    return D @ W, D @ b - D @ running_mean + beta


def fold_batchnorm__torch(W, b, gamma, beta, running_mean, running_var, eps):
    arrays = W, b, gamma, beta, running_mean, running_var
    W, b, gamma, beta, mean, var = (torch.tensor(x) for x in arrays)
    inputs = torch.cat([torch.zeros_like(W[:1]), torch.eye(W.shape[1], dtype=W.dtype)])
    Y = torch.nn.functional.linear(inputs, W, b)
    out = torch.nn.functional.batch_norm(Y, mean, var, gamma, beta, training=False, eps=eps)
    return (out[1:] - out[0]).T.numpy(), out[0].numpy()


def running_variance__batch(v, B, momentum, old):
    Y = np.arange(B)
    Y = (Y - np.mean(Y)) / np.std(Y) * math.sqrt(v)
    unbiased = sum(y * y for y in Y) / (B - 1)
    return old + momentum * (unbiased - old)


def running_variance__torch(v, B, momentum, old):
    Y = torch.arange(B, dtype=torch.float64)[:, None]
    Y = Y / Y.std(correction=0) * v**0.5
    mean, var = Y.new_zeros(1), Y.new_full((1,), old)
    torch.nn.functional.batch_norm(Y, mean, var, training=True, momentum=momentum)
    return var.numpy()
