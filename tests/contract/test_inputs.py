"""Bad input gives one clear line of ours; awkward but meaningful input gives the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import InputError, ShapeError, ValuesError
from tests.contract.cases import Case, every_case, every_learner, fitted

NAN = np.nan


def _bad(d: int) -> list[tuple[str, Any, type[Exception], str]]:
    """What is wrong, the rows, the error, and a word that its message must hold."""
    ok = np.zeros((4, d))
    return [
        ("wide", np.zeros((4, d + 1)), ShapeError, "columns"),
        ("one-dimensional", np.zeros(d), ShapeError, "dimension"),
        ("three-dimensional", ok[None], ShapeError, "dimension"),
        ("a number", 1.0, ShapeError, "dimension"),
        ("no rows", ok[:0], ShapeError, "rows"),
        ("no columns", ok[:, :0], ShapeError, "columns"),
        ("a two", ok + 2, ValuesError, "0 and 1"),
        ("minus one", ok - 1, ValuesError, "0 and 1"),
        ("a half", ok + 0.5, ValuesError, "0 and 1"),
        ("infinite", ok + np.inf, ValuesError, "0 and 1"),
        ("words", np.full((4, d), "on"), ValuesError, "numbers"),
        ("None", [[None] * (d - 1) + ["on"]] * 4, ValuesError, "numbers"),
        ("complex", ok + 1j, ValuesError, "numbers"),
        ("ragged", [[0] * d, [0] * (d + 1)], ShapeError, "ragged"),
    ]


def _one_line(error: BaseException) -> bool:
    text = str(error)
    return "\n" not in text and 10 < len(text) < 400


@every_case
@pytest.mark.parametrize("index", range(14))
def test_rows_that_cannot_be_scored_are_refused_in_one_line(case: Case, index: int) -> None:
    _, rows, error, word = _bad(case.d)[index]
    with pytest.raises(error, match=word) as caught:
        fitted(case).log_prob(rows)
    assert _one_line(caught.value)


@every_case
@pytest.mark.parametrize("index", range(1, 14))
def test_rows_that_cannot_be_learned_from_are_refused_in_one_line(case: Case, index: int) -> None:
    _, rows, error, word = _bad(case.d)[index]
    y = np.full(4, 0.1) if case.needs_labels else None
    with pytest.raises(error, match=word) as caught:
        case.make().fit(rows, y)
    assert _one_line(caught.value)


@every_learner
def test_a_missing_value_in_training_is_refused_with_its_place(case: Case) -> None:
    X = case.data().astype(float)
    X[1, case.d - 1] = NAN
    with pytest.raises(ValuesError, match=rf"missing value.*row 1, column {case.d - 1}"):
        case.make().fit(X, case.labels(case.data()))


@every_case
def test_a_fit_that_was_refused_leaves_no_fit_behind(case: Case) -> None:
    model = case.make()
    with pytest.raises(InputError):
        model.fit(np.full((4, case.d), 2.0), None)
    assert vars(model) == model.get_params(deep=False)


@every_case
def test_one_row_can_be_learned_from_and_scored(case: Case) -> None:
    row = np.ones((1, case.d), int)
    model = case.make().fit(row, case.labels(row))
    log_p = model.log_prob(row)
    assert log_p.shape == (1,)
    assert np.isfinite(log_p).all()
    assert model.sample(2, rng=0).shape == (2, case.d)


@every_case
def test_constant_columns_can_be_learned_from(case: Case) -> None:
    rows = np.repeat(np.arange(case.d)[None] % 2 == 0, 10, axis=0).astype(int)
    if case.needs_labels:
        rows = rows[:1]
    model = case.make().fit(rows, case.labels(rows))
    assert np.isfinite(model.log_prob(rows)).all()


@every_case
def test_a_table_with_column_names_is_taken_by_its_values(case: Case) -> None:
    class Frame:
        """What a data frame offers to a library that does not depend on any."""

        def __init__(self, values: np.ndarray) -> None:
            self.values = values

        def to_numpy(self) -> np.ndarray:
            return self.values

    rows = case.data()
    assert (fitted(case).log_prob(Frame(rows)) == fitted(case).log_prob(rows)).all()


@every_case
def test_validation_rows_are_checked_like_training_rows(case: Case) -> None:
    X = case.data()
    model = case.make()
    assert model.fit(X, case.labels(X), valid=X[:2]) is model
