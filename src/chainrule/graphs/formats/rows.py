"""Graphs as rows of cells: edge lists and adjacency matrices, with commas, semicolons or tabs between cells.

An edge list has two columns, parent and child, and begins with a heading such as ``parent,child`` or ``from,to``,
which only ``format="edges"`` may leave out; a row whose child is empty names a node.  An adjacency matrix has the
names of the nodes in its first row, may repeat them in its first column, and has 1 in row i and column j for an edge
from i to j.
A cell may stand between double quotes, where two of them mean one.
"""

from __future__ import annotations

import re

from chainrule.core.delimited import QUOTED, separator_of
from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.graphs.content import Content
from chainrule.graphs.formats.description import Description
from chainrule.graphs.formats.scanner import Scanner, check_text, pattern

__all__ = ["parse_adjacency", "parse_edges", "parse_rows", "write_adjacency", "write_edges"]

_HEADINGS = {("parent", "child"), ("from", "to"), ("source", "target"), ("cause", "effect"), ("tail", "head")}

Row = tuple[int, list[str]]  # where it begins in the text, and its cells


def parse_edges(text: str) -> Description:
    """The graph of an edge list; linear.  Raises ``ParseError`` with line and column.

    >>> parse_edges("from,to\\nrain,wet grass\\nrain,umbrella").edges
    [('rain', 'wet grass'), ('rain', 'umbrella')]
    """
    return _edges(*_rows(text))


def parse_adjacency(text: str) -> Description:
    """The graph of an adjacency matrix; linear.  Raises ``ParseError`` with line and column.

    >>> parse_adjacency("A,B,C\\n0,1,1\\n0,0,1\\n0,0,0").edges
    [('A', 'B'), ('A', 'C'), ('B', 'C')]
    """
    return _adjacency(*_rows(text))


def parse_rows(text: str) -> Description:
    """The graph of an edge list with a heading, or of an adjacency matrix: square, with 0 and 1 below the names.

    Anything else is refused (``ParseError``): a table of data has rows like an edge list without a heading.

    >>> parse_rows("A,B\\n0,1\\n0,0").edges, parse_rows("from,to\\nA,B\\n0,1").edges
    ([('A', 'B')], [('A', 'B'), ('0', '1')])
    """
    scanner, rows = _rows(text)
    n = len(rows) - 1
    is_square = n > 0 and all(
        len(cells) in (n, n + 1) and {*cells[-n:]} <= {"0", "1"} for _, cells in rows[1:]
    )
    if n == 1 and len(rows[1][1]) == 2:  # as wide as an edge: a matrix only if the row has the column's name
        is_square = is_square and rows[1][1][0] == rows[0][1][-1]
    if _has_heading(rows):
        return _edges(scanner, rows)
    if rows and not is_square:
        scanner.refuse(
            f"expected a heading such as parent,child or a square matrix of 0 and 1, got {_shown(rows[0][1])}; "
            "is this a table of data? if its rows are edges, put parent,child above them or pass format='edges'",
            rows[0][0],
        )
    return _adjacency(scanner, rows) if rows else _edges(scanner, rows)


def _shown(cells: list[str]) -> str:
    some = ",".join(cells[:5]) + (",…" if len(cells) > 5 else "")
    return repr(some if len(some) <= 60 else some[:60] + "…")


def _has_heading(rows: list[Row]) -> bool:
    return bool(rows) and tuple(cell.lower() for cell in rows[0][1]) in _HEADINGS


def _edges(scanner: Scanner, rows: list[Row]) -> Description:
    found = Description()
    if _has_heading(rows):
        del rows[0]
    for at, cells in rows:
        if len(cells) > 2 or not cells[0]:
            scanner.refuse(
                f"expected two names, parent and child, got {len(cells)} cells; keep two columns", at
            )
        for name in cells:
            if name:
                found.nodes.setdefault(name)
        if len(cells) == 2 and cells[1]:
            found.join(cells[:1], "->", cells[1:])
    if not found.nodes:
        scanner.fail("expected an edge such as A,B")
    return found


def _adjacency(scanner: Scanner, rows: list[Row]) -> Description:
    if not rows:
        scanner.fail("expected the names of the nodes in the first row")
    (at, names), *rows = rows
    n = len(rows)
    has_row_names = bool(rows) and len(rows[0][1]) == n + 1
    if has_row_names and len(names) == n + 1:
        names = names[1:]  # what stands above the names of the rows
    if len(names) != n:
        scanner.refuse(f"expected as many rows as names, got {n} rows for {len(names)} names", at)
    if "" in names or len({*names}) < n:
        scanner.refuse("expected the names of the nodes, each once and none empty; correct the first row", at)
    found = Description(nodes=dict.fromkeys(names))
    for name, (at, row) in zip(names, rows, strict=True):
        cells = row[1:] if has_row_names else row
        if len(cells) != n:
            scanner.refuse(f"expected {n} cells, got {len(cells)}; a matrix has as many columns as rows", at)
        if has_row_names and row[0] != name:
            scanner.refuse(
                f"expected the row of {name!r}, got {as_written(row[0])}; keep rows and columns in one order",
                at,
            )
        if not {*cells} <= {"0", "1"}:
            other = next(cell for cell in cells if cell not in ("0", "1"))
            scanner.refuse(f"expected cells 0 and 1, got {as_written(other)} in the row of {name!r}", at)
        found.join([name], "->", [child for child, cell in zip(names, cells, strict=True) if cell == "1"])
    return found


def write_edges(graph: Content, separator: str = ",") -> str:
    """The graph as an edge list under ``parent,child``; ``InputError`` for latent and adjusted nodes."""
    _check_no_marks(graph, "an edge list")
    edges = list(graph.edges())
    met = dict.fromkeys(name for edge in edges for name in edge)
    rows = [("parent", "child")]
    if tuple(met) != graph.names.all:
        rows += [(name, "") for name in graph.names.all]
    return "\n".join(f"{_written(a)}{separator}{_written(b) if b else ''}" for a, b in [*rows, *edges]) + "\n"


def write_adjacency(graph: Content, separator: str = ",") -> str:
    """The graph as a 0/1 matrix below the names; ``InputError`` for latent and adjusted nodes."""
    _check_no_marks(graph, "a matrix")
    lines = [separator.join(map(_written, graph.names.all))]
    for below in graph.structure.children:
        cells = ["0"] * len(graph.structure)
        for v in below:
            cells[v] = "1"
        lines.append(separator.join(cells))
    return "\n".join(lines) + "\n"


def _check_no_marks(graph: Content, what: str) -> None:
    latent = graph.names.of(sorted(graph.structure.latent))
    for mark, names in (("latent", latent), ("adjusted", graph.marks.adjusted)):
        if names:
            raise InputError(
                f"{what} cannot say that {names[0]!r} is {mark}; write 'dagitty' or 'dot', or drop the mark"
            )
    for a, b in graph.undirected_edges():
        raise InputError(f"{what} cannot say that {a} -- {b} has no direction; write 'dagitty' or 'dot'")


def _written(cell: str) -> str:
    return cell if re.fullmatch(r"[\w.-]+", cell) else '"' + cell.replace('"', '""') + '"'


def _tokens(separator: str) -> re.Pattern[str]:
    blank = "[ ]" if separator == r"\t" else r"[ \t]"
    return pattern(
        rf"""(?P<end>\r\n|\n|\r)
          | (?P<separator>{separator})
          | (?P<quoted>{QUOTED})
          | (?P<cell>[^\s{separator}"](?:[^\r\n{separator}"]*[^\s{separator}"])?)""",
        skip=blank + "+",
    )


_TOKENS = {",": _tokens(","), ";": _tokens(";"), "\t": _tokens(r"\t")}


def _rows(text: str) -> tuple[Scanner, list[Row]]:
    """All rows that are not empty; what separates cells is told by the first line."""
    separator = separator_of(check_text(text)[:10_000]) or ","
    scanner = Scanner(text, _TOKENS[separator])
    rows: list[Row] = []
    while scanner.kind != "stop":
        at, cells, n_separators = scanner.start, [], 0
        while scanner.kind not in ("end", "stop"):
            if scanner.kind == "separator":
                cells += [""] * (n_separators == len(cells))
                n_separators += 1
            elif scanner.kind == "other" or n_separators != len(cells):
                scanner.fail(f"expected {separator!r} or the end of the row")
            else:
                is_quoted = scanner.kind == "quoted"
                cells.append(scanner.text[1:-1].replace('""', '"') if is_quoted else scanner.text)
            scanner.take()
        cells += [""] * (0 < n_separators == len(cells))
        if any(cells):
            rows.append((at, cells))
        scanner.take()
    return scanner, rows
