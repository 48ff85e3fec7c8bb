"""What the README shows must run, and the names it gives must exist."""

import re
from pathlib import Path

import pytest

from chainrule import cli

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len(blocks) >= 2
    scope = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), scope)
    assert (tmp_path / "nade.safetensors").exists()


def test_the_commands_of_the_readme_exist(capsys):
    text = README.read_text("utf-8")
    commands = {(c,) for c in re.findall(r"^chainrule (\w+)", text, re.MULTILINE)}
    commands |= {("dag", c) for c in re.findall(r"^chainrule dag (\w+)", text, re.MULTILINE)}
    assert {("reproduce",), ("report",), ("data",), ("masks",), ("derive",), ("dag", "test")} <= commands
    for command in commands:
        assert cli.main([*command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["reproduce", "test", "check"])
def test_the_make_targets_of_the_readme_exist(target):
    assert f"make {target}" in README.read_text("utf-8")
    assert re.search(rf"^{target}:", (README.parent / "Makefile").read_text(), re.MULTILINE)
