"""Checks for question 2.4, whitening, and the mistakes that learners make there."""

import numpy as np

from hw1check._problem import question
from hw1check.batchnorm import _epsilon, _printable, _scale


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
        Sigma = C.T @ C / B
        # Eigenvalues apart from 0 and from each other: else a mistake may come out as noise.
        lam = np.linalg.eigvalsh(Sigma)
        if Sigma.min() > 0.05 and lam[0] > 0.02 and np.diff(lam).min() > 0.05:
            return Y


def kernel(lam):
    """Give K, the slopes of the chords of lam**(-1/2) between the eigenvalues."""
    r = np.sqrt(lam)
    return -1 / (np.outer(r, r) * np.add.outer(r, r))


@question(
    "beyond 2.4",
    "The covariance that epsilon leaves",
    "batchnorm/whitening#epsilon-leaves-small-eigenvalues-small",
)
def whitened_covariance(eigenvalues, eps):
    """Check the eigenvalues of the covariance after whitening with epsilon.

    The batch is whitened with the symmetric inverse root of Sigma + eps * I, with gamma = 1. Your
    function gets the `eigenvalues` (M,) of the covariance Sigma before, and `eps`. It returns those
    of the covariance of the whitened batch, (M,), each in the place of the one that it comes from.
    """
    lam_root = 1 / np.sqrt(eigenvalues + eps)  # the eigenvalues of the inverse root
    eigenvalues = lam_root * eigenvalues * lam_root
    return eigenvalues


@whitened_covariance.drawn_by
def _draw_whitened_covariance(rng, i):
    M = 2 if i == 0 else int(rng.integers(3, 6))
    values = np.sort(_printable(rng.uniform(0.1, 3.0, M)))
    # In no order: a function that sorts what it returns is wrong in every case.
    return np.roll(values, 1) if i % 2 else values[::-1].copy(), _epsilon(rng)


whitened_covariance.mistakes("""
    lam_root = 1 / np.sqrt(eigenvalues)  # epsilon is taken to make no difference
        The root is that of Sigma + eps * I, but the data still have the covariance Sigma. The two
        no longer cancel.
    eigenvalues = lam_root * eigenvalues  # the root multiplies the covariance from one side only
        Every row is multiplied by the root. The covariance is made of products of two rows.
        [#whitening-fixes-the-cloud-up-to-a-turn]
    eigenvalues = np.sqrt(lam_root * eigenvalues * lam_root)
        the standard deviations along the axes are given:
        The eigenvalues of a covariance are variances. You have taken one root too many.
    lam_root = 1 / (eigenvalues + eps)  # the batch is multiplied by the inverse and not by its root
        The root of Sigma + eps * I is to be used: then the covariance meets it twice, and the two
        roots make one inverse. [#whitening-fixes-the-cloud-up-to-a-turn]
    lam_root = 1 / (np.sqrt(eigenvalues) + eps)  # epsilon is added to the roots of the eigenvalues
        It is added to Sigma, before the root is taken.
    eigenvalues = lam_root**2  # the covariance of the batch itself is left out
        These are the eigenvalues of the squared root. Between the two roots stands the covariance
        that the batch had before. [#whitening-fixes-the-cloud-up-to-a-turn]
    eigenvalues = (eigenvalues + eps) / eigenvalues  # the ratio is upside down
        Your eigenvalues are above 1. Epsilon makes the matrix that is inverted larger.
""")


@whitened_covariance.mistake(
    "the eigenvalues are in another order",
    "The numbers are right, their places are not. Each is to stand where the one stood that it "
    "comes from.",
    "#epsilon-leaves-small-eigenvalues-small",
    view=np.sort,
)
def _sorted_eigenvalues(eigenvalues, eps):
    return np.sort(eigenvalues / (eigenvalues + eps))


@question("2.4", "Whitening, forward", "batchnorm/whitening#whitening-fixes-the-cloud-up-to-a-turn")
def whitening_output(Y, gamma, beta, eps):
    """Check the batch norm that whitens, with the symmetric inverse root (ZCA).

    Your function gets the batch `Y` (B, M) with one sample a row and more samples than features,
    the scale `gamma` (M,), the shift `beta` (M,) and `eps`. It returns Y_hat (B, M): the centred
    batch times the symmetric inverse square root of Sigma + eps * I, where Sigma (M, M) is the
    biased covariance of the batch (divided by B), then each feature scaled and shifted.
    """
    C = Y - Y.mean(axis=0)  # the centred batch
    Sigma = C.T @ C / len(Y)  # the covariance of the batch
    lam, U = np.linalg.eigh(Sigma + eps * np.eye(len(Sigma)))
    inverse_root = (U / np.sqrt(lam)) @ U.T  # the symmetric inverse root of Sigma + eps I
    Y_tilde = C @ inverse_root  # the whitened batch
    Y_hat = Y_tilde * gamma + beta
    return Y_hat


@whitening_output.drawn_by
def _draw_whitening_forward(rng, i):
    Y = _whitening_batch(rng, i)
    M = Y.shape[1]
    return Y, _scale(rng, M), _printable(rng.uniform(-2.0, 2.0, M)), _epsilon(rng)


def _shape_of_columns(Y_hat):
    """Make two arrays equal whose columns differ by order, sign, scale and shift alone."""
    columns = Y_hat - Y_hat.mean(axis=0)
    columns = columns / np.sqrt(np.sum(columns**2, axis=0))
    largest = np.abs(columns).argmax(axis=0)
    columns = columns * np.sign(columns[largest, np.arange(columns.shape[1])])
    return columns[:, np.argsort(columns[0])]


whitening_output.mistakes("""
    Y_tilde = C / np.sqrt(np.diag(Sigma) + eps)
        the batch is normalized feature by feature, as in batch norm:
        That brings each variance to 1 and leaves every correlation as it was. Which matrix is the
        covariance of your output? [#batch-norm-keeps-every-correlation]
    inverse_root = np.linalg.inv(np.linalg.cholesky(Sigma + eps * np.eye(len(Sigma)))).T
        the Cholesky factor of the covariance is taken for its root:
        The result is white, but the features are not treated alike: the first is only scaled. A
        triangular factor is not the symmetric root that is asked for.
    inverse_root = np.linalg.cholesky(np.linalg.inv(Sigma + eps * np.eye(len(Sigma))))
        the Cholesky factor of the inverse is taken for its root:
        The result is white, but the features are not treated alike: the last is only scaled. A
        triangular factor is not the symmetric root that is asked for.
    inverse_root = np.linalg.inv(np.linalg.cholesky(Sigma + eps * np.eye(len(Sigma))))
        the inverse of the Cholesky factor lacks its transpose:
        With samples as rows the factor stands on the right. Compute the covariance of your output:
        it is not the identity. The symmetric root has no such trap.
    lam, U = np.linalg.eigh(Sigma)  # epsilon is forgotten, as in the printed (81) to (83)
        Without it the root does not exist where the covariance is singular, and small eigenvalues
        are magnified without bound. [#epsilon-leaves-small-eigenvalues-small]
    lam, U = np.linalg.eigh(Sigma)
    inverse_root = (U / (np.sqrt(lam) + eps)) @ U.T
        epsilon is added to the roots of the eigenvalues:
        It is added to Sigma, before the root is taken. [#epsilon-leaves-small-eigenvalues-small]
    lam, U = np.linalg.eigh(Sigma + eps)  # epsilon is added to every entry of the covariance
        A number plus a matrix is added to all entries in NumPy. Only the variances are to grow.
    Sigma = C.T @ C / (len(Y) - 1)  # the covariance is divided by B - 1
        The batch itself is to come out white, as in batch norm. Which divisor does (80) have?
        (np.cov divides by B - 1 unless bias=True.) [#one-product-gives-the-whole-covariance]
    Sigma = C.T @ C  # the products are added up and not averaged
        Without the division the covariance grows with the number of samples.
        [#one-product-gives-the-whole-covariance]
    Sigma = np.cov(Y, bias=True)
    Y_tilde = inverse_root @ C  # the covariance is that of the samples, taken over their features
        np.cov expects one variable a row unless rowvar=False. Sigma has the shape (M, M): features
        against features, averaged over the samples. [#one-product-gives-the-whole-covariance]
    Sigma = np.eye(len(gamma)) * sum(c @ c.T for c in C) / len(Y)
        the printed (80) is computed with rows, so that the covariance is a single number:
        A row times its transpose is the sum of the squares, and the mean of these is the trace of
        Sigma. (With one-dimensional arrays y @ y.T does it without a word.) Sigma has M * M
        entries. [#one-product-gives-the-whole-covariance]
    Sigma = Y.T @ Y / len(Y)  # the covariance is computed without subtracting the mean
        The mean of the products is the covariance only where the means are 0.
        [#one-product-gives-the-whole-covariance]
    Y_tilde = Y @ inverse_root  # the root multiplies Y and not the centred batch
        The batch mean of the output is to be beta. Where is yours?
        [#one-product-gives-the-whole-covariance]
    inverse_root = (U / lam) @ U.T  # the inverse is taken and not its root
        In the covariance of the output the matrix occurs twice, from the left and from the right.
        The two together are to make one inverse.
    inverse_root = (U * np.sqrt(lam)) @ U.T  # the root is not inverted
        Where the batch is widest your output is wider still. Whitening has to divide.
    inverse_root = (Sigma + eps * np.eye(len(Sigma))) ** (-1 / 2)
        the power -1/2 is taken of each entry of the matrix:
        A matrix times itself is not the square of its entries, and so with roots. Multiply your
        root by itself: is it the inverse?
    Y_hat = (C * gamma) @ inverse_root + beta  # gamma is applied before the root
        In (83) the sample is a column and gamma stands to the left of the root. Samples are rows
        here: transposing a product turns its order around.
    Y_hat = Y_tilde  # the scale and the shift are forgotten
        This is the whitened batch. As in batch norm, each feature gets a scale and a shift.
    inverse_root = (U.T / np.sqrt(lam)) @ U  # the eigenvectors are taken for the rows of U
        np.linalg.eigh gives one eigenvector a column. Compute U.T @ Sigma @ U and U @ Sigma @ U.T:
        which one is diagonal?
    C = (Y - Y.mean(axis=0)) / Y.std(axis=0)  # the features are brought to variances of 1 first
        The result is white, but this is the root of the correlations. The one of the covariances,
        of Y as it is, is asked for. [#zca-moves-the-data-least]
""")


@whitening_output.mistake(
    "the batch stays in the axes of its principal components (PCA whitening)",
    "It is white, but turned: a column is no longer a feature, and gamma and beta act on "
    "something else in every batch. One factor is missing that turns it back.",
    "#pca-turns-differently-in-each-batch",
    view=_shape_of_columns,
)
def _whitening_in_principal_axes(Y, gamma, beta, eps):
    C = Y - Y.mean(axis=0)
    lam, U = np.linalg.eigh(C.T @ C / len(Y))
    return gamma * (C @ U / np.sqrt(lam + eps)) + beta


@question("beyond 2.4", "Whitening, backward", "batchnorm/whitening_backward")
def whitening_gradient(dY_hat, Y, gamma, eps):
    """Check the gradient of whitening with respect to its input.

    The forward pass is that of `whitening_output`: the centred batch times the symmetric inverse
    root of Sigma + eps * I, Sigma divided by B, then each feature scaled by gamma and shifted. Your
    function gets the gradient `dY_hat` (B, M) of the loss with respect to the output, the input `Y`
    (B, M) with one sample a row, `gamma` (M,) and `eps`. It returns dY (B, M), through every path
    from the input to the loss.
    """
    C = Y - Y.mean(axis=0)  # the centred batch
    Sigma = C.T @ C / len(Y)  # the covariance of the batch
    lam, U = np.linalg.eigh(Sigma + eps * np.eye(len(Sigma)))
    P = (U / np.sqrt(lam)) @ U.T  # the symmetric inverse root of Sigma + eps I
    T = dY_hat * gamma  # the gradient at the whitened batch
    A = (C.T @ T + T.T @ C) / 2  # the gradient at the root, made symmetric
    D = U @ (kernel(lam) * (U.T @ A @ U)) @ U.T  # the gradient at Sigma
    dC = T @ P + 2 / len(Y) * C @ D  # the gradient at the centred batch
    dY = dC - dC.mean(axis=0)
    return dY


@whitening_gradient.drawn_by
def _draw_whitening_backward(rng, i):
    Y = _whitening_batch(rng, i)
    return _printable(rng.normal(size=Y.shape)), Y, _scale(rng, Y.shape[1]), _epsilon(rng)


whitening_gradient.mistakes("""
    [#the-plan]
    dC = T @ P  # the root is treated as a constant
        It is computed from Y: one entry of Y moves the covariance, its root, and the whole batch.
        [#step-1-the-product-with-the-root]
    dY = T @ P  # both the mean and the root are treated as constants
        That would be the gradient of a fixed affine map, as at inference. In training both are
        computed from Y.
    dY = dC  # the centring is forgotten on the way back
        Your result is the gradient with respect to the centred batch. What must the columns of dY
        add up to, when a common shift of a feature changes nothing? [#step-4-the-centring]
    dC = T @ P + 1 / len(Y) * C @ D  # the factor 2 of the covariance's gradient is lost
        C occurs twice in Sigma. Write out d(Sigma) and count the terms. [#step-3-the-covariance]
    dC = T @ P + 2 * C @ D  # the path through the covariance lacks its 1 / B
        Sigma is a mean over the samples, and each sample is in one term of it.
        [#step-3-the-covariance]
    A = C.T @ T  # the gradient of the root is not symmetrized
        The root stays symmetric whatever Y does, so only one part of C.T @ T counts. The factor 2
        in the covariance's gradient relies on that part. [#step-1-the-product-with-the-root]
    D = U @ (np.diag(-0.5 * lam**-1.5) * (U.T @ A @ U)) @ U.T
        the eigenvectors are held fixed and only the eigenvalues move:
        Off the diagonal, in the eigenbasis, your gradient of Sigma is 0. The eigenvectors turn when
        Sigma moves, and the root turns with them. [#where-the-usual-way-breaks]
    D = U @ ((U.T @ A @ U) / (np.subtract.outer(lam, lam) - 2 * np.diag(lam**1.5))) @ U.T
        the kernel is 1 over the gap of the eigenvalues:
        That says how fast the eigenvectors turn. In the root the turn is weighted by a difference
        that is missing here, and in exact arithmetic the gap cancels. [#where-the-usual-way-breaks]
    D = -U @ ((U.T @ A @ U) / np.outer(lam, lam)) @ U.T
        the inverse is differentiated and not the inverse root:
        Your kernel is the slope of a chord of 1 / lambda. Which power of lambda is in the root?
        [#the-kernel-is-a-chord]
    D = -U @ (kernel(lam) * (U.T @ A @ U)) @ U.T
        the sign of the path through the covariance is lost:
        If the batch grows along an axis, does whitening multiply it by more or by less?
        [#step-2-the-inverse-root]
    T = dY_hat  # gamma is forgotten
        The loss feels the whitened batch only after each feature has been multiplied by gamma.
    T = dY_hat
    dY = (dC - dC.mean(axis=0)) * gamma  # gamma multiplies at the end and not at the beginning
        Going back, gamma comes first. After that the root mixes the features, and it is too late.
    lam, U = np.linalg.eigh(Sigma)  # epsilon is forgotten, as in the printed (81) to (83)
        The root is that of Sigma + eps * I: its eigenvalues occur in both paths.
        [batchnorm/whitening#epsilon-leaves-small-eigenvalues-small]
    D = U @ (kernel(lam - eps) * (U.T @ A @ U)) @ U.T
        epsilon is in the root, but not in the gradient of the root:
        The eigenvalues that the kernel is made of are those of Sigma + eps * I, too.
        [#step-2-the-inverse-root]
    Sigma = C.T @ C / (len(Y) - 1)  # the covariance is divided by B - 1 on the way forward
        The batch itself is to come out white: (80) divides by B. (np.cov and torch.cov divide by B
        - 1 unless told otherwise.) [batchnorm/whitening#one-product-gives-the-whole-covariance]
    Sigma = C.T @ C / (len(Y) - 1)
    dC = T @ P + 2 / (len(Y) - 1) * C @ D  # the covariance is divided by B - 1, in both passes
        The derivative is right, the function is not: (80) divides by B. (np.cov and torch.cov
        divide by B - 1 unless told otherwise.)
        [batchnorm/whitening#one-product-gives-the-whole-covariance]
    Sigma = np.diag(Y.var(axis=0))
    A = np.diag(np.sum(C * T, axis=0))  # the gradient of batch norm is given, feature by feature
        Whitening mixes the features, so the gradient does, too. With one feature the two agree.
        [#one-feature-batch-norm-again]
    dC = (T - C @ P @ P @ C.T @ T / len(Y)) @ P
        batch norm's (78) is written with matrices in place of numbers:
        Numbers commute, P and its change do not: in the eigenbasis each pair of axes has a weight
        of its own. With one feature the two agree. [#one-feature-batch-norm-again]
    dY = dC - dC.sum(axis=0)  # the centring lacks its 1 / B
        The mean is subtracted on the way forward, and so the mean of the gradient on the way back.
        Do the columns of your dY add up to 0? [#step-4-the-centring]
    A = (C.T @ dY_hat + dY_hat.T @ C) / 2  # gamma is missing on the path through the root
        Both paths begin at the whitened batch, behind gamma on the way back.
""")
