"""Posteriors of tables against scipy's Dirichlet and beta distributions, and against draws of rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, dirichlet

from chainrule.core.errors import InputError
from chainrule.models import BayesianNetwork


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 50)
    return {"a": a, "b": np.where(rng.random(50) < 0.3, a > 0, rng.random(50) < 0.5).astype(int)}


@pytest.mark.parametrize("prior", ["cell", "bdeu"])
def test_each_row_is_a_dirichlet_and_each_entry_a_beta(rows, prior):
    model = BayesianNetwork("a -> b", pseudocount=1.5, prior=prior).fit(rows)
    posteriors = model.table_posteriors(rows)
    for v, posterior in posteriors.items():
        np.testing.assert_allclose(posterior.mean, model.tables_[v])
        lower, upper = posterior.interval(0.8)
        for j in np.ndindex(posterior.mean.shape[:-1]):
            law = dirichlet(posterior.concentration[j])
            np.testing.assert_allclose(posterior.mean[j], law.mean())
            np.testing.assert_allclose(posterior.standard_deviation[j] ** 2, law.var())
            for k, alpha in enumerate(posterior.concentration[j]):
                entry = beta(alpha, posterior.concentration[j].sum() - alpha)
                np.testing.assert_allclose([lower[j][k], upper[j][k]], entry.interval(0.8))
    one = posteriors["b"].entry(1, {"a": 2})
    assert one.mean == pytest.approx(model.tables_["b"][2, 1])
    assert one.interval() == pytest.approx(beta(one.a, one.b).interval(0.95))
    assert one.probability_above(0.5) == pytest.approx(beta(one.a, one.b).sf(0.5))


def test_counts_serve_as_rows_do_and_weights_count(rows):
    model = BayesianNetwork("a -> b", pseudocount=1).fit(rows)
    once = model.table_posteriors(rows)
    by_counts = model.table_posteriors(model.count(rows))
    twice = model.table_posteriors(rows, sample_weight=np.full(50, 2.0))
    for v in once:
        np.testing.assert_array_equal(once[v].concentration, by_counts[v].concentration)
        np.testing.assert_allclose(twice[v].concentration, 2 * once[v].concentration - 1)


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(2)
    hits = []
    for _ in range(300):  # tables drawn from the prior: coverage is exact on average
        truth = rng.dirichlet([1, 1, 1])
        X = rng.choice(3, 20, p=truth)[:, None]
        X = np.concatenate(
            [X, [[0], [1], [2]]]
        )  # so that all states occur; three pseudocounts fewer make up for it
        model = BayesianNetwork("x1", pseudocount=1).fit(X)
        counts = model.count(X[:20]) if len(np.unique(X[:20])) == 3 else None
        if counts is None:
            continue
        lower, upper = model.table_posteriors(counts)["x1"].interval(0.8)
        hits += ((lower < truth) & (truth < upper)).tolist()
    assert 0.75 < np.mean(hits) < 0.87


def test_an_entry_without_alternatives_is_one():
    rows = {"x1": ["u", "u"]}
    posterior = BayesianNetwork("x1", pseudocount=1).fit(rows).table_posteriors(rows)["x1"]
    assert [end.tolist() for end in posterior.interval()] == [[1.0], [1.0]]
    assert posterior.entry("u").interval() == (1.0, 1.0)
    assert posterior.entry("u").probability_above(0.5) == 1.0
    assert "P(x1)  columns: mean, 95 % credible interval" in posterior.text()


def test_no_prior_and_holes_are_refused(rows):
    with pytest.raises(InputError, match="fit with a pseudocount above 0"):
        BayesianNetwork("a -> b").fit(rows).table_posteriors(rows)
    with pytest.raises(InputError, match="standard_errors"):
        BayesianNetwork("a -> b", missing="em", pseudocount=1).fit(rows).table_posteriors(rows)
    model = BayesianNetwork("a -> b", pseudocount=1).fit(rows)
    other = BayesianNetwork("b -> a", pseudocount=1).fit(rows)
    with pytest.raises(InputError, match="another DAG"):
        model.table_posteriors(other.count(rows))
    found = model.table_posteriors(rows)["b"]
    for level in (0, 1, "much", True):
        with pytest.raises(InputError, match="strictly between 0 and 1"):
            found.interval(level)
    with pytest.raises(InputError, match="a state of each of its parents"):
        found.entry(1)
    assert set(model.do({"a": 1}).table_posteriors(rows)) == {"b"}
