"""Checks for question 2.4, whitening, and the mistakes that learners make there."""

import numpy as np

from hw1check._problem import Problem
from hw1check.batchnorm import _epsilon, _printable, _scale
from hw1lib import whitening as reference


def _whitening_batch(rng, i):
    """Draw a batch with B > M, so that there is an answer without epsilon, too."""
    M = 2 if i == 0 else int(rng.integers(2, 5))
    B = 3 if i == 0 else M + int(rng.integers(2, 5))
    while True:
        # A common factor makes the covariances positive: a root of each entry of the covariance
        # is a mistake worth naming, and of a negative entry there is none.
        Y = 0.9 * rng.normal(size=(B, 1)) + 0.8 * rng.normal(size=(B, M))
        Y = _printable(Y * rng.uniform(0.6, 1.5, M) + rng.uniform(-1.5, 1.5, M))
        C = Y - Y.mean(axis=0)
        sigma = C.T @ C / B
        # Eigenvalues apart from 0 and from each other: else a mistake may come out as noise.
        lam = np.linalg.eigvalsh(sigma)
        if sigma.min() > 0.05 and lam[0] > 0.02 and np.diff(lam).min() > 0.05:
            return Y


def _covariance(Y):
    C = Y - Y.mean(axis=0)
    return C, C.T @ C / len(Y)


def _power(S, exponent):
    """Take a power of a symmetric matrix by its eigenvalues."""
    lam, U = np.linalg.eigh(S)
    return (U * lam**exponent) @ U.T


# What epsilon leaves of the covariance ---------------------------------------------------------

whitened_covariance = Problem(
    "whitened_covariance",
    "beyond 2.4",
    "The covariance that epsilon leaves",
    """
    Check the eigenvalues of the covariance after whitening with epsilon.

    The batch is whitened with the symmetric inverse root of Sigma + eps * I, with gamma = 1. Your
    function gets the `eigenvalues` (M,) of the covariance Sigma before, and `eps`. It returns those
    of the covariance of the whitened batch, (M,), each in the place of the one that it comes from.
    """,
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
    parts=("eigenvalues",),
)


@whitened_covariance.drawn_by
def _draw_whitened_covariance(rng, i):
    M = 2 if i == 0 else int(rng.integers(3, 6))
    values = np.sort(_printable(rng.uniform(0.1, 3.0, M)))
    # In no order: a function that sorts what it returns is wrong in every case.
    return np.roll(values, 1) if i % 2 else values[::-1].copy(), _epsilon(rng)


@whitened_covariance.solved_by
def _solve_whitened_covariance(eigenvalues, eps):
    root, _ = reference.inverse_root_forward(np.diag(eigenvalues), eps)
    return np.diag(root @ np.diag(eigenvalues) @ root)


@whitened_covariance.mistake(
    "epsilon is taken to make no difference",
    "The root is that of Sigma + eps * I, but the data still have the covariance Sigma. The two "
    "no longer cancel.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitened_to_the_identity(eigenvalues, eps):
    return np.ones_like(eigenvalues)


@whitened_covariance.mistake(
    "the root multiplies the covariance from one side only",
    "Every row is multiplied by the root. The covariance is made of products of two rows.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitened_from_one_side(eigenvalues, eps):
    return eigenvalues / np.sqrt(eigenvalues + eps)


@whitened_covariance.mistake(
    "the standard deviations along the axes are given",
    "The eigenvalues of a covariance are variances. You have taken one root too many.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitened_standard_deviations(eigenvalues, eps):
    return np.sqrt(eigenvalues / (eigenvalues + eps))


@whitened_covariance.mistake(
    "the batch is multiplied by the inverse and not by its root",
    "The root of Sigma + eps * I is to be used: then the covariance meets it twice, and the two "
    "roots make one inverse.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitened_without_the_root(eigenvalues, eps):
    return eigenvalues / (eigenvalues + eps) ** 2


@whitened_covariance.mistake(
    "epsilon is added to the roots of the eigenvalues",
    "It is added to Sigma, before the root is taken.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitened_epsilon_outside(eigenvalues, eps):
    return eigenvalues / (np.sqrt(eigenvalues) + eps) ** 2


@whitened_covariance.mistake(
    "the covariance of the batch itself is left out",
    "These are the eigenvalues of the squared root. Between the two roots stands the covariance "
    "that the batch had before.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitened_squared_root_alone(eigenvalues, eps):
    return 1 / (eigenvalues + eps)


@whitened_covariance.mistake(
    "the ratio is upside down",
    "Your eigenvalues are above 1. Epsilon makes the matrix that is inverted larger.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitened_upside_down(eigenvalues, eps):
    return (eigenvalues + eps) / eigenvalues


# The forward pass ------------------------------------------------------------------------------

whitening_output = Problem(
    "whitening_output",
    "2.4",
    "Whitening, forward",
    """
    Check the batch norm that whitens, with the symmetric inverse root (ZCA).

    Your function gets the batch `Y` (B, M) with one sample a row and more samples than features,
    the scale `gamma` (M,), the shift `beta` (M,) and `eps`. It returns Y_hat (B, M): the centred
    batch times the symmetric inverse square root of Sigma + eps * I, where Sigma (M, M) is the
    biased covariance of the batch (divided by B), then each feature scaled and shifted.
    """,
    page="batchnorm/whitening#all-the-matrices-that-whiten",
    parts=("Y_hat",),
    points=(5,),
    bonus=True,
)


@whitening_output.drawn_by
def _draw_whitening_forward(rng, i):
    Y = _whitening_batch(rng, i)
    M = Y.shape[1]
    return Y, _scale(rng, M), _printable(rng.uniform(-2.0, 2.0, M)), _epsilon(rng)


@whitening_output.solved_by
def _solve_whitening_forward(Y, gamma, beta, eps):
    return reference.whitening_forward(Y, gamma, beta, eps)[0]


def _shape_of_columns(Y_hat):
    """Make two arrays equal whose columns differ by order, sign, scale and shift alone."""
    if Y_hat.ndim != 2:
        return Y_hat
    with np.errstate(all="ignore"):
        columns = Y_hat - Y_hat.mean(axis=0)
        columns = columns / np.sqrt(np.sum(columns**2, axis=0))
        largest = np.abs(columns).argmax(axis=0)
        columns = columns * np.sign(columns[largest, np.arange(columns.shape[1])])
        return columns[:, np.argsort(columns[0])]


@whitening_output.mistake(
    "the batch is normalized feature by feature, as in batch norm",
    "That brings each variance to 1 and leaves every correlation as it was. Which matrix is the "
    "covariance of your output?",
    page="batchnorm/whitening#what-batch-norm-leaves-behind",
)
def _whitening_feature_by_feature(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * C / np.sqrt(np.diag(sigma) + eps) + beta


@whitening_output.mistake(
    "the batch stays in the axes of its principal components (PCA whitening)",
    "It is white, but turned: a column is no longer a feature, and gamma and beta act on "
    "something else in every batch. One factor is missing that turns it back.",
    page="batchnorm/whitening#why-not-pca-one-sample-in-many-batches",
    view=_shape_of_columns,
)
def _whitening_in_principal_axes(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    lam, U = np.linalg.eigh(sigma)
    return gamma * (C @ U / np.sqrt(lam + eps)) + beta


@whitening_output.mistake(
    "the Cholesky factor of the covariance is taken for its root",
    "The result is white, but the features are not treated alike: the first is only scaled. A "
    "triangular factor is not the symmetric root that is asked for.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_by_cholesky(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    L = np.linalg.cholesky(sigma + eps * np.eye(len(sigma)))
    return gamma * (C @ np.linalg.inv(L).T) + beta


@whitening_output.mistake(
    "the Cholesky factor of the inverse is taken for its root",
    "The result is white, but the features are not treated alike: the last is only scaled. A "
    "triangular factor is not the symmetric root that is asked for.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_by_cholesky_of_the_inverse(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ np.linalg.cholesky(_power(sigma + eps * np.eye(len(sigma)), -1))) + beta


@whitening_output.mistake(
    "the inverse of the Cholesky factor lacks its transpose",
    "With samples as rows the factor stands on the right. Compute the covariance of your output: "
    "it is not the identity. The symmetric root has no such trap.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_cholesky_not_transposed(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    L = np.linalg.cholesky(sigma + eps * np.eye(len(sigma)))
    return gamma * (C @ np.linalg.inv(L)) + beta


@whitening_output.mistake(
    "epsilon is forgotten, as in the printed (81) to (83)",
    "Without it the root does not exist where the covariance is singular, and small eigenvalues "
    "are magnified without bound.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitening_epsilon_forgotten(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ _power(sigma, -0.5)) + beta


@whitening_output.mistake(
    "epsilon is added to the roots of the eigenvalues",
    "It is added to Sigma, before the root is taken.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitening_epsilon_outside(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    lam, U = np.linalg.eigh(sigma)
    return gamma * (C @ (U / (np.sqrt(lam) + eps)) @ U.T) + beta


@whitening_output.mistake(
    "epsilon is added to every entry of the covariance",
    "A number plus a matrix is added to all entries in NumPy. Only the variances are to grow.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_epsilon_everywhere(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ _power(sigma + eps, -0.5)) + beta


@whitening_output.mistake(
    "the covariance is divided by B - 1",
    "The batch itself is to come out white, as in batch norm. Which divisor does (80) have? "
    "(np.cov divides by B - 1 unless bias=True.)",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _whitening_unbiased_covariance(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    S = sigma * len(Y) / (len(Y) - 1) + eps * np.eye(len(sigma))
    return gamma * (C @ _power(S, -0.5)) + beta


@whitening_output.mistake(
    "the products are added up and not averaged",
    "Without the division the covariance grows with the number of samples.",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _whitening_sum_of_products(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ _power(C.T @ C + eps * np.eye(len(sigma)), -0.5)) + beta


@whitening_output.mistake(
    "the covariance is that of the samples, taken over their features",
    "np.cov expects one variable a row unless rowvar=False. Sigma has the shape (M, M): features "
    "against features, averaged over the samples.",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _whitening_rows_against_columns(Y, gamma, beta, eps):
    C, _ = _covariance(Y)
    root = _power(np.cov(Y, bias=True) + eps * np.eye(len(Y)), -0.5)
    return gamma * (root @ C) + beta


@whitening_output.mistake(
    "the printed (80) is computed with rows, so that the covariance is a single number",
    "A row times its transpose is the sum of the squares, and the mean of these is the trace of "
    "Sigma. (With one-dimensional arrays y @ y.T does it without a word.) Sigma has M * M entries.",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _whitening_inner_for_outer_product(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * C / np.sqrt(np.trace(sigma) + eps) + beta


@whitening_output.mistake(
    "the covariance is computed without subtracting the mean",
    "The mean of the products is the covariance only where the means are 0.",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _whitening_moments_about_zero(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ _power(Y.T @ Y / len(Y) + eps * np.eye(len(sigma)), -0.5)) + beta


@whitening_output.mistake(
    "the root multiplies Y and not the centred batch",
    "The batch mean of the output is to be beta. Where is yours?",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _whitening_not_centred(Y, gamma, beta, eps):
    _, sigma = _covariance(Y)
    return gamma * (Y @ _power(sigma + eps * np.eye(len(sigma)), -0.5)) + beta


@whitening_output.mistake(
    "the inverse is taken and not its root",
    "In the covariance of the output the matrix occurs twice, from the left and from the right. "
    "The two together are to make one inverse.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_root_forgotten(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ _power(sigma + eps * np.eye(len(sigma)), -1.0)) + beta


@whitening_output.mistake(
    "the root is not inverted",
    "Where the batch is widest your output is wider still. Whitening has to divide.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_not_inverted(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ _power(sigma + eps * np.eye(len(sigma)), 0.5)) + beta


@whitening_output.mistake(
    "the power -1/2 is taken of each entry of the matrix",
    "A matrix times itself is not the square of its entries, and so with roots. Multiply your "
    "root by itself: is it the inverse?",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_root_of_each_entry(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return gamma * (C @ (sigma + eps * np.eye(len(sigma))) ** -0.5) + beta


@whitening_output.mistake(
    "gamma is applied before the root",
    "In (83) the sample is a column and gamma stands to the left of the root. Samples are rows "
    "here: transposing a product turns its order around.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_scaled_before_the_root(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return (gamma * C) @ _power(sigma + eps * np.eye(len(sigma)), -0.5) + beta


@whitening_output.mistake(
    "the scale and the shift are forgotten",
    "This is the whitened batch. As in batch norm, each feature gets a scale and a shift.",
    page="batchnorm/whitening#all-the-matrices-that-whiten",
)
def _whitening_scale_and_shift_forgotten(Y, gamma, beta, eps):
    C, sigma = _covariance(Y)
    return C @ _power(sigma + eps * np.eye(len(sigma)), -0.5)


# The backward pass -----------------------------------------------------------------------------

whitening_gradient = Problem(
    "whitening_gradient",
    "2.4",
    "Whitening, backward",
    """
    Check the gradient of whitening with respect to its input.

    The forward pass is that of `whitening_output`: the centred batch times the symmetric inverse
    root of Sigma + eps * I, Sigma divided by B, then each feature scaled by gamma and shifted. Your
    function gets the gradient `dY_hat` (B, M) of the loss with respect to the output, the input `Y`
    (B, M) with one sample a row, `gamma` (M,) and `eps`. It returns dY (B, M), through every path
    from the input to the loss.
    """,
    page="batchnorm/whitening_backward",
    parts=("dY",),
    points=(5,),
    bonus=True,
)


@whitening_gradient.drawn_by
def _draw_whitening_backward(rng, i):
    Y = _whitening_batch(rng, i)
    return _printable(rng.normal(size=Y.shape)), Y, _scale(rng, Y.shape[1]), _epsilon(rng)


@whitening_gradient.solved_by
def _solve_whitening_backward(dY_hat, Y, gamma, eps):
    _, cache = reference.whitening_forward(Y, gamma, 0 * gamma, eps)
    return reference.whitening_backward(dY_hat, cache)[0]


def _back(T, Y, eps, kernel, divisor=None, symmetric=True):
    """Go back from T, the gradient of the whitened batch, with the kernel in the eigenbasis."""
    C, sigma = _covariance(Y)
    divisor = divisor or len(Y)
    lam, U = np.linalg.eigh(sigma * len(Y) / divisor)
    lam = lam + eps
    A = C.T @ T
    A = (A + A.T) / 2 if symmetric else A
    dsigma = U @ (kernel(lam) * (U.T @ A @ U)) @ U.T
    dC = T @ (U / np.sqrt(lam)) @ U.T + 2 / divisor * C @ dsigma
    return dC - dC.mean(axis=0)


def _chord(lam):
    r = np.sqrt(lam)
    return -1 / (np.outer(r, r) * np.add.outer(r, r))


@whitening_gradient.mistake(
    "the root is treated as a constant",
    "It is computed from Y: one entry of Y moves the covariance, its root, and the whole batch.",
    page="batchnorm/whitening_backward#step-1-the-product-with-the-root",
)
def _root_held_constant(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: 0)


@whitening_gradient.mistake(
    "both the mean and the root are treated as constants",
    "That would be the gradient of a fixed affine map, as at inference. In training both are "
    "computed from Y.",
    page="batchnorm/whitening_backward#the-plan",
)
def _mean_and_root_held_constant(dY_hat, Y, gamma, eps):
    sigma = _covariance(Y)[1]
    return (dY_hat * gamma) @ _power(sigma + eps * np.eye(len(sigma)), -0.5)


@whitening_gradient.mistake(
    "the centring is forgotten on the way back",
    "Your result is the gradient with respect to the centred batch. What must the columns of dY "
    "add up to, when a common shift of a feature changes nothing?",
    page="batchnorm/whitening_backward#step-4-the-centring",
)
def _centring_forgotten(dY_hat, Y, gamma, eps):
    T, sigma = dY_hat * gamma, _covariance(Y)[1]
    # The path through the covariance has mean 0 already: only the direct path lacks its centring.
    direct = T @ _power(sigma + eps * np.eye(len(sigma)), -0.5)
    return _back(T, Y, eps, _chord) + direct.mean(axis=0)


@whitening_gradient.mistake(
    "the factor 2 of the covariance's gradient is lost",
    "C occurs twice in Sigma. Write out d(Sigma) and count the terms.",
    page="batchnorm/whitening_backward#step-3-the-covariance",
)
def _covariance_without_its_two(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: _chord(lam) / 2)


@whitening_gradient.mistake(
    "the path through the covariance lacks its 1 / B",
    "Sigma is a mean over the samples, and each sample is in one term of it.",
    page="batchnorm/whitening_backward#step-3-the-covariance",
)
def _covariance_without_one_over_b(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: _chord(lam) * len(Y))


@whitening_gradient.mistake(
    "the gradient of the root is not symmetrized",
    "The root stays symmetric whatever Y does, so only one part of C.T @ T counts. The factor 2 "
    "in the covariance's gradient relies on that part.",
    page="batchnorm/whitening_backward#step-1-the-product-with-the-root",
)
def _not_symmetrized(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, _chord, symmetric=False)


@whitening_gradient.mistake(
    "the eigenvectors are held fixed and only the eigenvalues move",
    "Off the diagonal, in the eigenbasis, your gradient of Sigma is 0. The eigenvectors turn when "
    "Sigma moves, and the root turns with them.",
    page="batchnorm/whitening_backward#where-the-usual-way-breaks",
)
def _eigenvectors_held_fixed(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: np.diag(-0.5 * lam**-1.5))


@whitening_gradient.mistake(
    "the kernel is 1 over the gap of the eigenvalues",
    "That says how fast the eigenvectors turn. In the root the turn is weighted by a difference "
    "that is missing here, and in exact arithmetic the gap cancels.",
    page="batchnorm/whitening_backward#where-the-usual-way-breaks",
)
def _gap_of_the_eigenvalues(dY_hat, Y, gamma, eps):
    def kernel(lam):
        gap = np.subtract.outer(lam, lam) + np.eye(len(lam))
        return np.where(np.eye(len(lam)) > 0, -0.5 * lam**-1.5, 1 / gap)

    return _back(dY_hat * gamma, Y, eps, kernel)


@whitening_gradient.mistake(
    "the inverse is differentiated and not the inverse root",
    "Your kernel is the slope of a chord of 1 / lambda. Which power of lambda is in the root?",
    page="batchnorm/whitening_backward#the-kernel-is-a-chord",
)
def _inverse_differentiated(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: -1 / np.outer(lam, lam))


@whitening_gradient.mistake(
    "the sign of the path through the covariance is lost",
    "If the batch grows along an axis, does whitening multiply it by more or by less?",
    page="batchnorm/whitening_backward#step-2-the-inverse-root",
)
def _covariance_with_the_wrong_sign(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: -_chord(lam))


@whitening_gradient.mistake(
    "gamma is forgotten",
    "The loss feels the whitened batch only after each feature has been multiplied by gamma.",
    page="batchnorm/whitening_backward#the-plan",
)
def _whitening_backward_gamma_forgotten(dY_hat, Y, gamma, eps):
    return _solve_whitening_backward(dY_hat, Y, np.ones_like(gamma), eps)


@whitening_gradient.mistake(
    "gamma multiplies at the end and not at the beginning",
    "Going back, gamma comes first. After that the root mixes the features, and it is too late.",
    page="batchnorm/whitening_backward#the-plan",
)
def _whitening_backward_gamma_last(dY_hat, Y, gamma, eps):
    return gamma * _solve_whitening_backward(dY_hat, Y, np.ones_like(gamma), eps)


@whitening_gradient.mistake(
    "epsilon is forgotten, as in the printed (81) to (83)",
    "The root is that of Sigma + eps * I: its eigenvalues occur in both paths.",
    page="batchnorm/whitening#small-eigenvalues-and-the-role-of-the-epsilon",
)
def _whitening_backward_epsilon_forgotten(dY_hat, Y, gamma, eps):
    return _solve_whitening_backward(dY_hat, Y, gamma, 0.0)


@whitening_gradient.mistake(
    "epsilon is in the root, but not in the gradient of the root",
    "The eigenvalues that the kernel is made of are those of Sigma + eps * I, too.",
    page="batchnorm/whitening_backward#step-2-the-inverse-root",
)
def _epsilon_missing_in_the_kernel(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, lambda lam: _chord(lam - eps))


@whitening_gradient.mistake(
    "the covariance is divided by B - 1, in both passes",
    "The derivative is right, the function is not: (80) divides by B. (np.cov and torch.cov "
    "divide by B - 1 unless told otherwise.)",
    page="batchnorm/whitening#mean-and-covariance-of-the-batch",
)
def _unbiased_covariance(dY_hat, Y, gamma, eps):
    return _back(dY_hat * gamma, Y, eps, _chord, divisor=len(Y) - 1)


@whitening_gradient.mistake(
    "the gradient of batch norm is given, feature by feature",
    "Whitening mixes the features, so the gradient does, too. With one feature the two agree.",
    page="batchnorm/whitening_backward#one-feature-batch-norm-again",
)
def _gradient_of_batch_norm(dY_hat, Y, gamma, eps):
    columns = [
        _solve_whitening_backward(dY_hat[:, [j]], Y[:, [j]], gamma[[j]], eps)
        for j in range(Y.shape[1])
    ]
    return np.concatenate(columns, axis=1)
