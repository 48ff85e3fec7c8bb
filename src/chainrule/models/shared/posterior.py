"""Posteriors by name: what is asked for, what is known, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_list
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.records import to_plain
from chainrule.core.text import as_written
from chainrule.graphs.notation import probability_text
from chainrule.tables.schema import Schema, Variable

__all__ = [
    "MOST_AXES",
    "Posterior",
    "answer_shape",
    "assignment_text",
    "impossible",
    "places",
    "soft_texts",
    "table_lines",
]

MOST_AXES = 64  # of a numpy array

_MOST_LINES = 60
_MOST_SHOWN = 8  # names in a message


@dataclass(frozen=True, eq=False)
class Posterior:
    """p(variables | evidence): ``probabilities`` has an axis for each of ``variables``, in their order.

    Of more than 64 variables, which no array has axes for, those with a single state have none.
    ``likelihood`` and ``jeffrey`` hold what soft evidence it is given (``soft_evidence``), by variable and state.

    >>> p = Posterior(("rain",), (("no", "yes"),), np.array([0.25, 0.75]), {"grass": "wet"})
    >>> p.probability(rain="yes")
    0.75
    >>> print(p.text())
    P(rain | grass)  where grass=wet
      no   0.25
      yes  0.75
    """

    variables: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    probabilities: NDArray[np.float64]
    evidence: dict[str, str]
    likelihood: dict[str, dict[str, float]] = field(default_factory=dict)
    jeffrey: dict[str, dict[str, float]] = field(default_factory=dict)

    def probability(self, **assignment: Any) -> float:
        """The probability of these states; variables that are not named are summed out."""
        for name in assignment:
            if name not in self.variables:
                raise UnknownNameError.of("variable", name, list(self.variables))
        places = [
            Variable(v, labels).code(assignment[v]) if v in assignment else slice(None)
            for v, labels in zip(self.variables, self.states, strict=True)
        ]
        return float(self.probabilities[self._index(places)].sum())

    def where(self, states: Mapping[str, str]) -> Posterior:
        """The slice in which some variables have these states, of the others; not normalised again.

        >>> p = Posterior(("a", "b"), (("0", "1"), ("0", "1")), np.array([[0.1, 0.2], [0.3, 0.4]]), {})
        >>> p.where({"a": "1"}).probabilities.tolist()
        [0.3, 0.4]
        """
        places = [
            labels.index(states[v]) if v in states else slice(None)
            for v, labels in zip(self.variables, self.states, strict=True)
        ]
        kept = [i for i, v in enumerate(self.variables) if v not in states]
        listed = tuple(self.states[i] for i in kept)
        found = self.probabilities[self._index(places)].reshape(answer_shape(list(map(len, listed))))
        names = tuple(self.variables[i] for i in kept)
        return Posterior(names, listed, found, self.evidence, self.likelihood, self.jeffrey)

    def _index(self, places: Sequence[int | slice]) -> tuple[int | slice, ...]:
        """``places``, one for each variable, for the axes that there are."""
        if len(places) <= MOST_AXES:
            return tuple(places)
        return tuple(place for place, states in zip(places, self.states, strict=True) if len(states) > 1)

    def text(self) -> str:
        """One line for each combination of states."""
        head = probability_text(list(self.variables), list(self.evidence)) + self.condition_text()
        return "\n".join([head, *table_lines(self.states, self.probabilities)])

    def condition_text(self) -> str:
        """What is known, in the words that follow a question; nothing where nothing is."""
        parts = [assignment_text(self.evidence)] if self.evidence else []
        parts += soft_texts("likelihood", self.likelihood) + soft_texts("jeffrey", self.jeffrey)
        return f"  where {'; '.join(parts)}" if parts else ""

    def to_plain(self) -> dict[str, Any]:
        """The posterior as plain data."""
        return to_plain(
            {
                "variables": dict(zip(self.variables, self.states, strict=True)),
                "evidence": self.evidence,
                "likelihood": self.likelihood,
                "jeffrey": self.jeffrey,
                "probabilities": self.probabilities,
            }
        )


def answer_shape(sizes: Sequence[int]) -> tuple[int, ...]:
    """The axes of an answer over variables with so many states: one each, or where an array has too few, of several.

    >>> answer_shape([2, 1, 3]), answer_shape([2, *[1] * 80, 3])
    ((2, 1, 3), (2, 3))
    """
    return tuple(sizes) if len(sizes) <= MOST_AXES else tuple(size for size in sizes if size > 1)


def places(
    schema: Schema, names: Any, what: str = "variables", *, unknown_in: NDArray[np.integer[Any]] | None = None
) -> list[int]:
    """The places of variables that are asked for by name, each once; none of them may be known already.

    >>> places(Schema.of({"a": 2, "b": 2}), ["b", "a"]), places(Schema.of({"a": 2}), "a")
    ([1, 0], [0])
    """
    listed = [names] if isinstance(names, str) else as_list(names, what, of="names of variables")
    found = [schema.index(name) for name in listed]
    if len(set(found)) < len(found) or (unknown_in is not None and not found):
        raise InputError(f"{what} must be named once each, and at least one; got {as_written(listed)}")
    for name, v in zip(listed, found, strict=True):
        if unknown_in is not None and unknown_in[v] >= 0:
            raise InputError(f"{name!r} is asked for and is in the evidence; leave it out of one")
    return found


def impossible(what: str, known: Mapping[str, str]) -> InputError:
    """The error for states that cannot come together; ``what`` says which argument holds them.

    >>> print(impossible("evidence", {"rain": "no", "roof": "wet"}))
    evidence rain=no, roof=wet has probability zero under the model; leave some of it out, or fit with a \
pseudocount above 0
    """
    shown = [f"{v}={s}" for v, s in known.items()]
    more = f", … {len(shown)} in all" if len(shown) > _MOST_SHOWN else ""
    return InputError(
        f"{what} {', '.join(shown[:_MOST_SHOWN])}{more} has probability zero under the model; leave some of it "
        "out, or fit with a pseudocount above 0"
    )


def assignment_text(assignment: Mapping[str, str]) -> str:
    """States by name in one line."""
    return ", ".join(f"{v}={s}" for v, s in assignment.items())


def soft_texts(word: str, given: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Soft evidence in one text for each variable.

    >>> soft_texts("likelihood", {"rain": {"no": 0.2, "yes": 0.8}})
    ['likelihood rain=(no: 0.2, yes: 0.8)']
    """
    listed = {
        v: ", ".join(f"{state}: {x:.6g}" for state, x in numbers.items()) for v, numbers in given.items()
    }
    return [f"{word} {v}=({numbers})" for v, numbers in listed.items()]


def table_lines(states: tuple[tuple[str, ...], ...], values: NDArray[np.float64]) -> Iterator[str]:
    """The labels of each configuration and its number or numbers, in columns."""
    n_rows = int(np.prod([len(s) for s in states], dtype=np.int64))
    rows = values.reshape(n_rows, -1)[:_MOST_LINES]
    cells = [[f"{p:.6g}" for p in row] for row in rows]
    label_widths = [max(map(len, s)) for s in states]
    width = max(len(c) for row in cells for c in row)
    for labels, row in zip(product(*states), cells, strict=False):
        shown = [label.ljust(w) for label, w in zip(labels, label_widths, strict=True)]
        yield "  " + "  ".join([*shown, *(c.rjust(width) for c in row)])
    if n_rows > _MOST_LINES:
        yield f"  … {n_rows:,} lines in all"
