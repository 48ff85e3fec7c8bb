"""Where EM starts: off the symmetric point, at which all components are alike and stay so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_responsibilities", "seed_rows"]

_SHARED = 0.1  # of each row, spread over all components: none starts without what another begins with


def first_responsibilities(
    codes: NDArray[np.integer[Any]],
    k: int,
    generator: np.random.Generator,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """How much of each row (n, k) each of k components starts with: most of the rows nearest to its own seed.

    >>> parts = first_responsibilities(np.array([[0, 0], [0, 0], [1, 1]]), 2, np.random.default_rng(0))
    >>> sorted(parts[0].tolist()), bool((parts[0] == parts[1]).all()), bool((parts[0] == parts[2]).all())
    ([0.05, 0.95], True, False)
    """
    distances = np.stack(
        [_distance(codes, codes[s]) for s in seed_rows(codes, k, generator, weights)], axis=1
    )
    out = np.full((len(codes), k), _SHARED / k)
    out[np.arange(len(codes)), distances.argmin(axis=1)] += 1 - _SHARED
    return out


def seed_rows(
    codes: NDArray[np.integer[Any]],
    k: int,
    generator: np.random.Generator,
    weights: NDArray[np.float64] | None = None,
) -> list[int]:
    """k rows far from each other, by their places: each drawn by its distance to the nearest so far.

    The distance is the number of cells that differ: half of the squared Euclidean distance of indicators.
    Arthur and Vassilvitskii, "k-means++", SODA 2007.
    """
    share = np.ones(len(codes)) if weights is None else weights
    found = [int(generator.choice(len(codes), p=share / share.sum()))]
    nearest = _distance(codes, codes[found[0]])
    while len(found) < k:
        p = share * nearest
        p = p if p.sum() > 0 else share  # fewer different rows than components
        found.append(int(generator.choice(len(codes), p=p / p.sum())))
        nearest = np.minimum(nearest, _distance(codes, codes[found[-1]]))
    return found


def _distance(codes: NDArray[np.integer[Any]], row: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """In how many cells each row differs from ``row``; cells that either does not know differ in nothing."""
    return ((codes != row) & (codes >= 0) & (row >= 0)).sum(axis=1)
