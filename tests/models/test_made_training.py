"""MADE's training step: blocks of a staircase and a gradient by hand, against the masked definition."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.models.made.estimator import MADE
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.made.row_likelihood import row_log_prob
from chainrule.models.made.staircase import StaircaseWeight, cut_into_bands
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.likelihood import bernoulli_terms

seeds = st.integers(0, 2**31)
shapes = st.tuples(st.integers(1, 40), st.lists(st.integers(1, 300), min_size=1, max_size=3))


def _network(d, hidden, seed, dtype=torch.float64, direct=False):
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    degrees = assign_degrees(d, hidden, rng=rng, scheme="random")
    net = MADENetwork(rng.permutation(d), degrees, direct=direct, generator=g, mean_ones=0.3).to(dtype)
    with torch.no_grad():
        for p in net.layers[-1].parameters() if direct else ():
            p.copy_(0.3 * torch.randn(p.shape, generator=g))
        for b in net.biases:
            b.copy_(0.3 * torch.randn(b.shape, generator=g))
    return net, rng


def _rows(rng, n, d, p=0.3):
    return torch.from_numpy((rng.random((n, d)) < p).astype(np.uint8))


def _by_definition(net, x, combine):
    """Loss, and its gradients in the whole weights and the biases, by autograd through weight times mask."""
    weights = [w.detach().double().requires_grad_() for w in net.weights]
    biases = [b.detach().double().requires_grad_() for b in net.biases]
    h, masked = x.double(), [w * mask for w, mask in zip(weights, net.masks, strict=True)]
    linear = h @ masked.pop().T if net.direct else 0.0
    for w, b in zip(masked[:-1], biases[:-1], strict=True):
        h = torch.relu(h @ w.T + b)
    logits = h @ masked[-1].T + biases[-1] + linear
    loss = (bernoulli_terms(x, logits).sum(1) * combine).sum()
    return loss, [g.detach() for g in torch.autograd.grad(loss, [*weights, *biases])]


def _by_network(net, x, combine):
    """The same from ``log_prob``; the gradients of the blocks are put together like the blocks."""
    for p in net.parameters():
        p.grad = None
    loss = (net.log_prob(x) * combine).sum()
    loss.backward()
    gradients = MADENetwork(net.ordering.numpy(), net.degrees, direct=net.direct).to(loss.dtype)
    zeros = {k: torch.zeros_like(v) for k, v in gradients.state_dict().items() if k.startswith("weights")}
    gradients.load_state_dict(zeros, strict=False)
    with torch.no_grad():
        for p, q in zip(gradients.parameters(), net.parameters(), strict=True):
            p.copy_(q.grad)
    return loss, [*(w.detach() for w in gradients.weights), *(b.detach() for b in gradients.biases)]


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 30), st.booleans(), seeds)
def test_the_gradient_is_that_of_weight_times_mask(shape, n, direct, seed):
    d, hidden = shape
    net, rng = _network(d, hidden, seed, direct=direct)
    x, combine = _rows(rng, n, d), torch.from_numpy(rng.normal(size=n))  # any combination of rows
    loss, gradients = _by_network(net, x, combine)
    exact_loss, exact = _by_definition(net, x, combine)
    torch.testing.assert_close(loss, exact_loss, rtol=1e-9, atol=1e-9)
    for a, b in zip(gradients, exact, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("hidden", [[700], [300, 260]])
@pytest.mark.parametrize("steps", [0, 60])
def test_the_float32_gradient_stays_close_to_the_float64_one_before_and_after_training(hidden, steps):
    net, rng = _network(120, hidden, 7, torch.float32, direct=len(hidden) == 1)
    left = _rows(rng, 400, 60, 0.2)
    x = torch.hstack([left, left ^ _rows(rng, 400, 60, 0.05)])
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        (-net.log_prob(x).mean()).backward()
        optimizer.step()
    combine = torch.full((400,), 1 / 400)
    _, gradients = _by_network(net, x, combine)
    _, exact = _by_definition(net, x, combine)
    for a, b in zip(gradients, exact, strict=True):
        # sums of 400 rows and up to 700 units, each rounded to 6e-8
        assert float((a - b).abs().max() / b.abs().max()) < 2e-6


@settings(max_examples=40, deadline=None)
@given(shapes, st.integers(0, 9), st.booleans(), seeds)
def test_logits_are_those_of_the_masks_whichever_path_computes_them(shape, n, direct, seed):
    d, hidden = shape
    net, rng = _network(d, hidden, seed, direct=direct)
    x = _rows(rng, n, d).double()
    with torch.no_grad():
        expected = net.logits(x, net.masks)
        torch.testing.assert_close(net.logits(x), expected, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(net.logits(x.clone().requires_grad_()), expected, rtol=1e-9, atol=1e-9)


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 500), st.sampled_from(["first", "last"]), st.integers(1, 9), seeds)
def test_bands_hold_every_kept_entry_and_no_cut_one_outside_their_corner(rows, units, side, n, seed):
    counts = np.sort(np.random.default_rng(seed).integers(0, rows + 1, units))
    place = np.arange(rows)[:, None]
    mask = place < counts if side == "first" else place >= rows - counts[::-1]
    covered = np.zeros_like(mask)
    for band in cut_into_bands(mask, side, min(n, units)):
        block, outside = mask[:, band.units].copy(), mask[:, band.units].copy()
        block[band.corner] = True
        assert block[band.kept].all()
        outside[band.kept] = False
        assert not outside.any()
        covered[:, band.units] = True
        assert mask[:, band.units][band.kept][band.padded].shape == mask[band.corner, band.units].shape
    assert covered.all()


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 400), st.sampled_from(["first", "last"]), seeds)
def test_a_staircase_gives_back_the_matrix_it_was_given(rows, units, side, seed):
    rng = np.random.default_rng(seed)
    counts = np.sort(rng.integers(0, rows + 1, units))
    place = np.arange(rows)[:, None]
    mask = place < counts if side == "first" else place >= rows - counts[::-1]
    one, two = (torch.from_numpy(rng.normal(size=(rows, units))) for _ in range(2))
    weight = StaircaseWeight(one, mask, side).double()
    weight.set_dense(one)
    # a cut entry in a block is kept as the difference to zero: exact
    assert torch.equal(weight.dense(), one)
    weight.set_dense(two)
    assert torch.equal(weight.dense(), two)
    assert sum(int((b != 0).sum()) for b in weight.blocks) == mask.sum()


def test_what_is_written_into_padding_changes_nothing():
    net, rng = _network(30, [500, 260], 1)
    x = _rows(rng, 20, 30)
    before, whole = net.log_prob(x), [w.detach().clone() for w in net.weights]
    with torch.no_grad():
        for layer in net.layers:
            for band, block, corner in zip(layer.bands, layer.blocks, layer.corners, strict=True):
                block[band.padded] += 7.0 * (1 - corner)
    assert torch.equal(net.log_prob(x), before)
    assert all(torch.equal(a, b) for a, b in zip(net.weights, whole, strict=True))


def test_padding_is_zero_and_cut_weights_are_untouched_after_training():
    net, rng = _network(50, [500, 260], 2, torch.float32)
    x = _rows(rng, 64, 50)
    before = [w.detach().clone() for w in net.weights]
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.1, fused=True)
    for _ in range(10):
        optimizer.zero_grad()
        (-net.log_prob(x).mean()).backward()
        optimizer.step()
    for layer in net.layers:
        for band, block, corner in zip(layer.bands, layer.blocks, layer.corners, strict=True):
            assert not block[band.padded][corner == 0].any()
    for old, new, mask in zip(before, net.weights, net.masks, strict=True):
        assert torch.equal(old[~mask], new.detach()[~mask])
        assert (old[mask] != new.detach()[mask]).any()


def test_a_state_dict_holds_whole_weights_and_brings_them_back():
    net, rng = _network(20, [300, 30], 3, direct=True)
    state = net.state_dict()
    assert [state[f"weights.{k}"].shape for k in range(4)] == [(300, 20), (30, 300), (20, 30), (20, 20)]
    assert not any("block" in k or "cut" in k for k in state)
    other = MADENetwork(net.ordering.numpy(), net.degrees, direct=True).double()
    other.load_state_dict(state)
    x = _rows(rng, 9, 20)
    assert torch.equal(other.log_prob(x), net.log_prob(x))
    assert all(torch.equal(a, b) for a, b in zip(other.weights, net.weights, strict=True))
    del state["weights.1"]
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict(state)


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.int64, np.float32, np.float64])
def test_rows_may_have_any_type_and_lie_in_any_way(dtype):
    net, rng = _network(25, [260], 4, torch.float32)
    x = _rows(rng, 12, 25).numpy().astype(dtype)
    with torch.no_grad():
        expected = net.log_prob(torch.from_numpy(x))
        assert expected.dtype == torch.float32
        wide = np.zeros((12, 50), dtype)
        wide[:, ::2] = x
        for same in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], wide[:, ::2]):
            # another layout may be multiplied in another order
            torch.testing.assert_close(net.log_prob(torch.from_numpy(same)), expected, rtol=1e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(1, 9), min_size=1, max_size=3), seeds)
def test_direct_connections_draw_what_full_passes_draw(d, hidden, seed):
    net, rng = _network(d, hidden, seed, direct=True)
    u = rng.random((20, d))
    np.testing.assert_array_equal(net.sample(u), sample_by_full_passes(net, u))


def test_direct_connections_alone_are_a_logistic_regression_on_what_comes_before():
    net, rng = _network(7, [4], 8, direct=True)
    with torch.no_grad():
        for block in net.layers[1].blocks:
            block.zero_()
    x = _rows(rng, 5, 7)
    straight, order = net.weights[-1], net.ordering.tolist()
    expected = torch.zeros(5, 7, dtype=torch.float64)
    for t, i in enumerate(order):
        expected[:, i] = net.biases[-1][i] + sum(straight[i, j] * x[:, j] for j in order[:t])
    torch.testing.assert_close(net.logits(x), expected, rtol=1e-12, atol=1e-12)


def test_a_gradient_in_the_rows_is_that_of_the_definition():
    net, rng = _network(15, [260, 8], 5)
    x = _rows(rng, 3, 15).double().requires_grad_()
    (gradient,) = torch.autograd.grad(net.log_prob(x).sum(), x)
    (expected,) = torch.autograd.grad(net.log_prob(x, net.masks).sum(), x)
    assert torch.equal(gradient, expected)
    assert gradient.any()


def test_the_likelihood_of_a_row_keeps_its_digits_at_extreme_logits():
    z = torch.tensor([[-800.0, -90.0, -30.0, 0.0, 30.0, 90.0, 800.0]], dtype=torch.float64)
    for value in (0.0, 1.0):
        x = torch.full_like(z, value)
        torch.testing.assert_close(
            row_log_prob(x.T, z.T, Coding.of(1)), bernoulli_terms(x, z)[0], rtol=1e-12, atol=1e-12
        )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_device_gives_the_same_numbers():
    net, rng = _network(60, [500, 260], 6)
    x, combine = _rows(rng, 33, 60), torch.ones(33, dtype=torch.float64)
    _, here = _by_network(net, x, combine)
    net = net.cuda()
    net.zero_grad()
    net.log_prob(x.cuda()).sum().backward()
    there = [p.grad.cpu() for p in net.parameters()]
    net = net.cpu()
    _, again = _by_network(net, x, combine)
    for a, b in zip(here, again, strict=True):
        assert torch.equal(a, b)
    for p, g in zip(net.parameters(), there, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-9, atol=1e-9)


def test_direct_is_true_or_false():
    with pytest.raises(InputError, match="direct must be True or False; got 'yes'"):
        MADE(4, direct="yes").fit(np.eye(3))


def test_a_copy_takes_a_state_for_itself():
    net, rng = _network(10, [300], 9, direct=True)
    other, _ = _network(10, [300], 9, direct=True)
    with torch.no_grad():
        for p in other.parameters():
            p.mul_(1.5)
    x = _rows(rng, 4, 10)
    before = net.log_prob(x)
    twin = copy.deepcopy(net)
    twin.load_state_dict(other.state_dict())
    assert torch.equal(net.log_prob(x), before)
    assert torch.equal(twin.log_prob(x), other.log_prob(x))
