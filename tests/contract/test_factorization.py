"""A model respects the factorization it promises: in its joint table, and by what its conditionals depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.evaluate.factorization import check_factorization
from chainrule.models import (
    MADE,
    NADE,
    Auto,
    BayesianNetwork,
    BoostedChain,
    ChainClassifier,
    ChowLiu,
    Independent,
    LatentMixture,
    Stack,
    TreeNetwork,
)
from chainrule.models.shared.ordering import variable_names
from tests.contract.cases import CASES, SIX, Case, cases_of, every_case, fitted, table_of
from tests.oracles import enumerate_states, made_log_prob, nade_log_prob

PROMISING = (
    Independent,
    BayesianNetwork,
    TreeNetwork,
    BoostedChain,
    ChainClassifier,
    NADE,
    MADE,
    LatentMixture,
    Auto,
    ChowLiu,
    Stack,
)
AVERAGES = (
    "ensemble-order",
    "ensemble-order-states",
    "mixture",
    "mixture-1",
    "mixture-states",
)  # of one order
promising = pytest.mark.parametrize(
    "case",
    [c for c in CASES if (issubclass(c.kind, PROMISING) and c.has_one_order) or c.name in AVERAGES],
    ids=str,
)


@every_case
def test_a_promise_is_a_dag_over_all_variables_or_nothing(case: Case) -> None:
    dag = fitted(case).factorization_
    if dag is not None:
        assert sorted(dag.nodes) == sorted(variable_names(case.d))


@cases_of(*PROMISING, sizes=SIX)
def test_no_conditional_moves_with_anything_but_its_parents(case: Case) -> None:
    if not case.has_one_order:
        return  # see tests/models/test_orders.py
    assert check_factorization(fitted(case), n_points=16, rng=0).respected
    assert check_factorization(fitted(case), method="perturbation", n_points=16, rng=0).respected


@promising
def test_the_joint_is_the_product_of_the_promised_factors(case: Case) -> None:
    """Factors are formed from the table itself: p(x_i | parents) = p(x_i, parents) / p(parents)."""
    table, dag = table_of(case), fitted(case).factorization_
    product = np.ones_like(table)
    for node in dag.nodes:
        product = product * _factor(case, node)
    np.testing.assert_allclose(product, table, rtol=1e-9, atol=1e-12)


@promising
def test_conditionals_are_the_logs_of_the_promised_factors_and_sum_to_log_prob(case: Case) -> None:
    model, states = fitted(case), case.states()
    possible = table_of(case).ravel() > 0
    found = model.conditionals(states)
    assert found.shape == states.shape
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(1), model.log_prob(states), rtol=1e-9, atol=1e-9)
    for j, node in enumerate(variable_names(case.d)):
        factor = np.broadcast_to(_factor(case, node), case.sizes).ravel()
        np.testing.assert_allclose(np.exp(found[possible, j]), factor[possible], rtol=1e-9)


@promising
def test_the_states_of_a_variable_sum_to_one_and_those_of_the_row_are_its_conditionals(case: Case) -> None:
    model, states = fitted(case), case.states()
    found, ends = model.state_log_probs(states), np.cumsum(case.sizes)
    assert found.shape == (len(states), ends[-1])
    assert found.dtype == np.float64
    blocks = np.split(found, ends[:-1], axis=1)
    for j, block in enumerate(blocks):
        np.testing.assert_allclose(np.exp(block).sum(1), 1.0, rtol=1e-12)
        own = block[np.arange(len(states)), states[:, j]]
        np.testing.assert_allclose(own, model.conditionals(states)[:, j], rtol=1e-12, atol=1e-12)


@promising
def test_states_depend_on_nothing_that_comes_later_in_the_order(case: Case) -> None:
    model, order, ends = fitted(case), fitted(case).ordering_, np.cumsum((0, *case.sizes))
    assert sorted(order) == list(range(case.d))
    states = case.states()
    for t, i in enumerate(order):
        other = states.copy()
        other[:, order[t:]] = 0
        block = slice(ends[i], ends[i + 1])
        np.testing.assert_allclose(
            model.state_log_probs(states)[:, block], model.state_log_probs(other)[:, block], rtol=1e-12
        )


@promising
def test_turns_give_the_states_given_what_was_sent_and_the_same_bits_each_time(case: Case) -> None:
    model, states, ends = fitted(case), case.states(), np.cumsum((0, *case.sizes))
    expected = model.state_log_probs(states)
    one, two = (_turns_taken(model, states) for _ in range(2))
    late = _last_first(model.factors_)
    in_order = _turns_taken(model, states, late)
    assert list(in_order) == late.tolist()
    assert sorted(one) == list(range(case.d))
    for i, log_p in one.items():
        block = expected[:, ends[i] : ends[i + 1]]
        np.testing.assert_allclose(np.exp(log_p), np.exp(block), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(np.exp(in_order[i]), np.exp(block), rtol=1e-9, atol=1e-12)
        assert (log_p == two[i]).all()


def _last_first(factors: Any) -> np.ndarray:
    """An order of the factors in which of the columns that may come next the last one does."""
    order: list[int] = []
    while len(order) < len(factors):
        ready = [i for i in range(len(factors)) if set(np.flatnonzero(factors.parents[i])) <= set(order)]
        order.append(max(set(ready) - set(order)))
    return np.array(order)


@promising
def test_an_order_that_factors_do_not_fit_is_refused(case: Case) -> None:
    factors = fitted(case).factors_
    if factors.parents.any():
        with pytest.raises(InputError, match="which comes after it"):
            fitted(case).states_in_turn(1, factors.order[::-1])
    with pytest.raises(InputError, match="each of the"):
        fitted(case).states_in_turn(1, np.zeros(case.d + 1, int))


def _turns_taken(model: Any, states: np.ndarray, order: Any = None) -> dict[int, np.ndarray]:
    """What ``states_in_turn`` says of each column, when it is sent ``states``."""
    turns, found = model.states_in_turn(len(states), order), {}
    columns, log_ps = next(turns)
    while True:
        found |= dict(zip(columns.tolist(), log_ps, strict=True))
        try:
            columns, log_ps = turns.send(states[:, columns])
        except StopIteration:
            return found


@every_case
def test_a_model_without_an_order_has_no_probabilities_of_states(case: Case) -> None:
    if fitted(case).ordering_ is None:
        with pytest.raises(InputError, match="no order"):
            fitted(case).state_log_probs(case.data())


@promising
def test_conditionals_of_rows_with_holes_are_refused_with_the_place(case: Case) -> None:
    rows = case.data().astype(int)
    rows[1, case.d - 1] = -1
    with pytest.raises(ValueError, match=rf"row 1.*'?x{case.d}"):
        fitted(case).conditionals(rows)
    with pytest.raises(ValueError, match=rf"row 1.*'?x{case.d}"):
        fitted(case).state_log_probs(rows)


def _factor(case: Case, node: str) -> np.ndarray:
    """p(node | parents) from the joint table, with an axis of length 1 for every other variable."""
    table, dag = table_of(case), fitted(case).factorization_
    column = {name: i for i, name in enumerate(variable_names(case.d))}
    parents = [column[p] for p in dag.parents(node)]
    others = tuple(a for a in range(case.d) if a not in (column[node], *parents))
    joint = table.sum(axis=others, keepdims=True)
    total = joint.sum(axis=column[node], keepdims=True)
    return np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)


@cases_of(NADE, sizes=SIX)
def test_nade_is_what_its_definition_says(case: Case) -> None:
    if not case.has_one_order:
        return  # see tests/models/test_orders.py
    model = fitted(case)
    W, V, b, c = (p.detach().double().numpy() for p in (getattr(model.network_, k) for k in "WVbc"))
    for x in enumerate_states(case.sizes):
        expected = nade_log_prob(x, model.ordering_.tolist(), W, V, b, c, model.activation)
        assert model.log_prob(x[None])[0] == pytest.approx(expected, rel=1e-10, abs=1e-10)


@cases_of(MADE, sizes=SIX)
def test_made_is_what_its_definition_says(case: Case) -> None:
    model = fitted(case)
    if case.name == "made-dag" or not case.has_one_order:
        return  # the oracle knows degrees of one order only; other masks have tests of their own
    weights = [w.detach().double().numpy() for w in model.network_.weights]
    biases = [b.detach().double().numpy() for b in model.network_.biases]
    direct = weights.pop() if model.direct else None
    for x in enumerate_states(case.sizes):
        expected = made_log_prob(x, model.ordering_.tolist(), model.degrees_, weights, biases, direct)
        assert model.log_prob(x[None])[0] == pytest.approx(expected, rel=1e-10, abs=1e-10)


@cases_of(NADE, sizes=SIX)
def test_a_network_that_is_wide_enough_leaves_no_promised_edge_unused(case: Case) -> None:
    if not case.has_one_order:
        return  # see tests/models/test_orders.py
    assert check_factorization(fitted(case), rng=0).unused == []
