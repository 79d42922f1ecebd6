"""What the unit tests share: torch's side of a comparison, and the comparison."""

import numpy as np
import torch

RTOL = 1e-10  # in float64


def autograd(function, upstream, *arrays):
    """Return a function's value and the gradients of its arguments, by torch."""
    leaves = [torch.tensor(np.array(a), requires_grad=True) for a in arrays]
    output = function(*leaves)
    gradients = torch.autograd.grad(output, leaves, torch.tensor(upstream))
    return output.detach().numpy(), [g.numpy() for g in gradients]


def same(actual, expected, rtol=RTOL, atol=0.0):
    """Compare arrays, or two sequences of arrays; `atol` is a part of the largest entry."""
    if isinstance(expected, (list, tuple)):
        for a, e in zip(actual, expected, strict=True):
            same(a, e, rtol, atol)
    else:
        atol = atol * np.abs(np.asarray(expected)).max()
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
