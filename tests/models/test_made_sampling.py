"""MADE's compiled sampler: draw for draw what the whole network, run once per variable, draws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from chainrule.compiled.elementary import log_ratio
from chainrule.compiled.vectors import as_bits, lanes, load_shares, positive, store
from chainrule.core.errors import ShapeError
from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.made.sampler import draw, layout_of

seeds = st.integers(0, 2**31)
widths = st.lists(st.integers(1, 70), min_size=1, max_size=3)
# one row, a few rows that are drawn one by one, part of a tile, tiles in both types, and a rest
batches = st.sampled_from([0, 1, 2, 3, 7, 16, 31, 33, 70])


def _network(d, hidden, seed, *, direct=False, dtype=torch.float64, degrees=None):
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    if degrees is None:
        degrees = assign_degrees(d, hidden, rng=rng, scheme="random")
    net = MADENetwork(rng.permutation(d), degrees, direct=direct, generator=g).to(dtype)
    _set(net, g)
    return net, rng


@torch.no_grad()
def _set(net, generator):
    for p in net.parameters():
        p.copy_(0.4 * torch.randn(p.shape, generator=generator, dtype=p.dtype))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 150), widths, batches, st.booleans(), seeds)  # up to three blocks of variables
def test_a_draw_is_that_of_full_passes(d, hidden, n, direct, seed):
    net, rng = _network(d, hidden, seed, direct=direct)
    u = rng.random((n, d))
    np.testing.assert_array_equal(draw(net, u), sample_by_full_passes(net, u))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.data(), batches, st.booleans(), seeds)
def test_any_degrees_will_do(d, data, n, direct, seed):
    # 0: a unit that sees nothing; many of one degree, and degrees without units
    layer = st.lists(st.integers(0, d - 1), min_size=1, max_size=40).map(np.array)
    degrees = data.draw(st.lists(layer, min_size=1, max_size=3))
    net, rng = _network(d, None, seed, direct=direct, degrees=degrees)
    u = rng.random((n, d))
    np.testing.assert_array_equal(draw(net, u), sample_by_full_passes(net, u))


@pytest.mark.parametrize(("hidden", "direct"), [([500], False), ([200, 130], True)])
def test_in_float32_only_ties_are_drawn_otherwise(hidden, direct):
    # Logits of some units in size, added up in another order, differ by about 1e-6, and the chance that a
    # uniform falls in between is a quarter of that: 0.03 expected among 1e5 draws.  A row that has one goes its
    # own way from there, so rows are counted.
    net, rng = _network(784, hidden, 0, direct=direct, dtype=torch.float32)
    with torch.no_grad():
        for p in net.layers.parameters():
            p.mul_(0.1)
    u = rng.random((128, 784))  # 1.0e5 draws
    differ = (draw(net, u) != sample_by_full_passes(net, u)).any(1)
    assert differ.sum() <= 2


def test_one_by_one_and_in_tiles_the_draws_are_the_same():
    net, rng = _network(50, [60, 20], 1, direct=True)
    u = rng.random((70, 50))
    rows = np.concatenate([draw(net, u[r : r + 1]) for r in range(70)])
    np.testing.assert_array_equal(rows, draw(net, u))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), widths, st.sampled_from([1, 3, 40]), st.floats(0, 1), seeds)
def test_what_is_given_is_kept_and_all_else_follows_it(d, hidden, n, share, seed):
    net, rng = _network(d, hidden, seed)
    u = rng.random((n, d))
    fixed = np.where(rng.random((n, d)) < share, rng.random((n, d)) < 0.5, -1)
    # a uniform of 0 is below every probability, and 1 below none
    as_uniforms = np.where(fixed < 0, u[:, np.argsort(net.ordering.numpy())], 1 - fixed)
    expected = sample_by_full_passes(net, as_uniforms[:, net.ordering.numpy()])
    np.testing.assert_array_equal(draw(net, u, fixed), expected)
    np.testing.assert_array_equal(draw(net, u, np.full((n, d), -1)), draw(net, u))


@pytest.mark.parametrize("n", [3, 50])
def test_arrays_may_lie_in_memory_in_any_way(n):
    net, rng = _network(20, [30], 2)
    u = rng.random((n, 20))
    fixed = np.where(rng.random((n, 20)) < 0.2, 1, -1).astype(np.int32)
    expected = draw(net, u, fixed)
    wide, deep = np.zeros((n, 47)), np.zeros((2 * n, 20))
    wide[:, 3:43:2], deep[::2] = u, u
    backwards = u[::-1].copy()[::-1]
    packed = np.zeros(n, [("byte", np.int8), ("row", np.float64, 20)])  # not aligned
    packed["row"] = u
    for same in (np.asfortranarray(u), wide[:, 3:43:2], deep[::2], backwards, packed["row"]):
        np.testing.assert_array_equal(draw(net, same, np.asfortranarray(fixed)), expected)
    row = np.where(np.arange(20) < 5, 1, -1).astype(np.int32)
    repeated = np.repeat(row[None], n, 0)
    np.testing.assert_array_equal(draw(net, u, np.broadcast_to(row, (n, 20))), draw(net, u, repeated))


def _with_optimizer(net):
    net.log_prob(torch.ones(2, 12)).sum().backward()
    torch.optim.AdamW(net.parameters(), lr=0.5).step()


def _through_data(net):
    for p in net.parameters():
        p.data.neg_()


def _through_numpy(net):
    for p in net.parameters():
        p.detach().numpy()[...] *= -1


def _with_a_state_dict(net):
    net.load_state_dict({k: -v if k[0] in "wb" else v for k, v in net.state_dict().items()})


@pytest.mark.parametrize("change", [_with_optimizer, _through_data, _through_numpy, _with_a_state_dict])
@pytest.mark.parametrize("n", [1, 40])
def test_a_draw_follows_the_parameters_however_they_change(change, n):
    net, rng = _network(12, [20, 9], 3, direct=True)
    u = rng.random((n, 12))
    before = draw(net, u)
    assert layout_of(net) is layout_of(net)  # nothing is done twice
    change(net)
    after = draw(net, u)
    np.testing.assert_array_equal(after, sample_by_full_passes(net, u))
    assert (after != before).any()


def test_a_network_can_change_its_type():
    net, rng = _network(12, [20], 4)
    u = rng.random((40, 12))
    for dtype in (torch.float64, torch.float32, torch.float64):
        np.testing.assert_array_equal(draw(net.to(dtype), u), sample_by_full_passes(net, u))


def test_what_the_masks_cut_may_have_any_value():
    net, rng = _network(15, [20, 9], 5, direct=True)
    u = rng.random((40, 15))
    expected = draw(net, u), draw(net, u[:1])
    cut = {
        f"weights.{i}": torch.where(mask, w, torch.nan)
        for i, (w, mask) in enumerate(zip(net.weights, net.masks, strict=True))
    }
    with torch.no_grad():
        # NaN beside a zero would spread: what is cut must not be read at all
        net.load_state_dict(net.state_dict() | cut)
    np.testing.assert_array_equal(draw(net, u), expected[0])
    np.testing.assert_array_equal(draw(net, u[:1]), expected[1])


def test_a_layer_may_be_wider_than_what_is_added_at_once():
    net, rng = _network(10, [1100, 600], 9)
    with torch.no_grad():
        for p in net.layers.parameters():
            p.mul_(0.1)
    u = rng.random((40, 10))
    np.testing.assert_array_equal(draw(net, u), sample_by_full_passes(net, u))


def test_the_number_of_threads_changes_nothing():
    net, rng = _network(30, [40], 6)
    u = rng.random((200, 30))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = draw(net, u)
        torch.set_num_threads(2)
        np.testing.assert_array_equal(draw(net, u), alone)
    finally:
        torch.set_num_threads(before)


def test_shapes_that_do_not_fit_are_refused():
    net, rng = _network(5, [4], 7)
    with pytest.raises(ShapeError, match=r"uniforms has the shape \(3, 4\), expected \(3, 5\)"):
        net.sample(rng.random((3, 4)))
    with pytest.raises(ShapeError, match=r"known has the shape \(2, 5\), expected \(3, 5\)"):
        net.sample(rng.random((3, 5)), np.full((2, 5), -1))


@njit
def _log_odds(u, out):
    signs = np.empty(len(u) // lanes(out), np.int64)
    for q in range(len(signs)):
        share, rest = load_shares(u, q * lanes(out), out)
        z = log_ratio(share, rest, out)
        store(out, q * lanes(out), z)
        signs[q] = as_bits(positive(z))
    return signs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_thresholds_are_log_odds(dtype):
    rng = np.random.default_rng(8)
    edges = [0.0, 5e-324, 1e-300, 1e-30, 2**-53, 0.25, 0.5, 0.75, 1 - 1e-9, 1 - 2**-53, 1.0]
    u = np.concatenate([edges, rng.random(5), 10.0 ** rng.uniform(-30, 0, 1000), rng.random(64)])[:1072]
    z = np.empty(len(u), dtype)
    signs = _log_odds(u, z)
    tiny = np.finfo(dtype).tiny  # below this a type loses digits, and log odds are below any logit
    normal = (u > tiny) & (u < 1)
    with np.errstate(divide="ignore"):
        exact = np.log(u) - np.log1p(-u)
    # two numbers below 2^7 are added, each rounded: half a unit in the last place of 2^7 for each
    np.testing.assert_allclose(z[normal], exact[normal], rtol=0, atol=128 * np.finfo(dtype).eps)
    assert z[0] == -np.inf
    assert z[10] == np.inf
    assert (z[(u <= tiny)] < -80).all()
    bits = (signs[:, None] >> np.arange(64 // z.itemsize)) & 1
    np.testing.assert_array_equal(bits.ravel(), z > 0)
