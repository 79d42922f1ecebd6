"""The formula box without its page: what is typed is read, computed, typeset and judged.

Each text is read by `formula.js` in V8 and computed beside Python and NumPy. The questions are
those of hw1check that a formula box can ask, discovered.
"""

import ast
import gzip
import json
import math
import re
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pytest
from answers.question_data import SCRIPT, engine, is_formula, judge, question_data, typed_lines

from hw1check import PROBLEMS
from hw1check._run import Outcome
from hw1check._values import arrays
from hw1check._verdict import Verdict

FORMULAS = [problem for problem in PROBLEMS if is_formula(problem)]
HOMEWORK = {"1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.3", "3.3"}
MAX_SCRIPT, MAX_DATA = 9.5 * 1024, 10 * 1024  # bytes, compressed
each_formula = pytest.mark.parametrize("problem", FORMULAS, ids=lambda problem: problem.name)
data_of = cache(question_data)

NAMES = {
    "p": 0.2, "q": 0.8, "k": 3, "M": 7, "lam": 1.5, "eps": 0.1,
    "Eh": 0.4, "Eh2": 0.5, "Var_mh": 0.3, "h_tilde": 0.7, "q0": 1.2, "dgamma": 2.0,
    "gamma": np.array([1.5, -2.0]), "beta": np.array([0.3, 0.7]),
    "Y": np.array([[1.0, 2.5], [3.0, -5.0], [-4.0, 0.5]]),
    "x_hat": np.array([[0.3, 1.2], [-0.7, 0.4], [2.0, -1.0]]),
    "G": np.array([[0.5, 1.5], [-2.0, 3.0], [1.0, -0.25]]),
}  # fmt: skip


def run(script, **values):
    """Evaluate a script that sees `values`; an error comes as its message and position."""
    given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    text = engine().eval(
        f"""(() => {{
          const {given};
          const kept = (key, x) => (Number.isFinite(x) || typeof x !== "number" ? x : `${{x}}`);
          try {{ return JSON.stringify({script}, kept); }} catch (error) {{
            if (error.position === undefined) throw error;
            return JSON.stringify({{ error: error.message, position: error.position }});
          }}
        }})()"""
    )
    return json.loads(text)


def plain(names):
    return {name: np.asarray(value).tolist() for name, value in names.items()}


def computed(text, names=NAMES):
    """Return the value of a text, as an array."""
    script = "formula.evaluate(formula.parse(text, Object.keys(names)), names)"
    value = run(script, text=text, names=plain(names))
    assert not isinstance(value, dict), f"{text}: {value}"
    return np.array(value, dtype=float)


def preview(text, names=NAMES):
    return run("formula.preview(formula.parse(text, names))", text=text, names=list(names))


# Reading --------------------------------------------------------------------------------------

TYPED = [
    # Signs that are left out, and how far they reach.
    ("2p", "2 * p"),
    ("2 pi", "2 * pi"),
    ("2pi p", "2 * pi * p"),
    ("2(1-p)", "2 * (1 - p)"),
    ("p(1-p)", "p * (1 - p)"),
    ("(1-p)(1+p)", "(1 - p) * (1 + p)"),
    ("(1-p)/2pi", "(1 - p) / 2 * pi"),
    ("1/2p", "1 / 2 * p"),
    ("Mpq", "M * p * q"),
    ("2Mpq²", "2 * M * p * q**2"),
    ("p Eh", "p * Eh"),
    ("(p+q)M", "(p + q) * M"),
    ("2exp(-p)", "2 * exp(-p)"),
    ("exp(-lam)lam^k/k!", "exp(-lam) * lam**k / factorial(k)"),
    # Powers bind tighter than a sign, and to the right.
    ("-p^2", "-(p**2)"),
    ("-p**2", "-(p**2)"),
    ("(-p)^2", "(-p) ** 2"),
    ("2^3^2", "2**9"),
    ("2**-2", "0.25"),
    ("2^-p^2", "2 ** -(p**2)"),
    ("q^2p", "q**2 * p"),
    ("q^(2p)", "q ** (2 * p)"),
    ("p-q-1", "p - q - 1"),
    ("p/q/2", "p / q / 2"),
    ("p--q", "p + q"),
    ("2*-p", "-2 * p"),
    ("+p", "p"),
    # Signs of a phone.
    ("2πp", "2 * pi * p"),
    ("1/√(2π)", "1 / sqrt(2 * pi)"),
    ("√2", "sqrt(2)"),
    ("√2p", "sqrt(2) * p"),
    ("2√2", "2 * sqrt(2)"),
    ("½", "0.5"),
    ("½ − Eh²", "0.5 - Eh**2"),
    ("p²q³", "p**2 * q**3"),
    ("q⁻¹", "1 / q"),
    ("2·p×q÷4", "2 * p * q / 4"),
    ("1 − p", "1 - p"),
    ("1 – p", "1 - p"),
    ("[1-p]*2", "(1 - p) * 2"),
    ("2[1-p][1+p]", "2 * (1 - p) * (1 + p)"),
    ("γx̂+β", "gamma * x_hat + beta"),
    ("γ·x_hat + β", "gamma * x_hat + beta"),
    ("λ^k", "lam**k"),
    ("lambda q", "lam * q"),
    ("√(p+ε)", "sqrt(p + eps)"),
    ("√(p+ϵ)", "sqrt(p + eps)"),
    ("Sqrt(P)", "sqrt(p)"),
    ("Exp(-Lam)", "exp(-lam)"),
    ("2 Pi", "2 * pi"),
    # Numbers.
    ("1e-3", "0.001"),
    ("2.5E2p", "250 * p"),
    (".5", "0.5"),
    ("5.", "5"),
    # Functions, in several spellings.
    ("ln(q)", "log(q)"),
    ("log(q)", "log(q)"),
    ("abs(-p)", "p"),
    ("sign(-p)", "-1"),
    ("max(0, p, q)", "q"),
    ("min(p, q)", "p"),
    ("relu(-p) + relu(q)", "q"),
    ("k!", "6"),
    ("(M-k)!", "24"),
    ("2k!", "12"),
    ("k!^2", "36"),
    ("factorial(k)", "6"),
    ("comb(M, k)", "35"),
    ("C(M,k)", "35"),
    ("binom(M, k)p^k", "35 * p**k"),
    ("M!/(k!(M-k)!)", "35"),
    ("pow(p, 2)", "p**2"),
    # Python.
    ("math.sqrt(p)", "sqrt(p)"),
    ("np.sqrt(p) * np.pi", "sqrt(p) * pi"),
    ("numpy.exp(p)", "exp(p)"),
    ("math.comb(M, k)", "35"),
    ("math.factorial(k)", "6"),
    ("Var_mh = Eh2 - Eh**2", "Eh2 - Eh**2"),
    ("np.sum(G * x_hat, axis=0)", "np.sum(G * x_hat, axis=0)"),
    ("(G*x_hat).sum(axis=0)", "np.sum(G * x_hat, axis=0)"),
    ("G.sum(0)", "np.sum(G, axis=0)"),
    ("np.sum(G, 1)", "np.sum(G, axis=1)"),
    ("np.sum(G)", "np.sum(G)"),
    ("sum(G)", "np.sum(G, axis=0)"),
    ("∑(G)", "np.sum(G, axis=0)"),
    ("Σ(G x_hat)", "np.sum(G * x_hat, axis=0)"),
    ("Y.mean(axis=-1, keepdims=True)", "np.mean(Y, axis=1, keepdims=True)"),
    ("mean(Y, axis=0, keepdims=True)", "np.mean(Y, axis=0, keepdims=True)"),
    ("mean(Y)", "np.mean(Y, axis=0)"),
    ("mean(gamma)", "np.mean(gamma)"),
    ("np.mean(Y)", "np.mean(Y)"),
    ("Y.var(axis=0)", "np.var(Y, axis=0)"),
    ("np.var(Y, axis=0, ddof=1)", "np.var(Y, axis=0, ddof=1)"),
    ("G / len(Y)", "G / 3"),
    ("Y.shape[0] + Y.shape[1]", "5"),
    ("np.maximum(Y, 0)", "np.maximum(Y, 0)"),
    ("G * (Y > 0)", "G * (Y > 0)"),
    ("G(Y>0)", "G * (Y > 0)"),
    ("np.where(Y >= 0, G, 0)", "np.where(Y >= 0, G, 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "python"), TYPED)
def test_what_people_type_is_read_as_they_mean_it(text, python):
    functions = {"np": np, "factorial": math.factorial, "pi": math.pi}
    functions |= {name: getattr(np, name) for name in ("sqrt", "exp", "log")}
    expected = np.asarray(eval(python, functions | NAMES), dtype=float)
    found = computed(text)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14)


ALL = "the names are p, q, pi."
UNREADABLE = [
    ("", "Nothing stands here yet.", 0),
    ("Eh =", "Nothing stands here yet.", 4),
    ("p +", "Something is missing after +.", 3),
    ("2 * (p + )", "Something is missing after +.", 9),
    ("* p", "Something is missing before *.", 0),
    ("p + / q", "Something is missing before /.", 4),
    ("(1 - p", "This bracket is not closed.", 0),
    ("2 - sqrt(p", "This bracket is not closed.", 8),
    ("1 - p)", "This bracket closes none that is open.", 5),
    ("0,5", "A number has a point and no comma: 0.5.", 1),
    ("2 2", "There is no sign between 2 and 2.", 2),
    ("p 2", "There is no sign between p and 2.", 2),
    ("2½", "There is no sign between 2 and ½.", 1),
    ("0.5.5", "There is no sign between 0.5 and .5.", 3),
    ("p = q = 1", "Write only what stands to the right of the equals sign.", 6),
    ("p == q", "Write only what stands to the right of the equals sign.", 2),
    ("1 - r", f"There is no r here: {ALL}", 4),
    ("Eh2", f"There is no Eh2 here: {ALL}", 0),
    ("constructor", f"There is no constructor here: {ALL}", 0),
    ("e^p", "There is no e here: write exp(x) for its powers.", 0),
    ("f(2)", "There is no function f here.", 0),
    ("np.tile(p)", "There is no function tile here.", 0),
    ("sqrt 2", "sqrt needs its brackets: sqrt(...).", 0),
    ("exp -p", "exp needs its brackets: exp(...).", 0),
    ("sqrt(0,5)", "sqrt takes 1 value, and here: 2.", 0),
    ("comb(p)", "comb takes 2 values, and here: 1.", 0),
    ("sqrt()", "sqrt takes 1 value, and here: 0.", 0),
    ("p[0]", "An index in [ ] is not read here.", 1),
    ("p.T", ".T is not read here.", 1),
    ("p.foo(2)", ".foo(...) is not read here.", 1),
    ("sqrt(p, out=q)", "out= is not read here.", 8),
    ("20%", "The sign % is not read here.", 2),
    ("|p|", "The sign | is not read here: write abs(x) for |x|.", 0),
    (r"\frac{p}{q}", "The sign \\ is not read here: write a/b and sqrt(x), without LaTeX.", 0),
    ("sum(p)", "sum needs an array, and this is a number.", 0),
]


@pytest.mark.parametrize(("text", "message", "position"), UNREADABLE)
def test_what_cannot_be_read_gets_a_sentence_and_the_place(text, message, position):
    script = "formula.evaluate(formula.parse(text, names), { p: 0.2, q: 0.8 })"
    assert run(script, text=text, names=["p", "q"]) == {"error": message, "position": position}


@pytest.mark.parametrize("name", ["pq", "toString"])
def test_without_names_any_name_is_read_and_missed_when_it_is_computed(name):
    script = "formula.evaluate(formula.parse(`2${name}`), { p: 0.5 })"
    expected = {"error": f"There is no {name} here: the names are p, pi.", "position": 1}
    assert run(script, name=name) == expected


def test_a_word_is_taken_apart_into_the_longest_names():
    assert computed("abc", {"a": 2, "b": 3, "ab": 10, "c": 1}) == 10


def test_a_large_letter_stands_for_a_small_one_only_where_one_name_fits():
    names = {"ab": 1, "AB": 2}
    error = run("formula.parse('Ab', names)", names=list(names))["error"]
    assert error == "There is no Ab here: the names are ab, AB, pi."


# Computing ------------------------------------------------------------------------------------

ROUTES = [
    "a + 2 * x - Y / 3",
    "Y * x + b",
    "(Y - np.mean(Y, axis=0)) / np.sqrt(np.var(Y, axis=0) + a**2)",
    "np.sum(Y * Z, axis=0) * x",
    "Y - np.mean(Y, axis=1, keepdims=True)",
    "Y**2 - Z * abs(a)",
    "-x**2 / (2 * np.exp(Y))",
    "np.maximum(Y, 0) * (Z > x)",
    "Z * (Y < b)",
    "np.sign(Y) * np.abs(x)",
    "np.sum(Y, axis=1) / len(Y)",
    "np.sum(x * Y) - np.mean(Z)",
    "x.sum() * Y.mean(axis=0)",
    "np.where(Y > x, Y, b)",
    "np.minimum(x, b) / 0.3",
    "np.log(np.abs(Y)) * x",
]


def test_values_are_those_of_numpy_in_a_hundred_states():
    rng = np.random.default_rng(0)
    for _ in range(100):
        # Squares are among them: there a wrong axis raises no error.
        B, M = rng.integers(1, 6, 2)
        names = {"a": rng.normal(), "x": rng.normal(size=M), "b": rng.normal(size=M)}
        names |= {"Y": rng.normal(size=(B, M)), "Z": rng.normal(size=(B, M))}
        for text in ROUTES:
            expected = eval(text, {"np": np} | names)
            found = computed(text, names)
            assert found.shape == np.shape(expected), text
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13, err_msg=text)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("Y * r", "(3, 2) and (3,)"),
        ("gamma - r", "(2,) and (3,)"),
        ("np.where(Y > 0, r, 0)", "(3, 2) and (3,) and ()"),
    ],
)
def test_shapes_that_do_not_fit_are_said(text, shapes):
    names = plain(NAMES | {"r": np.ones(3)})
    script = "formula.evaluate(formula.parse(text, Object.keys(names)), names)"
    error = run(script, text=text, names=names)["error"]
    assert error == f"The shapes {shapes} do not fit together."


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/0", np.inf), ("-1/0", -np.inf), ("0/0", np.nan), ("(-1)!", np.nan), ("log(-1)", np.nan)],
)
def test_what_has_no_value_is_infinite_or_not_a_number_as_in_numpy(text, value):
    np.testing.assert_equal(computed(text), value)


def test_large_factorials_and_binomial_coefficients_have_twelve_digits():
    for k in (0, 1, 20, 170):
        assert computed(f"factorial({k})") == pytest.approx(math.factorial(k), rel=1e-12)
    for n, k in [(5, 0), (3, 4), (60, 30), (1000, 500), (10**9, 3)]:
        assert computed(f"comb({n}, {k})") == pytest.approx(math.comb(n, k), rel=1e-12)
    assert computed("171!") == np.inf  # and no endless loop: comb(10**9, 5 * 10**8)
    assert computed("comb(1e9, 5e8)") == np.inf


# Typesetting ----------------------------------------------------------------------------------


def in_a_row(element):
    """Write MathML in a row: a product without a dot is a space there."""
    inner = [in_a_row(child) for child in element]
    match element.tag:
        case "mfrac":
            return ("|" if "linethickness" in element.attrib else "/").join(inner).join("{}")
        case "msup":
            return f"{inner[0]}^{{{inner[1]}}}"
        case "msub":
            return f"{inner[0]}_{{{inner[1]}}}"
        case "msqrt":
            return f"√{{{''.join(inner)}}}"
        case "mover" | "munder":
            return f"{inner[0]}<{inner[1]}>"
    return "".join(inner) or element.text.replace("\u2062", " ").replace("\u2061", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(1-p)/2pi", "{1−p/2} π"),
        ("1/sqrt(2pi)", "{1/√{2 π}}"),
        ("2*3", "2·3"),
        ("p*2", "p·2"),
        ("2*1/2*p", "{2·1/2} p"),
        ("2*(1/2)", "2·{1/2}"),
        ("-p^2", "−p^{2}"),
        ("-p*q", "−p q"),
        ("(-p)^2", "(−p)^{2}"),
        ("2^-p", "2^{−p}"),
        ("(p/q)^2", "({p/q})^{2}"),
        ("p-(q-k)", "p−(q−k)"),
        ("(p-q)-k", "p−q−k"),
        ("p-(-q)", "p−(−q)"),
        ("p*(-q)", "p·(−q)"),
        ("p*(q*k)", "p (q k)"),
        ("p(1-p)", "p (1−p)"),
        ("Eh(1-p)", "Eh·(1−p)"),
        ("Eh Eh2", "Eh·Eh2"),
        ("Var_mh", "Var_{mh}"),
        ("q0", "q_{0}"),
        ("dgamma", "dγ"),
        ("h_tilde", "h<~>"),
        ("gamma*x_hat", "γ·x<^>"),
        ("exp(-lam)", "e^{−λ}"),
        ("comb(M,k)", "({M|k})"),
        ("(M-k)!", "(M−k)!"),
        ("abs(p)", "|p|"),
        ("sum(G)", "∑<i>G"),
        ("-sum(G)", "−∑<i>G"),
        ("np.sum(G+Y, axis=1)", "∑<j>(G+Y)"),
        ("sum(G)*gamma", "(∑<i>G) γ"),
        ("np.mean(Y)", "mean_{i, j}(Y)"),
        ("max(0, p)", "max(0,p)"),
        ("log(q)", "ln(q)"),
        ("G*(Y>0)", "G (Y>0)"),
    ],
)
def test_a_formula_is_typeset_as_one_writes_it(text, shown):
    assert in_a_row(ElementTree.fromstring(preview(text))) == shown


@pytest.mark.parametrize("text", [text for text, _ in TYPED])
def test_a_preview_is_mathml_that_all_engines_draw(text):
    core = {"math", "mrow", "mi", "mn", "mo", "mtext", "msqrt"}
    children = dict.fromkeys(("mfrac", "msup", "msub", "mover", "munder"), 2)
    for element in ElementTree.fromstring(preview(text)).iter():
        assert element.tag in core | set(children)
        assert len(element) == children.get(element.tag, len(element))


@each_formula
def test_each_name_of_a_question_is_typeset(problem):
    for name in (*problem.arguments, *problem.lines.names):
        shown = "".join(ElementTree.fromstring(preview(name, [name])).itertext())
        assert "_" not in shown
        assert not re.search("hat|tilde|gamma|beta|eps|lam", shown)


# Judging --------------------------------------------------------------------------------------


def test_the_homeworks_questions_with_a_closed_form_are_formula_questions():
    here = {problem.name for problem in PROBLEMS if problem.question in HOMEWORK}
    assert here <= {problem.name for problem in FORMULAS}


@each_formula
def test_the_solutions_lines_are_right(problem):
    data = data_of(problem)
    verdicts = judge(data, typed_lines(problem.lines))
    assert [verdict["name"] for verdict in verdicts] == list(problem.lines.names)
    assert {verdict["state"] for verdict in verdicts} == {"right"}
    assert run("formula.solved(data, verdicts)", data=data, verdicts=verdicts)


class Inlined(ast.NodeTransformer):
    """Put what a line names in its place."""

    def __init__(self, lines):
        self.lines = lines

    def visit_Name(self, node):
        return self.lines.get(node.id, node)


@each_formula
def test_a_right_answer_by_another_route_in_the_parts_alone_passes(problem):
    # Red when a part waits for an empty line.
    lines, data = {}, data_of(problem)
    for name, text in typed_lines(problem.lines).items():
        lines[name] = Inlined(lines).visit(ast.parse(text, mode="eval").body)
    verdicts = judge(data, {part: f"1*({ast.unparse(lines[part])})" for part in problem.parts})
    states = {verdict["name"]: verdict["state"] for verdict in verdicts}
    assert states == {n: "right" if n in problem.parts else "empty" for n in problem.lines.names}
    assert run("formula.solved(data, verdicts)", data=data, verdicts=verdicts)


def verdict_of_hw1check(problem, mistake):
    """Return the first wrong line and its mistake, as a function with these lines is told."""
    drawn, found = problem.cases(), []
    for case in drawn:
        with np.errstate(all="ignore"):
            values, returned = mistake.values(case)
        lines = {name: [arrays(value)] for name, value in values.items()}
        one = returned and arrays(returned if len(returned) > 1 else returned[0])
        found.append(Outcome(one, None if returned else "failed", lines=lines))
    with np.errstate(all="ignore"):
        verdict = Verdict(problem, drawn, problem.expected(drawn), found)
        return verdict.wrong[0], verdict.recognized(verdict.wrong[0])


# What no formula says: whole division, entries, loops, and functions that Python alone has.
BEYOND = re.compile(
    r"//|\[|==|\bfor\b|\b(poisson|binomial|round|int|tile|\w+_like|np\.(floor|ceil))\("
)
MISTAKES = [
    (problem, mistake, typed)
    for problem in FORMULAS
    for mistake in problem.known
    if mistake.lines and (typed := typed_lines(mistake.changed))
    if not BEYOND.search(" ".join(typed.values()))
]


@pytest.mark.parametrize(
    ("problem", "mistake", "typed"), MISTAKES, ids=[f"{p.name}-{m.key}" for p, m, _ in MISTAKES]
)
def test_a_known_mistake_is_told_as_hw1check_tells_it(problem, mistake, typed):
    # Red when a line's values are compared in the first case alone, or when a mistake that begins
    # further up is taken before the one of this line.
    data = data_of(problem)
    verdicts = judge(data, typed)
    wrong = [verdict for verdict in verdicts if verdict["state"] == "wrong"]
    assert len(wrong) == 1
    name, known = verdict_of_hw1check(problem, mistake)
    assert (wrong[0]["name"], problem.known[wrong[0]["mistake"]].what) == (name, known.what)
    assert wrong[0]["text"] == f"This is what you get when {known.what}."
    behind = verdicts[verdicts.index(wrong[0]) + 1 :]
    assert all(v["state"] == "waiting" or v["name"] in problem.parts for v in behind)
    assert not run("formula.solved(data, verdicts)", data=data, verdicts=verdicts)


@each_formula
def test_the_data_is_numbers_and_no_formula(problem):
    # Of text it has words for people and names; a key with a line's source is one too many.
    words = {"title", "question", "page", "name", "meaning", "what", "why"}

    def texts(value):
        if isinstance(value, dict):
            return [t for key, v in value.items() if key not in words for t in texts(v)]
        return [t for v in value for t in texts(v)] if isinstance(value, list) else [value]

    data = data_of(problem)
    names, infinite = set(data["arguments"]), {"NaN", "Infinity", "-Infinity"}
    assert {text for text in texts(data) if isinstance(text, str)} <= names | infinite
    assert len(gzip.compress(json.dumps(data, separators=(",", ":")).encode())) <= MAX_DATA


def test_the_script_is_small():
    assert len(gzip.compress(SCRIPT.read_bytes(), mtime=0)) <= MAX_SCRIPT


# A question of its own, so that each sentence has a small case.

QUESTION = {
    "name": "q", "question": "0", "title": "", "page": "",
    "arguments": ["p"], "cases": [{"p": 0.25}, {"p": 0.5}, {"p": 0.75}],
    "lines": [
        {"name": "half", "meaning": "a half", "part": False, "right": [0.5, 0.5, 0.5]},
        {"name": "q", "meaning": "", "part": False, "right": [0.75, 0.5, 0.25]},
        {"name": "result", "meaning": "", "part": True, "right": [0.375, 0.25, 0.125]},
        {"name": "row", "meaning": "", "part": True, "right": [[0.25, 1], [0.5, 1], [0.75, 1]]},
    ],
    "mistakes": [
        {"what": "half is lost", "values": {"half": [1] * 3, "result": [0.75, 0.5, 0.25]}},
        {"what": "p is left out", "values": {"result": [0.5] * 3}},
        {"what": "it is divided by p - 1/2", "values": {"result": [-4, None, 4]}},
        {"what": "Python has no value", "values": {"result": [None] * 3}},
    ],
}  # fmt: skip


ROUNDED = "It agrees to 4 digits, and 9 are asked for: write the formula, not a rounded number."


def told(question=QUESTION, **typed):
    """Return state and text of each line that is told something."""
    verdicts = judge(question, typed)
    return {v["name"]: (v["state"], v["text"]) for v in verdicts if v["state"] != "empty"}


RIGHT = ("right", "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-half*q", "In every case it is minus the right value."),
        ("half*q*1.5", "In every case it is 1.5 times the right value."),
        ("q", "This is what you get when half is lost."),
        ("p", "For p = 0.25 it is 0.25, and not 0.375."),
        ("half", "This is what you get when p is left out."),
        ("1/(p-1/2)", "This is what you get when it is divided by p - 1/2."),
        ("half*q + 0.000001*p", ROUNDED),
        ("half*q*(1 + 1e-8)", ROUNDED.replace("4", "7")),
        ("3/4", "For p = 0.25 it is 0.75, and not 0.375."),
        ("log(-p)", "For p = 0.25 it has no finite value."),
    ],
)  # fmt: skip
def test_a_wrong_line_is_told_what_is_certain(text, said):
    assert told(half="1/2", q="1-p", result=text)["result"] == ("wrong", said)


BRACKETS = (
    "Only what stands directly behind the / is below it. "
    "Put brackets around the whole denominator, and it is right."
)


@pytest.mark.parametrize(
    ("right", "typed"),
    [
        ("1/(1-p)", "1/1-p"),
        ("1/(2*(1-p))", "1/2*(1-p)"),
        ("3+p/(1-p)", "3 + p/1-p"),
        ("sqrt(2/(1+p))", "sqrt(2/1+p)"),
        ("1/(1-p+p**2)", "1/1-p+p^2"),
    ],
)
def test_a_denominator_without_brackets_is_named(right, typed):
    cases = QUESTION["cases"]
    values = [float(eval(right, {"p": case["p"], "sqrt": math.sqrt})) for case in cases]
    line = {"name": "result", "meaning": "", "part": True, "right": values}
    # What 1/1-p computes is a known mistake, and still another one was made.
    mistake = {"what": "it is 1 - p", "values": {"result": [1 - case["p"] for case in cases]}}
    question = QUESTION | {"lines": [line], "mistakes": [mistake]}
    assert told(question, result=typed)["result"] == ("wrong", BRACKETS)
    assert told(question, result="2*" + right)["result"][1] != BRACKETS
    assert told(question, result=right)["result"] == RIGHT


def test_the_tolerance_is_that_of_hw1check():
    assert told(result="(1-p)/2*(1 + 5e-10)")["result"] == RIGHT


def test_a_kept_axis_is_right_and_a_missing_one_is_wrong():
    line = QUESTION["lines"][3]
    for kept, state in [(True, "right"), (False, "wrong")]:
        cases = [{"p": [row] if kept else row} for row in line["right"]]
        right = line["right"] if kept else [[row] for row in line["right"]]
        question = QUESTION | {"cases": cases, "lines": [line | {"right": right}]}
        assert told(question, row="p")["row"][0] == state


def test_a_line_that_has_the_value_of_another_is_told():
    assert told(q="half")["q"][1] == "Fill in half first, or write its value out."
    assert told(q="1/2")["q"] == ("wrong", "In every case it is half, a half.")


def test_a_number_that_has_to_be_found_is_not_shown():
    # Red when the text of a constant line shows what is right.
    assert told(half="0.3")["half"] == ("wrong", "For p = 0.25 it is 0.3, and that is not half.")


def test_a_wrong_shape_and_a_wrong_entry_are_said():
    shape = "For p = 0.25 it is a number, and row is an array of shape (2,)."
    assert told(row="p")["row"] == ("wrong", shape)
    cases = [case | {"x": [1, 2]} for case in QUESTION["cases"]]
    entry = "In case 1 it is 0.5, and not 1, at [1]; entries that differ: 1 of 2."
    question = QUESTION | {"arguments": ["p", "x"], "cases": cases}
    assert told(question, row="p*x")["row"] == ("wrong", entry)


def test_lines_behind_the_first_wrong_one_wait_and_right_parts_are_right():
    assert told(half="1", q="1-p", result="half*q") == {
        "half": ("wrong", "This is what you get when half is lost."),
        "q": ("waiting", "Not judged yet: first comes half."),
        "result": ("waiting", "Not judged yet: first comes half."),
    }
    assert told(q="p", result="(1-p)/2")["result"] == RIGHT


def test_a_line_that_needs_one_that_is_not_there_says_so():
    assert told(result="q/2") == {
        "result": ("unreadable", "Fill in q first, or write its value out.")
    }
    assert told(q="1-", result="q/2") == {
        "q": ("unreadable", "Something is missing after -."),
        "result": ("waiting", "Not judged yet: first comes q."),
    }
    assert told(half="q")["half"] == ("unreadable", "There is no q here: the names are p, pi.")
    assert told(q="half = 1/2")["q"] == ("unreadable", "This line is q, not half.")


def test_a_step_with_another_meaning_is_not_judged_where_the_result_says_more():
    other = ("waiting", "This is not q; it was not judged.")
    said = told(q="p", result="1/2")
    assert said == {"q": other, "result": ("wrong", "This is what you get when p is left out.")}
    short = QUESTION | {"lines": QUESTION["lines"][:3]}
    assert told(short, q="p", result="(1-p)/2") == {"q": other, "result": RIGHT}


def test_an_unknown_name_lists_those_that_there_are():
    assert told(q="1-x")["q"][1] == "There is no x here: the names are p, half, pi."


def test_blank_lines_are_skipped_and_the_position_of_what_is_unreadable_is_given():
    verdicts = judge(QUESTION, {"half": "  ", "q": "1 - x"})
    assert [verdict["state"] for verdict in verdicts] == ["empty", "unreadable", "empty", "empty"]
    assert verdicts[1]["position"] == 4
