"""The most probable states, of all variables and of some, against the sorted joint table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from chainrule.core.errors import InputError, TooLargeError
from chainrule.models import BayesianNetwork
from tests.models.test_soft_evidence import case, times, unknown

seeds = st.integers(0, 2**32 - 1)


def codes(model, states, over):
    return tuple(model.states_[v].index(states[v]) for v in over)


def over_joint(model, joint, over):
    """p(over), an axis for each of ``over`` in its order."""
    names = list(model.variables_)
    summed = joint.sum(axis=tuple(i for i, v in enumerate(names) if v not in over))
    kept = [v for v in names if v in over]
    return summed.transpose([kept.index(v) for v in over])


@examples(max_examples=120)
@given(seeds, st.integers(1, 30), st.booleans())
def test_the_list_is_the_head_of_the_sorted_table(seed, k, soft):
    model, joint, evidence, rng = case(seed)
    free = rng.permutation(unknown(model, evidence)).tolist()
    likelihood = None
    if soft:
        likelihood = {free[0]: rng.random(len(model.states_[free[0]]))}
        joint = times(joint, model.variables_.index(free[0]), likelihood[free[0]])
        joint = joint / joint.sum()
    over = free[: rng.integers(1, len(free) + 1)]
    for asked, settings in ((over, {"over": over}), (unknown(model, evidence), {})):
        table = over_joint(model, joint, asked)
        found = model.most_probable(evidence, k=k, likelihood=likelihood, **settings)
        assert found.variables == tuple(asked)
        possible = np.sort(table[table > 0])[::-1]
        assert len(found) == min(k, len(possible))
        np.testing.assert_allclose(found.probabilities, possible[:k], rtol=1e-9)
        listed = [codes(model, states, asked) for states in found.states]
        assert len(set(listed)) == len(listed)
        np.testing.assert_allclose([table[x] for x in listed], possible[:k], rtol=1e-9)
        assert found.tied == (len(possible) > k and np.log(possible[k - 1] / possible[k]) < 1e-9)


def test_the_log_probability_of_the_evidence_makes_them_joint():
    model, _, evidence, _ = case(11)
    found = model.most_probable(evidence, k=3)
    for states, log_p in zip(found.states, found.log_probs, strict=True):
        whole = {**evidence, **states}
        row = [[model.states_[v].index(whole[v]) for v in model.variables_]]
        assert model.log_prob(row)[0] == pytest.approx(log_p + found.log_evidence)
    assert model.mpe(evidence).log_prob == pytest.approx(found.log_probs[0] + found.log_evidence)
    v = unknown(model, evidence)[0]
    weights = {v: np.arange(1.0, 1 + len(model.states_[v]))}
    expected = model.query(v, evidence).probabilities @ weights[v]
    soft = model.most_probable(evidence, likelihood=weights)
    assert soft.log_evidence - found.log_evidence == pytest.approx(np.log(expected))


def test_ties_come_in_the_order_of_their_states_and_a_cut_through_them_is_told():
    coins = BayesianNetwork.from_tables("a; b -> c", dict.fromkeys("abc", 2), {
        "a": [0.5, 0.5], "b": [0.5, 0.5], "c": [[0.25, 0.75], [0.75, 0.25]],
    })  # fmt: skip
    found = coins.most_probable(k=3)
    assert [codes(coins, s, "abc") for s in found.states] == [(0, 0, 1), (0, 1, 0), (1, 0, 1)]
    assert found.tied
    assert "others are as probable" in found.text()
    four = coins.most_probable(k=4)
    assert not four.tied
    assert codes(coins, four.states[3], "abc") == (1, 1, 0)
    assert [codes(coins, s, "ca") for s in coins.most_probable(k=2, over=["c", "a"]).states] == [
        (0, 0),
        (0, 1),
    ]


def test_a_marginal_map_is_not_a_part_of_the_most_probable_explanation():
    tables = {"a": [0.4, 0.6], "b": [[0.1, 0.9], [0.45, 0.55]]}
    model = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, tables)
    assert model.mpe().assignment["a"] == "0"
    assert model.most_probable(over="a").states == ({"a": "1"},)


def test_latent_nodes_and_interventions_are_summed_out_or_asked_for():
    tables = {"H": [0.3, 0.7], "x": [[0.9, 0.1], [0.2, 0.8]], "y": [[0.6, 0.4], [0.1, 0.9]]}
    model = BayesianNetwork.from_tables("H [latent]; H -> {x y}", dict.fromkeys("Hxy", 2), tables)
    done = model.do({"x": 0})
    best = done.most_probable(over=["H", "y"], k=4)
    expected = sorted((tables["H"][h] * tables["y"][h][y] for h in (0, 1) for y in (0, 1)), reverse=True)
    np.testing.assert_allclose(best.probabilities, expected)
    observed = model.most_probable(over=["x", "y"]).probabilities[0]
    assert observed == pytest.approx(0.3 * 0.1 * 0.4 + 0.7 * 0.8 * 0.9)


def test_a_long_chain_lists_its_states_without_recursion():
    n = 1500
    names = [f"v{i}" for i in range(n)]
    table = [[0.9, 0.1], [0.2, 0.8]]
    tables = {v: table if i else [0.6, 0.4] for i, v in enumerate(names)}
    chain = BayesianNetwork.from_tables(" -> ".join(names), dict.fromkeys(names, 2), tables)
    found = chain.most_probable(k=3)
    stay = np.log(0.6) + (n - 1) * np.log(0.9)
    begun_elsewhere = [0.0, np.log(0.4 * 0.2 / (0.6 * 0.9)), np.log(0.4 * 0.8 * 0.2 / (0.6 * 0.9**2))]
    np.testing.assert_allclose(found.log_probs, stay + np.array(begun_elsewhere), atol=1e-9)


def test_marginal_map_says_its_cost_and_refuses_above_it():
    """Many causes of one sum: to ask of the causes alone joins all of them, to ask of everything does not."""
    n = 24
    names = [f"x{i}" for i in range(n)]
    sums = [f"s{i}" for i in range(n)]
    edges = [f"x{i} -> s{i}" for i in range(n)] + [f"s{i} -> s{i + 1}" for i in range(n - 1)]
    rng = np.random.default_rng(0)
    tables = {v: [0.4, 0.6] for v in names}
    tables |= {s: rng.dirichlet([1, 1], (2,) if i == 0 else (2, 2)) for i, s in enumerate(sums)}
    model = BayesianNetwork.from_tables("; ".join(edges), dict.fromkeys(names + sums, 2), tables)
    assert model.inference_cost(most_probable=True).induced_width == 2
    assert len(model.most_probable(k=2)) == 2
    seen = {sums[-1]: 1}
    cost = model.inference_cost(names, seen, most_probable=True)
    assert cost.induced_width >= n - 1
    model.max_bytes = 2**20
    with pytest.raises(TooLargeError, match=f"{cost.total_bytes:,} bytes.*raise max_bytes"):
        model.most_probable(seen, over=names)
    few = model.most_probable(seen, over=names[:3], k=8)
    assert few.probabilities.sum() == pytest.approx(1.0)


def test_questions_about_nothing_are_refused():
    model = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, {"a": [1, 0], "b": np.eye(2)})
    with pytest.raises(InputError, match="k must be an integer of at least 1"):
        model.most_probable(k=0)
    with pytest.raises(InputError, match="nothing is left to ask"):
        model.most_probable({"a": 0, "b": 0})
    with pytest.raises(InputError, match="is asked for and is in the evidence"):
        model.most_probable({"a": 0}, over="a")
    with pytest.raises(InputError, match="evidence a=1 has probability zero"):
        model.most_probable({"a": 1})
    assert len(model.most_probable(k=5)) == 1
