"""Table files, part by part: one file or several, text, Parquet or Feather, by their first bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from chainrule.core.errors import DataError, UnknownNameError
from chainrule.core.files import file_to_read
from chainrule.core.text import one_line
from chainrule.tables.arrow_columns import arrow_column, line
from chainrule.tables.columns import Frame, checked_names
from chainrule.tables.text_files import TextFile

__all__ = ["TableFiles"]

_PARQUET, _FEATHER = b"PAR1", b"ARROW1"
_MOST_ROWS, _MOST_CELLS = 1 << 16, 1 << 21  # of a batch
_WHAT = "a CSV, Parquet or Feather file"
_BROKEN = (pa.ArrowException, OSError, UnicodeError)  # what Arrow raises, the last of names that are no UTF-8
_PANDAS_INDEX = "__index_level_"  # row numbers that pandas stores beside the columns


@dataclass(frozen=True)
class TableFiles:
    """The rows of one or several files with the same columns; their order may differ.

    Raises ``DataError`` for a file that is missing, damaged or ragged (with its line), or that lacks a column of
    the first, and ``InputError`` for column names that are empty or repeated.  ``is_part`` says that they are some of
    more files.
    """

    files: tuple[Any, ...]
    is_part: bool = False

    @classmethod
    def open(
        cls,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        encoding: str | None = None,
        header: bool | None = None,
    ) -> TableFiles:
        """Look at the beginning of each file."""
        listed = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
        if not listed:
            raise DataError("the list of files is empty; give at least one path")
        files = tuple(_open(file_to_read(path, _WHAT), encoding, header) for path in listed)
        names = set(files[0].names)
        for file in files[1:]:
            if lacking := [n for n in files[0].names if n not in set(file.names)]:
                raise DataError(
                    f"{file.path} has no column {lacking[0]!r}, which {files[0].path} has; files that are read as one "
                    "table have the same columns"
                )
            if more := [n for n in file.names if n not in names]:
                raise DataError(
                    f"{files[0].path} has no column {more[0]!r}, which {file.path} has; files that are read as one "
                    "table have the same columns"
                )
        return cls(files)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the first file."""
        return self.files[0].names

    @property
    def holds_codes(self) -> bool:
        """Whether the files have no header, so that their numbers may be codes, like those of an array."""
        return all(isinstance(f, TextFile) and not f.has_header for f in self.files)

    @property
    def notes(self) -> tuple[str, ...]:
        """How the files were read, for people."""
        kinds = tuple(dict.fromkeys(file.note() for file in self.files))
        return (f"read from {len(self.files)} files", *kinds) if len(self.files) > 1 else kinds

    def split(self) -> tuple[TableFiles, ...]:
        """Each file alone."""
        return tuple(TableFiles((file,), len(self.files) > 1) for file in self.files)

    def frames(self, columns: Sequence[str], batch_rows: int | None = None) -> Iterator[Frame]:
        """The rows of these columns, at most ``batch_rows`` at a time; memory does not grow with the files."""
        known = set(self.names)
        for name in columns:
            if name not in known:
                raise UnknownNameError.of("column", name, list(self.names))
        for file in self.files:
            first_row = 0
            for batch in file.batches(columns):
                step = batch_rows or max(batch.num_rows, 1)
                for start in range(0, batch.num_rows, step):
                    part = batch.slice(start, step)
                    yield self._frame(file, part, first_row + start)
                first_row += batch.num_rows

    def _frame(self, file: Any, batch: pa.RecordBatch, first_row: int) -> Frame:
        several = f"{file.path}, " if self.is_part or len(self.files) > 1 else ""
        in_text = isinstance(file, TextFile)

        def place(i: int) -> str:
            row = first_row + i
            return several + (f"line {file.line_of(row)}" if in_text else f"row {row}")

        cells = dict(zip(batch.schema.names, batch.columns, strict=True))

        def read(name: str) -> Any:
            if not in_text:
                return arrow_column(cells[name], name, dtype=f"arrow:{cells[name].type}")
            return arrow_column(cells[name], name, dtype="text", in_file=True)

        return Frame("table", tuple(batch.schema.names), batch.num_rows, read, place, {})


@dataclass(frozen=True)
class _Columnar:
    """A Parquet or Feather file."""

    path: Path
    names: tuple[str, ...]
    is_parquet: bool

    def note(self) -> str:
        return "Parquet" if self.is_parquet else "Feather"

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._parquet(columns) if self.is_parquet else self._feather(columns)
        except _BROKEN as e:
            raise _damaged(self.path, e) from e

    def _parquet(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows = max(1, min(_MOST_ROWS, _MOST_CELLS // len(columns)))
        with parquet.ParquetFile(self.path, pre_buffer=False) as table:  # which would hold a row group twice
            for batch in table.iter_batches(rows, columns=list(columns)):
                yield _checked(batch.select(list(columns)), self.path)

    def _feather(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(str(self.path)) as source:
            table = pa.ipc.open_file(source)
            for i in range(table.num_record_batches):
                yield _checked(table.get_batch(i).select(list(columns)), self.path)


def _open(path: Path, encoding: str | None, header: bool | None) -> TextFile | _Columnar:
    try:
        with open(path, "rb") as f:
            start = f.read(6)
        if start.startswith(_PARQUET):
            with parquet.ParquetFile(path) as table:
                return _Columnar(path, _names(table.schema_arrow), True)
        if start.startswith(_FEATHER):
            with pa.memory_map(str(path)) as source:
                return _Columnar(path, _names(pa.ipc.open_file(source).schema), False)
    except _BROKEN as e:
        raise _damaged(path, e) from e
    return TextFile.open(path, encoding, header)


def _names(schema: pa.Schema) -> tuple[str, ...]:
    return checked_names([name for name in schema.names if not name.startswith(_PANDAS_INDEX)])


def _checked(batch: pa.RecordBatch, path: Path) -> pa.RecordBatch:
    """``batch`` once all of it is what its types say; Arrow itself reads on where texts are cut or no UTF-8."""
    for name, cells in zip(batch.schema.names, batch.columns, strict=True):
        try:
            cells.validate(full=True)
        except pa.ArrowInvalid as e:
            raise DataError(f"{path}, column {one_line(name)}: {line(e)}; correct or save it again") from e
    return batch


def _damaged(path: Path, error: BaseException) -> DataError:
    return DataError(f"{path} cannot be read as a table: {line(error)}; correct or save it again")
