"""chainrule's own graph text: edges, groups, comments, and marks on latent and adjusted nodes.

    statement  = operand { ("->" | "<-" | "--") operand } | name "[" ( "latent" | "adjusted" ) "]"
    operand    = name | "{" name { name } "}"             commas and newlines are allowed in a group
    name       = letters, digits, "_", "."  |  "quoted as in JSON"

A statement ends at a newline, ``;`` or the end of the text.  An arrow joins every name on its left with
every name on its right; ``--``, which joins them without a direction, is for graphs that have such edges.  After an
arrow a newline is allowed, so long chains can be broken.  Comments: ``# …``, ``// …``, ``/* … */``.
"""

from __future__ import annotations

import json
import re

from chainrule.graphs.content import Content
from chainrule.graphs.formats.description import Description
from chainrule.graphs.formats.scanner import QUOTED_IN_LINE, Scanner, pattern

__all__ = ["parse_plain", "quote_name", "write_plain"]

_TOKENS = pattern(
    rf"""(?P<end>[\n;])
      | (?P<arrow><->|->|<-|--)
      | (?P<name>[\w.]+)
      | (?P<quoted>{QUOTED_IN_LINE})
      | (?P<mark>[{{}},\[\]])""",
    skip=r"[^\S\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/",
)


def parse_plain(text: str, *, undirected: bool = False) -> Description:
    """What the text says; linear time but for groups.  ``undirected`` edges are taken only where asked for.

    Raises ``ParseError`` naming line, column and what was expected, and ``TooLargeError`` above two
    million edges.

    >>> found = parse_plain("B <- A -> {C D}; E [latent]")
    >>> found.edges, list(found.nodes), list(found.latent)
    ([('A', 'B'), ('A', 'C'), ('A', 'D')], ['B', 'A', 'C', 'D', 'E'], ['E'])
    """
    return _Reader(text, undirected).run()


def write_plain(graph: Content) -> str:
    """The graph as text that ``parse_plain`` reads back, with the same order of nodes."""
    structure = graph.structure
    names = [quote_name(name) for name in graph.names.all]
    mark = dict.fromkeys(structure.latent, " [latent]")
    mark |= {graph.names.id(name): " [adjusted]" for name in graph.marks.adjusted}
    declared = [name + mark.get(v, "") for v, name in enumerate(names)]
    ends = {v for edge in graph.undirected for v in edge}
    statements, met = [], []
    for u, below in enumerate(structure.children):
        if u in mark or not (below or structure.parents[u] or u in ends):
            statements.append(declared[u])
            met.append(u)
        if below:
            group = " ".join(names[v] for v in below)
            statements.append(f"{names[u]} -> {group if len(below) == 1 else f'{{{group}}}'}")
            met += [u, *below]
    joined = [f"{names[u]} -- {names[v]}" for u, v in graph.undirected]
    met += [v for edge in graph.undirected for v in edge]
    in_order = list(dict.fromkeys(met)) == list(range(len(names)))
    if not in_order:
        statements = declared + [s for s in statements if " -> " in s]
    return "\n".join(statements + joined)


def quote_name(name: str) -> str:
    """``name`` as it must be written in graph text.

    >>> quote_name("x1"), quote_name("dog bark")
    ('x1', '"dog bark"')
    """
    return name if re.fullmatch(r"[\w.]+", name) else json.dumps(name, ensure_ascii=False)


class _Reader:
    def __init__(self, text: str, undirected: bool) -> None:
        self._scanner = Scanner(text, _TOKENS)
        self._arrows = ("->", "<-", "--") if undirected else ("->", "<-")
        self._found = Description()

    def run(self) -> Description:
        scanner = self._scanner
        while scanner.kind != "stop":
            if scanner.kind == "end":
                scanner.take()
            else:
                self._statement()
        if not self._found.nodes:
            scanner.fail("expected a node or an edge such as A -> B")
        return self._found

    def _statement(self) -> None:
        scanner = self._scanner
        left = self._operand("a node name")
        if scanner.text == "[" and len(left) == 1:
            self._mark(left[0])
        while scanner.kind == "arrow":
            arrow = scanner.text
            if arrow not in self._arrows:
                scanner.fail(f"expected {self._expected()}", hint="an edge has one direction")
            scanner.take()
            while scanner.text == "\n":
                scanner.take()
            right = self._operand(f"a node name after {arrow!r}")
            self._found.join(left, arrow, right)
            left = right
        if scanner.kind not in ("end", "stop"):
            scanner.fail(
                f"expected {', '.join(map(repr, self._arrows))}, ';' or a new line",
                hint="quote a name that has other characters",
            )

    def _expected(self) -> str:
        *first, last = map(repr, self._arrows)
        return f"{', '.join(first)} or {last}"

    def _mark(self, name: str) -> None:
        scanner = self._scanner
        scanner.expect("[")
        if scanner.skip("latent"):
            self._found.latent[name] = None
        elif scanner.skip("adjusted"):
            self._found.adjusted[name] = None
        else:
            scanner.fail("expected 'latent' or 'adjusted'")
        scanner.expect("]")

    def _operand(self, expected: str) -> list[str]:
        scanner = self._scanner
        if not scanner.skip("{"):
            return [self._name(expected + " or '{'" if "after" in expected else expected)]
        names: list[str] = []
        while scanner.text != "}":
            if scanner.text in (",", "\n"):
                scanner.take()
            else:
                names.append(self._name("a node name or '}'"))
        if not names:
            scanner.fail("expected a node name in the group")
        scanner.take()
        return names

    def _name(self, expected: str) -> str:
        scanner = self._scanner
        name = scanner.text
        if scanner.kind == "quoted":
            try:
                name = json.loads(name, strict=False)
            except ValueError:
                scanner.fail("expected a quoted name with JSON escapes such as \\n")
            if not name:
                scanner.fail("expected a name that is not empty")
        elif scanner.kind != "name":
            hint = "put names in double quotes" if name in ("'", "`", "“", "”") else ""
            scanner.fail(f"expected {expected}", hint=hint)
        scanner.take()
        self._found.nodes.setdefault(name)
        return name
