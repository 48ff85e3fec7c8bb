"""Input checks: every array that a user hands over passes through here once."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar

import numpy as np

from chainrule.core.errors import InputError, ShapeError, TooLargeError, ValuesError
from chainrule.core.shapes import Float64, Num, Shaped
from chainrule.core.text import as_written, one_line

__all__ = [
    "MOST_INTEGER",
    "MOST_LISTED",
    "as_array",
    "as_floats",
    "as_list",
    "as_matrix",
    "check_binary",
    "check_flag",
    "check_instance",
    "check_integer",
    "check_real",
    "check_size",
    "is_listing",
    "memory_bytes",
]

try:
    _resource: Any = importlib.import_module("resource")
except ImportError:  # no POSIX system
    _resource = None


T = TypeVar("T")
MOST_INTEGER = 2**53  # above which not every whole number is a float, nor a sum of two an index
MOST_LISTED = 10_000_000  # members of a list, of names or of whatever else is gone through one by one
_MOST_NUMBERS = 2**27  # a gigabyte of them
_MOST_AXES = 32  # which all of NumPy's functions take


def as_list(values: Any, name: str, *, of: str = "values") -> list[Any]:
    """``values`` in a list; ``InputError`` where there is nothing to go through, ``TooLargeError`` where too much.

    >>> as_list(("a", "b"), "order"), as_list("a", "order", of="names")
    Traceback (most recent call last):
    chainrule.core.errors.InputError: order must be a list of names; got 'a'
    """
    if not is_listing(values):
        raise InputError(f"{name} must be a list of {of}; got {as_written(values)}")
    _check_length(values, name)
    try:
        return list(values)
    except TypeError as e:  # it only looks like one
        raise InputError(f"{name} must be a list of {of}; got {as_written(values)}") from e


def _check_length(values: Any, name: str) -> None:
    try:
        n = len(values)
    except OverflowError:
        n = MOST_INTEGER
    except TypeError:  # it has no length to be asked for
        n = 0
    if n > MOST_LISTED:
        raise TooLargeError(f"{name} has more than {MOST_LISTED:,} members; pass fewer, or an array")


def as_array(values: Any, name: str = "X") -> Shaped[np.ndarray, ...]:
    """``values`` as NumPy holds them, an array as it is; ``ShapeError`` where that is ragged or has too many axes."""
    if not isinstance(values, np.ndarray):
        if not hasattr(values, "__array__") and not hasattr(values, "__array_interface__"):
            _check_length(values, name)
        try:
            values = np.asarray(values)
        except (ValueError, TypeError, OverflowError) as e:
            raise ShapeError(f"{name} is ragged: its rows differ in length; pass rows of equal length") from e
    if values.ndim > _MOST_AXES:
        raise ShapeError(f"{name} has {values.ndim} axes, which are too many; pass fewer")
    return values


def as_floats(
    values: Any, name: str, *, ndim: int | None = None, most: int = _MOST_NUMBERS
) -> Float64[np.ndarray, ...]:
    """``values`` as float64, at most ``most`` of them, of ``ndim`` axes where that is said.

    Raises ``ShapeError``, ``ValuesError`` for what is no number (texts, dates, complex numbers, whole numbers beyond
    any float), ``TooLargeError``.

    >>> as_floats([1, True, 0.5], "weights").tolist()
    [1.0, 1.0, 0.5]
    """
    found = as_array(values, name)
    if ndim is not None and found.ndim != ndim:
        raise ShapeError(
            f"{name} must have {ndim} axes, it has the shape {found.shape}; pass numbers in that shape"
        )
    if found.size > most:
        raise TooLargeError(f"{name} holds {found.size:,} numbers, at most {most:,} are taken; pass fewer")
    if found.dtype.kind in "biuf":
        return found.astype(np.float64, copy=False)
    try:
        if found.dtype.kind == "O":
            return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as e:
        raise ValuesError(f"{name} must hold numbers ({one_line(str(e))}); pass numbers") from e
    raise ValuesError(f"{name} must hold numbers, it holds {one_line(str(found.dtype))}; pass numbers")


def as_matrix(
    X: Any, *, name: str = "X", n_columns: int | None = None, min_rows: int = 1
) -> Shaped[np.ndarray, "n d"]:
    """``X`` as a 2-D numeric array of at least ``min_rows`` rows and one column.

    Raises ``ShapeError`` (rank, width, emptiness) or ``ValuesError`` (not numbers).
    """
    a = as_array(X.to_numpy() if hasattr(X, "to_numpy") else X, name)
    if a.dtype == object:
        try:
            a = a.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as e:
            raise ValuesError(
                f"{name} holds values that are not numbers ({one_line(str(e))}); encode them first"
            ) from e
    if a.dtype.kind not in "biuf":
        raise ValuesError(f"{name} must hold numbers, it holds {a.dtype}; encode its values first")
    if a.ndim != 2:
        raise ShapeError(
            f"{name} must have 2 dimensions (rows, variables), it has {a.ndim} (shape {a.shape}); "
            f"reshape a single row with {name}.reshape(1, -1)"
        )
    if a.shape[1] == 0:
        raise ShapeError(f"{name} has no columns; pass at least one variable")
    if n_columns is not None and a.shape[1] != n_columns:
        raise ShapeError(
            f"{name} has {a.shape[1]} columns, the model was fitted on {n_columns}; pass the same columns"
        )
    if a.shape[0] < min_rows:
        raise ShapeError(f"{name} has {a.shape[0]} rows; at least {min_rows} needed")
    return a


def check_binary(
    X: Any,
    *,
    name: str = "X",
    n_columns: int | None = None,
    min_rows: int = 1,
    allow_missing: bool = False,
) -> Num[np.ndarray, "n d"]:
    """``X`` as a 2-D array of 0 and 1: uint8, or float64 with NaN where ``allow_missing``.

    Raises ``ShapeError``, or ``ValuesError`` naming the first cell that is neither 0 nor 1.

    >>> check_binary([[0, 1.0], [True, 0]]).tolist()
    [[0, 1], [1, 0]]
    """
    a = as_matrix(X, name=name, n_columns=n_columns, min_rows=min_rows)
    check_size(2 * a.size, name, instead="pass fewer rows")
    good = (a == 0) | (a == 1)
    if not good.all():
        missing = np.isnan(a) if a.dtype.kind == "f" else np.zeros(a.shape, bool)
        bad = ~good & ~missing
        if bad.any():
            i, j = np.argwhere(bad)[0]
            raise ValuesError(
                f"{name} must hold only 0 and 1, but row {i}, column {j} is {a[i, j]:g}; "
                "binarize it first (for example X > 0.5)"
            )
        if not allow_missing:
            i, j = np.argwhere(missing)[0]
            raise ValuesError(
                f"{name} has a missing value (NaN) in row {i}, column {j}, which cannot be used here; "
                "drop or fill such rows"
            )
        return a.astype(np.float64)
    return np.ascontiguousarray(a, dtype=np.uint8)


def check_integer(value: Any, name: str, *, least: int = 1, most: float = MOST_INTEGER) -> int:
    """``value`` as a Python int from ``least`` to ``most``; raises ``InputError``.

    >>> check_integer(np.int64(3), "hidden")
    3
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name} must be an integer of at least {least}; got {as_written(value)}")
    if value > most:
        raise InputError(
            f"{name} must be an integer of at most {most:,}; got about 10^{math.log10(value):.1f}"
        )
    return int(value)


def is_listing(value: Any) -> bool:
    """Whether ``value`` has members to go through: no text, and no array without axes.

    >>> is_listing(["a"]), is_listing("a"), is_listing(np.array(3)), is_listing(3)
    (True, False, False, False)
    """
    return (
        isinstance(value, Iterable) and not isinstance(value, (str, bytes)) and getattr(value, "ndim", 1) != 0
    )


def check_instance(value: Any, kind: type[T] | UnionType, name: str, *, like: str) -> T:
    """``value`` if it is of a class; ``InputError`` if not, which says what it is to be.

    >>> check_instance(3, str, "text", like="a text")
    Traceback (most recent call last):
    chainrule.core.errors.InputError: text must be a text; got 3
    """
    if not isinstance(value, kind):
        raise InputError(f"{name} must be {like}; got {as_written(value)}")
    return value


def check_flag(value: Any, name: str) -> bool:
    """``value`` as a bool; ``InputError`` where it is neither True nor False.

    >>> check_flag(np.True_, "direct")
    True
    """
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} must be True or False; got {as_written(value)}")
    return bool(value)


def check_real(value: Any, name: str, *, least: float = 0.0, strictly: bool = False) -> float:
    """``value`` as a finite float of at least (or strictly above) ``least``; raises ``InputError``.

    >>> check_real(0, "pseudocount")
    0.0
    """
    ok = (
        not isinstance(value, bool)
        and isinstance(value, (int, float, np.integer, np.floating))
        and _is_finite(value)
        and (value > least if strictly else value >= least)
    )
    if not ok:
        bound = "above" if strictly else "of at least"
        raise InputError(f"{name} must be a finite number {bound} {least:g}; got {as_written(value)}")
    return float(value)


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float comes near
        return False


def check_size(n_bytes: int, what: str, *, instead: str = "ask for fewer") -> None:
    """``TooLargeError`` where ``n_bytes`` are more than the memory of this machine (or of its container).

    To be called before arrays are made: the system kills a process that asks for too much, or numpy's own error
    says only a shape.  ``what`` begins the message, ``instead`` ends it.

    >>> check_size(10**18, "sample(10**9)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    chainrule.core.errors.TooLargeError: sample(10**9) would need 931,322,574.6 GiB, there are ...; ask for fewer
    """
    most = memory_bytes()
    if n_bytes > most:
        raise TooLargeError(
            f"{what} would need {n_bytes / 2**30:,.1f} GiB, there are {most / 2**30:,.1f} GiB of memory here; {instead}"
        )


def memory_bytes() -> int:
    """Bytes of memory that this machine has, or that its container or this process may use.

    >>> memory_bytes() > 0
    True
    """
    if _resource is None:
        return _memory_here()
    limit = _resource.getrlimit(_resource.RLIMIT_AS)[0]  # of addresses, as batch systems set it
    return _memory_here() if limit == _resource.RLIM_INFINITY else min(limit, _memory_here())


@cache
def _memory_here() -> int:
    try:
        most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        most = 2**63 - 1  # unknown here
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # no such file, or "max"
            most = min(most, int(Path(path).read_text()))
    return most
