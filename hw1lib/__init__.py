"""Reference implementations for a deep-learning homework, in NumPy.

Dropout, batch normalization, whitening, back-propagation through an MLP and the Xavier and Kaiming
initializations, each forward and backward, with the homework's equation numbers.

A bad argument is a TypeError or a ValueError that names it; so is a result that overflows.
"""

# ruff: noqa: I001 (the names are packed)

from hw1lib.batchnorm import (
    batchnorm_backward, batchnorm_forward, batchnorm_inference, batchnorm_running_update,
    batchnorm_statistics_backward,
)  # fmt: skip
from hw1lib.dropout import (
    dropout_backward, dropout_forward, dropout_mask, dropout_moments, kept_units_mean,
    kept_units_pmf, poisson_limit_bound, poisson_limit_distance, poisson_pmf, poisson_width_pmf,
    rectified_normal_moments,
)  # fmt: skip
from hw1lib.gradcheck import largest_difference, numerical_gradient
from hw1lib.initialization import (
    alive_probability, backward_second_moments, forward_second_moments, kaiming_normal, kaiming_std,
    kaiming_uniform, xavier_normal, xavier_std, xavier_uniform,
)  # fmt: skip
from hw1lib.mlp import (
    affine_backward, affine_forward, logsumexp, mlp_backward, mlp_forward, relu_backward,
    relu_forward, softmax, softmax_cross_entropy_backward, softmax_cross_entropy_forward,
    tanh_backward, tanh_forward,
)  # fmt: skip
from hw1lib.whitening import (
    inverse_root_backward, inverse_root_forward, newton_inverse_root_backward,
    newton_inverse_root_forward, newton_whitening_forward, pca_whitening_forward,
    whitening_backward, whitening_forward, whitening_inference,
)  # fmt: skip

__version__ = "0.1.0"

__all__ = [
    "affine_backward", "affine_forward", "alive_probability", "backward_second_moments",
    "batchnorm_backward", "batchnorm_forward", "batchnorm_inference", "batchnorm_running_update",
    "batchnorm_statistics_backward", "dropout_backward", "dropout_forward", "dropout_mask",
    "dropout_moments", "forward_second_moments", "inverse_root_backward", "inverse_root_forward",
    "kaiming_normal", "kaiming_std", "kaiming_uniform", "kept_units_mean", "kept_units_pmf",
    "largest_difference", "logsumexp", "mlp_backward", "mlp_forward",
    "newton_inverse_root_backward", "newton_inverse_root_forward", "newton_whitening_forward",
    "numerical_gradient", "pca_whitening_forward", "poisson_limit_bound", "poisson_limit_distance",
    "poisson_pmf", "poisson_width_pmf", "rectified_normal_moments", "relu_backward", "relu_forward",
    "softmax", "softmax_cross_entropy_backward", "softmax_cross_entropy_forward", "tanh_backward",
    "tanh_forward", "whitening_backward", "whitening_forward", "whitening_inference",
    "xavier_normal", "xavier_std", "xavier_uniform",
]  # fmt: skip
