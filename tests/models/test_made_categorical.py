"""MADE on columns of any numbers of states: a distribution, its gradient, its sampler, its estimator."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from chainrule import load_model
from chainrule.core.errors import ShapeError, ValuesError
from chainrule.models.made import network as made_network
from chainrule.models.made import products, row_likelihood
from chainrule.models.made.estimator import MADE
from chainrule.models.made.levels import sample_by_levels
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.likelihood import categorical_terms
from chainrule.tables.schema import Schema
from tests.models.graphs import dags, factorization_of

seeds = st.integers(0, 2**31)
some_sizes = st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=5).map(tuple)


def _network(f, sizes, hidden, seed, direct, dtype=torch.float64, scale=0.7):
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    degrees = assign_degrees(f if not isinstance(f, list) else len(f), hidden, rng=rng, scheme="random")
    net = MADENetwork(f, degrees, sizes=sizes, direct=direct, generator=g).to(dtype)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(scale * torch.randn(p.shape, generator=g, dtype=p.dtype))
    return net, rng


def _states(sizes):
    return torch.tensor(list(itertools.product(*map(range, sizes))), dtype=torch.int64)


@settings(max_examples=30)
@given(some_sizes, st.lists(st.integers(1, 90), min_size=1, max_size=3), st.booleans(), seeds)
def test_the_probabilities_of_all_states_sum_to_one(sizes, hidden, direct, seed):
    order = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    net, _ = _network(order, sizes, hidden, seed, direct)
    with torch.no_grad():
        assert float(net.log_prob(_states(sizes)).exp().sum()) == pytest.approx(1, abs=1e-9)


@settings(max_examples=40)
@given(
    dags(7), st.lists(st.integers(1, 200), min_size=1, max_size=3), st.booleans(), st.integers(0, 20), seeds
)
def test_likelihood_and_gradient_are_those_of_weight_times_mask(graph, hidden, direct, n, seed):
    f = factorization_of(*graph)
    rng = np.random.default_rng(seed)
    sizes = tuple(rng.choice([1, 2, 3, 12], len(f)).tolist())
    net, _ = _network(f, sizes, hidden, seed, direct)
    x = torch.from_numpy(rng.integers(0, sizes, (n, len(f))))
    weights = torch.from_numpy(rng.normal(size=n))
    got = net.log_prob(x)
    expected = categorical_terms(x, net.logits(x, net.masks), net.coding).sum(1)  # plain autograd
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(net.logits(x), net.logits(x, net.masks), rtol=1e-9, atol=1e-9)
    parameters = list(net.parameters())
    by_loops = torch.autograd.grad((got * weights).sum(), parameters)
    by_hand = torch.autograd.grad((expected * weights).sum(), parameters)
    for a, b in zip(by_loops, by_hand, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    loop = net.gradient_loop()
    assert loop is not None
    log_p, without_autograd = loop(x.numpy().astype(np.uint32), weights.numpy())
    np.testing.assert_array_equal(log_p, got.detach())
    for a, b in zip(without_autograd, by_loops, strict=True):
        assert a.flags.c_contiguous
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("sizes", [(3, 2, 1, 10), (2, 2, 2, 2), (2, 300, 3, 2)])
def test_the_plain_path_gives_the_same_likelihoods_gradients_and_draws(sizes, monkeypatch):
    net, rng = _network([2, 0, 3, 1], sizes, [70, 9], 0, True)
    x = torch.from_numpy(rng.integers(0, sizes, (30, 4)))
    u = rng.random((40, 4))
    results = []
    for loops in (True, False):
        if not loops:
            for module in (products, row_likelihood, made_network):
                monkeypatch.setattr(module, "has_loops", lambda _: False)
        net.zero_grad()
        log_p = net.log_prob(x)
        log_p.sum().backward()
        results.append(
            [log_p.detach(), *(p.grad.clone() for p in net.parameters()), torch.from_numpy(net.sample(u))]
        )
    torch.testing.assert_close(*results, atol=1e-10, rtol=0)


@settings(max_examples=60)
@given(
    dags(), st.lists(st.integers(1, 60), min_size=1, max_size=3), st.booleans(),
    st.sampled_from([1, 2, 3, 17, 40]), st.sampled_from([0.0, 0.3, 1.0]), seeds,
)  # fmt: skip
def test_a_draw_is_that_of_full_passes_by_level(graph, hidden, direct, n, share, seed):
    f = factorization_of(*graph)
    rng = np.random.default_rng(seed)
    sizes = tuple(rng.choice([1, 2, 2, 3, 9], len(f)).tolist())
    net, _ = _network(f, sizes, hidden, seed, direct)
    u = rng.random((n, len(f)))
    np.testing.assert_array_equal(net.sample(u), sample_by_levels(net, u))
    known = np.where(rng.random(u.shape) < share, rng.integers(0, sizes, u.shape), -1)
    draws = net.sample(u, known)
    np.testing.assert_array_equal(draws, sample_by_levels(net, u, known))
    assert (draws[known >= 0] == known[known >= 0]).all()


@pytest.mark.parametrize("direct", [False, True])
def test_blocks_and_windows_of_large_and_many_variables_change_no_draw(direct):
    rng = np.random.default_rng(4)
    sizes = tuple(rng.choice([1, 2, 2, 2, 5, 30, 300], 60).tolist())
    net, _ = _network(rng.permutation(60).tolist(), sizes, [120, 40], 4, direct, scale=0.2)
    u = rng.random((37, 60))
    for rows in (slice(0, 37), slice(0, 1)):
        np.testing.assert_array_equal(net.sample(u[rows]), sample_by_levels(net, u[rows]))


def test_in_float32_only_ties_are_drawn_otherwise():
    # as for binary variables: 40 rows of 60 uniforms, of which some 1e-6 fall between two roundings each
    rng = np.random.default_rng(5)
    sizes = tuple(rng.choice([2, 5, 30], 60).tolist())
    net, _ = _network(rng.permutation(60).tolist(), sizes, [120], 5, True, torch.float32, scale=0.2)
    u = rng.random((40, 60))
    assert (net.sample(u) != sample_by_levels(net, u)).any(axis=1).sum() <= 1


def test_what_is_given_is_kept_whatever_the_uniform():
    sizes = (5, 2, 3)
    for dtype in (torch.float32, torch.float64):
        net, _ = _network([1, 2, 0], sizes, [8], 6, True, dtype, scale=5.0)
        known = _states(sizes).numpy()
        for uniform in (0.0, 0.5, 1 - 2**-53):
            u = np.full(known.shape, uniform)
            np.testing.assert_array_equal(net.sample(u, known), known)


def test_draws_follow_the_table():
    sizes = (3, 2, 4, 1, 3)
    f = factorization_of(5, [(0, 2), (1, 2), (2, 4)])
    net, rng = _network(f, sizes, [12], 7, True)
    n, states = 40_000, _states(sizes)
    with torch.no_grad():
        expected = n * net.log_prob(states).exp().numpy()
    draws = net.sample(rng.random((n, 5)))
    seen = np.bincount(np.ravel_multi_index(draws.T.astype(np.intp), sizes), minlength=len(states))
    rare = expected < 5
    seen = np.append(seen[~rare], seen[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    statistic = ((seen - expected) ** 2 / expected.clip(1e-9)).sum()
    # a right sampler exceeds this once in 100,000 seeds, and the seed is fixed
    assert statistic < chi2.isf(1e-5, len(seen) - 1)


def test_rows_of_other_widths_and_codes_that_are_no_states_are_refused():
    net, _ = _network([0, 1], (2, 3), [4], 8, True)
    with pytest.raises(ShapeError, match=r"the rows have the shape \(4, 3\), expected \(n, 2\)"):
        net.log_prob(torch.zeros(4, 3))
    with pytest.raises(ValuesError, match="row 1 holds the code 3 of a variable with 3 states"):
        net.log_prob(torch.tensor([[0, 0], [0, 3]]))
    with pytest.raises(ShapeError, match="sizes has 3 entries, the graph 2 variables"):
        MADENetwork([0, 1], [[1]], sizes=(2, 2, 2))


# The estimator


def _rows(sizes, n=150, seed=0):
    """Each column mostly follows the one before."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, sizes, (n, len(sizes)))
    for j in range(1, len(sizes)):
        follow = rng.random(n) < 0.7
        X[:, j] = np.where(follow, X[:, j - 1] % sizes[j], X[:, j])
    return X


FAST = {"hidden": 8, "epochs": 3, "batch_size": 50, "random_state": 0}


@pytest.mark.parametrize("sizes", [(3, 2, 4), (2, 2), (3,), (2,), (5, 300, 2)], ids=str)
def test_a_fitted_model_is_a_distribution_and_travels_through_a_file(sizes, tmp_path):
    X = _rows(sizes)
    model = MADE(ordering="random", schema=Schema.of_sizes(sizes), **FAST).fit(X)
    states = _states(sizes).numpy()
    assert np.exp(model.log_prob(states)).sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(model.conditionals(X).sum(1), model.log_prob(X), atol=1e-12)
    draws = model.sample(50, rng=1)
    assert (draws < np.array(sizes)).all()
    model.save(tmp_path / "m")
    loaded = load_model(tmp_path / "m")
    np.testing.assert_array_equal(loaded.log_prob(X), model.log_prob(X))
    np.testing.assert_array_equal(loaded.sample(50, rng=1), draws)
    assert loaded.n_parameters_ == model.n_parameters_


def test_training_finds_a_dependence_between_columns_of_many_states():
    X = _rows((6, 6, 6), n=600)
    first = MADE(**FAST | {"epochs": 0}).fit(X).score(X)
    trained = MADE(**FAST | {"epochs": 30, "learning_rate": 0.02}).fit(X).score(X)
    # independent columns cost up to log 6 = 1.79 nats each; 0.7 of the time two of three are known
    assert trained > first + 0.9
