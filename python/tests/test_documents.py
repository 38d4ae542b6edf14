# SPDX-License-Identifier: Apache-2.0
"""Every line of Python in docs/python.md and in the README's section on Python runs."""

import re

import pytest
from conftest import REPOSITORY, WITHOUT

PAGE = REPOSITORY / "docs" / "python.md"
NEEDS = {"PyTorch": "torch", "JAX": "jax"}


def sections(path):
    """The blocks of Python by section, in order, with the line each begins at."""
    title, found = "", []
    text = path.read_text(encoding="utf-8")
    for match in re.finditer(r"^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1]:
            title = match[1]
        else:
            found.append((title, match[2], match[3], text.count("\n", 0, match.start(3))))
    return found


def test_every_line_of_the_page_runs(daemon, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    names = {}
    for title, language, code, line in sections(PAGE):
        if language == "python" and NEEDS.get(title) not in WITHOUT:
            exec(compile("\n" * line + code, str(PAGE), "exec"), names)
    assert names["bits"].shape[1] == 512


def test_commands_of_the_page_are_those_that_are_tested():
    script = (REPOSITORY / "scripts" / "test-python").read_text(encoding="utf-8")
    commands = [line for _, language, code, _ in sections(PAGE) if language == "sh" for line in code.splitlines()]
    assert commands == ["pip install ./python"]
    assert all(command in script for command in commands)


def test_lines_of_the_readme_run(daemon, monkeypatch):
    blocks = [code for _, language, code, _ in sections(REPOSITORY / "README.md") if language == "python"]
    ours = [code for code in blocks if re.search(r"\bmetrng\.\w", code)]
    assert ours, "the README does not show the package"
    if "torch" in WITHOUT:
        pytest.skip("METRNG_WITHOUT names torch")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    for code in ours:
        exec(compile(code, "README.md", "exec"), {})
