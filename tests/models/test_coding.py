"""States as indicators and log-odds, against scipy and against counting by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax

from chainrule.compiled.categorical import categorical_log_prob, indicators
from chainrule.core.errors import ValuesError
from chainrule.models.made.row_likelihood import indicator_rows, row_log_prob
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.likelihood import categorical_terms

sizes = st.lists(st.sampled_from([1, 2, 2, 3, 5, 10, 40, 300]), min_size=1, max_size=9).map(tuple)
seeds = st.integers(0, 2**31)
DTYPES = {np.dtype(np.float32): 1e-6, np.dtype(np.float64): 1e-14}


def _case(sizes, seed, n=7, scale=3.0):
    rng = np.random.default_rng(seed)
    coding = Coding(sizes)
    codes = rng.integers(0, sizes, (n, len(sizes))).astype(np.int32)
    return coding, codes, scale * rng.standard_normal((n, coding.width)), rng


def _log_p(coding, logits, i):
    """Of variable i, by scipy: softmax of its log-odds with a zero for the first state."""
    z = logits[:, coding.begins[i] : coding.begins[i + 1]]
    return log_softmax(np.hstack([np.zeros((len(z), 1)), z]), axis=1)


@given(sizes, seeds)
def test_an_indicator_is_on_where_its_variable_has_its_state(sizes, seed):
    coding, codes, _, _ = _case(sizes, seed)
    on = coding.indicators(codes)
    assert on.shape == (7, sum(k - 1 for k in sizes))
    for i, size in enumerate(sizes):
        part = on[:, coding.begins[i] : coding.begins[i + 1]]
        assert part.tolist() == (codes[:, i, None] == np.arange(1, size)).tolist()


@given(sizes, seeds)
def test_probabilities_are_the_softmax_with_a_zero_for_the_first_state(sizes, seed):
    coding, codes, logits, _ = _case(sizes, seed)
    log_p, terms = coding.log_probabilities(logits), coding.terms(codes, logits)
    for i, size in enumerate(sizes):
        expected = _log_p(coding, logits, i)
        np.testing.assert_allclose(log_p[:, i, :size], expected, atol=1e-12)
        assert (log_p[:, i, size:] == -np.inf).all()
        np.testing.assert_allclose(terms[:, i], expected[np.arange(7), codes[:, i]], atol=1e-12)


@given(sizes, seeds)
def test_a_uniform_stands_for_the_first_state_up_to_which_probabilities_exceed_it(sizes, seed):
    coding, _, logits, rng = _case(sizes, seed)
    u = rng.random((7, len(sizes)))
    drawn = coding.draw(logits, u)
    for i, size in enumerate(sizes):
        p = np.exp(_log_p(coding, logits, i))
        for r in range(7):
            ups = [k for k in range(1, size) if p[r, 1 : k + 1].sum() > u[r, i]]
            assert drawn[r, i] == (ups[0] if ups else 0)
    assert drawn.dtype == (np.uint8 if max(sizes) <= 256 else np.int32)


@given(sizes, seeds)
def test_log_odds_of_counts_give_back_their_shares(sizes, seed):
    coding, _, _, rng = _case(sizes, seed)
    counts = rng.uniform(0.5, 9, (len(sizes), max(sizes)))
    p = np.exp(coding.log_probabilities(coding.log_odds(counts)[None]))[0]
    for i, size in enumerate(sizes):
        np.testing.assert_allclose(p[i, :size], counts[i, :size] / counts[i, :size].sum(), rtol=1e-12)


@given(sizes, seeds)
def test_the_coding_of_some_variables_is_that_part_of_the_whole(sizes, seed):
    coding, codes, logits, rng = _case(sizes, seed)
    some = rng.permutation(len(sizes))[: rng.integers(1, len(sizes) + 1)]
    part, columns = coding.of_variables(some), coding.order(some)
    assert part.sizes == tuple(sizes[i] for i in some)
    np.testing.assert_array_equal(part.indicators(codes[:, some]), coding.indicators(codes)[:, columns])
    np.testing.assert_allclose(
        part.terms(codes[:, some], logits[:, columns]), coding.terms(codes, logits)[:, some], atol=1e-12
    )


def test_binary_rows_are_their_own_indicators():
    rows = np.array([[0, 1], [1, 1]], np.uint8)
    coding = Coding.of(2)
    assert coding.is_binary
    assert coding.indicators(rows) is rows
    assert not Coding((2, 1)).is_binary


# The compiled loops


@given(sizes, seeds)
@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_compiled_indicators_and_likelihoods_are_the_plain_ones(dtype, sizes, seed):
    coding, codes, logits, _ = _case(sizes, seed)
    begins, logits = coding.begins.astype(np.int64), logits.astype(dtype)
    x, bad = indicators(codes, begins, logits)
    assert bad == -1
    np.testing.assert_array_equal(x, coding.indicators(codes))
    log_p, residuals = categorical_log_prob(codes, logits, begins, 2)
    # a term rounds at its largest logit, here below 16
    np.testing.assert_allclose(
        log_p, coding.terms(codes, logits).sum(1), rtol=4 * DTYPES[dtype], atol=16 * DTYPES[dtype]
    )
    z = torch.from_numpy(logits.astype(np.float64)).requires_grad_()
    categorical_terms(torch.from_numpy(codes), z, coding).sum().backward()
    np.testing.assert_allclose(residuals, z.grad, atol=16 * DTYPES[dtype])


@given(sizes, seeds)
def test_the_gradient_of_weighted_rows_is_that_of_autograd(sizes, seed):
    coding, codes, logits, rng = _case(sizes, seed)
    z, rows = torch.from_numpy(logits).requires_grad_(), torch.from_numpy(codes)
    weights = torch.from_numpy(rng.standard_normal(7))
    (got,) = torch.autograd.grad(
        (row_log_prob(rows if not coding.is_binary else rows.double(), z, coding) * weights).sum(), z
    )
    (expected,) = torch.autograd.grad((categorical_terms(rows, z, coding).sum(1) * weights).sum(), z)
    torch.testing.assert_close(got, expected, atol=1e-13, rtol=0)


@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_extreme_log_odds_keep_their_digits(dtype):
    z = np.array([[-800.0, 90.0], [800.0, 0.0], [-90.0, -90.0], [0.0, -np.inf]], dtype)
    begins = np.array([0, 2], np.int64)
    for state in range(3):
        codes = np.full((4, 1), state, np.int32)
        log_p, residuals = categorical_log_prob(codes, z, begins, 1)
        expected = log_softmax(np.hstack([np.zeros((4, 1)), z.astype(np.float64)]), axis=1)[:, state]
        np.testing.assert_allclose(log_p, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)
        assert np.isfinite(residuals).all()


def test_many_variables_do_not_overflow_the_product_of_their_sums():
    d = 5000
    begins = np.arange(d + 1, dtype=np.int64) * 9
    log_p, _ = categorical_log_prob(np.zeros((1, d), np.int32), np.zeros((1, 9 * d)), begins, 1)
    assert log_p[0] == pytest.approx(-d * np.log(10), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)  # compiled, and by torch
@pytest.mark.parametrize("code", [-1, 3])
def test_a_code_that_is_no_state_is_refused_before_anything_is_written(dtype, code):
    codes = torch.zeros(4, 2, dtype=torch.int64)
    codes[2, 1] = code
    with pytest.raises(ValuesError, match=f"row 2 holds the code {code} of a variable with 3 states"):
        indicator_rows(codes, Coding((2, 3)), dtype)
    ok = indicator_rows(codes.clamp(0, 2), Coding((2, 3)), dtype)
    assert ok.dtype == dtype
