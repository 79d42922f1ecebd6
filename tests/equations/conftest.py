"""What the checks of the equations share: one way to compare, which records the error."""

import numpy as np
import pytest
import sympy


class Check:
    """Compare two sides of an equation and remember the largest error."""

    def __init__(self, record):
        self.record = record

    def equal(self, *forms, rtol=1e-10, atol=0.0):
        """Compare arrays or numbers with the last; an error is relative to its largest entry."""
        expected = np.asarray(forms[-1], dtype=float)
        for form in forms[:-1]:
            actual = np.asarray(form, dtype=float)
            assert actual.shape == expected.shape
            np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
            scale = np.abs(expected).max() or 1.0
            self.record("error", float(np.abs(actual - expected).max() / scale))

    def identity(self, *forms):
        """Show that symbolic expressions are the same as the last."""
        for form in forms[:-1]:
            assert sympy.simplify(form - forms[-1]) == 0
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
