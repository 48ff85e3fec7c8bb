"""Trees that come from a file, checked, since the loops go where nodes say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import DataError

__all__ = ["check_trees"]


def check_trees(
    nodes: NDArray[Any],
    roots: NDArray[np.integer[Any]],
    variables: NDArray[np.integer[Any]],
    sizes: Sequence[int],
    place: NDArray[np.integer[Any]] | None = None,
) -> None:
    """``DataError`` unless ``nodes`` (T, 4) int32 are trees as ``DecisionTables`` says, with these ``roots``.

    Each node but these is a child once and comes after its parent; each question is for states of a variable, and where
    ``place`` (d,) is given for one that is before the tree's own in an order: ``variables`` has one for each root.

    >>> nodes = np.array([[0, 1, 1, 1], [-1, 0, 0, -1], [-1, 0, 0, -1]], np.int32)
    >>> check_trees(nodes, np.array([0]), np.array([1]), (2, 2), np.array([0, 1]))
    >>> check_trees(nodes, np.array([0]), np.array([0]), (2, 2), np.array([0, 1]))
    Traceback (most recent call last):
    chainrule.core.errors.DataError: a tree asks for what is not before its variable; save the model again
    """
    if nodes.ndim != 2 or nodes.shape[1] != 4 or nodes.dtype != np.int32:
        raise DataError(f"nodes of trees are {nodes.dtype} of shape {nodes.shape}; save the model again")
    n = len(nodes)
    asked, low, high, child = nodes.astype(np.int64).T
    inner = np.flatnonzero(asked >= 0)
    states = np.array(sizes)[np.minimum(asked[inner], len(sizes) - 1)]
    good = (
        (asked[inner] < len(sizes))
        & (low[inner] >= 0)
        & (low[inner] <= high[inner])
        & (high[inner] < states)
        & (child[inner] > inner)
        & (child[inner] + 1 < n)
    )
    if not good.all() or (asked < -1).any() or not ((roots >= 0) & (roots < n)).all():
        raise DataError("a node of a tree asks for what is not there; save the model again")
    begins = np.concatenate([roots, child[inner], child[inner] + 1])
    if not np.array_equal(np.sort(begins), np.arange(n)):
        raise DataError("the nodes are no trees: each but the roots is a child once; save the model again")
    if place is not None and not _asks_before(nodes, roots, variables, place):
        raise DataError("a tree asks for what is not before its variable; save the model again")


def _asks_before(
    nodes: NDArray[Any],
    roots: NDArray[np.integer[Any]],
    variables: NDArray[np.integer[Any]],
    place: NDArray[np.integer[Any]],
) -> bool:
    level, own = np.asarray(roots), np.asarray(variables)
    while len(level):
        inner = nodes[level, 0] >= 0
        level, own = level[inner], own[inner]
        if not (place[nodes[level, 0]] < place[own]).all():
            return False
        level, own = np.concatenate([nodes[level, 3], nodes[level, 3] + 1]), np.concatenate([own, own])
    return True
