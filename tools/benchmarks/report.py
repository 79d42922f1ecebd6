"""The printed form of the results: ratios hw1lib / side, and the targets."""

from benchmarks.sides import SIDES


def report(results):
    """Return the tables as one text."""
    return "\n\n".join([ratio_table(results["cases"]), notes(results), target_table(results)])


def ratio_table(cases):
    """Return a row a case: the median ratio of each side, with its quartiles."""
    others = [name for name in SIDES if name != "hw1lib"]
    head = f"{'operation':37}{'size':>14} {'dtype':8}{'ms':>9}"
    rows = [head + "".join(f"{name:>21}" for name in others)]
    for case in cases:
        size = " x ".join(map(str, case["size"]))
        milliseconds = case["sides"]["hw1lib"]["seconds"][1] * 1e3
        row = f"{case['operation']:37}{size:>14} {case['dtype']:8}"
        rows.append(row + f"{milliseconds:9.3f}" + "".join(cell(case, name) for name in others))
    title = "hw1lib / other side, forward plus backward: median (lower to upper quartile)"
    return title + "\n" + "\n".join(rows)


def cell(case, name):
    """Return one ratio; a star marks a side whose gradients differ."""
    if name not in case["sides"]:
        return f"{'-':>21}"
    low, median, high = case["sides"][name]["ratio"]
    star = " " if case["sides"][name]["agrees"] else "*"
    return f"{f'{median:.2f} ({low:.2f} to {high:.2f}){star}':>21}"


def notes(results):
    """Say what the stars mean and how long it took."""
    wrong = sum(not side["agrees"] for case in results["cases"] for side in case["sides"].values())
    return f"* gradients differ from hw1lib's: {wrong}; {results['seconds']} s in all"


def target_table(results):
    """Return a row a target: measured, bound, met or missed."""
    rows = []
    for row in results["targets"]:
        verdict = "met" if row["met"] else "MISSED"
        what = f"{row['operation']} / {row['against']}, {row['sizes']}, {row['statistic']}"
        rows.append(
            f"{what:68}{row['dtype']:9}{row['measured']:7.3f} <= {row['at most']:<5} {verdict}"
        )
    return "Targets, on one core\n" + "\n".join(rows)
