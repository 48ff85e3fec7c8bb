"""Effects as numbers: formulas against the truncated factorisation, hedges against two models that they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import InputError, UnknownNameError, ValuesError
from chainrule.core.records import dump_json
from chainrule.evaluate import estimate_effect
from chainrule.graphs import DAG, Hedge
from chainrule.models import BayesianNetwork
from chainrule.tables import Table
from tests.graphs.test_identification import BOW, FRONT_DOOR, NAPKIN, dag_of, random_questions


def random_network(dag: DAG, rng: np.random.Generator) -> BayesianNetwork:
    """Two or three states each, no probability near zero."""
    sizes = {v: int(rng.integers(2, 4)) for v in dag.nodes}
    tables = {}
    for v in dag.nodes:
        table = rng.dirichlet(np.ones(sizes[v]), [sizes[u] for u in dag.parents(v)]) + 0.03
        tables[v] = table / table.sum(-1, keepdims=True)
    return BayesianNetwork.from_tables(dag, sizes, tables)


def under_intervention(model: BayesianNetwork, x: tuple[str, ...], z: tuple[str, ...], y: tuple[str, ...]):
    """P(y | do(x), z) by the truncated factorisation: the product of all tables but those of x, summed."""
    axis = {v: i for i, v in enumerate(model.dag_.nodes)}
    factors: list = []
    for v in model.dag_.nodes:
        family = (v,) if v in x else (*model.dag_.parents(v), v)
        factors += [np.ones(len(model.states_[v])) if v in x else model.tables_[v], [axis[u] for u in family]]
    joint = np.einsum(*factors, [axis[v] for v in (*x, *z, *y)], optimize="greedy")
    return joint / joint.sum(axis=tuple(range(len(x) + len(z), joint.ndim)), keepdims=True)


def test_formulas_give_the_effect_of_the_truncated_factorisation():
    rng = np.random.default_rng([10, 1])
    methods: dict[str, int] = {}
    for dag, x, y, z in random_questions(300, [10, 2]):
        effect = dag.identify(x, y, z)
        if effect.formula is None:
            continue
        methods[effect.method] = methods.get(effect.method, 0) + 1
        model = random_network(dag, rng)
        found = estimate_effect(effect, model)
        expected = under_intervention(model, effect.treatments, effect.given, effect.outcomes)
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-9)
        assert found.n_undefined == 0
    assert all(methods[m] > 2 for m in ("no causal path", "back-door", "adjustment", "ID", "IDC"))


def models_that_disagree(hedge: Hedge) -> list[BayesianNetwork]:
    """Two models of F: each node is the parity of its parents, fair coins behind each <->.

    In the second, nodes of F' do not listen to what is outside of F' (Shpitser and Pearl 2006, theorem 4).
    """
    outer, inner = hedge.forest, set(hedge.inner.nodes)
    coins = {f"coin {a}, {b}": {a, b} for a, b in outer.bidirected}
    edges = [*outer.directed, *((coin, v) for coin, pair in coins.items() for v in pair)]
    dag = DAG(edges, [*outer.nodes, *coins], latent=list(coins))
    out = []
    for deaf in (False, True):
        tables = {}
        for v in dag.nodes:
            inside = {u for u in dag.parents(v) if u in inner or coins.get(u, {None}) <= inner}
            counted = [not (deaf and v in inner and u not in inside) for u in dag.parents(v)]
            states = np.indices((2,) * len(counted)).reshape(len(counted), 2 ** len(counted))
            odd = (np.array(counted, int)[:, None] * states).sum(axis=0) % 2
            table = np.stack([odd == 0, odd == 1], axis=-1).reshape((2,) * len(counted) + (2,)).astype(float)
            tables[v] = np.array([0.5, 0.5]) if v in coins else table
        out.append(BayesianNetwork.from_tables(dag, dict.fromkeys(dag.nodes, 2), tables))
    return out


def test_what_a_hedge_is_about_differs_in_two_models_that_agree_on_all_that_is_observed():
    seen = set()
    for dag, x, y, z in random_questions(300, [10, 3]):
        hedge = dag.identify(x, y, z).hedge
        if hedge is None or hedge in seen:
            continue
        seen.add(hedge)
        one, two = models_that_disagree(hedge)
        observed = list(hedge.forest.nodes)
        np.testing.assert_allclose(
            one.query(observed).probabilities, two.query(observed).probabilities, atol=1e-12
        )
        done = dict.fromkeys(hedge.treatments, 1)
        differ = [m.do(done).query(list(hedge.roots)).probabilities for m in (one, two)]
        assert np.abs(differ[0] - differ[1]).max() > 0.1
    assert len(seen) > 20


def test_rows_give_what_their_relative_frequencies_give():
    network = random_network(dag_of(FRONT_DOOR), np.random.default_rng(0))
    effect = network.dag_.identify("X", "Y")
    rows = network.sample(2000, rng=0)
    counts = np.zeros([rows.schema[v].size for v in "XMY"])
    np.add.at(counts, tuple(rows.column(v) for v in "XMY"), 1)
    p = counts / counts.sum()
    x, xm = p.sum((1, 2)), p.sum(2)
    expected = np.einsum("xm,umy,u->xy", xm / x[:, None], p / xm[..., None], x)
    found = estimate_effect(effect, rows)
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-12)
    assert (found.n_rows, found.n_incomplete) == (2000, 0)
    exact = estimate_effect(effect, network).probabilities
    np.testing.assert_allclose(exact, under_intervention(network, ("X",), (), ("Y",)), atol=1e-12)
    np.testing.assert_allclose(found.probabilities, exact, atol=0.1)


def test_weights_count_and_incomplete_rows_are_left_out():
    effect = DAG.parse("X <- Z -> Y; X -> Y").identify("X", "Y")
    rng = np.random.default_rng(1)
    rows, weights = rng.integers(2, size=(60, 3)), rng.integers(1, 4, 60)
    schema = dict.fromkeys("XYZ", 2)
    repeated = Table.read(dict(zip("XYZ", np.repeat(rows, weights, axis=0).T, strict=True)), schema=schema)
    holes = np.vstack([rows, [[-1, 0, 1], [0, 1, -1]]])
    weighted = Table(repeated.schema, holes, np.append(weights, [5, 5]).astype(float))
    one, two = estimate_effect(effect, repeated), estimate_effect(effect, weighted)
    np.testing.assert_allclose(one.probabilities, two.probabilities, rtol=1e-12)
    assert (two.n_rows, two.n_incomplete) == (60, 2)
    assert two.text().endswith("from 60 rows, 2 left out for missing values")
    with pytest.raises(ValuesError, match="no row knows all variables"):
        estimate_effect(effect, Table(repeated.schema, [[0, -1, 1]]))


def test_what_never_occurs_has_no_value_unless_it_counts_zero_times():
    effect = DAG.parse("X <- Z -> Y; X -> Y").identify("X", "Y")
    table = {"Z": [0, 0, 0, 1, 1], "X": [0, 1, 1, 0, 0], "Y": [0, 1, 0, 1, 0]}
    found = estimate_effect(effect, table)
    np.testing.assert_allclose(found.probabilities[0], [0.6 * 1 + 0.4 * 0.5, 0.4 * 0.5])
    assert np.isnan(found.probabilities[1]).all()
    assert found.n_undefined == 1
    assert "conditions there on what never occurs" in found.text()
    assert found.to_dict()["probabilities"][1] == [None, None]
    dump_json(found.to_dict())
    more = Table.read(table, schema={"Z": ["0", "1", "2"]})
    np.testing.assert_allclose(estimate_effect(effect, more).probabilities, found.probabilities)


def test_the_napkin_is_averaged_over_what_it_depends_on_in_appearance():
    network = random_network(dag_of(NAPKIN), np.random.default_rng(2))
    effect = network.dag_.identify("X", "Y")
    exact = estimate_effect(effect, network).probabilities
    np.testing.assert_allclose(exact, under_intervention(network, ("X",), (), ("Y",)), atol=1e-12)
    rows = network.sample(20_000, rng=0)
    np.testing.assert_allclose(estimate_effect(effect, rows).probabilities, exact, atol=0.05)


def test_one_row_one_state_and_deterministic_tables_have_effects():
    effect = DAG.parse("X -> Y").identify("X", "Y")
    assert estimate_effect(effect, {"X": ["a"], "Y": ["b"]}).probabilities.tolist() == [[1.0]]
    table = {"X": [0, 1], "Y": [1, 0]}
    assert estimate_effect(effect, table).probabilities.tolist() == [[0, 1], [1, 0]]
    none = DAG.parse("Y -> X").identify("X", "Y")
    assert estimate_effect(none, table).probabilities.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_probabilities_go_by_name_and_the_text_has_a_column_for_each_outcome():
    effect = DAG.parse("X -> Y; X -> V; W").identify("X", ["Y", "V"], "W")
    rng = np.random.default_rng(3)
    table = {"X": rng.choice(["no", "yes"], 90), "Y": rng.integers(2, size=90), "V": rng.integers(3, size=90)}
    table["W"] = rng.integers(2, size=90)
    found = estimate_effect(effect, table)
    np.testing.assert_allclose(found.probabilities.sum((2, 3)), 1.0)
    total = sum(found.probability(X="yes", W=0, Y=1, V=v) for v in range(3))
    assert found.probability(X="yes", W=0, Y=1) == pytest.approx(total)
    assert "P(Y, V | do(X), W)  columns: 0/0, 0/1, 0/2, 1/0, 1/1, 1/2" in found.text()
    with pytest.raises(InputError, match="'W' needs a state, such as W=0"):
        found.probability(X="yes", Y=1)
    with pytest.raises(UnknownNameError, match="no variable 'Q'"):
        found.probability(Q=1)


def test_what_cannot_be_computed_is_refused():
    with pytest.raises(InputError, match=r"P\(Y \| do\(X\)\) is not identifiable, so no rows tell it"):
        estimate_effect(dag_of(BOW).identify("X", "Y"), {"X": [0, 1], "Y": [0, 1]})
    with pytest.raises(UnknownNameError, match="'Y'"):
        estimate_effect(DAG.parse("X -> Y").identify("X", "Y"), {"X": [0, 1], "Q": [0, 1]})
