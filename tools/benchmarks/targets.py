"""What is promised, and whether the measurement keeps it, over all sizes."""

import math

TORCH, FUSED = "torch autograd", "torch fused"


def geometric_mean(values):
    """Return the geometric mean: a ratio of 2 and one of 1/2 balance."""
    return math.exp(sum(map(math.log, values)) / len(values))


def largest(values):
    """Return the largest value."""
    return max(values)


def narrow(size):
    """Say whether an MLP is at most 256 wide."""
    return size[1] <= 256


def wide(size):
    """Say whether an MLP is wider than 256."""
    return size[1] > 256


# Operation, other side, which sizes, what of them, at most.
TARGETS = [
    ("batch norm with ReLU", FUSED, None, geometric_mean, 1.2),
    ("batch norm with ReLU", FUSED, None, largest, 1.9),
    ("batch norm with ReLU", TORCH, None, geometric_mean, 0.35),
    ("softmax cross-entropy", FUSED, None, geometric_mean, 1.0),
    ("dropout with its mask", FUSED, None, geometric_mean, 1.0),
    ("MLP", FUSED, narrow, geometric_mean, 1.0),
    ("MLP", FUSED, wide, geometric_mean, 1.0),
]


def ratios(cases, operation, side, dtype, sizes=None):
    """Return the median ratios hw1lib / side, smallest size first."""
    return [
        case["sides"][side]["ratio"][1]
        for case in cases
        if (case["operation"], case["dtype"]) == (operation, dtype)
        and side in case["sides"]
        and (sizes is None or sizes(case["size"]))
    ]


def judge(cases):
    """Hold each target against the measured ratios, for each dtype."""
    rows = []
    for operation, side, sizes, statistic, bound in TARGETS:
        for dtype in ("float64", "float32"):
            measured = ratios(cases, operation, side, dtype, sizes=sizes)
            if measured:
                value = statistic(measured)
                rows.append(
                    {
                        "operation": operation,
                        "against": side,
                        "sizes": {None: "all", narrow: "width <= 256", wide: "width > 256"}[sizes],
                        "statistic": statistic.__name__.replace("_", " "),
                        "dtype": dtype,
                        "measured": round(value, 3),
                        "at most": bound,
                        "met": value <= bound,
                    }
                )
    return rows
