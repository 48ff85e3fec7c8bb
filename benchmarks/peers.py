"""Real tables of several states: held-out nats beside density models of other packages, in one run.

A table is split by a seed: four fifths are learned from, of which every tool holds out what it wants to choose by,
one fifth judges.  All get the same codes and the same numbers of states, so that nats are of the same thing.  Missing
cells are summed out; a row that a tool cannot read is counted under "unread", and nats are then those of the rows that
it reads, with chainrule's nats of the same rows beside them.  "Behind" is the paired difference to the best model of
chainrule on these rows.

Tables: ``benchmarks.real_tables``; tools: ``benchmarks.other_tools``, which says how they are installed.  What is not
there is named.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from benchmarks.other_tools import TOOLS, Tool, UnableError, quiet, their_errors
from benchmarks.real_tables import REAL_TABLES
from benchmarks.showing import Benchmark, Options, duration, installed, with_error
from chainrule.models.auto.leaderboard import weighted_mean
from chainrule.models.contract import DiscreteModel
from chainrule.models.families import working_seconds
from chainrule.tables.table import Table

__all__ = ["PEERS", "Judged", "Run", "peers", "split", "tool_run"]

OURS = ("independent", "chowliu", "trees", "latent", "nade", "auto")
_SEED, _TEST = 0, 0.2
_BUDGET, _QUICK_BUDGET = 60.0, 10.0  # seconds of a fit that can be cut short
_QUICK = ("anes96", "beps")


@dataclass(frozen=True)
class Judged:
    """A model of a table: nats of a held-out row that it reads, and what they lack to the best of chainrule."""

    table: str
    model: str
    nats: float | None
    standard_error: float | None
    behind: float | None
    behind_error: float | None
    unread: int
    fit_seconds: float | None
    score_seconds: float | None
    note: str

    def cells(self) -> list[str]:
        """By column of the table."""
        nats = "" if self.nats is None else with_error(self.nats, self.standard_error)
        behind = "" if self.behind is None else with_error(self.behind, self.behind_error)
        times = ["" if s is None else duration(s) for s in (self.fit_seconds, self.score_seconds)]
        return [self.table, self.model, nats, behind, f"{self.unread or ''}", *times, self.note]


@dataclass(frozen=True, eq=False)
class Run:
    """What a model made of the test rows: log p (n,), NaN where it cannot read one."""

    model: str
    log_p: NDArray[np.float64] | None
    fit_seconds: float | None = None
    score_seconds: float | None = None
    note: str = ""


def peers(options: Options) -> Iterator[Judged]:
    """Every model of every table: ours, then the others."""
    budget = options.budget or (_QUICK_BUDGET if options.quick else _BUDGET)
    tools = {tool.name: tool for tool in TOOLS}
    models = options.chosen(options.models, [*OURS, *tools], "model")
    sets = options.chosen(options.sets, list(REAL_TABLES), "table")
    if options.quick and options.sets is None:
        sets = list(_QUICK)
    for name in sets:
        table = REAL_TABLES[name]
        if not table.is_there:
            note = f"not installed: {table.package}"
            yield Judged(name, "", None, None, None, None, 0, None, None, note)
            continue
        train, test = split(table.read())
        yield _described(name, train, test)
        ours = [_our_run(model, train, test, budget) for model in models if model in OURS]
        able = [run.log_p for run in ours if run.log_p is not None and not np.isnan(run.log_p).any()]
        best = max(able, key=np.mean, default=None)
        for run in ours:
            yield _judged(name, run, best)
        for model in models:
            if model not in OURS:
                yield _judged(name, tool_run(tools[model], train, test, budget), best)


def split(table: Table) -> tuple[Table, Table]:
    """The rows to learn from and those that judge, as tables of codes."""
    bare = Table(replace(table.schema, container="table"), table.codes)
    order = np.random.default_rng(_SEED).permutation(bare.n_rows)
    n_test = round(_TEST * bare.n_rows)
    return bare[np.sort(order[n_test:])], bare[np.sort(order[:n_test])]


def _described(name: str, train: Table, test: Table) -> Judged:
    sizes = train.schema.sizes
    holes = int(test.missing.any(axis=1).sum())
    unseen = int(_has_unseen(train, test).sum())
    note = (
        f"{REAL_TABLES[name].what}: {train.n_rows:,} + {test.n_rows:,} rows, {len(sizes)} columns of {min(sizes)} to "
        f"{max(sizes)} states; of the test rows {holes} have holes, {unseen} a state that no training row has"
    )
    return Judged(name, "", None, None, None, None, 0, None, None, note)


def _has_unseen(train: Table, test: Table) -> NDArray[np.bool_]:
    """The test rows with a state that no training row has."""
    out = np.zeros(test.n_rows, bool)
    for j, k in enumerate(train.schema.sizes):
        column = train.codes[:, j]
        seen = np.bincount(column[column >= 0], minlength=k) > 0
        codes = test.codes[:, j].astype(np.intp)
        out |= (codes >= 0) & ~seen[codes]
    return out


def _our_run(name: str, train: Table, test: Table, budget: float) -> Run:
    began = working_seconds()  # a clock that stands still while loops are compiled, once per machine
    with quiet():
        fitted = cr.fit(train, model=name, budget=budget, seed=_SEED)
    took = working_seconds() - began
    began = time.perf_counter()
    with quiet():
        try:
            log_p, note = fitted.model.log_prob(test), fitted.why
        except cr.ChainruleError:  # it sums out few holes
            log_p, note = _row_by_row(fitted.model, test), "sums out few holes"
    return Run(name, log_p, took, time.perf_counter() - began, note)


def _row_by_row(model: DiscreteModel, test: Table) -> NDArray[np.float64]:
    out = np.full(test.n_rows, np.nan)
    for r in range(test.n_rows):
        try:
            out[r] = model.log_prob(test[r : r + 1])[0]
        except cr.ChainruleError:
            continue  # counted as unread
    return out


def tool_run(tool: Tool, train: Table, test: Table, budget: float) -> Run:
    """What another package makes of the test rows, or why it makes nothing."""
    if installed(tool.package) is None:
        return Run(tool.name, None, note=f"not installed: {tool.package}")
    codes, others = train.codes.astype(np.int64), test.codes.astype(np.int64)
    began = time.perf_counter()
    try:
        with quiet(), their_errors():
            fitted = tool.fit(codes, train.schema.sizes, _SEED, budget)
            took = time.perf_counter() - began
            began = time.perf_counter()
            log_p = fitted.log_prob(others)
    except UnableError as e:
        return Run(tool.name, None, note=str(e))
    return Run(tool.name, log_p, took, time.perf_counter() - began, fitted.remark)


def _judged(table: str, run: Run, best: NDArray[np.float64] | None) -> Judged:
    if run.log_p is None:
        return Judged(table, run.model, None, None, None, None, 0, None, None, run.note)
    read = ~np.isnan(run.log_p)
    unread, note = int((~read).sum()), run.note
    times = (run.fit_seconds, run.score_seconds)
    if not read.any():
        return Judged(table, run.model, None, None, None, None, unread, *times, note)
    nll, ones = -run.log_p[read], np.ones(int(read.sum()))
    nats, error = weighted_mean(nll, ones)
    if impossible := int(np.isposinf(nll).sum()):
        note = f"{impossible} rows are impossible to it; {note}".removesuffix("; ")
    behind = behind_error = None
    if best is not None:
        behind, behind_error = weighted_mean(best[read] + nll, ones)
    return Judged(table, run.model, nats, error, behind, behind_error, unread, *times, note)


PEERS = Benchmark(
    "peers",
    "held-out nats of real tables beside pgmpy, pomegranate, SPFlow and TabularARGN",
    ("table", "model", "nats a row", "behind the best of ours", "unread rows", "fit", "scoring", "note"),
    peers,
    by_name=True,
)
