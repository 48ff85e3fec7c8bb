"""NADE's compiled sampler: draw for draw what the whole network, run once per variable, draws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.homework.nade_made.textbook import sample_by_full_passes
from tests.models.nades import (
    ACTIVATIONS,
    draws_by_definition,
    extreme_nade,
    free,
    in_double,
    random_nade,
    seeds,
    torch_threads,
    widths,
)


@settings(max_examples=60)
@given(
    widths,
    widths,
    st.sampled_from([0, 1, 7, 8, 9, 17, 100]),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from([1, 2]),
    seeds,
)
def test_draws_are_those_of_full_passes(d, h, n, activation, n_threads, seed):
    net, rng = random_nade(d, h, seed, activation)
    u = rng.random((n, d))
    with torch_threads(n_threads):
        got = net.sample(u, free(u))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, sample_by_full_passes(net, u))
    np.testing.assert_array_equal(got, draws_by_definition(net, u))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_draws_are_those_of_full_passes_apart_from_ties(activation):
    # Of 100,000 draws none differed, under either activation.  A uniform number lies within float32's error
    # of its probability (1e-6 at most, from 64 terms) at most twice in a million draws, and after one such
    # draw the rest of its row may be another: up to 2 rows may differ.
    net, rng = random_nade(100, 64, 20, activation, torch.float32, scale=0.2)
    u = rng.random((1000, 100))
    got, slow = net.sample(u, free(u)), sample_by_full_passes(net, u)
    differ = np.flatnonzero((got != slow).any(1))
    assert len(differ) <= 2
    exact = in_double(net)
    for r in differ:  # each begins with a tie
        t = np.flatnonzero((got[r] != slow[r])[net.ordering.numpy()])[0]
        with torch.no_grad():
            p = torch.sigmoid(exact.logits(torch.from_numpy(slow[r][None])))[0, net.ordering[t]]
        assert abs(float(p) - u[r, t]) < 1e-6


@settings(max_examples=40)
@given(widths, widths, st.sampled_from([1, 8, 19]), st.sampled_from(ACTIVATIONS), st.floats(0, 1), seeds)
def test_draws_follow_whatever_is_given(d, h, n, activation, share, seed):
    net, rng = random_nade(d, h, seed, activation)
    u = rng.random((n, d))
    held = np.where(rng.random((n, d)) < share, rng.integers(0, 2, (n, d)), -1)
    got = net.sample(u, held)
    np.testing.assert_array_equal(got, draws_by_definition(net, u, held))
    np.testing.assert_array_equal(got[held >= 0], held[held >= 0])


def test_giving_the_leading_variables_as_drawn_changes_nothing():
    net, rng = random_nade(20, 11, 21)
    u = rng.random((30, 20))
    plain = net.sample(u, free(u))
    for k in (0, 1, 7, 20):
        held, first = free(u), net.ordering[:k].numpy()
        held[:, first] = plain[:, first]
        np.testing.assert_array_equal(net.sample(u, held), plain)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_row_of_draws_depends_on_its_own_uniforms_alone(activation):
    net, rng = random_nade(33, 40, 22, activation)
    u = rng.random((45, 33))
    with torch_threads(1):
        expected = net.sample(u, free(u))
    with torch_threads(2):
        np.testing.assert_array_equal(net.sample(u, free(u)), expected)
    shuffled = rng.permutation(45)
    np.testing.assert_array_equal(net.sample(u[shuffled], free(u)), expected[shuffled])
    for n in (1, 7, 8, 9, 44):
        np.testing.assert_array_equal(net.sample(u[:n], free(u[:n])), expected[:n])


def test_uniforms_anywhere_in_memory_give_the_same_draws():
    net, rng = random_nade(14, 9, 23)
    u = rng.random((26, 14))
    held = np.where(rng.random(u.shape) < 0.3, 1, -1)
    expected = net.sample(u, held)
    wide = np.empty((52, 30))
    wide[::2, 1:29:2] = u
    for same in (np.asfortranarray(u), wide[::2, 1:29:2], u[::-1].copy()[::-1]):
        np.testing.assert_array_equal(net.sample(same, held), expected)
        np.testing.assert_array_equal(net.sample(u, np.asfortranarray(held)), expected)


def test_none_gives_nothing():
    net, rng = random_nade(14, 9, 24)
    u = rng.random((11, 14))
    np.testing.assert_array_equal(net.sample(u), net.sample(u, free(u)))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_drawn_from_in_float32(dtype):
    net, rng = random_nade(14, 9, 26)
    u = rng.random((50, 14))
    half = net.to(dtype)
    np.testing.assert_array_equal(half.sample(u), in_double(half).float().sample(u))


@pytest.mark.parametrize("size", [100.0, 1e4])
def test_sure_variables_are_drawn_surely(size):
    net, rng = random_nade(10, 4, 25, scale=0.01)
    with torch.no_grad():
        net.b.copy_(torch.tensor([size, -size] * 5))
    u = rng.random((50, 10))
    assert (net.sample(u, free(u)) == np.array([1, 0] * 5)).all()


def test_extreme_states_under_sigmoid_are_drawn_from_rightly():
    net, rng = extreme_nade(40, 19)
    u = rng.random((30, 40))
    np.testing.assert_array_equal(net.sample(u, free(u)), draws_by_definition(net, u))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_rows_that_begin_early_late_or_never_are_drawn_as_by_the_definition(dtype):
    net, rng = random_nade(30, 21, 3, dtype=dtype)
    uniforms = rng.random((700, 30))  # several tiles
    begins = rng.integers(0, 60, 700)  # a row's first one comes there or later; half of the rows have none
    uniforms[np.arange(30) < begins[:, None]] = 1 - 1e-12
    with torch_threads(1):
        drawn = net.sample(uniforms)
    assert 0.3 < drawn.any(axis=1).mean() < 0.7
    differs = (drawn != draws_by_definition(net, uniforms)).any(axis=1)
    # in float32 a uniform may lie between two roundings of the same probability
    assert differs.sum() <= (0 if dtype == torch.float64 else 2)


@settings(max_examples=40)
@given(widths, widths, st.integers(1, 7), st.sampled_from(ACTIVATIONS), st.floats(0, 1), seeds)
def test_few_rows_are_drawn_as_from_a_float64_copy(d, h, n, activation, share, seed):
    net, rng = random_nade(d, h, seed, activation, torch.float32)
    u = rng.random((n, d))
    held = np.where(rng.random((n, d)) < share, rng.integers(0, 2, (n, d)), -1)
    np.testing.assert_array_equal(net.sample_few(u, held), in_double(net).sample(u, held))
    np.testing.assert_array_equal(net.sample_few(u), in_double(net).sample(u))
