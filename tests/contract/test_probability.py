"""``log_prob`` is the logarithm of a distribution, for every model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chainrule.models.made.estimator import MADE
from chainrule.models.nade.estimator import NADE
from tests.contract.cases import Case, cases_named, every_case, fitted, table_of
from tests.oracles import enumerate_rows, is_conditionally_independent, log_of_marginal


@every_case
def test_probabilities_sum_to_one(case: Case) -> None:
    assert abs(table_of(case).sum() - 1.0) < 1e-9


@pytest.mark.parametrize("model", [NADE(hidden=8), MADE(hidden=[9, 8])], ids=["nade", "made"])
def test_probabilities_of_twelve_variables_sum_to_one(model: NADE | MADE) -> None:
    X = np.random.default_rng(2).integers(0, 2, (50, 12))
    model.set_params(epochs=3, ordering="random", random_state=1).fit(X)
    assert abs(np.exp(model.log_prob(enumerate_rows(12))).sum() - 1.0) < 1e-9


@every_case
def test_log_prob_is_one_float64_per_row_and_never_positive(case: Case) -> None:
    log_p = fitted(case).log_prob(enumerate_rows(case.d))
    assert log_p.shape == (2**case.d,)
    assert log_p.dtype == np.float64
    assert not np.isnan(log_p).any()
    assert (log_p <= 1e-12).all()


@every_case
def test_a_row_scores_the_same_alone_as_among_others(case: Case) -> None:
    model, rows = fitted(case), enumerate_rows(case.d)
    alone = np.concatenate([model.log_prob(row[None]) for row in rows])
    # a matrix product may add in another order for another number of rows
    np.testing.assert_allclose(alone, model.log_prob(rows), rtol=1e-12, atol=1e-12)


@every_case
def test_integers_floats_and_booleans_in_any_layout_score_the_same(case: Case) -> None:
    model, rows = fitted(case), enumerate_rows(case.d)
    expected = model.log_prob(rows)
    for same in (
        rows.astype(bool),
        rows.astype(np.int8),
        rows.astype(object),
        rows.tolist(),
        np.asfortranarray(rows),
    ):
        assert (model.log_prob(same) == expected).all()
    wide = np.repeat(rows, 2, axis=1)[:, ::2]  # not contiguous
    assert (model.log_prob(wide) == expected).all()


@every_case
def test_a_missing_value_is_marginalised_exactly(case: Case) -> None:
    patterns = np.array(list(itertools.product([0.0, 1.0, np.nan], repeat=case.d)))
    if len(patterns) > 100:
        patterns = patterns[np.random.default_rng(7).choice(len(patterns), 100, replace=False)]
    expected = [log_of_marginal(table_of(case), row) for row in patterns]
    np.testing.assert_allclose(fitted(case).log_prob(patterns), expected, rtol=1e-9, atol=1e-9)


@every_case
def test_a_row_of_only_missing_values_has_probability_one(case: Case) -> None:
    np.testing.assert_allclose(fitted(case).log_prob(np.full((2, case.d), np.nan)), 0.0, atol=1e-9)


@every_case
def test_score_samples_and_score_are_log_prob_and_its_mean(case: Case) -> None:
    model, rows = fitted(case), case.data()
    rows = rows[np.isfinite(model.log_prob(rows))]
    assert (model.score_samples(rows) == model.log_prob(rows)).all()
    assert model.score(rows) == np.mean(model.log_prob(rows))


@every_case
def test_log_prob_is_minus_infinity_for_impossible_rows_and_only_for_them(case: Case) -> None:
    rows = enumerate_rows(case.d)
    impossible = np.zeros(len(rows), bool)
    if case.name in ("bernoulli", "bayes-chain"):
        impossible = rows[:, 2] == 1  # never on in training, and nothing was added to the counts
    elif case.name.startswith("count"):
        impossible = rows.sum(1) == 0  # no black pixel
    assert ((fitted(case).log_prob(rows) == -np.inf) == impossible).all()


@cases_named("bernoulli", d=6)
def test_independent_variables_are_independent_in_the_joint(case: Case) -> None:
    for x, y in itertools.combinations(range(case.d), 2):
        assert is_conditionally_independent(table_of(case), [x], [y])


@cases_named("nade", "made", d=6)
def test_training_raises_the_likelihood_of_the_training_rows(case: Case) -> None:
    rows = case.data()
    untrained = case.fit(case.make().set_params(epochs=0))
    assert fitted(case).score(rows) > untrained.score(rows)
