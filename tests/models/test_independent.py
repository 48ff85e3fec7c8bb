import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, stats

from chainrule.core.errors import InputError
from chainrule.models import Independent

tables = arrays(np.int8, st.tuples(st.integers(1, 12), st.integers(1, 5)), elements=st.integers(0, 1))


@given(tables)
def test_the_maximum_likelihood_estimate_is_the_column_mean(X):
    np.testing.assert_array_equal(Independent().fit(X).probabilities_[:, 1], X.mean(0))


def test_no_other_probability_is_more_likely():
    x = np.array([[1], [1], [0], [1], [0]])
    found = optimize.minimize_scalar(
        lambda p: -stats.bernoulli.logpmf(x, p).sum(), bounds=(1e-6, 1 - 1e-6), method="bounded"
    )
    assert Independent().fit(x).probabilities_[0, 1] == pytest.approx(found.x, abs=1e-5)


@given(tables, st.floats(0.01, 10))
def test_a_pseudocount_is_the_posterior_mean_under_a_beta_prior(X, alpha):
    ones = X.sum(0)
    expected = stats.beta(alpha + ones, alpha + len(X) - ones).mean()
    np.testing.assert_allclose(Independent(alpha).fit(X).probabilities_[:, 1], expected)


@given(tables)
def test_log_prob_agrees_with_scipy(X):
    model = Independent(0.5).fit(X)
    np.testing.assert_allclose(
        model.log_prob(X), stats.bernoulli.logpmf(X, model.probabilities_[:, 1]).sum(1)
    )


def test_a_pixel_never_on_makes_rows_impossible_unless_a_pseudocount_says_otherwise():
    X = [[0, 1], [0, 0]]
    assert Independent().fit(X).log_prob([[1, 1], [0, 1]]).tolist() == [-np.inf, np.log(0.5)]
    assert np.isfinite(Independent(pseudocount=1).fit(X).log_prob([[1, 1]])).all()
    assert Independent().fit(X).fit_info_["n_constant"] == 1


def test_probability_zero_and_one_draw_only_zeros_and_ones():
    draws = Independent().fit([[0, 1]]).sample(1000, rng=0)
    assert draws.min(0).tolist() == draws.max(0).tolist() == [0, 1]


def test_a_missing_value_counts_for_nothing():
    model = Independent().fit([[0, 1], [1, 1], [1, 0]])
    assert model.log_prob([[np.nan, 1]])[0] == pytest.approx(np.log(2 / 3))
    assert model.log_prob([[np.nan, np.nan]])[0] == 0.0


@pytest.mark.parametrize("pseudocount", [-1, np.nan, "1", None])
def test_a_pseudocount_that_is_no_number_is_refused_when_fitting(pseudocount):
    with pytest.raises(InputError, match="pseudocount"):
        Independent(pseudocount).fit([[0]])
