"""Who is compared: each side makes of an operation a function that runs forward and backward."""

from types import SimpleNamespace

import numpy as np

from benchmarks.operations import P


def closed_form(operation, leaves, upstream):
    """Run hw1lib's two passes."""
    return lambda: operation.closed_form(leaves, upstream)


def torch_autograd(operation, leaves, upstream):
    """Differentiate the same mathematics with torch's autograd."""
    import torch

    xp = SimpleNamespace(
        **{name: getattr(torch, name) for name in ("mean", "sqrt", "relu", "exp", "log", "sum")},
        eigh=torch.linalg.eigh,
        rowmax=lambda Z: torch.amax(Z, 1, keepdim=True),
        keep=lambda h: (torch.rand_like(h) >= P).to(h.dtype),
    )
    return _torch(torch, operation, lambda *a: operation.mathematics(xp, *a), leaves, upstream)


def torch_fused(operation, leaves, upstream):
    """Run the operations that torch ships for the purpose, with their own backward passes."""
    import torch

    if operation.fused is None:
        return None
    return _torch(torch, operation, lambda *a: operation.fused(torch, *a), leaves, upstream)


def _torch(torch, operation, function, leaves, upstream):
    tensors = [torch.from_numpy(x.copy()) for x in leaves]
    wanted = [x for i, x in enumerate(tensors) if i not in _constants(operation)]
    for x in wanted:
        x.requires_grad_()
    upstream = torch.from_numpy(upstream.copy())

    def run():
        output = function(*tensors)
        return output.detach(), *torch.autograd.grad(output, wanted, upstream)

    return run


def hips_autograd(operation, leaves, upstream):
    """Differentiate the same mathematics with HIPS autograd."""
    import autograd.numpy as anp
    from autograd import make_vjp

    rng = np.random.default_rng(0)
    xp = SimpleNamespace(
        **{name: getattr(anp, name) for name in ("mean", "sqrt", "exp", "log", "sum")},
        relu=lambda x: anp.maximum(x, 0),
        eigh=anp.linalg.eigh,
        rowmax=lambda Z: anp.max(Z, 1, keepdims=True),
        keep=lambda h: (rng.random(h.shape) >= P).astype(h.dtype),
    )
    fixed = _constants(operation)
    wanted = tuple(x for i, x in enumerate(leaves) if i not in fixed)

    def function(arguments):
        # The constants of an operation are its last arguments.
        return operation.mathematics(xp, *arguments, *leaves[len(wanted) :])

    def run():
        vjp, output = make_vjp(function)(wanted)
        return output, *vjp(upstream)

    return run


def jax_jit(operation, leaves, upstream):
    """Differentiate the same mathematics with JAX, compiled."""
    import jax
    import jax.numpy as jnp

    xp = SimpleNamespace(
        **{name: getattr(jnp, name) for name in ("mean", "sqrt", "exp", "log", "sum")},
        relu=jax.nn.relu,
        eigh=jnp.linalg.eigh,
        rowmax=lambda Z: jnp.max(Z, 1, keepdims=True),
    )
    fixed = _constants(operation)
    wanted = tuple(jnp.asarray(x) for i, x in enumerate(leaves) if i not in fixed)
    constants = tuple(jnp.asarray(leaves[i]) for i in fixed)

    @jax.jit
    def both(wanted, constants, upstream, key):
        key, used = jax.random.split(key)
        xp.keep = lambda h: jax.random.bernoulli(used, 1 - P, h.shape).astype(h.dtype)
        output, vjp = jax.vjp(lambda *a: operation.mathematics(xp, *a, *constants), *wanted)
        return output, vjp(upstream), key

    upstream, key = jnp.asarray(upstream), jax.random.key(0)

    def run():
        nonlocal key
        output, gradients, key = jax.block_until_ready(both(wanted, constants, upstream, key))
        return output, *gradients

    return run


def _constants(operation):
    """Return the places of the arguments that have no gradient."""
    return getattr(operation, "constants", ())


SIDES = {
    "hw1lib": closed_form,
    "torch autograd": torch_autograd,
    "torch fused": torch_fused,
    "HIPS autograd": hips_autograd,
    "JAX jit": jax_jit,
}
