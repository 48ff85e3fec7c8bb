"""A model of any table, in one line: read, choose, fit, and say on which rows it was judged."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_instance, check_integer
from chainrule.core.errors import InputError
from chainrule.core.files import as_path, shown_path
from chainrule.core.progress import note
from chainrule.core.records import to_plain
from chainrule.core.text import as_written, one_line
from chainrule.core.time_limit import OutOfTimeError
from chainrule.core.units import seconds_of
from chainrule.graphs import DAG
from chainrule.models.auto.estimator import Auto
from chainrule.models.auto.leaderboard import Leaderboard, weighted_mean
from chainrule.models.contract import DiscreteModel
from chainrule.models.families import (
    FAMILIES,
    Family,
    Request,
    check_graph_is_read,
    family,
    fitted_in_time,
)
from chainrule.models.shared.holding_out import LEAST_ROWS, hold_out
from chainrule.models.shared.scoring_parts import log_prob_in_parts
from chainrule.tables.table import Table
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.latent_nodes import check_latent, class_graph
from chainrule.tasks.reading import read_known, read_table

__all__ = ["AUTO", "DEFAULT_BUDGET", "Fit", "fit", "graph_of", "in_nats"]

AUTO = "auto"
DEFAULT_BUDGET = 600.0  # seconds that "auto" may take
_TRAINING = "training rows"
_LISTED = 10_000  # held-out rows that a record lists one by one


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted ``model`` of the family ``name``, and how it was judged.

    ``mean_nll_nats`` a row with ``standard_error`` are over the ``n_judges`` rows that ``judged_on`` says: "held-out
    rows", "validation rows" or "training rows".  ``held_out_rows`` (k,) are the places (from 0) of rows of the table
    that the fit did not learn from; they are ``numpy.random.default_rng(seed).permutation(n_rows)[:k]``, sorted.
    """

    model: DiscreteModel
    name: str
    n_rows: int
    n_judges: int
    judged_on: str
    mean_nll_nats: float | None
    standard_error: float | None
    held_out_rows: NDArray[np.intp] | None
    seed: int
    seconds: float = 0.0
    leaderboard: Leaderboard | None = None
    why: str = ""
    stand_in: str | None = None
    stopped: bool = False
    notes: tuple[str, ...] = ()

    def save(self, path: str | Path) -> None:
        """Write the model to one file."""
        self.model.save(path)

    def text(self) -> str:
        """What was fitted, the leaderboard, and what holds out rows or stands in."""
        d = len(self.model.schema_)
        lines = [
            f"{self.name}: {d} columns, {self.n_rows:,} rows, {self.seconds:.1f} s; "
            f"{in_nats(self.mean_nll_nats, self.standard_error)} on {self.n_judges:,} {self.judged_on}"
        ]
        if self.leaderboard is not None:
            lines = [self.leaderboard.text(self.judged_on), f"chosen: {self.why}", *lines]
        if n := self.n_holes_filled:
            lines.append(f"{n:,} holes in the rows it learned from were drawn from a forest of what is known")
        if self.stand_in is not None:
            lines.append(
                f"rows with holes that {self.name} does not sum out are answered by {self.stand_in}, kept beside it"
            )
        if self.held_out_rows is not None:
            lines.append(
                f"{len(self.held_out_rows):,} of {self.n_rows:,} rows were held out (seed {self.seed}) to choose by: "
                "no model has learned from them"
            )
        return "\n".join(lines)

    @property
    def n_holes_filled(self) -> int:
        """Holes in the training rows that were drawn from a forest, since the model learns from complete rows only."""
        answerer = self.model.model_ if isinstance(self.model, Auto) else self.model
        return answerer.fit_info_.get("holes_filled", 0)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain data, without the model."""
        held_out = self.held_out_rows
        listed = None if held_out is None or len(held_out) > _LISTED else held_out.tolist()
        return to_plain(
            {
                "model": self.name,
                "stand_in": self.stand_in,
                "columns": list(self.model.schema_.names),
                "rows": self.n_rows,
                "judged_on": self.judged_on,
                "judging_rows": self.n_judges,
                "mean_nll_nats": self.mean_nll_nats,
                "standard_error": self.standard_error,
                "held_out": None
                if held_out is None
                else {"n": len(held_out), "seed": self.seed, "rows": listed},
                "holes_filled_to_learn": self.n_holes_filled,
                "seed": self.seed,
                "seconds": self.seconds,
                "stopped": self.stopped,
                "why": self.why,
                "leaderboard": None if self.leaderboard is None else self.leaderboard.to_dict(),
                "notes": list(self.notes),
            }
        )


def fit(
    X: Any,
    *,
    valid: Any = None,
    model: str = AUTO,
    models: Sequence[str] | None = None,
    budget: float | str | None = None,
    simple: bool = False,
    held_out: float = 0.1,
    dag: DAG | str | Path | None = None,
    latent_states: Mapping[str, int] | None = None,
    latent_classes: int | None = None,
    seed: int = 0,
    run_dir: str | Path | None = None,
    resume: bool = True,
    workers: int = 1,
    fix: bool = False,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Fit:
    """Fit a model to ``X``: whatever ``Table.read`` takes, read by the settings ``reading``, which are its own.

    ``model`` is "auto" or a name of ``chainrule.models.families``.  "auto" tries ``models`` (by default all, small ones
    first) within ``budget`` and keeps the best on the rows of ``valid``, or on ``held_out`` of the rows where there are
    none; ``simple`` takes the smallest within one paired standard error.  A network holds out rows, too, to choose its
    epoch; other models learn from all rows.  ``budget`` is in seconds, or text such as "20s", "10m", "1h"; by default
    ten minutes for "auto"; compiling loops, once per machine, is not counted.  ``dag`` is a graph that you state (a
    ``DAG``, text or a file); of the latent nodes of a "bayesnet" ``latent_states`` says how many states each has, and
    ``latent_classes`` makes one of so many states above all columns.  ``workers`` above 1 are processes among which a
    long list of files is shared to be read.  ``fix`` reads a table that would be refused as the refusal advises, and
    says how.

    ``run_dir`` is a folder that "latent", "latentnet", "nade" or "made" without a budget keeps its training in: a
    call that was stopped goes on from there when it is made again, and ends as it would have. Without ``resume`` a
    folder that holds a run is refused.

    Raises ``InputError`` and its kinds, ``DataError``.

    >>> rows = {"rain": ["no", "yes"] * 50, "wet": ["no", "yes"] * 49 + ["yes", "yes"]}
    >>> fit(rows, model="chowliu").model.query("rain", {"wet": "yes"}).probability(rain="yes") > 0.9
    True
    """
    check_instance(dialect, Dialect, "dialect", like="PYTHON or SHELL of chainrule.tasks.dialects")
    began, seed = time.monotonic(), check_integer(seed, "seed", least=0)
    seconds = None if budget is None else seconds_of(budget)
    # a wrong name is told before a large table is read
    one = None if isinstance(model, str) and model == AUTO else family(model, beside=(AUTO,))
    graph = graph_of(dag)
    if one is not None:
        check_graph_is_read([one], graph)
    folder = None if run_dir is None else _run_folder(run_dir, model, one, seconds, resume)
    check_latent(model, graph, latent_states, latent_classes, dialect)
    found = read_table(X, fix=fix, dialect=dialect, workers=workers, **reading)
    for text in found.notes:
        note(text)
    table = found.table
    judges = None if valid is None else read_known(valid, table.schema, "valid", dialect)
    if one is None:
        auto = Auto(
            models=models,
            budget=seconds or DEFAULT_BUDGET,
            simple=simple,
            held_out=held_out,
            dag=graph,
            random_state=seed,
        )
        made = _of_auto(auto.fit(table, valid=judges), table, judges)
    else:
        if latent_classes is not None:
            graph, latent_states = class_graph(table.schema.names, latent_classes)
        request = Request(table, judges, seed, seconds, graph, run_dir=folder, latent_states=latent_states)
        made = _of_family(one, request, held_out)
    return replace(made, seconds=time.monotonic() - began, notes=found.notes)


def in_nats(mean: float | None, error: float | None) -> str:
    """A mean in nats a row with its standard error, for people.

    >>> in_nats(5.25, 0.125), in_nats(None, None)
    ('5.2500 ± 0.1250 nats a row', 'not judged')
    """
    if mean is None:
        return "not judged"
    return f"{mean:.4f}" + ("" if error is None else f" ± {error:.4f}") + " nats a row"


def graph_of(dag: Any) -> DAG | None:
    """A graph that a user states: a ``DAG``, a file, or text; ``None`` for none."""
    if dag is None or isinstance(dag, DAG):
        return dag
    if not isinstance(dag, (str, Path)):
        raise InputError(f"dag must be a DAG, a file or text; got {as_written(dag)}")
    if isinstance(dag, Path) or os.path.isfile(dag):
        return DAG.read(dag)
    if not any(mark in dag for mark in ("->", "<-", "{", ";", "\n")):
        raise InputError(
            f"{as_written(dag)} is neither a file nor a graph; give a path, or text such as 'A -> B <- C'"
        )
    return DAG.parse(dag)


def _run_folder(
    run_dir: str | Path, model: str, one: Family | None, seconds: float | None, resume: bool
) -> Path:
    """The folder to keep a run in; ``InputError`` where a fit cannot be gone on with, or this one is not to be."""
    folder = as_path(run_dir, "run_dir")
    if one is None or not one.keeps_runs:
        able = [f.name for f in FAMILIES.values() if f.keeps_runs]
        raise InputError(
            f"a run is kept of one model that is trained in steps, {', '.join(able)}, not of {one_line(model)}; "
            "name one as model"
        )
    if seconds is not None:
        raise InputError(
            "with a budget the speed of a machine decides how long a network is trained, so a run cannot be gone on "
            "with; leave out the budget or run_dir"
        )
    if not resume and next(iter(folder.rglob("run.json")), None) is not None:
        raise InputError(f"{shown_path(folder)} holds a run; resume it, or choose another folder")
    return folder


def _of_auto(auto: Auto, table: Table, judges: Table | None) -> Fit:
    info, board = auto.fit_info_, auto.leaderboard_
    entry = next(e for e in board.entries if e.name == auto.chosen_)
    places = info["held_out_rows"]
    return Fit(
        model=auto,
        name=auto.chosen_,
        n_rows=table.n_rows,
        n_judges=board.n_rows,
        judged_on="validation rows"
        if judges is not None
        else _TRAINING
        if places is None
        else "held-out rows",
        mean_nll_nats=entry.mean_nll_nats,
        standard_error=entry.standard_error,
        held_out_rows=None if places is None else np.array(places, np.intp),
        seed=info["seed"],
        leaderboard=board,
        why=info["why"],
        stand_in=info["stand_in"],
        stopped=info["stopped"],
    )


def _of_family(one: Family, request: Request, held_out: float) -> Fit:
    """A single model; one that chooses its epoch by validation rows holds some out where there are none."""
    whole, places, on = request.table, None, "validation rows"
    if request.valid is None and one.chooses and whole.n_rows >= LEAST_ROWS:
        split = hold_out(whole, held_out, request.seed)
        request, places, on = (
            replace(request, table=split.train, valid=split.held_out),
            split.places,
            "held-out rows",
        )
    try:
        model = fitted_in_time(one, request)
    except OutOfTimeError as e:
        raise OutOfTimeError(f"{one.name} is not fitted: {e}; give it a larger budget, or none") from e
    judges, on = (whole, _TRAINING) if request.valid is None else (request.valid, on)
    if one.sums_out != "any" and not judges.is_complete:
        judges, on = judges[np.flatnonzero(~judges.missing.any(axis=1))], f"{on} without holes"
    mean, error = None, None
    if judges.n_rows:
        weights = np.ones(judges.n_rows) if judges.weights is None else judges.weights
        mean, error = weighted_mean(0.0 - log_prob_in_parts(model, judges), weights)
    return Fit(model, one.name, whole.n_rows, judges.n_rows, on, mean, error, places, request.seed)
