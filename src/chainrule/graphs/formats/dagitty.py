"""DAGitty's graph text (Textor et al. 2016, dagitty.net): ``dag { A -> B <- C  X [latent]  D -> {E F} }``.

Statements need nothing between them but white space.  ``pdag { A -- B }`` is a graph some of whose edges may have no
direction.  ``A <-> B`` stands for a latent common cause, and
becomes one, as in DAGitty's canonical DAG.  Marks on nodes are ``latent`` (``unobserved``, ``l``, ``u``),
``exposure`` (``source``, ``e``), ``outcome`` (``target``, ``o``), ``adjusted`` (``a``) and ``pos="x,y"``.  A node that
is ``selected`` (``s``) is refused: no answer here takes selection into account.  Others are read over, and so are
attributes of edges and settings such as ``bb="0,0,1,1"``.
"""

from __future__ import annotations

import re

from chainrule.graphs.content import Content
from chainrule.graphs.formats.description import Description, position_text
from chainrule.graphs.formats.scanner import QUOTED, pattern, quoted
from chainrule.graphs.formats.statements import StatementReader

__all__ = ["parse_dagitty", "write_dagitty"]

_TOKENS = pattern(
    rf"""(?P<arrow>@->|<-@|@-@|@--|--@|<->|->|<-|--)
      | (?P<name>[\w.]+)
      | (?P<number>(?<![\w.])-[\w.]+)
      | (?P<quoted>{QUOTED})
      | (?P<mark>[{{}}\[\]=,;])""",
    skip=r"\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/",
)
_LATENT = {"latent", "unobserved", "l", "u"}
_EXPOSURE = {"exposure", "source", "e"}
_OUTCOME = {"outcome", "target", "o"}
_ADJUSTED = {"adjusted", "a"}
_SELECTED = {"selected", "s"}
_RESERVED = {"graph", "node"}  # DAGitty takes no node by these names


def parse_dagitty(text: str, *, undirected: bool = False) -> Description:
    """What the text says; linear time but for groups.

    Raises ``ParseError`` with line and column, also for graphs whose edges have no direction (``pdag``, ``A -- B``)
    unless ``undirected`` ones are taken, for ``mag`` and ``pag``, and ``TooLargeError`` above two million edges.

    >>> found = parse_dagitty('dag { X [exposure,pos="0,1"] Y [outcome] X -> {M -> Y} <-> Y }')
    >>> found.edges
    [('M', 'Y'), ('X', 'M'), ('X', 'Y'), ('L1', 'M'), ('L1', 'Y'), ('L2', 'Y')]
    """
    return (_PartialReader if undirected else _Reader)(text, _TOKENS).run()


class _Reader(StatementReader):
    arrows = ("->", "<-", "<->")
    kinds = ("dag",)

    def header(self) -> None:
        scanner = self.scanner
        if (kind := scanner.text.lower()) not in self.kinds:
            expected = " or ".join(map(repr, self.kinds))
            if kind in ("graph", "pdag", "mag", "pag"):
                scanner.fail(f"expected {expected}", hint="give each edge a direction and call it dag")
            scanner.fail("expected 'dag {'")
        self.kind = kind
        scanner.take()
        if scanner.text != "{":
            self.value("a name for the graph or '{'")

    def keyword(self) -> bool:
        scanner = self.scanner
        if scanner.text == "graph":
            scanner.take()
            if scanner.text != "[":
                scanner.fail("expected '[' after graph", hint='quote a node that is called "graph"')
            self.attributes()
            return True
        return False

    def node(self, expected: str) -> str:
        if self.scanner.kind == "number" or self.scanner.text in _RESERVED:
            self.scanner.fail(f"expected {expected}", hint="write edges as A -> B and quote other names")
        return self.name(expected)

    def mark(self, node: str, attributes: dict[str, str]) -> None:
        for key, value in attributes.items():
            if key in _LATENT:
                self.found.latent[node] = None
            elif key in _EXPOSURE:
                self.found.exposures[node] = None
            elif key in _OUTCOME:
                self.found.outcomes[node] = None
            elif key in _ADJUSTED:
                self.found.adjusted[node] = None
            elif key in _SELECTED:
                self.scanner.refuse(
                    f"{node!r} is marked {key}, but bias by selection is not handled here, answers would ignore it; "
                    "take the mark out to ask about the whole population"
                )
            elif key == "pos":
                self.mark_position(node, value)

    def mark_edges(self, places: list[int], attributes: dict[str, str], at: int) -> None:
        """They say nothing that counts here."""


class _PartialReader(_Reader):
    kinds = ("dag", "pdag")

    def header(self) -> None:
        super().header()
        if self.kind == "pdag":
            self.arrows = ("->", "<-", "<->", "--")


def write_dagitty(graph: Content) -> str:
    """The graph as DAGitty text, with its latent nodes and all marks; a ``pdag`` where it has undirected edges."""
    structure, notes = graph.structure, graph.marks
    names = [_written(name) for name in graph.names.all]
    marked = {
        "latent": {*graph.names.of(structure.latent)},
        "exposure": {*notes.exposures},
        "outcome": {*notes.outcomes},
        "adjusted": {*notes.adjusted},
    }
    lines = ["pdag {" if graph.undirected else "dag {"]
    for name, written in zip(graph.names.all, names, strict=True):
        marks = [word for word, nodes in marked.items() if name in nodes]
        if name in notes.positions:
            marks.append(f'pos="{position_text(notes.positions[name])}"')
        lines.append(f"{written} [{','.join(marks)}]" if marks else written)
    lines += [f"{names[u]} -> {names[v]}" for u, v in structure.edges()]
    lines += [f"{names[u]} -- {names[v]}" for u, v in graph.undirected]
    return "\n".join([*lines, "}"])


def _written(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_.]+", name) and name not in _RESERVED else quoted(name)
