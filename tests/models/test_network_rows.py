"""Bayesian networks and rows: kinds of tables, types of codes, weights, files, states ahead, gaps of any pattern."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, ShapeError, TooLargeError, UnknownNameError, ValuesError
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, Independent, load_model
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from tests.models.networks_by_hand import joint_of, random_network

seeds = st.integers(0, 2**32 - 1)
CHAIN = "a -> b -> c"
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def rows_of(n: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, k, n) for k in (2, 3, 2)], axis=1)


def labels_of(codes: np.ndarray) -> dict[str, list[str]]:
    return {v: [f"{v}{k}" for k in column] for v, column in zip("abc", codes.T, strict=True)}


def with_gaps(rng: np.random.Generator, joint: np.ndarray, n: int) -> np.ndarray:
    """Possible rows of which cells of any pattern are taken away, -1."""
    possible = np.argwhere(joint > 0)
    rows = possible[rng.integers(len(possible), size=n)]
    return np.where(rng.random(rows.shape) < 0.5, -1, rows)


# ---- kinds, types


@pytest.mark.parametrize("dtype", [*INTEGERS, bool, np.float32, np.float64])
def test_codes_of_every_type_of_number_fit_score_and_fill_alike(dtype):
    rows = rows_of() % 2
    expected = BayesianNetwork(CHAIN, pseudocount=1).fit(rows)
    model = BayesianNetwork(CHAIN, pseudocount=1).fit(rows.astype(dtype))
    assert all((model.tables_[v] == expected.tables_[v]).all() for v in "abc")
    for ask in ("log_prob", "conditionals", "impute"):
        assert (getattr(model, ask)(rows.astype(dtype)) == getattr(expected, ask)(rows)).all()


def test_draws_are_of_the_kind_that_was_fitted_on():
    rows = rows_of()
    drawn = BayesianNetwork(CHAIN).fit(rows).sample(3, rng=0)
    assert isinstance(drawn, np.ndarray)
    assert drawn.dtype == np.uint8
    named = BayesianNetwork(CHAIN).fit(labels_of(rows)).sample(3, rng=0)
    assert list(named) == ["a", "b", "c"]
    assert BayesianNetwork(CHAIN).fit(named).sample(0) == {"a": [], "b": [], "c": []}
    table = BayesianNetwork(CHAIN).fit(Table.read(labels_of(rows))).sample(3, rng=0)
    assert table == named


def test_a_frame_goes_by_name_and_its_other_columns_are_never_read():
    rows = rows_of()
    frame = pd.DataFrame(labels_of(rows) | {"when": pd.date_range("2020", periods=40), "x": [0.5] * 40})
    model = BayesianNetwork(CHAIN, pseudocount=1).fit(frame)
    shuffled = frame[["x", "c", "a", "when", "b"]]
    assert (model.log_prob(shuffled) == model.log_prob(frame)).all()
    again = BayesianNetwork(CHAIN, pseudocount=1).fit(shuffled)
    assert list(again.sample(1, rng=0)) == ["c", "a", "b"]
    np.testing.assert_allclose(  # its factors are added in the order of the columns
        again.log_prob(frame), model.log_prob(frame), rtol=1e-14
    )
    with pytest.raises(UnknownNameError, match="no column 'b'"):
        BayesianNetwork(CHAIN).fit(frame.drop(columns="b"))
    with pytest.raises(UnknownNameError, match="no column 'b'"):
        model.log_prob(frame.drop(columns="b"))


@pytest.mark.parametrize("make", ["polars", "arrow", "table"])
def test_tables_of_any_library_lose_only_the_columns_that_are_not_nodes(make):
    columns = labels_of(rows_of()) | {"more": [0.5] * 40}
    expected = BayesianNetwork(CHAIN).fit(columns)
    if make == "table":
        schema = Schema.of(dict(expected.states_.items()) | {"more": 1})
        table = Table(schema, np.column_stack([rows_of(), np.zeros(40, int)]))
    elif make == "polars":
        table = pytest.importorskip("polars").DataFrame(columns)
    else:
        table = pytest.importorskip("pyarrow").table(columns)
    model = BayesianNetwork(CHAIN).fit(table)
    assert all((model.tables_[v] == expected.tables_[v]).all() for v in "abc")


# ---- names and states ahead


def test_states_that_are_named_ahead_are_kept_and_the_others_are_found():
    rows = {"a": ["x", "x"], "b": ["u", "v"]}
    some = BayesianNetwork("a -> b", schema=Schema.of({"a": ["z", "x"]})).fit(rows)
    assert some.states_ == {"a": ("z", "x"), "b": ("u", "v")}
    array = BayesianNetwork("a -> b", schema=Schema.of({"b": 4})).fit([[0, 1], [1, 0]])
    assert array.schema_.sizes == (2, 4)
    wide = Schema.of({"other": 9, "b": ["u", "v", "w"], "a": ["z", "x"]})
    assert BayesianNetwork("a -> b", schema=wide).fit(rows).states_ == {"a": ("z", "x"), "b": ("u", "v", "w")}
    with pytest.raises(UnknownNameError, match="no variable 'aa'; did you mean 'a'"):
        BayesianNetwork("a -> b", schema=Schema.of({"aa": ["z", "x"]})).fit(rows)
    with pytest.raises(ValuesError, match="there is no category '1'"):
        BayesianNetwork("a -> b", schema=Schema.of({"b": 1})).fit([[0, 1], [1, 0]])


def test_a_saved_network_keeps_its_dag_and_schema_as_they_were_given(tmp_path):
    rows = labels_of(rows_of())
    for dag in (CHAIN, DAG.parse(CHAIN)):
        schema = Schema.of({v: sorted(set(column)) for v, column in rows.items()})
        model = BayesianNetwork(dag, schema=schema, pseudocount=0.5).fit(rows)
        model.save(tmp_path / "model")
        back = load_model(tmp_path / "model")
        assert isinstance(back, BayesianNetwork)
        assert back.get_params() == model.get_params()
        assert back.dag == dag
        assert type(back.dag) is type(dag)
        assert back.schema_ == model.schema_
        assert (back.log_prob(rows) == model.log_prob(rows)).all()
        assert (back.fit(rows).log_prob(rows) == model.log_prob(rows)).all()


# ---- weights, files


@given(seeds)
def test_whole_weights_are_rows_that_often(seed):
    rows, times = rows_of(seed=seed), np.random.default_rng(seed).integers(0, 4, 40)
    times[0] = 1
    network = BayesianNetwork(CHAIN, schema=Schema.of({"a": 2, "b": 3, "c": 2}), pseudocount=0.5)
    weighted = network.count(rows, sample_weight=times)
    repeated = network.count(np.repeat(rows, times, axis=0))
    for v in "abc":
        assert weighted.tables[v].dtype == np.float64
        assert repeated.tables[v].dtype == np.int64
        assert (weighted.tables[v] == repeated.tables[v]).all()
    both = weighted + repeated
    assert both.n_rows == 40 + times.sum()
    assert all((both.tables[v] == 2 * repeated.tables[v]).all() for v in "abc")
    assert (
        network.fit(rows, sample_weight=times).log_prob(rows) == network.fit_counts(repeated).log_prob(rows)
    ).all()


def test_fractions_of_weights_are_the_weighted_frequencies():
    weights = np.array([0.5, 0.25, 1.5])
    model = BayesianNetwork("a -> b").fit([[0, 0], [0, 1], [1, 1]], sample_weight=weights)
    assert model.tables_["a"].tolist() == [1 / 3, 2 / 3]
    np.testing.assert_allclose(model.tables_["b"], [[2 / 3, 1 / 3], [0, 1]], rtol=1e-15)


def test_a_list_of_files_counts_as_the_whole_with_weights_and_gaps_in_place(tmp_path):
    rows = pd.DataFrame(labels_of(rows_of()))
    rows.loc[[3, 17], "b"] = None
    weights = np.arange(40) / 8
    settings = {"pseudocount": 1, "missing": "complete_families"}
    whole = BayesianNetwork(CHAIN, **settings).fit(rows, sample_weight=weights)
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    rows[:15].to_csv(paths[0], index=False)
    rows[15:].to_csv(paths[1], index=False)
    parts = BayesianNetwork(CHAIN, **settings).fit(paths, valid=str(paths[0]), sample_weight=weights)
    assert parts.fit_info_ == whole.fit_info_
    assert parts.fit_info_["n_rows"] == 40
    assert parts.fit_info_["n_incomplete"] == {"b": 2, "c": 2}
    assert all((parts.tables_[v] == whole.tables_[v]).all() for v in "abc")  # multiples of 1/8 add up exactly
    with pytest.raises(ShapeError, match="41 weights, X has 40 rows"):
        BayesianNetwork(CHAIN, **settings).fit(paths, sample_weight=np.ones(41))


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.ones(39), ShapeError, "39 weights, X has 40 rows"),
        (np.ones(41), ShapeError, "41 weights, X has 40 rows"),
        (np.ones((40, 1)), ShapeError, "the shape"),
        (-np.ones(40), ValuesError, "at least 0"),
        (np.full(40, np.nan), ValuesError, "finite"),
        (np.zeros(40), ValuesError, "0 for every row"),
        (["a"] * 40, ValuesError, "hold numbers"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights, error, words):
    with pytest.raises(error, match=words):
        BayesianNetwork(CHAIN).fit(rows_of(), sample_weight=weights)


# ---- each cell, and gaps of any pattern


@given(seeds)
def test_conditionals_are_the_entries_of_the_tables_and_add_up_to_log_prob(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng, 5, zeros=0.2)
    codes = np.stack([rng.integers(0, k, 20) for k in model.schema_.sizes], axis=1)
    found = model.conditionals(codes)
    with np.errstate(divide="ignore"):
        for i, row in enumerate(codes):
            x = dict(zip(model.variables_, row, strict=True))
            for j, v in enumerate(model.variables_):
                p = model.tables_[v][tuple(x[u] for u in (*model.dag_.parents(v), v))]
                assert found[i, j] == np.log(p)
    np.testing.assert_allclose(found.sum(axis=1), model.log_prob(codes), rtol=1e-12)
    with pytest.raises(ValuesError, match="missing value in row 0, column 0"):
        model.conditionals(np.where(np.arange(5) == 0, -1, codes))


@pytest.mark.parametrize("seed", range(8))
def test_gaps_are_drawn_from_their_exact_joint_posterior_row_by_row(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng, int(rng.integers(2, 6)), zeros=0.3 * (seed % 2))
    joint = joint_of(model)
    rows = with_gaps(rng, joint, 12)
    n = 2000
    filled = model.impute(np.repeat(rows, n, axis=0), rng=rng).codes.reshape(12, n, -1)
    for row, draws in zip(rows, filled, strict=True):
        assert (draws[:, row >= 0] == row[row >= 0]).all()
        index = tuple(slice(None) if s < 0 else slice(s, s + 1) for s in row)
        p = np.zeros_like(joint)
        p[index] = joint[index] / joint[index].sum()
        found = np.zeros(joint.shape)
        np.add.at(found, tuple(draws.T), 1)
        assert found[p == 0].sum() == 0
        # five standard deviations for each entry, and two counts where so few are expected that they are not normal
        assert (np.abs(found - n * p) <= 5 * np.sqrt(n * p * (1 - p)) + 2).all()


@given(seeds)
def test_the_most_probable_completion_of_each_row_is_the_largest_entry_of_the_joint(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng, int(rng.integers(1, 6)), zeros=0.3 * float(rng.integers(2)))
    joint = joint_of(model)
    rows = with_gaps(rng, joint, 20)
    for row, filled in zip(rows, model.impute(rows, how="mode").codes, strict=True):
        assert (filled[row >= 0] == row[row >= 0]).all()
        index = tuple(slice(None) if s < 0 else slice(s, s + 1) for s in row)
        assert joint[tuple(filled)] == pytest.approx(joint[index].max(), rel=1e-9)


def test_many_rows_in_many_blocks_are_filled_as_one_after_another(monkeypatch):
    from chainrule.models.bayesian_network.inference import row_groups

    rng = np.random.default_rng(5)
    model = random_network(rng, 6)
    rows = with_gaps(rng, joint_of(model), 60)
    modes = model.impute(rows, how="mode").codes
    monkeypatch.setattr(row_groups, "_BLOCK_BYTES", 64)  # a row or two at a time
    assert (model.impute(rows, how="mode").codes == modes).all()
    drawn = model.impute(rows, rng=1).codes
    assert (drawn[rows >= 0] == rows[rows >= 0]).all()
    assert (modes == [model.impute(row[None], how="mode").codes[0] for row in rows]).all()


def test_what_is_given_and_impossible_is_named():
    model = BayesianNetwork("x1 -> x2; x3").fit([[0, 0, 0], [1, 1, 1]])
    rows = [[0, -1, 0], [0, 1, -1]]
    for how in ("draw", "mode"):
        with pytest.raises(InputError, match="given x1=0, x2=1 has probability zero"):
            model.impute(rows, how=how)
    with pytest.raises(InputError, match="given x1=1, x2=0 has probability zero"):
        model.sample(3, given={"x1": 1, "x2": 0})


@given(seeds)
def test_one_impossible_row_among_others_is_the_one_that_is_named(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng, 6, zeros=0.5)
    joint = joint_of(model)
    rows = np.array([[rng.choice([rng.integers(k), -1]) for k in joint.shape] for _ in range(15)])
    impossible = np.isneginf(model.log_prob(rows)) & (rows < 0).any(axis=1)  # a whole row has nothing to fill
    if impossible.any():
        known = model.schema_.labels(rows[impossible.argmax()])
        with pytest.raises(
            InputError, match="given " + ", ".join(f"{v}={s}" for v, s in known.items()) + " has"
        ):
            model.impute(rows)
    else:
        assert np.isfinite(model.log_prob(model.impute(rows))[(rows < 0).any(axis=1)]).all()


def test_weights_that_a_table_brings_are_those_that_are_passed():
    rows, weights = rows_of(), np.arange(40) / 8
    schema = Schema.of({"a": 2, "b": 3, "c": 2})
    brought = BayesianNetwork(CHAIN).fit(Table(schema, rows, weights))
    passed = BayesianNetwork(CHAIN).fit(Table(schema, rows), sample_weight=weights)
    assert all((brought.tables_[v] == passed.tables_[v]).all() for v in "abc")
    assert (brought.tables_["a"] != BayesianNetwork(CHAIN).fit(Table(schema, rows)).tables_["a"]).any()


# ---- how much, how long


def test_an_answer_over_more_constants_than_an_array_has_axes_is_given():
    names = [f"v{i}" for i in range(70)]
    states = dict.fromkeys(names, 1) | {"v3": 2}
    tables = {v: [1.0] for v in names} | {"v3": [0.25, 0.75]}
    model = BayesianNetwork.from_tables(DAG([], names), states, tables)
    p = model.query(names[:64])
    assert p.probabilities.shape == (1, 1, 1, 2, *[1] * 60)
    assert p.probability(v3=1) == pytest.approx(0.75, rel=1e-14)  # a logarithm and back
    assert model.inference_cost(names[:64]).total_entries <= 4
    every = model.query(names)
    assert every.probabilities.shape == (2,)  # of variables with several states
    assert every.probability(v3=1, v69=0) == pytest.approx(0.75, rel=1e-14)
    assert every.where({"v3": "1", "v5": "0"}).probability(v69=0) == pytest.approx(0.75, rel=1e-14)
    assert every.text().count("\n") == 2
    with pytest.raises(UnknownNameError):
        every.probability(v70=0)
    rows = model.sample(3, rng=0)
    for other in (Independent().fit(rows), BayesianNetwork.from_tables(model.dag_, states, tables)):
        assert other.query(names).probabilities.size <= 2


def test_draws_that_no_machine_can_hold_are_refused_before_they_are_made():
    model = BayesianNetwork(CHAIN).fit(rows_of())
    with pytest.raises(
        TooLargeError, match=r"sample\(1,000,000,000,000\) would need 33,527.6 GiB.*fewer rows"
    ):
        model.sample(10**12)


def test_thousands_of_variables_are_found_by_name():
    """Lookups in lists would take minutes here."""
    names = [f"n{i}" for i in range(4000)]
    dag = DAG([(a, b) for a, b in pairwise(names)], names)
    rows = np.random.default_rng(0).integers(0, 2, (3, 4000))
    model = BayesianNetwork(dag, schema=Schema.of(dict.fromkeys(names, 2)), pseudocount=1).fit(rows)
    assert np.isfinite(model.log_prob(rows)).all()
    assert (model.sample(2, given={names[-1]: 0}, rng=0)[:, -1] == 0).all()
    assert model.query(names[5], {names[9]: 1}).probabilities.sum() == pytest.approx(1)
