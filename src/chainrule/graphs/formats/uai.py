"""UAI, the format of the inference competitions of the conference of that name (since 2006), for Bayesian networks.

    BAYES                     a network of tables; MARKOV is read where it is one too
    3                         variables, called x1, x2, … here
    2 2 3                     their numbers of states, called 0, 1, … here
    3                         functions, one for each variable
    1 0   2 0 1   2 1 2       the size of each one's scope, then the scope: parents, and the variable last
    2   0.4 0.6   4   …       of each function how many numbers, then the numbers, the last variable's states fastest

All is words with white space between them.  The format has no names and no comments: pyAgrum (3.3) writes some, and its
tables, as pgmpy's (1.1), in another order than this, so that both are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.graphs.formats.network_builder import (
    MOST_NUMBERS,
    MOST_PARENTS,
    MOST_STATES,
    MOST_VARIABLES,
    NetworkBuilder,
)
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.probabilities import (
    are_probabilities,
    plain_numbers,
    sums_off,
    word_that_is_no_number,
)
from chainrule.graphs.formats.scanner import Scanner, pattern

__all__ = ["has_plain_names", "parse_uai", "write_uai"]

_TOKENS = pattern(r"(?P<word>\S+)", skip=r"\s+")
_WORD = re.compile(r"\S+")


def parse_uai(text: str) -> NetworkDescription:
    """The network that UAI text describes; linear.

    Raises ``ParseError`` with line and column, also for functions that are no conditional tables; otherwise as
    ``parse_bif``.

    >>> net = parse_uai("BAYES 2 2 2 2  1 0  2 0 1   2 0.2 0.8   4 0.9 0.1 0.25 0.75")
    >>> net.variables["x2"], net.parents["x2"], net.tables["x2"].tolist()
    (('0', '1'), ('x1',), [[0.9, 0.1], [0.25, 0.75]])
    """
    return _Reader(text).run()


def has_plain_names(network: NetworkDescription) -> bool:
    """Whether variables are called x1, x2, … and states 0, 1, …, so that UAI loses no name.

    >>> has_plain_names(parse_uai("BAYES 1 2 1 1 0 2 .5 .5"))
    True
    """
    return all(
        v == f"x{i}" and states == tuple(map(str, range(len(states))))
        for i, (v, states) in enumerate(network.variables.items(), 1)
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text, _TOKENS)
        self._network = NetworkBuilder(self._scanner.place)

    def run(self) -> NetworkDescription:
        scanner = self._scanner
        kind = scanner.text
        if kind not in ("BAYES", "MARKOV"):
            scanner.fail("expected 'BAYES'")
        scanner.take()
        names = self._variables()
        scopes = self._scopes(names, kind)
        numbers, start = self._numbers(), scanner.start
        at = 0
        for node, parents, place in scopes:
            at = self._table(node, parents, place, numbers, at, start, kind)
        if at < len(numbers):
            self._network.refuse(
                f"expected nothing after the table of {scopes[-1][0]!r}; remove what is left",
                self._word(start, at),
            )
        return self._network.finish(len(scanner.source))

    def _integer(self, what: str, most: int, least: int = 0) -> int:
        scanner, word = self._scanner, self._scanner.text
        if not re.fullmatch(r"[0-9]{1,12}", word) or not least <= int(word) <= most:
            hint = (
                "UAI has no comments; a file of pyAgrum is better saved as BIF there" if word == "#" else ""
            )
            scanner.fail(f"expected {what}, from {least} to {most:,}", hint=hint)
        scanner.take()
        return int(word)

    def _variables(self) -> list[str]:
        n, names = self._integer("the number of variables", MOST_VARIABLES, 1), []
        for i in range(1, n + 1):
            place = self._scanner.start
            size = self._integer("a number of states", MOST_STATES, 1)
            names.append(f"x{i}")
            self._network.declare(names[-1], ((str(k), place) for k in range(size)), place)
        return names

    def _scopes(self, names: list[str], kind: str) -> list[tuple[str, list[str], int]]:
        scanner, place = self._scanner, self._scanner.start
        n = self._integer("the number of functions", MOST_VARIABLES)
        if n != len(names):
            self._network.refuse(
                f"expected a table for each of {len(names)} variables, got {n} functions; {_why(kind)}", place
            )
        scopes = []
        for _ in names:
            place = scanner.start
            size = self._integer("the size of a scope", MOST_PARENTS + 1, 1)
            *parents, node = [names[self._integer("a variable", len(names) - 1)] for _ in range(size)]
            scopes.append((node, parents, place))
        return scopes

    def _numbers(self) -> NDArray[np.float64]:
        """All numbers that are left, the sizes of the tables among them."""
        scanner = self._scanner
        source, start = scanner.source, scanner.start
        if "," not in source:
            numbers = plain_numbers(source, start, len(source), MOST_NUMBERS + MOST_VARIABLES)
            if numbers is not None:
                return numbers
        bad = word_that_is_no_number(source, start, between=r"\s")
        if bad is None:
            raise TooLargeError(f"the tables have more than {MOST_NUMBERS:,} numbers; no more are read")
        scanner.jump(bad)
        scanner.fail("expected a number")

    def _table(
        self,
        node: str,
        parents: list[str],
        place: int,
        numbers: NDArray[np.float64],
        at: int,
        start: int,
        kind: str,
    ) -> int:
        """Give the table of ``node``, which begins with number ``at``; where the next one does."""
        network = self._network
        if node in network.opened:
            network.refuse(f"a second function has {node!r} as the last variable; {_why(kind)}", place)
        shape = network.open_table(node, parents, place)
        size = math.prod(shape)
        if at >= len(numbers):
            network.refuse(f"expected the table of {node!r}, got the end of the text; add it", self._end())
        if numbers[at] != size:
            network.refuse(
                f"expected {size} as the number of entries for {node!r}, got {numbers[at]:.15g}; make the two agree",
                self._word(start, at),
            )
        table = numbers[at + 1 : at + 1 + size]
        if len(table) < size:
            network.refuse(
                f"expected {size:,} numbers for {node!r}, got {len(table):,}; add the others", self._end()
            )
        if kind == "MARKOV" and not _is_conditional(table.reshape(shape)):
            network.refuse(
                f"the function of {', '.join([*parents, node])[:200]} is no table of probabilities of {node!r}; "
                f"{_why(kind)}",
                self._word(start, at),
            )
        network.give(node, table.reshape(shape).copy(), self._word(start, at))
        return at + 1 + size

    def _end(self) -> int:
        return len(self._scanner.source)

    def _word(self, start: int, n: int) -> int:
        """Where word ``n`` after ``start`` begins, counted from 0."""
        for i, word in enumerate(_WORD.finditer(self._scanner.source, start)):
            if i == n:
                return word.start()
        return self._end()


def _is_conditional(table: NDArray[np.float64]) -> bool:
    return are_probabilities(table) and sums_off(table) is None


def _why(kind: str) -> str:
    if kind == "MARKOV":
        return "a Markov network is read only where it is a Bayesian one: normalise it, and write it as BAYES"
    return "in a network of the kind BAYES each variable is the last of one function"


def write_uai(network: NetworkDescription) -> str:
    """The network as UAI text, every number bit for bit; names, which the format has not, are left out.

    Raises ``InputError`` where a table has another shape than it should.
    """
    return "\n".join(_lines(network)) + "\n"


def _lines(network: NetworkDescription) -> Iterator[str]:
    place = {v: i for i, v in enumerate(network.variables)}
    yield "BAYES"
    yield str(len(place))
    yield " ".join(str(len(states)) for states in network.variables.values())
    yield str(len(place))
    for v, parents in network.parents.items():
        yield " ".join(map(str, (len(parents) + 1, *(place[u] for u in (*parents, v)))))
    for v in network.parents:
        table = network.checked_table(v)
        yield ""
        yield str(table.size)
        for row in table.reshape(-1, table.shape[-1]).tolist():
            yield " ".join(map(repr, row))
