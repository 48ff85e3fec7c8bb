"""Every operation on vectors of lanes, compiled, against numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from chainrule.compiled.elementary import exp_of_negative, sigmoid, softplus_parts
from chainrule.compiled.vectors import (
    add_quarters,
    aligned,
    at_most_zero,
    fma,
    get,
    lanes,
    load,
    load_as,
    load_first,
    load_first_as,
    load_mask,
    pointer,
    positive,
    prefetch,
    put,
    registers,
    relu,
    same,
    select,
    spread,
    store,
    store_first,
    sums,
    total,
    transpose,
)

# Not cached on disk: numba would not notice that vectors.py has changed.

DTYPES = [np.float32, np.float64]
LANES = {np.float32: 16, np.float64: 8}
BITS = (1, 2, 4, 128)  # of the masks below


@njit
def _lanes(a):
    return lanes(a)


@njit
def _arithmetic(x, y, z, at, to, out):
    """One row of ``out`` per operation, from the lanes that begin at ``at``; every row begins at ``to``."""
    n, width = out.shape[1], out.size
    flat = out.reshape(-1)
    a, b, c = load(x, at), load(y, at), load(z, at)
    store(flat, 0 * n + to, a)
    store(flat, 1 * n + to, a + b)
    store(flat, 2 * n + to, a - b)
    store(flat, 3 * n + to, a * b)
    store(flat, 4 * n + to, a / b)
    store(flat, 5 * n + to, fma(a, b, c))
    store(flat, 6 * n + to, relu(a))
    store(flat, 7 * n + to, spread(y, at + 1))
    store(flat, 8 * n + to, same(y, 3))
    store(flat, 9 * n + to, same(y, 0.1))
    store(flat, 10 * n + to, select(positive(a), b, c))
    store(flat, 11 * n + to, load(pointer(x, at), 1))
    store(pointer(flat, 12 * n), to, a)
    store(flat, 13 * n + to, select(at_most_zero(a), b, c))
    prefetch(x, at)
    prefetch(x, at + 100 * width)  # far behind the end, where nothing is
    return total(a)


@njit
def _where(codes, at, like):
    """Which bytes have which bit, as one number per lane and bit of ``BITS``."""
    L = lanes(like)
    out = np.empty(len(BITS) * L, like.dtype)
    v, one, zero = load(like, 0), same(like, 1.0), same(like, 0.0)
    store(out, 0, select(load_mask(codes, at, 1, v), one, zero))
    store(out, L, select(load_mask(codes, at, 2, v), one, zero))
    store(out, 2 * L, select(load_mask(codes, at, 4, v), one, zero))
    store(out, 3 * L, select(load_mask(codes, at, 128, v), one, zero))
    return out


@njit
def _folded(a, first, target, other, i0, i1, i2, i3):
    """All registers (32 of them) filled and doubled one by one, then folded from ``first`` on."""
    L = lanes(a)
    r = registers(a, 32)
    for k in range(32):
        put(r, k, load(a, k * L))
    for k in range(32):
        put(r, k, get(r, k) + get(r, k))
    out = np.empty(L, a.dtype)
    s = sums(r, first)
    store(out, 0, s)
    add_quarters(other, target, s, i0, i1, i2, i3)
    add_quarters(target, target, s, i0, i1, i2, i3)
    return out


@njit
def _turned(a):
    """``a`` as registers, and these after rows and columns have changed places."""
    L = lanes(a)
    r = registers(a, 16)
    for k in range(L):
        put(r, k, load(a, k * L))
    transpose(r)
    out = np.empty_like(a)
    for k in range(L):
        store(out, k * L, get(r, k))
    return out


@njit
def _first(a, i, n, out, to):
    """The first ``n`` numbers from ``i`` on, and zeros, in ``out``; from ``to`` on, only the numbers."""
    v = load_first(a, i, n)
    store(out, 0, v)
    store_first(out, to, v + v, n)


@njit
def _wide(a, i, n, out):
    """A vector of the dtype of ``out`` from ``i`` on, and the first ``n`` numbers of one with zeros behind them."""
    store(out, 0, load_as(a, i, out))
    store(out, lanes(out), load_first_as(a, i, n, out))


@njit
def _functions(x, t, out):
    """Rows of ``out``: e^x, the sigmoid of x, log(1 + t) and 1 / (1 + t)."""
    for k in range(0, x.shape[0], lanes(x)):
        store(out[0], k, exp_of_negative(load(x, k), x))
        store(out[1], k, sigmoid(load(x, k), x))
        log_part, inverse = softplus_parts(load(t, k), t)
        store(out[2], k, log_part)
        store(out[3], k, inverse)


@njit
def _aligned(size, like):
    a = aligned(size, like)
    a[:] = 1
    return a, a.ctypes.data


def _values(rng, n, dtype):
    return (rng.normal(size=n) * 10.0 ** rng.integers(-3, 4, n)).astype(dtype)


def _evaluate(x, t=None):
    """``_functions`` of arrays of any length; what they are filled up with is left out again."""
    n = len(x)
    x = np.pad(x, (0, -n % LANES[x.dtype.type]))
    t = np.zeros_like(x) if t is None else np.pad(t, (0, len(x) - n))
    out = np.empty((4, len(x)), x.dtype)
    _functions(x, t, out)
    return out[:, :n]


def _units(got, expected):
    """Largest distance in units of the rounding error at the expected (float64) value."""
    rounding = np.spacing(np.abs(expected).astype(got.dtype)).astype(np.float64)
    return float(np.max(np.abs(got.astype(np.float64) - expected) / rounding))


def _precise(x):
    """More digits than either dtype has, where the machine has them; else float64."""
    return x.astype(np.longdouble)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_vector_is_64_bytes(dtype):
    assert _lanes(np.zeros(1, dtype)) == LANES[dtype]


@settings(max_examples=60)
@given(st.sampled_from(DTYPES), st.integers(0, 20), st.integers(0, 20), st.integers(0, 2**31))
def test_arithmetic_is_numpys_wherever_the_rows_start(dtype, at, to, seed):
    L, rng = LANES[dtype], np.random.default_rng(seed)
    x, y, z = (_values(rng, 64, dtype) for _ in range(3))
    out = np.full((14, 40), np.nan, dtype)
    s = _arithmetic(x, y, z, at, to, out)
    a, b, c = (v[at : at + L] for v in (x, y, z))
    expected = [
        a, a + b, a - b, a * b, a / b, None, np.maximum(a, 0), np.full(L, y[at + 1]),
        np.full(L, 3), np.full(L, 0.1, dtype), np.where(a > 0, b, c), x[at + 1 : at + 1 + L], a,
            np.where(a <= 0, b, c),
    ]  # fmt: skip
    for row, want in zip(out[:, to : to + L], expected, strict=True):
        if want is not None:
            np.testing.assert_array_equal(row, want)
    # one rounding where numpy has two
    exact = _precise(a) * _precise(b) + _precise(c)
    assert _units(out[5, to : to + L], exact.astype(np.float64)) <= (0.5 if dtype is np.float32 else 1)
    # lanes are added in another order than numpy's: L roundings of at most the sum of the sizes
    assert abs(float(s) - float(_precise(a).sum())) <= np.finfo(dtype).eps * float(np.abs(a).sum())
    out[:, to : to + L] = np.nan
    assert np.isnan(out).all()  # nothing was written beside the lanes


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_product_in_a_fused_sum_is_not_rounded(dtype):
    e = np.finfo(dtype).eps
    n = LANES[dtype] + 1
    out = np.empty((14, 40), dtype)
    ones = np.ones(n, dtype)
    _arithmetic(ones + e, ones - e, -ones, 0, 0, out)
    assert (
        out[5, : LANES[dtype]] == -(dtype(e) ** 2)
    ).all()  # (1 + e)(1 - e) - 1, which two roundings make 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_and_its_comparisons_are_exact_at_zero_at_the_ends_and_of_nan(dtype):
    n = LANES[dtype] + 1
    x = np.resize(np.array([0.0, -0.0, np.inf, -np.inf, np.finfo(dtype).tiny, -1e-30, np.nan], dtype), n)
    out = np.empty((14, 40), dtype)
    with np.errstate(all="ignore"):
        _arithmetic(x, np.ones(n, dtype), -np.ones(n, dtype), 0, 0, out)
    np.testing.assert_array_equal(out[6, : n - 1], np.maximum(x[:-1], 0))
    np.testing.assert_array_equal(out[10, : n - 1], np.where(x[:-1] > 0, 1, -1))
    np.testing.assert_array_equal(out[13, : n - 1], np.where(x[:-1] <= 0, 1, -1))


@settings(max_examples=30)
@given(st.sampled_from(DTYPES), st.integers(0, 9), st.integers(0, 2**31))
def test_a_mask_is_one_bit_of_each_byte(dtype, at, seed):
    codes = np.random.default_rng(seed).integers(0, 256, 40).astype(np.uint8)
    L = LANES[dtype]
    got = _where(codes, at, np.zeros(L, dtype)).reshape(len(BITS), L)
    np.testing.assert_array_equal(got, [(codes[at : at + L] & bit) != 0 for bit in BITS])


@settings(max_examples=30)
@given(st.sampled_from(DTYPES), st.integers(0, 16), st.permutations(range(4)), st.integers(0, 2**31))
def test_sums_are_sums_of_registers_and_quarters_go_where_they_are_sent(dtype, first, places, seed):
    L = LANES[dtype]
    # whole numbers, so that no order of additions rounds
    a = np.random.default_rng(seed).integers(-100, 100, 32 * L).astype(dtype)
    target = np.arange(4 * L).astype(dtype)
    indices = [L * p + p for p in places]  # each at another distance from a cache line
    before, other = target.copy(), np.full_like(target, -1)
    expected = other.copy()
    got = _folded(a, first, target, other, *indices)
    by_register = 2 * a.reshape(32, L).sum(1)[first : first + L]
    quarters = [by_register[q::4] for q in range(4)]
    np.testing.assert_array_equal(got, np.concatenate(quarters))
    for i, quarter in zip(indices, quarters, strict=True):
        before[i : i + L // 4] += quarter
        expected[i : i + L // 4] = before[i : i + L // 4]
    np.testing.assert_array_equal(target, before)
    np.testing.assert_array_equal(other, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_quarters_that_go_to_one_place_are_all_added(dtype):
    # the spare row of a block may stand in a list more than once
    L = LANES[dtype]
    target = np.zeros(L, dtype)
    got = _folded(np.ones(32 * L, dtype), 0, target, np.empty_like(target), 0, 0, 0, 0)
    assert (got == 2 * L).all()
    np.testing.assert_array_equal(target, [8 * L] * (L // 4) + [0] * (L - L // 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_block_of_registers_is_transposed(dtype):
    L = LANES[dtype]
    a = np.arange(L * L).astype(dtype)
    np.testing.assert_array_equal(_turned(a).reshape(L, L), a.reshape(L, L).T)


@settings(max_examples=60)
@given(st.sampled_from(DTYPES), st.integers(0, 30), st.integers(-3, 20), st.integers(20, 40))
def test_the_first_lanes_are_read_and_written_and_no_others(dtype, i, n, to):
    L = LANES[dtype]
    count = min(max(n, 0), L)
    a = np.arange(1, 31 + 20).astype(dtype)
    out = np.full(100, np.nan, dtype)
    _first(a, i, n, out, to)
    expected = np.full(100, np.nan)
    expected[:L] = 0
    expected[:count] = a[i : i + count]
    expected[to : to + count] = 2 * a[i : i + count]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_is_right_to_three_units_in_the_last_place(dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([-np.linspace(0, 87, 40_001), -(10.0 ** rng.uniform(-12, 1.9, 40_000))]).astype(dtype)
    x = x[x >= -87]
    got, exact = _evaluate(x)[0], np.exp(_precise(x)).astype(np.float64)
    assert _units(got, exact) <= 3  # the docstring says so; measured: 1.0
    assert _evaluate(np.zeros(1, dtype))[0, 0] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_of_less_than_minus_87_is_that_of_minus_87(dtype):
    # 1.6e-38: the power of two below has no bits for less in float32
    x = np.array([-87.0, -87.1, -88, -104, -1e4, -1e30, -np.inf], dtype)
    got = _evaluate(x)[0]
    assert (got == got[0]).all()
    assert got[0] == pytest.approx(1.6458e-38, rel=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sigmoid_is_right_everywhere_and_never_overflows(dtype):
    rng = np.random.default_rng(1)
    sizes = np.concatenate([np.linspace(0, 87, 20_001), 10.0 ** rng.uniform(-12, 4, 20_000), [1e4, 1e30]])
    x = np.concatenate([sizes, -sizes]).astype(dtype)
    got = _evaluate(x)[1]
    exact = torch.sigmoid(torch.from_numpy(x.astype(np.float64))).numpy()
    near = np.abs(x) <= 87
    # three units of e, and one each of a sum, a quotient and a product; measured: 2.5
    assert _units(got[near], exact[near]) <= 6
    # beyond, where a sigmoid is 0 or 1 for any use of it, its distance from the exact one is at most e^-87
    np.testing.assert_allclose(got[~near], exact[~near], rtol=np.finfo(dtype).eps, atol=1.7e-38)
    assert ((got >= 0) & (got <= 1)).all()
    assert _evaluate(np.zeros(1, dtype))[1, 0] == 0.5
    assert _evaluate(np.array([np.inf, -np.inf], dtype))[1].tolist() == [1.0, pytest.approx(0, abs=1.7e-38)]


@settings(max_examples=60)
@given(st.sampled_from(DTYPES), st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=30))
def test_the_sigmoid_rises_and_is_symmetric(dtype, values):
    x = np.sort(np.array(values, dtype))
    got = _evaluate(x)[1]
    eps = np.finfo(dtype).eps
    assert (np.diff(got) >= -6 * eps * got[1:]).all()  # within its error
    np.testing.assert_allclose(got + _evaluate(-x)[1], 1, rtol=2 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_parts_of_a_softplus_are_right_on_the_unit_interval(dtype):
    rng = np.random.default_rng(2)
    t = np.concatenate([np.linspace(0, 1, 40_001), 10.0 ** rng.uniform(-30, 0, 40_000)]).astype(dtype)
    got = _evaluate(np.zeros_like(t), t)
    # one unit for each operation on the way: a sum, four products or quotients, the series; measured: 4.2, 3
    assert _units(got[2], np.log1p(_precise(t)).astype(np.float64)) <= 6
    assert _units(got[3], (1 / (1 + _precise(t))).astype(np.float64)) <= 5
    ends = _evaluate(np.zeros(2, dtype), np.array([0, 1], dtype))[2:]
    np.testing.assert_allclose(ends, [[0, np.log(2)], [1, 0.5]], rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [0, 1, 15, 64, 1000])
def test_aligned_arrays_have_their_size_and_start_on_a_cache_line(dtype, size):
    kept = [_aligned(size, np.empty(1, dtype)) for _ in range(20)]  # held, so that each lies elsewhere
    for a, address in kept:
        assert a.shape == (size,)
        assert a.dtype == dtype
        assert address % 64 == 0
        assert (a == 1).all()


@pytest.mark.parametrize("narrow", [np.float32, np.float64])
@pytest.mark.parametrize("n", range(9))
def test_numbers_are_widened_exactly_and_nothing_else_is_read(narrow, n):
    a = np.random.default_rng(n).standard_normal(20).astype(narrow)
    out = np.full(16, np.nan)
    _wide(a, 3, n, out)
    np.testing.assert_array_equal(out[:8], a[3:11])
    np.testing.assert_array_equal(out[8:], np.r_[a[3 : 3 + n], np.zeros(8 - n)])
    _wide(a, 12, n, out)  # ends with the array
    np.testing.assert_array_equal(out[:8], a[12:])
