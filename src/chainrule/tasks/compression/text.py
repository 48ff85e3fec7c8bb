"""A text table cut into pieces that make it up again, character by character: cells, separators, line ends, the rest.

Nothing is interpreted here.  A line that has another number of cells than the table has columns, an empty one, a
header: all are kept as they are, beside the records.  ``Pieces.text`` is the inverse of ``Pieces.of``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from chainrule.core.delimited import QUOTED

__all__ = ["Pieces", "cell_text"]


@dataclass
class Pieces:
    """A text of records: ``columns[j][r]`` is the cell of record r in column j, with its quotes as they are written.

    ``ends`` says what ends each record, ``odd`` which lines come before which record (by its number) and are none.
    """

    separator: str
    columns: list[list[str]]
    ends: list[str]
    odd: list[tuple[int, str]]

    @classmethod
    def of(cls, text: str, separator: str, n_columns: int, n_headers: int = 0) -> Pieces:
        """The pieces of ``text``; its first ``n_headers`` lines that are not empty are none of its records.

        >>> pieces = Pieces.of('a,b\\n1,"x, y"\\r\\n\\n2,', ",", 2, 1)
        >>> pieces.columns, pieces.ends, pieces.odd
        ([['1', '2'], ['"x, y"', '']], ['\\r\\n', ''], [(0, 'a,b\\n'), (1, '\\n')])
        """
        records: list[list[str]] = []
        ends: list[str] = []
        odd: list[tuple[int, str]] = []
        for cells, end in _lines(text, separator):
            is_empty = cells == [""] and n_columns > 1
            if is_empty or n_headers > 0 or len(cells) != n_columns:
                odd.append((len(records), separator.join(cells) + end))
                n_headers -= not is_empty
            else:
                records.append(cells)
                ends.append(end)
        columns = [list(column) for column in zip(*records, strict=True)] or [[] for _ in range(n_columns)]
        return cls(separator, columns, ends, odd)

    @property
    def n_records(self) -> int:
        """The number of records."""
        return len(self.ends)

    def text(self) -> str:
        """The text that these are the pieces of."""
        out, begin = [], 0
        lines = [
            self.separator.join(cells) + end
            for cells, end in zip(zip(*self.columns, strict=True), self.ends, strict=True)
        ]
        for at, line in self.odd:
            out += lines[begin:at]
            out.append(line)
            begin = at
        return "".join(out + lines[begin:])


def cell_text(cell: str) -> str:
    """What a cell says, without the quotes around it.

    >>> cell_text('"say ""no"" twice"'), cell_text("plain")
    ('say "no" twice', 'plain')
    """
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"')
    return cell


def _lines(text: str, separator: str) -> list[tuple[list[str], str]]:
    """The cells of each line and what ends it; a line end inside quotes ends nothing."""
    if '"' in text:
        return _quoted_lines(text, separator)
    parts = re.split("(\r\n|\n|\r)", text)
    if parts[-1] == "":
        parts.pop()  # what follows the last line end is no line
    else:
        parts.append("")
    return [(line.split(separator), end) for line, end in zip(parts[::2], parts[1::2], strict=True)]


def _quoted_lines(text: str, separator: str) -> list[tuple[list[str], str]]:
    out: list[tuple[list[str], str]] = []
    cells: list[str] = []
    at = 0
    pattern = _pattern(separator)
    while at < len(text) or cells:
        found = pattern.match(text, at)
        assert found is not None  # it matches the empty text as well
        cells.append(found[1])
        at = found.end()
        if found[2] != separator:
            out.append((cells, found[2]))
            cells = []
    return out


@lru_cache
def _pattern(separator: str) -> re.Pattern[str]:
    """A cell and what comes after it; quotes that are never closed are characters like others."""
    s = re.escape(separator)
    return re.compile(rf"({QUOTED}(?=[{s}\r\n]|\Z)|[^{s}\r\n]*)({s}|\r\n|\n|\r|\Z)")
