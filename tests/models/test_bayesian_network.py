"""Bayesian networks: estimates, additive counts, names, files, and published answers."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import (
    CycleError,
    InputError,
    ShapeError,
    TooLargeError,
    UnknownNameError,
    ValuesError,
)
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, load_model
from chainrule.models.bayesian_network.conditional_tables import estimate_table
from chainrule.models.bayesian_network.family_counts import count_families
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from tests.models.networks_by_hand import joint_of, random_network

DATA = os.environ.get("CHAINRULE_DATA")
real = [
    pytest.mark.realdata,
    pytest.mark.skipif(DATA is None, reason="CHAINRULE_DATA names no folder of data files"),
]
COLLIDER = "a -> c <- b"
seeds = st.integers(0, 2**32 - 1)


def published(name: str) -> BayesianNetwork:
    return BayesianNetwork.read(Path(DATA or "") / "bif" / f"{name}.bif.gz")


def frame(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a, b = rng.choice(["lo", "mid", "hi"], n), rng.random(n) < 0.4
    return pd.DataFrame(
        {"b": b, "c": np.where(b, 10, rng.integers(8, 10, n)), "extra": rng.random(n), "a": a}
    )


# ---- estimates


def test_maximum_likelihood_tables_are_relative_frequencies():
    rows = frame()
    model = BayesianNetwork(COLLIDER).fit(rows)
    assert model.states_ == {"a": ("hi", "lo", "mid"), "c": ("8", "9", "10"), "b": ("False", "True")}
    for (a, b), group in rows.groupby(["a", "b"]):
        at = model.states_["a"].index(a), int(b)
        expected = group["c"].value_counts(normalize=True).reindex([8, 9, 10], fill_value=0)
        np.testing.assert_allclose(model.tables_["c"][at], expected, rtol=1e-15)


def test_pseudocounts_are_added_to_each_cell_or_spread_over_a_table():
    counts = np.array([[1, 3], [0, 0]])
    cell, _ = estimate_table(counts, pseudocount=1.0)
    assert cell.tolist() == [[2 / 6, 4 / 6], [0.5, 0.5]]
    bdeu, _ = estimate_table(counts, pseudocount=4.0, prior="bdeu")  # one for each of four cells
    assert (bdeu == cell).all()


def test_configurations_that_were_never_seen_follow_the_policy_and_are_counted():
    rows = {"a": [0, 0, 1, 1], "b": [0, 0, 1, 1], "c": [0, 1, 1, 1]}
    uniform = BayesianNetwork(COLLIDER).fit(rows)
    assert uniform.tables_["c"][0, 1].tolist() == [0.5, 0.5]
    assert uniform.fit_info_["n_unseen_configurations"] == 2
    assert uniform.fit_info_["unseen_configurations"] == {"c": 2}
    marginal = BayesianNetwork(COLLIDER, unseen="marginal").fit(rows)
    assert marginal.tables_["c"][0, 1].tolist() == [0.25, 0.75]
    with pytest.raises(InputError, match="2 of 4 configurations of the parents of c never occur"):
        BayesianNetwork(COLLIDER, unseen="refuse").fit(rows)
    smoothed = BayesianNetwork(COLLIDER, unseen="refuse", pseudocount=1).fit(rows)  # the prior is an estimate
    assert smoothed.tables_["c"][0, 1].tolist() == [0.5, 0.5]


def test_missing_values_are_refused_or_each_family_is_counted_where_it_is_complete():
    rows = {"a": ["x", "y", None, "x"], "b": ["u", None, "u", "v"], "c": ["0", "1", "1", "1"]}
    with pytest.raises(ValuesError, match=r"missing value in row 1, column 1 \('b'\)"):
        BayesianNetwork(COLLIDER).fit(rows)
    model = BayesianNetwork(COLLIDER, missing="complete_families").fit(rows)
    assert model.fit_info_["n_incomplete"] == {"a": 1, "b": 1, "c": 2}
    assert model.tables_["a"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert model.tables_["c"][0].tolist() == [[1.0, 0.0], [0.0, 1.0]]


@given(seeds, st.lists(st.integers(0, 40), max_size=4))
def test_any_split_of_the_rows_gives_the_same_counts_and_bit_equal_tables(seed, cuts):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 3, (40, 4))
    network = BayesianNetwork("x1 -> {x3 x4} <- x2", schema=Schema.of_sizes([3] * 4), pseudocount=0.1)
    whole = network.fit(rows).tables_
    parts = [part for part in np.split(rng.permutation(rows), sorted(cuts)) if len(part)]
    counts = network.count(parts[0])
    for part in parts[1:]:
        counts = network.count(part) + counts
    assert counts == network.count(rows)
    merged = network.fit_counts(counts).tables_
    assert all((merged[v] == whole[v]).all() for v in whole)


@pytest.mark.parametrize("missing", ["refuse", "complete_families"])
def test_rows_of_several_blocks_are_counted_one_by_one(missing):
    rng = np.random.default_rng(0)
    sizes, n = [2, 7, 3, 5], 40_000  # of the largest table, one row in twenty entries
    codes = rng.integers(0, sizes, (n, 4)).astype(np.int8)
    if missing == "complete_families":
        codes[rng.random((n, 4)) < 0.1] = -1
    weights = rng.integers(0, 4, n).astype(float)
    dag = DAG.parse("x1 -> x2; {x1 x2 x3} -> x4")
    found = count_families(dag, Table(Schema.of_sizes(sizes), codes, weights), missing=missing)
    for v, family in {"x1": [0], "x2": [0, 1], "x3": [2], "x4": [0, 1, 2, 3]}.items():
        whole = (codes[:, family] >= 0).all(axis=1)
        expected = np.zeros([sizes[j] for j in family])
        np.add.at(expected, tuple(codes[whole][:, family].T), weights[whole])
        np.testing.assert_array_equal(found.tables[v], expected)
        assert found.n_incomplete.get(v, 0) == n - whole.sum()


def test_counts_of_parts_with_their_columns_in_another_order_add_up():
    rows = {"b": ["u", "v", "v"], "c": [0, 1, 1], "a": ["x", "x", "y"]}
    network = BayesianNetwork(COLLIDER)
    one, other = network.count(rows), network.count({v: rows[v] for v in "acb"})
    assert one == other
    both = network.fit_counts(one + other)
    assert both.variables_ == ("b", "c", "a")
    assert {v: t.tolist() for v, t in both.tables_.items()} == {
        v: t.tolist() for v, t in network.fit_counts(other).tables_.items()
    }


def test_counts_over_other_states_or_another_dag_do_not_add_up():
    small, large = (BayesianNetwork("x1 -> x2", schema=Schema.of_sizes([k, k])) for k in (2, 3))
    rows = [[0, 1], [1, 0]]
    with pytest.raises(InputError, match="one DAG with the same states"):
        small.count(rows) + large.count(rows)
    with pytest.raises(InputError, match="another DAG"):
        BayesianNetwork("x2 -> x1").fit_counts(small.count(rows))


def test_a_parquet_or_csv_file_is_read_in_batches_to_the_same_tables(tmp_path, monkeypatch):
    whole = Table.batches
    monkeypatch.setattr(Table, "batches", lambda *a, **k: whole(*a, **k, batch_rows=3))
    rows = frame()
    expected = BayesianNetwork(COLLIDER).fit(rows)
    rows.to_parquet(tmp_path / "rows.parquet")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    for name in ("rows.parquet", "rows.csv"):
        model = BayesianNetwork(COLLIDER).fit(tmp_path / name)
        assert model.fit_info_["n_rows"] == 60
        assert model.states_ == expected.states_
        assert all((model.tables_[v] == expected.tables_[v]).all() for v in model.tables_)
        assert (model.log_prob(str(tmp_path / name)) == expected.log_prob(rows)).all()
    gap = pd.DataFrame({"a": ["x"] * 7, "b": ["y"] * 6 + [None], "c": ["z"] * 7})
    gap.to_parquet(tmp_path / "gap.parquet")
    with pytest.raises(ValuesError, match="row 6"):
        BayesianNetwork(COLLIDER).fit(tmp_path / "gap.parquet")


def test_what_cannot_be_fitted_is_refused_in_one_line():
    rows = {"a": ["x", "y"], "b": ["u", "v"]}
    for settings, error, words in [
        ({"dag": "a -> b -> a"}, CycleError, "directed cycle"),
        ({"dag": "a -> d"}, UnknownNameError, "no column 'd'"),
        ({"dag": 3}, InputError, "dag must be a DAG or its text"),
        ({"dag": DAG()}, InputError, "no nodes"),
        ({"dag": DAG([("a", "b")], latent=["a"])}, InputError, "a cannot be measured"),
        ({"dag": "a -> b", "pseudocount": -1}, InputError, "pseudocount"),
        ({"dag": "a -> b", "prior": "jeffreys"}, InputError, "prior must be one of cell, bdeu"),
        ({"dag": "a -> b", "unseen": "zero"}, InputError, "unseen must be one of"),
        ({"dag": "a -> b", "missing": "mean"}, InputError, "missing must be one of"),
        (
            {"dag": "a -> b", "schema": Schema.of({"a": ["x", "y"], "c": 2})},
            UnknownNameError,
            "no variable 'c'",
        ),
        ({"dag": "a -> b", "schema": Schema.of({"a": ["x"]})}, UnknownNameError, "no category 'y'"),
        ({"dag": "a -> b", "schema": {"a": ["x", "y"]}}, InputError, "schema must be a Schema"),
        ({"dag": "a -> b", "max_bytes": 8}, TooLargeError, "needs 2 entries"),
    ]:
        with pytest.raises(error, match=words) as caught:
            BayesianNetwork(**settings).fit(rows)
        assert "\n" not in str(caught.value)


def test_a_table_of_too_many_parents_is_refused_before_it_is_allocated():
    parents = [f"x{i}" for i in range(1, 51)]
    dag = DAG([(p, "x51") for p in parents])
    with pytest.raises(
        TooLargeError, match=r"table of 'x51' given its 50 parents needs 2,251,799,813,685,248"
    ):
        BayesianNetwork(dag, schema=Schema.of_sizes([2] * 51)).fit(np.zeros((2, 51), int))


# ---- names and codes


def test_arrays_are_codes_in_the_order_of_the_columns_and_names_are_read_by_name():
    numbered = BayesianNetwork("x3 -> x1; x2").fit([[0, 0, 0], [1, 0, 1]])
    assert numbered.variables_ == ("x1", "x2", "x3")
    rows = frame()
    model = BayesianNetwork(COLLIDER).fit(rows)
    assert model.variables_ == ("b", "c", "a")
    draws = model.sample(50, rng=0)
    assert isinstance(draws, pd.DataFrame)
    table = Table.read(draws, schema=model.schema_)
    assert (model.log_prob(table) == model.log_prob(table.codes)).all()
    labels = [model.schema_.labels(row) for row in table.codes]
    shuffled = pd.DataFrame(labels)[["a", "b", "c"]]
    assert (model.log_prob(shuffled) == model.log_prob(table)).all()


def test_a_category_that_was_never_seen_is_an_error_that_names_it():
    model = BayesianNetwork(COLLIDER).fit(frame())
    with pytest.raises(UnknownNameError, match=r"row 1, column 'a': there is no category 'low'.*'lo'"):
        model.log_prob({"a": ["lo", "low"], "b": [True, True], "c": [8, 8]})
    with pytest.raises(ValuesError, match=r"row 0, column 0 \('b'\) is 2; its codes are 0 and 1"):
        model.log_prob([[2, 0, 0]])
    with pytest.raises(ShapeError, match="has 2 columns"):
        model.log_prob([[0, 0]])


def test_unknown_names_in_questions_list_near_matches():
    model = BayesianNetwork(COLLIDER).fit(frame())
    with pytest.raises(UnknownNameError, match="no variable 'cc'; did you mean 'c'"):
        model.query("cc")
    with pytest.raises(UnknownNameError, match="no state of 'a' 'hii'; did you mean 'hi'"):
        model.query("c", {"a": "hii"})
    with pytest.raises(UnknownNameError, match="no variable 'aa'"):
        model.posterior_marginals({"aa": "hi"})
    with pytest.raises(UnknownNameError, match="no variable 'z'"):
        model.sample(given={"z": 1})
    with pytest.raises(InputError, match="in the evidence"):
        model.query(["a", "b"], {"b": True})
    for variables in ([], ["a", "a"]):
        with pytest.raises(InputError, match="named once each"):
            model.query(variables)
    with pytest.raises(InputError, match="by name"):
        model.query("a", ["b"])


def test_evidence_may_be_given_as_the_values_of_the_table():
    model = BayesianNetwork(COLLIDER).fit(frame())
    p = model.query("a", {"b": True, "c": 10})
    assert p.evidence == {"b": "True", "c": "10"}
    # the first question is summed in another order
    again = model.query("a", {"b": np.True_, "c": 10.0}).probabilities
    np.testing.assert_allclose(p.probabilities, again, rtol=1e-14)


def test_records_are_plain_data_and_readable_text():
    model = BayesianNetwork.from_tables(
        "a -> b", {"a": ["0", "1"], "b": ["no", "yes"]}, {"a": [0.2, 0.8], "b": [[0.9, 0.1], [0.5, 0.5]]}
    )
    p = model.query(["a", "b"])
    assert p.probability(b="yes") == pytest.approx(0.42)
    assert p.text().splitlines() == [
        "P(a, b)",
        "  0  no   0.18",
        "  0  yes  0.02",
        "  1  no    0.4",
        "  1  yes   0.4",
    ]
    assert model.query("a", {"b": "no"}).to_plain()["evidence"] == {"b": "no"}
    best = model.mpe()
    assert (
        best.text() == "a=1, b=no: log-probability -0.916291 nats (one of several that are equally probable)"
    )
    assert best.to_plain()["unique"] is False
    assert model.cpt("b").text().splitlines() == [
        "P(b | a)  columns: no, yes",
        "  0  0.9  0.1",
        "  1  0.5  0.5",
    ]
    assert model.cpt("b").to_plain()["parents"] == ["a"]
    assert model.inference_cost().text() == (
        "induced width 1; largest table 4 entries (32 bytes); all tables 7 entries (56 bytes)"
    )
    assert model.inference_cost().to_plain()["largest_bytes"] == 32


# ---- files


def test_a_network_made_of_a_graph_comes_back_from_its_file_with_all_its_settings(tmp_path):
    dag = DAG([("odd name", "b"), ("b", "c -> d")], ["c -> d", "b", "odd name"])
    rows = {"b": [1, 0], "odd name": ["é", "\n"], "c -> d": [True, False]}
    model = BayesianNetwork(dag, unseen="marginal").fit(rows)
    model.save(tmp_path / "model")
    back = load_model(tmp_path / "model")
    assert isinstance(back, BayesianNetwork)
    assert back.get_params() == model.get_params()
    assert back.dag_ == dag
    assert back.dag_.nodes == dag.nodes
    assert back.states_ == model.states_
    assert (back.log_prob(rows) == model.log_prob(rows)).all()


@given(seeds)
def test_a_network_survives_bif_bit_for_bit(tmp_path_factory, seed):
    model = random_network(np.random.default_rng(seed), 5, zeros=0.2)
    path = tmp_path_factory.mktemp("bif") / "net.bif"
    model.write(path)
    back = BayesianNetwork.read(path)
    assert back.dag_ == model.dag_
    assert back.states_ == model.states_
    assert all((back.tables_[v] == model.tables_[v]).all() for v in model.tables_)


def test_tables_are_normalised_once_within_rounding_and_refused_beyond():
    states = {"a": ["x", "y", "z"]}
    model = BayesianNetwork.from_tables("a", states, {"a": [0.333, 0.333, 0.333]})
    assert model.tables_["a"].tolist() == [1 / 3, 1 / 3, 1 / 3]
    assert model.fit_info_["largest_row_error"] == pytest.approx(0.001)
    for row in ([0.3, 0.3, 0.3], [1.5, -0.5, 0.0], [np.nan, 0.5, 0.5]):
        with pytest.raises(ValuesError, match="sum to one"):
            BayesianNetwork.from_tables("a", states, {"a": row})
    for words in (["a", "b", "c"], [[0.5, 0.5], [1.0]]):
        with pytest.raises(ValuesError, match="does not hold numbers"):
            BayesianNetwork.from_tables("a", states, {"a": words})
    with pytest.raises(ShapeError, match=r"shape \(3,\)"):
        BayesianNetwork.from_tables("a", states, {"a": [0.5, 0.5]})
    with pytest.raises(UnknownNameError, match="no node 'b'"):
        BayesianNetwork.from_tables("a", states, {"a": [1.0, 0.0, 0.0], "b": [1.0]})
    with pytest.raises(InputError, match="'b' has no states"):
        BayesianNetwork.from_tables("a -> b", states, {"a": [1.0, 0.0, 0.0]})


# ---- published networks


@pytest.mark.realdata
@pytest.mark.skipif(DATA is None, reason="CHAINRULE_DATA names no folder of data files")
def test_asia_has_its_published_marginals():
    marginals = published("asia").posterior_marginals()
    # Lauritzen and Spiegelhalter (1988), to the digits given there
    for v, p in {"lung": 0.055, "bronc": 0.45, "dysp": 0.4360, "either": 0.0648, "xray": 0.1103}.items():
        assert marginals[v].probability(**{v: "yes"}) == pytest.approx(p, abs=5e-5)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=real) for n in ("asia", "cancer", "earthquake", "survey")]
)
def test_published_networks_answer_as_their_joint_tables_do(name):
    model = published(name)
    joint = joint_of(model)
    assert joint.sum() == pytest.approx(1.0, abs=1e-12)
    names = list(model.variables_)
    for e, f in itertools.permutations(range(len(names)), 2):
        evidence = {names[e]: model.states_[names[e]][0], names[f]: model.states_[names[f]][-1]}
        mass = joint.take([0], axis=e).take([-1], axis=f)
        if mass.sum() == 0:
            with pytest.raises(InputError, match="probability zero"):
                model.posterior_marginals(evidence)
            continue
        for v, p in model.posterior_marginals(evidence).items():
            others = tuple(a for a in range(len(names)) if a != names.index(v))
            np.testing.assert_allclose(p.probabilities, mass.sum(axis=others) / mass.sum(), atol=1e-12)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=real) for n in ("sachs", "child", "insurance", "alarm", "hailfinder")]
)
def test_in_larger_networks_the_tree_and_single_eliminations_agree_given_evidence(name):
    model = published(name)
    row = model.sample(1, rng=4).codes[0]
    chosen = model.dag_.topological_order()[-1 :: -max(1, len(model.variables_) // 5)]
    evidence = {v: model.states_[v][row[model.variables_.index(v)]] for v in chosen}
    marginals = model.posterior_marginals(evidence)
    for v in marginals:
        np.testing.assert_allclose(
            model.query(v, evidence).probabilities, marginals[v].probabilities, rtol=1e-9, atol=1e-12
        )
    draws = model.sample(4000, given=evidence, rng=5)
    for v, p in marginals.items():
        found = np.bincount(draws.codes[:, model.schema_.index(v)], minlength=len(p.probabilities)) / 4000
        # five standard deviations of a frequency
        assert (np.abs(found - p.probabilities) <= 5 * np.sqrt(p.probabilities / 4000) + 1e-3).all()
    whole = [[*model.mpe(evidence).assignment.values()]]
    best = model.log_prob(dict(zip(model.variables_, np.array(whole).T.tolist(), strict=True)))[0]
    assert best == pytest.approx(model.mpe(evidence).log_prob, rel=1e-12)
    assert best >= model.log_prob(draws).max() - 1e-9
