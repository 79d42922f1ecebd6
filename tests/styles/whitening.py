"""Right answers to the checks of whitening: loops, einsum, matrices, torch, float32."""

import math

import numpy as np
import torch

torch.set_num_threads(1)


def whitened_covariance_loops(eigenvalues, eps):
    return [lam / (lam + eps) for lam in eigenvalues]


def whitened_covariance_share(eigenvalues, eps):
    return 1 - eps / (eigenvalues + eps)


def whitened_covariance_matrix(eigenvalues, eps):
    sigma = np.diag(eigenvalues)
    return np.diag(np.linalg.inv(sigma + eps * np.eye(len(sigma))) @ sigma)


def whitened_covariance_torch(eigenvalues, eps):
    sigma = torch.diag(torch.tensor(eigenvalues))
    lam, U = torch.linalg.eigh(sigma + eps * torch.eye(len(sigma), dtype=sigma.dtype))
    root = U @ torch.diag(lam.rsqrt()) @ U.T
    return torch.diag(root @ sigma @ root).numpy()


def whitened_covariance_float32(eigenvalues, eps):
    lam = eigenvalues.astype(np.float32)
    root = np.sqrt(lam + np.float32(eps))
    return lam / root / root


def forward_loops(Y, gamma, beta, eps):
    B, M = Y.shape
    mu = [sum(Y[i, j] for i in range(B)) / B for j in range(M)]
    C = [[Y[i, j] - mu[j] for j in range(M)] for i in range(B)]
    S = np.zeros((M, M))
    for j in range(M):
        S[j, j] = eps
        for k in range(M):
            S[j, k] += sum(C[i][j] * C[i][k] for i in range(B)) / B
    lam, U = np.linalg.eigh(S)
    Y_hat = np.empty((B, M))
    for i in range(B):
        for j in range(M):
            along = [sum(C[i][k] * U[k, a] for k in range(M)) for a in range(M)]
            white = sum(along[a] * U[j, a] / math.sqrt(lam[a]) for a in range(M))
            Y_hat[i, j] = gamma[j] * white + beta[j]
    return Y_hat


def forward_einsum(Y, gamma, beta, eps):
    C = Y - np.einsum("ij->j", Y) / len(Y)
    lam, U = np.linalg.eigh(np.einsum("ij,ik->jk", C, C) / len(Y))
    return np.einsum("ij,ja,a,ka,k->ik", C, U, (lam + eps) ** -0.5, U, gamma) + beta


def forward_singular_values(Y, gamma, beta, eps):
    Q, width, V = np.linalg.svd(Y - Y.mean(axis=0), full_matrices=False)
    return Q @ np.diag(width / np.sqrt(width**2 / len(Y) + eps)) @ V @ np.diag(gamma) + beta


def forward_torch(Y, gamma, beta, eps):
    Y = torch.tensor(Y)
    S = torch.cov(Y.T, correction=0) + eps * torch.eye(Y.shape[1], dtype=Y.dtype)
    lam, U = torch.linalg.eigh(S)
    white = (Y - Y.mean(dim=0)) @ U @ torch.diag(lam.rsqrt()) @ U.T
    return (torch.tensor(gamma) * white + torch.tensor(beta)).numpy()


def forward_float32(Y, gamma, beta, eps):
    Y, gamma, beta = Y.astype(np.float32), gamma.astype(np.float32), beta.astype(np.float32)
    C = Y - Y.mean(axis=0)
    lam, U = np.linalg.eigh(C.T @ C / np.float32(len(Y)))
    return C @ (U / np.sqrt(lam + np.float32(eps))) @ U.T * gamma + beta


def backward_loops(dY_hat, Y, gamma, eps):
    B, M = Y.shape
    C = Y - sum(Y) / B
    lam, U = np.linalg.eigh(sum(np.outer(c, c) for c in C) / B)
    r = [math.sqrt(x + eps) for x in lam]
    P = sum(np.outer(U[:, a], U[:, a]) / r[a] for a in range(M))
    dY = np.empty((B, M))
    for i in range(B):
        for j in range(M):
            # Move one entry, and the centred batch, the covariance and the root move along.
            dC = np.zeros((B, M))
            dC[:, j] = -1 / B
            dC[i, j] += 1
            dS = (dC.T @ C + C.T @ dC) / B
            dP = np.zeros((M, M))
            for a in range(M):
                for b in range(M):
                    slope = U[:, a] @ dS @ U[:, b] / (r[a] * r[b] * (r[a] + r[b]))
                    dP -= slope * np.outer(U[:, a], U[:, b])
            dY[i, j] = np.sum(dY_hat * gamma * (dC @ P + C @ dP))
    return dY


def backward_einsum(dY_hat, Y, gamma, eps):
    B = len(Y)
    C = Y - Y.mean(axis=0)
    lam, U = np.linalg.eigh(np.einsum("ij,ik->jk", C, C) / B)
    r = np.sqrt(lam + eps)
    T = np.einsum("ij,j,ja->ia", dY_hat, gamma, U)
    C = np.einsum("ij,ja->ia", C, U)
    A = np.einsum("ia,ib->ab", C, T)
    kernel = np.einsum("a,b,ab->ab", 1 / r, 1 / r, 1 / (r[:, None] + r[None, :]))
    D = -kernel * (A + A.T) / 2
    dC = np.einsum("ia,a->ia", T, 1 / r) + 2 / B * np.einsum("ia,ab->ib", C, D)
    return np.einsum("ia,ja->ij", dC - dC.mean(axis=0), U)


def backward_sylvester(dY_hat, Y, gamma, eps):
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


def backward_torch(dY_hat, Y, gamma, eps):
    Y = torch.tensor(Y, requires_grad=True)
    C = Y - Y.mean(dim=0)
    S = C.T @ C / len(C) + eps * torch.eye(C.shape[1], dtype=C.dtype)
    lam, U = torch.linalg.eigh(S)
    Y_hat = torch.tensor(gamma) * (C @ U @ torch.diag(lam.rsqrt()) @ U.T)
    (dY,) = torch.autograd.grad(Y_hat, Y, torch.tensor(dY_hat))
    return dY.numpy()


def backward_float32(dY_hat, Y, gamma, eps):
    T, Y = (dY_hat * gamma).astype(np.float32), Y.astype(np.float32)
    C = Y - Y.mean(axis=0)
    lam, U = np.linalg.eigh(C.T @ C / np.float32(len(Y)))
    r = np.sqrt(lam + np.float32(eps))
    A = U.T @ (C.T @ T) @ U
    D = U @ ((A + A.T) / (np.outer(r, r) * np.add.outer(r, r))) @ U.T
    dC = T @ (U / r) @ U.T - C @ D / np.float32(len(Y))
    return dC - dC.mean(axis=0)


STYLES = {
    "whitened_covariance": (
        whitened_covariance_loops,
        whitened_covariance_share,
        whitened_covariance_matrix,
        whitened_covariance_torch,
        whitened_covariance_float32,
    ),
    "whitening_output": (
        forward_loops,
        forward_einsum,
        forward_singular_values,
        forward_torch,
        forward_float32,
    ),
    "whitening_gradient": (
        backward_loops,
        backward_einsum,
        backward_sylvester,
        backward_torch,
        backward_float32,
    ),
}
