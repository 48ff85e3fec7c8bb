"""A model respects the factorisation it promises: by Jacobian, by perturbation, and in its joint table."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.evaluate.factorization import check_factorization
from chainrule.models.shared.ordering import variable_names
from tests.contract.cases import Case, cases_named, every_case, fitted, table_of
from tests.oracles import enumerate_rows, made_log_prob, nade_log_prob

promising = cases_named("bernoulli", "bayes", "nade", "made")


@every_case
def test_a_promise_is_a_dag_over_all_variables_or_nothing(case: Case) -> None:
    dag = fitted(case).factorization_
    if dag is not None:
        assert sorted(dag.nodes) == sorted(variable_names(case.d))


@promising
def test_no_conditional_moves_with_anything_but_its_parents(case: Case) -> None:
    assert check_factorization(fitted(case), n_points=16, rng=0).respected
    assert check_factorization(fitted(case), method="perturbation", n_points=16, rng=0).respected


@promising
def test_the_joint_is_the_product_of_the_promised_factors(case: Case) -> None:
    """Factors are formed from the table itself: p(x_i | parents) = p(x_i, parents) / p(parents)."""
    table, dag = table_of(case), fitted(case).factorization_
    column = {name: i for i, name in enumerate(variable_names(case.d))}
    product = np.ones_like(table)
    for node in dag.nodes:
        parents = [column[p] for p in dag.parents(node)]
        others = tuple(a for a in range(case.d) if a not in (column[node], *parents))
        joint = table.sum(axis=others, keepdims=True)
        total = joint.sum(axis=column[node], keepdims=True)
        product = product * np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    np.testing.assert_allclose(product, table, rtol=1e-9, atol=1e-12)


@cases_named("nade")
def test_nade_is_what_its_definition_says(case: Case) -> None:
    model = fitted(case)
    W, V, b, c = (p.detach().double().numpy() for p in (getattr(model.network_, k) for k in "WVbc"))
    for x in enumerate_rows(case.d):
        expected = nade_log_prob(x, model.ordering_.tolist(), W, V, b, c, model.activation)
        assert model.log_prob(x[None])[0] == pytest.approx(expected, rel=1e-10, abs=1e-10)


@cases_named("made")
def test_made_is_what_its_definition_says(case: Case) -> None:
    model = fitted(case)
    weights = [w.detach().double().numpy() for w in model.network_.weights]
    biases = [b.detach().double().numpy() for b in model.network_.biases]
    direct = weights.pop() if model.direct else None
    for x in enumerate_rows(case.d):
        expected = made_log_prob(x, model.ordering_.tolist(), model.degrees_, weights, biases, direct)
        assert model.log_prob(x[None])[0] == pytest.approx(expected, rel=1e-10, abs=1e-10)


@cases_named("nade", "made-deep")
def test_a_network_that_is_wide_enough_leaves_no_promised_edge_unused(case: Case) -> None:
    assert check_factorization(fitted(case), rng=0).unused == []


@cases_named("nade", "made")
def test_the_conditionals_that_a_network_reports_are_those_of_the_joint(case: Case) -> None:
    model, table = fitted(case), table_of(case)
    states = enumerate_rows(case.d)
    reported = model.conditionals(states)
    for k, state in enumerate(states.astype(int)):
        index: list[slice] = [slice(None)] * case.d
        for i in model.ordering_:
            seen = table[tuple(index)]  # the states that agree with everything before i
            assert reported[k, i] == pytest.approx(np.take(seen, 1, axis=i).sum() / seen.sum(), rel=1e-9)
            index[i] = slice(state[i], state[i] + 1)
