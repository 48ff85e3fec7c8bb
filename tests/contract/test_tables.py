"""Every model takes every table: columns go by name, and what comes back is what came in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule.core.errors import InputError
from chainrule.models import (
    MADE,
    NADE,
    BayesianNetwork,
    BoostedChain,
    ChainClassifier,
    Independent,
    TreeNetwork,
    chow_liu,
    load_model,
)

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
    assert sorted(model.feature_names_in_) == ["flag", "n", "rain", "wet"]


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
    assert list(draws.columns) == list(model.schema_.names)
    assert (draws.dtypes == frame.dtypes[draws.columns]).all()
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
    filled = model.impute(holes, rng=0)[frame.columns]
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
    path = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
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
