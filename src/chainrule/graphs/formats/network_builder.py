"""A network as a reader finds it, piece by piece: what every format has to refuse, in the same words.

``At`` is a place in the source, an index into text or an element of XML; ``place`` says it as ``line 3, column 7``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Generic, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ParseError, TooLargeError, UnknownNameError
from chainrule.core.text import one_line
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.probabilities import are_probabilities, sums_off
from chainrule.graphs.formats.scanner import shown

__all__ = ["MOST_NUMBERS", "MOST_PARENTS", "MOST_STATES", "MOST_VARIABLES", "NetworkBuilder"]

MOST_NUMBERS = 20_000_000  # of all tables together; 160 MB
MOST_VARIABLES = 100_000
MOST_STATES = 200_000  # of all variables together
MOST_PARENTS = 63  # of one variable; a numpy array has at most 64 axes

_SHOWN = 30  # characters of a name in a list of some

At = TypeVar("At")


class NetworkBuilder(Generic[At]):
    """Variables with their states, then tables; ``finish`` gives the network.

    >>> builder = NetworkBuilder(lambda at: f"line {at}")
    >>> builder.declare("a", [("no", 1), ("yes", 1)], 1)
    >>> builder.open_table("a", [], 2)
    (2,)
    >>> builder.give("a", np.array([0.5, 0.6]), 3)
    Traceback (most recent call last):
    chainrule.core.errors.ParseError: line 3: expected probabilities that sum to 1, got 1.1; correct them
    """

    def __init__(self, place: Callable[[At], str]) -> None:
        self.place = place
        self.states: dict[str, dict[str, int]] = {}
        self._parents: dict[str, tuple[str, ...]] = {}
        self._tables: dict[str, NDArray[np.float64]] = {}
        self._n_states = self._n_numbers = 0

    def refuse(self, message: str, at: At) -> NoReturn:
        """Raise the ``ParseError`` with ``message`` for what stands there."""
        raise ParseError(f"{self.place(at)}: {message}")

    def declare(self, name: str, states: Iterable[tuple[str, At]], at: At) -> None:
        """A variable and its states, each with where it stands."""
        if name in self.states:
            self.refuse(f"variable {shown(name)} is declared twice; keep one of the two", at)
        if len(self.states) == MOST_VARIABLES:
            raise TooLargeError(
                f"{self.place(at)}: there are more than {MOST_VARIABLES:,} variables; no more are read, so leave "
                "some out"
            )
        places: dict[str, int] = {}
        for state, where in states:
            if state in places:
                self.refuse(f"state {shown(state)} is listed twice; name each state once", where)
            places[state] = len(places)
            self._n_states += 1
            if self._n_states > MOST_STATES:
                raise TooLargeError(
                    f"{self.place(where)}: the variables have more than {MOST_STATES:,} states together; "
                    "no more are read, so leave some out"
                )
        self.states[name] = places

    @property
    def opened(self) -> Collection[str]:
        """The variables that ``open_table`` was asked for."""
        return self._parents

    def known(self, name: str, at: At) -> str:
        """``name`` if it is a variable's."""
        if name not in self.states:
            self.unknown("variable", name, self.states, at)
        return name

    def unknown(self, what: str, name: str, known: Iterable[str], at: At) -> NoReturn:
        """Raise the ``UnknownNameError`` that lists near matches."""
        error = UnknownNameError.of(what, one_line(name, _SHOWN), [one_line(k, _SHOWN) for k in known])
        raise UnknownNameError(f"{self.place(at)}: {error}")

    def open_table(self, node: str, parents: Sequence[str], at: At) -> tuple[int, ...]:
        """The shape that the table of ``node`` must have; its size is bounded before anything is allocated."""
        if node in self._parents:
            self.refuse(f"variable {shown(node)} has two tables; keep one of them", at)
        if len(set(parents)) < len(parents):
            self.refuse(f"a parent of {shown(node)} is listed twice; name each parent once", at)
        if len(parents) > MOST_PARENTS:
            raise TooLargeError(
                f"{self.place(at)}: {shown(node)} has {len(parents)} parents, at most {MOST_PARENTS} are read; "
                "give it fewer parents"
            )
        self._parents[node] = tuple(parents)
        shape = tuple(len(self.states[v]) for v in (*parents, node))
        self._n_numbers += math.prod(shape)
        if self._n_numbers > MOST_NUMBERS:
            raise TooLargeError(
                f"{self.place(at)}: with {shown(node)} the tables have {self._n_numbers:,} numbers, at most "
                f"{MOST_NUMBERS:,} are read; give {shown(node)} fewer parents"
            )
        return shape

    def shaped(
        self, node: str, numbers: NDArray[np.float64], shape: tuple[int, ...], at: At
    ) -> NDArray[np.float64]:
        """``numbers`` as a table, the states of ``node`` fastest; refused where they are too few or too many."""
        if numbers.size != math.prod(shape):
            self.refuse(
                f"expected {math.prod(shape):,} numbers for {shown(node)}, got {numbers.size:,}; correct them",
                at,
            )
        return numbers.reshape(shape)

    def check_rows(self, rows: NDArray[np.float64], at: At) -> None:
        """Refuse what are no probabilities, or do not sum to one along the last axis but for rounding."""
        if not are_probabilities(rows):
            bad = rows[~((rows >= 0) & (rows <= 1))][0]
            self.refuse(f"expected a probability between 0 and 1, got {bad:.6g}; correct it", at)
        if (off := sums_off(rows)) is not None:
            self.refuse(f"expected probabilities that sum to 1, got {off:.6g}; correct them", at)

    def give(self, node: str, table: NDArray[np.float64], at: At) -> None:
        """The table of ``node``, of the shape that ``open_table`` said."""
        self.check_rows(table, at)
        self._tables[node] = table

    def finish(
        self,
        at: At,
        name: str = "",
        *,
        properties: Iterable[str] = (),
        variable_properties: dict[str, list[str]] | None = None,
        positions: dict[str, tuple[float, float]] | None = None,
    ) -> NetworkDescription:
        """The network, whole; ``at`` is the end of the source."""
        if not self.states:
            self.refuse("expected at least one variable", at)
        for v in self.states:
            if v not in self._tables:
                self.refuse(f"expected a table of probabilities for {shown(v)}, there is none; add one", at)
        notes = variable_properties or {}
        return NetworkDescription(
            name,
            {v: tuple(states) for v, states in self.states.items()},
            {v: self._parents[v] for v in self.states},
            {v: self._tables[v] for v in self.states},
            tuple(properties),
            {v: tuple(notes[v]) for v in self.states if notes.get(v)},
            dict(positions or {}),
        )
