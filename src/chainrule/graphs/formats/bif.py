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

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.core.text import one_line
from chainrule.graphs.formats.bif_rows import rows_at
from chainrule.graphs.formats.bif_words import TOKENS
from chainrule.graphs.formats.bif_writer import write_bif
from chainrule.graphs.formats.description import NUMBER, position_of_note
from chainrule.graphs.formats.network_builder import NetworkBuilder
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.probabilities import are_probabilities, plain_numbers
from chainrule.graphs.formats.scanner import Scanner, shown

__all__ = ["parse_bif", "write_bif"]

_NUMBER = re.compile(NUMBER)


def parse_bif(text: str) -> NetworkDescription:
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


class _Reader:
    """Reads one network; blocks may come in any order as long as a variable comes before it is used."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text, TOKENS)
        self._network = NetworkBuilder(self._scanner.place)
        self._properties: dict[str, list[str]] = {}
        self._positions: dict[str, tuple[float, float]] = {}

    def run(self) -> NetworkDescription:
        scanner = self._scanner
        name, properties = self._header()
        while scanner.kind != "stop":
            if scanner.skip("variable"):
                self._variable()
            elif scanner.skip("probability"):
                self._probability()
            else:
                scanner.fail("expected 'variable' or 'probability'")
        return self._network.finish(
            scanner.start,
            name,
            properties=properties,
            variable_properties=self._properties,
            positions=self._positions,
        )

    def _header(self) -> tuple[str, list[str]]:
        scanner = self._scanner
        scanner.expect("network")
        name = "" if scanner.text == "{" else self._scanner.word("a name for the network or '{'")
        scanner.expect("{")
        properties: list[str] = []
        while not scanner.skip("}"):
            properties.append(self._property("'property' or '}'"))
        return name, properties

    def _variable(self) -> None:
        scanner, at = self._scanner, self._scanner.start
        name = self._scanner.word("the name of the variable")
        scanner.expect("{")
        is_typed = False
        while not scanner.skip("}"):
            if scanner.text == "type" and not is_typed:
                self._network.declare(name, self._type(), at)
                is_typed = True
            else:
                self._note(name, self._property("'property' or '}'" if is_typed else "'type'"))
        if not is_typed:
            scanner.refuse(
                f"variable {shown(name)} has no type; say for example type discrete [ 2 ] {{ no, yes }};", at
            )

    def _type(self) -> Iterator[tuple[str, int]]:
        """The states in ``type discrete [ n ] { state, … };``, and where they stand."""
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
        n = 0
        for n, named in enumerate(self._names("}", "a state or '}'"), 1):  # noqa: B007  # counts them
            yield named
        if not n or n != int(count):
            scanner.refuse(f"expected {count} states as announced, got {n}; make the two agree", at)
        scanner.expect(";")

    def _note(self, name: str, text: str) -> None:
        """Keep a property of a variable: as a position where it is one, else as it is written."""
        if position := position_of_note(text):
            self._positions[name] = position
        else:
            self._properties.setdefault(name, []).append(text)

    def _probability(self) -> None:
        scanner = self._scanner
        scanner.expect("(")
        at = scanner.start
        node = self._network.known(self._scanner.word("the name of a variable"), at)
        scanner.skip("|")
        parents = [self._network.known(*named) for named in self._names(")", "a parent or ')'")]
        shape = self._network.open_table(node, parents, at)
        states = [self._network.states[u] for u in parents]
        if scanner.text != "{":
            scanner.expect("{")
        found = rows_at(scanner.source, scanner.start, states, shape[-1])
        if found is None:
            scanner.take()
            table = self._table(node, parents, shape)
        else:
            rows, end = found
            table = rows.reshape(shape)
            scanner.jump(end)
        self._network.give(node, table, at)

    def _table(self, node: str, parents: Sequence[str], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """The entries of a probability block, word by word; NaN marks a row that is not there yet."""
        scanner = self._scanner
        table, default = np.full(shape, np.nan), None
        while not scanner.skip("}"):
            at = scanner.start
            if scanner.skip("table"):
                where = ()
                numbers = self._numbers(table.size, node, at)
                row = np.moveaxis(np.reshape(numbers, (shape[-1], *shape[:-1])), 0, -1)
            elif scanner.skip("default"):
                if default is not None:
                    scanner.refuse("there are two default rows; keep one of them", at)
                default = self._numbers(shape[-1], node, at)
                self._network.check_rows(default, at)
                continue
            elif scanner.skip("("):
                where = self._configuration(parents, at)
                row = self._numbers(shape[-1], node, at)
            else:
                self._note(node, self._property("'table', 'default', '(' or '}'"))
                continue
            if not np.isnan(table[where]).all():
                scanner.refuse("these numbers were given before; keep one of the two", at)
            self._network.check_rows(row, at)
            table[where] = row
        return self._completed(table, default, node, parents)

    def _completed(
        self,
        table: NDArray[np.float64],
        default: NDArray[np.float64] | None,
        node: str,
        parents: Sequence[str],
    ) -> NDArray[np.float64]:
        missing = np.isnan(table[..., 0])
        if missing.any():
            if default is None:
                first = np.unravel_index(int(missing.argmax()), missing.shape)
                states = [list(self._network.states[u])[i] for u, i in zip(parents, first, strict=True)]
                what = f"row ({one_line(', '.join(states), 200)})" if parents else "table row"
                self._scanner.refuse(f"{shown(node)} has no {what}; add it, or a default row")
            table[missing] = default
        return table

    def _configuration(self, parents: Sequence[str], at: int) -> tuple[int, ...]:
        """The states of the parents that a row is for, as indices."""
        states = list(self._names(")", "a state or ')'"))
        if len(states) != len(parents):
            self._scanner.refuse(
                f"expected a state for each of {len(parents)} parents, got {len(states)}", at
            )
        indices = []
        for parent, (state, place) in zip(parents, states, strict=True):
            known = self._network.states[parent]
            if state not in known:
                self._network.unknown(f"state of {shown(parent)}", state, known, place)
            indices.append(known[state])
        return tuple(indices)

    def _numbers(self, count: int, node: str, at: int) -> NDArray[np.float64]:
        """``count`` probabilities and the semicolon after them."""
        scanner = self._scanner
        stop = scanner.source.find(";", scanner.start)
        numbers = plain_numbers(scanner.source, scanner.start, stop, count) if stop >= 0 else None
        if numbers is not None and len(numbers) == count and are_probabilities(numbers):
            scanner.jump(stop + 1)
            return numbers
        return self._numbers_by_words(count, node, at)

    def _numbers_by_words(self, count: int, node: str, at: int) -> NDArray[np.float64]:
        """As ``_numbers``, with comments between them, and with the place of what is wrong."""
        scanner = self._scanner
        numbers, n = np.empty(count), 0
        while not scanner.skip(";"):
            if scanner.skip(","):
                continue
            if not _NUMBER.fullmatch(scanner.text):
                scanner.fail("expected a number or ';'")
            number = float(scanner.text)
            if not 0 <= number <= 1:
                scanner.fail("expected a probability between 0 and 1")
            if n < count:
                numbers[n] = number
            n += 1
            scanner.take()
        if n != count:
            scanner.refuse(f"expected {count} numbers for {shown(node)}, got {n}", at)
        return numbers

    def _names(self, closing: str, expected: str) -> Iterator[tuple[str, int]]:
        """Names up to and with ``closing``, each with where it stands."""
        while not self._scanner.skip(closing):
            if not self._scanner.skip(","):
                at = self._scanner.start
                yield self._scanner.word(expected), at

    def _property(self, expected: str) -> str:
        """``property … ;``, as it is written."""
        scanner = self._scanner
        if not scanner.skip("property"):
            scanner.fail(f"expected {expected}")
        start = scanner.start
        while scanner.text != ";":
            if scanner.kind in ("stop", "other"):
                scanner.fail("expected ';' after the property")
            scanner.take()
        text = scanner.source[start : scanner.start].strip()
        scanner.take()
        return text
