"""NADE of columns with any numbers of states: against an oracle, the definition, enumeration and finite differences."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ValuesError
from chainrule.core.settings import settings as settings_of_the_package
from chainrule.models.nade import network
from chainrule.models.nade.categorical_packing import GROUP
from chainrule.models.nade.estimator import NADE
from chainrule.models.nade.network import NADENetwork
from chainrule.tables.table import Table
from tests.models.nades import (
    ACTIVATIONS,
    DTYPES,
    assert_right,
    by_definition,
    distance,
    draws_by_definition,
    gradients,
    logits_by_definition,
    random_nade,
    rows_of_codes,
    seeds,
    torch_threads,
)

sizes_of_columns = st.lists(st.sampled_from([1, 2, 2, 3, 4, 5, 6, 9, 10, 30]), min_size=1, max_size=9)


def _oracle(row, net):
    """log p of one row in nats, one number at a time; a state's indicator is the number of states before it."""
    W, V, b, c = (p.detach().numpy() for p in (net.W, net.V, net.b, net.c))
    begins = [sum(k - 1 for k in net.coding.sizes[:i]) for i in range(len(net.coding.sizes))]
    a, total = [float(v) for v in c], 0.0
    for i in net.ordering.tolist():
        h = [max(v, 0.0) if net.activation == "relu" else 1 / (1 + math.exp(-v)) for v in a]
        own = range(begins[i], begins[i] + net.coding.sizes[i] - 1)
        weights = [1.0, *(math.exp(b[k] + sum(v * u for v, u in zip(V[k], h, strict=True))) for k in own)]
        total += math.log(weights[row[i]] / sum(weights))
        if row[i]:
            a = [v + w for v, w in zip(a, W[begins[i] + row[i] - 1], strict=True)]
    return total


@settings(max_examples=40)
@given(sizes_of_columns, st.integers(1, 12), st.integers(0, 9), st.sampled_from(ACTIVATIONS), seeds)
def test_the_loops_and_the_definition_are_what_the_oracle_says(sizes, h, n, activation, seed):
    net, rng = random_nade(sizes, h, seed, activation)
    x = rows_of_codes(rng, n, sizes)
    expected = [_oracle(row, net) for row in x.tolist()]
    for log_p in (net(x), by_definition(net, x)):
        np.testing.assert_allclose(log_p.detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=60)
@given(
    sizes_of_columns.filter(lambda sizes: max(sizes) > 1),
    st.sampled_from([1, 7, 16, 17, 40]),
    st.integers(1, 40),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from(DTYPES),
    st.sampled_from([1, 2]),
    seeds,
)
def test_likelihood_and_gradient_are_those_of_the_definition(sizes, h, n, activation, dtype, threads, seed):
    net, rng = random_nade(sizes, h, seed, activation, dtype)
    x, weights = rows_of_codes(rng, n, sizes), torch.from_numpy(rng.normal(size=n))
    with torch_threads(threads):
        # rows that cancel each other leave a small sum with the rounding errors of a large one
        assert_right(net, x, weights, least=max(1e-3, 0.1 * float(weights.norm())))


@settings(max_examples=20)
@given(sizes_of_columns, st.sampled_from([1, 17]), st.integers(0, 20), seeds)
def test_logits_and_their_gradient_are_those_of_the_definition(sizes, h, n, seed):
    net, rng = random_nade(sizes, h, seed)
    x, order = rows_of_codes(rng, n, sizes), torch.from_numpy(rng.permutation(len(sizes)))
    got, exact = net.logits(x, order), logits_by_definition(net, x, order)
    weights = torch.from_numpy(rng.normal(size=tuple(exact.shape)))
    torch.testing.assert_close(got, exact, rtol=1e-9, atol=1e-9)
    if exact.requires_grad and exact.numel():
        for a, b in zip(gradients(got, weights, net), gradients(exact, weights, net), strict=True):
            assert distance(a, b) <= 1e-9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("sizes", "h", "n"),
    [([300, 2, 3], 530, 30), ([3, 1, 4] * 3, 20, 2 * GROUP + 37), ([10] * 20, 17, 5), ([300], 3, 4)],
)
def test_more_than_fits_in_one_piece_is_put_together_rightly(sizes, h, n, dtype):
    # pieces of 512 (256 in float64) hidden units, groups of 256 rows, stretches of some 64 indicators
    net, rng = random_nade(sizes, h, 1, "relu", dtype, scale=0.1)
    x, weights = rows_of_codes(rng, n, sizes), torch.from_numpy(rng.normal(size=n))
    assert_right(net, x, weights)


def test_the_gradient_is_that_of_finite_differences():
    net, rng = random_nade([3, 2, 1, 5], 4, 0, "sigmoid")  # relu has kinks
    x, weights = rows_of_codes(rng, 6, (3, 2, 1, 5)), rng.normal(size=6)
    loop = net.gradient_loop()
    assert loop is not None
    log_p, found = loop(x.numpy(), weights)
    np.testing.assert_allclose(log_p, net(x).detach().numpy(), rtol=1e-12)
    for p, gradient in zip(net.parameters(), found, strict=True):
        flat = p.detach().view(-1)
        for k in range(0, flat.numel(), 3):
            value, step, ends = float(flat[k]), 1e-5, []
            for sign in (1, -1):
                flat[k] = value + sign * step
                ends.append(float(net(x).detach().numpy() @ weights))
            flat[k] = value
            # a central difference is off by its third derivative times 1e-10, and by rounding over 1e-5
            assert gradient.reshape(-1)[k] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_units_that_begin_on_the_kink_have_the_slope_that_torch_gives_them():
    # c is zero in a new network; rows whose states are first ones for a while stay on the kink
    sizes = (4,) * 30
    net = NADENetwork(sizes, 20, np.arange(30), generator=torch.Generator().manual_seed(0))
    x = rows_of_codes(np.random.default_rng(0), 50, sizes)
    x[:, :8] *= torch.from_numpy(np.random.default_rng(1).random((50, 8)) < 0.1)
    got = gradients(net(x), torch.ones(50), net)
    exact = gradients(by_definition(net.double(), x), torch.ones(50), net)
    assert distance(got[3], exact[3]) <= 2e-6


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(3, 2, 4), (1, 5, 1, 2), (7,), (1,), (1, 1)])
def test_probabilities_of_all_rows_sum_to_one(sizes, activation):
    net, _ = random_nade(sizes, 6, 3, activation, scale=1.0)
    rows = torch.tensor(list(itertools.product(*map(range, sizes))))
    assert float(net(rows).detach().exp().sum()) == pytest.approx(1, abs=1e-9)


@settings(max_examples=40)
@given(
    sizes_of_columns,
    st.sampled_from([1, 9, 17]),
    st.sampled_from([0, 1, 5, 33]),
    st.sampled_from(ACTIVATIONS),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([1, 2]),
    seeds,
)
def test_draws_are_those_of_the_definition(sizes, h, n, activation, share, threads, seed):
    net, rng = random_nade(sizes, h, seed, activation)
    u = rng.random((n, len(sizes)))
    known = np.where(rng.random(u.shape) < share, rows_of_codes(rng, n, sizes).numpy(), -1)
    with torch_threads(threads):
        np.testing.assert_array_equal(net.sample(u), draws_by_definition(net, u))
        drawn = net.sample(u, known)
    np.testing.assert_array_equal(drawn, draws_by_definition(net, u, known))
    np.testing.assert_array_equal(drawn[known >= 0], known[known >= 0])


@pytest.mark.parametrize("sizes", [(2, 3), (4,), (3, 1, 2)])
def test_draws_have_the_probabilities_of_the_table(sizes):
    net, rng = random_nade(sizes, 5, 4, scale=1.0)
    rows = np.array(list(itertools.product(*map(range, sizes))))
    p = net(torch.from_numpy(rows)).detach().exp().numpy()
    n = 20_000
    drawn = net.sample(rng.random((n, len(sizes))))
    counts = np.array([(drawn == row).all(1).sum() for row in rows])
    # five standard deviations of a count
    assert (np.abs(counts - n * p) <= 5 * np.sqrt(n * p * (1 - p)) + 1e-9).all()


def test_a_binary_column_is_drawn_by_the_same_rule_beside_others():
    net, rng = random_nade((2, 3), 4, 5)
    u = rng.random((500, 2))
    with torch.no_grad():
        first = int(net.ordering[0])
        z = net.logits(torch.zeros(1, 2, dtype=torch.int64))[0]
        own = z[int(net.coding.begins[first]) : int(net.coding.begins[first + 1])]
        upper = torch.softmax(torch.cat([torch.zeros(1), own]), 0)[1:].cumsum(0).numpy()
    expected = [next((k + 1 for k, p in enumerate(upper) if p > value), 0) for value in u[:, 0]]
    np.testing.assert_array_equal(net.sample(u)[:, first], expected)


def test_sampling_many_rows_and_many_states_is_exact():
    sizes = (300, 2, 7)
    net, rng = random_nade(sizes, 40, 6)
    u = rng.random((2 * GROUP + 5, 3))
    drawn = net.sample(u)
    np.testing.assert_array_equal(drawn, draws_by_definition(net, u))
    assert drawn.max() > 255  # no byte was too small


@pytest.mark.parametrize("code", [-1, 3, 300])
def test_a_code_that_is_no_state_is_refused_before_it_reaches_the_loops(code):
    net, _ = random_nade((3, 3), 4)
    with pytest.raises(ValuesError, match=r"the code -?\d+ in row 0, column 1, expected 0 to 2"):
        net(torch.tensor([[0, code]]))


def test_a_number_that_is_lost_is_not_hidden():
    net, rng = random_nade((3, 4), 4)
    with torch.no_grad():
        net.V[0, 0] = math.nan
        net.c.fill_(1.0)
    assert bool(torch.isnan(net(rows_of_codes(rng, 20, (3, 4)))).all())


@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_log_odds_have_finite_likelihoods_and_gradients(dtype):
    net, rng = random_nade((4, 4, 2, 3), 5, 7, dtype=dtype, scale=0.01)
    with torch.no_grad():
        net.b.copy_(1e4 * torch.sign(torch.randn(len(net.b), generator=torch.Generator().manual_seed(0))))
    x = rows_of_codes(rng, 30, (4, 4, 2, 3))
    assert_right(net, x, torch.ones(30), nats=1e-30)


@pytest.mark.parametrize("sizes", [(2,) * 6, (3, 1, 2, 5)])
def test_the_switch_forces_the_plain_path_which_has_the_same_numbers(sizes, monkeypatch):
    net, rng = random_nade(sizes, 7, 8)
    x, u = rows_of_codes(rng, 20, sizes), rng.random((20, len(sizes)))
    log_p, drawn = net(x).detach(), net.sample(u)
    monkeypatch.setattr(settings_of_the_package, "plain", True)
    monkeypatch.setattr(network, "walk_of", None)  # what would be called
    monkeypatch.setattr(network, "draw", None)
    assert net.gradient_loop() is None
    torch.testing.assert_close(net(x).detach(), log_p, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(net.sample(u), drawn)


def _mixed(n, seed=0):
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 3, n)
    wet = (rng.random(n) < 0.2 + 0.3 * colour).astype(int)
    size = (colour + rng.integers(0, 2, n)) % 4
    names = np.array(["red", "green", "blue"])
    return pd.DataFrame({"colour": names[colour], "wet": wet.astype(bool), "size": size, "one": "same"})


@pytest.fixture(scope="module")
def fitted():
    order = ["size", "one", "wet", "colour"]
    model = NADE(12, epochs=30, batch_size=40, learning_rate=0.02, random_state=0, ordering=order)
    return model.fit(_mixed(600))


def test_a_frame_of_mixed_columns_is_fitted_in_the_order_of_its_names(fitted):
    names = [fitted.schema_.names[i] for i in fitted.ordering_]
    assert names == ["size", "one", "wet", "colour"]
    assert set(fitted.factorization_.parents("wet")) == {"size", "one"}
    test = _mixed(300, 1)
    frequencies = _mixed(600).value_counts(normalize=True)
    entropy = -float((frequencies * np.log(frequencies)).sum())
    # 24 combinations: the likelihood of new rows comes near the entropy of the old
    assert -fitted.score(test) < entropy + 0.1
    np.testing.assert_allclose(fitted.score_samples(test[test.columns[::-1]]), fitted.log_prob(test))


def test_parameters_are_counted_by_indicator(fitted):
    width, h = 2 + 1 + 3 + 0, 12
    assert fitted.n_parameters_ == {
        "allocated": 2 * width * h + width + h,
        "in_use": 2 * width * h + width + h,
    }


def test_a_fitted_model_of_mixed_columns_sums_to_one_and_comes_back_from_a_file(fitted, tmp_path):
    sizes = fitted.schema_.sizes
    rows = Table(fitted.schema_, np.array(list(itertools.product(*map(range, sizes)))))
    assert float(np.exp(fitted.log_prob(rows)).sum()) == pytest.approx(1, abs=1e-9)
    fitted.save(tmp_path / "m")
    again = NADE.load(tmp_path / "m")
    np.testing.assert_array_equal(again.log_prob(rows), fitted.log_prob(rows))


def test_a_table_of_constant_columns_is_certain():
    model = NADE(3, epochs=1).fit(pd.DataFrame({"a": ["x"] * 5, "b": ["y"] * 5}))
    assert model.score(pd.DataFrame({"a": ["x"], "b": ["y"]})) == 0.0
