import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special, stats

from chainrule.core.numerics import bernoulli_log_prob, log_mean_exp, log_sum_exp, sigmoid, softplus, xlogy
from chainrule.core.units import bits_per_dim, nats_to_bits

logits = arrays(np.float64, 7, elements=st.floats(-1e3, 1e3))


@given(logits)
def test_sigmoid_and_softplus_agree_with_scipy(z):
    # SciPy's is 0 where float64 has only subnormal numbers left, from z = -708.4 on
    np.testing.assert_allclose(sigmoid(z), special.expit(z), rtol=1e-14, atol=1e-307)
    np.testing.assert_allclose(softplus(z), -special.log_expit(-z), rtol=1e-14, atol=1e-300)


@given(logits)
def test_log_sum_exp_agrees_with_scipy(z):
    assert float(log_sum_exp(z)) == pytest.approx(special.logsumexp(z), rel=1e-13, abs=1e-13)


def test_log_sum_exp_keeps_impossible_impossible():
    grid = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    assert log_sum_exp(grid, axis=1).tolist() == [-np.inf, 0.0]
    assert float(log_sum_exp([])) == -np.inf


@given(arrays(np.float64, 5, elements=st.floats(1e-300, 1.0)))
def test_log_mean_exp_averages_probabilities(p):
    assert float(log_mean_exp(np.log(p))) == pytest.approx(math.log(p.mean()), rel=1e-9, abs=1e-9)


def test_averaging_logits_over_orderings_is_not_a_distribution_but_averaging_probabilities_is():
    # two autoregressive models of two bits, one in each order, with conditionals that disagree
    def joint(p_first, p_second_given, order):
        table = np.zeros((2, 2))
        for a in (0, 1):
            for b in (0, 1):
                first, second = (a, b) if order == "ab" else (b, a)
                q = p_first if first else 1 - p_first
                r = p_second_given[first] if second else 1 - p_second_given[first]
                table[a, b] = q * r
        return table

    one, two = joint(0.2, (0.9, 0.3), "ab"), joint(0.7, (0.1, 0.6), "ba")
    mixed = np.exp(log_mean_exp(np.log([one, two]), axis=0))
    assert mixed.sum() == pytest.approx(1, abs=1e-14)
    averaged_logs = np.exp(np.mean(np.log([one, two]), axis=0))
    assert averaged_logs.sum() < 0.95


@given(logits, st.integers(0, 127))
def test_bernoulli_log_prob_agrees_with_scipy(z, bits):
    x = np.array([(bits >> k) & 1 for k in range(7)])
    expected = np.where(x == 1, special.log_expit(z), special.log_expit(-z))
    np.testing.assert_allclose(bernoulli_log_prob(x, z), expected, rtol=1e-13, atol=1e-300)


def test_bernoulli_log_prob_takes_logits_and_not_probabilities():
    z = 1.5
    assert float(bernoulli_log_prob(1, z)) == pytest.approx(stats.bernoulli.logpmf(1, special.expit(z)))
    assert abs(float(bernoulli_log_prob(1, special.expit(z))) - float(bernoulli_log_prob(1, z))) > 0.1


def test_xlogy_is_zero_times_log_zero_and_minus_infinity_otherwise():
    np.testing.assert_array_equal(xlogy([0.0, 2.0, 0.0], [0.0, 0.0, 5.0]), [0.0, -np.inf, 0.0])
    np.testing.assert_allclose(xlogy(3, 0.25), special.xlogy(3, 0.25))


def test_bits_are_nats_over_log_two():
    assert nats_to_bits(math.log(8)) == pytest.approx(3)
    assert bits_per_dim(-10 * math.log(2), 5) == pytest.approx(2)
