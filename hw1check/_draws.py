"""Random arguments that several modules draw."""

import numpy as np


def _batch_shape(rng, i):
    """Draw (B, M), now and then a square: there a swapped axis raises no error."""
    if i == 0:
        return 3, 2
    B, M = int(rng.integers(3, 8)), int(rng.integers(2, 6))
    if i % 5 == 4:
        return max(M, 3), max(M, 3)
    return (B + 1, M) if B == M else (B, M)


def _printable(values):
    """Round to what a learner can paste; 0, 1 and -1 are moved away, since they hide mistakes."""
    values = np.round(values, 2)
    return np.where(np.isin(values, (-1, 0, 1)), values + 0.07, values).round(2)


def _scale(rng, M):
    return _printable(rng.uniform(0.5, 2.0, M) * rng.choice((-1, 1), M))


def _epsilon(rng):
    return round(rng.uniform(0.1, 0.5), 2)
