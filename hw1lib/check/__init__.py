"""Check your own derivation: each check says what is right, what is wrong, and what went wrong."""

from hw1lib.check import batchnorm, dropout, initialization, mlp, whitening
from hw1lib.check._problem import Mistake, Problem
from hw1lib.check._report import Part, Report
from hw1lib.check.batchnorm import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_gain_bound,
    batchnorm_moments,
    batchnorm_output_variance,
    fold_batchnorm,
    layernorm_backward,
    relu_batchnorm_backward,
    rmsnorm_backward,
    running_variance,
)
from hw1lib.check.dropout import (
    activation_variance,
    all_dropped_probability,
    dropconnect_variance,
    dropout_backward,
    dropout_forward,
    dropout_scale,
    dropout_variance,
    dropout_variance_any,
    gaussian_dropout_std,
    kept_units_mean,
    kept_units_pmf,
    poisson_limit_pmf,
    poisson_width_pmf,
    shared_mask_covariance,
)
from hw1lib.check.initialization import (
    backward_factor,
    forward_factor,
    kaiming_std,
    leaky_kaiming_std,
    residual_second_moment,
    uniform_bound,
    whole_net_ratio,
    xavier_std,
)
from hw1lib.check.mlp import (
    activation_gradients,
    batch_weight_gradient,
    label_smoothing_gradient,
    parameter_gradients,
    softmax,
    softmax_cross_entropy_gradient,
    softmax_cross_entropy_hessian,
)
from hw1lib.check.whitening import (
    whitened_covariance,
    whitening_backward,
    whitening_forward,
)

__all__ = [
    "PROBLEMS",
    "Mistake",
    "Part",
    "Problem",
    "Report",
    "activation_gradients",
    "activation_variance",
    "all_dropped_probability",
    "backward_factor",
    "batch_weight_gradient",
    "batchnorm_backward",
    "batchnorm_forward",
    "batchnorm_gain_bound",
    "batchnorm_moments",
    "batchnorm_output_variance",
    "dropconnect_variance",
    "dropout_backward",
    "dropout_forward",
    "dropout_scale",
    "dropout_variance",
    "dropout_variance_any",
    "fold_batchnorm",
    "forward_factor",
    "gaussian_dropout_std",
    "kaiming_std",
    "kept_units_mean",
    "kept_units_pmf",
    "label_smoothing_gradient",
    "layernorm_backward",
    "leaky_kaiming_std",
    "parameter_gradients",
    "poisson_limit_pmf",
    "poisson_width_pmf",
    "relu_batchnorm_backward",
    "residual_second_moment",
    "rmsnorm_backward",
    "running_variance",
    "shared_mask_covariance",
    "softmax",
    "softmax_cross_entropy_gradient",
    "softmax_cross_entropy_hessian",
    "uniform_bound",
    "whitened_covariance",
    "whitening_backward",
    "whitening_forward",
    "whole_net_ratio",
    "xavier_std",
]


def _place(problem):
    """Order the checks as the homework does, each question before what goes beyond it."""
    beyond, _, number = problem.question.rpartition(" ")
    return number, bool(beyond)


_MODULES = (dropout, batchnorm, whitening, mlp, initialization)
PROBLEMS = tuple(
    sorted(
        (v for module in _MODULES for v in vars(module).values() if isinstance(v, Problem)),
        key=_place,
    )
)
