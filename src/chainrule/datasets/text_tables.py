"""Text tables: one row a line, numbers only, every complaint with its line number.

The one reader of text in this room, for arrays of numbers such as ``.amat`` and ``.data`` files of 0 and 1.  Tables of
categories, with types and missing texts, are read by ``chainrule.tables``.
"""

from __future__ import annotations

import csv
import math
from typing import NamedTuple

import numpy as np

from chainrule.core.delimited import separator_of
from chainrule.core.errors import DataError
from chainrule.core.shapes import Num, UInt8

__all__ = ["Table", "parse_table"]


class Table(NamedTuple):
    """Values (n, d) and, where the file has a header line, the d column names."""

    values: Num[np.ndarray, "n d"]
    names: tuple[str, ...] | None


def parse_table(content: bytes, name: str) -> Table:
    """The table in the bytes of a text file called ``name``.

    Values are uint8 where all are 0 or 1, int64 where all are whole, else float64.  Raises ``DataError``
    for an empty file, ragged rows, empty cells, anything that is not a finite number or ``nan``.

    >>> parse_table(b"a b\\n1 2\\n3 4\\n", "t.txt").names
    ('a', 'b')
    """
    bits = _fixed_width_bits(content)
    if bits is not None:
        return Table(bits, None)
    lines = _lines(content, name)
    separator = separator_of(lines[0])  # None for any run of blanks
    first = _cells(lines[0], separator, f"{name}, line 1")
    names = tuple(first) if all(_number(cell) is None for cell in first) and any(first) else None
    body = lines[1:] if names else lines
    if not body:
        raise DataError(f"{name} has a header line and no rows; add at least one row of numbers")
    start = 2 if names else 1
    rows = [
        _row(line, separator, len(first), f"{name}, line {number}") for number, line in enumerate(body, start)
    ]
    return Table(_narrowed(rows), names)


def _fixed_width_bits(content: bytes) -> UInt8[np.ndarray, "n d"] | None:
    """The fast path for large files: single 0s and 1s, one separator, lines of one length; else ``None``."""
    width = content.find(b"\n") + 1
    if width < 2 or len(content) % width or width % 2:
        return None
    table = np.frombuffer(content, np.uint8).reshape(-1, width)
    values, gaps = table[:, ::2] - ord("0"), table[:, 1::2]
    separators = gaps[:, :-1]
    if (values > 1).any() or (gaps[:, -1] != ord("\n")).any():
        return None
    if separators.size and (separators[0, 0] not in b" ,;\t" or (separators != separators[0, 0]).any()):
        return None
    return values


def _lines(content: bytes, name: str) -> list[str]:
    """The lines up to the last that is not blank; a blank line between rows is refused."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise DataError(f"{name}, line {line}: not text (byte {content[e.start]:#04x}); expected rows") from e
    if "\0" in text:
        raise DataError(f"{name} is not text: it holds zero bytes; expected rows of numbers")
    # Not str.splitlines, which also breaks at form feeds and Unicode line separators.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip().split("\n")
    if lines == [""]:
        raise DataError(f"{name} is empty; expected rows of numbers")
    blank = next((i for i, line in enumerate(lines, start=1) if not line.strip()), None)
    if blank is not None:
        raise DataError(
            f"{name}, line {blank}: the line is empty; remove it, or write nan for a missing value"
        )
    return lines


def _cells(line: str, separator: str | None, where: str) -> list[str]:
    if separator is None:
        return line.split()
    try:
        (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True)
    except csv.Error as e:
        raise DataError(f"{where}: quotes that do not fit together ({e}); expected numbers") from e
    return [cell.strip() for cell in cells]


def _row(line: str, separator: str | None, d: int, where: str) -> list[float]:
    cells = _cells(line, separator, where)
    if len(cells) != d:
        raise DataError(f"{where}: {len(cells)} values, but line 1 has {d}; rows must be equally long")
    row = []
    for j, cell in enumerate(cells, start=1):
        value = _number(cell)
        if not cell:
            raise DataError(f"{where}, column {j} is empty; write nan for a missing value")
        if value is None or math.isinf(value):
            raise DataError(f"{where}, column {j}: {cell[:40]!r} is not a finite number; encode it first")
        row.append(value)
    return row


def _number(cell: str) -> float | None:
    """The number that ``cell`` spells, or ``None``; Python's ``1_000`` is not what a data file means."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _narrowed(rows: list[list[float]]) -> Num[np.ndarray, "n d"]:
    values = np.array(rows, np.float64)
    if ((values == 0) | (values == 1)).all():
        return values.astype(np.uint8)
    # Up to 2^53 a float64 holds every whole number exactly.
    if (np.abs(values) <= 2.0**53).all() and (values == np.floor(values)).all():
        return values.astype(np.int64)
    return values
