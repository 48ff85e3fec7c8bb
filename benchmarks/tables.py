"""Speed and memory of all models of tables: each family, some also beside pgmpy and SPFlow.

* *scoring*, *sampling*, *imputing* rows a second: on 16 columns of 2 to 4 states that a Bayesian network generated;
  30 % of the cells are missing where rows are filled, drawn from their posterior or by a most probable completion.
  What refuses says so.  As many rows at a time as take a tenth of a second; all take turns.
* ``LatentMixture`` against the matrix products that it must do: rows times terms times components, dense, and for
  rows of few other states the sparse product of the same rows; float64 as there, in blocks as there.
* growth with rows, columns and states.
* peak memory of fits to 1,000,000 rows of 100 columns (``benchmarks.memory``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.memory import fits_in_processes
from benchmarks.networks import drawn_network, windowed
from benchmarks.other_tools import TOOLS, Fitted, UnableError, quiet, their_errors
from benchmarks.showing import Benchmark, Options, amount, duration, installed, spread
from benchmarks.timing import Spread, alternate, ratio
from chainrule.core.errors import ChainruleError
from chainrule.models import LatentMixture
from chainrule.models.contract import DiscreteModel
from chainrule.models.families import FAMILIES, Request
from chainrule.models.latent_mixture.forest_layout import ForestLayout
from chainrule.models.latent_mixture.start import swapped, usual_states
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["TABLES", "Measure", "tables"]

_COLUMNS, _STATES, _TRAIN = 16, (2, 4), 10_000
_HOLES = 0.3
_LEAST, _MOST = 0.1, 2**16  # seconds of a call, and its most rows
_BESIDE = ("pgmpy hill climbing", "SPFlow cutset", "SPFlow hidden tree")
_SECONDS, _QUICK_SECONDS = 20.0, 4.0  # that a network is trained for
_BLOCK = 256  # rows of 4,096 components that are scored at a time
_LARGE, _QUICK_LARGE = (1_000_000, 100), (100_000, 100)
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Measure:
    """One number: ``what`` of a model on a table, in a ``unit``; without one ``note`` says why."""

    table: str
    model: str
    what: str
    value: Spread | None
    unit: str = "rows a second"
    note: str = ""

    def cells(self) -> list[str]:
        """By column of the table."""
        text = (
            "" if self.value is None else f"{spread(self.value, _TEXTS.get(self.unit, amount))} {self.unit}"
        )
        return [self.table, self.model, self.what, text.removesuffix(" seconds"), self.note]


_TEXTS: dict[str, Callable[[float], str]] = {"seconds": duration}


def tables(options: Options) -> Iterator[Measure]:
    """All parts one after the other, or those of ``--sets``."""
    parts = {"rates": _rates, "share": _latent_share, "growth": _growth, "memory": _memory}
    for part in options.chosen(options.sets, list(parts), "part"):
        yield from parts[part](options)


def _rates(options: Options) -> Iterator[Measure]:
    network = drawn_network(windowed(_COLUMNS), _STATES)
    train, valid, rows = (network.sample(n, rng=i) for i, n in enumerate((_TRAIN, _TRAIN // 10, _MOST)))
    holes = _with_holes(rows.codes)
    name = f"{_COLUMNS} columns of {_STATES[0]} to {_STATES[1]} states"
    request = Request(train, valid, 0, _seconds(options), network.dag_)
    asked: dict[str, Fitted] = {}
    for model in options.chosen(options.models, [*FAMILIES, *_BESIDE], "model"):
        try:
            asked[model] = _fitted(model, request)
        except (ChainruleError, UnableError) as e:
            yield Measure(name, model, "fit", None, note=str(e))
    operations: dict[str, Callable[[Fitted, int], Any]] = {
        "scoring": lambda model, n: model.log_prob(rows.codes[:n]),
        "sampling": lambda model, n: model.sample(n),
        "imputing, drawn": lambda model, n: model.impute(holes[:n]),
        "imputing, most probable": lambda model, n: model.complete(holes[:n]),
    }
    for what, ask in operations.items():
        for found in _rated(name, what, {m: partial(ask, one) for m, one in asked.items()}, options):
            by = asked[found.model].scored_by if what == "scoring" else ""
            yield replace(found, note=f"{found.note}, by {by}") if by else found


def _fitted(name: str, request: Request) -> Fitted:
    """A family, or a tool of another package."""
    if name in FAMILIES:
        return _Ours(FAMILIES[name].fit(request), request.table.schema)
    tool = next(t for t in TOOLS if t.name == name)
    if installed(tool.package) is None:
        raise UnableError(f"not installed: {tool.package}")
    with quiet(), their_errors():
        codes = request.table.codes.astype(np.int64)
        return tool.fit(codes, request.table.schema.sizes, request.seed, request.seconds or _SECONDS)


class _Ours(Fitted):
    """A model of the package behind the same door as those of others."""

    def __init__(self, model: DiscreteModel, schema: Schema) -> None:
        self.model, self.schema = model, schema

    def log_prob(self, codes: NDArray[Any]) -> NDArray[np.float64]:
        return self.model.log_prob(Table(self.schema, codes))

    def sample(self, n: int) -> Any:
        return self.model.sample(n, rng=0)

    def impute(self, codes: NDArray[Any], seed: int = 0) -> Any:
        return self.model.impute(Table(self.schema, codes), rng=seed)

    def complete(self, codes: NDArray[Any]) -> Any:
        return self.model.impute(Table(self.schema, codes), how="mode")


def _rated(
    table: str, what: str, calls: dict[str, Callable[[int], Any]], options: Options
) -> Iterator[Measure]:
    """Rows a second of each call, in turns; what refuses, and why."""
    numbers: dict[str, int] = {}
    for model, call in calls.items():
        try:
            with quiet(), contextlib.nullcontext() if model in FAMILIES else their_errors():
                numbers[model] = _rows_for(call)
        except UnableError as e:
            yield Measure(table, model, what, None, note=str(e))
        except ChainruleError as e:
            yield Measure(table, model, what, None, note=f"refused: {_shortened(str(e))}")
    able = {model: (lambda call=calls[model], n=n: call(n)) for model, n in numbers.items()}
    with quiet():
        times = alternate(able, 3 if options.quick else 7, least=0.0)
    for model, seconds in times.items():
        found = Spread.of([numbers[model] / s for s in seconds])
        yield Measure(table, model, what, found, note=f"{numbers[model]:,} rows at a time")


def _rows_for(call: Callable[[int], Any]) -> int:
    """As many rows as take a tenth of a second."""
    n = 16
    call(n)  # compiles, fills caches
    while (
        n < _MOST and min(_seconds_of(call, n) for _ in range(3)) < _LEAST
    ):  # one may compile, or be held up
        n = min(_MOST, 4 * n)
    return n


def _seconds_of(call: Callable[[int], Any], n: int) -> float:
    began = time.perf_counter()
    call(n)
    return time.perf_counter() - began


def _latent_share(options: Options) -> Iterator[Measure]:
    rng = np.random.default_rng(0)
    tables = {
        "16 binary columns of a network": drawn_network(windowed(16), (2, 2)).sample(1000, rng=1).codes,
        "16 binary columns, 30 % ones": (rng.random((1000, 16)) < 0.3).astype(np.uint8),
        "100 binary columns, 30 % ones": (rng.random((1000, 100)) < 0.3).astype(np.uint8),
        "200 binary columns, 3 % ones": (rng.random((1000, 200)) < 0.03).astype(np.uint8),
        "30 columns of 5 states": rng.integers(0, 5, (1000, 30)).astype(np.uint8),
    }
    for name, codes in tables.items():
        table = Table(Schema.of_sizes([int(codes.max()) + 1] * codes.shape[1]), codes)
        model = LatentMixture(epochs=1, hidden=[16], random_state=0).fit(table)
        dense, sparse = _products(model, table)
        calls = {"scoring": lambda m=model, t=table: m.log_prob(t), "dense": dense, "sparse": sparse}
        times = alternate(calls, 3 if options.quick else 7, least=0.0)
        for kind in ("dense", "sparse"):
            share = ratio(times[kind], times["scoring"])
            what = f"scoring, share of the speed of its {kind} product"
            yield Measure(name, "latent", what, share, "", f"scoring {duration(min(times['scoring']))}")


def _products(model: LatentMixture, table: Table) -> tuple[Callable[[], None], Callable[[], None]]:
    """The product that a score needs, (rows, terms) by (terms, components), dense and sparse."""
    names = table.schema.names
    parents = [model.dag_.parents(v) for v in names]
    parent = np.array([names.index(above[0]) if above else -1 for above in parents], np.intp)
    layout = ForestLayout(table.schema.sizes, parent, np.arange(len(names)))
    active = layout.active(swapped(table.codes, usual_states(table)))
    there = active < layout.n_terms
    ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    ones = csr_array((np.ones(ends[-1]), active[there], ends), shape=(len(active), layout.n_terms))
    n_components = model.log_odds_.shape[1]
    terms = np.random.default_rng(0).standard_normal((layout.n_terms, n_components))
    full, room = ones.toarray(), np.empty((_BLOCK, n_components))

    def dense() -> None:
        for begin in range(0, len(full), _BLOCK):
            part = full[begin : begin + _BLOCK]
            np.matmul(part, terms, out=room[: len(part)])

    def sparse() -> None:
        for begin in range(0, len(full), _BLOCK):
            ones[begin : begin + _BLOCK] @ terms

    return dense, sparse


def _growth(options: Options) -> Iterator[Measure]:
    """One size grows, the others stay at 10,000 rows, 16 columns and 3 states."""
    n, d, k = _TRAIN, _COLUMNS, 3
    rows, columns, states = ((1000, 100_000), (8, 64), (2, 8)) if options.quick else (
        (1000, 10_000, 100_000), (8, 32, 128), (2, 8, 16)
    )  # fmt: skip
    sizes = [(m, d, k) for m in rows] + [(n, m, k) for m in columns] + [(n, d, m) for m in states]
    for size in dict.fromkeys(sizes):
        yield from _at(*size, options)


def _at(n: int, d: int, k: int, options: Options) -> Iterator[Measure]:
    network = drawn_network(windowed(d), (k, k))
    train, valid, rows = (network.sample(m, rng=i) for i, m in enumerate((n, 1000, _MOST)))
    name = f"{n:,} rows, {d} columns, {k} states"
    asked: dict[str, Fitted] = {}
    for model in (f for f in options.chosen(options.models, [*FAMILIES, *_BESIDE], "model") if f in FAMILIES):
        request = Request(train, valid, 0, _seconds(options), network.dag_)
        began = time.perf_counter()
        try:
            with quiet():
                asked[model] = _fitted(model, request)
        except ChainruleError as e:
            yield Measure(name, model, "fit", None, note=f"refused: {_shortened(str(e))}")
            continue
        took = time.perf_counter() - began
        if not FAMILIES[model].takes_time:  # the others use the time that they are given
            yield Measure(name, model, "fit", Spread(took, took, took), "seconds")
    for what, ask in {
        "scoring": lambda model, m: model.log_prob(rows.codes[:m]),
        "sampling": lambda model, m: model.sample(m),
    }.items():
        yield from _rated(name, what, {m: partial(ask, one) for m, one in asked.items()}, options)


def _memory(options: Options) -> Iterator[Measure]:
    n, d = _QUICK_LARGE if options.quick else _LARGE
    models = tuple(m for m in ("independent", "chowliu") if options.models is None or m in options.models)
    for m in fits_in_processes(n, d, models):
        note = f"{amount(m.added_bytes / _MEGABYTE)} MB above what was there, fit {duration(m.seconds)}"
        peak = m.peak_bytes / _MEGABYTE
        what = f"peak memory of a fit, {m.source}"
        yield Measure(f"{n:,} rows, {d} columns", m.model, what, Spread(peak, peak, peak), "MB", note)


def _with_holes(codes: NDArray[Any]) -> NDArray[np.int32]:
    out = codes.astype(np.int32)
    out[np.random.default_rng(0).random(out.shape) < _HOLES] = -1
    return out


def _seconds(options: Options) -> float:
    return options.budget or (_QUICK_SECONDS if options.quick else _SECONDS)


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


TABLES = Benchmark(
    "tables",
    "rows a second, growth and memory of every model of tables, beside pgmpy and SPFlow",
    ("table", "model", "what", "measured", "note"),
    tables,
)
