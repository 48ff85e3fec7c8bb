"""Sums over ones against the matrix products that they stand for."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.models.made import products
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.made.ones_loops import find_ones, ones_gradient, ones_product

DTYPES = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-13}  # of sums of up to 90 numbers near 1


def rows(n: int, d: int, share: float, dtype: np.dtype, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((n, d)) < share).astype(dtype)


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 40), d=st.integers(1, 90), share=st.sampled_from([0.0, 0.1, 0.6, 1.0]), seed=st.integers(0, 9)
)  # fmt: skip
@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_ones_are_found_by_row_and_by_column(dtype, n, d, share, seed):
    x = rows(n, d, share, dtype, seed)
    row_begins, columns, column_begins, found, is_binary = find_ones(x)
    assert is_binary
    for begins, members, matrix in ((row_begins, columns, x), (column_begins, found, x.T)):
        lists = [members[a:b].tolist() for a, b in pairwise(begins)]
        assert lists == [np.flatnonzero(line).tolist() for line in matrix]


@pytest.mark.parametrize("strange", [2.0, -1.0, 0.5, np.nan, np.inf, 1e-30])
@pytest.mark.parametrize("column", [3, 36])  # within a vector, and behind the last whole one
def test_an_entry_that_is_neither_zero_nor_one_is_noticed(strange, column):
    x = rows(5, 37, 0.2, np.dtype(np.float32))
    x[2, column] = strange
    assert not find_ones(x)[-1]


@settings(deadline=None, max_examples=60)
@given(
    n=st.integers(1, 30),
    d=st.integers(1, 90),
    widths=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    share=st.sampled_from([0.0, 0.15, 1.0]),
    threads=st.integers(1, 2),
)
@pytest.mark.parametrize("dtype", list(DTYPES), ids=str)
def test_products_with_bands_of_any_width_equal_matrix_products(dtype, n, d, widths, share, threads):
    rng = np.random.default_rng(3)
    x = rows(n, d, share, dtype)
    kept = np.sort(rng.integers(0, d + 1, len(widths)))
    first = np.cumsum([0, *widths])
    bands = np.array([(first[b], widths[b], 0, kept[b]) for b in range(len(widths))], np.int64)
    blocks = [rng.standard_normal((kept[b], widths[b])).astype(dtype) for b in range(len(widths))]
    bias = rng.standard_normal(first[-1]).astype(dtype)
    g = rng.standard_normal((n, first[-1])).astype(dtype)
    row_begins, columns, column_begins, members, _ = find_ones(x)

    z = ones_product(row_begins, columns, bands, addresses(blocks), bias, threads)
    found = [np.full_like(w, np.nan) for w in blocks]
    ones_gradient(column_begins, members, bands, addresses(found), g, threads)

    for (a, width, _, k), w, dw in zip(bands, blocks, found, strict=True):
        units = slice(a, a + width)
        np.testing.assert_allclose(z[:, units], bias[units] + x[:, :k] @ w, atol=DTYPES[dtype])
        np.testing.assert_allclose(dw, x[:, :k].T @ g[:, units], atol=DTYPES[dtype])


def addresses(blocks: list[np.ndarray]) -> np.ndarray:
    return np.array([w.ctypes.data for w in blocks], np.int64)


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("hidden", [[40], [33, 20]])
def test_sparse_and_dense_rows_give_the_same_logits_and_gradients(hidden, direct, monkeypatch):
    d = 50
    net = MADENetwork(
        np.arange(d), assign_degrees(d, hidden), direct=direct, generator=torch.Generator().manual_seed(1)
    ).double()
    x = torch.from_numpy(rows(20, d, 0.15, np.dtype(np.float64)))
    results = []
    for few in (1.0, 0.0):
        monkeypatch.setattr(products, "_FEW_ONES", few)
        assert (products.Ones.of(x) is not None) == (few == 1.0)
        net.zero_grad()
        log_p = net.log_prob(x)
        log_p.sum().backward()
        results.append((log_p.detach(), [p.grad.clone() for p in net.parameters()]))
    (one, gradients), (other, others) = results
    torch.testing.assert_close(one, other, atol=1e-12, rtol=0)
    torch.testing.assert_close(gradients, others, atol=1e-12, rtol=0)


def test_rows_that_are_not_binary_are_multiplied_not_counted():
    x = torch.zeros(3, 4)
    x[0, 1] = 0.5
    assert products.Ones.of(x) is None
    assert products.Ones.of(torch.ones(3, 4)) is None  # dense
    assert products.Ones.of(torch.zeros(0, 4)) is None
    assert products.Ones.of(torch.zeros(3, 4)) is not None
