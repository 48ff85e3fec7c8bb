"""XMLBIF, BIF's successor in XML (version 0.3; Cozman 1998; Weka, JavaBayes and pgmpy write it), read and written.

    <BIF VERSION="0.3"><NETWORK>
      <NAME>rain</NAME>
      <VARIABLE TYPE="nature"><NAME>grass</NAME><OUTCOME>wet</OUTCOME><OUTCOME>dry</OUTCOME></VARIABLE> …
      <DEFINITION><FOR>grass</FOR><GIVEN>rain</GIVEN><TABLE>0.9 0.1 0.25 0.75</TABLE></DEFINITION> …
    </NETWORK></BIF>

In a table the outcomes of the variable itself change fastest and those of the first one given slowest.  PROPERTY holds
any note; ``position = (x, y)`` is one.  Elements may come in any order.  White space around a name is not part of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.graphs.formats.description import position_note, position_of_note
from chainrule.graphs.formats.network_builder import NetworkBuilder
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.scanner import shown
from chainrule.graphs.formats.xml_records import Element, Place, place_text, read_records
from chainrule.graphs.formats.xml_values import check_holdable, escaped, names_of, numbers_of, without_unknown

__all__ = ["check_xmlbif_names", "parse_xmlbif", "write_xmlbif"]


def parse_xmlbif(text: str) -> NetworkDescription:
    """The network in an XMLBIF document; linear.

    Raises ``ParseError`` with line and column, also for decisions, utilities and tables of several variables;
    otherwise as ``parse_bif``.

    >>> net = parse_xmlbif("<BIF><NETWORK><VARIABLE><NAME>a</NAME><OUTCOME>x</OUTCOME><OUTCOME>y</OUTCOME></VARIABLE>"
    ...     "<DEFINITION><FOR>a</FOR><TABLE>.25 .75</TABLE></DEFINITION></NETWORK></BIF>")
    >>> net.variables, net.tables["a"].tolist()
    ({'a': ('x', 'y')}, [0.25, 0.75])
    """
    return _Reader().run(text)


@dataclass(frozen=True, slots=True)
class _Definition:
    """What is kept of one until all variables are known: the node and its parents, the table, notes, and places."""

    at: Place
    names: tuple[tuple[str, Place], ...]
    numbers: NDArray[np.float64]
    numbers_at: Place
    notes: tuple[str, ...]


class _Reader:
    """Takes variables and definitions as they come; tables are put in place when all variables are known."""

    def __init__(self) -> None:
        self._network: NetworkBuilder[Place] = NetworkBuilder(place_text)
        self._definitions: deque[_Definition] = deque()
        self._name = ""
        self._notes: list[str] = []
        self._variable_notes: dict[str, list[str]] = {}
        self._positions: dict[str, tuple[float, float]] = {}
        self._n_networks = 0

    def run(self, text: str) -> NetworkDescription:
        end = read_records(text, "BIF", ["BIF", "NETWORK"], self._take, self._enter)
        while self._definitions:
            self._define(self._definitions.popleft())
        return self._network.finish(
            end,
            self._name,
            properties=self._notes,
            variable_properties=self._variable_notes,
            positions=self._positions,
        )

    def _enter(self, container: Element) -> None:
        self._n_networks += container.tag == "NETWORK"
        if self._n_networks > 1:
            self._network.refuse("there is a second <NETWORK>; keep one network in a file", container.at)

    def _take(self, record: Element, _: str) -> None:
        if record.tag == "NAME":
            self._name = record.text
        elif record.tag == "PROPERTY":
            self._notes.append(record.text)
        elif record.tag == "VARIABLE":
            self._declare(record)
        elif record.tag == "DEFINITION":
            self._definitions.append(self._defined(record))
        else:
            self._network.refuse(
                f"expected <VARIABLE> or <DEFINITION>, got <{shown(record.tag)[1:-1]}>; remove it", record.at
            )

    def _declare(self, variable: Element) -> None:
        kind = variable.attributes.get("TYPE", "nature")
        if kind != "nature":
            self._network.refuse(
                f"expected a variable of the type nature, got {shown(kind)}; decisions and utilities are not read",
                variable.at,
            )
        name = self._text(variable.one("NAME"))
        outcomes = variable.all("OUTCOME")
        if not outcomes:
            self._network.refuse(
                f"variable {shown(name)} has no <OUTCOME>; only variables with states can be read",
                variable.at,
            )
        self._network.declare(name, ((self._text(o), o.at) for o in outcomes), variable.at)
        for note in variable.all("PROPERTY"):
            if position := position_of_note(note.text):
                self._positions[name] = position
            else:
                self._variable_notes.setdefault(name, []).append(note.text)

    def _defined(self, definition: Element) -> _Definition:
        table = definition.one("TABLE")
        numbers = numbers_of(table)
        several = definition.all("FOR")[1:]
        if several:
            self._network.refuse("this table is for several variables; give each its own", several[0].at)
        named = (definition.one("FOR"), *definition.all("GIVEN"))
        names = tuple((self._text(element), element.at) for element in named)
        notes = tuple(note.text for note in definition.all("PROPERTY"))
        return _Definition(definition.at, names, numbers, table.at, notes)

    def _define(self, definition: _Definition) -> None:
        node, *parents = (self._network.known(name, at) for name, at in definition.names)
        shape = self._network.open_table(node, parents, definition.at)
        at = definition.numbers_at
        self._network.give(node, self._network.shaped(node, definition.numbers, shape, at), at)
        for note in definition.notes:
            self._variable_notes.setdefault(node, []).append(note)

    def _text(self, element: Element) -> str:
        if not element.text:
            self._network.refuse(f"expected a name in <{element.tag}>, got nothing; add it", element.at)
        return element.text


def check_xmlbif_names(variables: Mapping[str, Sequence[str]]) -> None:
    """``InputError`` for a name that XMLBIF cannot hold; ``variables`` with their states."""
    for what, name in names_of(variables):
        check_holdable(what, name, "XMLBIF")


def write_xmlbif(network: NetworkDescription) -> str:
    """The network as an XMLBIF document that ``parse_xmlbif`` reads back, every number bit for bit.

    Raises ``InputError`` for names that XML cannot hold, and where a table has another shape than it should.
    """
    check_xmlbif_names(network.variables)
    return "\n".join(_lines(network)) + "\n"


def _lines(network: NetworkDescription) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<BIF VERSION="0.3">'
    yield "<NETWORK>"
    yield f"<NAME>{_held(network.name)}</NAME>"
    for note in network.properties:
        yield f"<PROPERTY>{_held(note)}</PROPERTY>"
    for v, states in network.variables.items():
        yield '<VARIABLE TYPE="nature">'
        yield f"  <NAME>{escaped(v)}</NAME>"
        for state in states:
            yield f"  <OUTCOME>{escaped(state)}</OUTCOME>"
        for note in network.variable_properties.get(v, ()):
            yield f"  <PROPERTY>{_held(note)}</PROPERTY>"
        if v in network.positions:
            yield f"  <PROPERTY>{position_note(network.positions[v])}</PROPERTY>"
        yield "</VARIABLE>"
    for v, parents in network.parents.items():
        yield "<DEFINITION>"
        yield f"  <FOR>{escaped(v)}</FOR>"
        for parent in parents:
            yield f"  <GIVEN>{escaped(parent)}</GIVEN>"
        rows = network.checked_table(v).reshape(-1, len(network.variables[v]))
        yield "  <TABLE>" + "\n".join(" ".join(map(repr, row)) for row in rows.tolist()) + "</TABLE>"
        yield "</DEFINITION>"
    yield "</NETWORK>"
    yield "</BIF>"


def _held(text: str) -> str:
    """A note or a title: what XML has no character for is left out of it."""
    return escaped(without_unknown(text))
