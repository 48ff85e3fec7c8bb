"""Orderings: the variables of a model as they are generated, first one first.

An *ordering* lists 0-based columns: x2, x4, x1, x3 is ``[1, 3, 0, 2]``.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written

__all__ = ["Ordering", "listed", "parse_ordering", "positions", "variable_names"]

Ordering = str | Sequence[int] | Sequence[str] | NDArray[np.integer]


def variable_names(d: int) -> list[str]:
    """The names x1..xd of the columns 0..d-1.

    >>> variable_names(3)
    ['x1', 'x2', 'x3']
    """
    return [f"x{i + 1}" for i in range(d)]


def parse_ordering(
    ordering: Ordering,
    d: int | None = None,
    *,
    names: Sequence[str] | None = None,
    rng: RandomState = None,
) -> NDArray[np.intp]:
    """The ordering as 0-based columns (d,), first generated first.

    ``ordering`` is ``"natural"`` (0..d-1), ``"random"`` (drawn from ``rng``), a permutation of the integers
    0..d-1, or the names of the variables, as one text (``"x2,x4,x1,x3"``) or as a sequence.  Without ``names``
    they are x1..xd, and spaces part them as well as commas; with ``names`` only commas do, and a name that holds
    one stands in double quotes.  ``d`` may be left out where the ordering itself says how many there are.  Raises
    ``InputError``.

    >>> parse_ordering("x2, x4, x1, x3").tolist()
    [1, 3, 0, 2]
    >>> parse_ordering(["wet", "rain"], names=["rain", "wet"]).tolist()
    [1, 0]
    >>> parse_ordering('wet soil, "rain, snow"', names=["rain, snow", "wet soil"]).tolist()
    [1, 0]
    """
    if names is not None:
        d = len(names)
    if d is not None:
        d = check_integer(d, "the number of variables")
    if isinstance(ordering, str) and ordering.strip() in ("natural", "random"):
        if d is None:
            raise InputError(
                f"the ordering {ordering.strip()!r} needs the number of variables; pass d, or list the names"
            )
        natural = np.arange(d, dtype=np.intp)
        return natural if ordering.strip() == "natural" else as_generator(rng).permutation(natural)
    items = _parts(ordering, names is not None) if isinstance(ordering, str) else listed(ordering)
    n = len(items) if d is None else d
    places = None if names is None else {name: i for i, name in enumerate(names)}
    columns = [_column(item, places) for item in items]
    if n == 0 or sorted(columns) != list(range(n)):
        shown = ",".join(as_written(item, write=str) for item in items[:12]) + (
            ",…" if len(items) > 12 else ""
        )
        raise InputError(
            f"an ordering of {n} variables is 'natural', 'random', each integer from 0 to {n - 1} once, or each "
            f"name ({_shown_names(names, n)}) once; got {shown or 'nothing'}; list every variable exactly once"
        )
    return np.array(columns, dtype=np.intp)


def positions(ordering: ArrayLike) -> NDArray[np.intp]:
    """The 0-based place of each variable in the ordering: the inverse permutation, (d,).

    >>> positions([1, 3, 0, 2]).tolist()
    [2, 0, 3, 1]
    """
    o = np.asarray(ordering, dtype=np.intp)
    places = np.empty_like(o)
    places[o] = np.arange(o.size)
    return places


def _parts(text: str, has_names: bool) -> list[Any]:
    """The names that one text lists."""
    if not has_names:
        return text.replace(",", " ").split()
    lines = csv.reader([text.replace("\n", " ")], skipinitialspace=True)
    return [name.strip() for line in lines for name in line]


def _shown_names(names: Sequence[str] | None, n: int) -> str:
    return f"from x1 to x{n}" if names is None else ", ".join(names[:6]) + ", …" * (len(names) > 6)


def _column(item: Any, places: dict[str, int] | None) -> int:
    """The 0-based column that an item of an ordering means; -1 where it means none."""
    if isinstance(item, str) and places is not None:
        return places.get(item, -1)
    if isinstance(item, str):
        digits = item.strip().removeprefix("x")
        return int(digits) - 1 if item.strip().startswith("x") and digits.isdecimal() else -1
    return int(item) if isinstance(item, (int, np.integer)) and not isinstance(item, bool) else -1


def listed(ordering: Any) -> list[Any]:
    """What an ordering lists; ``InputError`` where it is no sequence."""
    try:
        return list(ordering)
    except TypeError as e:
        raise InputError(
            f"an ordering is a name, a sequence of integers or a sequence of names; got {as_written(ordering)}; "
            "pass for example 'natural' or [1, 0]"
        ) from e
