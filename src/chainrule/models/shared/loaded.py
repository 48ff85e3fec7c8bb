"""What a file says of a model, checked once and before anything is computed with it.

Compiled loops read and write where orders, parents and trees say, without looking; so whatever comes from a file passes
here.  All raise ``DataError``; that every number is finite is checked where a file is taken apart (``core.contract``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import DataError, InputError
from chainrule.core.text import one_line
from chainrule.graphs import DAG
from chainrule.models.shared.factorization import Factorization

__all__ = [
    "check_padded",
    "check_probabilities",
    "loaded_array",
    "loaded_codes",
    "loaded_factorization",
    "loaded_order",
]

_MISSED = 1e-6  # by which probabilities that some rounding went over may miss one


def loaded_array(
    arrays: dict[str, NDArray[Any]], name: str, shape: tuple[int | None, ...], kind: type = np.float64
) -> NDArray[Any]:
    """``arrays[name]`` if it is of this shape (``None``: of any length there) and dtype.

    >>> loaded_array({"a": np.zeros((2, 3))}, "a", (2, None)).shape
    (2, 3)
    """
    found = arrays.get(name)
    if found is None:
        raise DataError(f"there is no {one_line(name)} in the file; save the model again")
    fits = len(found.shape) == len(shape) and all(
        b is None or a == b for a, b in zip(found.shape, shape, strict=True)
    )
    if not fits or found.dtype != kind:
        wanted = " x ".join("any" if n is None else str(n) for n in shape) or "one number"
        raise DataError(
            f"{one_line(name)} is {found.dtype} of shape {found.shape}, expected {np.dtype(kind)} of {wanted}; "
            "save the model again"
        )
    return found


def loaded_order(order: ArrayLike, d: int, what: str = "the order") -> NDArray[np.intp]:
    """``order`` as columns (d,) if it lists each of them once.

    >>> loaded_order([1, 0, 1], 3)
    Traceback (most recent call last):
    chainrule.core.errors.DataError: the order does not list each of 3 columns once; save the model again
    """
    found = np.asarray(order)
    if found.dtype.kind not in "iu" or not np.array_equal(np.sort(found, axis=None), np.arange(d)):
        raise DataError(f"{what} does not list each of {d} columns once; save the model again")
    return found.astype(np.intp).reshape(d)


def loaded_factorization(names: tuple[str, ...], order: ArrayLike, graph: DAG | None = None) -> Factorization:
    """The factorization in ``order``, if that is one and ``graph`` (``None``: all before) has parents first in it."""
    checked = Factorization(names, loaded_order(order, len(names)), graph)
    if graph is not None:
        if tuple(graph.nodes) != names or graph.latent:
            raise DataError("the nodes of the dag are not the columns; save the model again")
        try:
            checked.checked_order(checked.order)
        except InputError as e:
            raise DataError(f"the order does not fit the dag ({e}); save the model again") from e
    return checked


def loaded_codes(codes: ArrayLike, sizes: Sequence[int], what: str) -> NDArray[np.intp]:
    """``codes`` (d,) if each is a state of its variable."""
    found = np.asarray(codes)
    if (
        found.dtype.kind not in "iu"
        or found.shape != (len(sizes),)
        or not ((found >= 0) & (found < sizes)).all()
    ):
        raise DataError(f"{what} is not a state of each of {len(sizes)} variables; save the model again")
    return found.astype(np.intp)


def check_padded(p: NDArray[np.float64], sizes: NDArray[np.integer[Any]], what: str) -> None:
    """``DataError`` unless rows of ``p`` (n, K) hold so many probabilities, ``sizes`` (n,), and zeros after them."""
    check_probabilities(p, what)
    if p[np.arange(p.shape[1]) >= sizes[:, None]].any():
        raise DataError(f"{what} holds more states than its variable has; save the model again")


def check_probabilities(p: NDArray[np.float64], what: str) -> None:
    """``DataError`` unless the last axis of ``p`` holds probabilities that sum to one.

    >>> check_probabilities(np.array([[0.5, 0.5], [1.0, 1.0]]), "a table")
    Traceback (most recent call last):
    chainrule.core.errors.DataError: a table does not hold probabilities that sum to one; save the model again
    """
    # what is far above one is not added up: that might overflow
    if not (((p >= 0) & (p <= 2)).all() and (np.abs(p.sum(axis=-1) - 1) <= _MISSED).all()):
        raise DataError(f"{what} does not hold probabilities that sum to one; save the model again")
