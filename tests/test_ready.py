"""What is looked at before anything is installed, and the machines that the README names."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

import ready

ROOT = Path(__file__).parent.parent
HERE = "{}.{}".format(*sys.version_info[:2])


def environment(folder, version):
    (folder / "env").mkdir()
    (folder / "env" / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")
    return folder / "env"


def test_an_old_python_is_refused_in_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit) as stop:
        ready.main(tmp_path / "env")
    assert "This is Python 3.9 (" in stop.value.code
    assert "needs 3.11 or newer" in stop.value.code


@pytest.mark.parametrize(
    ("version", "asked", "stays"),
    [("3.9.2", "command", False), ("3.9.2", "", True), (f"{HERE}.1", "command", True)],
)
def test_an_environment_goes_only_for_another_python_that_was_asked_for(
    tmp_path, capsys, version, asked, stays
):
    path = environment(tmp_path, version)
    ready.main(path, asked)
    assert path.exists() == stays
    assert (f"it is made new, with {HERE}" in capsys.readouterr().out) != stays


def test_the_size_of_a_new_environment_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    ready.main(tmp_path / "env")
    assert "about 2 GB" in capsys.readouterr().out
    ready.main(environment(tmp_path, f"{HERE}.1"))
    assert capsys.readouterr().out == ""


def test_the_readme_names_the_machines_that_the_pins_are_looked_up_for():
    table = (ROOT / "README.md").read_text("utf-8").partition("| Machine |")[2]
    named = re.findall(r"(?m)^\| ([^|]+?) \|", table.partition("\n\n")[0])[1:]
    platforms = re.findall(r'(?m)^    "(\S+)",$', (ROOT / "noxfile.py").read_text("utf-8"))
    words = {
        "linux": "Linux",
        "apple": "macOS",
        "windows": "Windows",
        "x86_64": "x86-64",
        "aarch64": "Arm",
    }
    assert len(named) == len(platforms) == 4
    for name, platform in zip(named, platforms, strict=True):
        assert all(word in name for part, word in words.items() if part in platform), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pythons = [c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r"3\.\d+$", c)]
    assert pythons[0] in table
    assert pythons[-1] in table
