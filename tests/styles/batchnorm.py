"""Right answers to the checks of batch norm: loops, einsum, matrices, torch, float32."""

import math

import numpy as np
import torch

torch.set_num_threads(1)


def output_variance_literal(gamma, v, eps):
    return gamma**2 * v / (v + eps)


def output_variance_of_a_batch(gamma, v, eps):
    Y = [0.0, 2 * math.sqrt(v)]
    Y_hat = [gamma * y / math.sqrt(v + eps) for y in Y]
    mean = sum(Y_hat) / len(Y_hat)
    return sum((y - mean) ** 2 for y in Y_hat) / len(Y_hat)


def output_variance_share(gamma, v, eps):
    return gamma * gamma * (1 - eps / (v + eps))


def output_variance_torch(gamma, v, eps):
    Y = torch.tensor([[-1.0], [1.0]], dtype=torch.float64) * v**0.5
    weight = torch.tensor([gamma], dtype=torch.float64)
    Y_hat = torch.nn.functional.batch_norm(Y, None, None, weight, training=True, eps=eps)
    return Y_hat.var(correction=0).item()


def output_variance_float32(gamma, v, eps):
    gamma, v, eps = np.float32(gamma), np.float32(v), np.float32(eps)
    return np.square(gamma / np.sqrt(v + eps)) * v


def gain_literal(gamma, eps):
    return abs(gamma) / math.sqrt(eps)


def gain_of_squares(gamma, eps):
    return math.sqrt(gamma * gamma / eps)


def gain_power(gamma, eps):
    return np.abs(gamma) * eps**-0.5


def gain_torch(gamma, eps):
    y = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(gamma * y / torch.sqrt(y * y + eps), y)
    return slope.abs().item()


def gain_float32(gamma, eps):
    return np.abs(np.float32(gamma)) / np.sqrt(np.float32(eps))


def moments_literal(gamma, beta):
    return beta, gamma**2


def moments_of_a_batch(gamma, beta):
    mean, variance = [], []
    for g, b in zip(gamma, beta, strict=True):
        Y_hat = [b - g, b + g]
        mean.append(sum(Y_hat) / len(Y_hat))
        variance.append(sum((y - mean[-1]) ** 2 for y in Y_hat) / len(Y_hat))
    return mean, variance


def moments_matrix(gamma, beta):
    return np.copy(beta), np.diag(np.outer(gamma, gamma))


def moments_torch(gamma, beta):
    x_hat = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    Y_hat = torch.outer(x_hat, torch.tensor(gamma)) + torch.tensor(beta)
    return Y_hat.mean(0).numpy(), Y_hat.var(0, correction=0).numpy()


def moments_float32(gamma, beta):
    return beta.astype(np.float32), np.square(gamma.astype(np.float32))


def forward_loops(Y, gamma, beta, eps):
    B, M = Y.shape
    Y_hat = np.empty((B, M))
    for j in range(M):
        m = sum(Y[i, j] for i in range(B)) / B
        v = sum((Y[i, j] - m) ** 2 for i in range(B)) / B
        for i in range(B):
            Y_hat[i, j] = gamma[j] * (Y[i, j] - m) / math.sqrt(v + eps) + beta[j]
    return Y_hat


def forward_einsum(Y, gamma, beta, eps):
    d = Y - np.einsum("ij->j", Y) / len(Y)
    s = np.sqrt(np.einsum("ij,ij->j", d, d) / len(Y) + eps)
    return np.einsum("j,ij->ij", gamma / s, d) + beta


def forward_matrix(Y, gamma, beta, eps):
    B = len(Y)
    C = (np.eye(B) - np.full((B, B), 1 / B)) @ Y
    S = np.diag(np.diag(C.T @ C) / B + eps)
    return C @ np.linalg.inv(np.sqrt(S)) @ np.diag(gamma) + np.outer(np.ones(B), beta)


def forward_torch(Y, gamma, beta, eps):
    Y, gamma, beta = torch.tensor(Y), torch.tensor(gamma), torch.tensor(beta)
    batch_norm = torch.nn.functional.batch_norm
    return batch_norm(Y, None, None, gamma, beta, training=True, eps=eps).numpy()


def forward_float32(Y, gamma, beta, eps):
    Y, gamma, beta = Y.astype(np.float32), gamma.astype(np.float32), beta.astype(np.float32)
    return gamma * (Y - Y.mean(axis=0)) / np.sqrt(Y.var(axis=0) + np.float32(eps)) + beta


def backward_loops(dH, Y, gamma, beta, eps):
    B, M = Y.shape
    dgamma, dbeta, dm, dv = np.zeros((4, M))
    dY = np.zeros((B, M))
    for j in range(M):
        m = sum(Y[i, j] for i in range(B)) / B
        v = sum((Y[i, j] - m) ** 2 for i in range(B)) / B
        s = math.sqrt(v + eps)
        x_hat = [(Y[i, j] - m) / s for i in range(B)]
        for k in range(B):
            if gamma[j] * x_hat[k] + beta[j] > 0:
                dgamma[j] += dH[k, j] * x_hat[k]
                dbeta[j] += dH[k, j]
                dm[j] -= dH[k, j] * gamma[j] / s
                dv[j] -= dH[k, j] * gamma[j] * (Y[k, j] - m) / (2 * s**3)
                for i in range(B):
                    slope = (i == k) - 1 / B - x_hat[k] * x_hat[i] / B
                    dY[i, j] += dH[k, j] * gamma[j] / s * slope
    return dgamma, dbeta, dm, dv, dY


def backward_einsum(dH, Y, gamma, beta, eps):
    B = len(Y)
    d = Y - Y.mean(axis=0)
    s = np.sqrt(np.einsum("ij,ij->j", d, d) / B + eps)
    x_hat = d / s
    G = np.where(gamma * x_hat + beta > 0, dH, 0)
    jacobian = np.eye(B)[:, :, None] - 1 / B - np.einsum("kj,ij->kij", x_hat, x_hat) / B
    dY = np.einsum("kj,kij,j->ij", G, jacobian, gamma / s)
    dv = -np.einsum("kj,kj,j->j", G, d, gamma / s**3) / 2
    dm = -np.einsum("kj,j->j", G, gamma / s)
    return np.einsum("kj,kj->j", G, x_hat), np.einsum("kj->j", G), dm, dv, dY


def backward_closed_form(dH, Y, gamma, beta, eps):
    B, m, v = len(Y), Y.mean(axis=0), Y.var(axis=0)
    s = np.sqrt(v + eps)
    x_hat = (Y - m) / s
    G = dH * (gamma * x_hat + beta > 0)
    dgamma, dbeta = np.sum(G * x_hat, axis=0), np.sum(G, axis=0)
    dY = gamma / (B * s) * (B * G - dbeta - x_hat * dgamma)
    return dgamma, dbeta, -gamma * dbeta / s, -0.5 * gamma * dgamma / s**2, dY


def backward_torch(dH, Y, gamma, beta, eps):
    Y, gamma, beta = (torch.tensor(x, requires_grad=True) for x in (Y, gamma, beta))
    m = Y.mean(dim=0)
    v = ((Y - m) ** 2).mean(dim=0)
    H = torch.relu(gamma * (Y - m) / torch.sqrt(v + eps) + beta)
    loss = torch.sum(torch.tensor(dH) * H)
    return [g.numpy() for g in torch.autograd.grad(loss, (gamma, beta, m, v, Y))]


def backward_float32(dH, Y, gamma, beta, eps):
    dH, Y, gamma, beta = (x.astype(np.float32) for x in (dH, Y, gamma, beta))
    d = Y - np.mean(Y, axis=0)
    s = np.sqrt(np.mean(d * d, axis=0) + np.float32(eps))
    G = dH * (gamma * d / s + beta > 0)
    dm, dv = -np.sum(gamma * G / s, axis=0), -np.sum(gamma * G * d, axis=0) / (2 * s**3)
    dY = gamma * G / s + dm / len(Y) + 2 * d * dv / len(Y)
    return np.sum(G * d / s, axis=0), np.sum(G, axis=0), dm, dv, dY


def layernorm_loops(dY_hat, Y, gamma, eps):
    B, M = Y.shape
    dY, dgamma, dbeta = np.zeros((B, M)), np.zeros(M), np.zeros(M)
    for i in range(B):
        m = sum(Y[i, j] for j in range(M)) / M
        v = sum((Y[i, j] - m) ** 2 for j in range(M)) / M
        s = math.sqrt(v + eps)
        x_hat = [(Y[i, j] - m) / s for j in range(M)]
        for k in range(M):
            dgamma[k] += dY_hat[i, k] * x_hat[k]
            dbeta[k] += dY_hat[i, k]
            for j in range(M):
                slope = (j == k) - 1 / M - x_hat[k] * x_hat[j] / M
                dY[i, j] += dY_hat[i, k] * gamma[k] / s * slope
    return dY, dgamma, dbeta


def layernorm_einsum(dY_hat, Y, gamma, eps):
    M = Y.shape[1]
    d = Y - np.einsum("ij->i", Y)[:, None] / M
    s = np.sqrt(np.einsum("ij,ij->i", d, d) / M + eps)
    x_hat = np.einsum("ij,i->ij", d, 1 / s)
    jacobian = np.eye(M) - 1 / M - np.einsum("ij,ik->ijk", x_hat, x_hat) / M
    dY = np.einsum("ik,k,ijk,i->ij", dY_hat, gamma, jacobian, 1 / s)
    return dY, np.einsum("ij,ij->j", dY_hat, x_hat), np.einsum("ij->j", dY_hat)


def layernorm_matrix(dY_hat, Y, gamma, eps):
    T, M = (dY_hat * gamma).T, Y.shape[1]
    C = Y.T - np.mean(Y.T, axis=0)
    s = np.sqrt(np.diag(C.T @ C) / M + eps)
    X = C / s
    D = (T - T.mean(axis=0) - X * np.diag(X.T @ T) / M) / s
    return D.T, np.diag(X @ dY_hat), dY_hat.T @ np.ones(len(Y))


def layernorm_torch(dY_hat, Y, gamma, eps):
    Y, gamma = torch.tensor(Y, requires_grad=True), torch.tensor(gamma, requires_grad=True)
    beta = torch.zeros_like(gamma, requires_grad=True)
    Y_hat = torch.nn.functional.layer_norm(Y, gamma.shape, gamma, beta, eps)
    loss = torch.sum(torch.tensor(dY_hat) * Y_hat)
    return [g.numpy() for g in torch.autograd.grad(loss, (Y, gamma, beta))]


def layernorm_float32(dY_hat, Y, gamma, eps):
    dY_hat, Y, gamma = (x.astype(np.float32) for x in (dY_hat, Y, gamma))
    m, v = Y.mean(axis=1, keepdims=True), Y.var(axis=1, keepdims=True)
    s = np.sqrt(v + np.float32(eps))
    x_hat, T = (Y - m) / s, dY_hat * gamma
    first, second = T.mean(axis=1, keepdims=True), (T * x_hat).mean(axis=1, keepdims=True)
    return (T - first - x_hat * second) / s, (dY_hat * x_hat).sum(axis=0), dY_hat.sum(axis=0)


def rmsnorm_loops(dY_hat, Y, gamma, eps):
    B, M = Y.shape
    dY = np.zeros((B, M))
    for i in range(B):
        r = math.sqrt(sum(Y[i, j] ** 2 for j in range(M)) / M + eps)
        for j in range(M):
            for k in range(M):
                slope = (j == k) / r - Y[i, k] * Y[i, j] / (M * r**3)
                dY[i, j] += dY_hat[i, k] * gamma[k] * slope
    return dY


def rmsnorm_einsum(dY_hat, Y, gamma, eps):
    M = Y.shape[1]
    r = np.sqrt(np.einsum("ij,ij->i", Y, Y) / M + eps)
    T = np.einsum("ij,j->ij", dY_hat, gamma)
    inner = np.einsum("ij,ij->i", T, Y)
    return np.einsum("ij,i->ij", T, 1 / r) - np.einsum("ij,i->ij", Y, inner / (M * r**3))


def rmsnorm_matrix(dY_hat, Y, gamma, eps):
    rows = []
    for t, y in zip(dY_hat @ np.diag(gamma), Y, strict=True):
        square = y @ y / y.size + eps
        jacobian = (np.eye(y.size) - np.outer(y, y) / (y.size * square)) / np.sqrt(square)
        rows.append(jacobian @ t)
    return rows


def rmsnorm_torch(dY_hat, Y, gamma, eps):
    Y = torch.tensor(Y, requires_grad=True)
    Y_hat = torch.nn.functional.rms_norm(Y, Y.shape[1:], torch.tensor(gamma), eps)
    (dY,) = torch.autograd.grad(Y_hat, Y, torch.tensor(dY_hat))
    return dY.numpy()


def rmsnorm_float32(dY_hat, Y, gamma, eps):
    T, Y = (dY_hat * gamma).astype(np.float32), Y.astype(np.float32)
    r = np.sqrt(np.mean(Y * Y, axis=1, keepdims=True) + np.float32(eps))
    n = Y / r
    return (T - n * np.mean(T * n, axis=1, keepdims=True)) / r


def after_relu_loops(dY_hat, Z, gamma, eps):
    B, M = Z.shape
    dZ = np.zeros((B, M))
    for j in range(M):
        Y = [z if z > 0 else 0.0 for z in Z[:, j]]
        m = sum(Y) / B
        s = math.sqrt(sum((y - m) ** 2 for y in Y) / B + eps)
        for i in range(B):
            if Z[i, j] > 0:
                for k in range(B):
                    slope = (i == k) - 1 / B - (Y[k] - m) * (Y[i] - m) / (B * s**2)
                    dZ[i, j] += dY_hat[k, j] * gamma[j] / s * slope
    return dZ


def after_relu_einsum(dY_hat, Z, gamma, eps):
    B, Y = len(Z), Z * (Z > 0)
    d = Y - np.einsum("ij->j", Y) / B
    s = np.sqrt(np.einsum("ij,ij->j", d, d) / B + eps)
    jacobian = np.eye(B)[:, :, None] - 1 / B - np.einsum("kj,ij->kij", d, d) / (B * s**2)
    return np.einsum("kj,kij,j,ij->ij", dY_hat, jacobian, gamma / s, Z > 0)


def after_relu_closed_form(dY_hat, Z, gamma, eps):
    Y = np.maximum(Z, 0)
    s = np.sqrt(Y.var(axis=0) + eps)
    x_hat = (Y - Y.mean(axis=0)) / s
    dY = dY_hat - dY_hat.mean(axis=0) - x_hat * np.mean(dY_hat * x_hat, axis=0)
    return np.where(Z > 0, gamma / s * dY, 0)


def after_relu_torch(dY_hat, Z, gamma, eps):
    Z = torch.tensor(Z, requires_grad=True)
    batch_norm = torch.nn.functional.batch_norm
    out = batch_norm(torch.relu(Z), None, None, torch.tensor(gamma), training=True, eps=eps)
    (dZ,) = torch.autograd.grad(out, Z, torch.tensor(dY_hat))
    return dZ.numpy()


def after_relu_float32(dY_hat, Z, gamma, eps):
    dY_hat, Z, gamma = (x.astype(np.float32) for x in (dY_hat, Z, gamma))
    Y, B = np.maximum(Z, 0), len(Z)
    d = Y - Y.mean(axis=0)
    s = np.sqrt(np.mean(d * d, axis=0) + np.float32(eps))
    dm = -gamma / s * dY_hat.sum(axis=0)
    dv = -gamma / (2 * s**3) * np.sum(dY_hat * d, axis=0)
    return (gamma / s * dY_hat + dm / B + 2 * d * dv / B) * (Z > 0)


def fold_loops(W, b, gamma, beta, running_mean, running_var, eps):
    M, N = W.shape
    W_folded, b_folded = np.empty((M, N)), np.empty(M)
    for j in range(M):
        factor = gamma[j] / math.sqrt(running_var[j] + eps)
        b_folded[j] = factor * (b[j] - running_mean[j]) + beta[j]
        for n in range(N):
            W_folded[j, n] = factor * W[j, n]
    return W_folded, b_folded


def fold_einsum(W, b, gamma, beta, running_mean, running_var, eps):
    factor = gamma * (running_var + eps) ** -0.5
    b_folded = np.einsum("j,j->j", factor, b - running_mean) + beta
    return np.einsum("j,jn->jn", factor, W), b_folded


def fold_matrix(W, b, gamma, beta, running_mean, running_var, eps):
    D = np.diag(gamma) @ np.linalg.inv(np.sqrt(np.diag(running_var + eps)))
    return D @ W, D @ b - D @ running_mean + beta


def fold_torch(W, b, gamma, beta, running_mean, running_var, eps):
    arrays = W, b, gamma, beta, running_mean, running_var
    W, b, gamma, beta, mean, var = (torch.tensor(x) for x in arrays)
    inputs = torch.cat([torch.zeros_like(W[:1]), torch.eye(W.shape[1], dtype=W.dtype)])
    Y = torch.nn.functional.linear(inputs, W, b)
    out = torch.nn.functional.batch_norm(Y, mean, var, gamma, beta, training=False, eps=eps)
    return (out[1:] - out[0]).T.numpy(), out[0].numpy()


def fold_float32(W, b, gamma, beta, running_mean, running_var, eps):
    s = np.sqrt(running_var.astype(np.float32) + np.float32(eps))
    factor = gamma.astype(np.float32) / s
    b_folded = (b - running_mean).astype(np.float32) * factor + beta.astype(np.float32)
    return W.astype(np.float32) * factor[:, None], b_folded


def running_variance_literal(v, B, momentum, old):
    return (1 - momentum) * old + momentum * v * B / (B - 1)


def running_variance_of_a_batch(v, B, momentum, old):
    Y = np.arange(B)
    Y = (Y - np.mean(Y)) / np.std(Y) * math.sqrt(v)
    unbiased = sum(y * y for y in Y) / (B - 1)
    return old + momentum * (unbiased - old)


def running_variance_weights(v, B, momentum, old):
    return np.dot([1 - momentum, momentum], [old, v / (1 - 1 / B)])


def running_variance_torch(v, B, momentum, old):
    Y = torch.arange(B, dtype=torch.float64)[:, None]
    Y = Y / Y.std(correction=0) * v**0.5
    mean, var = Y.new_zeros(1), Y.new_full((1,), old)
    torch.nn.functional.batch_norm(Y, mean, var, training=True, momentum=momentum)
    return var.numpy()


def running_variance_float32(v, B, momentum, old):
    new = np.float32(v) * np.float32(B) / np.float32(B - 1)
    return np.float32(1 - momentum) * np.float32(old) + np.float32(momentum) * new


STYLES = {
    "batchnorm_output_variance": (
        output_variance_literal,
        output_variance_of_a_batch,
        output_variance_share,
        output_variance_torch,
        output_variance_float32,
    ),
    "batchnorm_gain_bound": (
        gain_literal,
        gain_of_squares,
        gain_power,
        gain_torch,
        gain_float32,
    ),
    "batchnorm_moments": (
        moments_literal,
        moments_of_a_batch,
        moments_matrix,
        moments_torch,
        moments_float32,
    ),
    "batchnorm_output": (
        forward_loops,
        forward_einsum,
        forward_matrix,
        forward_torch,
        forward_float32,
    ),
    "batchnorm_gradients": (
        backward_loops,
        backward_einsum,
        backward_closed_form,
        backward_torch,
        backward_float32,
    ),
    "layernorm_backward": (
        layernorm_loops,
        layernorm_einsum,
        layernorm_matrix,
        layernorm_torch,
        layernorm_float32,
    ),
    "rmsnorm_backward": (
        rmsnorm_loops,
        rmsnorm_einsum,
        rmsnorm_matrix,
        rmsnorm_torch,
        rmsnorm_float32,
    ),
    "relu_batchnorm_backward": (
        after_relu_loops,
        after_relu_einsum,
        after_relu_closed_form,
        after_relu_torch,
        after_relu_float32,
    ),
    "fold_batchnorm": (
        fold_loops,
        fold_einsum,
        fold_matrix,
        fold_torch,
        fold_float32,
    ),
    "running_variance": (
        running_variance_literal,
        running_variance_of_a_batch,
        running_variance_weights,
        running_variance_torch,
        running_variance_float32,
    ),
}
