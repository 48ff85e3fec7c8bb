"""Products with bands of a weight against the matrix products that they stand for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.compiled.bernoulli import bernoulli_log_prob
from chainrule.models.made import products, row_likelihood
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.made.products import Compiled, Plain
from chainrule.models.made.staircase import StaircaseWeight
from chainrule.models.made.staircase_loops import rows_to_units, units_to_rows, weight_gradient

DTYPES = {np.dtype(np.float32): 2e-4, np.dtype(np.float64): 1e-11}  # of sums of up to 300 products near 1
GUARD = 70  # numbers on either side of an array that must stay as they are


class Bands:
    """A weight (rows, units) in bands that hold its first or its last rows, and nothing of it elsewhere."""

    def __init__(self, rng, rows, widths, dtype):
        edges = np.sort(rng.integers(0, rows + 1, len(widths)))
        first = np.cumsum([0, *widths])
        held = [(0, int(b)) if rng.integers(2) else (int(b), rows) for b in edges]
        self.bands = np.array([(first[b], widths[b], *held[b]) for b in range(len(widths))], np.int64)
        self.whole = np.zeros((rows, first[-1]), dtype)
        self.blocks = [Guarded(rng, (b - a, w), dtype) for w, (a, b) in zip(widths, held, strict=True)]
        for (f, w, a, b), block in zip(self.bands, self.blocks, strict=True):
            self.whole[a:b, f : f + w] = block.array

    @property
    def addresses(self):
        return np.array([block.array.ctypes.data for block in self.blocks], np.int64)


class Guarded:
    """An array in the middle of a larger one, whose other numbers are NaN and stay so."""

    def __init__(self, rng, shape, dtype):
        n = int(np.prod(shape))
        self.room = np.full(n + 2 * GUARD, np.nan, dtype)
        self.array = self.room[GUARD : GUARD + n].reshape(shape)
        self.array[:] = rng.standard_normal(shape)

    def is_whole(self):
        outside = np.concatenate([self.room[:GUARD], self.room[GUARD + self.array.size :]])
        return np.isnan(outside).all() and not np.isnan(self.array).any()


@settings(deadline=None, max_examples=80)
@given(
    n=st.integers(0, 30),
    rows=st.integers(1, 150),
    widths=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    threads=st.integers(1, 2),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_products_equal_matrix_products_and_touch_nothing_else(dtype, n, rows, widths, threads, seed):
    rng = np.random.default_rng(seed)
    w = Bands(rng, rows, widths, dtype)
    units = w.whole.shape[1]
    x, g, bias = (Guarded(rng, shape, dtype) for shape in ((n, rows), (n, units), (units,)))
    out = Guarded(rng, (n, rows), dtype)
    before, tolerance = out.array.copy(), DTYPES[dtype]

    z = rows_to_units(x.array, w.bands, w.addresses, bias.array, threads)
    np.testing.assert_allclose(z, x.array @ w.whole + bias.array, atol=tolerance)
    units_to_rows(g.array, w.bands, w.addresses, out.array, threads)
    np.testing.assert_allclose(out.array, before + g.array @ w.whole.T, atol=tolerance)
    found = Bands(rng, rows, widths, dtype)
    found.bands, found.blocks = w.bands, [Guarded(rng, b.array.shape, dtype) for b in w.blocks]
    weight_gradient(x.array, g.array, w.bands, found.addresses, threads)
    gradient = x.array.T @ g.array
    for (f, width, a, b), block in zip(w.bands, found.blocks, strict=True):
        np.testing.assert_allclose(block.array, gradient[a:b, f : f + width], atol=tolerance)
    assert all(a.is_whole() for a in (x, g, bias, out, *w.blocks, *found.blocks))


@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_a_row_is_the_same_whatever_comes_with_it_and_however_many_threads(dtype):
    rng = np.random.default_rng(0)
    w = Bands(rng, 130, [64, 128, 77], dtype)
    x, g = rng.standard_normal((23, 130)).astype(dtype), rng.standard_normal((23, 269)).astype(dtype)
    bias = rng.standard_normal(269).astype(dtype)
    up = rows_to_units(x, w.bands, w.addresses, bias, 2)
    down = np.zeros_like(x)
    units_to_rows(g, w.bands, w.addresses, down, 2)
    for k in (0, 7, 22):
        np.testing.assert_array_equal(rows_to_units(x[k : k + 1], w.bands, w.addresses, bias, 1)[0], up[k])
        alone = np.zeros_like(x[:1])
        units_to_rows(g[k : k + 1], w.bands, w.addresses, alone, 1)
        np.testing.assert_array_equal(alone[0], down[k])


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(0, 40),
    units=st.integers(0, 300),
    side=st.sampled_from(["first", "last"]),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("way", [Compiled(), Plain()], ids=["compiled", "plain"])
def test_what_any_mask_below_a_staircase_cuts_becomes_zero_whatever_it_was(
    way, rows, units, side, share, seed
):
    rng = np.random.default_rng(seed)
    counts = np.sort(rng.integers(0, rows + 1, units))
    place = np.arange(rows)[:, None]
    mask = place < counts if side == "first" else place >= counts
    mask &= rng.random((rows, units)) >= share  # an order cuts a staircase, a graph more
    layer = StaircaseWeight(torch.ones(rows, units), mask, side)
    blocks = [torch.full_like(b, torch.nan) for b in layer.blocks]
    way.clear(layer, blocks)
    for (f, width, a, b), block in zip(layer.extents, blocks, strict=True):
        kept = torch.from_numpy(mask[a:b, f : f + width])
        assert (block[~kept] == 0).all()
        assert block[kept].isnan().all()
    assert sum(int(b.isnan().sum()) for b in blocks) == mask.sum()
    assert layer.dense().shape == (rows, units)
    assert (layer.dense() == 1).all()
    with torch.no_grad():
        for block in layer.blocks:
            block.fill_(torch.nan)
    np.testing.assert_array_equal(layer.masked().isnan(), mask)


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.7])
def test_compiled_loops_and_torch_give_the_same_logits_and_gradients(share, direct, monkeypatch):
    d = 70
    rng, g = np.random.default_rng(2), torch.Generator().manual_seed(2)
    net = MADENetwork(rng.permutation(d), assign_degrees(d, [300, 150]), direct=direct, generator=g).double()
    x = torch.from_numpy(rng.random((20, d)) < share)
    results = []
    for loops in (True, False):
        if not loops:
            for module in (products, row_likelihood):
                monkeypatch.setattr(module, "has_loops", lambda _: False)
        net.zero_grad()
        log_p = net.log_prob(x)
        (log_p * torch.arange(20)).sum().backward()
        results.append([log_p.detach(), *(p.grad.clone() for p in net.parameters())])
    torch.testing.assert_close(*results, atol=1e-11, rtol=0)


@settings(deadline=None, max_examples=40)
@given(n=st.integers(0, 9), d=st.integers(1, 90), scale=st.sampled_from([1.0, 30.0]), seed=st.integers(0, 99))
@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_the_likelihood_of_rows_is_that_of_cross_entropy(dtype, n, d, scale, seed):
    rng = np.random.default_rng(seed)
    z = (scale * rng.standard_normal((n, d))).astype(dtype)
    x = rng.choice([0.0, 1.0, 0.25], (n, d)).astype(
        dtype
    )  # a share of a one is none, but has a cross-entropy
    log_p, residuals = bernoulli_log_prob(x, z, 2)
    exact_x, exact_z = torch.from_numpy(x).double(), torch.from_numpy(z).double()
    cost = torch.nn.functional.binary_cross_entropy_with_logits(exact_z, exact_x, reduction="none").sum(1)
    np.testing.assert_allclose(log_p, -cost, rtol=10 * np.finfo(dtype).eps, atol=10 * np.finfo(dtype).eps)
    np.testing.assert_allclose(residuals, exact_x - torch.sigmoid(exact_z), atol=10 * np.finfo(dtype).eps)


def test_what_is_certain_costs_nothing_and_what_is_impossible_everything():
    z = np.array([[np.inf], [-np.inf], [np.inf], [-np.inf]])
    log_p, residuals = bernoulli_log_prob(np.array([[1.0], [0.0], [0.0], [1.0]]), z, 1)
    np.testing.assert_allclose(log_p, [0, 0, -np.inf, -np.inf], atol=1e-37)
    np.testing.assert_allclose(residuals[:, 0], [0, 0, -1, 1], atol=1e-37)
