"""The order of items in the layers of a drawing, so that few edges cross.

To find the least number is NP-hard already for two layers (Garey and Johnson 1983); sorting by the mean place of the
neighbours, layer by layer, and swapping items next to each other comes near (Sugiyama et al. 1981; Gansner et al.
1993).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise

import numpy as np

__all__ = ["few_crossings"]

_SWEEPS = 24
_SHUFFLED, _FEW = 6, 500  # how many more orders to begin from, for at most so many items


def few_crossings(
    layers: list[list[int]], up: dict[int, list[int]], down: dict[int, list[int]]
) -> list[list[int]]:
    """The best order met while sweeping down and up, improved by swapping neighbours.

    Where items are few, there is time to begin also from the reversed and from shuffled rows, and to swap after
    each sweep.
    """
    few = sum(map(len, layers)) <= _FEW
    shuffle = np.random.default_rng(0)  # always the same orders, so that a graph has one drawing
    starts = [layers]
    if few:
        starts += [[row[::-1] for row in layers]]
        starts += [[shuffle.permutation(row).tolist() for row in layers] for _ in range(_SHUFFLED)]
    best, least = [list(row) for row in layers], _crossings(layers, down)
    for start in starts:
        rows = [list(row) for row in start]
        for sweep in range(_SWEEPS):
            if least == 0:
                return best
            downwards = sweep % 2 == 0
            for y in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
                fixed = rows[y - 1 if downwards else y + 1]
                _sort_by_mean(rows[y], fixed, up if downwards else down)
            tried = [list(row) for row in rows]
            if few:
                _swap_neighbours(tried, up, down)
            crossings = _crossings(tried, down)
            if crossings < least:
                best, least = tried, crossings
    if not few:
        _swap_neighbours(best, up, down)
    return best


def _sort_by_mean(row: list[int], fixed: list[int], neighbours: dict[int, list[int]]) -> None:
    """Sort ``row`` by the mean place of each item's neighbours; an item without any keeps its place."""
    place = {item: k for k, item in enumerate(fixed)}
    scale = max(len(fixed), 1) / max(len(row), 1)
    wish = {
        item: sum(place[j] for j in neighbours[item]) / len(neighbours[item])
        if neighbours[item]
        else k * scale
        for k, item in enumerate(row)
    }
    row.sort(key=wish.__getitem__)


def _swap_neighbours(layers: list[list[int]], up: dict[int, list[int]], down: dict[int, list[int]]) -> None:
    """Swap items next to each other while that removes crossings."""
    improved, rounds = True, 0
    while improved and rounds < _SWEEPS:
        improved, rounds = False, rounds + 1
        place = {item: k for row in layers for k, item in enumerate(row)}
        for row in layers:
            for k in range(len(row) - 1):
                a, b = row[k], row[k + 1]
                now = sum(_inversions(side[a], side[b], place) for side in (up, down))
                swapped = sum(_inversions(side[b], side[a], place) for side in (up, down))
                if swapped < now:
                    row[k], row[k + 1] = b, a
                    place[a], place[b] = k + 1, k
                    improved = True


def _inversions(left: list[int], right: list[int], place: dict[int, int]) -> int:
    return sum(place[i] > place[j] for i in left for j in right)


def _crossings(layers: list[list[int]], down: dict[int, list[int]]) -> int:
    """How many pairs of edges cross, over all pairs of neighbouring layers."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {item: k for k, item in enumerate(lower)}
        ends: list[int] = []
        for item in upper:
            targets = sorted(place[j] for j in down[item])
            total += sum(len(ends) - bisect_right(ends, t) for t in targets)
            for t in targets:
                insort(ends, t)
    return total
