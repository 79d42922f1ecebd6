"""What the checks of the equations share: one way to compare, which records the error."""

import numpy as np
import pytest
import sympy


class Check:
    """Compare two sides of an equation and remember the largest error."""

    def __init__(self, record):
        self.record = record

    def equal(self, actual, expected, rtol=1e-10, atol=0.0):
        """Compare arrays or numbers; the error is relative to the largest entry expected."""
        actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
        scale = np.abs(expected).max() or 1.0
        self.record("error", float(np.abs(actual - expected).max() / scale))

    def identity(self, left, right):
        """Show that two symbolic expressions are the same."""
        assert sympy.simplify(left - right) == 0
        self.record("error", "exact")

    def sample(self, samples, expected, bound=4.0):
        """Compare the mean of independent samples (first axis) with its expected value."""
        samples = np.asarray(samples, dtype=float)
        error = samples.std(axis=0, ddof=1) / len(samples) ** 0.5
        deviations = np.abs(samples.mean(axis=0) - expected) / error
        assert deviations.max() < bound, f"{deviations.max():.1f} standard errors off"
        self.record("standard_errors", float(deviations.max()))
        self.record("n", len(samples))


@pytest.fixture
def check(record_property):
    """Return the check of one equation."""
    return Check(record_property)
