"""Tables to files: CSV, TSV, Parquet or Feather, by the end of the file's name, whole or not at all.

Text is UTF-8 with a line of names, and with quotes only where a cell needs them; a missing cell is empty.  ``.gz`` and
``.zst`` after ``.csv`` or ``.tsv`` pack it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.feather as feather
import pyarrow.parquet as parquet

from chainrule.core.errors import InputError, OutputError
from chainrule.core.files import as_path, replacing

__all__ = ["KNOWN_ENDS", "check_end", "csv_text", "packed_file", "write_table"]

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_PACKERS = {".gz": "gzip", ".zst": "zstd"}
_BINARY = (".parquet", ".feather", ".arrow")
KNOWN_ENDS = ".csv, .tsv (also .gz, .zst after them), .parquet or .feather"
_ROWS = 65_536  # written as text at a time


def check_end(path: str | Path) -> str:
    """The end of a file's name that says its format, without that of a packer; ``InputError`` for another.

    >>> check_end("a.CSV.gz"), check_end("b.parquet")
    ('.csv', '.parquet')
    """
    path = as_path(path)
    ends = [end.lower() for end in path.suffixes]
    if ends and ends[-1] in _BINARY:
        return ends[-1]
    if ends and ends[-1] in _PACKERS:
        del ends[-1]
    if ends and ends[-1] in _SEPARATORS:
        return ends[-1]
    raise InputError(f"the format of {path.name!r} is told by its end: {KNOWN_ENDS}; give it one of these")


def write_table(path: str | Path, table: pa.Table) -> None:
    """Write ``table`` to ``path`` in the format that its name ends in.

    Raises ``InputError`` for an end that is not known, ``OutputError`` where the place cannot be written to.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rows.csv"
    >>> write_table(path, pa.table({"a": ["x, y", None], "b": [1, 2]}))
    >>> path.read_text()
    'a,b\\n"x, y",1\\n,2\\n'
    """
    end = check_end(path)
    with replacing(path) as temporary:
        try:
            if end in _SEPARATORS:
                with packed_file(temporary, path) as stream:
                    _write_text(stream, table, _SEPARATORS[end])
            elif end == ".parquet":
                parquet.write_table(table, temporary)
            else:
                feather.write_feather(table, str(temporary))
        except pa.ArrowException as e:
            raise OutputError(f"cannot write {path} ({' '.join(str(e).split())}); is the disk full?") from e


def csv_text(table: pa.Table) -> str:
    """``table`` as the text of a CSV file.

    >>> csv_text(pa.table({"a": ["x"], "b": [1]}))
    'a,b\\nx,1\\n'
    """
    stream = io.BytesIO()
    _write_text(stream, table, ",")
    return stream.getvalue().decode()


@contextmanager
def packed_file(path: Path, name: str | Path) -> Iterator[Any]:
    """A stream of bytes into ``path``, packed as the end of ``name`` says."""
    with pa.output_stream(str(path), compression=_PACKERS.get(Path(name).suffix.lower())) as stream:
        yield stream


def _write_text(stream: Any, table: pa.Table, separator: str) -> None:
    stream.write(_lines([table.column_names], separator))
    plain = pa.table({name: _as_plain(table[name]) for name in table.column_names})
    for batch in plain.to_batches(max_chunksize=_ROWS):
        # one column: an empty line would be an empty cell to no reader
        stream.write(_fast(batch, separator) or _lines(_rows(batch), separator))


def _as_plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without a dictionary, which the writer of text does not take."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    return column.cast(pa.string()) if pa.types.is_large_string(kind) else column


def _fast(batch: pa.RecordBatch, separator: str) -> bytes | None:
    """The lines, where no cell needs quotes; else ``None``."""
    if batch.num_columns == 1:
        return None
    sink = io.BytesIO()
    try:
        options = arrow_csv.WriteOptions(include_header=False, delimiter=separator, quoting_style="none")
        arrow_csv.write_csv(batch, sink, options)
    except pa.ArrowInvalid:
        return None
    return sink.getvalue()


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(_texts(column) for column in batch.columns), strict=True)


def _texts(column: pa.Array) -> list[Any]:
    if pa.types.is_boolean(column.type):  # as Arrow writes them
        return [None if v is None else str(v).lower() for v in column.to_pylist()]
    return column.to_pylist()


def _lines(rows: Any, separator: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
