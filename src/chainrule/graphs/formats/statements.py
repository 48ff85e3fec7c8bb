"""The common part of DAGitty's and Graphviz's text: statements between braces.

    graph       = header "{" { statement [ ";" ] } "}"
    statement   = name "=" value  |  name { attributes }  |  operand { arrow operand } { attributes }
    operand     = name  |  "{" { statement } "}"
    attributes  = "[" { key [ "=" value ] [ "," | ";" ] } "]"

An arrow joins all nodes on its left with all nodes on its right; those of a group are all that its
statements name.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection

from chainrule.graphs.formats.description import Description, read_position
from chainrule.graphs.formats.scanner import Scanner, unquoted

__all__ = ["MOST_NESTED", "StatementReader"]

MOST_NESTED = 50  # groups within groups


class StatementReader(ABC):
    """Reads one graph; a format says what its header, arrows, names and marks are."""

    arrows: Collection[str] = ("->",)

    def __init__(self, text: str, tokens: re.Pattern[str]) -> None:
        self.scanner = Scanner(text, tokens)
        self.found = Description()

    @abstractmethod
    def header(self) -> None:
        """Take what stands before the first brace."""

    @abstractmethod
    def mark(self, node: str, attributes: dict[str, str]) -> None:
        """Note what the attributes say about a node."""

    @abstractmethod
    def mark_edges(self, places: list[int], attributes: dict[str, str], at: int) -> None:
        """Note what the attributes say about edges of a statement; their first arrow stands ``at``."""

    def keyword(self) -> bool:
        """Take a statement that begins with a word of the format; whether there was one."""
        return False

    def opens_group(self) -> bool:
        """Take what begins a group; whether there was one."""
        return self.scanner.skip("{")

    def node(self, expected: str) -> str:
        """A node's name, which is taken."""
        return self.name(expected)

    def mention(self, node: str) -> None:
        """Note that there is this node."""
        self.found.nodes.setdefault(node)

    def run(self) -> Description:
        """All that the text says; ``ParseError`` where something comes after the graph."""
        scanner = self.scanner
        self.header()
        scanner.expect("{")
        self.statements(0)
        if scanner.kind != "stop":
            scanner.fail("expected nothing after the graph", hint="keep one graph in a text")
        if not self.found.nodes:
            scanner.fail("expected a node or an edge such as A -> B in the graph")
        self.found.name_common_causes()
        return self.found

    def statements(self, depth: int) -> dict[str, None]:
        """Statements up to and with the closing brace, as the nodes that they name."""
        if depth > MOST_NESTED:
            self.scanner.refuse(f"groups are nested more than {MOST_NESTED} deep; flatten them")
        named: dict[str, None] = {}
        while not self.scanner.skip("}"):
            if not self.scanner.skip(";") and not self.keyword():
                self._statement(named, depth)
        return named

    def _statement(self, named: dict[str, None], depth: int) -> None:
        scanner, node = self.scanner, None
        if self.opens_group():
            left: Collection[str] = self.statements(depth + 1)
        else:
            node = self.node("a node, '{' or '}'")
            if scanner.skip("="):
                self.value()
                return
            self.mention(node)
            left = (node,)
        named.update(dict.fromkeys(left))
        if scanner.kind == "arrow":
            at, places = scanner.start, []
            while scanner.kind == "arrow":
                left = self._edges(left, depth, places)
                named.update(dict.fromkeys(left))
            self.mark_edges(places, self.attributes(), at)
        elif node is not None and scanner.text == "[":
            self.mark(node, self.attributes())

    def _edges(self, left: Collection[str], depth: int, places: list[int]) -> Collection[str]:
        """The next arrow and what is on its right, which is joined with ``left``; ``places`` gets the new edges'."""
        scanner, arrow = self.scanner, self.scanner.text
        if arrow not in self.arrows:
            expected = " or ".join(map(repr, self.arrows))
            scanner.fail(f"expected {expected}", hint="choose one direction for each edge of a DAG")
        scanner.take()
        if self.opens_group():
            right: Collection[str] = self.statements(depth + 1)
        else:
            node = self.node(f"a node or '{{' after {arrow!r}")
            self.mention(node)
            right = (node,)
        before = len(self.found.edges)
        self.found.join(left, arrow, right)
        places += range(before, len(self.found.edges))
        return right

    def attributes(self) -> dict[str, str]:
        """Attribute lists, as many as come, as keys with their text; a key without one has ``""``."""
        scanner = self.scanner
        found: dict[str, str] = {}
        while scanner.skip("["):
            while not scanner.skip("]"):
                key = self.name("an attribute or ']'")
                found[key] = self.value() if scanner.skip("=") else ""
                if scanner.text in (",", ";"):
                    scanner.take()
        return found

    def name(self, expected: str) -> str:
        """A name, plain or quoted, which is taken."""
        name = self.value(expected)
        if not name:
            self.scanner.refuse(f"expected {expected}, got an empty name; give it a letter")
        return name

    def value(self, expected: str = "a value") -> str:
        """As ``name``; may be empty."""
        scanner = self.scanner
        if scanner.kind not in ("name", "number", "quoted"):
            hint = "put other characters in double quotes" if scanner.kind == "other" else ""
            scanner.fail(f"expected {expected}", hint=hint)
        value = unquoted(scanner.text) if scanner.kind == "quoted" else scanner.text
        scanner.take()
        return value

    def mark_position(self, node: str, text: str) -> None:
        """Note where a node is drawn, from ``x,y``."""
        self.found.positions[node] = read_position(self.scanner, text)
