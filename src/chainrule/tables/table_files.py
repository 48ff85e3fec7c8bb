"""Table files, batch by batch: CSV and its relatives (plain or gzipped) and Parquet, read by Arrow.

Every cell of a text file stays the text that it is; what it means is decided later.  The first line of a
text file names the columns; comma, semicolon or tab stands between the cells, whichever comes first there.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from chainrule.core.errors import DataError
from chainrule.tables.categorical import checked_names

__all__ = ["TableFile"]

_BLOCK = 1 << 20  # bytes of text parsed at a time; a line must fit in, and Arrow reads up to 32 ahead
_HEADER = 1 << 20  # characters; the header line must fit in
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # row numbers that pandas stores beside the columns
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_ERRORS = (pa.ArrowException, OSError, EOFError, zlib.error, csv.Error, UnicodeDecodeError)


@dataclass(frozen=True)
class TableFile:
    """A table in a file: its column names, and its rows as often as wanted.

    Raises ``DataError`` for a file that is missing, damaged, ragged (with its row) or has no header, and
    ``InputError`` for column names that are empty or repeated.
    """

    path: Path
    names: tuple[str, ...]
    is_text: bool
    separator: str = ","

    @classmethod
    def open(cls, path: str | Path) -> TableFile:
        """Look at the file's first bytes and its header."""
        path = Path(path)
        try:
            with open(path, "rb") as f:
                start = f.read(4)
            if start == _PARQUET:
                with parquet.ParquetFile(path) as table:
                    names = [n for n in table.schema_arrow.names if not _PANDAS_INDEX.fullmatch(n)]
                    return cls(path, checked_names(names), False)
            line, separator = _header(path)
        except FileNotFoundError as e:
            raise DataError(f"there is no file {path}; give the path of a CSV or Parquet file") from e
        except _ERRORS as e:
            raise _damaged(path, e) from e
        if not line:
            raise DataError(f"{path} is empty; expected a line of column names and rows")
        return cls(path, checked_names(line), True, separator)

    def batches(self, columns: Sequence[str], n_rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of these columns, at most ``n_rows`` at a time; memory does not grow with the file."""
        try:
            for batch in self._text(columns) if self.is_text else self._parquet(columns, n_rows):
                for start in range(0, batch.num_rows, n_rows):
                    yield batch.slice(start, n_rows)
        except _ERRORS as e:
            raise _damaged(self.path, e) from e

    def _text(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with pa.input_stream(self.path, compression="gzip" if _zipped(self.path) else None) as stream:
            yield from arrow_csv.open_csv(
                stream,
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self.separator,
                    newlines_in_values=True,
                    # an empty line is an empty cell where there is one column, else it means nothing
                    ignore_empty_lines=len(self.names) > 1,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()), include_columns=list(columns)
                ),
            )

    def _parquet(self, columns: Sequence[str], n_rows: int) -> Iterator[pa.RecordBatch]:
        with parquet.ParquetFile(self.path) as table:
            for batch in table.iter_batches(n_rows, columns=list(columns)):
                yield batch.select(list(columns))


def _zipped(path: Path) -> bool:
    with open(path, "rb") as f:
        return f.read(2) == _GZIP


def _header(path: Path) -> tuple[list[str], str]:
    """The cells of the first line that is not blank (none in an empty file), and what stands between them."""
    with (gzip.open if _zipped(path) else open)(path, "rt", encoding="utf-8-sig", newline="") as text:
        start = text.read(_HEADER).lstrip("\r\n")
    separator = next((c for c in re.sub(r'"[^"]*"', "", start.split("\n", 1)[0]) if c in ",;\t"), ",")
    rows = csv.reader(io.StringIO(start, newline=""), delimiter=separator, strict=True)
    return next(rows, []), separator


def _damaged(path: Path, error: BaseException) -> DataError:
    """What Arrow says in one line; it counts rows from 1, the header."""
    reason = " ".join(str(error).split())[:300]
    return DataError(
        f"{path} cannot be read as a table (row 1 is the header): {reason}; correct or save it again"
    )
