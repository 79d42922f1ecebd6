"""The public names, their documentation, and what importing hw1lib brings in."""

import inspect
import subprocess
import sys

import pytest
from numpydoc.validate import validate

import hw1lib

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
    modules = [module for module in vars(hw1lib).values() if inspect.ismodule(module)]
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
        (line,) = [x for x in lines if x.startswith(f"{parameter.name} : ")]
        if parameter.default is not inspect.Parameter.empty:
            assert "default" in line or "{" in line
        if line.endswith("numpy.ndarray"):
            text = " ".join(lines[lines.index(line) + 1 : lines.index(line) + 4])
            assert "shape" in text or "activations" in text or " is (" in text


@pytest.mark.parametrize(("name", "function"), public_functions())
def test_docstring_shows_the_equation_and_says_what_raises(name, function):
    text = inspect.getdoc(function)
    assert "::\n\n    " in text
    assert ("Raises\n------" in text) == (len(inspect.signature(function).parameters) > 0)


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
