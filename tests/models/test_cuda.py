"""NADE and MADE on a GPU: the same numbers as on the CPU, where test files of their own prove them."""

import copy

import numpy as np
import pytest
import torch

from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.models.made.estimator import MADE
from chainrule.models.made.levels import sample_by_levels
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.nade.estimator import NADE
from chainrule.models.shared.factorization import Factorization
from tests.models.nades import DTYPES, NATS, TOLERANCE, binary_rows, distance, gradients, random_nade

DEVICE = "cuda"

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")


def _made(hidden, dtype, direct=False):
    rng, g = np.random.default_rng(0), torch.Generator().manual_seed(0)
    degrees = assign_degrees(50, hidden, rng=rng, scheme="random")
    net = MADENetwork(rng.permutation(50), degrees, direct=direct, generator=g).to(dtype)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.2 * torch.randn(p.shape, generator=g))
    return net, rng


NETWORKS = {
    "nade-relu": lambda dtype: random_nade(50, 37, 0, "relu", dtype),
    "nade-sigmoid": lambda dtype: random_nade(50, 37, 0, "sigmoid", dtype),
    "made": lambda dtype: _made([300], dtype),
    "made-two-layers": lambda dtype: _made([90, 70], dtype),
    "made-direct": lambda dtype: _made([60], dtype, direct=True),
}
every_network = pytest.mark.parametrize("kind", NETWORKS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)


def _pair(kind, dtype):
    """The network on the GPU, its copy in float64 on the CPU, and a generator for rows."""
    net, rng = NETWORKS[kind](dtype)
    return copy.deepcopy(net).to(DEVICE), net.double(), rng


@every_network
@every_dtype
@pytest.mark.parametrize("n", [0, 1, 33, 600])
def test_likelihoods_on_a_gpu_are_those_on_the_cpu(kind, dtype, n):
    net, exact, rng = _pair(kind, dtype)
    x = binary_rows(rng, n, 50)
    for got, expected in (
        (net.log_prob(x.to(DEVICE)), exact.log_prob(x)),
        (net.logits(x.to(DEVICE)), exact.logits(x)),
    ):
        assert got.device.type == DEVICE
        assert got.dtype == dtype
        torch.testing.assert_close(
            got.detach().cpu().double(), expected.detach(), rtol=TOLERANCE[dtype], atol=NATS[dtype]
        )


@every_network
@every_dtype
def test_gradients_on_a_gpu_are_those_on_the_cpu(kind, dtype):
    # some 1e5 states of which none is known to be on relu's kink, where both slopes would be right
    net, exact, rng = _pair(kind, dtype)
    x = binary_rows(rng, 33, 50)
    weights = torch.from_numpy(rng.normal(size=33)).to(dtype).double()
    got = gradients(net.log_prob(x.to(DEVICE)), weights, net)
    for a, b in zip(got, gradients(exact.log_prob(x), weights, exact), strict=True):
        assert a.device.type == DEVICE
        assert distance(a.cpu(), b) <= TOLERANCE[dtype]


@every_network
def test_draws_from_a_network_on_a_gpu_are_those_on_the_cpu(kind):
    net, exact, rng = _pair(kind, torch.float64)
    u = rng.random((70, 50))
    held = np.where(rng.random(u.shape) < 0.3, rng.integers(0, 2, u.shape), -1)
    np.testing.assert_array_equal(net.sample(u), exact.sample(u))
    np.testing.assert_array_equal(net.sample(u), sample_by_full_passes(net, u))
    np.testing.assert_array_equal(net.sample(u, held), exact.sample(u, held))


@every_dtype
def test_states_of_any_number_and_a_graph_are_on_a_gpu_what_they_are_on_the_cpu(dtype):
    sizes = (3, 2, 10, 1, 300)
    f = Factorization.of_dag("a -> b -> c; a -> e <- d", list("abcde"))
    g, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
    exact = MADENetwork(f, assign_degrees(f, [40, 30]), sizes=sizes, direct=True, generator=g).to(dtype)
    net, exact = copy.deepcopy(exact).to(DEVICE), exact.double()
    x = torch.from_numpy(rng.integers(0, sizes, (33, 5)))
    got, expected = net.log_prob(x.to(DEVICE)), exact.log_prob(x)
    torch.testing.assert_close(
        got.detach().cpu().double(), expected.detach(), rtol=TOLERANCE[dtype], atol=NATS[dtype]
    )
    weights = torch.ones(33, dtype=torch.float64)
    for a, b in zip(gradients(got, weights, net), gradients(expected, weights, exact), strict=True):
        assert distance(a.cpu(), b) <= TOLERANCE[dtype]
    u = rng.random((70, 5))
    np.testing.assert_array_equal(net.double().sample(u), sample_by_levels(net, u))


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_another_ordering_serves_on_a_gpu(activation):
    net, rng = random_nade(50, 37, 1, activation)
    x, order = binary_rows(rng, 20, 50), torch.from_numpy(rng.permutation(50))
    expected = net.log_prob(x, order).detach()
    got = net.to(DEVICE).log_prob(x.to(DEVICE), order.to(DEVICE))
    torch.testing.assert_close(got.detach().cpu(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("model", [NADE(20), NADE(20, activation="sigmoid"), MADE([30])], ids=str)
def test_an_estimator_fits_on_a_gpu_and_answers_as_on_the_cpu(model):
    # both train in float32 from the same start; 20 steps let rounding errors grow to 1e-3 nats at most
    rng = np.random.default_rng(2)
    centre = rng.random(30) < 0.3
    rows = (centre ^ (rng.random((400, 30)) < 0.1)).astype(np.uint8)
    settings = {"epochs": 5, "batch_size": 100, "random_state": 0}
    on_cpu = copy.deepcopy(model).set_params(**settings).fit(rows)
    on_gpu = copy.deepcopy(model).set_params(**settings, device=DEVICE).fit(rows)
    assert next(on_gpu.network_.parameters()).device.type == DEVICE
    got, expected = on_gpu.log_prob(rows), on_cpu.log_prob(rows)
    assert got.dtype == np.float64
    assert abs(got.mean() - expected.mean()) < 0.01
    np.testing.assert_allclose(
        got,
        copy.deepcopy(on_gpu.network_).cpu().double().log_prob(torch.from_numpy(rows)).detach().numpy(),
        rtol=1e-12,
    )
    assert on_gpu.sample(5, rng=0).shape == (5, 30)
