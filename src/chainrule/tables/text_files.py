"""Text tables (CSV, TSV and their like), read by Arrow; every cell stays the text that it is.

Comma, semicolon or tab stands between cells, whichever comes first in the first line; blanks where that is a line
of several numbers.  The first line names the columns, unless it is a row: all of it numbers, of the size of those
below (the setting ``header`` decides where this guesses wrong).  A column without a name in it, such as the row numbers
that data frames write, is called by its place, x1, x2 …, as all are where there are no names.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as arrow_csv

from chainrule.core.delimited import separator_of
from chainrule.core.errors import DataError, InputError
from chainrule.tables.columns import checked_names
from chainrule.tables.encodings import found_encoding, undecodable_line
from chainrule.tables.missing import MISSING_TEXTS
from chainrule.tables.values import number_of

__all__ = ["TextFile", "packer_of", "unpacked"]

_BLOCK = 1 << 20  # bytes parsed at a time, more where lines are long; Arrow reads up to 32 ahead
_START = 1 << 20  # bytes looked at first, more while no line ends in them
_PIECE = 1 << 16
_LONGEST = 1 << 26  # bytes of a first line; eight of its lengths are parsed at a time
_SEPARATOR_LINE, _LINE_END = re.compile(r"(?i)sep=.?\s*(\r|\n|\Z)"), re.compile("\r\n|\n|\r")
_WHOLE_LINE = re.compile(rb"[^\r\n][\r\n]")
_MOST_LOOKED_AT = 200  # rows that tell whether the first line is one of them
_PACKERS: dict[bytes, Literal["gzip", "zstd"]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class TextFile:
    """A text table in a file: how it is written, and its rows as often as wanted."""

    path: Path
    names: tuple[str, ...]
    header: tuple[str, ...] | None  # the names as they are written, where the file has them
    separator: str
    encoding: str
    n_before: int = 0  # empty lines before the first one
    first_bytes: int = 0  # how long the first line is

    @classmethod
    def open(cls, path: Path, encoding: str | None = None, header: bool | None = None) -> TextFile:
        """Look at the beginning of the file; ``DataError`` where it is no table."""
        with unpacked(path) as stream:
            start, limit = _beginning(stream)
            if limit > _LONGEST:
                raise DataError(
                    f"{path}: its first line is longer than {_LONGEST >> 20} MiB; give a table with its names, or its "
                    "first row, in the first line"
                )
        encoding = found_encoding(start, encoding)
        try:
            # a character that the cut goes through is left out
            text = codecs.getincrementaldecoder(encoding)().decode(start)
        except UnicodeDecodeError as e:
            raise undecodable_line([start], encoding, path) or e from e
        if "\0" in text:
            raise DataError(f"{path} is not text: it holds zero bytes; give a CSV, Parquet or Feather file")
        whole, text = text, text.lstrip("\ufeff\r\n")
        if not text:
            raise DataError(f"{path} is empty; expected a line of column names and rows")
        if _SEPARATOR_LINE.match(text):
            raise DataError(
                f"{path}: its first line, {text.splitlines()[0]!r}, is for spreadsheets and names no column; delete it"
            )
        separator = _separator(text)
        rows = _first_rows(text, separator, whole=len(start) < limit)
        first = next(rows, [])
        named = not _is_row(first, list(rows)) if header is None else header
        names = [(name.strip() if named else "") or f"x{j + 1}" for j, name in enumerate(first)]
        try:
            names = checked_names(names)
        except InputError as e:
            raise InputError(f"{path}: {e}") from e
        n_before = len(_LINE_END.findall(whole[: len(whole) - len(text)]))
        header_cells = tuple(first) if named else None
        line = text[: m.start() if (m := _LINE_END.search(text)) else len(text)]
        return cls(
            path, names, header_cells, separator, encoding, n_before, len(line.encode(encoding, "replace"))
        )

    @property
    def has_header(self) -> bool:
        """Whether the first line names the columns."""
        return self.header is not None

    def note(self) -> str:
        """How the file was read, for people."""
        between = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "blanks"}[self.separator]
        head = "" if self.has_header else ", no header line"
        if unnamed := [
            name for name, cell in zip(self.names, self.header or (), strict=False) if not cell.strip()
        ]:
            head = f", columns without a name are called {', '.join(unnamed)}"
        return f"{self.encoding.upper()} text with {between}{head}"

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The cells of these columns as text, about a megabyte of the file at a time."""
        # names stand for themselves where the file has them all, else its first line is passed over
        is_named = self.header is not None and all(cell.strip() for cell in self.header)
        written = dict(zip(self.names, self.header if is_named and self.header else self.names, strict=True))
        with unpacked(self.path) as stream:
            try:
                reader = arrow_csv.open_csv(
                    stream,
                    read_options=arrow_csv.ReadOptions(
                        use_threads=False,
                        block_size=max(_BLOCK, 8 * self.first_bytes),
                        column_names=None if is_named else list(self.names),
                        skip_rows_after_names=self.n_before + 1 if self.has_header and not is_named else 0,
                        encoding="utf8" if self.encoding in ("utf-8", "utf-8-sig") else self.encoding,
                    ),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=self.separator,
                        newlines_in_values=True,
                        # an empty line is an empty cell where there is one column, else it means nothing
                        ignore_empty_lines=len(self.names) > 1,
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=dict.fromkeys(written.values(), pa.string()),
                        include_columns=[written[name] for name in columns],
                    ),
                )
                for batch in reader:
                    yield pa.RecordBatch.from_arrays(batch.columns, names=list(columns))
            except (pa.ArrowException, UnicodeError) as e:
                raise self._fault() or _damaged(self.path, e) from e

    def line_of(self, row: int) -> int:
        """The line (from 1) on which a row (from 0) begins; cells may hold line ends of their own."""
        for i, (line, _) in enumerate(self._records()):
            if i == row + self.has_header:
                return line
        return row + 1 + self.has_header

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """The records with the lines that they begin on, blank ones left out; slow, for messages only."""
        with unpacked(self.path) as stream:
            text = io.TextIOWrapper(io.BufferedReader(_Raw(stream)), self.encoding, newline="")
            reader, before = csv.reader(text, delimiter=self.separator), 0
            for cells in reader:
                line, before = before + 1, reader.line_num
                if cells or len(self.names) == 1:
                    yield line, cells

    def _fault(self) -> DataError | None:
        """What is wrong with the file, with its line, where that can be told."""
        with unpacked(self.path) as stream:
            fault = undecodable_line(iter(lambda: stream.read(_BLOCK), b""), self.encoding, self.path)
        if fault is not None:
            return fault
        wanted = len(self.names)
        try:
            found = next(((line, len(c)) for line, c in self._records() if len(c) not in (wanted, 0)), None)
        except csv.Error as e:
            return DataError(f"{self.path} cannot be read as a table ({e}); correct or save it again")
        if found is None:
            return None
        return DataError(
            f"{self.path}, line {found[0]}: {found[1]} cells, expected {wanted} as in the first line; correct it"
        )


def _beginning(stream: Any) -> tuple[bytes, int]:
    """The first bytes, in which a line ends where one does, and how many were asked for."""
    start, limit = bytearray(), _START
    while True:
        # in pieces: Arrow keeps the memory of a read that meets damage
        while len(start) < limit and (piece := stream.read(min(_PIECE, limit - len(start)))):
            start += piece
        if len(start) < limit or limit > _LONGEST or _WHOLE_LINE.search(start):
            return bytes(start), limit
        limit *= 2


def packer_of(path: Path) -> Literal["gzip", "zstd"] | None:
    """What has packed a file, by its first bytes; ``OSError`` where it cannot be read."""
    with open(path, "rb") as f:
        start = f.read(4)
    return next((name for mark, name in _PACKERS.items() if start.startswith(mark)), None)


@contextmanager
def unpacked(path: Path) -> Iterator[Any]:
    """The bytes of a file as an Arrow stream, unpacked where its first bytes say gzip or zstd.

    Raises ``DataError`` where the file is missing, cannot be read, or is damaged.
    """
    try:
        with pa.input_stream(str(path), compression=packer_of(path)) as stream:
            yield stream
    except FileNotFoundError as e:
        raise DataError(f"there is no file {path}; give the path of a CSV, Parquet or Feather file") from e
    except (OSError, EOFError, pa.ArrowException) as e:
        raise _damaged(path, e) from e


class _Raw(io.RawIOBase):
    """A stream of Arrow's as Python's own, which text can be read from."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _separator(text: str) -> str:
    """What stands between the cells: blanks where the first line is one of several numbers without anything else."""
    cells = text.splitlines()[0].strip(" ").split(" ")
    is_blank = len(cells) > 1 and all(number_of(c) is not None for c in cells)
    return separator_of(text) or (" " if is_blank else ",")


def _first_rows(text: str, separator: str, *, whole: bool) -> Iterator[list[str]]:
    """The first records of a text; its last line is left out where it may be cut."""
    end = len(text) if whole else text.rfind("\n") + 1 or len(text)
    reader = csv.reader(io.StringIO(text[:end], newline=""), delimiter=separator)
    try:
        for _, cells in zip(range(_MOST_LOOKED_AT), reader, strict=False):
            yield cells
    except csv.Error:  # Arrow will say what is wrong
        return


def _is_row(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the first line is a row of numbers like the others, not the names of columns.

    >>> _is_row(["0", "1", "0"], []), _is_row(["2019", "2020"], [["0", "1"]]), _is_row(["0", "1"], [["1", "1"]])
    (True, False, True)
    """
    numbers = [number_of(c) for c in first if c.strip() not in MISSING_TEXTS]
    if not numbers or None in numbers:
        return False
    if len({c.strip() for c in first}) < len(first):  # names differ
        return True
    if len(first) > 2 and [c.strip() for c in first] == [str(j) for j in range(len(first))]:
        return False  # pandas writes the numbers of columns so
    below = [number_of(c) for row in others for c in row if c.strip() not in MISSING_TEXTS]
    if None in below or not below:
        return not below
    known = {x for x in below if x is not None}
    if known <= {0, 1}:
        known = {0.0, 1.0}
    return all(min(known) <= x <= max(known) for x in numbers if x is not None)


def _damaged(path: Path, error: BaseException) -> DataError:
    reason = " ".join(str(error).split())[:300]
    return DataError(f"{path} cannot be read as a table: {reason}; correct or save it again")
