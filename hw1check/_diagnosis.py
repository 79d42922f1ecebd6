"""What can be said for certain of a wrong answer that is none of the known mistakes."""

import numpy as np

from hw1check._lines import FAILURES
from hw1check._values import difference, flat, number

# What else one may do to a right value.
MAPS = {
    "1 divided by the right value": lambda v: 1 / v,
    "the square of the right value": np.square,
    "the root of the right value": np.sqrt,
    "1 minus the right value": lambda v: 1 - v,
}


def relation(problem, name, drawn, expected, found):
    """
    Say how what was found for a name is related to what is right, the same way in every case.

    It completes "In every case it is ..."; None if nothing is certain.
    """
    if len(found) < len(drawn) or len(found) < 2:
        return None

    def is_everywhere(values):
        return all(
            v is not None and not difference(f, v) for f, v in zip(found, values, strict=True)
        )

    right = [row[name] for row in expected]
    for other in problem.lines.names:
        if other != name and is_everywhere(row.get(other) for row in expected):
            order = f"; the order is {', '.join(problem.parts)}" if other in problem.parts else ""
            return f"{problem.called(other)}{order}"
    if is_everywhere(v.T if isinstance(v, np.ndarray) and v.ndim == 2 else None for v in right):
        return "the transpose of the right value"
    with np.errstate(all="ignore"):
        for words, change in MAPS.items():
            if is_everywhere(change(v) if isinstance(v, np.ndarray) else None for v in right):
                return words
    rows = [{**c, **r, name: None} for c, r in zip(drawn, expected, strict=True)]
    if words := _factor(drawn, right, found) or _array_factor(rows, right, is_everywhere):
        return words
    if all(_is_reordered(f, v) for f, v in zip(found, right, strict=True)):
        return "the right entries in another order"
    for words, change in _changes(drawn):
        if is_everywhere(_right(problem, change(case), name) for case in drawn):
            return f"the right value with {words}"
    return None


def _array_factor(rows, right, is_everywhere):
    """Say which argument or line an answer is off by, entry by entry."""
    for other, value in rows[0].items():
        if isinstance(value, np.ndarray) and value.ndim:
            for power, words in ((1, "times"), (-1, "divided by"), (2, "times the square of")):
                pairs = zip(right, rows, strict=True)
                if is_everywhere(_product(v, row[other], power) for v, row in pairs):
                    return f"the right value {words} {other}"
    return None


def _product(value, other, power):
    """Multiply by a power what has the shape for it; None for what has not."""
    with np.errstate(all="ignore"):
        try:
            product = value * other ** float(power)
        except (TypeError, ValueError):
            return None
    return product if product.shape == value.shape else None


def _right(problem, case, name):
    """Compute a line for arguments that the question does not allow, perhaps; None if it fails."""
    try:
        return problem.right(case).get(name)
    except FAILURES:
        return None


def _is_reordered(found, right):
    a, b = flat(found), flat(right)
    return a is not None and a.shape == b.shape and not difference(np.sort(a), np.sort(b))


def _changes(drawn):
    """List other readings of the arguments: exchanged, 1 - p for p, an index off by one, 0, 1."""
    first = drawn[0]
    for name, value in first.items():
        if isinstance(value, (float, np.ndarray)):
            for whole in (0.0, 1.0):
                words = f"{name} = {whole:.0f}"
                yield words, _with(name, lambda x, w=whole: np.full(np.shape(x), w)[()])
        if isinstance(value, float) and all(0 < case[name] < 1 for case in drawn):
            yield f"1 - {name} in place of {name}", _with(name, lambda x: 1 - x)
        if isinstance(value, int):
            for step, sign in ((1, "+"), (-1, "-")):
                yield f"{name} {sign} 1 in place of {name}", _with(name, lambda x, s=step: x + s)
    names = [name for name, value in first.items() if isinstance(value, (int, float, np.ndarray))]
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            if all(np.shape(case[a]) == np.shape(case[b]) for case in drawn):
                yield f"{a} and {b} exchanged", lambda c, a=a, b=b: {**c, a: c[b], b: c[a]}


def _with(name, change):
    return lambda case: {**case, name: change(case[name])}


def _factor(drawn, expected, found):
    """Say by which factor an answer is off, if it is the same, or the same size, everywhere."""
    pairs = [(flat(a), flat(b)) for a, b in zip(found, expected, strict=True)]
    if any(a is None or b is None or a.shape != b.shape for a, b in pairs):
        return None
    pairs = [(a, b, case) for (a, b), case in zip(pairs, drawn, strict=True) if b.any()]
    ratios = np.array([a @ b / (b @ b) for a, b, _ in pairs])
    if len(pairs) < 2 or not np.isfinite(ratios).all() or not ratios.all():
        return None
    if any(difference(a, r * b) for (a, b, _), r in zip(pairs, ratios, strict=True)):
        return None
    if all(np.array_equal(right, pairs[0][1]) for _, right, _ in pairs[1:]) and ratios[0] != -1:
        return None  # of one number, any other is a multiple
    sizes = _sizes([case for _, _, case in pairs])
    powers = _powers(np.abs(ratios), sizes)
    if powers is None:
        return None
    if len(set(np.sign(ratios))) > 1 or (ratios[0] > 0 and not powers):
        return None
    start = "minus " if ratios[0] < 0 else ""
    if "" in powers:
        start = f"{start}{number(powers.pop(''))} times "
    times = [f"times {_power(name, x)}" for name, x in powers.items() if x > 0]
    divided = [f"divided by {_power(name, -x)}" for name, x in powers.items() if x < 0]
    return f"{start}the right value {' and '.join(times + divided)}".strip()


def _powers(ratios, sizes):
    """Find half-integer powers of sizes whose product the ratios are, and a number, under ""."""
    if np.ptp(ratios) <= 1e-6 * ratios[0]:
        sizes = {}
    names = [name for name, values in sizes.items() if np.ptp(values)]
    columns = np.log([sizes[name] for name in names] + [np.full(len(ratios), np.e)]).T
    if len(ratios) < len(names) + 3 and names:
        return None
    found, *_ = np.linalg.lstsq(columns, np.log(ratios), rcond=None)
    found[:-1] = np.round(2 * found[:-1]) / 2
    found[-1] = np.mean(np.log(ratios) - columns[:, :-1] @ found[:-1])
    if not np.allclose(columns @ found, np.log(ratios), rtol=0, atol=1e-6):
        return None
    powers = {name: power for name, power in zip(names, found[:-1], strict=True) if power}
    number_ = np.exp(found[-1])
    return powers if np.isclose(number_, 1, rtol=1e-6) else {"": number_, **powers}


def _power(name, x):
    """Write a power of a size."""
    return {1: name, 0.5: f"sqrt({name.strip('()')})"}.get(x, f"{name}**{number(x)}")


def _sizes(cases):
    """List the numbers of each case that a factor may be: scalars, 1 minus them, and lengths."""
    sizes = {}
    for name, value in cases[0].items():
        if isinstance(value, (int, float)):
            values = np.array([case[name] for case in cases], dtype=float)
            sizes[name if (values > 0).all() else f"abs({name})"] = np.abs(values)
            sizes[f"(1 - {name})"] = 1 - values
        elif isinstance(value, np.ndarray):
            for axis in range(value.ndim):
                lengths = [case[name].shape[axis] for case in cases]
                sizes[f"{name}.shape[{axis}]"] = np.array(lengths, dtype=float)
    kept = {}
    for name, values in sizes.items():
        if (values > 0).all() and not any(np.array_equal(values, v) for v in kept.values()):
            kept[name] = values
    return kept


def pattern(drawn, right):
    """
    Say what the cases have in common in which an answer is right, or wrong, and only these.

    None if nothing is found, or if it may be by chance, with fewer than three on either side.
    """
    right = np.array(right)
    if min(right.sum(), (~right).sum()) < 3:
        return None
    for words, holds in _features(drawn):
        if np.array_equal(holds, right):
            return f"it is right exactly where {words}"
        if np.array_equal(holds, ~right):
            return f"it is wrong exactly where {words}"
    return None


def _features(drawn):
    for name, value in drawn[0].items():
        values = [case[name] for case in drawn]
        if callable(value):
            names = [v.__name__ for v in values]
            yield from ((f"{name} is {n}", np.array(names) == n) for n in dict.fromkeys(names))
        elif isinstance(value, (list, tuple)):
            sizes = np.array([len(v) for v in values])
            yield from ((f"{name} has {n} entries", sizes == n) for n in np.unique(sizes))
        elif isinstance(value, int):
            yield from ((f"{name} is {n}", np.array(values) == n) for n in np.unique(values))
            yield f"{name} is even", np.array(values) % 2 == 0
            yield from _pairs(name, values, drawn)
        elif isinstance(value, float):
            yield f"{name} is positive", np.array(values) > 0
            yield f"{name} is below 1/2", np.array(values) < 0.5
            yield from _pairs(name, values, drawn)
        elif isinstance(value, np.ndarray):
            if value.ndim == 2:
                yield f"{name} is square", np.array([v.shape[0] == v.shape[1] for v in values])
            yield f"{name} has no negative entry", np.array([(v >= 0).all() for v in values])
            yield f"{name} has no entry below -100", np.array([(v > -100).all() for v in values])
            yield f"{name} has no entry above 100", np.array([(v < 100).all() for v in values])


def _pairs(name, values, drawn):
    """Compare a number with the others."""
    for other, value in drawn[0].items():
        if other != name and isinstance(value, (int, float)):
            others = np.array([case[other] for case in drawn])
            yield f"{name} equals {other}", np.array(values) == others
            yield f"{name} is above {other}", np.array(values) > others
