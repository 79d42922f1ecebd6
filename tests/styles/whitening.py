"""Right answers to the checks of question 2.4, whitening."""

import numpy as np
import torch


def whitened_covariance__matrix(eigenvalues, eps):
    sigma = np.diag(eigenvalues)
    return np.diag(np.linalg.inv(sigma + eps * np.eye(len(sigma))) @ sigma)


def whitened_covariance__torch(eigenvalues, eps):
    sigma = torch.diag(torch.tensor(eigenvalues))
    lam, U = torch.linalg.eigh(sigma + eps * torch.eye(len(sigma), dtype=sigma.dtype))
    root = U @ torch.diag(lam.rsqrt()) @ U.T
    return torch.diag(root @ sigma @ root).numpy()


def whitening_output__einsum(Y, gamma, beta, eps):
    C = Y - np.einsum("ij->j", Y) / len(Y)
    lam, U = np.linalg.eigh(np.einsum("ij,ik->jk", C, C) / len(Y))
    return np.einsum("ij,ja,a,ka,k->ik", C, U, (lam + eps) ** -0.5, U, gamma) + beta


def whitening_output__svd(Y, gamma, beta, eps):
    Q, width, V = np.linalg.svd(Y - Y.mean(axis=0), full_matrices=False)
    return Q @ np.diag(width / np.sqrt(width**2 / len(Y) + eps)) @ V @ np.diag(gamma) + beta


def whitening_gradient__sylvester(dY_hat, Y, gamma, eps):
    B, M = Y.shape
    H, identity = np.eye(B) - 1 / B, np.eye(M)
    C, T = H @ Y, dY_hat @ np.diag(gamma)
    lam, U = np.linalg.eigh(C.T @ C / B + eps * identity)
    R = U @ np.diag(np.sqrt(lam)) @ U.T
    P = np.linalg.inv(R)
    A = C.T @ T + T.T @ C
    equations = np.kron(identity, R) + np.kron(R, identity)
    D = -np.linalg.solve(equations, (P @ A @ P).ravel()).reshape(M, M)
    return H @ (T @ P + C @ D / B)


def whitening_gradient__torch(dY_hat, Y, gamma, eps):
    Y = torch.tensor(Y, requires_grad=True)
    C = Y - Y.mean(dim=0)
    S = C.T @ C / len(C) + eps * torch.eye(C.shape[1], dtype=C.dtype)
    lam, U = torch.linalg.eigh(S)
    Y_hat = torch.tensor(gamma) * (C @ U @ torch.diag(lam.rsqrt()) @ U.T)
    (dY,) = torch.autograd.grad(Y_hat, Y, torch.tensor(dY_hat))
    return dY.numpy()
