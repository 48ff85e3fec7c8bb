"""NADE and MADE over several orders: one network, an exact average of what it says in each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.progress import listening
from chainrule.evaluate.factorization import check_factorization
from chainrule.models import MADE, NADE, load_model
from chainrule.models.made.orders_network import MADEOrdersNetwork
from chainrule.models.shared.dropout import Dropout
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from chainrule.tasks.cells import cell_nats
from tests.oracles import enumerate_states, joint_table, log_of_marginal, made_log_prob, nade_log_prob

KINDS = [NADE, MADE]
BINARY, STATES = (2,) * 5, (3, 2, 4, 1)
FAST: dict[str, Any] = {"hidden": 6, "epochs": 3, "batch_size": 20, "random_state": 4, "orders": 3}


def _rows(sizes: tuple[int, ...], n: int = 120, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    before, out = rng.integers(0, 12, n), []
    for k in sizes:
        before = np.where(rng.random(n) < 0.7, before, rng.integers(0, 12, n))
        out.append(before % k)
    return np.stack(out, axis=1).astype(np.uint8)


def _fit(kind: Any, sizes: tuple[int, ...] = BINARY, **settings: Any) -> Any:
    valid = settings.pop("valid", _rows(sizes, 60, seed=1))
    return kind(**FAST | {"schema": Schema.of_sizes(sizes)} | settings).fit(_rows(sizes), valid=valid)


def _in_float64(parameters: Any) -> list[NDArray[np.float64]]:
    return [p.detach().double().numpy() for p in parameters]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_average_of_what_one_network_says_by_the_definition_in_each_order(kind: Any) -> None:
    model, states = _fit(kind), enumerate_states(BINARY)
    network, weights = model.network_, model.average_.weights_
    orders = [one.ordering_.tolist() for one in model.average_.models_]
    total = np.zeros(len(states))
    for k, order in enumerate(orders):
        if kind is NADE:
            one = network.members[k]
            given = (*_in_float64([one.W, one.V, one.b, one.c]), "relu")
            p = [np.exp(nade_log_prob(x, order, *given)) for x in states]
        else:
            *layers, direct = _in_float64(network.weights)
            degrees = model.average_.models_[k].degrees_
            p = [
                np.exp(made_log_prob(x, order, degrees, layers, _in_float64(network.biases), direct))
                for x in states
            ]
        total += weights[k] * np.array(p)
    np.testing.assert_allclose(np.exp(model.log_prob(states)), total, rtol=1e-9)
    assert total.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_order_is_the_one_asked_for_and_each_member_keeps_its_own(kind: Any) -> None:
    model = _fit(kind, ordering=[2, 0, 1, 4, 3], epochs=2)
    members = model.average_.models_
    assert len(members) == 3
    assert members[0].ordering_.tolist() == [2, 0, 1, 4, 3]
    assert len({tuple(one.ordering_) for one in members}) == 3
    for one in members:
        assert check_factorization(one, n_points=8, rng=0).respected
    again = _fit(kind, ordering=[2, 0, 1, 4, 3], epochs=2)
    assert [tuple(a.ordering_) for a in again.average_.models_] == [tuple(one.ordering_) for one in members]


def test_nades_share_what_leads_into_the_hidden_units_and_mades_all_weights() -> None:
    nades = [one.network_ for one in _fit(NADE).average_.models_]
    assert all(net.W is nades[0].W and net.c is nades[0].c for net in nades)
    assert not torch.equal(nades[0].V, nades[1].V)
    mades = [one.network_ for one in _fit(MADE, degrees="random").average_.models_]
    assert all(torch.equal(a, b) for net in mades for a, b in zip(net.weights, mades[0].weights, strict=True))
    assert not torch.equal(mades[0].masks[0], mades[1].masks[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [BINARY, STATES])
def test_the_networks_own_log_prob_is_the_equal_average_and_the_estimators_without_validation_rows(
    kind: Any, sizes: tuple[int, ...]
) -> None:
    model, states = _fit(kind, sizes, valid=None), enumerate_states(sizes)
    np.testing.assert_allclose(model.average_.weights_, 1 / 3)
    with torch.no_grad():
        found = model.network_.double()(torch.from_numpy(states)).numpy()
    np.testing.assert_allclose(found, model.log_prob(states), rtol=1e-5)
    assert np.exp(found).sum() == pytest.approx(1.0, abs=1e-9)


def test_weights_of_orders_maximise_the_likelihood_of_validation_rows() -> None:
    valid = _rows(BINARY, 60, seed=1)
    model = _fit(NADE, valid=valid)
    log_p = np.stack([one.log_prob(valid) for one in model.average_.models_], axis=1)
    gain = np.exp(log_p - model.log_prob(valid)[:, None]).mean(
        axis=0
    )  # 1 where a weight is not 0, at most 1 elsewhere
    assert (gain <= 1 + 1e-4).all()
    assert model.fit_info_["order_weights"] == model.average_.weights_.tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [BINARY, STATES])
def test_a_step_follows_the_gradient_of_its_own_order(kind: Any, sizes: tuple[int, ...]) -> None:
    network, x = _fit(kind, sizes).network_.double(), torch.from_numpy(_rows(sizes, 30, seed=2))
    for step in range(4):
        expected = network.log_prob_in_order(x, step % 3)
        found = network.log_prob_in_step(x, step)
        torch.testing.assert_close(found, expected)
        loop = network.gradient_loop()
        if loop is not None:
            weights = np.random.default_rng(0).normal(size=len(x))
            log_p, gradients = loop(x.numpy(), weights, step)
            np.testing.assert_allclose(log_p, expected.detach().numpy(), rtol=1e-10)
            network.zero_grad()
            (expected @ torch.from_numpy(weights)).backward()
            for g, p in zip(gradients, network.parameters(), strict=True):
                exact = torch.zeros_like(p) if p.grad is None else p.grad
                np.testing.assert_allclose(g, exact.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("hidden", [6, [6, 5]])
@pytest.mark.parametrize("direct", [True, False])
def test_a_step_with_dropout_is_that_of_a_made_of_its_order(hidden: Any, direct: bool) -> None:
    network = _fit(MADE, STATES, hidden=hidden, direct=direct).network_.double()
    x = torch.from_numpy(_rows(STATES, 30, seed=2))
    network.dropout = Dropout(0.0, 0.0, seed=5)
    torch.testing.assert_close(network.log_prob_in_step(x, 4), network.log_prob_in_order(x, 1))
    network.dropout = Dropout(0.3, 0.4, seed=5)
    with torch.no_grad():
        one, two = network.log_prob_in_step(x, 4), network.log_prob_in_step(x, 7)
    assert not torch.equal(one, two)
    assert torch.equal(one, network.log_prob_in_step(x, 4))


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_fit_goes_on_and_ends_bit_equal(kind: Any, tmp_path: Path) -> None:
    whole = _fit(kind, epochs=5, dropout=0.2)
    path = str(tmp_path / "state")

    class StopAfterTwo:
        left = 2

        def start(self, label: str, total: int) -> int:
            return 0

        def advance(self, task: int, detail: str) -> None:
            if "train" in detail:
                self.left -= 1
                if not self.left:
                    raise KeyboardInterrupt

        def stop(self, task: int) -> None:
            pass

        def note(self, text: str) -> None:
            pass

    with pytest.raises(KeyboardInterrupt), listening(StopAfterTwo()):
        _fit(kind, epochs=5, dropout=0.2, run_dir=path)
    resumed = _fit(kind, epochs=5, dropout=0.2, run_dir=path)
    assert resumed.fit_info_["resumed_from_epoch"] == 2
    states = enumerate_states(BINARY)
    np.testing.assert_array_equal(resumed.log_prob(states), whole.log_prob(states))


def _bytes_of_arrays(path: Path) -> int:
    with safe_open(path, framework="numpy") as f:
        return sum(f.get_tensor(name).nbytes for name in f.keys())  # noqa: SIM118  # not a dict


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_holds_what_the_orders_share_once(kind: Any, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"hidden": 200, "epochs": 1}
    sizes = (2,) * 60
    one, all_three = _fit(kind, sizes, orders=1, **settings), _fit(kind, sizes, **settings)
    one.save(tmp_path / "one")
    all_three.save(tmp_path / "three")
    ratio = _bytes_of_arrays(tmp_path / "three") / _bytes_of_arrays(tmp_path / "one")
    assert ratio < (2.05 if kind is NADE else 1.5)  # V is there three times, and MADE's masks are
    back = load_model(tmp_path / "three")
    rows = _rows(sizes, 20, seed=3)
    np.testing.assert_array_equal(back.log_prob(rows), all_three.log_prob(rows))
    with torch.no_grad():
        ours, theirs = (m.network_(torch.from_numpy(rows)) for m in (all_three, back))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_holes_are_summed_out_in_any_place_and_refused_where_an_order_has_too_many_before_what_is_known(
    kind: Any,
) -> None:
    model = _fit(kind, STATES)
    table = joint_table(model.log_prob, STATES)
    for row in ([-1, 1, -1, 0], [2, -1, 3, -1], [-1, -1, 1, -1]):
        assert model.log_prob([row])[0] == pytest.approx(log_of_marginal(table, row), rel=1e-9)
    wide = _fit(kind, (2,) * 40, epochs=1)
    assert wide.marginalises_ == "none"
    row = np.full((1, 40), -1)
    np.testing.assert_allclose(wide.log_prob(row), 0.0, atol=1e-9)
    row[0, 39] = 1
    with pytest.raises(TooLargeError, match="missing values that come before an observed one"):
        wide.log_prob(row)


@pytest.mark.parametrize("kind", KINDS)
def test_several_orders_have_no_conditionals_and_cells_cost_what_they_cost_in_each(kind: Any) -> None:
    model, rows = _fit(kind, STATES), _rows(STATES, 25, seed=2)
    assert model.ordering_ is None
    with pytest.raises(InputError, match="no order"):
        model.conditionals(rows)
    table = Table(model.schema_, rows)
    found = cell_nats(model, table)
    np.testing.assert_allclose(found, cell_nats(model.average_, table), rtol=1e-12)
    assert (found.sum(axis=1) <= -model.log_prob(rows) + 1e-9).all()


def test_parameters_that_are_shared_count_once_and_those_that_no_order_reads_are_not_in_use() -> None:
    d, h = 5, 6
    assert _fit(NADE).n_parameters_ == {"allocated": d * h + h + 3 * (d * h + d)} | {
        "in_use": d * h + h + 3 * (d * h + d)
    }
    model = _fit(MADE)
    network = model.network_
    assert isinstance(network, MADEOrdersNetwork)
    biases = h + d
    assert model.n_parameters_["allocated"] == biases + 2 * d * h + d * d
    read = sum(
        int(np.logical_or.reduce([m.numpy() for m in each]).sum())
        for each in zip(*map(network.masks, range(3)), strict=True)
    )
    assert model.n_parameters_["in_use"] == biases + read


@pytest.mark.parametrize("kind", KINDS)
def test_one_order_is_the_model_without_the_setting(kind: Any) -> None:
    rows = _rows(STATES)
    settings = {k: v for k, v in FAST.items() if k != "orders"} | {"schema": Schema.of_sizes(STATES)}
    one, other = kind(**settings).fit(rows), kind(orders=1, **settings).fit(rows)
    assert one.average_ is other.average_ is None
    np.testing.assert_array_equal(one.log_prob(rows), other.log_prob(rows))
    back_to_one = (
        _fit(kind, STATES).set_params(orders=1).fit(rows)
    )  # a refit leaves nothing of several orders behind
    np.testing.assert_array_equal(back_to_one.log_prob(rows), one.log_prob(rows))
    assert back_to_one.average_ is None


def test_scalars_and_sample_grids_go_to_tensorboard(tmp_path: Path) -> None:
    for kind in KINDS:
        _fit(kind, (2,) * 6, log_dir=str(tmp_path / kind.__name__), image_shape=(2, 3))
        assert any((tmp_path / kind.__name__).iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orders", [0, -1, 1.5, "two", True])
def test_a_number_of_orders_that_is_none_is_named(kind: Any, orders: Any) -> None:
    with pytest.raises(InputError, match="orders"):
        _fit(kind, orders=orders)


def test_a_graph_and_several_orders_are_refused_together() -> None:
    with pytest.raises(InputError, match="orders=3 asks for several"):
        _fit(MADE, (2, 2), dag="x1 -> x2")
