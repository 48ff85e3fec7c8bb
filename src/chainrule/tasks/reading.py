"""Rows for a fit: read as the user says, and where that cannot be, refused once with all that would help.

``read_table`` tries; where columns cannot be states or the bytes are no text, it tries on by its own advice until the
table can be read, and then either says all of it in one message or, with ``fix``, goes on so and says what it did.
Columns that can be read but look like a mistake (an identifier with few rows, ``?`` among numbers) are doubts: told,
and mended with ``fix`` only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from chainrule.core.checks import check_flag, check_instance, check_integer
from chainrule.core.errors import ChainruleError, ShapeError, ValuesError
from chainrule.core.files import as_path
from chainrule.core.progress import note, track
from chainrule.core.sums import values_of
from chainrule.core.sums import workers as processes
from chainrule.tables.doubts import doubts_of, odd_texts
from chainrule.tables.encodings import UndecodableError
from chainrule.tables.missing import MISSING_TEXTS
from chainrule.tables.problems import Options, Problem, TableError, listed
from chainrule.tables.reading import is_files
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table, TablePart
from chainrule.tasks.dialects import PYTHON, Dialect

__all__ = ["ReadTable", "RefusedTableError", "read_known", "read_table"]

_BINS = 5  # of a measurement, where nobody says how many
_ENCODING = "cp1252"  # what spreadsheets of Western Europe write that is no UTF-8
_MOST_TRIES = 20
_LARGE, _PACKED = 20_000_000, 1000  # bytes of text that are read in parts; how much packed text may grow
_BATCH = 65_536  # rows


class RefusedTableError(ValuesError):
    """A table that cannot be read as it is; ``settings`` would make it readable."""

    most: ClassVar[int] = 20_000  # all that is to be added to a command stands in one

    def __init__(self, message: str, settings: Mapping[str, Any]) -> None:
        self.settings = dict(settings)
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.settings)


@dataclass(frozen=True)
class ReadTable:
    """A table, the ``settings`` that it was read by beside the user's own, and what was noticed."""

    table: Table
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_table(
    X: Any,
    *,
    fix: bool = False,
    dialect: Dialect = PYTHON,
    name: str = "X",
    workers: int = 1,
    **settings: Any,
) -> ReadTable:
    """The rows of ``X`` by ``settings`` (those of ``Table.read``).

    ``fix`` mends what would be refused or doubted, and ``notes`` says how.  ``workers`` above 1 are processes that read
    large files of a list, each at a time, to the same table.  Raises ``RefusedTableError`` with everything to add, else
    what ``Table.read`` raises.
    """
    check_instance(dialect, Dialect, "dialect", like="PYTHON or SHELL of chainrule.tasks.dialects")
    check_flag(fix, "fix")
    given = {k: v for k, v in settings.items() if v is not None}
    name = _called(X, name)
    found = _Advice(dict(given), dialect, check_integer(workers, "workers"))
    table = found.read_until_it_works(X, name)
    added = {k: v for k, v in found.settings.items() if v is not given.get(k)}
    if added and not fix:
        reasons = listed(found.problems, lambda p: p.text(dialect.options))
        raise RefusedTableError(
            f"{name} cannot be read as it is: {reasons}; {dialect.add} {dialect.write(added)} (or {dialect.fix}, which "
            "decides so by itself and says it)",
            added,
        )
    doubts = doubts_of(table, given)
    if not fix:
        notes = [f"{p.text(dialect.options)}" for p in doubts]
        return ReadTable(table, {}, tuple(f"as it is, {text}" for text in notes))
    for p in doubts:
        found.follow(p)
    if doubts:
        table = found.read_until_it_works(X, name)
    added = {k: v for k, v in found.settings.items() if v is not given.get(k)}
    notes = [p.reason if not p.column else f"{p.column}: {p.reason}" for p in found.problems]
    if added:
        notes.append(f"read by {dialect.write(added)}")
    return ReadTable(table, added, tuple(notes))


def read_known(X: Any, schema: Schema, name: str, dialect: Dialect = PYTHON, **settings: Any) -> Table:
    """More rows under a schema that is known, by the settings that do not contradict it."""
    check_instance(dialect, Dialect, "dialect", like="PYTHON or SHELL of chainrule.tasks.dialects")
    given, name = {k: v for k, v in settings.items() if v is not None}, _called(X, name)
    if not _is_large(X):
        return Table.read(X, schema=schema, name=name, options=dialect.options, **given)
    return _joined(X, schema, name, dialect.options, given)


def _read(X: Any, name: str, options: Options, settings: Mapping[str, Any], workers: int = 1) -> Table:
    """``Table.read``; of large files in two passes, so that memory holds the codes and not the text."""
    if not _is_large(X):
        return Table.read(X, **settings, name=name, options=options)
    note(f"reading {name} twice: for the states of its columns, then for its rows")
    known = {k: settings[k] for k in ("weights", "encoding", "header") if k in settings}
    several = 1 if isinstance(X, (str, os.PathLike)) else min(workers, len(X))
    with processes(several) as client:
        counts = Table.counts(X, name=name, options=options, client=client, **settings)
        schema = counts.schema()
        if client is None:
            return _joined(X, schema, name, options, known, counts.n_rows)
        parts = Table.parts(X, schema=schema, batch_rows=_BATCH, name=name, options=options, **known)
        read = values_of(_tables_of, parts, client, f"reading {name}")
        return _put_together(chain.from_iterable(read), schema, name, counts.n_rows)


def _tables_of(part: TablePart) -> list[Table]:
    """The rows of one file, where it is read."""
    return list(part)


def _joined(
    X: Any,
    schema: Schema,
    name: str,
    options: Options,
    settings: Mapping[str, Any],
    n_rows: int | None = None,
) -> Table:
    batches: Any = Table.batches(X, schema=schema, batch_rows=_BATCH, name=name, options=options, **settings)
    if n_rows is None:
        batches = list(batches)
        n_rows = sum(p.n_rows for p in batches)
    else:
        batches = track(batches, f"reading {name}", -(-n_rows // _BATCH))
    return _put_together(batches, schema, name, n_rows)


def _put_together(batches: Iterable[Table], schema: Schema, name: str, n_rows: int) -> Table:
    """The table of batches with so many rows in all."""
    if not n_rows:
        raise ShapeError(f"{name} has no rows; pass at least 1")
    # filled part by part, since joining all parts at the end would hold every code twice
    codes = np.empty((n_rows, len(schema)), np.uint8 if schema.most_states <= 2**8 else np.uint32)
    weights, end = [], 0
    for part in batches:
        if codes.dtype.kind == "u" and not part.is_complete:
            codes = codes.astype(part.codes.dtype)
        codes[end : end + part.n_rows] = part.codes
        weights += [] if part.weights is None else [part.weights]
        end += part.n_rows
    return Table(schema, codes, np.concatenate(weights) if weights else None)


def _called(X: Any, name: str) -> str:
    """How messages call a table: a file by its path, several by the first."""
    if not is_files(X):
        return name
    paths = [X] if isinstance(X, (str, os.PathLike)) else list(X)
    return str(as_path(paths[0])) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def _is_large(X: Any) -> bool:
    if not is_files(X):
        return False
    paths = [as_path(path) for path in ([X] if isinstance(X, (str, os.PathLike)) else X)]
    sizes = [
        os.path.getsize(p) * (_PACKED if str(p).endswith((".gz", ".zst")) else 1)
        for p in paths
        if os.path.exists(p)
    ]
    return sum(sizes) > _LARGE


@dataclass
class _Advice:
    """Settings that grow until the table can be read, and the problems that made them grow."""

    settings: dict[str, Any]
    dialect: Dialect
    workers: int = 1
    problems: list[Problem] = field(default_factory=list)

    def read_until_it_works(self, X: Any, name: str) -> Table:
        last: ChainruleError | None = None
        for _ in range(_MOST_TRIES):
            try:
                return _read(X, name, self.dialect.options, self.settings, self.workers)
            except UndecodableError as e:
                if "encoding" in self.settings:
                    raise
                last = e
                self.settings["encoding"] = _ENCODING
                self.problems.append(Problem("", e.place))
            except ShapeError:
                if last is None:
                    raise
                break  # the advice would leave out all columns: what is wrong with them says more
            except TableError as e:
                last = e
                odd = odd_texts(X, self.settings) if is_files(X) else []
                for p in odd or e.problems:
                    self.follow(p)
        raise last or ChainruleError(f"{name} cannot be read")

    def follow(self, problem: Problem) -> None:
        """Add the first setting that solves ``problem`` and can be written without knowing more."""
        self.problems.append(problem)
        setting = next(
            (s for s in problem.settings if s in ("bins", "ignore", "max_states", "missing")), "ignore"
        )
        before = self.settings.get(setting)
        if setting == "bins":
            self.settings["bins"] = {**(before or {}), problem.column: _BINS}
        elif setting == "max_states":
            self.settings["max_states"] = max(problem.size, before or 0)
        elif setting == "missing" and problem.texts and not isinstance(before, Mapping):
            known = list(MISSING_TEXTS if before is None else before)
            self.settings["missing"] = [*known, *(t for t in problem.texts if t not in known)]
        else:
            listed_before = [before] if isinstance(before, str) else list(self.settings.get("ignore") or [])
            self.settings["ignore"] = [*listed_before, problem.column]
