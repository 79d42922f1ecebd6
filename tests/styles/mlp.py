"""Right answers to the checks of questions 3.1 and 3.2, in five styles each."""

import math

import numpy as np
import torch

torch.set_num_threads(1)


def softmax_loops(z):
    top = max(z)
    total = 0.0
    for value in z:
        total += math.exp(value - top)
    return [math.exp(value - top) / total for value in z]


def softmax_sums(z):
    differences = z[:, None] - z[None, :]
    return 1 / np.exp(-differences).sum(axis=1)


def softmax_closed(z):
    return np.exp(z - np.logaddexp.reduce(z))


def softmax_torch(z):
    return torch.softmax(torch.from_numpy(z), dim=0).numpy()


def softmax_float32(z):
    z = z.astype(np.float32)
    e = np.exp(z - z.max())
    return e / e.sum()


def logit_gradient_loops(h, target):
    total = 0.0
    for value in h:
        total += math.exp(value)
    dh = []
    for k in range(len(h)):
        y = math.exp(h[k]) / total
        dh.append(y - target[k])
    return dh


def logit_gradient_einsum(h, target):
    y = np.exp(h) / np.exp(h).sum()
    jacobian = np.einsum("kr,k->kr", np.eye(len(h)), y) - np.einsum("k,r->kr", y, y)
    return np.einsum("k,kr->r", -target / y, jacobian)


def logit_gradient_closed(h, target):
    e = np.exp(h)
    return e / e.sum() - target


def logit_gradient_torch(h, target):
    h = torch.from_numpy(h).requires_grad_()
    loss = -torch.sum(torch.from_numpy(target) * torch.log_softmax(h, dim=0))
    return torch.autograd.grad(loss, h)[0].numpy()


def logit_gradient_float32(h, target):
    h, target = h.astype(np.float32), target.astype(np.float32)
    e = np.exp(h)
    return e / e.sum() - target


def activation_gradients_loops(h, z, W, dphi, target):
    total = 0.0
    for value in h[-1]:
        total += math.exp(value)
    dhs = [[math.exp(h[-1][k]) / total - target[k] for k in range(len(target))]]
    for i in range(len(W) - 1, -1, -1):
        slope, above, below = dphi(z[i]), dhs[0], []
        for c in range(W[i].shape[1]):
            entry = 0.0
            for a in range(W[i].shape[0]):
                entry += W[i][a, c] * slope[a] * above[a]
            below.append(entry)
        dhs.insert(0, below)
    return dhs


def activation_gradients_einsum(h, z, W, dphi, target):
    dhs = [np.exp(h[-1]) / np.exp(h[-1]).sum() - target]
    for matrix, pre in zip(W[::-1], z[::-1], strict=True):
        dhs.append(np.einsum("ac,a,a->c", matrix, dhs[-1], dphi(pre)))
    return dhs[::-1]


def activation_gradients_product(h, z, W, dphi, target):
    y = np.exp(h[-1]) / np.exp(h[-1]).sum()
    product = np.eye(len(target))
    dhs = [y - target]
    for i in range(len(W), 0, -1):
        product = W[i - 1].T @ np.diag(dphi(z[i - 1])) @ product
        dhs.append(product @ (y - target))
    return tuple(reversed(dhs))


def activation_gradients_torch(h, z, W, dphi, target):
    # Each layer has the given value and the given slope; the rest is autograd's.
    hs = [torch.from_numpy(h[0]).requires_grad_()]
    for i in range(len(W)):
        pre = torch.from_numpy(W[i]) @ hs[-1]
        change = pre - pre.detach()
        hs.append(torch.from_numpy(h[i + 1]) + torch.from_numpy(dphi(z[i])) * change)
    loss = torch.nn.functional.cross_entropy(hs[-1], torch.from_numpy(target))
    return [dh.numpy() for dh in torch.autograd.grad(loss, hs)]


def activation_gradients_float32(h, z, W, dphi, target):
    e = np.exp(h[-1].astype(np.float32))
    dhs = [e / e.sum() - target.astype(np.float32)]
    for i in reversed(range(len(W))):
        delta = dhs[0] * dphi(z[i].astype(np.float32)).astype(np.float32)
        dhs.insert(0, delta @ W[i].astype(np.float32))
    return dhs


def parameter_gradients_loops(h, z, dphi, dh):
    dWs, dbs = [], []
    for i in range(len(z)):
        slope = dphi(z[i])
        dW = np.zeros((len(z[i]), len(h[i])))
        db = np.zeros(len(z[i]))
        for b in range(len(z[i])):
            db[b] = dh[i + 1][b] * slope[b]
            for c in range(len(h[i])):
                dW[b, c] = db[b] * h[i][c]
        dWs.append(dW)
        dbs.append(db)
    return dWs, dbs


def parameter_gradients_einsum(h, z, dphi, dh):
    rows = list(zip(dh[1:], z, h[:-1], strict=True))
    dW = [np.einsum("b,b,c->bc", up, dphi(pre), x) for up, pre, x in rows]
    db = [np.einsum("b,b->b", up, dphi(pre)) for up, pre, _ in rows]
    return dW, db


def parameter_gradients_matrix(h, z, dphi, dh):
    dW, db = [], []
    for i in range(1, len(h)):
        delta = np.diag(dphi(z[i - 1])) @ dh[i][:, None]
        dW.append(delta @ h[i - 1][None])
        db.append(delta.ravel())
    return [dW, db]


def parameter_gradients_torch(h, z, dphi, dh):
    dWs, dbs = [], []
    for i in range(len(z)):
        x, slope = torch.from_numpy(h[i]), torch.from_numpy(dphi(z[i]))
        W = torch.zeros(len(z[i]), len(x), dtype=torch.float64, requires_grad=True)
        b = torch.zeros(len(z[i]), dtype=torch.float64, requires_grad=True)
        out = slope * (W @ x + b)
        dW, db = torch.autograd.grad(out, (W, b), torch.from_numpy(dh[i + 1]))
        dWs.append(dW.numpy())
        dbs.append(db.numpy())
    return dWs, dbs


def parameter_gradients_float32(h, z, dphi, dh):
    dWs, dbs = [], []
    for i in range(len(z)):
        slope = dphi(z[i].astype(np.float32)).astype(np.float32)
        delta = dh[i + 1].astype(np.float32) * slope
        dWs.append(np.outer(delta, h[i].astype(np.float32)))
        dbs.append(delta)
    return dWs, dbs


def hessian_loops(h, target):
    total = 0.0
    for value in h:
        total += math.exp(value)
    hessian = np.zeros((len(h), len(h)))
    for k in range(len(h)):
        for r in range(len(h)):
            y_k, y_r = math.exp(h[k]) / total, math.exp(h[r]) / total
            hessian[k, r] = y_k - y_k * y_r if k == r else -y_k * y_r
    return hessian


def hessian_einsum(h, target):
    y = np.exp(h) / np.exp(h).sum()
    return np.einsum("k,kr->kr", y, np.eye(len(h)) - y)


def hessian_matrix(h, target):
    y = np.exp(h) / np.exp(h).sum()
    return np.diag(y) - np.outer(y, y)


def hessian_torch(h, target):
    target = torch.from_numpy(target)

    def loss(logits):
        return torch.nn.functional.cross_entropy(logits, target)

    return torch.autograd.functional.hessian(loss, torch.from_numpy(h)).numpy()


def hessian_float32(h, target):
    e = np.exp(h.astype(np.float32))
    y = e / e.sum()
    return np.diag(y) - y[:, None] * y


def label_smoothing_loops(h, label, smoothing):
    total = 0.0
    for value in h:
        total += math.exp(value)
    dh = []
    for k in range(len(h)):
        target = smoothing / len(h)
        if k == label:
            target += 1 - smoothing
        dh.append(math.exp(h[k]) / total - target)
    return dh


def label_smoothing_mixture(h, label, smoothing):
    y = np.exp(h) / np.exp(h).sum()
    to_label = y - np.eye(len(h))[label]
    to_uniform = y - 1 / len(h)
    return (1 - smoothing) * to_label + smoothing * to_uniform


def label_smoothing_closed(h, label, smoothing):
    dh = np.exp(h) / np.exp(h).sum() - smoothing / len(h)
    dh[label] -= 1 - smoothing
    return dh


def label_smoothing_torch(h, label, smoothing):
    h = torch.from_numpy(h).requires_grad_()
    loss = torch.nn.functional.cross_entropy(h, torch.tensor(label), label_smoothing=smoothing)
    return torch.autograd.grad(loss, h)[0].numpy()


def label_smoothing_float32(h, label, smoothing):
    e = np.exp(h.astype(np.float32))
    target = np.full(len(h), smoothing / len(h), dtype=np.float32)
    target[label] += np.float32(1 - smoothing)
    return e / e.sum() - target


def batch_weight_gradient_loops(dZ, X):
    B, M, N = len(dZ), dZ.shape[1], X.shape[1]
    dW, db = np.zeros((M, N)), np.zeros(M)
    for n in range(B):
        for a in range(M):
            db[a] += dZ[n, a] / B
            for c in range(N):
                dW[a, c] += dZ[n, a] * X[n, c] / B
    return dW, db


def batch_weight_gradient_einsum(dZ, X):
    B = len(X)
    return np.einsum("na,nc->ac", dZ, X) / B, np.einsum("na->a", dZ) / B


def batch_weight_gradient_matrix(dZ, X):
    # The bias is a weight from an input that is always 1.
    ones = np.ones((len(X), 1))
    both = dZ.T @ np.hstack([X, ones]) / len(X)
    return both[:, :-1], both[:, -1]


def batch_weight_gradient_torch(dZ, X):
    X, dZ = torch.from_numpy(X), torch.from_numpy(dZ)
    W = torch.zeros(dZ.shape[1], X.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros(dZ.shape[1], dtype=torch.float64, requires_grad=True)
    losses = torch.sum(dZ * torch.nn.functional.linear(X, W, b), dim=1)
    dW, db = torch.autograd.grad(losses.mean(), (W, b))
    return dW.numpy(), db.numpy()


def batch_weight_gradient_float32(dZ, X):
    dZ, X = dZ.astype(np.float32), X.astype(np.float32)
    return (dZ.T @ X) / np.float32(len(X)), dZ.mean(axis=0)


STYLES = {
    "softmax_of_logits": (
        softmax_loops,
        softmax_sums,
        softmax_closed,
        softmax_torch,
        softmax_float32,
    ),
    "softmax_cross_entropy_gradient": (
        logit_gradient_loops,
        logit_gradient_einsum,
        logit_gradient_closed,
        logit_gradient_torch,
        logit_gradient_float32,
    ),
    "activation_gradients": (
        activation_gradients_loops,
        activation_gradients_einsum,
        activation_gradients_product,
        activation_gradients_torch,
        activation_gradients_float32,
    ),
    "parameter_gradients": (
        parameter_gradients_loops,
        parameter_gradients_einsum,
        parameter_gradients_matrix,
        parameter_gradients_torch,
        parameter_gradients_float32,
    ),
    "softmax_cross_entropy_hessian": (
        hessian_loops,
        hessian_einsum,
        hessian_matrix,
        hessian_torch,
        hessian_float32,
    ),
    "label_smoothing_gradient": (
        label_smoothing_loops,
        label_smoothing_mixture,
        label_smoothing_closed,
        label_smoothing_torch,
        label_smoothing_float32,
    ),
    "batch_weight_gradient": (
        batch_weight_gradient_loops,
        batch_weight_gradient_einsum,
        batch_weight_gradient_matrix,
        batch_weight_gradient_torch,
        batch_weight_gradient_float32,
    ),
}
