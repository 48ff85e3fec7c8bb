"""Every model takes every table: columns go by name, and what comes back is what came in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import chainrule
from chainrule.core.errors import InputError
from chainrule.evaluate import check_factorization, chi_square_draws, total_probability
from chainrule.models import (
    MADE,
    NADE,
    BayesianNetwork,
    BoostedChain,
    ChainClassifier,
    Independent,
    LatentMixture,
    TreeNetwork,
    chow_liu,
    load_model,
)
from chainrule.tables import Table
from chainrule.tables.door import column_names

FAST: dict[str, Any] = {"hidden": 6, "epochs": 2, "batch_size": 20, "random_state": 1}
MODELS: dict[str, Callable[[], Any]] = {
    "independent": lambda: Independent(pseudocount=1),
    "bayes": lambda: BayesianNetwork("rain -> wet <- n; flag", pseudocount=1),
    "chow_liu": lambda: _ChowLiu(),
    "trees": lambda: TreeNetwork(),
    "classifiers": lambda: ChainClassifier(random_state=1),
    "boosted": lambda: BoostedChain(ordering=["n", "rain", "flag", "wet"], rounds=5, random_state=1),
    "nade": lambda: NADE(ordering=["n", "rain", "flag", "wet"], **FAST),
    "made": lambda: MADE(ordering=["n", "rain", "flag", "wet"], **FAST),
    "latent": lambda: LatentMixture(64, n_points=32, **FAST),
    "latent-net": lambda: LatentMixture(64, n_points=32, structure="net", penalty=0.5, **FAST),
    "made-dag": lambda: MADE(dag="rain -> wet <- n; flag", **FAST),
}
every_model = pytest.mark.parametrize("name", MODELS)


class _ChowLiu:
    """``chow_liu`` as if it were an estimator, for the tests below."""

    def fit(self, table: Any) -> Any:
        return chow_liu(table)


def _frame(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rain = rng.random(n) < 0.4
    return pd.DataFrame(
        {
            "rain": np.where(rain, "yes", "no"),
            "n": rng.integers(1, 4, n),
            "flag": rng.random(n) < 0.5,
            "wet": pd.Categorical(np.where(rain, "soaked", "dry"), ["dry", "damp", "soaked"], ordered=True),
        }
    )


def _file(frame: pd.DataFrame, path: Path) -> Path:
    """``frame`` in a file, by the end of its name."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        getattr(frame, f"to_{path.suffix[1:]}")(path)
    return path


TO = {
    "pandas": lambda f: f,
    "polars": lambda f: pl.from_pandas(f.astype({"wet": str})),
    "arrow": lambda f: pa.Table.from_pandas(f, preserve_index=False),
    "dict": lambda f: {c: f[c].tolist() for c in f},
}


@every_model
def test_the_order_of_columns_does_not_matter_and_others_are_ignored(name: str) -> None:
    frame = _frame()
    model = MODELS[name]().fit(frame)
    other = frame[["wet", "n", "flag", "rain"]].assign(more="x")
    assert (model.log_prob(other) == model.log_prob(frame)).all()
    assert model.score(other) == model.score(frame)
    assert list(model.feature_names_in_) == list(frame)


ORDER = ["wet", "flag", "rain", "n"]  # no order of the graph's, of the names or of the networks below


def _states(model: Any) -> dict[str, list[str]]:
    """All states of all variables as columns of labels."""
    labels = list(product(*model.schema_.states.values()))
    return {v: list(column) for v, column in zip(model.schema_.names, zip(*labels, strict=True), strict=True)}


@every_model
@pytest.mark.parametrize("kind", [*TO, "csv", "parquet", "feather"])
def test_columns_come_back_in_the_order_in_which_they_came_in(name: str, kind: str, tmp_path: Path) -> None:
    frame = _frame()[ORDER]
    table = TO[kind](frame) if kind in TO else _file(frame, tmp_path / f"rows.{kind}")
    model = MODELS[name]().fit(table)
    assert model.schema_.names == tuple(model.feature_names_in_) == tuple(ORDER)
    for back in (model.sample(3, given={"n": 2}, rng=0), model.impute(table, rng=0)):
        assert column_names(back) == tuple(ORDER)
        assert type(back) is (type(table) if kind in TO else Table)  # no file is given back


def test_rows_of_a_columnar_file_have_its_types_in_arrow(tmp_path: Path) -> None:
    frame = _frame().astype({"n": "int8"})
    for kind in ("parquet", "feather"):
        draws = Independent().fit(_file(frame, tmp_path / f"rows.{kind}")).sample(4, rng=0).to_arrow()
        kept = [t for t in draws.schema.types if not pa.types.is_dictionary(t)]
        assert kept == [t for t in pa.Schema.from_pandas(frame).types if not pa.types.is_dictionary(t)]


@every_model
def test_conditionals_are_in_the_order_of_the_columns(name: str) -> None:
    frame = _frame()[ORDER]
    model = MODELS[name]().fit(frame)
    before, graph = model.conditionals(frame), model.factorization_
    np.testing.assert_allclose(before.sum(axis=1), model.log_prob(frame), rtol=1e-9)
    for changed in ORDER:
        other = frame.assign(**{changed: frame[changed].to_numpy()[::-1]})
        moved = np.flatnonzero((np.abs(model.conditionals(other) - before) > 1e-12).any(axis=0))
        assert changed in {ORDER[j] for j in moved} <= {changed, *graph.children(changed)}


@every_model
def test_query_is_the_share_of_the_rows_that_fit(name: str) -> None:
    model = MODELS[name]().fit(_frame()[ORDER])
    states = _states(model)
    p = np.exp(model.log_prob(states))
    fits = np.array(states["rain"]) == "yes"
    asked = model.query(["wet", "n"], {"rain": "yes"})
    for wet, n in product(*asked.states):
        both = fits & (np.array(states["wet"]) == wet) & (np.array(states["n"]) == n)
        assert asked.probability(wet=wet, n=n) == pytest.approx(p[both].sum() / p[fits].sum(), rel=1e-6)


def test_columns_that_a_network_ignores_are_not_given_back() -> None:
    frame = _frame()[ORDER]
    frame.insert(1, "more", "x")
    model = MODELS["bayes"]().fit(frame)
    assert list(model.sample(3, rng=0)) == list(model.impute(frame)) == ORDER


@every_model
def test_a_column_that_is_not_there_is_named(name: str) -> None:
    frame = _frame()
    model = MODELS[name]().fit(frame)
    with pytest.raises(InputError, match="flag"):
        model.log_prob(frame.drop(columns="flag"))


@every_model
def test_a_state_that_was_never_seen_is_refused_with_its_place(name: str) -> None:
    frame = _frame()
    model = MODELS[name]().fit(frame)
    odd = frame.copy()
    odd.loc[3, "rain"] = "maybe"
    with pytest.raises(InputError, match="maybe") as caught:
        model.log_prob(odd)
    assert "3" in str(caught.value)
    assert "rain" in str(caught.value)


@every_model
def test_draws_are_a_frame_of_the_same_types(name: str) -> None:
    frame = _frame()
    model = MODELS[name]().fit(frame)
    draws = model.sample(20, given={"rain": "yes"}, rng=0)
    assert isinstance(draws, pd.DataFrame)
    assert (draws.dtypes == frame.dtypes).all()
    assert (draws["rain"] == "yes").all()
    assert draws["n"].isin([1, 2, 3]).all()
    assert np.isfinite(model.log_prob(draws)).all()


@every_model
def test_holes_in_a_frame_are_filled_and_nothing_else_is_touched(name: str) -> None:
    frame = _frame()
    model = MODELS[name]().fit(frame)
    holes = frame.astype({"n": "Int64", "flag": "boolean"})
    holes.loc[2, "rain"], holes.loc[5, "n"], holes.loc[7, "flag"] = None, pd.NA, pd.NA
    expected = model.log_prob(holes)
    assert (expected[[2, 5, 7]] >= model.log_prob(frame)[[2, 5, 7]]).all()
    filled = model.impute(holes, rng=0)
    assert list(filled) == list(frame)
    assert not filled.isna().any().any()
    same = np.ones(frame.shape, bool)
    same[2, 0] = same[5, 1] = same[7, 2] = False
    assert ((filled.astype(str).to_numpy() == frame.astype(str).to_numpy()) | ~same).all()


@every_model
@pytest.mark.parametrize("kind", TO)
def test_every_kind_of_table_is_read_alike_and_comes_back_as_it_came(name: str, kind: str) -> None:
    frame = _frame()
    table = TO[kind](frame)
    model = MODELS[name]().fit(table)
    draws = model.sample(5, rng=0)
    assert type(draws) is type(table)
    reference = MODELS[name]().fit(frame)
    if kind != "polars" and kind != "dict":  # those lose the state that no row has
        np.testing.assert_allclose(model.log_prob(table), reference.log_prob(frame), rtol=1e-9)
    np.testing.assert_array_equal(model.log_prob(table), model.log_prob(frame))


@every_model
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_are_read_like_frames(name: str, suffix: str, tmp_path: Path) -> None:
    frame = _frame().astype({"wet": str})
    path = _file(frame, tmp_path / f"rows.{suffix}")
    model = MODELS[name]().fit(frame)
    assert (model.log_prob(path) == model.log_prob(frame)).all()
    assert (MODELS[name]().fit(str(path)).log_prob(frame) == MODELS[name]().fit(path).log_prob(frame)).all()


@every_model
def test_a_saved_model_still_knows_its_columns_states_and_types(name: str, tmp_path: Path) -> None:
    frame = _frame()
    model = MODELS[name]().fit(frame)
    model.save(tmp_path / "model")
    back = load_model(tmp_path / "model")
    assert back.schema_ == model.schema_
    assert (back.log_prob(frame[["wet", "rain", "flag", "n"]]) == model.log_prob(frame)).all()
    pd.testing.assert_frame_equal(back.sample(9, rng=3), model.sample(9, rng=3))


@every_model
def test_laws_hold_where_numbers_are_cut_into_intervals(name: str) -> None:
    model = MODELS[name]().fit(Table.read(_frame().assign(n=_frame()["n"] * 10.5), bins={"n": [20, 30]}))
    assert model.schema_.cuts_numbers
    assert total_probability(model) == pytest.approx(1, abs=1e-6)
    assert chi_square_draws(model, 500, rng=0).passed
    assert chi_square_draws(model, 500, given=[np.nan, 1, -1, -1], rng=0).passed
    found = chainrule.audit(model, model.sample(30, rng=0), draws=1000)
    assert found.failed == []
    told = ["log_prob", "mass", "missing values", "sampler", "code length"]
    assert [law for law in told if found[law].verdict != "pass"] == []
    assert any(f.law.startswith("sampler under given") and f.verdict == "pass" for f in found.findings)
    if model.factors_ is not None:
        assert check_factorization(model, n_points=3, rng=0).respected
