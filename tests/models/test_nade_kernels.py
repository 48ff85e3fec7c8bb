"""NADE's compiled loops through the network: against the definition in float64, for any shape and any use."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import InputError, ShapeError
from chainrule.datasets import info, load
from chainrule.models.nade import walks
from chainrule.models.nade.binary_packing import GROUP
from chainrule.models.nade.estimator import NADE
from chainrule.models.nade.network import NADENetwork
from tests.models.nades import (
    ACTIVATIONS,
    DTYPES,
    TOLERANCE,
    assert_right,
    binary_rows,
    by_definition,
    distance,
    extreme_nade,
    gradients,
    in_double,
    logits_by_definition,
    random_nade,
    seeds,
    torch_threads,
    widths,
)

# ---- any shape


@settings(max_examples=100)
@given(
    widths,
    widths,
    st.integers(0, 40),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(DTYPES),
    st.sampled_from([1, 2]),
    seeds,
)
def test_likelihood_and_gradient_are_those_of_the_definition(d, h, n, activation, dtype, n_threads, seed):
    net, rng = random_nade(d, h, seed, activation, dtype)
    x, weights = binary_rows(rng, n, d, rng.random()), torch.from_numpy(rng.normal(size=n))
    # rows that cancel each other leave a small sum with the rounding errors of a large one
    least = max(1e-3, 0.1 * float(weights.norm()))
    with torch_threads(n_threads):
        assert_right(net, x, weights, least=least)


@settings(max_examples=60)
@given(widths, widths, st.integers(0, 20), st.sampled_from(ACTIVATIONS), seeds)
def test_logits_and_their_gradient_are_those_of_the_definition(d, h, n, activation, seed):
    net, rng = random_nade(d, h, seed, activation)
    x, weights = binary_rows(rng, n, d), torch.from_numpy(rng.normal(size=(n, d)))
    order = torch.from_numpy(rng.permutation(d))  # handed over, not the network's own
    got, exact = net.logits(x, order), logits_by_definition(net, x, order)
    torch.testing.assert_close(got, exact, rtol=1e-9, atol=1e-9)
    for a, b in zip(gradients(got, weights, net), gradients(exact, weights, net), strict=True):
        assert distance(a, b) <= 1e-9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    ("d", "h", "n"),
    [(75, 530, 30), (9, 20, 2 * GROUP + 37), (140, 17, 2 * GROUP + 4), (1, 1, 1), (6, 1100, 3)],
)
def test_more_than_fits_in_one_piece_is_put_together_rightly(d, h, n, activation, dtype):
    # pieces of 512 (256 in float64) hidden units, groups of 256 rows, stretches of 64 variables
    net, rng = random_nade(d, h, 1, activation, dtype, scale=0.1)
    x, weights = binary_rows(rng, n, d), torch.from_numpy(rng.normal(size=n))
    assert_right(net, x, weights)


# ---- images: the numbers that are promised


def _blobs(n, seed):
    """Images (n, 784) of clustered ones, 13 % of all pixels, dark at the border."""
    rng, (y, x) = np.random.default_rng(seed), np.mgrid[:28, :28]
    ink = np.zeros((n, 28, 28))
    for _ in range(4):
        place, size = rng.normal(13.5, 4, (2, n, 1, 1)), rng.uniform(1.5, 3, (n, 1, 1))
        ink = np.maximum(ink, np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / (2 * size**2)))
    return (rng.random(ink.shape) < ink).reshape(n, -1).astype(np.uint8)


def _mnist(n):
    if info("binarized-mnist")["available"] is None:
        pytest.skip("CHAINRULE_DATA does not hold binarized-mnist")
    return load("binarized-mnist").train[:n].copy()


IMAGES = [
    pytest.param(lambda n: _blobs(n, 0), id="blobs"),
    pytest.param(_mnist, id="binarized-mnist", marks=pytest.mark.realdata),
]


# Measured on these networks and images: gradients 1e-7 to 5e-7 (c: 8e-7), likelihoods 1.9e-5 to 5.2e-5 nats a
# row.  10 to 25 % of the relu units come within 3e-6 of the kink in one of some 10,000 states; where one in fact
# changes sides, which happened in one network of eight, entries of W and c are off by up to 5e-3.
@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("h", "natural"), [(64, True), (200, False)])
def test_float32_keeps_its_promise_at_the_start(images, activation, h, natural):
    order = np.arange(784) if natural else np.random.default_rng(0).permutation(784)
    g = torch.Generator().manual_seed(h)
    net = NADENetwork(784, h, order, activation=activation, generator=g, mean_ones=0.13)
    with torch.no_grad():
        net.c.copy_(0.1 * torch.randn(h, generator=g))  # off the kink on which all units begin
    x = torch.from_numpy(images(100))
    for weights in (torch.full((100,), 0.01), torch.randn(100, generator=g)):
        on_the_kink = assert_right(net, x, weights)
        assert on_the_kink < 0.3


def test_units_that_begin_on_the_kink_have_the_slope_that_torch_gives_them():
    # c is zero in a new network.  Before the first one of a row torch says that relu'(0) = 0; the walk back finds
    # units at +-1e-8 there and gives half of them a slope of 1.  Measured: the gradient in c is off by 3 to 77 %
    # of its largest entry; those in W, V and b are right, and so are all in float64.
    g = torch.Generator().manual_seed(0)
    net = NADENetwork(784, 64, np.arange(784), generator=g, mean_ones=0.13)
    x, weights, exact_net = torch.from_numpy(_blobs(50, 0)), torch.full((50,), 0.02), in_double(net)
    got = gradients(net.log_prob(x), weights, net)
    exact = gradients(by_definition(exact_net, x), weights, exact_net)
    assert distance(got[3], exact[3]) <= TOLERANCE[torch.float32]


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_keeps_its_promise_after_training(images, activation):
    rows = images(1100)
    model = NADE(64, activation=activation, epochs=2, random_state=0).fit(rows[:1000])
    x = torch.from_numpy(rows[1000:])
    on_the_kink = assert_right(model.network_, x, torch.full((100,), 0.01))
    assert on_the_kink < 0.3


# ---- threads


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_likelihoods_do_not_depend_on_the_number_of_threads(activation, dtype):
    net, rng = random_nade(37, 70, 2, activation, dtype)
    for n in (1, 2, 39, 2 * GROUP + 11):
        x, found = binary_rows(rng, n, 37), []
        for n_threads in (1, 2):
            with torch_threads(n_threads):
                found.append((net.log_prob(x).detach(), net.logits(x).detach()))
        assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_full_groups_do_not_depend_on_the_number_of_threads(activation):
    # rows are summed group by group; with fewer rows than two groups, groups get smaller to occupy all threads
    net, rng = random_nade(37, 70, 3, activation, torch.float32)
    for n in (2 * GROUP, 2 * GROUP + 11):
        x, weights, found = binary_rows(rng, n, 37), torch.from_numpy(rng.normal(size=n)), []
        for n_threads in (1, 2):
            with torch_threads(n_threads):
                found.append(gradients(net.log_prob(x), weights, net))
        assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_row_does_not_depend_on_the_others():
    net, rng = random_nade(30, 20, 4, dtype=torch.float32)
    x = binary_rows(rng, 50, 30)
    with torch.no_grad():
        together = net.log_prob(x)
        alone = torch.cat([net.log_prob(row[None]) for row in x])
    assert torch.equal(together, alone)


# ---- uses of autograd


def test_two_backward_passes_give_the_same():
    net, rng = random_nade(21, 18, 5)
    x = binary_rows(rng, 33, 21)
    for loss in (net.log_prob(x).sum(), net.logits(x).square().sum()):
        first = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
        again = torch.autograd.grad(loss, list(net.parameters()))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_two_forward_passes_do_not_disturb_each_other():
    net, rng = random_nade(21, 18, 6)
    x, y = binary_rows(rng, 33, 21), binary_rows(rng, 12, 21)
    apart = [torch.autograd.grad(net.log_prob(rows).sum(), list(net.parameters())) for rows in (x, y)]
    on_x, on_y = net.log_prob(x).sum(), net.log_prob(y).sum()
    with torch.no_grad():
        net.log_prob(binary_rows(rng, 40, 21))
    for loss, expected in ((on_x, apart[0]), (on_y, apart[1])):
        got = torch.autograd.grad(loss, list(net.parameters()))
        assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_one_gradient_of_two_calls_is_the_sum_of_theirs():
    net, rng = random_nade(11, 9, 7)
    x, y = binary_rows(rng, 8, 11), binary_rows(rng, 5, 11)
    (net.log_prob(x).sum() + net.log_prob(y).sum()).backward()
    exact = torch.autograd.grad(
        by_definition(net, x).sum() + by_definition(net, y).sum(), list(net.parameters())
    )
    for p, b in zip(net.parameters(), exact, strict=True):
        assert distance(p.grad, b) <= 1e-9


def test_a_step_of_the_optimiser_does_not_change_a_gradient_that_is_still_to_come():
    net, rng = random_nade(11, 9, 8)
    x = binary_rows(rng, 8, 11)
    loss = net.log_prob(x).sum()
    expected = torch.autograd.grad(loss, list(net.parameters()), retain_graph=True)
    with torch.no_grad():
        for p in net.parameters():
            p.add_(1)
    got = torch.autograd.grad(loss, list(net.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_without_gradients_the_numbers_are_the_same_and_no_states_are_kept(monkeypatch):
    kept = []

    class Watched(walks.BinaryWalk):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            kept.append(self.states.nbytes)

    monkeypatch.setattr(walks, "BinaryWalk", Watched)
    net, rng = random_nade(10, 40, 9)
    x = binary_rows(rng, 6 * GROUP, 10)
    expected = net.log_prob(x)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            got = net.log_prob(x)
        assert torch.equal(got, expected.detach())
        assert got.grad_fn is None
    net.requires_grad_(False)
    assert torch.equal(net.log_prob(x), expected.detach())
    assert kept[0] >= 6 * GROUP * 40 * 8
    assert max(kept[1:]) < kept[0] / 2  # a group for each of two threads at most


def test_some_parameters_may_be_frozen():
    net, rng = random_nade(9, 7, 10)
    net.W.requires_grad_(False)
    net.c.requires_grad_(False)
    x = binary_rows(rng, 6, 9)
    got = torch.autograd.grad(net.log_prob(x).sum(), [net.V, net.b])
    exact = torch.autograd.grad(by_definition(net, x).sum(), [net.V, net.b])
    assert all(distance(a, b) <= 1e-9 for a, b in zip(got, exact, strict=True))


def test_a_second_derivative_is_refused_and_never_wrong():
    net, rng = random_nade(9, 7, 11)
    x = binary_rows(rng, 6, 9)
    (first,) = torch.autograd.grad(net.log_prob(x).square().sum(), [net.V], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


def test_rows_that_want_a_gradient_get_it():
    net, rng = random_nade(12, 10, 12)
    x = binary_rows(rng, 5, 12).double().requires_grad_()
    (got,) = torch.autograd.grad(net.log_prob(x).sum(), [x])
    (exact,) = torch.autograd.grad(by_definition(net, x).sum(), [x])
    assert torch.equal(got, exact)
    assert torch.autograd.gradcheck(net.logits, (x,))


def test_an_empty_batch_has_a_gradient_of_zero():
    net, _ = random_nade(5, 4)
    for empty in (net.log_prob(torch.zeros(0, 5)), net.logits(torch.zeros(0, 5))):
        found = torch.autograd.grad(empty.sum(), list(net.parameters()))
        assert all(torch.equal(g, torch.zeros_like(p)) for g, p in zip(found, net.parameters(), strict=True))


# ---- kinds of input


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int64, torch.float32, torch.float64])
def test_rows_of_any_dtype_are_the_same_rows(dtype):
    net, rng = random_nade(23, 9, 13)
    x = binary_rows(rng, 17, 23)
    expected = net.log_prob(x)
    assert torch.equal(net.log_prob(x.to(dtype)), expected)
    assert torch.equal(net.logits(x.to(dtype)), net.logits(x))


def test_rows_anywhere_in_memory_are_the_same_rows():
    net, rng = random_nade(23, 9, 14)
    x = binary_rows(rng, 17, 23)
    wide = torch.zeros(34, 50, dtype=torch.uint8)
    wide[::2, 3:49:2] = x
    one_row = x[:1].expand(17, 23)  # seventeen times, in the memory of one
    for rows in (x.T.contiguous().T, wide[::2, 3:49:2], one_row):
        got = torch.autograd.grad(net.log_prob(rows).sum(), list(net.parameters()))
        want = torch.autograd.grad(net.log_prob(rows.contiguous()).sum(), list(net.parameters()))
        assert all(torch.equal(a, b) for a, b in zip(got, want, strict=True))


def test_parameters_anywhere_in_memory_are_the_same_parameters():
    net, rng = random_nade(12, 10, 15)
    x = binary_rows(rng, 6, 12)
    expected = net.log_prob(x)
    net.W = torch.nn.Parameter(net.W.detach().T.contiguous().T)
    net.V = torch.nn.Parameter(torch.stack([net.V.detach(), net.V.detach()], 2)[:, :, 0])
    assert torch.equal(net.log_prob(x), expected)
    assert net.sample(rng.random((6, 12))).shape == (6, 12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_takes_the_plain_path(dtype):
    net, rng = random_nade(12, 10, 16)
    x = binary_rows(rng, 6, 12)
    exact = net.log_prob(x).detach()
    half = in_double(net).to(dtype)
    got = half.log_prob(x)
    assert got.dtype == dtype
    assert torch.equal(got, by_definition(half, x))
    torch.testing.assert_close(
        got.detach().double(), exact, rtol=0.1, atol=0.3
    )  # 8 bits, 12 terms of about 1
    got.sum().backward()


# ---- extremes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_rows_all_zero_or_all_one_are_rows(share, activation, dtype):
    for d, h, n in ((1, 1, 1), (13, 17, 9), (64, 5, 3)):
        net, rng = random_nade(d, h, d, activation, dtype)
        x, weights = binary_rows(rng, n, d, share), torch.from_numpy(rng.normal(size=n))
        assert_right(net, x, weights)


def test_constant_columns_are_columns():
    net, rng = random_nade(20, 9, 17)
    x = binary_rows(rng, 15, 20)
    x[:, :7], x[:, 7:13] = 0, 1
    assert_right(net, x, torch.ones(15))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [88.0, 100.0, 1e4])
def test_extreme_logits_have_finite_likelihoods_and_gradients(size, dtype):
    net, rng = random_nade(24, 6, 18, dtype=dtype, scale=0.01)
    with torch.no_grad():
        net.b.copy_(size * torch.sign(torch.randn(24, generator=torch.Generator().manual_seed(0))))
    x = torch.cat([binary_rows(rng, 8, 24, 0.5), (net.b > 0)[None].to(torch.uint8)])
    assert_right(net, x, torch.ones(9), nats=1e-30)
    log_p = net.log_prob(x)
    assert torch.isfinite(log_p).all()
    # no probability is hidden: what is as unlikely as e^-size is said to be so, and the sure row is sure
    assert float(log_p.detach()[:8].max()) < -size / 2
    assert float(log_p.detach()[8]) == pytest.approx(0, abs=1e-35 * 24)


@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_states_under_sigmoid_neither_overflow_nor_forget(dtype):
    net, rng = extreme_nade(40, 19, dtype)
    x, weights = binary_rows(rng, 30, 40, 0.4), torch.from_numpy(rng.normal(size=30))
    assert_right(net, x, weights)
    got = net.log_prob(x)
    got.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


def test_what_does_not_fit_is_refused_before_it_reaches_the_loops():
    net = NADENetwork(5, 3, np.arange(5))
    for rows in (torch.zeros(2, 4), torch.zeros(2, 6), torch.zeros(5)):
        with pytest.raises(ShapeError, match=r"expected \(n, 5\)"):
            net.log_prob(rows)
        with pytest.raises(ShapeError, match=r"expected \(n, 5\)"):
            net.sample(rows.double().numpy())
    with pytest.raises(ShapeError, match="one row per draw"):
        net.sample(np.zeros((2, 5)), np.zeros((1, 5)))
    for wrong in ([0, 1, 2, 3], [0, 1, 2, 3, 5], [0, 0, 1, 2, 3], [-1, 0, 1, 2, 3]):
        with pytest.raises(InputError, match="each of 0 to 4 once"):
            net.logits(torch.zeros(2, 5), torch.tensor(wrong))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(2,) * 6, (3, 2, 4, 2)])
@pytest.mark.parametrize("parameter", ["W", "V", "b", "c"])
def test_a_parameter_that_is_no_number_shows_in_the_likelihood_and_in_the_gradient(
    activation, sizes, parameter
):
    generator = torch.Generator().manual_seed(0)
    net = NADENetwork(sizes, 20, np.arange(len(sizes)), activation=activation, generator=generator)
    with torch.no_grad():
        net.c.fill_(1.0)  # a unit of relu's that is off lets nothing through
        getattr(net, parameter)[0] = (
            torch.nan
        )  # of W: what the first variable adds where it is in its second state
    x = torch.ones(5, len(sizes), dtype=torch.uint8)
    log_p = net(x)
    assert bool(log_p.isnan().all())
    log_p.sum().backward()
    assert any(bool(p.grad.isnan().any()) for p in net.parameters() if p.grad is not None)
