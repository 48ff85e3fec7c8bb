"""Records whose fields are checked and made plain when they are made, so that a slip fails where it is written.

A subclass of ``Typed`` is a frozen dataclass.  Each field is converted by its annotation: words stay words, an
array becomes a tuple of numbers, a sequence a tuple, a mapping the record that is asked for.  What does not fit
raises ``InputError`` with the name of the field.  Two records that say the same are then equal, whatever
arrays or lists they were made from, and go to JSON and back without loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["Matrices", "Matrix", "Pairs", "Typed", "Vector"]


class Typed:
    """Base of checked records; a subclass may add ``_check`` for what fields must have in common."""

    def __post_init__(self) -> None:
        for name, hint in _hints(type(self)).items():
            value = _converted(getattr(self, name), hint, f"{type(self).__name__}.{name}")
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        """Raise ``InputError`` where fields do not fit each other."""

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The record that ``to_plain`` wrote; ``InputError`` names a field that is missing or unknown."""
        if not isinstance(plain, Mapping):
            raise InputError(f"a {cls.__name__} is read from a dict; got {as_written(plain)}")
        known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]  # every subclass is a dataclass
        unknown = [key for key in plain if key not in known]
        if unknown:
            raise InputError(f"a {cls.__name__} has no {as_written(unknown[0])}; it has {', '.join(known)}")
        for name, f in known.items():
            if name not in plain and f.default is MISSING and f.default_factory is MISSING:
                raise InputError(
                    f"a {cls.__name__} needs {name!r}, which is missing; it has {', '.join(known)}"
                )
        return cls(**plain)

    def to_plain(self) -> dict[str, Any]:
        """Dicts, lists, words and numbers (infinities as words); fields that are ``None`` are left out."""
        values = ((f.name, getattr(self, f.name)) for f in fields(self))  # type: ignore[arg-type]
        return {name: _plain(value) for name, value in values if value is not None}


def vector(value: Any, where: str) -> tuple[float, ...]:
    """Numbers as a tuple; infinities may come as ``"inf"`` and ``"-inf"``, NaN is refused.

    >>> vector(np.array([1, 2]), "here"), vector([0.5, "-inf"], "here")
    ((1, 2), (0.5, -inf))
    """
    if isinstance(value, np.ndarray):
        value = (value.astype(np.int64) if value.dtype == bool else value).tolist()
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise InputError(f"{where} needs numbers in a row; got {_shown(value)}; give a list or an array")
    return tuple(_number(v, where) for v in value)


def matrix(value: Any, where: str) -> tuple[tuple[float, ...], ...]:
    """Rows of numbers, all of one length.

    >>> matrix(np.eye(2), "here")
    ((1.0, 0.0), (0.0, 1.0))
    """
    if isinstance(value, (str, Mapping)) or not isinstance(value, (Sequence, np.ndarray)):
        raise InputError(
            f"{where} needs rows of numbers; got {_shown(value)}; give a list of lists or an array"
        )
    rows = tuple(vector(row, where) for row in value)
    if len({len(row) for row in rows}) > 1:
        raise InputError(f"{where} needs rows of equal length; got {sorted({len(row) for row in rows})}")
    return rows


def matrices(value: Any, where: str) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Several matrices, of any sizes.

    >>> matrices(np.ones((2, 1, 1), bool), "here")
    (((1,),), ((1,),))
    """
    if isinstance(value, (str, Mapping)) or not isinstance(value, (Sequence, np.ndarray)):
        raise InputError(f"{where} needs matrices; got {_shown(value)}; give a list of arrays")
    return tuple(matrix(v, where) for v in value)


def pairs(value: Any, where: str) -> tuple[tuple[int, int], ...]:
    """Pairs of whole numbers.

    >>> pairs([[0, 1]], "here")
    ((0, 1),)
    """
    rows = matrix(value, where)
    if any(len(row) != 2 or not all(isinstance(v, int) for v in row) for row in rows):
        raise InputError(f"{where} needs pairs of whole numbers; got {_shown(value)}")
    return rows  # type: ignore[return-value]  # checked above


Vector = Annotated[Sequence[Any] | NDArray[Any], vector]
Matrices = Annotated[Sequence[Any] | NDArray[Any], matrices]
Matrix = Annotated[Sequence[Any] | NDArray[Any], matrix]
Pairs = Annotated[Sequence[Any] | NDArray[Any], pairs]


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in fields(cls)}


def _number(value: Any, where: str) -> float:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str) and value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, (int, float)):
        raise InputError(f"{where} needs numbers; got {_shown(value)}; give numbers, 'inf' or '-inf'")
    if math.isnan(value):
        raise InputError(f"{where} holds NaN, which a record cannot; leave the value out and say why")
    return value


def _converted(value: Any, hint: Any, where: str) -> Any:
    """``value`` as its annotation asks for it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return arguments[1](value, where)
    if origin in (UnionType, Union):
        (wanted,) = (a for a in arguments if a is not NoneType)
        return None if value is None else _converted(value, wanted, where)
    if origin is Literal:
        if value not in arguments:
            raise InputError(
                f"{where} must be one of {', '.join(map(repr, arguments))}; got {as_written(value)}"
            )
        return value
    if origin is Sequence:
        if isinstance(value, (str, Mapping)) or not isinstance(value, (Sequence, np.ndarray)):
            raise InputError(f"{where} needs a sequence; got {_shown(value)}; give a list")
        return tuple(_converted(v, arguments[0], where) for v in value)
    if hint is float:
        return _number(value, where)
    if isinstance(hint, type) and issubclass(hint, Typed) and isinstance(value, Mapping):
        return hint.from_plain(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise InputError(f"{where} must be {_NAMES.get(hint, hint.__name__)}; got {_shown(value)}")
    return value


_NAMES: dict[Any, str] = {str: "a text", int: "a whole number", bool: "True or False"}


def _plain(value: Any) -> Any:
    if isinstance(value, Typed):
        return value.to_plain()
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:59] + "…"
