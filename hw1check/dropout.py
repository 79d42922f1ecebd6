"""Checks for question 1, dropout, and the mistakes that learners make there."""

from math import pi, sqrt

from hw1check._problem import question


def _drop_probability(rng):
    return round(rng.uniform(0.1, 0.9), 2)


@question("1.2", "Variance before dropout", "dropout/variance", points=5)
def activation_variance():
    """
    Check the variance of an activation before dropout.

    The activation is h = max(z, 0) with a standard normal z. There is nothing to be given, so your
    answer is a number, or a function without arguments that returns it: the variance of h.
    """
    Eh = 1 / sqrt(2 * pi)  # the mean of h
    Eh2 = 1 / 2  # the mean of h**2
    variance = Eh2 - Eh**2
    return variance


@activation_variance.drawn_by
def _draw_activation_variance(rng, i):
    return ()


activation_variance.mistakes("""
    variance = Eh2 - Eh
        the mean is subtracted without its square, as the source prints in the middle of (12):
        A variance has the unit of h squared, and so must each of its two terms.
        [#the-variance]
    variance = Eh2
        the squared mean is not subtracted, or when the variance of z is halved:
        A half is the second moment of h. The mean of h is not 0: h is never negative.
        [#before-dropout]
    variance = 1
        the ReLU is forgotten:
        This is the variance of z, before the ReLU. The ReLU takes away the whole negative half.
        [#the-second-moment]
    Eh2 = 1
        the second moment is that of z:
        Where z is negative, h is 0 and adds nothing to E[h**2]. How much of E[z**2] is left?
        [#the-second-moment]
    Eh = sqrt(2 / pi)
    Eh2 = 1
        only the active units are counted:
        This is the variance of h given z > 0. The zeros are values of h as well, and they are as
        likely as all the others together. [#before-dropout]
    variance = sqrt(Eh2 - Eh**2)
        the standard deviation is given for the variance:
        Your number is the root of what is asked for. [#before-dropout]
    variance = Eh
        the mean of h is given for its variance:
        You need the mean on the way; it is one of two pieces. [#the-mean]
""")


@question("1.2", "Variance after dropout", "dropout/variance", points=10)
def dropout_variance(p):
    """
    Check the variance of an activation after dropout.

    The activation is h = max(z, 0) with a standard normal z. Dropout makes it m * h / (1 - p),
    where m is 0 with probability p and 1 otherwise, independent of h. Your function gets `p`, a
    number between 0 and 1, and returns the variance of the outcome, over z and m: one number.
    """
    Eh = 1 / sqrt(2 * pi)  # the mean of h
    Eh2 = 1 / 2  # the mean of h**2
    Emh = (1 - p) * Eh  # the mean of m h
    Emh2 = (1 - p) * Eh2  # the mean of (m h)**2
    Var_mh = Emh2 - Emh**2  # the variance of m h
    variance = Var_mh / (1 - p) ** 2
    return variance


@dropout_variance.drawn_by
def _draw_dropout_variance(rng, i):
    return (0.2 if i == 0 else _drop_probability(rng),)


dropout_variance.mistakes("""
    variance = (pi - 1 + p * pi) / (2 * pi * (1 - p))
        one of two factors 1 - p is lost when the sum is put into one bracket, as in line 3 of the
        source's (16):
        Of the three terms in line 2, two carry 1 - p and one carries its square. Take one 1 - p out
        of all three: what is left of the square? [#where-the-printed-result-goes-wrong]
    Var_mh = Emh2 - Emh
        the mean is subtracted without its square:
        A variance is E[x**2] - E[x]**2. The source forgets this square in the middle of (12), too.
        [#the-same-result-in-one-line]
    Var_mh = Emh2
        the squared mean is not subtracted:
        This is the second moment after dropout. The rescaling keeps the mean of h, which is not 0.
        [#the-same-result-in-one-line]
    variance = Var_mh / (1 - p)
        the scale is not squared:
        Var[a x] is not a Var[x]: a variance has the unit of its variable squared. [#after-dropout]
""")
