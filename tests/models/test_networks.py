"""NADE and MADE as torch modules: against their definitions, by gradient, by Jacobian, draw for draw."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.models.made.masks import assign_degrees, build_masks
from chainrule.models.made.network import MADENetwork
from chainrule.models.nade.network import NADENetwork
from tests.models.nades import by_definition
from tests.oracles import made_log_prob, nade_log_prob

seeds = st.integers(0, 2**31)


def _nade(d, h, seed, activation="relu", dtype=torch.float64):
    rng = np.random.default_rng(seed)
    g = torch.Generator().manual_seed(seed)
    net = NADENetwork(d, h, rng.permutation(d), activation=activation, generator=g).to(dtype)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=g, dtype=dtype))
    return net, rng


def _made(d, hidden, seed, dtype=torch.float64):
    rng = np.random.default_rng(seed)
    g = torch.Generator().manual_seed(seed)
    degrees = assign_degrees(d, hidden, rng=rng, scheme="random")
    net = MADENetwork(rng.permutation(d), degrees, generator=g).to(dtype)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=g, dtype=dtype))
    return net, rng


def _binary(rng, n, d, p=0.4):
    return (rng.random((n, d)) < p).astype(np.float64)


@settings(max_examples=40)
@given(
    st.integers(1, 40), st.integers(1, 20), st.integers(0, 20), st.sampled_from(["relu", "sigmoid"]), seeds
)
def test_nade_is_its_definition(d, h, n, activation, seed):
    # the oracle's log(1 - p) loses digits where p is close to one: hence 1e-7
    net, rng = _nade(d, h, seed, activation)
    x = _binary(rng, n, d)
    arrays = [p.detach().numpy() for p in (net.W, net.V, net.b, net.c)]
    expected = [nade_log_prob(row, net.ordering.tolist(), *arrays, activation) for row in x]
    rows = torch.from_numpy(x)
    # the compiled loops, and what they are checked against
    for log_p in (net.log_prob(rows), net(rows), by_definition(net, rows)):
        np.testing.assert_allclose(log_p.detach().numpy(), expected, rtol=1e-7)


@settings(max_examples=25)
@given(st.integers(1, 9), st.lists(st.integers(1, 7), min_size=1, max_size=3), seeds)
def test_made_is_its_definition(d, hidden, seed):
    net, rng = _made(d, hidden, seed)
    x = _binary(rng, 5, d)
    network = (
        net.ordering.tolist(),
        net.degrees,
        [p.detach().numpy() for p in net.weights],
        [p.detach().numpy() for p in net.biases],
    )
    with torch.no_grad():
        got = net.log_prob(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, [made_log_prob(row, *network) for row in x], rtol=1e-7)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_nade_outputs_depend_only_on_what_comes_before(activation):
    net, rng = _nade(9, 6, 1, activation)
    _assert_autoregressive(net, rng)


@pytest.mark.parametrize("hidden", [[6], [7, 5], [4, 8, 6]])
def test_made_outputs_depend_only_on_what_comes_before(hidden):
    net, rng = _made(9, hidden, 2)
    _assert_autoregressive(net, rng)


def _assert_autoregressive(net, rng):
    d = len(net.ordering)
    place = torch.argsort(net.ordering)
    seen = torch.zeros(d, d, dtype=torch.bool)
    for _ in range(10):
        x = torch.from_numpy(_binary(rng, 1, d)).requires_grad_()
        jacobian = torch.autograd.functional.jacobian(lambda x: net.logits(x)[0], x)[:, 0]
        seen |= jacobian != 0
    allowed = place[:, None] > place[None, :]
    assert not (seen & ~allowed).any()  # exact zeros
    assert seen.any()


@settings(max_examples=20)
@given(st.integers(1, 12), st.lists(st.integers(1, 9), min_size=1, max_size=3), seeds)
def test_made_draws_what_full_passes_draw(d, hidden, seed):
    net, rng = _made(d, hidden, seed)
    u = rng.random((20, d))
    np.testing.assert_array_equal(net.sample(u, np.full(u.shape, -1)), sample_by_full_passes(net, u))


def test_given_values_are_kept_and_the_rest_follows_them():
    for net, rng in (_nade(8, 5, 4), _made(8, [5, 6], 4)):
        u, free = rng.random((50, 8)), np.full((50, 8), -1)
        plain = net.sample(u, free)
        again = free.copy()
        first = net.ordering[:3].numpy()
        again[:, first] = plain[:, first]
        np.testing.assert_array_equal(net.sample(u, again), plain)


def test_no_rows_are_no_rows():
    for net, _ in (_nade(4, 3, 0), _made(4, [3], 0)):
        assert net.log_prob(torch.zeros(0, 4)).shape == (0,)
        assert net.sample(np.zeros((0, 4)), np.zeros((0, 4), np.int64)).shape == (0, 4)


def test_masks_are_an_argument_and_leave_the_weights_alone():
    net, rng = _made(6, [8], 5)
    x = torch.from_numpy(_binary(rng, 4, 6))
    before = [p.detach().clone() for p in (*net.weights, *net.biases)]
    with torch.no_grad():
        expected = net.logits(x)
        other = [torch.from_numpy(m) for m in build_masks(net.ordering.numpy()[::-1], net.degrees)]
        assert not torch.equal(net.logits(x, other), expected)
        assert torch.equal(net.logits(x), expected)
    after = (*net.weights, *net.biases)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_nade_parameters_serve_any_ordering():
    net, rng = _nade(6, 4, 6)
    x = _binary(rng, 5, 6)
    order = rng.permutation(6)
    arrays = [p.detach().numpy() for p in (net.W, net.V, net.b, net.c)]
    with torch.no_grad():
        got = net.log_prob(torch.from_numpy(x), torch.from_numpy(order)).numpy()
    expected = [nade_log_prob(row, order.tolist(), *arrays, "relu") for row in x]
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_the_sigmoid_is_applied_once():
    # with zero weights the logit is the bias, so p must be sigmoid(b); a second sigmoid would move it
    net, _ = _nade(1, 2, 0)
    with torch.no_grad():
        for p in net.parameters():
            p.zero_()
        net.b.fill_(2.0)
        assert float(net.log_prob(torch.ones(1, 1)).exp()) == pytest.approx(1 / (1 + np.exp(-2.0)))
    draws = net.sample(np.linspace(0, 1, 10_001)[:-1, None], np.full((10_000, 1), -1))
    assert draws.mean() == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-3)
