"""Tables and schemas for people: aligned text for a terminal, a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from chainrule.tables.missing import MISSING_TEXTS

__all__ = ["few", "html_table", "schema_line", "schema_rows", "text_table"]

_MOST_ROWS = 60
_MOST_STATES = 6
_MOST_NAMES = 8
_WIDEST = 60  # characters of a cell
_MOST_COLUMNS = 12


def schema_line(states: Mapping[str, Sequence[str]]) -> str:
    """Names and states in one line.

    >>> schema_line({"wet": ("no", "yes"), "mm": tuple("0123456789")})
    'wet: no, yes; mm: 0, 1, 2, 3, 4, 5, …'
    """
    shown = [f"{name}: {_some(s)}" for name, s in list(states.items())[:_MOST_NAMES]]
    return "; ".join(shown) + (f"; … {len(states):,} in all" if len(states) > _MOST_NAMES else "")


def schema_rows(variables: Iterable[Any]) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a schema as a table: what each variable is and how its cells are read."""
    head = ["name", "kind", "states"]
    rows = []
    extra = {"missing": False, "read": False}
    for v in variables:
        missing = "" if v.missing is None else ", ".join(map(repr, v.missing)) or "none"
        if v.missing == MISSING_TEXTS:
            missing = "usual texts"
        ordered = v.ordered and v.kind != "interval"
        read = []
        if v.cuts is not None:
            read.append("cut at " + ", ".join(f"{c:g}" for c in v.cuts) if v.cuts else "not cut")
        if v.strip is not None:
            read.append("stripped" if v.strip else "not stripped")
        if v.unseen != "error":
            read.append(f"unseen is {v.unseen.replace('_', ' ')}")
        extra["missing"] |= bool(missing)
        extra["read"] |= bool(read)
        states = f"{v.size}: {(' < ' if ordered else ', ').join(v.states[:_MOST_STATES])}"
        more = " …" * (v.size > _MOST_STATES)
        rows.append([v.name, v.kind + " (ordered)" * ordered, states + more, missing, "; ".join(read)])
    for place, (name, used) in zip((4, 3), reversed(extra.items()), strict=True):
        if not used:
            for row in rows:
                del row[place]
        else:
            head.insert(3, name)
    return head, rows


def text_table(
    headline: str, head: Sequence[str], rows: Sequence[Sequence[str]], n_rows: int | None = None
) -> str:
    """A headline over columns that are aligned; long cells, and rows after the first 60, are cut short.

    >>> print(text_table("2 rows", ["a", "bb"], [["1", "x"], ["22", "y"]]))
    2 rows
    a   bb
    1   x
    22  y
    """
    cells = [list(map(_short, row)) for row in [head, *rows[:_MOST_ROWS]]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([headline, *lines, *_more(len(cells) - 1, n_rows or len(rows))])


def html_table(
    headline: str, head: Sequence[str], rows: Sequence[Sequence[str]], n_rows: int | None = None
) -> str:
    """The same for a notebook."""
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_short(c))}</td>' for c in row)}</tr>" for row in rows[:_MOST_ROWS]
    )
    more = "".join(
        f"<p>{escape(line)}</p>" for line in _more(min(len(rows), _MOST_ROWS), n_rows or len(rows))
    )
    top = "".join(f"<th>{escape(_short(name))}</th>" for name in head)
    return f"<p>{escape(headline)}</p><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{more}"


def few(names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """The first columns of a table that may be wide."""
    if len(names) <= _MOST_COLUMNS:
        return list(names), [list(row) for row in rows]
    more = f"… {len(names) - _MOST_COLUMNS:,} more"
    return [*names[:_MOST_COLUMNS], more], [[*row[:_MOST_COLUMNS], "…"] for row in rows]


def _some(states: Sequence[str]) -> str:
    return ", ".join(states[:_MOST_STATES]) + ", …" * (len(states) > _MOST_STATES)


def _more(shown: int, n: int) -> list[str]:
    return [f"… {n - shown:,} more"] if n > shown else []


def _short(cell: str) -> str:
    line = " ".join(cell.split()) if "\n" in cell else cell
    return line if len(line) <= _WIDEST else f"{line[: _WIDEST - 1]}…"
