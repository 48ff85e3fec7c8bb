"""XDSL, the format of GeNIe and SMILE (BayesFusion), read and written: networks of tables.

    <smile version="1.0" id="rain"><nodes>
      <cpt id="rain"><state id="no"/><state id="yes"/><probabilities>0.8 0.2</probabilities></cpt>
      <deterministic id="wet"><state id="no"/><state id="yes"/><parents>rain</parents>
        <resultingstates>no yes</resultingstates></deterministic> …
    </nodes><extensions><genie><node id="rain"><position>left top right bottom</position></node> …

In a list of probabilities the states of the node itself change fastest and those of its first parent slowest; one of
resulting states has a state for each configuration of the parents in that order, and becomes a table of zeros and
ones.  Where a node is drawn is the middle of its rectangle.  An identifier has letters, digits and ``_`` and begins
with a letter; when reading, any word will do.

pyAgrum (3.3) writes the first parent fastest, which nothing in the numbers tells from GeNIe's order, so its files are
refused where a node has several parents.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.graphs.formats.description import position_text
from chainrule.graphs.formats.network_builder import NetworkBuilder
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.scanner import shown
from chainrule.graphs.formats.xml_records import Element, Place, place_text, read_records
from chainrule.graphs.formats.xml_values import check_holdable, names_of, numbers_of

__all__ = ["check_xdsl_names", "parse_xdsl", "write_xdsl"]

_CONTAINERS = ("smile", "nodes", "extensions", "genie", "submodel")
_NO_TABLES = {
    "decision": "is a decision",
    "utility": "is a utility",
    "mau": "is a utility of several attributes",
    "equation": "is defined by an equation",
    "noisymax": "is a noisy MAX, which is no table",
    "noisyadder": "is a noisy adder, which is no table",
    "demorgan": "is a DeMorgan gate, which is no table",
}
_IDENTIFIER = re.compile(r"[A-Za-z\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*")
_WIDTH, _HEIGHT = 80.0, 40.0  # of the rectangle that is written for a node


def parse_xdsl(text: str) -> NetworkDescription:
    """The network in an XDSL document; linear.

    Raises ``ParseError`` with line and column, also for nodes that have no table (decisions, utilities, equations,
    noisy MAX) and for dynamic networks; otherwise as ``parse_bif``.

    >>> net = parse_xdsl('<smile id="n"><nodes><cpt id="a"><state id="x"/><state id="y"/>'
    ...     '<probabilities>.25 .75</probabilities></cpt></nodes></smile>')
    >>> net.variables, net.tables["a"].tolist()
    ({'a': ('x', 'y')}, [0.25, 0.75])
    """
    return _Reader().run(text)


@dataclass(frozen=True, slots=True)
class _Node:
    """What is kept of a node until all are known: where it is, its parents, and its table, or its resulting states."""

    name: str
    at: Place
    parents: tuple[tuple[str, Place], ...]
    given: NDArray[np.float64] | str
    given_at: Place


class _Reader:
    """Takes nodes as they come; tables are put in place when all nodes are known."""

    def __init__(self) -> None:
        self._network: NetworkBuilder[Place] = NetworkBuilder(place_text)
        self._nodes: deque[_Node] = deque()
        self._positions: dict[str, tuple[float, float]] = {}
        self._name = self._app = ""

    def run(self, text: str) -> NetworkDescription:
        end = read_records(text, "smile", _CONTAINERS, self._take, self._enter)
        while self._nodes:
            self._define(self._nodes.popleft())
        positions = {v: self._positions[v] for v in self._network.states if v in self._positions}
        return self._network.finish(end, self._name, positions=positions)

    def _enter(self, container: Element) -> None:
        if container.tag == "smile":
            self._name = container.attributes.get("id", "")
        elif container.tag == "genie":
            self._app = container.attributes.get("app", "")

    def _take(self, record: Element, within: str) -> None:
        if within == "nodes":
            self._declare(record)
        elif within in ("genie", "submodel") and record.tag == "node":
            self._draw(record)
        elif record.tag == "dynamic":
            self._network.refuse(
                "this network is dynamic, which is not read; unroll it in GeNIe and save that", record.at
            )

    def _declare(self, node: Element) -> None:
        name = self._id(node)
        if node.tag not in ("cpt", "deterministic"):
            why = _NO_TABLES.get(node.tag, f"is of the unknown kind {shown(node.tag)}")
            self._network.refuse(
                f"node {shown(name)} {why}; only cpt and deterministic nodes are read, so change its type in GeNIe",
                node.at,
            )
        states = node.all("state")
        if not states:
            self._network.refuse(f"node {shown(name)} has no <state>; add its states", node.at)
        self._network.declare(name, ((self._id(state), state.at) for state in states), node.at)
        listed = node.one("probabilities" if node.tag == "cpt" else "resultingstates")
        parents = tuple((element.text, element.at) for element in node.all("parents"))
        given = numbers_of(listed) if node.tag == "cpt" else listed.text
        self._nodes.append(_Node(name, node.at, parents, given, listed.at))

    def _define(self, node: _Node) -> None:
        name, numbers = node.name, node.given
        parents = [self._network.known(parent, at) for text, at in node.parents for parent in text.split()]
        if len(parents) > 1 and self._app.startswith("aGrUM"):
            self._network.refuse(
                f"pyAgrum wrote this file, and orders tables of several parents, such as that of {shown(name)}, "
                "otherwise than GeNIe; save it as BIF or NET there",
                node.at,
            )
        shape = self._network.open_table(name, parents, node.at)
        if isinstance(numbers, str):
            numbers = self._resulting(name, numbers, shape, node.given_at)
        self._network.give(name, self._network.shaped(name, numbers, shape, node.given_at), node.given_at)

    def _resulting(self, name: str, text: str, shape: tuple[int, ...], at: Place) -> NDArray[np.float64]:
        known, found = self._network.states[name], text.split()
        n_rows = int(np.prod(shape[:-1], dtype=np.int64))
        if len(found) != n_rows:
            self._network.refuse(
                f"expected {n_rows:,} resulting states for {shown(name)}, got {len(found):,}; correct them",
                at,
            )
        for state in found:
            if state not in known:
                self._network.unknown(f"state of {shown(name)}", state, known, at)
        return np.eye(shape[-1])[[known[state] for state in found]]

    def _draw(self, node: Element) -> None:
        for position in node.all("position"):
            corners = numbers_of(position)
            if len(corners) != 4 or not np.isfinite(corners).all():
                self._network.refuse(
                    "expected four numbers in <position>: left, top, right, bottom", position.at
                )
            left, top, right, bottom = corners.tolist()
            self._positions[self._id(node)] = (left / 2 + right / 2, top / 2 + bottom / 2)

    def _id(self, element: Element) -> str:
        name = element.attributes.get("id", "")
        if not name:
            self._network.refuse(f'<{shown(element.tag)[1:-1]}> has no name; write id="…"', element.at)
        return name


def check_xdsl_names(variables: Mapping[str, Sequence[str]]) -> None:
    """``InputError`` for a name that is no identifier of XDSL; ``variables`` with their states."""
    for what, name in names_of(variables):
        if not _IDENTIFIER.fullmatch(name):
            raise InputError(
                f"XDSL cannot hold the {what} {shown(name)}: an identifier has letters, digits and _ and begins with a "
                "letter; rename it, or write BIF or XMLBIF"
            )
        check_holdable(what, name, "XDSL")


def write_xdsl(network: NetworkDescription) -> str:
    """The network as an XDSL document that ``parse_xdsl`` reads back, every number bit for bit.

    Raises ``InputError`` for names that are no identifiers of XDSL, and where a table has another shape than it should.
    """
    check_xdsl_names(network.variables)
    return "\n".join(_lines(network)) + "\n"


def _lines(network: NetworkDescription) -> Iterator[str]:
    title = network.name if _IDENTIFIER.fullmatch(network.name) else "network"
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<smile version="1.0" id="{title}" numsamples="10000" discsamples="10000">'
    yield "  <nodes>"
    for v, states in network.variables.items():
        yield f'    <cpt id="{v}">'
        for state in states:
            yield f'      <state id="{state}" />'
        if network.parents[v]:
            yield f"      <parents>{' '.join(network.parents[v])}</parents>"
        yield f"      <probabilities>{' '.join(map(repr, network.checked_table(v).ravel().tolist()))}</probabilities>"
        yield "    </cpt>"
    yield "  </nodes>"
    yield "  <extensions>"
    yield f'    <genie version="1.0" app="chainrule" name="{title}">'
    for v, (x, y) in network.positions.items():
        corners = position_text((x - _WIDTH / 2, y - _HEIGHT / 2, x + _WIDTH / 2, y + _HEIGHT / 2))
        yield f'      <node id="{v}">'
        yield f"        <name>{v}</name>"
        yield f"        <position>{corners.replace(',', ' ')}</position>"
        yield "      </node>"
    yield "    </genie>"
    yield "  </extensions>"
    yield "</smile>"
