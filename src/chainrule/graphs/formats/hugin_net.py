"""NET, the language of Hugin for Bayesian networks (Hugin API reference manual, chapter "The NET language").

    network    = [ "net" block ] { node | potential }
    node       = [ "discrete" ] [ "chance" ] "node" name block
    potential  = "potential" "(" name [ "|" { name } ] ")" block
    block      = "{" { name "=" value ";" } "}"
    value      = string | word | "(" { value } ")"

A node has ``states = ("no" "yes");`` and may have ``position = (x y);``; a potential has ``data``, its numbers with the
node's own states fastest and those of its first parent slowest, in parentheses that may be nested, one level for each
variable.  Without ``data`` all states are equally probable.  Other attributes are read over.  Comments: ``% …``.

What is no table is refused: decisions, utilities, continuous and function nodes, expressions (``model_data``),
potentials of several variables, and classes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.graphs.formats.description import NUMBER, position_text
from chainrule.graphs.formats.network_builder import NetworkBuilder
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.probabilities import plain_numbers
from chainrule.graphs.formats.scanner import QUOTED, Scanner, pattern, quoted, shown

__all__ = ["check_net_names", "parse_net", "write_net"]

_TOKENS = pattern(
    rf"""(?P<quoted>{QUOTED})|(?P<word>[^\s{{}}()=|;"%,]++)|(?P<mark>[{{}}()=|;,])""", skip=r"\s+|%[^\n]*"
)
_NUMBER = re.compile(NUMBER)
_COMMENT = re.compile(r"%[^\n]*")
_DATA = re.compile(r"(?:[^;%]++|%[^\n]*+)*+;")
_PARENTHESES = str.maketrans("()", "  ")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_TABLES = {
    "decision": "decisions are not read; make it a chance node in Hugin",
    "utility": "utilities are not read; delete it in Hugin",
    "continuous": "continuous nodes are not read; discretise it in Hugin",
    "function": "function nodes are not read; delete it in Hugin",
    "class": "classes are not read; expand the network in Hugin and save that",
}
_NO_DATA = ("model_nodes", "model_data")


def parse_net(text: str) -> NetworkDescription:
    """The network that NET text describes; linear.

    Raises ``ParseError`` with line and column, also for what has no table; otherwise as ``parse_bif``.

    >>> net = parse_net('''net { }
    ...   node rain { states = ("yes" "no"); position = (10 20); }
    ...   node grass { states = ("wet" "dry"); }
    ...   potential (rain) { data = (0.2 0.8); }
    ...   potential (grass | rain) { data = ((0.9 0.1) (0.25 0.75)); % as rain says
    ... }''')
    >>> net.parents["grass"], net.tables["grass"].tolist(), net.positions
    (('rain',), [[0.9, 0.1], [0.25, 0.75]], {'rain': (10.0, 20.0)})
    """
    return _Reader(text).run()


class _Reader:
    """Reads one network; a node comes before the potentials that name it."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text, _TOKENS)
        self._network = NetworkBuilder(self._scanner.place)
        self._positions: dict[str, tuple[float, float]] = {}
        self._name = ""

    def run(self) -> NetworkDescription:
        scanner = self._scanner
        if scanner.skip("net"):
            self._title()
        while scanner.kind != "stop":
            if scanner.text in _NO_TABLES:
                scanner.refuse(
                    f"expected a node with states, got {as_written(scanner.text)}; {_NO_TABLES[scanner.text]}"
                )
            if scanner.skip("potential"):
                self._potential()
            else:
                scanner.skip("discrete")
                scanner.skip("chance")
                if not scanner.skip("node"):
                    scanner.fail("expected 'node' or 'potential'")
                self._node()
        return self._network.finish(scanner.start, self._name, positions=self._positions)

    def _title(self) -> None:
        for attribute in self._attributes():
            if attribute == "name" and self._scanner.kind in ("quoted", "word"):
                self._name = self._scanner.word("a name")
            else:
                self._value()

    def _node(self) -> None:
        scanner, at = self._scanner, self._scanner.start
        name = self._scanner.word("the name of the node")
        is_stated = False
        for attribute in self._attributes():
            if attribute == "states":
                if is_stated:
                    scanner.refuse(f"the states of {shown(name)} are given twice; keep one of the two")
                self._network.declare(name, self._states(), at)
                is_stated = True
            elif attribute == "position":
                self._positions[name] = self._position()
            else:
                self._value()
        if not is_stated:
            scanner.refuse(f'node {shown(name)} has no states; say for example states = ("no" "yes");', at)

    def _states(self) -> Iterator[tuple[str, int]]:
        scanner, at, n = self._scanner, self._scanner.start, 0
        scanner.expect("(")
        while not scanner.skip(")"):
            place, n = scanner.start, n + 1
            yield self._scanner.word("a state or ')'"), place
        if not n:
            scanner.refuse("expected at least one state, got none; name them", at)

    def _position(self) -> tuple[float, float]:
        scanner, at = self._scanner, self._scanner.start
        scanner.expect("(")
        words = []
        while not scanner.skip(")") and len(words) < 3:
            words.append(self._scanner.word("a number"))
        if len(words) != 2 or not all(
            _NUMBER.fullmatch(word) and math.isfinite(float(word)) for word in words
        ):
            scanner.refuse("expected a position such as (100 200); correct it", at)
        return float(words[0]), float(words[1])

    def _potential(self) -> None:
        scanner, at = self._scanner, self._scanner.start
        scanner.expect("(")
        place = scanner.start
        node = self._network.known(self._scanner.word("the name of a node"), place)
        if scanner.text not in ("|", ")"):
            scanner.fail("expected '|' or ')'", hint="a potential of several nodes is not read")
        scanner.skip("|")
        parents = []
        while not scanner.skip(")"):
            place = scanner.start
            parents.append(self._network.known(self._scanner.word("a parent or ')'"), place))
        shape = self._network.open_table(node, parents, at)
        table = None
        for attribute in self._attributes():
            if attribute in _NO_DATA:
                scanner.refuse(
                    f"{shown(node)} is defined by an expression ({attribute}); only tables (data) are read"
                )
            elif attribute != "data":
                self._value()
            elif table is None:
                table = self._data(node, shape)
            else:
                scanner.refuse(f"the data of {shown(node)} are given twice; keep one of the two")
        self._network.give(node, np.full(shape, 1 / shape[-1]) if table is None else table, at)

    def _data(self, node: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        scanner, at = self._scanner, self._scanner.start
        if scanner.text != "(":
            scanner.fail("expected '('")
        numbers = self._plain_data(scanner.source, at, math.prod(shape))
        if numbers is None:
            numbers = self._data_by_words(math.prod(shape))
        return self._network.shaped(node, numbers, shape, at)

    def _plain_data(self, source: str, at: int, most: int) -> NDArray[np.float64] | None:
        """All numbers up to the semicolon, where there is nothing but them and balanced parentheses."""
        end = _DATA.match(source, at)
        if end is None:
            return None
        text = source[at : end.end() - 1]
        if "%" in text:
            text = _COMMENT.sub(" ", text)
        text = text.rstrip()
        if not _is_one_group(text):
            return None
        text = text.translate(_PARENTHESES)
        numbers = plain_numbers(text, 0, len(text), most)
        if numbers is not None:
            self._scanner.jump(end.end() - 1)
        return numbers

    def _data_by_words(self, most: int) -> NDArray[np.float64]:
        """The numbers of the group that comes next, with the place of what is wrong; no more than ``most`` are kept."""
        scanner = self._scanner
        numbers: list[float] = []
        depth, n = 0, 0
        while True:
            if scanner.skip("("):
                depth += 1
            elif scanner.skip(")"):
                depth -= 1
            elif not scanner.skip(","):
                if not _NUMBER.fullmatch(scanner.text):
                    scanner.fail("expected a number or ')'")
                n += 1
                if n <= most:
                    numbers.append(float(scanner.text))
                scanner.take()
            if depth == 0:
                return np.array(numbers) if n <= most else np.zeros(n)

    def _attributes(self) -> Iterator[str]:
        """The names in ``{ name = value; … }``; whoever is given one takes its value."""
        scanner = self._scanner
        scanner.expect("{")
        while not scanner.skip("}"):
            key = self._scanner.word("an attribute or '}'")
            scanner.expect("=")
            yield key
            scanner.expect(";")

    def _value(self) -> None:
        """Read a value over."""
        scanner, depth = self._scanner, 0
        while depth or scanner.text != ";":
            if scanner.skip("("):
                depth += 1
            elif scanner.skip(")"):
                depth -= 1
            elif scanner.kind in ("word", "quoted") or scanner.text in (",", "="):
                scanner.take()
            else:
                scanner.fail("expected a value and ';'")


def _is_one_group(text: str) -> bool:
    """Whether the first parenthesis is closed by the last character and by no other, and all others match."""
    depth = 0
    for sign in re.finditer(r"[()]", text):
        depth += 1 if sign[0] == "(" else -1
        if depth <= 0 and sign.end() < len(text):
            return False
    return depth == 0 and text.endswith(")")


def check_net_names(variables: Iterable[str]) -> None:
    """``InputError`` for a variable whose name is no identifier of NET; a state may be any text."""
    for v in variables:
        if not _NAME.fullmatch(v):
            raise InputError(
                f"NET cannot hold the variable {shown(v)}: a name has letters a to z, digits and _ and begins with no "
                "digit; rename it, or write BIF or XMLBIF"
            )


def write_net(network: NetworkDescription) -> str:
    """The network as NET text that ``parse_net`` reads back, every number bit for bit.

    Raises ``InputError`` for variables that NET cannot name, and where a table has another shape than it should.
    """
    check_net_names(network.variables)
    return "\n".join(_lines(network)) + "\n"


def _lines(network: NetworkDescription) -> Iterator[str]:
    yield "net\n{"
    if network.name:
        yield f"  name = {quoted(network.name)};"
    yield "}"
    for v, states in network.variables.items():
        yield f"node {v}\n{{"
        yield f"  states = ({' '.join(map(quoted, states))});"
        if v in network.positions:
            yield f"  position = ({position_text(network.positions[v]).replace(',', ' ')});"
        yield "}"
    for v, parents in network.parents.items():
        above = f" | {' '.join(parents)}" if parents else ""
        table = network.checked_table(v)
        yield f"potential ({v}{above})\n{{"
        rows = [f"({' '.join(map(repr, row))})" for row in table.reshape(-1, table.shape[-1]).tolist()]
        yield f"  data = {_nested(rows, table.shape[:-1])};"
        yield "}"


def _nested(rows: list[str], sizes: Sequence[int]) -> str:
    """Rows in parentheses, one level for each parent; the last parent changes fastest."""
    for size in reversed(sizes):
        rows = [f"({' '.join(rows[i : i + size])})" for i in range(0, len(rows), size)]
    return rows[0]
