"""EM: exact expected counts, a likelihood that never falls, the tops that a direct maximiser finds, latent nodes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError, ValuesError
from chainrule.core.progress import listening
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, load_model
from chainrule.models.bayesian_network.em import Ascent
from chainrule.models.bayesian_network.incomplete_counts import IncompleteCounts
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from tests.models.networks_by_hand import joint_of, random_network

seeds = st.integers(0, 2**32 - 1)
NAN = np.nan
LATENT = "H [latent]; H -> {x1 x2 x3 x4}"


def em(dag: Any, **more: Any) -> BayesianNetwork:
    return BayesianNetwork(dag, **{"missing": "em", "random_state": 0} | more)


def with_holes(codes: NDArray[Any], share: float, rng: np.random.Generator) -> NDArray[np.int16]:
    out = codes.astype(np.int16)
    out[rng.random(out.shape) < share] = -1
    return out


def two_classes(n: int, seed: int = 0, columns: int = 4) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    h = rng.random(n) < 0.4
    return np.stack([np.where(rng.random(n) < 0.85, h, ~h) for _ in range(columns)], axis=1).astype(int)


# ---- the estimates


@pytest.mark.parametrize("dag", ["a -> b", "b -> a"])
def test_rows_with_a_hole_tell_what_they_know_whatever_the_direction(dag: str) -> None:
    rows = {"a": [None] * 10 + list("0000011111"), "b": list("0" * 10 + "0000101111")}
    model = em(dag, tolerance=1e-13).fit(rows)
    # by hand: 10 · log P(B=0) + the complete rows, with P(A=0, B=0) : P(A=1, B=0) as 12 : 3
    assert model.query("a").probability(a="0") == pytest.approx(0.65, abs=1e-6)
    assert model.query("b", {"a": "0"}).probability(b="0") == pytest.approx(12 / 13, abs=1e-6)
    assert model.log_prob(rows).sum() == pytest.approx(-16.250727, abs=5e-7)
    assert model.fit_info_["log_likelihood_nats"][-1] == pytest.approx(model.log_prob(rows).sum(), rel=1e-12)
    dropped = BayesianNetwork(dag).fit({v: column[10:] for v, column in rows.items()})
    assert dropped.query("a").probability(a="0") == pytest.approx(0.5)


@given(seeds)
@settings(max_examples=25)
def test_expected_counts_are_those_of_the_joint_table(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, int(rng.integers(1, 6)))
    names, joint = list(network.variables_), joint_of(network)
    codes = with_holes(network.sample(12, rng=rng).codes, rng.choice([0.1, 0.5, 0.8]), rng)
    weights = rng.integers(0, 3, 12) + np.eye(12)[0]
    counts = em(network.dag_, schema=network.schema_).count(Table(network.schema_, codes, weights))
    ascent = Ascent(counts, pseudocount=0, prior="cell", unseen="uniform", max_bytes=2**20)
    point = ascent.expected([network.tables_[v] for v in counts.schema.names])
    known = network.log_prob(Table(network.schema_, codes))
    assert point.log_likelihood == pytest.approx(float(known @ weights), rel=1e-10, abs=1e-10)
    expected = {v: np.zeros(network.tables_[v].shape) for v in names}
    for row, weight in zip(codes, weights, strict=True):
        here = tuple(slice(None) if k < 0 else slice(k, k + 1) for k in row)
        posterior = np.zeros_like(joint)
        posterior[here] = joint[here] / joint[here].sum()
        observed = [v for v, k in zip(names, row, strict=True) if k >= 0]
        for v in set(observed).union(*(network.dag_.ancestors(v) for v in observed)):
            family = [names.index(u) for u in (*network.dag_.parents(v), v)]
            expected[v] += weight * np.einsum(posterior, list(range(len(names))), family)
    for v, found in zip(counts.schema.names, point.counts, strict=True):
        if network.schema_[v].size > 1:
            np.testing.assert_allclose(found, expected[v], atol=1e-9)


def tables_at(z: NDArray[np.float64], shapes: dict[str, tuple[int, ...]]) -> dict[str, NDArray[np.float64]]:
    """Tables by log-odds against the first state, flat one after the other."""
    out, at = {}, 0
    for v, shape in shapes.items():
        free = (*shape[:-1], shape[-1] - 1)
        n = int(np.prod(free))
        logits = np.concatenate([np.zeros((*shape[:-1], 1)), z[at : at + n].reshape(free)], axis=-1)
        p = np.exp(logits - logits.max(axis=-1, keepdims=True))
        out[v], at = p / p.sum(axis=-1, keepdims=True), at + n
    return out


def best_by_scipy(model: BayesianNetwork, rows: NDArray[Any], weights: NDArray[Any], n_starts: int) -> float:
    """The highest log-likelihood of rows (n, observed) that a quasi-Newton method finds, from the joint table alone."""
    nodes = list(model.states_)
    axes = {v: [nodes.index(u) for u in (*model.dag_.parents(v), v)] for v in nodes}
    shapes = {v: model.tables_[v].shape for v in nodes}
    cells = np.array(list(itertools.product(*(range(len(model.states_[v])) for v in nodes))))
    known = rows >= 0
    agrees = ((cells[None, :, : rows.shape[1]] == rows[:, None]) | ~known[:, None]).all(axis=2)

    def cost(z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        tables = tables_at(z, shapes)
        joint = np.prod([tables[v][tuple(cells[:, axes[v]].T)] for v in nodes], axis=0)
        p = agrees @ joint
        expected = joint * ((weights / p) @ agrees)
        slopes = []
        for v in nodes:
            n = np.zeros(shapes[v])
            np.add.at(n, tuple(cells[:, axes[v]].T), expected)
            slopes.append((n - n.sum(axis=-1, keepdims=True) * tables[v])[..., 1:].ravel())
        return -float(weights @ np.log(p)), -np.concatenate(slopes)

    size = sum(int(np.prod(s)) // s[-1] * (s[-1] - 1) for s in shapes.values())
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=size) for _ in range(n_starts)]
    return -min(
        minimize(cost, start, method="L-BFGS-B", jac=True, options={"maxiter": 2000}).fun for start in starts
    )


@pytest.mark.parametrize("dag", ["a -> b -> c", "a -> c <- b", "c -> {a b}; a -> b"])
def test_no_direct_maximiser_finds_more_likely_tables(dag: str) -> None:
    rng = np.random.default_rng(3)
    sizes = {"a": 2, "b": 3, "c": 2}
    codes = rng.integers(0, 2, (60, 1)) + rng.integers(0, 2, (60, 3)) * [0, 1, 0]
    codes[:, 2] ^= rng.random(60) < 0.2
    holes = codes.copy()
    holes[(rng.random(60) < 0.5) & (codes[:, 0] == 1), 1] = -1  # what is missing depends on what is known
    holes[rng.random(60) < 0.3, 2] = -1
    holes[rng.random(60) < 0.1, 0] = -1
    weights = rng.integers(1, 4, 60).astype(float)
    table = Table(Schema.of(sizes), holes, weights)
    model = em(dag, schema=Schema.of(sizes)).fit(table)
    order = [table.schema.index(v) for v in model.variables_]
    best = best_by_scipy(model, holes[:, order], weights, 4)
    found = model.fit_info_["log_likelihood_nats"][-1]
    assert found >= best - 1e-5
    # they do not differ either, unless BFGS has stayed below
    assert found == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize(("pseudocount", "prior"), [(0.0, "cell"), (0.7, "cell"), (0.7, "bdeu")])
def test_the_log_posterior_never_falls(pseudocount: float, prior: Any) -> None:
    rng = np.random.default_rng(1)
    rows = with_holes(two_classes(200), 0.4, rng)
    weights = rng.integers(0, 4, 200)
    model = em(
        "H [latent]; x1 -> H -> {x2 x3}; x3 -> x4",
        latent_states={"H": 3},
        pseudocount=pseudocount,
        prior=prior,
        max_steps=15,
        n_starts=1,
        tolerance=0.0,
    ).fit(rows, sample_weight=weights)
    steps = np.array(model.fit_info_["log_posterior_nats"])
    assert len(steps) > 10
    assert (np.diff(steps) >= -1e-9).all()
    if pseudocount == 0:
        assert steps.tolist() == model.fit_info_["log_likelihood_nats"]
    scored = float(model.log_prob(rows) @ weights)
    assert scored == pytest.approx(model.fit_info_["log_likelihood_nats"][-1], rel=1e-10)


def test_without_holes_it_is_the_plain_fit_bit_for_bit() -> None:
    X = np.random.default_rng(0).integers(0, 3, (50, 4))
    for more in ({}, {"pseudocount": 0.5, "prior": "bdeu"}, {"unseen": "marginal"}):
        plain = BayesianNetwork("x1 -> {x3 x4} <- x2", **more).fit(X)
        fitted = em("x1 -> {x3 x4} <- x2", **more).fit(X)
        assert all((plain.tables_[v] == fitted.tables_[v]).all() for v in plain.tables_)
        assert {k: fitted.fit_info_[k] for k in plain.fit_info_} == plain.fit_info_
        assert fitted.fit_info_["log_likelihood_nats"] == pytest.approx([plain.log_prob(X).sum()])


def test_holes_below_all_that_is_known_leave_the_counts_of_complete_families() -> None:
    X = two_classes(60, columns=3).astype(float)
    X[10:30, 2], X[20:30, 1] = NAN, NAN
    plain = BayesianNetwork("x1 -> x2 -> x3", missing="complete_families").fit(X)
    fitted = em("x1 -> x2 -> x3").fit(X)
    assert all((plain.tables_[v] == fitted.tables_[v]).all() for v in plain.tables_)
    assert fitted.fit_info_["n_incomplete"] == plain.fit_info_["n_incomplete"]


def test_a_column_that_nobody_knows_and_columns_of_one_state() -> None:
    schema = Schema.of({"x1": 2, "x2": 2, "x3": 1})
    rows = np.array([[0, -1, 0], [1, -1, -1], [1, -1, 0], [-1, -1, -1]])
    below = em("x1 -> x2; x3", schema=schema).fit(rows)
    assert below.tables_["x1"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert below.tables_["x2"].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert below.fit_info_["unseen_configurations"]["x2"] == 2
    above = em("x2 -> x1 <- x3", schema=schema).fit(rows)
    assert np.exp(above.log_prob([[0, -1, -1], [1, -1, -1]])) == pytest.approx([1 / 3, 2 / 3])
    with pytest.raises(InputError, match="never occur"):
        em("x1 -> x2; x3", schema=schema, unseen="refuse").fit(rows)
    one = em("x1", schema=Schema.of_sizes([2])).fit([[NAN]])
    assert one.tables_["x1"].tolist() == [0.5, 0.5]


def test_weights_count_like_repeated_rows_and_rows_of_weight_zero_do_not_count() -> None:
    rng = np.random.default_rng(2)
    rows, weights = with_holes(two_classes(40), 0.3, rng), rng.integers(0, 3, 40)
    weighted = em("x1 -> x2 -> x3 -> x4", n_starts=1).fit(rows, sample_weight=weights)
    repeated = em("x1 -> x2 -> x3 -> x4", n_starts=1).fit(np.repeat(rows, weights, axis=0))
    for v in weighted.tables_:
        np.testing.assert_allclose(weighted.tables_[v], repeated.tables_[v], atol=1e-9)


def test_counts_of_parts_add_up_whatever_the_order_of_their_columns() -> None:
    rng = np.random.default_rng(4)
    schema = Schema.of({"a": 2, "b": 3, "c": 2})
    rows = with_holes(rng.integers(0, 2, (60, 3)), 0.4, rng)
    network = em("a -> c <- b; a -> b", schema=schema, n_starts=1)
    whole = network.count(Table(schema, rows))
    turned = Table(schema, rows[20:]).select(["c", "a", "b"])
    both = network.count(Table(schema, rows[:20])) + network.count(turned)
    assert isinstance(both, IncompleteCounts)
    assert both.complete == whole.complete
    assert both.components.keys() == whole.components.keys()
    for component, (states, weights) in both.components.items():
        assert (states == whole.components[component][0]).all()
        assert (weights == whole.components[component][1]).all()
    with pytest.raises(InputError, match="one DAG with the same states"):
        whole + em("a -> b -> c", schema=schema).count(Table(schema, rows))


def test_a_file_is_read_in_batches_to_the_same_tables(tmp_path: Any, monkeypatch: Any) -> None:
    whole = Table.batches
    rows = pd.DataFrame(two_classes(90)).rename(columns=lambda j: f"x{j + 1}").astype("Int64")
    rows = rows.mask(np.random.default_rng(5).random(rows.shape) < 0.3)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    expected = em(LATENT, latent_states={"H": 2}, n_starts=1).fit(rows)
    monkeypatch.setattr(Table, "batches", lambda *a, **k: whole(*a, **k, batch_rows=20))
    model = em(LATENT, latent_states={"H": 2}, n_starts=1).fit(tmp_path / "rows.csv")
    assert model.fit_info_["n_rows"] == 90
    for v in model.tables_:
        np.testing.assert_allclose(model.tables_[v], expected.tables_[v], atol=1e-9)


# ---- latent nodes


@pytest.mark.parametrize("k", [2, 3])
def test_latent_classes_are_as_likely_as_the_best_that_a_direct_maximiser_finds(k: int) -> None:
    rng = np.random.default_rng(k)
    h = rng.integers(0, k, 300)
    X = np.stack(
        [np.where(rng.random(300) < 0.8, (h + j) % k == 0, rng.random(300) < 0.3) for j in range(4)], axis=1
    )
    model = em(LATENT, latent_states={"H": k}, n_starts=8).fit(X.astype(int))
    best = best_by_scipy(model, X.astype(int), np.ones(300), 8)
    assert model.fit_info_["log_likelihood_nats"][-1] >= best - 1e-3


def test_two_columns_that_meet_in_a_latent_node_of_enough_states_may_depend_as_they_like() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 3, 400)
    b = np.where(rng.random(400) < 0.6, a % 2, rng.integers(0, 2, 400))
    X = np.stack([a, b], axis=1)
    free = BayesianNetwork("x1 -> x2").fit(X).log_prob(X).sum()
    between = em("H [latent]; x1 -> H -> x2", latent_states={"H": 2}, tolerance=1e-12).fit(X)
    assert between.log_prob(X).sum() == pytest.approx(free, abs=1e-4)
    above = em("H [latent]; x1 <- H -> x2", latent_states={"H": 1}).fit(X)
    apart = BayesianNetwork("x1; x2").fit(X)
    np.testing.assert_allclose(above.log_prob(X), apart.log_prob(X), rtol=1e-12)


def test_a_model_with_latent_nodes_is_one_of_the_observed_columns(tmp_path: Any) -> None:
    X = pd.DataFrame(two_classes(300), columns=list("dbca")).replace({0: "no", 1: "yes"})
    model = em("H [latent]; H -> {a b c d}", latent_states={"H": ["well", "ill"]}, pseudocount=0.1).fit(X)
    assert model.variables_ == ("d", "b", "c", "a")
    assert list(model.states_) == ["d", "b", "c", "a", "H"]
    states = np.array(list(itertools.product(["no", "yes"], repeat=4)))
    every = pd.DataFrame(states, columns=list("dbca"))
    assert np.exp(model.log_prob(every)).sum() == pytest.approx(1, abs=1e-12)
    by_hand = sum(
        model.tables_["H"][h]
        * np.prod([model.tables_[v][h][(every[v] == "yes").astype(int)] for v in "abcd"], axis=0)
        for h in (0, 1)
    )
    np.testing.assert_allclose(np.exp(model.log_prob(every)), by_hand, rtol=1e-12)
    joint = model.query(["H", "a"], {"d": "yes"})
    assert joint.probability(H="ill") == pytest.approx(model.query("H", {"d": "yes"}).probability(H="ill"))
    assert model.posterior_marginals({"d": "yes"})["H"].states == (("well", "ill"),)
    assert model.cpt("a").parents == ("H",)
    assert model.mpe({"a": "yes"}).assignment.keys() == model.states_.keys()
    draws = model.sample(2000, given={"a": "yes"}, rng=0)
    assert list(draws) == ["d", "b", "c", "a"]
    share = (draws["d"] == "yes").mean()
    assert share == pytest.approx(model.query("d", {"a": "yes"}).probability(d="yes"), abs=0.05)
    gaps = X.mask(np.random.default_rng(0).random(X.shape) < 0.3)
    assert not model.impute(gaps, rng=0).isna().any().any()
    model.save(tmp_path / "model")
    back = load_model(tmp_path / "model")
    assert back.get_params() == model.get_params()
    assert (back.log_prob(gaps) == model.log_prob(gaps)).all()
    # the first question to a network is summed in another order
    first, later = (m.query("H", {"a": "no"}).probabilities for m in (back, model))
    np.testing.assert_allclose(first, later, rtol=1e-14)


def test_what_needs_factors_of_observed_columns_is_refused_where_nodes_are_latent() -> None:
    X = two_classes(50)
    model = em(LATENT, latent_states={"H": 2}, n_starts=1).fit(X)
    assert model.factors_ is None
    assert model.factorization_ == DAG.fully_connected(model.variables_)
    for ask in (model.state_log_probs, lambda X: model.states_in_turn(len(X))):
        with pytest.raises(InputError, match=r"H cannot be measured.*conditionals\(X\)"):
            ask(X)


def test_conditionals_and_most_probable_completions_of_latent_classes_are_those_of_all_rows() -> None:
    X = two_classes(80)
    model = em(LATENT, latent_states={"H": 2}, n_starts=1).fit(X)
    every = np.array(list(itertools.product((0, 1), repeat=4)))
    p = np.exp(model.log_prob(every)).reshape(2, 2, 2, 2)
    for row, found in zip(every, model.conditionals(every), strict=True):
        begun = [p[tuple(row[:i])].sum() for i in range(5)]
        np.testing.assert_allclose(np.exp(found), [b / a for a, b in itertools.pairwise(begun)], rtol=1e-10)
    filled = model.impute([[1, NAN, 1, NAN], [NAN] * 4], how="mode")
    assert p[tuple(filled[0])] == p[1, :, 1, :].max()
    assert p[tuple(filled[1])] == p.max()
    wide = "H [latent]; H -> {" + " ".join(f"x{j}" for j in range(1, 16)) + "}"
    many = em(wide, latent_states={"H": 2}, n_starts=1).fit(two_classes(40, columns=15))
    with pytest.raises(TooLargeError, match="how='draw'"):
        many.impute(np.full((1, 15), NAN), how="mode")
    sure = BayesianNetwork.from_tables(
        LATENT,
        {"H": 2, **dict.fromkeys(("x1", "x2", "x3", "x4"), 2)},
        {"H": [0.5, 0.5], **dict.fromkeys(("x1", "x2", "x3", "x4"), np.eye(2))},
    )
    assert sure.conditionals([[0, 1, 1, 0]]).tolist() == [[np.log(0.5), -np.inf, 0.0, 0.0]]
    with pytest.raises(InputError, match="probability zero"):
        sure.impute([[0, 1, NAN, NAN]], how="mode")


def test_given_tables_of_latent_nodes_are_a_model_of_the_observed_ones_and_a_start() -> None:
    given_tables = BayesianNetwork.from_tables(
        DAG.parse("H [latent]; H -> {a b}"),
        {"H": 2, "a": 2, "b": 2},
        {"H": [0.5, 0.5], "a": [[0.9, 0.1], [0.2, 0.8]], "b": [[0.7, 0.3], [0.4, 0.6]]},
        missing="em",
        warm_start=True,
    )
    assert given_tables.variables_ == ("a", "b")
    assert np.exp(given_tables.log_prob([[0, 0]])) == pytest.approx([0.5 * 0.63 + 0.5 * 0.08])
    before = given_tables.log_prob([[0, 0], [1, 1], [1, 0]]).sum()
    after = given_tables.fit(Table(given_tables.schema_, [[0, 0], [1, 1], [1, 0]])).fit_info_[
        "log_likelihood_nats"
    ]
    assert after[0] == pytest.approx(before)
    assert after[-1] > before


# ---- standard errors


def test_the_observed_information_of_complete_rows_is_the_binomial_one() -> None:
    X = np.random.default_rng(0).integers(0, 2, (80, 2))
    model = BayesianNetwork("x1 -> x2").fit(X)
    errors, n = model.standard_errors(X), np.bincount(X[:, 0])
    p = model.tables_["x2"]
    np.testing.assert_allclose(errors["x2"], np.sqrt(p * (1 - p) / n[:, None]), rtol=1e-6)
    sure = BayesianNetwork("x1 -> x2").fit([[0, 0], [0, 0], [1, 1], [1, 0]])
    assert np.isnan(sure.standard_errors([[0, 0], [0, 0], [1, 1], [1, 0]])["x2"][0, 1])


def test_the_observed_information_counts_what_rows_with_holes_know() -> None:
    rows = np.array([[NAN, 0]] * 10 + [[0, 0]] * 4 + [[0, 1], [1, 0]] + [[1, 1]] * 4)
    model = em("x1 -> x2", tolerance=1e-14).fit(rows)

    def log_likelihood(z: NDArray[np.float64]) -> float:
        a, b, c = z  # P(x1 = 0), P(x2 = 0 | 0), P(x2 = 0 | 1)
        whole = 4 * np.log(a * b) + np.log(a * (1 - b)) + np.log((1 - a) * c) + 4 * np.log((1 - a) * (1 - c))
        return float(10 * np.log(a * b + (1 - a) * c) + whole)

    top, h = np.array([0.65, 12 / 13, 3 / 7]), 1e-4 * np.eye(3)
    second = [
        [
            sum(s * t * log_likelihood(top + s * h[i] + t * h[j]) for s in (1, -1) for t in (1, -1)) / 4e-8
            for j in range(3)
        ]
        for i in range(3)
    ]
    by_hand = np.sqrt(np.diag(np.linalg.inv(-np.array(second))))
    errors = model.standard_errors(rows)
    found = [errors["x1"][0], *errors["x2"][:, 0]]
    np.testing.assert_allclose(found, by_hand, rtol=1e-3)


def test_resamples_of_the_rows_vary_as_the_observed_information_says() -> None:
    X = with_holes(two_classes(600, columns=5), 0.1, np.random.default_rng(0))
    model = em("H [latent]; H -> {x1 x2 x3 x4 x5}", latent_states={"H": 2}, n_starts=1).fit(X)
    curved = model.standard_errors(X)
    drawn = model.standard_errors(X, method="bootstrap", n_resamples=30, rng=7)
    for v in model.tables_:
        assert drawn[v].shape == model.tables_[v].shape
        assert np.abs(np.log(drawn[v] / curved[v])).max() < np.log(
            2
        )  # 30 resamples: ± 13 % each, of few rows
    flat = em("H [latent]; H -> {x1 x2}", latent_states={"H": 2}, n_starts=1).fit(X[:, :2])
    with pytest.raises(InputError, match="flat"):
        flat.standard_errors(X[:, :2])
    with pytest.raises(InputError, match="method must be one of"):
        model.standard_errors(X, method="jackknife")  # type: ignore[arg-type]


# ---- the climb


def test_the_same_seed_climbs_the_same_way_and_every_start_is_told() -> None:
    X = two_classes(100)
    one, two, other = (em(LATENT, latent_states={"H": 2}, random_state=s).fit(X) for s in (0, 0, 1))
    assert all((one.tables_[v] == two.tables_[v]).all() for v in one.tables_)
    assert any((one.tables_[v] != other.tables_[v]).any() for v in one.tables_)
    info = one.fit_info_
    assert [start["start"] for start in info["starts"]] == [0, 1, 2]
    top = max(start["log_posterior_nats"] for start in info["starts"])
    assert info["log_posterior_nats"][-1] == pytest.approx(top, abs=1e-9 * len(X))
    assert info["converged"]


class Heard:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.labels: list[str] = []

    def start(self, label: str, total: int) -> int:
        self.labels.append(label)
        return 0

    def advance(self, task: int, detail: str) -> None:
        assert "nats" in detail

    def stop(self, task: int) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_climb_that_ends_too_early_says_so() -> None:
    heard = Heard()
    with listening(heard):
        model = em(LATENT, latent_states={"H": 2}, max_steps=1, n_starts=2).fit(two_classes(100))
    assert not model.fit_info_["converged"]
    assert model.fit_info_["steps"] == 1
    assert heard.labels == ["EM, start 1 of 2", "EM, start 2 of 2"]
    assert "has not converged in 1 steps; raise max_steps" in heard.notes[0]


def test_what_is_stopped_keeps_its_best_tables_and_goes_on_from_them(monkeypatch: Any) -> None:
    X = two_classes(100)
    whole = em(LATENT, latent_states={"H": 2}, n_starts=1).fit(X)
    expected, calls = Ascent.expected, itertools.count()

    def interrupted(self: Ascent, tables: Any) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return expected(self, tables)

    model = em(LATENT, latent_states={"H": 2}, n_starts=1)
    with monkeypatch.context() as patched:
        patched.setattr(Ascent, "expected", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.fit(X)
    assert not model.fit_info_["converged"]
    reached = model.log_prob(X).sum()
    assert reached == pytest.approx(model.fit_info_["log_likelihood_nats"][-1])
    model.set_params(warm_start=True).fit(X)
    assert model.fit_info_["log_likelihood_nats"][0] == pytest.approx(reached)
    assert model.fit_info_["log_likelihood_nats"][-1] == pytest.approx(
        whole.fit_info_["log_likelihood_nats"][-1], abs=1e-5
    )


def test_a_warm_start_is_refused_where_it_cannot_be_one() -> None:
    model = em("x1 -> x2", warm_start=True).fit([[0, 0], [1, 1], [0, NAN]])
    with pytest.raises(InputError, match="probability zero under the tables"):
        model.fit([[0, 1], [1, 0], [NAN, 1]])
    with pytest.raises(InputError, match="another DAG or of other states"):
        model.fit([[0, 2], [1, 0], [NAN, 1]])
    with pytest.raises(InputError, match="another DAG or of other states"):
        model.set_params(dag="x2 -> x1").fit([[0, 0], [1, 1], [0, NAN]])


@pytest.mark.parametrize(
    ("dag", "more", "error", "words"),
    [
        (LATENT, {}, InputError, r"H is latent.*set latent_states=\{'H': 2\}"),
        (LATENT, {"missing": "refuse"}, InputError, r"H cannot be measured.*missing='em'"),
        (LATENT, {"latent_states": 2}, InputError, "latent_states must map"),
        (LATENT, {"latent_states": {"G": 2}}, UnknownNameError, "no latent node 'G'"),
        (LATENT, {"latent_states": {"H": 0}}, InputError, "'H'"),
        ("H [latent]", {"latent_states": {"H": 2}}, InputError, "no observed node"),
        ("x1; x2; x3; x4", {"n_starts": 0}, InputError, "n_starts"),
        ("x1; x2; x3; x4", {"max_steps": 0}, InputError, "max_steps"),
        ("x1; x2; x3; x4", {"tolerance": -1}, InputError, "tolerance"),
        ("x1; x2; x3; x4", {"random_state": "a"}, InputError, "seed"),
        ("x1; x2; x3; x4", {"missing": "mean"}, InputError, "refuse, complete_families, em"),
    ],
)
def test_settings_that_make_no_sense_are_refused(dag: str, more: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        em(dag, **more).fit([[0, 1, 0, 1], [1, 0, 1, 0]])
    assert "\n" not in str(caught.value)


def test_what_would_take_too_much_memory_is_refused_with_the_figure() -> None:
    X = two_classes(60, columns=12).astype(float)
    with pytest.raises(TooLargeError, match="distinct rows with holes take"):
        em(
            "H [latent]; H -> {" + " ".join(f"x{j}" for j in range(1, 13)) + "}",
            latent_states={"H": 2},
            max_bytes=200,
        ).fit(X)
    pairs = list(itertools.combinations(range(1, 6), 2))  # whose children join five columns to each other
    joined = "; ".join(f"{{x{i} x{j}}} -> x{k}" for k, (i, j) in enumerate(pairs, 6))
    row = np.where(np.arange(15) < 5, NAN, 0)[None]
    with pytest.raises(TooLargeError, match="what some rows do not know needs tables of 3"):
        em(joined, schema=Schema.of_sizes([2] * 15), max_bytes=200).fit(row)
    with pytest.raises(ValuesError, match="missing value"):
        BayesianNetwork("x1; x2").fit([[0, NAN], [1, 0]])
