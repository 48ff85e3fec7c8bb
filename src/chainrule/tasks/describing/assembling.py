"""A model described: what it is, what it believes, and how well that fits some rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_flag, check_integer
from chainrule.core.errors import InputError
from chainrule.core.records import versions
from chainrule.models.auto.estimator import Auto
from chainrule.models.contract import DiscreteModel
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from chainrule.tasks.describing.calibration import calibration_of
from chainrule.tasks.describing.dependence import dependence_of, information_of
from chainrule.tasks.describing.graph import graph_of
from chainrule.tasks.describing.record import Description, Marginal, ModelFacts
from chainrule.tasks.describing.rows import row_summary, used_rows
from chainrule.tasks.describing.states import ModelStates, known_shares
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.reading import read_known

__all__ = ["describe"]


def describe(
    model: ModelOrPath,
    X: Any = None,
    *,
    draws: int = 10_000,
    most_rows: int = 10_000,
    seed: int = 0,
    held_out: bool = False,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Description:
    """What ``model``, or the model in that file, says: of its columns, of their dependence, of the rows of ``X``.

    What cannot be summed exactly comes from ``draws`` rows of the model; of ``X`` at most ``most_rows`` are looked at;
    both by ``seed``.  ``held_out`` looks only at the rows that ``Auto`` held out of its fit, where ``X`` is the table
    that it was fitted to.  ``reading``: the settings of ``Table.read`` that do not contradict the model's schema, such
    as ``unseen="missing"``.  ``chainrule.write_page`` makes a page of the record.

    Raises ``InputError`` and its kinds, ``DataError``.

    >>> from chainrule.models import chow_liu
    >>> found = describe(chow_liu({"a": ["x", "y"] * 40, "b": ["u", "v"] * 40}))
    >>> found.dependence.strongest[0].nats > 0.5, found.marginals[0].model
    (True, (0.5, 0.5))
    """
    draws, most_rows = check_integer(draws, "draws"), check_integer(most_rows, "most_rows")
    seed = check_integer(seed, "seed", least=0)
    fitted = loaded(model)
    chosen = _chosen(fitted)
    used = None
    if check_flag(held_out, "held_out") and X is None:
        raise InputError("held_out is given without rows; pass the table that the model was fitted to")
    if X is not None:
        options = {k: v for k, v in reading.items() if v is not None}
        table = read_known(X, fitted.schema_, "X", dialect, **options)
        places = _held_out_places(fitted, table.n_rows) if held_out else None
        used = used_rows(fitted, table, most_rows, seed, places)
    sample = None if used is None else _as_seen_by(chosen, used.sample)
    states = ModelStates(chosen, draws, seed)
    shares, n_draws = states.singles()
    information = information_of(states)
    return Description(
        model=_facts(fitted, chosen),
        schema=fitted.schema_.to_plain(),
        marginals=list(_marginals(chosen.schema_, shares, n_draws, sample)),
        n_draws=n_draws,
        dependence=dependence_of(information, sample, len(chosen.schema_)),
        graph=graph_of(chosen, information),
        rows=None if used is None else row_summary(fitted, used, draws, seed),
        calibration=None if sample is None else calibration_of(chosen, _complete(sample), seed),
        leaderboard=fitted.leaderboard_.to_dict() if isinstance(fitted, Auto) else None,
        seed=seed,
        versions=versions(),
    )


def _chosen(model: DiscreteModel) -> DiscreteModel:
    """The model itself; of ``Auto`` the one that it chose, and not the one that stands in for rows with holes."""
    return _chosen(model.model_) if isinstance(model, Auto) else model


def _held_out_places(model: DiscreteModel, n_rows: int) -> NDArray[np.intp]:
    """The rows (from 0) that the model did not learn from, of a table that has as many as that of the fit."""
    places = model.fit_info_["held_out_rows"] if isinstance(model, Auto) else None
    if places is None:
        raise InputError(
            "the model knows of no rows that were held out of its fit (only auto keeps that); give rows that it "
            "has not seen"
        )
    if n_rows != model.fit_info_["n_rows"]:
        raise InputError(
            f"the model was fitted to {model.fit_info_['n_rows']:,} rows and these are {n_rows:,}; held-out rows are "
            "to be had of the table of the fit only"
        )
    return np.array(places, np.intp)


def _as_seen_by(model: DiscreteModel, table: Table) -> Table:
    return Table(model.schema_, table.select(model.schema_.names).codes, table.weights)


def _complete(table: Table) -> Table:
    return table[np.flatnonzero(~table.missing.any(axis=1))]


def _facts(fitted: DiscreteModel, chosen: DiscreteModel) -> ModelFacts:
    """What the models keep of their fit; what they do not is left out."""
    info, parameters = chosen.fit_info_, getattr(chosen, "n_parameters_", {})
    plain: dict[str, Any] = {
        "n_parameters": parameters.get("in_use"),
        "fitted_rows": info.get("n_rows"),
        "seed": info.get("seed"),
        "seconds": info.get("seconds"),
    }
    if isinstance(fitted, Auto):
        board = fitted.leaderboard_
        entry = next(e for e in board.entries if e.name == fitted.chosen_)
        plain |= {
            "mean_nll_nats": entry.mean_nll_nats,
            "standard_error": entry.standard_error,
            "judging_rows": board.n_rows,
            "seconds": sum(e.seconds for e in board.entries),  # of all that was tried
            "fitted_rows": fitted.fit_info_["n_rows"] - len(fitted.fit_info_["held_out_rows"] or ()),
            "seed": fitted.fit_info_["seed"],
            "stand_in": fitted.fit_info_["stand_in"],
            "why": fitted.fit_info_["why"],
        }
    name = fitted.chosen_ if isinstance(fitted, Auto) else type(fitted).__name__
    return ModelFacts(name, type(chosen).__name__, len(fitted.schema_), **plain)


def _marginals(
    schema: Schema, shares: Sequence[NDArray[np.float64]], n_draws: int | None, sample: Table | None
) -> Iterator[Marginal]:
    data = None if sample is None else known_shares(sample)
    for j, (name, p) in enumerate(zip(schema.names, shares, strict=True)):
        plain: dict[str, Any] = {}
        if n_draws is not None:
            plain["error"] = np.sqrt(p * (1 - p) / n_draws)
        if sample is not None and data is not None:
            plain |= {"data": data[j], "n_known": int((~sample.missing[:, j]).sum())}
        yield Marginal(name, p, **plain)
