"""BIF, the interchange format of Bayesian networks with tables (version 0.15; Cozman 1998), read and written.

    network    = "network" [ name ] "{" { property } "}"
    variable   = "variable" name "{" "type" "discrete" "[" n "]" "{" state { state } "}" ";" { property } "}"
    table      = "probability" "(" name [ [ "|" ] name { name } ] ")" "{" { entry | property } "}"
    entry      = ( "table" | "default" | "(" state { state } ")" ) number { number } ";"
    property   = "property" anything ";"

The first name after ``probability`` is the node, the others are its parents; the bar between them is missing in the
files that JavaBayes wrote.  Commas may stand between names, states and numbers.  A name or a state has no white space
and none of ``{ } ( ) [ ] , ; | "``, or is quoted.  Comments: ``// …``, ``/* … */``.

After ``table`` all numbers follow with the node's own state changing slowest and the last parent's fastest;
after states of the parents, in their order, comes one number for each state of the node; ``default`` is for
every configuration that has no row.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError, UnknownNameError
from chainrule.graphs.formats.bif_network import WORD, BIFNetwork
from chainrule.graphs.formats.bif_writer import write_bif
from chainrule.graphs.formats.description import NUMBER, Description
from chainrule.graphs.formats.files import read_text
from chainrule.graphs.formats.scanner import Scanner, pattern, unquoted

__all__ = ["MOST_NUMBERS", "BIFNetwork", "parse_bif", "parse_bif_graph", "read_bif", "write_bif"]

MOST_NUMBERS = 20_000_000  # of all tables together; 160 MB
MOST_PARENTS = 63  # of one variable; a numpy array has at most 64 axes

# how far a number may be off by rounding, and a little for the addition: three decimals is the coarsest in use
_ROUNDING = 0.0005 + 1e-9
_TOKENS = pattern(
    rf'(?P<word>{WORD})|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<mark>[{{}}()\[\],;|])',
    skip=r"\s+|//[^\n]*|/\*.*?\*/",
)
_NUMBER = re.compile(NUMBER)
_POSITION = re.compile(
    rf'"?\s*+position\s*+=\s*+\(?\s*+({NUMBER})\s*+,\s*+({NUMBER})\s*+\)?\s*+"?'  # possessive: linear
)


def parse_bif(text: str) -> BIFNetwork:
    """The network that BIF text describes; linear in the text and in the size of the tables.

    A row may miss one by what rounding its numbers to three decimals could do (0.0005 for each state);
    nothing is renormalised.  Whether the parents form a cycle is for ``DAG`` to say.

    Raises ``ParseError`` with line and column (syntax, counts, rows that are missing, given twice or do not
    sum to one), ``UnknownNameError`` for a variable or a state that was not declared, ``TooLargeError``
    for tables above twenty million numbers.

    >>> net = parse_bif('''network rain { }
    ...   variable rain { type discrete [ 2 ] { yes, no }; }
    ...   variable grass { type discrete [ 2 ] { wet, dry }; }
    ...   probability ( rain ) { table 0.2, 0.8; }
    ...   probability ( grass | rain ) { (yes) 0.9, 0.1; (no) 0.25, 0.75; }''')
    >>> net.parents["grass"], net.tables["grass"].tolist()
    (('rain',), [[0.9, 0.1], [0.25, 0.75]])
    """
    return _Reader(text).run()


def read_bif(path: str | Path) -> BIFNetwork:
    """The network in a BIF file, plain or gzip; as ``parse_bif``, and ``DataError`` for a file that is no text.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "coin.bif"
    >>> _ = path.write_text("network c {} variable x { type discrete [2] {h, t}; } probability (x) { table .5 .5; }")
    >>> read_bif(path).variables
    {'x': ('h', 't')}
    """
    return parse_bif(read_text(path))


def parse_bif_graph(text: str) -> Description:
    """The graph of a BIF network, with positions where properties ``position = (x, y)`` give them."""
    network = parse_bif(text)
    found = Description(edges=list(network.edges), nodes=dict.fromkeys(network.variables))
    for v, properties in network.variable_properties.items():
        for text in properties:
            match = _POSITION.fullmatch(text)
            if match and math.isfinite(x := float(match[1])) and math.isfinite(y := float(match[2])):
                found.positions[v] = (x, y)
    return found


class _Reader:
    """Reads one network; blocks may come in any order as long as a variable comes before it is used."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text, _TOKENS)
        self._states: dict[str, dict[str, int]] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._tables: dict[str, NDArray[np.float64]] = {}
        self._properties: dict[str, list[str]] = {}
        self._n_numbers = 0

    def run(self) -> BIFNetwork:
        scanner = self._scanner
        name, properties = self._network()
        while scanner.kind != "stop":
            if scanner.skip("variable"):
                self._variable()
            elif scanner.skip("probability"):
                self._probability()
            else:
                scanner.fail("expected 'variable' or 'probability'")
        if not self._states:
            scanner.fail("expected at least one variable")
        for v in self._states:
            if v not in self._tables:
                scanner.refuse(f"expected a probability block for {v!r}, there is none; add one")
        return BIFNetwork(
            name,
            {v: tuple(states) for v, states in self._states.items()},
            {v: self._parents[v] for v in self._states},
            {v: self._tables[v] for v in self._states},
            tuple(properties),
            {v: tuple(found) for v, found in self._properties.items() if found},
        )

    def _network(self) -> tuple[str, list[str]]:
        scanner = self._scanner
        scanner.expect("network")
        name = "" if scanner.text == "{" else self._name("a name for the network or '{'")
        scanner.expect("{")
        properties: list[str] = []
        while not scanner.skip("}"):
            self._property(properties, "'property' or '}'")
        return name, properties

    def _variable(self) -> None:
        scanner, at = self._scanner, self._scanner.start
        name = self._name("the name of the variable")
        if name in self._states:
            scanner.refuse(f"variable {name!r} is declared twice; keep one of the two", at)
        scanner.expect("{")
        states: dict[str, int] = {}
        self._properties[name] = []
        while not scanner.skip("}"):
            if scanner.text == "type" and not states:
                states = self._type()
            else:
                self._property(self._properties[name], "'property' or '}'" if states else "'type'")
        if not states:
            scanner.refuse(
                f"variable {name!r} has no type; say for example type discrete [ 2 ] {{ no, yes }};", at
            )
        self._states[name] = states

    def _type(self) -> dict[str, int]:
        """``type discrete [ n ] { state, … };`` as the place of each state."""
        scanner = self._scanner
        scanner.expect("type")
        if not scanner.skip("discrete"):
            scanner.fail("expected 'discrete'", hint="only variables with states can be read")
        scanner.expect("[")
        at, count = scanner.start, scanner.text
        if not re.fullmatch(r"[0-9]{1,9}", count):
            scanner.fail("expected the number of states")
        scanner.take()
        scanner.expect("]")
        scanner.expect("{")
        states: dict[str, int] = {}
        for state, place in self._names("}", "a state or '}'"):
            if state in states:
                scanner.refuse(f"state {state!r} is listed twice; name each state once", place)
            states[state] = len(states)
        if not states or len(states) != int(count):
            scanner.refuse(f"expected {count} states as announced, got {len(states)}; make the two agree", at)
        scanner.expect(";")
        return states

    def _probability(self) -> None:
        scanner, at = self._scanner, self._scanner.start
        scanner.expect("(")
        node_at = scanner.start
        node = self._known(self._name("the name of a variable"), node_at)
        scanner.skip("|")
        parents = tuple(self._known(*named) for named in self._names(")", "a parent or ')'"))
        if node in self._tables:
            scanner.refuse(f"variable {node!r} has two probability blocks; keep one of them", node_at)
        if len(set(parents)) < len(parents):
            scanner.refuse(f"a parent of {node!r} is listed twice; name each parent once", at)
        if len(parents) > MOST_PARENTS:
            raise TooLargeError(
                f"{scanner.place(at)}: {node!r} has {len(parents)} parents, at most {MOST_PARENTS} are read"
            )
        self._parents[node] = parents
        self._tables[node] = self._table(node, parents)

    def _table(self, node: str, parents: tuple[str, ...]) -> NDArray[np.float64]:
        """The entries of a probability block; NaN marks a row that is not there yet."""
        scanner = self._scanner
        shape = tuple(len(self._states[v]) for v in (*parents, node))
        self._n_numbers += math.prod(shape)
        if self._n_numbers > MOST_NUMBERS:
            raise TooLargeError(
                f"{scanner.place()}: with {node!r} the tables have {self._n_numbers:,} numbers, at most "
                f"{MOST_NUMBERS:,} are read; give {node!r} fewer parents"
            )
        table, default = np.full(shape, np.nan), None
        scanner.expect("{")
        while not scanner.skip("}"):
            at = scanner.start
            if scanner.skip("table"):
                where = ()
                numbers = self._numbers(math.prod(shape), node, at)
                row = np.moveaxis(np.reshape(numbers, (shape[-1], *shape[:-1])), 0, -1)
            elif scanner.skip("default"):
                if default is not None:
                    scanner.refuse("there are two default rows; keep one of them", at)
                default = np.array(self._numbers(shape[-1], node, at))
                self._check_sums(default, at)
                continue
            elif scanner.skip("("):
                where = self._configuration(parents, at)
                row = np.array(self._numbers(shape[-1], node, at))
            else:
                self._property(self._properties[node], "'table', 'default', '(' or '}'")
                continue
            if not np.isnan(table[where]).all():
                scanner.refuse("these numbers were given before; keep one of the two", at)
            self._check_sums(row, at)
            table[where] = row
        return self._completed(table, default, node, parents)

    def _completed(
        self,
        table: NDArray[np.float64],
        default: NDArray[np.float64] | None,
        node: str,
        parents: tuple[str, ...],
    ) -> NDArray[np.float64]:
        missing = np.isnan(table[..., 0])
        if missing.any():
            if default is None:
                first = np.argwhere(missing)[0]
                states = [list(self._states[u])[i] for u, i in zip(parents, first, strict=True)]
                what = f"row ({', '.join(states)})" if parents else "table row"
                self._scanner.refuse(f"{node!r} has no {what}; add it, or a default row")
            table[missing] = default
        return table

    def _configuration(self, parents: tuple[str, ...], at: int) -> tuple[int, ...]:
        """The states of the parents that a row is for, as indices."""
        scanner = self._scanner
        states = list(self._names(")", "a state or ')'"))
        if len(states) != len(parents):
            scanner.refuse(f"expected a state for each of {len(parents)} parents, got {len(states)}", at)
        indices = []
        for parent, (state, place) in zip(parents, states, strict=True):
            known = self._states[parent]
            if state not in known:
                error = UnknownNameError.of(f"state of {parent!r}", state, list(known))
                raise UnknownNameError(f"{scanner.place(place)}: {error}")
            indices.append(known[state])
        return tuple(indices)

    def _numbers(self, count: int, node: str, at: int) -> list[float]:
        """``count`` probabilities and the semicolon after them."""
        scanner = self._scanner
        numbers: list[float] = []
        while not scanner.skip(";"):
            if scanner.skip(","):
                continue
            if not _NUMBER.fullmatch(scanner.text):
                scanner.fail("expected a number or ';'")
            number = float(scanner.text)
            if not 0 <= number <= 1:
                scanner.fail("expected a probability between 0 and 1")
            numbers.append(number)
            scanner.take()
        if len(numbers) != count:
            scanner.refuse(f"expected {count} numbers for {node!r}, got {len(numbers)}", at)
        return numbers

    def _check_sums(self, rows: NDArray[np.float64], at: int) -> None:
        sums = rows.sum(axis=-1)
        if (np.abs(sums - 1) > _ROUNDING * rows.shape[-1]).any():
            worst = sums.flat[np.argmax(np.abs(sums - 1))]
            self._scanner.refuse(f"expected probabilities that sum to 1, got {worst:.6g}; correct them", at)

    def _names(self, closing: str, expected: str) -> Iterator[tuple[str, int]]:
        """Names up to and with ``closing``, each with where it stands."""
        while not self._scanner.skip(closing):
            if not self._scanner.skip(","):
                at = self._scanner.start
                yield self._name(expected), at

    def _name(self, expected: str) -> str:
        scanner = self._scanner
        name = unquoted(scanner.text) if scanner.kind == "quoted" else scanner.text
        if scanner.kind not in ("word", "quoted") or not name:
            scanner.fail(f"expected {expected}")
        scanner.take()
        return name

    def _known(self, name: str, at: int) -> str:
        if name not in self._states:
            error = UnknownNameError.of("variable", name, list(self._states))
            raise UnknownNameError(f"{self._scanner.place(at)}: {error}")
        return name

    def _property(self, found: list[str], expected: str) -> None:
        """``property … ;``, kept as it is written."""
        scanner = self._scanner
        if not scanner.skip("property"):
            scanner.fail(f"expected {expected}")
        start = scanner.start
        while scanner.text != ";":
            if scanner.kind in ("stop", "other"):
                scanner.fail("expected ';' after the property")
            scanner.take()
        found.append(scanner.source[start : scanner.start].strip())
        scanner.take()
