"""One run names all problems of a table, each with the setting that solves it, as it is written there."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from chainrule.tables import Schema, Table
from chainrule.tables.door import rows
from chainrule.tables.problems import IN_PYTHON, Problem, TableError, UnseenError, listed

N = 600
RNG = np.random.default_rng(0)
TABLE = {
    "height": RNG.normal(size=N),
    "user": [f"u{i}" for i in range(N)],
    "when": pd.date_range("2020-01-01", periods=N),
    "day": [str(d.date()) for d in pd.date_range("2020-01-01", periods=N)],
    "note": [f"it was a day like any other, said number {i} to me" for i in range(N)],
    "zip": RNG.integers(0, 500, N),
    "pay": [f"{i},5" for i in range(N)],
    "street": [f"street {i % 300}" for i in range(N)],
    "tags": [["a"]] * N,
    "empty": [None] * N,
    "mixed": ["a", 1] * (N // 2),
    "fine": ["a", "b"] * (N // 2),
}
WORDS = {
    "height": ("continuous", "bins"),
    "user": ("identifier", "ignore"),
    "when": ("dates", "ignore"),
    "day": ("dates", "ignore"),
    "note": ("free text", "ignore"),
    "zip": ("measurement", "bins"),
    "pay": ("decimal commas", "ignore"),
    "street": ("300 categories, more than 256", "max_states"),
    "tags": ("list", "ignore"),
    "empty": ("no states", "schema"),
    "mixed": ("one kind", "ignore"),
}


def _problems(read):
    with pytest.raises(TableError) as caught:
        read()
    return caught.value


def test_every_problem_is_found_in_one_run_with_the_setting_that_solves_it():
    error = _problems(lambda: Table.read(TABLE))
    found = {p.column: p for p in error.problems}
    assert list(found) == list(WORDS)
    for name, (word, setting) in WORDS.items():
        assert word in found[name].reason
        assert found[name].settings[0] == setting
        assert repr(name) in found[name].text()


def test_problems_of_files_are_found_in_one_run_too(tmp_path):
    frame = pd.DataFrame({k: v for k, v in TABLE.items() if k not in ("tags", "mixed")})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for read in (lambda: Table.read(tmp_path / "t.csv"), lambda: next(Table.batches(tmp_path / "t.csv"))):
        found = {p.column: p for p in _problems(read).problems}
        assert set(found) == set(frame) - {"fine"}
        for name in set(found) - {"when"}:
            assert found[name].settings[0] == WORDS[name][1]


def test_the_settings_that_are_advised_solve_the_problems():
    error = _problems(lambda: Table.read(TABLE))
    settings: dict = {"bins": {}, "ignore": [], "schema": {}}
    for p in error.problems:
        if p.settings[0] == "bins":
            settings["bins"][p.column] = 5
        elif p.settings[0] == "ignore":
            settings["ignore"].append(p.column)
        elif p.settings[0] == "schema":
            settings["schema"][p.column] = ["no", "yes"]
        else:
            settings[p.settings[0]] = p.size
    table = Table.read(TABLE, **settings)
    assert table.schema.names == ("height", "zip", "street", "empty", "fine")


def test_a_message_is_one_line_below_a_thousand_characters_and_says_how_many_more():
    error = _problems(lambda: Table.read({f"c{j}": [0.5, 1] for j in range(300)}))
    assert len(error.problems) == 300
    assert len(str(error)) < 1000
    assert "\n" not in str(error)
    assert str(error).endswith(f"… and {300 - str(error).count('bins=')} more columns")
    assert len(listed([Problem("a" * 5000, "is\nlong")], Problem.text)) < 1000
    assert listed([Problem("a", "x" * 600), Problem("b", "y" * 600)], Problem.text).endswith(
        "and 1 more column"
    )


def test_settings_are_written_as_they_are_at_the_place_of_the_user():
    shell = {"bins": "--bins {column}=5", "ignore": "--ignore {column}"}
    error = _problems(lambda: Table.read({"a b": [0.5, 1]}, options=shell))
    assert str(error).endswith(": --bins a b=5 or --ignore a b")
    through = _problems(lambda: rows({"age": [0.5, 1]}))
    assert "Table.read(X, bins={'age': 5})" in str(through)
    assert set(IN_PYTHON) >= {s for _, s in WORDS.values()}


def test_unseen_categories_of_all_columns_are_named_at_once():
    with pytest.raises(UnseenError) as caught:
        rows({"a": ["u", "?"], "b": ["!", "x"], "c": [1, 1]}, Schema.of({"a": ["u"], "b": ["x"], "c": 2}))
    assert [p.column for p in caught.value.problems] == ["a", "b"]
    assert "row 1, column 'a'" in str(caught.value)
    assert "row 0, column 'b'" in str(caught.value)


def test_errors_can_be_copied_and_so_sent_to_another_process():
    for error in (_problems(lambda: Table.read(TABLE)), UnseenError([Problem("a", "row 1: no")])):
        again = copy.deepcopy(error)
        assert str(again) == str(error)
        assert again.problems == error.problems
