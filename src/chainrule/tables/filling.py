"""Holes of a table file filled, and nothing else touched.

In a text file every other cell stays as it is written, byte for byte: its quotes, its spaces, the separator, the
encoding and the ends of lines.  A filled cell is the label of a state, in quotes where it needs them.  In Parquet and
Feather a filled cell has the type of its column; a measurement that was cut into bins gets the middle of its bin.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.core.delimited import QUOTED
from chainrule.core.errors import DataError
from chainrule.core.files import replacing
from chainrule.tables.bins import bin_middles
from chainrule.tables.missing import MISSING
from chainrule.tables.schema import Variable
from chainrule.tables.table import Table
from chainrule.tables.text_files import TextFile, unpacked
from chainrule.tables.values import label_of, value_of
from chainrule.tables.writing import packed_file

__all__ = ["fill_columns", "fill_text"]

_LINE_END = re.compile(r"\r\n|\n|\r|\Z")
_QUOTED = re.compile(QUOTED)


def fill_text(file: TextFile, before: Table, after: Table, out: str | Path) -> int:
    """Write ``file`` to ``out`` with each hole of ``before`` as ``after`` has it; returns how many were filled.

    A cell that is missing only because its text is no state stays what it is.  Raises ``DataError`` where the lines
    of the file are not the rows that were read.
    """
    with unpacked(file.path) as stream:
        content = stream.read()
    text = content.decode(file.encoding)
    places = [file.names.index(v.name) for v in before.schema.variables]
    filled, pieces, row = 0, [], -int(file.has_header)
    holes = before.missing
    for is_row, raw, end in _records(text, file.separator, len(file.names)):
        if is_row:
            if row >= 0 and row < len(holes) and holes[row].any():
                found = _split(raw, file.separator)
                if len(found) != len(file.names):
                    raise _changed(file)
                for j in np.flatnonzero(holes[row]):
                    filled += _fill(
                        found, places[j], before.schema.variables[j], int(after.codes[row, j]), file
                    )
                raw = file.separator.join(found)
            row += 1
        pieces += [raw, end]
    if row != before.n_rows:
        raise _changed(file)
    with replacing(out) as temporary, packed_file(temporary, out) as stream:
        stream.write(_encoded("".join(pieces), file.encoding, content))
    return filled


def fill_columns(raw: pa.Table, before: Table, after: Table) -> tuple[pa.Table, int]:
    """The columns of a file with each hole of ``before`` as ``after`` has it, and how many were filled."""
    filled, out = 0, raw
    for j, variable in enumerate(before.schema.variables):
        rows = np.flatnonzero(before.missing[:, j])
        if not len(rows):
            continue
        place = raw.column_names.index(variable.name)
        column = raw.column(place)
        cells, values = column.to_pylist(), _values(variable, column.type)
        for i in rows.tolist():
            label = label_of(cells[i])
            if label is None or variable.find(label, in_file=True) == MISSING:
                cells[i] = values[int(after.codes[i, j])]
                filled += 1
        out = out.set_column(place, raw.schema.field(place), _column(cells, column.type))
    return out, filled


def _records(text: str, separator: str, n_columns: int) -> Iterator[tuple[bool, str, str]]:
    """Whether it is a row, the record, and the end of its line; these together are the text."""
    mark, at = re.compile(rf"{re.escape(separator)}|(?P<end>\r\n|\n|\r|\Z)"), 0
    while at < len(text):
        line = _LINE_END.search(text, at)
        assert line is not None  # it matches at the end
        stop, end = line.span()
        if text.find('"', at, stop) >= 0:
            stop, end = _end_of_record(text, at, mark)
        yield stop > at or (end > stop and n_columns == 1), text[at:stop], text[stop:end]
        at = end


def _end_of_record(text: str, at: int, mark: re.Pattern[str]) -> tuple[int, int]:
    """Where the record that begins at an index ends, and where the next one begins; ``mark`` is what ends cells."""
    while True:
        if text.startswith('"', at):
            quoted = _QUOTED.match(text, at)
            at = len(text) if quoted is None else quoted.end()
        found = mark.search(text, at)
        assert found is not None  # it matches at the end
        if found["end"] is not None:
            return found.span()
        at = found.end()


def _split(record: str, separator: str) -> list[str]:
    """The cells of a record as they are written, quotes and all.

    >>> _split('a,"b, c",', ",")
    ['a', '"b, c"', '']
    """
    cells, start = [], 0
    while True:
        found = _QUOTED.match(record, start)
        end = record.find(separator, found.end() if found else start)
        cells.append(record[start : len(record) if end < 0 else end])
        if end < 0:
            return cells
        start = end + 1


def _fill(cells: list[str], place: int, variable: Variable, code: int, file: TextFile) -> int:
    """Fill one cell, if what it holds means missing; returns 1 where it did."""
    written = cells[place].strip()
    text = (
        written[1:-1].replace('""', '"')
        if len(written) > 1 and written[0] == written[-1] == '"'
        else cells[place]
    )
    if variable.find(text, in_file=True) != MISSING:
        return 0
    label = variable.states[code]
    if any(c in label for c in (file.separator, '"', "\n", "\r")):
        label = '"' + label.replace('"', '""') + '"'
    cells[place] = label
    return 1


def _encoded(text: str, encoding: str, before: bytes) -> bytes:
    """``text`` as bytes, with the mark that the file began with."""
    if encoding in ("utf-16", "utf-32"):
        big = before.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
        mark: Mapping[tuple[str, bool], bytes] = {
            ("utf-16", True): codecs.BOM_UTF16_BE,
            ("utf-16", False): codecs.BOM_UTF16_LE,
            ("utf-32", True): codecs.BOM_UTF32_BE,
            ("utf-32", False): codecs.BOM_UTF32_LE,
        }
        return mark[encoding, big] + text.encode(f"{encoding}-{'be' if big else 'le'}")
    return text.encode(encoding)


def _values(variable: Variable, kind: pa.DataType) -> list[Any]:
    """The value of each state in a column of this type."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    textual = pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    if textual:
        return list(variable.states)
    if variable.cuts is not None:
        whole = pa.types.is_integer(kind)
        return [round(m) if whole else m for m in bin_middles(variable.cuts)]
    return [value_of(label, variable.kind) for label in variable.states]


def _column(cells: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(cells, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(cells, kind)


def _changed(file: TextFile) -> DataError:
    return DataError(f"{file.path} has other lines than were read; leave it alone until this is done")
