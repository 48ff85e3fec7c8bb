"""Does a model respect its factorisation: the check finds every forbidden edge, and only those."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.evaluate.factorization import (
    allowed_dependence,
    check_factorization,
    jacobian_dependence,
    perturbation_dependence,
)
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork
from chainrule.models.independent.estimator import Independent
from chainrule.models.made.estimator import MADE
from chainrule.models.made.masks import assign_degrees, connectivity, direct_mask
from chainrule.models.made.network import MADENetwork
from chainrule.models.nade.estimator import NADE
from chainrule.models.nade.network import NADENetwork
from chainrule.models.shared.ordering import parse_ordering

X = np.random.default_rng(0).integers(0, 2, (60, 5))


def _made(order: Any, degrees: Any) -> MADENetwork:
    return MADENetwork(np.asarray(order), degrees, generator=torch.Generator().manual_seed(0))


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[int], list[np.ndarray]]:
    d = draw(st.integers(1, 6))
    layer = st.lists(st.integers(0, d - 1), min_size=1, max_size=4).map(np.array)
    return list(draw(st.permutations(range(d)))), draw(st.lists(layer, min_size=1, max_size=3))


@given(networks())
def test_the_jacobian_of_made_is_zero_exactly_where_there_is_no_path(
    network: tuple[list[int], list[np.ndarray]],
) -> None:
    made = _made(*network)
    paths = connectivity([m.numpy() for m in made.masks])
    assert ((jacobian_dependence(made, len(network[0]), rng=0) != 0) == (paths > 0)).all()


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("d", [1, 2, 7, 40])
def test_the_jacobian_of_nade_is_the_full_chain_rule(activation: Any, d: int) -> None:
    order = parse_ordering("random", d, rng=d)
    nade = NADENetwork(d, 5, order, activation=activation, generator=torch.Generator().manual_seed(0))
    assert ((jacobian_dependence(nade, d, rng=0) != 0) == direct_mask(order)).all()


def test_generic_parameters_show_an_edge_that_the_fitted_ones_hide() -> None:
    made = _made([0, 1], [np.array([1])])
    with torch.no_grad():
        made.biases[0].fill_(-10.0)  # the only hidden unit is off at every point
    assert jacobian_dependence(made, 2, generic=False, rng=0).tolist() == [[0, 0], [0, 0]]
    assert jacobian_dependence(made, 2, rng=0)[1, 0] > 0


def test_the_checked_network_keeps_its_parameters_type_and_gradients() -> None:
    made = _made([1, 0], [np.array([1, 1])])
    before = [p.detach().clone() for p in made.parameters()]
    jacobian_dependence(made, 2, rng=0)
    for p, q in zip(made.parameters(), before, strict=True):
        assert p.dtype == torch.float32
        assert torch.equal(p, q)
        assert p.grad is None


def test_one_missing_mask_entry_is_found() -> None:
    made = _made([1, 3, 0, 2], assign_degrees(4, [4]))
    made.get_buffer("mask_1")[1, 3] = True  # x2, first in the order, now sees the unit of degree 3
    found = jacobian_dependence(made, 4, rng=0)
    assert (found[1] > 0).tolist() == [True, True, False, True]


def test_a_plain_module_without_logits_is_called() -> None:
    found = jacobian_dependence(torch.nn.Linear(3, 3), 3, rng=0)
    assert (found > 0).all()


def test_a_function_that_ignores_its_input_depends_on_nothing() -> None:
    assert not jacobian_dependence(lambda x: torch.zeros(x.shape, dtype=x.dtype), 3, rng=0).any()


def test_a_function_of_the_wrong_width_is_refused() -> None:
    with pytest.raises(InputError, match=r"one logit per variable, \(8, 3\); it gave \(8, 2\)"):
        jacobian_dependence(lambda x: x[:, :2], 3, rng=0)


@pytest.mark.parametrize("model", [MADE(hidden=[6, 5]), NADE(hidden=6), NADE(hidden=6, activation="sigmoid")])
@pytest.mark.parametrize("method", ["jacobian", "perturbation"])
def test_fitted_networks_respect_their_promise_by_both_methods(model: Any, method: Any) -> None:
    model.set_params(ordering="random", epochs=2, random_state=3).fit(X)
    report = check_factorization(model, method=method, n_points=16, rng=0)
    assert report.respected
    assert report.tolerance == 0.0
    assert (report.allowed == direct_mask(model.ordering_)).all()
    assert report.allowed[report.dependence > 0].all()
    assert report.dependence.any()


def test_independent_variables_respect_their_empty_graph() -> None:
    report = check_factorization(Independent().fit(X), rng=0)
    assert report.method == "perturbation"
    assert report.respected
    assert not report.allowed.any()


def test_a_model_with_impossible_rows_can_be_checked() -> None:
    constant = np.array([[1, 0], [1, 1]])
    assert check_factorization(Independent().fit(constant), rng=0).respected


@pytest.mark.parametrize("method", ["jacobian", "perturbation"])
def test_a_model_that_promises_too_much_is_caught_with_the_pair(method: Any) -> None:
    class Promising(NADE):
        @property
        def factorization_(self) -> DAG:
            return DAG.parse("x1 -> x2; x3; x4; x5")

    model = Promising(hidden=4, epochs=3, random_state=0).fit(X)
    report = check_factorization(model, method=method, n_points=16, rng=0)
    assert not report.respected
    assert ("x5", "x1") in report.violations
    assert ("x2", "x1") not in report.violations


def test_an_allowed_edge_without_effect_is_reported_as_unused() -> None:
    model = MADE(1, epochs=0, direct=False, random_state=0).fit(X)  # one unit of degree 2 for five variables
    report = check_factorization(model, rng=0)
    assert report.respected
    assert ("x2", "x1") in report.unused
    assert ("x5", "x1") not in report.unused


CODES = np.random.default_rng(1).integers(0, [3, 2, 4], (200, 3))


def test_a_network_of_codes_respects_its_graph_under_its_own_names() -> None:
    rows = dict(zip("abc", CODES.T.astype(str), strict=True))
    model = BayesianNetwork("c -> a; a -> b", pseudocount=1.0).fit(rows)
    report = check_factorization(model, n_points=16, rng=0)
    assert (report.method, report.names) == ("perturbation", model.variables_)
    assert report.respected
    assert report.unused == []


def test_a_network_of_codes_that_promises_too_much_is_caught_with_the_pair() -> None:
    class Promising(BayesianNetwork):
        @property
        def factorization_(self) -> DAG:
            return DAG.parse("x1; x2; x3")

    model = Promising("x1 -> x2 -> x3", pseudocount=1.0).fit(CODES)
    assert set(check_factorization(model, n_points=16, rng=0).violations) == {("x2", "x1"), ("x3", "x2")}


def test_an_effect_of_a_third_state_alone_is_seen() -> None:
    def conditionals(x: np.ndarray) -> np.ndarray:
        return np.stack([np.zeros(len(x)), np.where(x[:, 0] == 2, 0.5, 0.25)], 1)

    rows = np.array([[0, 0], [1, 1]])
    assert perturbation_dependence(conditionals, rows, sizes=[3, 2]).tolist() == [[0, 0], [0.25, 0]]


def test_the_jacobian_of_one_hot_codes_is_the_largest_over_a_variables_columns() -> None:
    weight = np.zeros((6, 6))
    weight[4, 1], weight[5, 2], weight[2, 0] = 2.0, -3.0, 7.0  # columns: 3 of x1, 1 of x2, 2 of x3
    linear = torch.nn.Linear(6, 6, bias=False).double()
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight))
    found = jacobian_dependence(linear, 3, columns=[3, 1, 2], generic=False, rng=0)
    assert found.tolist() == [[7, 0, 0], [0, 0, 0], [3, 0, 0]]
    with pytest.raises(InputError, match="columns of each of 3 variables; got 2"):
        jacobian_dependence(linear, 3, columns=[3, 3], rng=0)


def test_perturbation_compares_exactly() -> None:
    found = perturbation_dependence(lambda x: np.stack([x[:, 1] * 5e-324, x[:, 1] * 0.0], 1), np.eye(2))
    assert found.tolist() == [[0, 5e-324], [0, 0]]


def test_a_dag_over_other_names_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no variable 'rain'"):
        allowed_dependence(DAG.parse("rain -> x1"), 2)


def test_a_model_without_a_promise_has_nothing_to_check() -> None:
    class Silent(Independent):
        @property
        def factorization_(self) -> Any:
            return None

    with pytest.raises(InputError, match="promises no factorisation"):
        check_factorization(Silent().fit(X))


def test_methods_that_cannot_be_used_are_refused() -> None:
    model = Independent().fit(X)
    with pytest.raises(InputError, match="no network_ with logits"):
        check_factorization(model, method="jacobian")
    with pytest.raises(InputError, match="method must be one of jacobian, perturbation"):
        check_factorization(model, method="guess")  # type: ignore[arg-type]
