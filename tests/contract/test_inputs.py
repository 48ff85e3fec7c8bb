"""Bad input gives one clear line of ours; awkward but meaningful input gives the right answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.models import MADE, NADE, Independent, LatentMixture, TreeNetwork
from chainrule.tables import Schema, Table
from tests.contract.cases import Case, cases_of, every_case, every_learner, exported_models, fitted

NAN = np.nan


def test_every_model_that_is_exported_has_cases() -> None:
    from tests.contract.cases import CASES

    assert {m.__name__ for m in exported_models()} == {c.kind.__name__ for c in CASES}


def _shapes(d: int) -> dict[str, tuple[Any, str]]:
    """Rows that are no rows, and a word that the message must hold."""
    ok = np.zeros((4, d))
    return {
        "wide": (np.zeros((4, d + 1)), "columns"),
        "one-dimensional": (np.zeros(d), "dimension"),
        "three-dimensional": (ok[None], "dimension"),
        "a number": (1.0, "dimension|table"),
        "nothing": (None, "dimension|table"),
        "no rows": (ok[:0], "rows"),
        "no columns": (ok[:, :0], "columns"),
        "ragged": ([[0] * d, [0] * (d + 1)], "ragged"),
    }


def _values(d: int) -> dict[str, tuple[Any, str]]:
    """Rows with values that are no states."""
    ok = np.zeros((4, d))
    return {
        "minus two": (ok - 2, "row 0"),
        "a half": (ok + 0.5, "row 0|continuous"),
        "infinite": (ok + np.inf, "row 0|continuous"),
        "complex": (ok + 1j, "complex"),
    }


SHAPES, VALUES = list(_shapes(1)), list(_values(1))


def _one_line(error: BaseException) -> bool:
    text = str(error)
    return "\n" not in text and 10 < len(text) < 1000


@every_case
@pytest.mark.parametrize("what", [*SHAPES, *VALUES, "a nine"])
def test_rows_that_cannot_be_scored_are_refused_in_one_line(case: Case, what: str) -> None:
    bad = _shapes(case.d) | _values(case.d) | {"a nine": (np.full((4, case.d), 9), "row 0")}
    rows, word = bad[what]
    with pytest.raises(InputError, match=word) as caught:
        fitted(case).log_prob(rows)
    assert _one_line(caught.value)


@every_case
@pytest.mark.parametrize("what", [*(s for s in SHAPES if s != "wide"), *VALUES])
def test_rows_that_cannot_be_learned_from_are_refused_in_one_line(case: Case, what: str) -> None:
    rows, word = (_shapes(case.d) | _values(case.d))[what]
    y = np.full(4, 0.1) if case.needs_labels else None
    model = case.make()
    if case.takes_any_table:
        model.set_params(schema=None)
    with pytest.raises(InputError, match=word) as caught:
        model.fit(rows, y)
    assert _one_line(caught.value)


@every_learner
def test_a_missing_value_in_training_is_refused_with_its_place(case: Case) -> None:
    X = case.data().astype(float)
    X[1, case.d - 1] = NAN
    if case.learns_from_holes:
        assert np.isfinite(case.make().fit(X).log_prob(X)).all()
        return
    with pytest.raises(InputError, match=rf"missing value.*row 1.*x{case.d}"):
        case.make().fit(X, case.labels(case.data()))


@every_case
def test_a_fit_that_was_refused_leaves_no_fit_behind(case: Case) -> None:
    model = case.make()
    with pytest.raises(InputError):
        model.fit(np.full((4, case.d), 0.5), None)
    assert vars(model) == model.get_params(deep=False)


@every_case
def test_a_refused_refit_leaves_the_fit_that_was_there(case: Case) -> None:
    model, rows = fitted(case), case.data()
    before = model.log_prob(rows)
    with pytest.raises(InputError):
        model.fit(np.full((4, case.d), 0.5), None)
    assert (model.log_prob(rows) == before).all()


@every_case
def test_one_row_can_be_learned_from_and_scored(case: Case) -> None:
    row = np.minimum(np.ones((1, case.d), int), np.array(case.sizes) - 1)
    model = case.make().fit(row, case.labels(row))
    log_p = model.log_prob(row)
    assert log_p.shape == (1,)
    assert np.isfinite(log_p).all()
    assert model.sample(2, rng=0).shape == (2, case.d)


@every_case
def test_constant_columns_can_be_learned_from(case: Case) -> None:
    row = np.minimum(np.arange(case.d) % 2 == 0, np.array(case.sizes) - 1).astype(int)
    rows = np.repeat(row[None], 1 if case.needs_labels else 10, axis=0)
    model = case.make().fit(rows, case.labels(rows))
    assert np.isfinite(model.log_prob(rows)).all()


@every_case
def test_validation_rows_are_checked_like_training_rows(case: Case) -> None:
    X = case.data()
    model = case.make()
    assert model.fit(X, case.labels(X), valid=X[:2]) is model
    with pytest.raises(InputError):
        case.make().fit(X, case.labels(X), valid=np.full((2, case.d), 0.5))


@every_case
@pytest.mark.parametrize("bad", ["short", "negative", "nan", "zero", "words", "two-dimensional"])
def test_weights_that_make_no_sense_are_refused(case: Case, bad: str) -> None:
    X = case.data()
    n = len(X)
    weights: Any = {
        "short": np.ones(n + 1),
        "negative": np.full(n, -1.0),
        "nan": np.full(n, NAN),
        "zero": np.zeros(n),
        "words": ["much"] * n,
        "two-dimensional": np.ones((n, 2)),
    }[bad]
    with pytest.raises(InputError, match="sample_weight"):
        case.make().fit(X, case.labels(X), sample_weight=weights)


@cases_of(Independent, NADE, MADE)
def test_a_table_whose_rows_all_weigh_nothing_is_refused(case: Case) -> None:
    table = Table(Schema.of_sizes(case.sizes), case.data(), np.zeros(len(case.data())))
    with pytest.raises(InputError, match="every row of X has the weight 0"):
        case.make().fit(table)


@cases_of(Independent, TreeNetwork)
def test_a_weight_counts_like_so_many_rows(case: Case) -> None:
    X, weights = case.data(), np.arange(len(case.data())) % 3
    repeated = case.make().fit(np.repeat(X, weights, axis=0))
    weighted = case.make().fit(X, sample_weight=weights)
    states = case.states()
    np.testing.assert_allclose(weighted.log_prob(states), repeated.log_prob(states), rtol=1e-12)


@cases_of(NADE, MADE, LatentMixture)
def test_rows_of_weight_zero_teach_a_network_nothing(case: Case) -> None:
    X = case.data()
    weights = (np.arange(len(X)) < len(X) // 2).astype(float)
    other = X.copy()
    other[len(X) // 2 :] = np.minimum(1 - np.minimum(X[len(X) // 2 :], 1), np.array(case.sizes) - 1)
    one = case.make().fit(X, sample_weight=weights)
    two = case.make().fit(other, sample_weight=weights)
    np.testing.assert_allclose(one.log_prob(X), two.log_prob(X), rtol=1e-6)
