"""``log_prob`` is the logarithm of a distribution, for every model."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.models import MADE, NADE, BayesianNetwork, Independent, Intervened, LatentMixture
from tests.contract.cases import SIX, Case, cases_of, every_case, fitted, table_of
from tests.oracles import enumerate_rows, is_conditionally_independent, log_of_marginal

_MOST_PATTERNS = 100


def _holes(case: Case) -> NDArray[Any]:
    """Rows in which any values are missing (-1), at most a hundred."""
    patterns = np.array(list(itertools.product(*(range(-1, k) for k in case.sizes))))
    rng = np.random.default_rng(7)
    return patterns[rng.permutation(len(patterns))[:_MOST_PATTERNS]]


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
    states = case.states()
    log_p = fitted(case).log_prob(states)
    assert log_p.shape == (len(states),)
    assert log_p.dtype == np.float64
    assert not np.isnan(log_p).any()
    assert (log_p <= 1e-12).all()


@every_case
def test_a_row_scores_the_same_alone_as_among_others(case: Case) -> None:
    model, rows = fitted(case), case.states()
    alone = np.concatenate([model.log_prob(row[None]) for row in rows])
    # a matrix product may add in another order for another number of rows
    np.testing.assert_allclose(alone, model.log_prob(rows), rtol=1e-12, atol=1e-12)


@every_case
def test_integers_floats_and_lists_in_any_layout_score_the_same(case: Case) -> None:
    model, rows = fitted(case), case.states()
    expected = model.log_prob(rows)
    read_only = rows.copy()
    read_only.setflags(write=False)
    for same in (
        rows.astype(np.int8),
        rows.astype(np.uint8),
        rows.astype(np.float32),
        rows.astype(object),
        rows.tolist(),
        np.asfortranarray(rows),
        np.repeat(rows, 2, axis=1)[:, ::2],
        read_only,
        *([rows.astype(bool)] if max(case.sizes) == 2 else []),
    ):
        assert (model.log_prob(same) == expected).all()


@every_case
def test_a_missing_value_is_marginalised_exactly(case: Case) -> None:
    rows = _holes(case)
    expected = [log_of_marginal(table_of(case), row) for row in rows]
    np.testing.assert_allclose(fitted(case).log_prob(rows), expected, rtol=1e-9, atol=1e-9)


@every_case
def test_nan_none_and_minus_one_are_missing_alike(case: Case) -> None:
    rows, model = _holes(case), fitted(case)
    expected = model.log_prob(rows)
    with_nan = np.where(rows < 0, np.nan, rows)
    with_none = np.where(rows < 0, None, rows.astype(object))
    assert (model.log_prob(with_nan) == expected).all()
    assert (model.log_prob(with_none.tolist()) == expected).all()


@every_case
def test_what_is_known_less_of_is_never_less_probable(case: Case) -> None:
    model, rows = fitted(case), case.states()
    before = model.log_prob(rows)
    for j in range(case.d):
        fewer = rows.copy()
        fewer[:, j] = -1
        assert (model.log_prob(fewer) >= before - 1e-12).all()


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
    rows = case.states()
    impossible = np.zeros(len(rows), bool)
    if case.name == "independent" or (case.name == "bayes-exact" and case.sizes == SIX):
        impossible = rows[:, 2] == 1  # never on in training, and nothing was added to the counts
    elif case.name.startswith("count"):
        impossible = rows.sum(1) == 0  # no black pixel
    elif case.kind is Intervened:
        set_to = {int(name[1:]) - 1: int(state) for name, state in case.make().states.items()}
        impossible = (rows[:, list(set_to)] != list(set_to.values())).any(axis=1)
    elif case.name.startswith("bayes-exact"):
        return  # which configurations its rows have is tested with the network
    assert ((fitted(case).log_prob(rows) == -np.inf) == impossible).all()


@cases_of(Independent)
def test_independent_variables_are_independent_in_the_joint(case: Case) -> None:
    for x, y in itertools.combinations(range(case.d), 2):
        assert is_conditionally_independent(table_of(case), [x], [y])


@cases_of(NADE, MADE, LatentMixture, sizes=SIX)
def test_training_raises_the_likelihood_of_the_training_rows(case: Case) -> None:
    rows = case.data()
    untrained = case.fit(case.make().set_params(epochs=0))
    assert fitted(case).score(rows) > untrained.score(rows)


@every_case
def test_a_posterior_is_what_the_joint_says(case: Case) -> None:
    table, model = table_of(case), fitted(case)
    rng = np.random.default_rng(5)
    for _ in range(6):
        columns = rng.permutation(case.d)
        wanted = columns[: rng.integers(1, min(case.d, 3) + 1)].tolist()
        state = model.sample(1, rng=rng)[0]
        known = {int(i): int(state[i]) for i in columns[len(wanted) :][: rng.integers(0, case.d)]}
        index = tuple(slice(known[i], known[i] + 1) if i in known else slice(None) for i in range(case.d))
        kept = table[index].sum(axis=tuple(i for i in range(case.d) if i not in wanted), keepdims=True)
        expected = np.moveaxis(kept, wanted, range(len(wanted))).reshape([case.sizes[i] for i in wanted])
        names = model.schema_.names
        found = model.query([names[i] for i in wanted], {names[i]: k for i, k in known.items()})
        assert found.variables == tuple(names[i] for i in wanted)
        np.testing.assert_allclose(found.probabilities, expected / expected.sum(), rtol=1e-9, atol=1e-12)


@cases_of(Independent, BayesianNetwork)
def test_a_posterior_given_what_cannot_be_is_refused(case: Case) -> None:
    impossible = np.argwhere(table_of(case) == 0)
    if case.d == 1 or not len(impossible):
        return
    names = fitted(case).schema_.names
    evidence = dict(zip(names[1:], impossible[0][1:].tolist(), strict=True))
    if log_of_marginal(table_of(case), [-1, *impossible[0][1:]]) > -np.inf:
        return
    with pytest.raises(ValueError, match="probability zero"):
        fitted(case).query(names[0], evidence)
