"""Rows under a schema: small integer codes, -1 where a value is missing, and weights if there are any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import as_array, as_list, check_instance, check_integer
from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.core.sums import Client
from chainrule.tables.coding import column_codes, unseen_problem
from chainrule.tables.columns import Column, Frame
from chainrule.tables.discovery import SchemaCounts
from chainrule.tables.giving import give_arrow, give_pandas, give_polars
from chainrule.tables.missing import MISSING
from chainrule.tables.problems import IN_PYTHON, Options, UnseenError
from chainrule.tables.reading import Rows, file_client, read_parts, read_rows, table_counts
from chainrule.tables.schema import Schema
from chainrule.tables.settings import Reading
from chainrule.tables.showing import few, html_table, text_table
from chainrule.tables.values import value_of
from chainrule.tables.weights import checked_weights

__all__ = ["MISSING", "Table", "TablePart"]

_SHOWN = 6  # rows of a table that prints itself
_PER_SCHEMA = (
    "columns",
    "ignore",
    "bins",
    "ordinal",
    "max_states",
)  # what a whole schema has decided already


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """n rows of d variables: ``codes`` (n, d), each the index of a state, -1 where missing.

    ``codes`` are uint8 where nothing is missing and no variable has more than 256 states (rows of 0 and 1 are then
    the array that was passed, not a copy), else int16, or int32 above 32,767 states.  ``weights`` (n,) float64 say
    how much each row counts; ``None`` is one each.

    Raises ``ShapeError`` where the parts do not fit together, ``ValuesError`` for a code that is no state.

    >>> t = Table(Schema.of({"rain": ["no", "yes"], "wet": ["no", "yes"]}), [[0, 0], [1, 1], [1, -1]])
    >>> t.shape, t.is_complete
    ((3, 2), False)
    >>> t
    Table of 3 rows, 2 variables
    rain  wet
    no    no
    yes   yes
    yes   –
    """

    schema: Schema
    codes: NDArray[np.integer[Any]]
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        d = len(check_instance(self.schema, Schema, "schema", like="a Schema"))
        codes = as_array(self.codes, "codes")
        if codes.ndim != 2 or codes.shape[1] != d:
            raise ShapeError(f"codes of shape {codes.shape} for {d} columns; pass (rows, {d})")
        if codes.dtype.kind not in "iu":
            raise ValuesError(f"codes must be whole numbers, they are {codes.dtype}")
        _check_codes(codes, self.schema)
        object.__setattr__(self, "codes", _narrow(codes, max(self.schema.sizes)))
        if self.weights is not None:
            object.__setattr__(self, "weights", checked_weights(self.weights, len(codes)))

    @classmethod
    def read(
        cls,
        X: Any,
        *,
        schema: Schema | Mapping[str, Sequence[str] | int] | None = None,
        columns: Iterable[str] | None = None,
        ignore: Iterable[str] | str = (),
        bins: Mapping[str, Any] | None = None,
        ordinal: Mapping[str, Sequence[str] | bool] | Iterable[str] = (),
        missing: Iterable[str] | Mapping[str, Iterable[str]] | None = None,
        strip: bool | None = None,
        unseen: str | Mapping[str, str] = "error",
        max_states: int = 256,
        weights: str | ArrayLike | None = None,
        encoding: str | None = None,
        header: bool | None = None,
        name: str = "X",
        min_rows: int = 1,
        options: Options = IN_PYTHON,
    ) -> Table:
        """The rows of ``X``: an array, a data frame (pandas, polars, Arrow), a dict of columns, a ``Table``, a
        sparse matrix of 0 and 1, or a path or list of paths of CSV, TSV (plain, gzip, zstd), Parquet or Feather files.

        * ``schema``: a ``Schema`` to read by, or the states of some columns (a list of texts in order, or their
          number); the others' states are found.  What is stated wins over every other rule.
        * ``columns``, ``ignore``: the columns to keep, in this order (default: all), and to leave out.
        * ``bins``: columns of measurements to cut, ``{"age": 5}`` (quantiles), ``{"age": {"k": 5, "by": "width"}}``
          or ``{"age": [18, 65]}`` (cuts; a number that equals one goes below it).
        * ``ordinal``: columns whose states have an order: their names (numbers by value, texts by character), or
          a dict with their states in order.
        * ``missing``: texts that mean "not known", for all columns or as a dict by column (default:
          ``missing.MISSING_TEXTS`` in text files, none in memory).  ``strip``: leave out the space around texts
          (default: in text files).
        * ``unseen``: what becomes of a category that the schema does not have, in all columns or by column: "error"
          (default), "missing", or "most_frequent", the state that most rows had where the schema was found.
        * ``max_states``: more distinct values than this are a problem, not states.
        * ``weights``: a column of numbers, which is then no variable, or an array (n,).
        * ``encoding`` of text files (default: by byte order mark, else UTF-8), ``header``: whether their first line
          names the columns (default: unless it is a row of numbers like the others).
        * ``name``, ``options``: how messages call ``X``, and write the settings that they advise.

        How cells are read (``missing``, ``strip``, ``bins``, ``unseen``, ``encoding``) stays with the schema, so a
        model reads later rows the same way; ``print(table.schema)`` shows what was decided.

        Raises ``TableError`` that lists all columns which cannot be read as states, ``UnseenError`` for unseen
        categories, ``UnknownNameError`` for a column that is not there, ``ShapeError``, ``DataError``.

        >>> t = Table.read({"age": [31, 58, 44, 17], "wet": ["no", "yes", None, "no"]}, bins={"age": 2})
        >>> t.schema.states
        {'age': ('<= 37.5', '> 37.5'), 'wet': ('no', 'yes')}
        >>> Table.read({"age": [99], "wet": ["yes"]}, schema=t.schema).codes.tolist()
        [[1, 1]]
        """
        whole, reading = _reading(
            schema,
            columns=columns,
            ignore=ignore,
            bins=bins,
            ordinal=ordinal,
            missing=missing,
            strip=strip,
            unseen=unseen,
            max_states=max_states,
            encoding=encoding,
            header=header,
            options=options,
        )
        check_instance(name, str, "name", like="a text")
        if isinstance(X, Table):
            return X._read_again(whole, reading, weights)
        return cls._of(read_rows(X, whole, reading, weights, name, min_rows))

    @classmethod
    def batches(
        cls,
        X: Any,
        *,
        schema: Schema | Mapping[str, Sequence[str] | int] | None = None,
        batch_rows: int = 65_536,
        weights: str | ArrayLike | None = None,
        name: str = "X",
        **settings: Any,
    ) -> Iterator[Table]:
        """The rows of files (or of any table) in tables of at most ``batch_rows`` rows, all under one schema.

        Without a whole ``schema``, files are read once before, to find it; memory does not grow with them.
        ``settings`` are those of ``read``.

        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "rows.csv"
        >>> _ = path.write_text("a,b\\n0,x\\n1,y\\n1,\\n")
        >>> [t.codes.tolist() for t in Table.batches(path, batch_rows=2)]
        [[[0, 0], [1, 1]], [[1, -1]]]
        """
        return chain.from_iterable(
            cls.parts(X, schema=schema, batch_rows=batch_rows, weights=weights, name=name, **settings)
        )

    @classmethod
    def parts(
        cls,
        X: Any,
        *,
        schema: Schema | Mapping[str, Sequence[str] | int] | None = None,
        batch_rows: int = 65_536,
        weights: str | ArrayLike | None = None,
        name: str = "X",
        client: Client | None = None,
        **settings: Any,
    ) -> list[TablePart]:
        """``batches`` of each file, as parts that can be sent to a process that reads there; any other table is one.

        ``client`` (see ``core.sums``) looks for the states of files, where they are not known ahead.
        """
        check_integer(batch_rows, "batch_rows")
        check_instance(name, str, "name", like="a text")
        client = file_client(client, X, name)
        whole, reading = _reading(schema, **settings)
        if isinstance(X, Table):
            again = X._read_again(whole, reading, weights)
            found = Rows(again.schema, again.codes, again.weights)
            starts = range(0, max(again.n_rows, 1), batch_rows)
            return [TablePart(name, [found.of(slice(i, i + batch_rows)) for i in starts])]
        return [TablePart(*part) for part in read_parts(X, whole, reading, batch_rows, weights, name, client)]

    @classmethod
    def counts(
        cls,
        X: Any,
        *,
        weights: str | None = None,
        name: str = "X",
        client: Client | None = None,
        **settings: Any,
    ) -> SchemaCounts:
        """What occurs in the columns of a table or of files; the counts of parts add up, and give the schema.

        ``client`` (see ``core.sums``) looks at files.

        >>> parts = [Table.counts({"a": ["u", "v"]}), Table.counts({"a": ["w"]})]
        >>> (parts[0] + parts[1]).schema().states
        {'a': ('u', 'v', 'w')}
        """
        check_instance(name, str, "name", like="a text")
        _, reading = _reading(settings.pop("schema", None), **settings)
        return table_counts(X, reading, weights, name, file_client(client, X, name))

    @classmethod
    def _of(cls, rows: Any) -> Table:
        """The table of rows that were read, which need no second check."""
        table = object.__new__(cls)
        object.__setattr__(table, "schema", rows.schema)
        object.__setattr__(table, "codes", _narrow(rows.codes, max(rows.schema.sizes)))
        object.__setattr__(table, "weights", rows.weights)
        return table

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of variables."""
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.codes.shape[0]

    @property
    def is_complete(self) -> bool:
        """Whether no value is missing."""
        return self.codes.dtype.kind == "u"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which cells are missing, (n, d)."""
        return np.zeros(self.codes.shape, bool) if self.is_complete else self.codes < 0

    def __len__(self) -> int:
        return self.n_rows

    def __getitem__(self, rows: slice | NDArray[Any]) -> Table:
        """Some rows, by a slice, a mask or their places; ``InputError`` where there are no such rows."""
        if isinstance(rows, (str, int, np.integer)):
            raise InputError("a table is indexed by rows: table[10:20]; table.column(name) has one column")
        try:
            codes, weights = self.codes[rows], None if self.weights is None else self.weights[rows]
        except (IndexError, TypeError, ValueError) as e:
            raise InputError(
                f"a table of {len(self):,} rows is indexed by a slice, a mask or places: {e}"
            ) from e
        return Table(self.schema, codes, weights)

    def head(self, n: int = 5) -> Table:
        """The first n rows."""
        return self[: check_integer(n, "n", least=0)]

    def select(self, names: Iterable[str]) -> Table:
        """The table of these columns, in this order; ``UnknownNameError`` for one that is not there.

        >>> Table.read({"a": ["u", "v"], "b": [0, 1]}).select(["b"]).codes.tolist()
        [[0], [1]]
        """
        listed = names if isinstance(names, str) else as_list(names, "names", of="columns")
        places = [self.schema.index(name) for name in listed]
        schema = self.schema.select([self.schema.names[j] for j in places])
        return Table(schema, self.codes[:, places], self.weights)

    def column(self, name: str) -> NDArray[np.integer[Any]]:
        """The codes (n,) of one column."""
        return self.codes[:, self.schema.index(name)]

    def decode(self) -> dict[str, NDArray[Any]]:
        """The labels of each column (n,) as an array of objects, ``None`` where a value is missing.

        >>> Table(Schema.of({"a": ["no", "yes"]}), [[1], [-1]]).decode()["a"].tolist()
        ['yes', None]
        """
        return {
            v.name: np.array([*v.states, None], object)[self.codes[:, j].astype(np.intp)]
            for j, v in enumerate(self.schema.variables)
        }

    def value_counts(self, name: str) -> dict[str, float]:
        """How often (by weight) each state of a column occurs; states without a row have 0.

        >>> Table.read({"a": ["u", "v", "u", None]}).value_counts("a")
        {'u': 2, 'v': 1}
        """
        codes, variable = self.column(name), self.schema[name]
        there = codes >= 0
        weights = None if self.weights is None else self.weights[there]
        counts = np.bincount(codes[there].astype(np.intp), weights, minlength=variable.size)
        return dict(zip(variable.states, counts.tolist(), strict=True))

    def to_pandas(self) -> Any:
        """A pandas ``DataFrame``, with the types that the columns had where they came from pandas."""
        return give_pandas(self.codes, self.schema)

    def to_polars(self) -> Any:
        """A polars ``DataFrame``, with the types that the columns had where they came from polars."""
        return give_polars(self.codes, self.schema)

    def to_arrow(self) -> Any:
        """An Arrow table, with the types that the columns had where they came from Arrow."""
        return give_arrow(self.codes, self.schema)

    def __repr__(self) -> str:
        return text_table(self._headline(), *self._shown(), n_rows=self.n_rows)

    def _repr_html_(self) -> str:
        return html_table(self._headline(), *self._shown(), n_rows=self.n_rows)

    def _headline(self) -> str:
        n, d = self.shape
        weighted = "" if self.weights is None else f", weighing {self.weights.sum():g}"
        return f"Table of {n:,} row{'s' * (n != 1)}, {d:,} variable{'s' * (d != 1)}{weighted}"

    def _shown(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [v.states[int(k)] if k >= 0 else "–" for v, k in zip(self.schema.variables, row, strict=True)]
            for row in self.codes[:_SHOWN]
        ]
        return few(self.schema.names, rows)

    def _read_again(self, schema: Schema | None, reading: Reading, weights: Any) -> Table:
        """This table under another schema, by the labels of its states; weights are kept."""
        weights = self.weights if weights is None else weights
        if schema is None and reading.names_columns:
            names = reading.chosen(self.schema.names)
            if replace(reading, columns=None, ignore=()).names_columns:
                schema = _found_in({n: self._as_column(self.schema.index(n)) for n in names}, self, reading)
            else:
                schema = self.schema.select(names)
        if schema is None or schema == self.schema:
            return self if weights is self.weights else Table(self.schema, self.codes, weights)
        codes = np.empty((self.n_rows, len(schema)), np.int32)
        unseen = []
        for j, variable in enumerate(schema.variables):
            if variable.name not in self.schema:
                raise UnknownNameError.of("column", variable.name, list(self.schema.names))
            column = self._as_column(self.schema.index(variable.name))
            coded = column_codes(column, variable, minus_one_is_missing=schema.holds_codes)
            codes[:, j] = coded.codes
            if coded.unseen is not None:
                unseen.append(unseen_problem(column, variable, coded.unseen, f"row {coded.unseen}"))
        if unseen:
            raise UnseenError(unseen, reading.options)
        return Table(schema, codes, weights)

    def _as_column(self, j: int) -> Column:
        v = self.schema.variables[j]
        values = v.states if v.kind == "interval" else [value_of(label, v.kind) for label in v.states]
        return Column(values, self.codes[:, j], v.kind, v.dtype, True, v.ordered, closed=v.closed)


@dataclass(frozen=True)
class TablePart:
    """Rows that are read together, as tables under one schema each time that they are asked for.

    ``name`` is what messages call them.  Parts of files can be pickled, and then hold no rows.
    """

    name: str
    rows: Iterable[Rows]

    def __iter__(self) -> Iterator[Table]:
        return map(Table._of, self.rows)


def _found_in(columns: dict[str, Column], table: Table, reading: Reading) -> Schema:
    frame = Frame(
        table.schema.container, tuple(columns), table.n_rows, columns.__getitem__, "row {}".format, {}
    )
    return SchemaCounts.of_columns(columns, frame, reading).schema()


def _reading(schema: Any, **settings: Any) -> tuple[Schema | None, Reading]:
    """A whole schema, if there is one, and the settings; ``InputError`` where both decide the same."""
    given = {k: v for k, v in settings.items() if v is not None}
    if not isinstance(schema, Schema):
        return None, Reading(schema={} if schema is None else schema, **given)
    reading = Reading(**given)
    for name in _PER_SCHEMA:
        if getattr(reading, name) != getattr(Reading(), name):
            raise InputError(f"{name} and a whole schema are given, which says it already; leave one out")
    return schema, reading


def _check_codes(codes: NDArray[np.integer[Any]], schema: Schema) -> None:
    if not codes.size:
        return
    bad = codes.max(axis=0) >= np.array(schema.sizes)
    if codes.dtype.kind == "i":
        bad |= codes.min(axis=0) < MISSING
    if bad.any():
        j = int(np.flatnonzero(bad)[0])
        column = codes[:, j]
        wrong = column >= schema.sizes[j]
        i = int(np.flatnonzero(wrong if codes.dtype.kind == "u" else wrong | (column < MISSING))[0])
        raise ValuesError(
            f"row {i}, column {schema.names[j]!r}: the code {codes[i, j]} is no state; codes are 0 to "
            f"{schema.sizes[j] - 1}, or -1 for a missing value"
        )


def _narrow(codes: NDArray[np.integer[Any]], most_states: int) -> NDArray[np.integer[Any]]:
    """``codes`` in the smallest type that the class promises; unsigned says that nothing is missing."""
    complete = codes.dtype.kind == "u" or not codes.size or int(codes.min()) >= 0
    if complete:
        dtype = np.uint8 if most_states <= 2**8 else np.uint32
    else:
        dtype = np.int16 if most_states <= 2**15 - 1 else np.int32
    return np.ascontiguousarray(codes, dtype)
