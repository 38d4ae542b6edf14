# SPDX-License-Identifier: Apache-2.0
"""Every example runs, and so does its software twin, from which it differs by one line."""

import difflib
import os
import re
import subprocess
import sys

import pytest
from conftest import REPOSITORY, need

FOLDER = REPOSITORY / "examples" / "python"
NEEDS = {"ddpm": "torch", "pipeline": "diffusers", "langevin": "numpy", "ising": "thrml"}


def test_all_examples_are_here():
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert names == {*NEEDS, *(f"{name}_software" for name in NEEDS)}


@pytest.mark.parametrize("name", NEEDS)
def test_twins_differ_by_one_line(name):
    ours, software = ((FOLDER / f"{name}{end}.py").read_text("utf-8").splitlines() for end in ("", "_software"))
    changes = [line for line in difflib.ndiff(software, ours) if line[0] in "+-"]
    assert [line[0] for line in changes] == ["-", "+"]
    assert "metrng" in changes[1] and "metrng" not in "".join(software)


@pytest.mark.parametrize("end", ["", "_software"])
@pytest.mark.parametrize("name", NEEDS)
def test_example(daemon, name, end):
    need(NEEDS[name])
    result = subprocess.run(
        [sys.executable, FOLDER / f"{name}{end}.py"],
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    if name == "pipeline":
        assert lines == ["images: (2, 16, 16, 3), different: True"]
        return
    for line in lines:
        value, exact = map(float, re.fullmatch(r".*: (\S+) \((\S+) exactly\)", line).groups())
        assert abs(value - exact) < 0.08, line
