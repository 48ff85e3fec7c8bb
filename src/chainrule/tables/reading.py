"""Any table as schema, codes and weights: in one piece, or part by part with memory that does not grow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.core.sums import Client, checked_client, values_of
from chainrule.tables.arrays import array_codes, plain_array
from chainrule.tables.coding import code_type, column_codes, unseen_problem
from chainrule.tables.columns import Column, Frame
from chainrule.tables.discovery import SchemaCounts
from chainrule.tables.frames import array_frame, has_names, to_frame
from chainrule.tables.problems import Problem, TableError, UnseenError
from chainrule.tables.schema import Schema
from chainrule.tables.settings import Reading
from chainrule.tables.weights import checked_weights

if TYPE_CHECKING:
    from chainrule.tables.files import TableFiles

__all__ = ["Rows", "RowsPart", "file_client", "is_files", "read_parts", "read_rows", "table_counts"]


class Rows(NamedTuple):
    """What a table is made of: codes (n, d) under a schema, and weights (n,) if there are any."""

    schema: Schema
    codes: NDArray[np.integer[Any]]
    weights: NDArray[np.float64] | None

    def of(self, part: slice) -> Rows:
        """Some of them."""
        return Rows(self.schema, self.codes[part], None if self.weights is None else self.weights[part])


def read_rows(
    X: Any, schema: Schema | None, reading: Reading, weights: Any = None, name: str = "X", min_rows: int = 1
) -> Rows:
    """The rows of ``X`` under ``schema``, or under the one that ``reading`` finds in them."""
    min_rows = check_integer(min_rows, "min_rows", least=0)
    if not is_files(X) and not has_names(X):
        a = plain_array(X, name, None if schema is None else len(schema), min_rows)
        if _are_codes(a, schema, reading):
            codes, found = array_codes(a, schema, name, reading.max_states, reading.options)
            return Rows(found, codes, _weights_of(weights, len(codes)))
    source = _Source.of(X, schema, reading, weights, name)
    parts = list(source.parts(None))
    if sum(p.frame.n_rows for p in parts) < min_rows:
        raise ShapeError(f"{name} has no rows; pass at least {min_rows}")
    if schema is None:
        schema = SchemaCounts.total([source.counts(p) for p in parts]).schema()
    coded = [_code(part, schema, reading) for part in parts]
    codes = coded[0] if len(coded) == 1 else np.concatenate(coded)
    return Rows(schema, codes, _all_weights(parts, weights, len(codes)))


@dataclass(frozen=True)
class RowsPart:
    """The rows of one file in batches of at most ``batch_rows``, each time that they are asked for; one is empty."""

    source: _Source
    schema: Schema
    batch_rows: int

    def __iter__(self) -> Iterator[Rows]:
        is_empty = True
        for part in self.source.parts(self.batch_rows):
            yield Rows(self.schema, _code(part, self.schema, self.source.reading), part.weights)
            is_empty = False
        if is_empty:  # of which counts are none, too
            weights = None if self.source.weights is None else np.empty(0)
            yield Rows(self.schema, np.empty((0, len(self.schema)), np.uint8), weights)


def read_parts(
    X: Any,
    schema: Schema | None,
    reading: Reading,
    batch_rows: int,
    weights: Any = None,
    name: str = "X",
    client: Client | None = None,
) -> list[tuple[str, Iterable[Rows]]]:
    """The rows of ``X`` in parts, all under one schema, with what messages call each: a file, or all there are.

    A part yields batches of at most ``batch_rows`` rows, an empty one where there are none.  Without a schema, files
    are read once before, to find it.
    """
    if not is_files(X):
        whole = read_rows(X, schema, reading, weights, name)
        slices = [slice(i, i + batch_rows) for i in range(0, max(len(whole.codes), 1), batch_rows)]
        return [(name, [whole.of(part) for part in slices])]
    if weights is not None and not isinstance(weights, str):
        raise InputError("weights of files that are read in parts must be the name of a column")
    source = _Source.of(X, schema, reading, weights, name)
    found = _counts(source, name, client).schema() if schema is None else schema
    return [(one.called or name, RowsPart(one, found, batch_rows)) for one in source.split()]


def table_counts(
    X: Any, reading: Reading, weights: Any = None, name: str = "X", client: Client | None = None
) -> SchemaCounts:
    """What occurs in the columns of a table; in files with memory that does not grow with them."""
    return _counts(_Source.of(X, None, reading, weights, name), name, client)


def is_files(X: Any) -> bool:
    """Whether ``X`` is a path or a list of paths."""
    if isinstance(X, (list, tuple)):
        return bool(X) and all(isinstance(path, (str, os.PathLike)) for path in X)
    return isinstance(X, (str, os.PathLike))


def file_client(client: Any, X: Any, name: str = "X") -> Client | None:
    """``client``, checked; ``InputError`` where ``X`` is no files that it could read where it runs."""
    found = checked_client(client)
    if found is not None and not is_files(X):
        raise InputError(
            f"client is for files, each of which is read where it runs, but {name} is in memory; pass a path or a list "
            "of paths, or leave client out"
        )
    return found


@dataclass(frozen=True)
class _Part:
    """Some rows of a table: the wanted columns as they were found."""

    frame: Frame
    columns: Mapping[str, Column | Problem]
    weights: NDArray[np.float64] | None


@dataclass(frozen=True)
class _Source:
    """A table that names its columns, part by part."""

    frames: Any  # of columns and rows at a time, an iterator of frames
    wanted: tuple[str, ...]
    weights: str | None
    reading: Reading
    as_codes: bool
    notes: tuple[str, ...]
    files: TableFiles | None
    called: str = ""  # one of several files, by its path

    @classmethod
    def of(cls, X: Any, schema: Schema | None, reading: Reading, weights: Any, name: str) -> _Source:
        """The source that ``X`` is, with the columns that are wanted of it."""
        column = weights if isinstance(weights, str) else None
        as_codes, notes, files = False, (), None
        if is_files(X):
            from chainrule.tables.files import TableFiles

            encoding = reading.encoding or (schema.encoding if schema is not None else None)
            files = TableFiles.open(X, encoding, reading.header)
            names, notes, frames, as_codes = files.names, files.notes, files.frames, files.holds_codes
        else:
            frame = to_frame(X) if has_names(X) else None
            if frame is None:
                a = plain_array(X, name, None if schema is None else len(schema), 0)
                frame, as_codes = (
                    array_frame(a, None if schema is None else schema.names),
                    a.dtype.kind in "biuf",
                )
            names, one = frame.names, frame

            def frames(columns: Sequence[str], batch_rows: int | None) -> Iterable[Frame]:
                return [one]

        if column is not None and column not in set(names):
            raise UnknownNameError.of("column", column, list(names))
        wanted = reading.chosen(names) if schema is None else _of_schema(schema, names, name)
        wanted = tuple(n for n in wanted if n != column)
        if not wanted:
            raise ShapeError(f"no column of {name} is left; pass at least one beside those that are left out")
        return cls(frames, wanted, column, reading, as_codes, notes, files)

    def split(self) -> list[_Source]:
        """The source of each file alone, as it is looked at elsewhere; a table in memory is one."""
        if self.files is None:
            return [self]
        parts = self.files.split()
        called = [str(part.files[0].path) if part.is_part else "" for part in parts]
        return [replace(self, frames=p.frames, files=p, called=c) for p, c in zip(parts, called, strict=True)]

    def parts(self, batch_rows: int | None) -> Iterator[_Part]:
        """The rows, at most so many at a time."""
        columns = (*self.wanted, *([self.weights] if self.weights is not None else []))
        for frame in self.frames(columns, batch_rows):
            found = {name: frame.read(name) for name in self.wanted}
            yield _Part(frame, found, None if self.weights is None else _weights_in(frame, self.weights))

    def counts(self, part: _Part, *, bounded: bool = False) -> SchemaCounts:
        """What occurs in one part."""
        return SchemaCounts.of_columns(
            part.columns, part.frame, self.reading, as_codes=self.as_codes, notes=self.notes, bounded=bounded
        )


def _counts(source: _Source, name: str, client: Client | None = None) -> SchemaCounts:
    """The sums of files, added up in their order, so that what is approximate is the same whoever counts."""
    each = values_of(_counts_of_part, source.split(), client, f"looking at the columns of {name}")
    found = list(chain.from_iterable(each))
    if not found:
        raise ShapeError(f"{name} has no rows; pass at least one")
    return SchemaCounts.total(found)


def _counts_of_part(source: _Source) -> list[SchemaCounts]:
    """What occurs in one file, or nothing where it has no rows."""
    found = (source.counts(part, bounded=source.files is not None) for part in source.parts(None))
    first = next(found, None)
    return [] if first is None else [reduce(add, found, first)]


def _are_codes(a: NDArray[Any], schema: Schema | None, reading: Reading) -> bool:
    """Whether an array holds codes, not texts or measurements that are still to be cut."""
    if a.dtype.kind not in "biuf":
        return False
    if schema is not None:
        return not schema.cuts_numbers
    return not reading.names_columns


def _of_schema(schema: Schema, names: Sequence[str], what: str) -> tuple[str, ...]:
    """The columns of a schema; ``UnknownNameError`` where some are not there."""
    there = set(names)
    lacking = [name for name in schema.names if name not in there]
    if lacking:
        reason = UnknownNameError.of("column", lacking[0], list(names))
        raise UnknownNameError(f"{what} lacks {len(lacking)} of {len(schema)} columns: {reason}")
    return schema.names


def _code(part: _Part, schema: Schema, reading: Reading) -> NDArray[np.integer[Any]]:
    """The codes (n, d) of one part; ``UnseenError`` or ``TableError`` with the problems of all columns."""
    out = np.empty((part.frame.n_rows, len(schema)), code_type(schema.sizes))
    unseen, unfit = [], []
    for j, variable in enumerate(schema.variables):
        column = part.columns[variable.name]
        if isinstance(column, Problem):
            unfit.append(column)
            continue
        if reading.unseen_in(variable.name) != "error":
            variable = replace(variable, unseen=reading.unseen_in(variable.name))
        coded = column_codes(column, variable, minus_one_is_missing=schema.holds_codes)
        out[:, j] = coded.codes
        if coded.unseen is not None:
            unseen.append(unseen_problem(column, variable, coded.unseen, part.frame.place(coded.unseen)))
    if unfit:
        raise TableError(unfit, reading.options)
    if unseen:
        raise UnseenError(unseen, reading.options)
    return out


def _weights_in(frame: Frame, name: str) -> NDArray[np.float64]:
    """The weights in a column; ``ValuesError`` names the row of one that is none."""
    column = frame.read(name)
    numbers = None if isinstance(column, Problem) else column.numbers
    if isinstance(column, Problem) or numbers is None:
        raise ValuesError(f"the weights in column {name!r} are no numbers; name a column of numbers")
    found = np.array([*numbers, np.nan])[column.indices.astype(np.intp, copy=False)]
    bad = np.flatnonzero(~((found >= 0) & np.isfinite(found)))
    if bad.size:
        row = int(bad[0])
        held = "missing" if column.indices[row] < 0 else repr(column.labels[int(column.indices[row])])
        raise ValuesError(
            f"{frame.place(row)}: the weight in column {name!r} is {held}; weights are finite and at least 0"
        )
    return found


def _all_weights(parts: Sequence[_Part], weights: Any, n_rows: int) -> NDArray[np.float64] | None:
    if isinstance(weights, str):
        return np.concatenate([p.weights for p in parts if p.weights is not None])
    return _weights_of(weights, n_rows)


def _weights_of(weights: Any, n_rows: int) -> NDArray[np.float64] | None:
    return None if weights is None else checked_weights(weights, n_rows)
