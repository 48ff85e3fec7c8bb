"""Graphviz's DOT text (graphviz.org/doc/info/lang.html): ``digraph G { A -> B; A -> {C D}; U [class="latent"] }``.

A node is latent where its attribute ``class`` has the word latent, or its attribute ``latent`` is true;
``node [class="latent"]`` holds for the nodes that are first named after it, until its group ends.
``adjusted`` marks a node in the same two ways.  ``pos="x,y"`` places a node.  An edge without an arrowhead,
``A -> B [dir=none]`` or one after ``edge [dir=none]``, is undirected, and so are all of a ``graph { A -- B }``: these
are for graphs that have such edges.  Other attributes, ports and the names of groups are read over.
"""

from __future__ import annotations

import re

from chainrule.graphs.content import Content
from chainrule.graphs.formats.description import Description, position_text
from chainrule.graphs.formats.scanner import QUOTED, pattern, quoted
from chainrule.graphs.formats.statements import StatementReader

__all__ = ["parse_dot", "write_dot"]

_TOKENS = pattern(
    rf"""(?P<arrow><->|->|<-|--)
      | (?P<keyword>(?i:strict|graph|digraph|subgraph|node|edge)(?!\w))
      | (?P<name>[^\W\d]\w*)
      | (?P<number>(?<![\w.])-?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?![\w.]))
      | (?P<quoted>{QUOTED})
      | (?P<mark>[{{}}\[\]=,;:+])""",
    skip=r"\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/",
)
_KEYWORDS = {"strict", "graph", "digraph", "subgraph", "node", "edge"}
_YES = {"true", "yes", "1"}


def parse_dot(text: str, *, undirected: bool = False) -> Description:
    """What the text says; linear time but for groups.

    Raises ``ParseError`` with line and column, also for undirected edges unless they are taken, and ``TooLargeError``
    above two million edges.

    >>> found = parse_dot('digraph { U [class="latent", style=dashed]; U -> {A B}; A:n -> B [label="x"] }')
    >>> found.edges, list(found.latent)
    ([('U', 'A'), ('U', 'B'), ('A', 'B')], ['U'])
    """
    return (_PartialReader if undirected else _Reader)(text, _TOKENS).run()


class _Reader(StatementReader):
    _latent_by_default = False
    _without_heads = False  # edges that do not say how they are drawn

    def header(self) -> None:
        scanner = self.scanner
        if scanner.text.lower() == "strict":
            scanner.take()
        self.kind()
        if scanner.text != "{":
            self.value("a name for the graph or '{'")

    def kind(self) -> None:
        """Take the word that says what kind of graph it is."""
        scanner = self.scanner
        if scanner.text.lower() != "digraph":
            undirected = scanner.text.lower() == "graph"
            hint = "give each edge a direction, A -> B, and call it digraph" if undirected else ""
            scanner.fail("expected 'digraph'", hint=hint)
        scanner.take()

    def keyword(self) -> bool:
        scanner = self.scanner
        if scanner.kind != "keyword" or (word := scanner.text.lower()) == "subgraph":
            return False
        scanner.take()
        if scanner.text != "[":
            scanner.fail(f"expected '[' after {word}", hint=f'quote a node that is called "{word}"')
        attributes = self.attributes()
        if word == "node" and attributes.keys() & {"class", "latent"}:
            self._latent_by_default = _is_marked("latent", attributes)
        if word == "edge" and "dir" in attributes:
            self._without_heads = attributes["dir"].lower() == "none"
        return True

    def opens_group(self) -> bool:
        scanner = self.scanner
        if scanner.kind != "keyword" or scanner.text.lower() != "subgraph":
            return scanner.skip("{")
        scanner.take()
        if scanner.text != "{":
            self.value("a name for the group or '{'")
        scanner.expect("{")
        return True

    def statements(self, depth: int) -> dict[str, None]:
        outside = self._latent_by_default, self._without_heads
        named = super().statements(depth)
        self._latent_by_default, self._without_heads = outside
        return named

    def node(self, expected: str) -> str:
        name = self.name(expected)
        if self.scanner.skip(":"):  # where at the node an edge is drawn to
            self.value("a port")
            if self.scanner.skip(":"):
                self.value("a side of the node")
        return name

    def value(self, expected: str = "a value") -> str:
        scanner = self.scanner
        if scanner.text == "<":
            scanner.fail(f"expected {expected}", hint="use a quoted string in place of HTML")
        if scanner.kind == "keyword":
            scanner.fail(f"expected {expected}", hint="quote what is a word of the format")
        is_quoted = scanner.kind == "quoted"
        value = super().value(expected)
        while is_quoted and scanner.text == "+":
            scanner.take()
            if scanner.kind != "quoted":
                scanner.fail("expected a quoted string after '+'")
            value += super().value()
        return value

    def mention(self, node: str) -> None:
        if self._latent_by_default and node not in self.found.nodes:
            self.found.latent[node] = None
        super().mention(node)

    def mark(self, node: str, attributes: dict[str, str]) -> None:
        if _is_marked("latent", attributes):
            self.found.latent[node] = None
        if _is_marked("adjusted", attributes):
            self.found.adjusted[node] = None
        if "pos" in attributes:
            self.mark_position(node, attributes["pos"])

    def mark_edges(self, places: list[int], attributes: dict[str, str], at: int) -> None:
        without = attributes["dir"].lower() == "none" if "dir" in attributes else self._without_heads
        if places and without:
            self.undirect(places, at)

    def undirect(self, places: list[int], at: int) -> None:
        """Note that these edges have no direction."""
        self.scanner.refuse(
            "expected an edge with a direction, got one with dir=none; choose one direction for each edge", at
        )


class _PartialReader(_Reader):
    def kind(self) -> None:
        if self.scanner.text.lower() == "graph":
            self.arrows = ("--",)
            self.scanner.take()
        else:
            super().kind()

    def undirect(self, places: list[int], at: int) -> None:
        edges = self.found.edges
        self.found.undirected += [edges[i] for i in places]
        for i in reversed(places):
            del edges[i]


def _is_marked(word: str, attributes: dict[str, str]) -> bool:
    return word in attributes.get("class", "").split() or attributes.get(word, "").lower() in _YES


def write_dot(graph: Content) -> str:
    """The graph as DOT text: every node, latent ones dashed, positions as ``pos``; then the edges.

    Undirected ones have ``dir=none``.
    """
    names = [_written(name) for name in graph.names.all]
    positions, adjusted = graph.marks.positions, {*graph.marks.adjusted}
    lines = ["digraph {"]
    for v, name in enumerate(graph.names.all):
        marks = ['class="latent"', "style=dashed"] if v in graph.structure.latent else []
        marks += ['class="adjusted"'] if name in adjusted else []
        if name in positions:
            marks.append(f'pos="{position_text(positions[name])}"')
        lines.append(f"  {names[v]} [{', '.join(marks)}];" if marks else f"  {names[v]};")
    lines += [f"  {names[u]} -> {names[v]};" for u, v in graph.structure.edges()]
    lines += [f"  {names[u]} -> {names[v]} [dir=none];" for u, v in graph.undirected]
    return "\n".join([*lines, "}"])


def _written(name: str) -> str:
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in _KEYWORDS
    return name if is_plain else quoted(name)
