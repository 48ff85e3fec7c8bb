"""Derivations as blocks, texts with their places, and numbers in sentences."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import chainrule.homework
from chainrule.core.records import Steps
from chainrule.derive import derive_mle
from chainrule.homework.derivations import as_steps
from chainrule.homework.runner import PROBLEMS
from chainrule.homework.texts import Texts
from chainrule.homework.words import with_error

ROOM = Path(chainrule.homework.__file__).parent
FOLDERS = sorted({module.partition(".")[0] for module in PROBLEMS.values()})


def _names_used(folder: str) -> set[str]:
    """The names of texts that the code of a folder asks for, as they stand in the calls."""
    used: set[str] = set()
    for path in (ROOM / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            name, called = node.args[0].value, ast.unparse(node.func)
            kinds = {"TEXTS.claim": ("claim", "evidence"), "TEXTS.figure": ("caption", "alt")}
            if called in kinds:
                used |= {f"{kind} {name}" for kind in kinds[called]}
            elif called in ("TEXTS", "TEXTS.block"):
                used.add(name)
    return used


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_is_used_and_every_text_asked_for_is_there(folder: str) -> None:
    texts = Texts(f"chainrule.homework.{folder}")
    assert set(texts.by_name) == _names_used(folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_problem_has_one_face_and_its_parts_have_the_same_names(folder: str) -> None:
    names = {path.name for path in (ROOM / folder).iterdir()}
    assert {"study.py", "texts.md"} <= names
    assert any(name.startswith("page") for name in names)
    assert any(name.startswith("claims") for name in names)
    assert callable(import_module(f"chainrule.homework.{folder}.study").study)


def test_no_study_is_a_long_function_and_no_text_hides_in_one() -> None:
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 45, f"{path.name}: {node.name}"


def test_nothing_below_knows_of_the_homework() -> None:
    below = ("compiled", "core", "datasets", "derive", "evaluate", "graphs", "models", "report", "tables")
    for room in below:
        for path in (ROOM.parent / room).rglob("*.py"):
            assert "chainrule.homework" not in path.read_text("utf-8"), path


def test_no_file_of_a_model_or_a_measure_builds_blocks_of_a_page() -> None:
    blocks = {"Block", "Figure", "Formula", "Heading", "Step", "Steps", "StudyRecord", "Table", "Text"}
    for room in ("models", "evaluate", "derive", "graphs", "tables"):
        for path in (ROOM.parent / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "chainrule.core.records":
                    assert not blocks & {alias.name for alias in node.names}, path


def test_a_value_without_a_place_and_a_place_without_a_value_are_errors() -> None:
    texts = Texts("chainrule.homework.masks")
    with pytest.raises(KeyError, match="has no place for"):
        texts("rules", extra=1)
    with pytest.raises(KeyError, match="needs a value for"):
        texts("solutions")
    with pytest.raises(KeyError, match="needs a value for 'batch_size'"):
        Texts("chainrule.homework.nade_made")(
            "set up", batch_size=None, hidden=1, epochs=1, size="all", n_train=2
        )
    with pytest.raises(KeyError, match="has no text 'nothing'"):
        texts("nothing")


def test_a_derivation_becomes_a_block_of_a_record() -> None:
    derivation = derive_mle("poisson")
    block = as_steps(derivation)
    assert isinstance(block, Steps)
    assert [(s.text, s.latex, s.check) for s in block.steps] == [
        (s.text, s.latex, s.check) for s in derivation.steps
    ]


@pytest.mark.parametrize(
    ("value", "error", "written"),
    [
        (0.13571, 0.00042, "0.13571 ± 0.00042"),
        (0.1357, 0.0099, "0.1357 ± 0.0099"),
        (0.1357, 0.00999, "0.136 ± 0.010"),
        (87.126, 0.228, "87.13 ± 0.23"),
        (1234.5, 210.0, "1230 ± 210"),
        (1.0, 0.0, "1 ± 0"),
    ],
)
def test_a_value_is_written_to_the_place_of_the_second_digit_of_its_error(value, error, written) -> None:
    assert with_error(value, error) == written
