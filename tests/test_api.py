"""The public names, their documentation, and what importing hw1lib brings in."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from numpydoc.validate import validate

import hw1lib

LIBRARY = Path(hw1lib.__file__).parent
# Not required: the text on the opening line (GL01); an extended summary, "See Also" and examples
# everywhere (ES01, SA01, EX01); a capital first, where a name such as `float32` or `b_1` stands
# there (PR08, RT04).
NOT_REQUIRED = {"GL01", "ES01", "SA01", "EX01", "PR08", "RT04"}


def public_functions():
    return [(name, getattr(hw1lib, name)) for name in hw1lib.__all__]


def test_all_is_the_list_of_public_names():
    public = {
        name
        for name, value in vars(hw1lib).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert set(hw1lib.__all__) == public
    assert hw1lib.__all__ == sorted(public)


def test_every_public_function_of_a_module_is_exported():
    # What pytest adds, to show the values of an assertion, begins with "@".
    names = [name for name in vars(hw1lib) if not name.startswith("@")]
    modules = [vars(hw1lib)[name] for name in names if inspect.ismodule(vars(hw1lib)[name])]
    for module in modules:
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                assert name in hw1lib.__all__ or name.startswith("_") or "._" in module.__name__


@pytest.mark.parametrize("name", hw1lib.__all__)
def test_docstring_is_valid_numpydoc(name):
    found = validate(f"hw1lib.{name}")["errors"]
    assert [error for error in found if error[0] not in NOT_REQUIRED] == []


@pytest.mark.parametrize(("name", "function"), public_functions())
def test_every_parameter_says_its_type_and_its_shape_or_default(name, function):
    lines = inspect.getdoc(function).splitlines()
    for parameter in inspect.signature(function).parameters.values():
        (line,) = [x for x in lines if re.match(rf"(\w+, )?{parameter.name}(, \w+)? : ", x)]
        if parameter.default is not inspect.Parameter.empty:
            assert "default" in line or "{" in line
        if line.endswith("numpy.ndarray"):
            text = " ".join(lines[lines.index(line) + 1 : lines.index(line) + 4])
            assert "shape" in text or "activations" in text or " is (" in text


@pytest.mark.parametrize(("name", "function"), public_functions())
def test_docstring_shows_the_equation(name, function):
    assert "::\n\n    " in inspect.getdoc(function)


@pytest.mark.parametrize(("name", "function"), public_functions())
def test_every_parameter_and_the_result_have_a_type(name, function):
    assert set(function.__annotations__) == {*inspect.signature(function).parameters, "return"}


def sources():
    return {path.name: path.read_text(encoding="utf-8") for path in LIBRARY.glob("*.py")}


def test_the_library_can_be_read_in_one_sitting():
    assert sum(len(text.splitlines()) for text in sources().values()) <= 2400


def test_no_module_imports_more_than_numpy_so_no_training_and_no_plotting_enters():
    for name, text in sources().items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                module = getattr(node, "module", None) or node.names[0].name
                package = module.partition(".")[0]
                allowed = {"hw1lib", "numpy", *sys.stdlib_module_names}
                assert package in allowed, f"{name} imports {module}"
        assert not re.search(r"\b(epochs?|learning_rate|train\w*)\s*=|def (train|fit|plot)", text)


def test_import_brings_in_numpy_and_no_other_package():
    code = "import sys; before = set(sys.modules); import hw1lib; print(*set(sys.modules) - before)"
    output = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    packages = {name.partition(".")[0] for name in output.split()}
    third_party = {p for p in packages if p not in sys.stdlib_module_names}
    assert {"numpy", "hw1lib"} <= third_party
    assert third_party.isdisjoint(
        {"torch", "scipy", "sympy", "matplotlib", "sklearn", "pandas", "IPython", "numpydoc"}
    )
