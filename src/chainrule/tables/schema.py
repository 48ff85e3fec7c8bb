"""What a table is about: named variables, each with its states in order, and what to give back.

A model is fitted under a ``Schema`` and keeps it: rows that come later are read by it, draws leave by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import DataError, InputError, ShapeError, UnknownNameError

__all__ = ["Kind", "Schema", "Variable"]

Kind = Literal["integer", "number", "boolean", "text", "interval"]


@dataclass(frozen=True)
class Variable:
    """One variable: its ``name``, its ``states`` in order, as text, and what a state is outside.

    ``kind`` says what a state turns into where rows are given back: an integer, a number, a truth value, a
    text, or the interval that a measurement was put into.

    >>> Variable("wet", ("no", "yes")).size
    2
    """

    name: str
    states: tuple[str, ...]
    kind: Kind = "text"

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", _checked_states(self.name, self.states))
        if self.kind not in get_args(Kind):
            raise InputError(f"kind must be one of {', '.join(get_args(Kind))}; got {self.kind!r}")

    @property
    def size(self) -> int:
        """The number of states."""
        return len(self.states)

    @cached_property
    def codes(self) -> dict[str, int]:
        """The code of each state."""
        return {label: k for k, label in enumerate(self.states)}

    def code(self, value: Any) -> int:
        """The code of the state that ``value`` names: its label, or a number or truth value that reads like it.

        Raises ``UnknownNameError`` with near matches.

        >>> Variable("rain", ("no", "yes")).code("yes"), Variable("n", ("0", "1"), "integer").code(1.0)
        (1, 1)
        """
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) and str(value) not in self.codes:
            value = int(value)
        if str(value) not in self.codes:
            raise UnknownNameError.of(f"state of {self.name!r}", str(value), list(self.states))
        return self.codes[str(value)]


@dataclass(frozen=True)
class Schema:
    """The variables of a table, in order; equal schemas mean the same codes.

    >>> schema = Schema.of({"rain": ["no", "yes"], "mm": 3})
    >>> schema.names, schema.sizes, schema.is_binary
    (('rain', 'mm'), (2, 3), False)
    """

    variables: tuple[Variable, ...]
    container: str = field(default="array", compare=False)  # what rows come back as; see ``tables.giving``

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", tuple(self.variables))
        _check_names([v.name for v in self.variables])

    @classmethod
    def of(cls, states: Mapping[str, Sequence[str] | int], **settings: Any) -> Self:
        """The schema of these states by name; a number k stands for the states "0" … "k-1"."""
        return cls(
            tuple(
                Variable(name, _numbered(name, s), "integer")
                if isinstance(s, (int, np.integer))
                else Variable(name, tuple(s) if not isinstance(s, str) else s)  # type: ignore[arg-type]
                for name, s in states.items()
            ),
            **settings,
        )

    @classmethod
    def of_sizes(cls, sizes: Iterable[int], names: Sequence[str] | None = None) -> Self:
        """The schema of an array of codes: columns x1 … xd (or ``names``) with so many states each.

        >>> Schema.of_sizes([2, 3]).states
        {'x1': ('0', '1'), 'x2': ('0', '1', '2')}
        """
        listed = list(sizes)
        found = [f"x{j + 1}" for j in range(len(listed))] if names is None else list(names)
        if len(found) != len(listed):
            raise ShapeError(f"{len(found)} names for {len(listed)} sizes; pass one for each")
        return cls.of(dict(zip(found, listed, strict=True)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the variables."""
        return self._names

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(v.name for v in self.variables)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of states of each variable."""
        return tuple(v.size for v in self.variables)

    @cached_property
    def states(self) -> dict[str, tuple[str, ...]]:
        """The states of each variable by its name."""
        return {v.name: v.states for v in self.variables}

    @cached_property
    def is_binary(self) -> bool:
        """Whether every variable has two states."""
        return all(size == 2 for size in self.sizes)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.variables)

    def __getitem__(self, name: str) -> Variable:
        return self.variables[self.index(name)]

    def index(self, name: str) -> int:
        """The position of the variable ``name``; ``UnknownNameError`` where there is none."""
        try:
            return self._places[name]
        except (KeyError, TypeError):
            raise UnknownNameError.of("variable", name, list(self.names)) from None

    def select(self, names: Iterable[str]) -> Schema:
        """The schema of these variables, in this order."""
        return Schema(tuple(self[name] for name in names), self.container)

    def known(self, given: Mapping[str, Any] | None) -> NDArray[np.int32]:
        """States by name as codes (d,), -1 where nothing is known; ``UnknownNameError`` lists near matches.

        >>> Schema.of({"a": 2, "b": ["no", "yes"]}).known({"b": "yes"}).tolist()
        [-1, 1]
        """
        row = np.full(len(self), -1, np.int32)
        if given is not None and not isinstance(given, Mapping):
            raise InputError(
                f"states must be given by name, as in {{{self.names[0]!r}: {self.variables[0].states[0]!r}}}; "
                f"got {given!r}"
            )
        for name, value in (given or {}).items():
            row[self.index(name)] = self[name].code(value)
        return row

    def labels(self, codes: Sequence[int] | NDArray[np.integer[Any]]) -> dict[str, str]:
        """What is known of one row of codes, by name: the inverse of ``known``."""
        return {v.name: v.states[int(k)] for v, k in zip(self.variables, codes, strict=True) if int(k) >= 0}

    def to_plain(self) -> dict[str, Any]:
        """The schema as plain data, for JSON."""
        return {
            "container": self.container,
            "variables": [{"name": v.name, "states": list(v.states), "kind": v.kind} for v in self.variables],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The schema that ``to_plain`` gave; ``DataError`` where it is none."""
        try:
            variables = [Variable(v["name"], tuple(v["states"]), v["kind"]) for v in plain["variables"]]
            return cls(tuple(variables), plain["container"])
        except (KeyError, TypeError, ValueError) as e:
            raise DataError(f"not a schema ({e}); save it again") from e


def _numbered(name: str, k: int) -> tuple[str, ...]:
    return tuple(map(str, range(check_integer(k, f"the number of states of {name!r}"))))


def _check_names(names: list[Any]) -> None:
    if not names:
        raise ShapeError("the table has no columns; pass at least one")
    seen: set[str] = set()
    for j, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(f"column {j} has no name; give each column a name")
        if name in seen:
            raise InputError(f"two columns are called {name!r}; give each column a name of its own")
        seen.add(name)


def _checked_states(name: str, states: Any) -> tuple[str, ...]:
    if isinstance(states, str) or not all(isinstance(label, str) for label in states):
        raise InputError(f"the states of column {name!r} must be a list of texts; got {states!r}")
    if not len(states):
        raise InputError(
            f"column {name!r} has no states (no value is given); name its states or leave it out"
        )
    if len(set(states)) < len(states):
        twice = next(label for i, label in enumerate(states) if label in states[:i])
        raise InputError(f"column {name!r} has the state {twice!r} twice; name each state once")
    return tuple(states)
