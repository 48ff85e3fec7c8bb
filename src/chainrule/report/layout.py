"""Where to draw a directed graph: layers from top to bottom, few crossings, edges around the nodes.

The four steps of Sugiyama, Tagawa and Toda (1981):

1. layers: an edge points one or more layers down, and all edges together span as few layers as possible
   (Gansner et al. 1993).  Edges that close a cycle are turned round for this only;
2. a long edge gets a bend in each layer that it passes, so that it has a place of its own there;
3. order in each layer: sweep down and up, sort by the mean place of the neighbours, keep the best order;
4. places: sweep again, each layer as near to its neighbours' mean as the order and the widths allow, which
   is isotonic regression.  Long edges weigh more, so that they run straight.

One place is one unit, and so is a layer, or more where edges lead far to the side; y grows downwards.  A node may
be drawn as a box of up to ``NODE_WIDTH`` × ``NODE_HEIGHT`` units: no two boxes overlap, and no edge runs through
another node's box.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from chainrule.core.errors import TooLargeError, UnknownNameError
from chainrule.graphs import DirectedGraph, Structure
from chainrule.report.crossings import few_crossings

__all__ = ["NODE_HEIGHT", "NODE_WIDTH", "layout"]

NODE_WIDTH, NODE_HEIGHT = 0.9, 0.5
MOST_BENDS = 20_000
_SWEEPS = 24
_BETWEEN = 0.5 - NODE_HEIGHT / 2  # half of what is free between two layers
_STAND_HIGH = 1e-3  # what a layer costs a node, where an edge costs one: too little to make any edge longer
_HALF_BEND = 0.2  # the room that a bend keeps to each side; a node keeps half a unit
_CLEARANCE = NODE_HEIGHT / 2 + 0.01  # how far below a centre an edge may pass a box beside it
_HIGHEST = 4.0  # the most units that one layer may take
_STRAIGHT = {0: 1, 1: 2, 2: 8}  # the weight of a step between layers by how many of its ends are bends
_SIDESTEP = 0.12  # how far the two edges of a two-way pair are moved apart

Point = tuple[float, float]


def layout(
    graph: DirectedGraph,
    *,
    labels: Mapping[str, str] | None = None,
    node_marks: Mapping[str, str] | None = None,
    edge_marks: Mapping[tuple[str, str], str] | None = None,
) -> dict[str, Any]:
    """Places of all nodes and routes of all edges, as the plain data of a ``graph`` figure.

    ``labels`` and marks are copied into it for the nodes and edges that they name; a latent node without a
    mark is marked ``latent``.  Raises ``UnknownNameError`` where they name others, ``TooLargeError`` where there
    are too many edges, or long ones that need too many bends.

    >>> drawn = layout(DirectedGraph.parse("A -> B"), labels={"A": "cause"})
    >>> drawn["nodes"][0]
    {'id': 'A', 'label': 'cause', 'x': 0.0, 'y': 0.0}
    >>> drawn["edges"]
    [{'from': 'A', 'to': 'B', 'points': [[0.0, 0.0], [0.0, 1.0]]}]
    """
    labels, node_marks, edge_marks = labels or {}, node_marks or {}, edge_marks or {}
    for name in [*labels, *node_marks, *(name for edge in edge_marks for name in edge)]:
        if name not in graph:
            raise UnknownNameError.of("node", name, list(graph.nodes))
    structure = graph.structure
    drawing = _Drawing.of(structure)
    nodes = []
    for v, name in enumerate(graph.nodes):
        x, y = drawing.point(v)
        node: dict[str, Any] = {"id": name, "label": labels.get(name, name), "x": x, "y": y}
        mark = node_marks.get(name, "latent" if v in structure.latent else None)
        if mark is not None:
            node["mark"] = mark
        nodes.append(node)
    edges = []
    for u, v in structure.edges():
        parent, child = graph.nodes[u], graph.nodes[v]
        edge: dict[str, Any] = {"from": parent, "to": child, "points": [list(p) for p in drawing.route(u, v)]}
        if (parent, child) in edge_marks:
            edge["mark"] = edge_marks[parent, child]
        edges.append(edge)
    return {"nodes": nodes, "edges": edges}


@dataclass
class _Drawing:
    """Nodes and bends as items (nodes first), each with a layer and a place in it.

    ``chains`` holds, for each pair (upper, lower) of joined nodes and each direction, the items that the
    edge passes from top to bottom.
    """

    n_nodes: int
    layers: list[list[int]]
    chains: dict[tuple[int, int], list[int]]
    layer_of: dict[int, int]
    x: dict[int, float]
    y: list[float]

    @classmethod
    def of(cls, graph: Structure) -> _Drawing:
        """The drawing of ``graph``, ready to be read."""
        turned = _edges_to_turn(graph)
        layer = _layers(graph, turned)
        chains, layer_of = _bends(graph, layer)
        layers = [[i for i, k in layer_of.items() if k == y] for y in range(max(layer, default=-1) + 1)]
        up: dict[int, list[int]] = {i: [] for i in layer_of}
        down: dict[int, list[int]] = {i: [] for i in layer_of}
        for chain in chains.values():
            for a, b in pairwise(chain):
                down[a].append(b)
                up[b].append(a)
        loops = {u for u, v in graph.edges() if u == v}
        layers = few_crossings(layers, up, down)
        x = _places(layers, up, down, len(graph), loops)
        return cls(len(graph), layers, chains, layer_of, x, _heights(layers, down, x, len(graph)))

    def point(self, item: int) -> Point:
        """The centre of a node or the place of a bend."""
        return self.x[item], self.y[self.layer_of[item]]

    def route(self, parent: int, child: int) -> list[Point]:
        """The points of an edge from the centre of ``parent`` to the centre of ``child``."""
        if parent == child:
            x, y = self.point(parent)
            around = [(0.0, 0.0), (0.3, -0.35), (0.65, -0.2), (0.65, 0.2), (0.3, 0.35), (0.0, 0.0)]
            return [(_rounded(x + dx), _rounded(y + dy)) for dx, dy in around]
        chain = self.chains[parent, child]
        points = [self.point(chain[0])]
        for upper, lower in pairwise(chain):
            points += [*self._between(upper, lower, self._sidestep(parent, child)), self.point(lower)]
        return points if chain[0] == parent else points[::-1]

    def _sidestep(self, parent: int, child: int) -> float:
        """How far to move the edge sideways: not at all, unless the same two nodes have an edge back."""
        if (child, parent) not in self.chains or len(self.chains[parent, child]) > 2:
            return 0.0
        return _SIDESTEP if self.chains[parent, child][0] == parent else -_SIDESTEP

    def _between(self, upper: int, lower: int, sidestep: float) -> list[Point]:
        """Further points of a step between neighbouring layers, where a straight line would hit a node.

        They lead the line straight out of one layer and straight into the next.
        """
        (x0, y0), (x1, y1) = self.point(upper), self.point(lower)
        rows = (self.layers[self.layer_of[item]] for item in (upper, lower))
        left, right, place = min(x0, x1) - NODE_WIDTH, max(x0, x1) + NODE_WIDTH, self.x.__getitem__
        others = (
            i
            for row in rows
            for i in row[bisect_left(row, left, key=place) : bisect_right(row, right, key=place)]
            if i < self.n_nodes
        )
        if not sidestep and not any(
            _hits_box((x0, y0), (x1, y1), self.point(i)) for i in others if i not in (upper, lower)
        ):
            return []
        leave, arrive = y0 + 0.5 - _BETWEEN * 0.8, y1 - 0.5 + _BETWEEN * 0.8
        return [
            (_rounded(x0 + sidestep), _rounded(leave)),
            (_rounded(x1 + sidestep), _rounded(arrive)),
        ]


def _edges_to_turn(graph: Structure) -> set[tuple[int, int]]:
    """Edges without which the graph has no cycle: those that lead depth-first search back onto its own path."""
    new, on_path, done = 0, 1, 2
    state = [new] * len(graph)
    turned = set()
    for root in sorted(range(len(graph)), key=lambda v: (len(graph.parents[v]) > 0, v)):
        if state[root] != new:
            continue
        state[root] = on_path
        stack = [(root, iter(graph.children[root]))]
        while stack:
            u, below = stack[-1]
            v = next(below, None)
            if v is None:
                state[u] = done
                stack.pop()
            elif state[v] == on_path:
                turned.add((u, v))
            elif state[v] == new:
                state[v] = on_path
                stack.append((v, iter(graph.children[v])))
    return turned


def _layers(graph: Structure, turned: set[tuple[int, int]]) -> list[int]:
    """The layer of each node: every edge leads down, and their total length is the least possible.

    That is a linear program whose corners are whole numbers.  Among equals, nodes stand high.
    """
    edges = [(v, u) if (u, v) in turned else (u, v) for u, v in graph.edges() if u != v]
    if len(edges) > MOST_BENDS:
        raise TooLargeError(f"a drawing of {len(edges):,} edges cannot be read; draw a part of the graph")
    if not edges:
        return [0] * len(graph)
    from scipy.optimize import linprog  # it is only needed here, and slow to load
    from scipy.sparse import coo_array

    upper, lower = np.array(edges).T
    n, m = len(graph), len(edges)
    length = np.bincount(lower, minlength=n) - np.bincount(upper, minlength=n)  # by the layers of both ends
    rows = np.concatenate([np.arange(m), np.arange(m)])
    signs = np.repeat([1.0, -1.0], m)
    steps = coo_array((signs, (rows, np.concatenate([upper, lower]))), shape=(m, n)).tocsr()
    found = linprog(length + _STAND_HIGH / n, A_ub=steps, b_ub=-np.ones(m), method="highs-ds")
    return [round(y) for y in found.x]


def _bends(graph: Structure, layer: list[int]) -> tuple[dict[tuple[int, int], list[int]], dict[int, int]]:
    """For each edge the items from its upper to its lower end, and the layer of every item."""
    spans = sum(max(abs(layer[u] - layer[v]) - 1, 0) for u, v in graph.edges())
    if spans > MOST_BENDS:
        raise TooLargeError(
            f"drawing this graph takes {spans:,} bends in long edges, more than {MOST_BENDS:,}; draw a part of it"
        )
    layer_of = dict(enumerate(layer))
    chains = {}
    for u, v in graph.edges():
        if u == v:
            continue
        upper, lower = (u, v) if layer[u] < layer[v] else (v, u)
        chain = [upper]
        for y in range(layer[upper] + 1, layer[lower]):
            chain.append(len(layer_of))
            layer_of[chain[-1]] = y
        chains[u, v] = [*chain, lower]
    return chains, layer_of


def _places(
    layers: list[list[int]],
    up: dict[int, list[int]],
    down: dict[int, list[int]],
    n_nodes: int,
    loops: set[int],
) -> dict[int, float]:
    """The x of every item: near the mean of its neighbours, in order, with room for its width."""

    def gap(a: int, b: int) -> float:
        right = _HALF_BEND if a >= n_nodes else 0.8 if a in loops else 0.5
        return right + (_HALF_BEND if b >= n_nodes else 0.5)

    gaps = [[0.0, *(gap(a, b) for a, b in pairwise(row))] for row in layers]
    x: dict[int, float] = {}
    for row, between in zip(layers, gaps, strict=True):
        x.update(zip(row, _fit([(0.0, 1)] * len(row), between), strict=True))
    both = {item: up[item] + down[item] for item in x}
    for sweep in range(_SWEEPS):
        neighbours = both if sweep >= _SWEEPS - 4 else up if sweep % 2 == 0 else down
        for y in range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1):
            wishes = [_wish(i, neighbours[i], x, n_nodes) for i in layers[y]]
            x.update(zip(layers[y], _fit(wishes, gaps[y]), strict=True))
    left = min(x.values(), default=0.0)
    return {item: _rounded(value - left) for item, value in x.items()}


def _wish(item: int, neighbours: list[int], x: dict[int, float], n_nodes: int) -> tuple[float, int]:
    """Where ``item`` would stand, at the weighted mean of its neighbours, and how much that weighs."""
    if not neighbours:
        return x[item], 1
    weights = [_STRAIGHT[(item >= n_nodes) + (j >= n_nodes)] for j in neighbours]
    total = sum(weights)
    return sum(w * x[j] for w, j in zip(weights, neighbours, strict=True)) / total, total


def _fit(wishes: Sequence[tuple[float, int]], gap: Sequence[float]) -> list[float]:
    """The places nearest to the weighted ``wishes`` (least squares), each at least ``gap`` after the one before.

    Less the sum of the gaps, the places must not fall: isotonic regression by pooling what violates it.
    """
    offsets = list(accumulate(gap))
    pools: list[tuple[float, int, int]] = []  # mean, weight, how many
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        mean, size = wish - offset, 1
        while pools and pools[-1][0] > mean:
            other, heavy, n = pools.pop()
            mean = (mean * weight + other * heavy) / (weight + heavy)
            weight, size = weight + heavy, size + n
        pools.append((mean, weight, size))
    flat = [mean for mean, _, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _heights(
    layers: list[list[int]], down: dict[int, list[int]], x: dict[int, float], n_nodes: int
) -> list[float]:
    """The y of every layer: as far below the one above it as straight edges need to miss all boxes there."""
    room: dict[int, tuple[float, float]] = {}  # to the left and to the right, up to the next box
    for row in layers:
        left = _room([(x[i], i < n_nodes) for i in row])
        right = _room([(-x[i], i < n_nodes) for i in reversed(row)])[::-1]
        room.update(zip(row, zip(left, right, strict=True), strict=True))
    heights = [0.0]
    for row in layers[:-1]:
        step = 1.0
        for i in row:
            for j in down[i]:
                aside, rightwards = abs(x[i] - x[j]), x[i] < x[j]
                for free in (room[i][rightwards], room[j][not rightwards]):
                    if free < aside:
                        step = max(step, aside * _CLEARANCE / free)
        heights.append(_rounded(heights[-1] + min(step, _HIGHEST)))
    return heights


def _room(row: list[tuple[float, bool]]) -> list[float]:
    """From each place in a row, how far it is to the box before it; ``row`` also says which places have a box."""
    out, border = [], -math.inf
    for place, has_box in row:
        out.append(place - border)
        border = place + NODE_WIDTH / 2 if has_box else border
    return out


def _rounded(value: float) -> float:
    return round(value, 4) + 0.0  # + 0.0 turns -0.0 into 0.0


def _hits_box(a: Point, b: Point, centre: Point) -> bool:
    """Whether the segment from ``a`` to ``b`` enters the box of a node at ``centre`` (Liang and Barsky 1984)."""
    first, last = 0.0, 1.0
    for k, half in ((0, NODE_WIDTH / 2), (1, NODE_HEIGHT / 2)):
        start, way = a[k] - centre[k], b[k] - a[k]
        if way == 0:
            if abs(start) >= half:
                return False
            continue
        enters, leaves = sorted(((-half - start) / way, (half - start) / way))
        first, last = max(first, enters), min(last, leaves)
    return first < last
