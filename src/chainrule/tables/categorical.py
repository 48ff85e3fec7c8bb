"""Categorical tables: named columns, named states, and a code for each cell.

A model of discrete variables needs three things of a table: which variables there are, which states each
has and in which order, and the rows as small integers.  ``CategoricalTable`` holds exactly that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError

__all__ = ["MISSING_CODE", "CategoricalTable", "checked_names", "checked_states", "unknown_category"]

MISSING_CODE = -1


@dataclass(frozen=True, eq=False)
class CategoricalTable:
    """Rows of d categorical variables: ``codes`` (n, d) int32, each the index of a state, -1 where missing.

    ``states[j]`` are the labels of column j in order, as text.  A label that no row has is a state all the same.

    Raises ``ShapeError`` where the parts do not fit together, ``InputError`` for a name or a label that is
    empty (names only), repeated or not text, ``ValuesError`` for a code that is no state.

    >>> t = CategoricalTable(("rain", "wet"), (("no", "yes"), ("no", "yes")), [[0, 0], [1, 1], [1, -1]])
    >>> t
    CategoricalTable(3 rows; rain: no, yes; wet: no, yes)
    >>> t.sizes, t.select(["wet"]).codes.tolist()
    ((2, 2), [[0], [1], [-1]])
    """

    names: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int32]

    def __post_init__(self) -> None:
        names = checked_names(self.names)
        if len(self.states) != len(names):
            raise ShapeError(
                f"{len(self.states)} lists of states for {len(names)} columns; pass one for each"
            )
        states = tuple(checked_states(name, s) for name, s in zip(names, self.states, strict=True))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "states", states)
        object.__setattr__(self, "codes", _checked_codes(self.codes, names, states))

    def __repr__(self) -> str:
        shown = "; ".join(
            f"{name}: {', '.join(s[:6])}{', …' * (len(s) > 6)}"
            for name, s in zip(self.names[:8], self.states, strict=False)
        )
        return f"CategoricalTable({self.n_rows} rows; {shown}{'; …' * (len(self.names) > 8)})"

    @classmethod
    def from_codes(
        cls,
        codes: ArrayLike,
        names: Sequence[str] | None = None,
        states: Sequence[Sequence[str]] | None = None,
    ) -> Self:
        """The table of ``codes`` (n, d): whole numbers from 0 on, -1 or NaN where a value is missing.

        Without ``names`` the columns are x1 … xd; without ``states`` column j has the states "0" up to its
        largest code.

        >>> CategoricalTable.from_codes([[0, 2], [1, -1]])
        CategoricalTable(2 rows; x1: 0, 1; x2: 0, 1, 2)
        """
        a = _whole_numbers(codes)
        if names is None:
            names = [f"x{j + 1}" for j in range(a.shape[1])]
        if states is None:
            top = a.max(axis=0, initial=MISSING_CODE)
            states = [[str(k) for k in range(int(t) + 1)] for t in top]
        return cls(tuple(names), tuple(map(tuple, states)), a.astype(np.int32))

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.codes.shape[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of states of each column."""
        return tuple(map(len, self.states))

    @property
    def schema(self) -> dict[str, tuple[str, ...]]:
        """The states of each column by its name.

        >>> CategoricalTable.from_codes([[0, 1]]).schema
        {'x1': ('0',), 'x2': ('0', '1')}
        """
        return dict(zip(self.names, self.states, strict=True))

    def index(self, name: str) -> int:
        """The position of the column ``name``; ``UnknownNameError`` where there is none."""
        try:
            return self.names.index(name)
        except ValueError:
            raise UnknownNameError.of("column", name, list(self.names)) from None

    def column(self, name: str) -> NDArray[np.int32]:
        """The codes (n,) of one column.

        >>> CategoricalTable.from_codes([[0, 1], [1, 0]]).column("x2").tolist()
        [1, 0]
        """
        return self.codes[:, self.index(name)]

    def select(self, names: Iterable[str]) -> CategoricalTable:
        """The table of these columns, in this order; ``UnknownNameError`` for one that is not there."""
        ids = [self.index(name) for name in names]
        return CategoricalTable(
            tuple(self.names[j] for j in ids), tuple(self.states[j] for j in ids), self.codes[:, ids]
        )

    def decode(self) -> dict[str, NDArray[Any]]:
        """The labels of each column (n,) as an array of objects, ``None`` where a value is missing.

        >>> CategoricalTable(("a",), (("no", "yes"),), [[1], [-1]]).decode()["a"].tolist()
        ['yes', None]
        """
        return {
            name: np.array([*labels, None], dtype=object)[self.codes[:, j]]
            for j, (name, labels) in enumerate(zip(self.names, self.states, strict=True))
        }

    def to_codes(self, schema: Mapping[str, Sequence[str]]) -> NDArray[np.int32]:
        """The codes (n, k) of the k columns that ``schema`` names, in its order, by its lists of states.

        A missing value stays -1.  Raises ``UnknownNameError`` for a column that is not here and, naming
        row, column and value, for a category that occurs in a row and that ``schema`` does not list.

        >>> t = CategoricalTable(("a", "b"), (("no", "yes"), ("0", "1")), [[1, 0], [0, 1]])
        >>> t.to_codes({"a": ["yes", "no"]}).tolist()
        [[0], [1]]
        """
        out = np.empty((self.n_rows, len(schema)), np.int32)
        for k, (name, wanted) in enumerate(schema.items()):
            j = self.index(name)
            if tuple(wanted) == self.states[j]:
                out[:, k] = self.codes[:, j]
                continue
            place = {label: i for i, label in enumerate(checked_states(name, wanted))}
            unknown = len(place)
            recode = [place.get(label, unknown) for label in self.states[j]]
            out[:, k] = np.array([*recode, MISSING_CODE], np.int32)[self.codes[:, j]]
            bad = np.flatnonzero(out[:, k] == unknown)
            if bad.size:
                row = int(bad[0])
                raise unknown_category(name, self.states[j][self.codes[row, j]], place, row)
        return out

    def with_schema(self, schema: Mapping[str, Sequence[str]]) -> CategoricalTable:
        """The columns that ``schema`` names, with its states; errors as in ``to_codes``."""
        return CategoricalTable(tuple(schema), tuple(map(tuple, schema.values())), self.to_codes(schema))


def checked_names(names: Iterable[Any]) -> tuple[str, ...]:
    """Column names as a tuple of text; ``InputError`` for an empty or repeated one, ``ShapeError`` for none."""
    if isinstance(names, str):
        raise InputError(f"names must be a list of column names; got the text {names!r}")
    out = tuple(str(name) for name in names)
    if not out:
        raise ShapeError("the table has no columns; pass at least one")
    seen: set[str] = set()
    for j, name in enumerate(out):
        if not name:
            raise InputError(f"column {j} has no name; give each column a name")
        if name in seen:
            raise InputError(f"two columns are called {name!r}; give each column a name of its own")
        seen.add(name)
    return out


def checked_states(name: str, states: Sequence[str]) -> tuple[str, ...]:
    """The states of column ``name`` as a tuple; ``InputError`` for none, a repeated one, or one that is no text."""
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


def unknown_category(name: str, label: str, known: Iterable[str], row: int) -> UnknownNameError:
    """The error for a category of column ``name`` that is none of its states.

    >>> print(unknown_category("wet", "yse", ["no", "yes"], 4))
    row 4, column 'wet': there is no category 'yse'; did you mean 'yes'? (known: no, yes)
    """
    reason = UnknownNameError.of("category", label, list(known))
    return UnknownNameError(f"row {row}, column {name!r}: {reason}")


def _whole_numbers(codes: ArrayLike) -> NDArray[np.int64]:
    """``codes`` (n, d) as int64 with -1 for NaN; ``ShapeError``, or ``ValuesError`` for a fraction."""
    a = np.asarray(codes)
    if a.ndim != 2 or a.shape[1] == 0:
        raise ShapeError(f"codes must have 2 dimensions (rows, variables), they have the shape {a.shape}")
    if a.dtype.kind not in "biuf":
        raise ValuesError(f"codes must be whole numbers, they are {a.dtype}; use as_categorical for labels")
    if a.dtype.kind == "b":
        a = a.astype(np.uint8)
    if a.dtype.kind == "f":
        a = np.where(np.isnan(a), MISSING_CODE, a)
    bad = np.argwhere((a < MISSING_CODE) | (a > np.iinfo(np.int32).max) | (a != np.floor(a)))
    if bad.size:
        i, j = bad[0]
        raise ValuesError(
            f"row {i}, column {j}: {a[i, j]} is no code; codes are whole numbers from 0 on, or -1 where missing"
        )
    return a.astype(np.int64)


def _checked_codes(
    codes: ArrayLike, names: tuple[str, ...], states: tuple[tuple[str, ...], ...]
) -> NDArray[np.int32]:
    a = np.asarray(codes)
    if a.dtype != np.int32:
        a = _whole_numbers(a)
    if a.ndim != 2 or a.shape[1] != len(names):
        raise ShapeError(f"codes of shape {a.shape} for {len(names)} columns; pass (rows, {len(names)})")
    bad = np.argwhere((a < MISSING_CODE) | (a >= np.array(list(map(len, states)))))
    if bad.size:
        i, j = bad[0]
        raise ValuesError(
            f"row {i}, column {names[j]!r}: the code {a[i, j]} is no state; codes are 0 to "
            f"{len(states[j]) - 1}, or -1 for a missing value"
        )
    return np.ascontiguousarray(a, dtype=np.int32)
