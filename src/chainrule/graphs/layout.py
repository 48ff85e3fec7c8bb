"""Where to draw a directed graph: layers from top to bottom, few crossings, edges around the nodes.

The four steps of Sugiyama, Tagawa and Toda (1981):

1. layers: an edge points one or more layers down.  Edges that close a cycle are turned round for this only;
2. a long edge gets a bend in each layer that it passes, so that it has a place of its own there;
3. order in each layer: sweep down and up, sort by the mean place of the neighbours, keep the best order;
4. places: sweep again, each layer as near to its neighbours' mean as the order and the widths allow, which
   is isotonic regression.

One layer, and one place, is one unit; y grows downwards.  A node may be drawn as a box of up to
``NODE_WIDTH`` × ``NODE_HEIGHT`` units: no two boxes overlap, and no edge runs through another node's box.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chainrule.core.errors import TooLargeError
from chainrule.graphs.digraph import DirectedGraph

__all__ = ["NODE_HEIGHT", "NODE_WIDTH", "layout"]

NODE_WIDTH, NODE_HEIGHT = 0.9, 0.5
MOST_BENDS = 20_000
_SWEEPS = 24
_BETWEEN = 0.5 - NODE_HEIGHT / 2  # half of what is free between two layers
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

    ``labels`` and marks are copied into it for the nodes and edges that they name.  Raises
    ``UnknownNameError`` where they name others, ``TooLargeError`` where long edges need too many bends.

    >>> drawn = layout(DirectedGraph.parse("A -> B"), labels={"A": "cause"})
    >>> drawn["nodes"][0]
    {'id': 'A', 'label': 'cause', 'x': 0.0, 'y': 0.0}
    >>> drawn["edges"]
    [{'from': 'A', 'to': 'B', 'points': [[0.0, 0.0], [0.0, 1.0]]}]
    """
    for name in [*(labels or {}), *(node_marks or {}), *(name for edge in edge_marks or {} for name in edge)]:
        graph._id(name)
    drawing = _Drawing.of(graph)
    nodes = []
    for v, name in enumerate(graph.nodes):
        x, y = drawing.point(v)
        node: dict[str, Any] = {"id": name, "label": (labels or {}).get(name, name), "x": x, "y": y}
        if name in (node_marks or {}):
            node["mark"] = (node_marks or {})[name]
        nodes.append(node)
    edges = []
    for parent, child in graph.edges:
        points = drawing.route(graph._id(parent), graph._id(child))
        edge: dict[str, Any] = {"from": parent, "to": child, "points": [list(p) for p in points]}
        if (parent, child) in (edge_marks or {}):
            edge["mark"] = (edge_marks or {})[parent, child]
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
    loops: set[int]
    layer_of: dict[int, int]
    x: dict[int, float]

    @classmethod
    def of(cls, graph: DirectedGraph) -> _Drawing:
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
        loops = {v for v, below in enumerate(graph._children) if v in below}
        layers = _few_crossings(layers, up, down)
        x = _places(
            layers, up, down, lambda i: (0.5, 0.8 if i in loops else 0.5) if i < len(graph) else (0.2, 0.2)
        )
        return cls(len(graph), layers, chains, loops, layer_of, x)

    def point(self, item: int) -> Point:
        """The centre of a node or the place of a bend."""
        return self.x[item], float(self.layer_of[item])

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
        others = (i for y in (int(y0), int(y1)) for i in self.layers[y] if i < self.n_nodes)
        if not sidestep and not any(
            _hits_box((x0, y0), (x1, y1), self.point(i)) for i in others if i not in (upper, lower)
        ):
            return []
        leave, arrive = y0 + 0.5 - _BETWEEN * 0.8, y1 - 0.5 + _BETWEEN * 0.8
        return [
            (_rounded(x0 + sidestep), _rounded(leave)),
            (_rounded(x1 + sidestep), _rounded(arrive)),
        ]


def _edges_to_turn(graph: DirectedGraph) -> set[tuple[int, int]]:
    """Edges without which the graph has no cycle: those that lead depth-first search back onto its own path."""
    new, on_path, done = 0, 1, 2
    state = [new] * len(graph)
    turned = set()
    for root in sorted(range(len(graph)), key=lambda v: (len(graph._parents[v]) > 0, v)):
        if state[root] != new:
            continue
        state[root] = on_path
        stack = [(root, iter(graph._children[root]))]
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
                stack.append((v, iter(graph._children[v])))
    return turned


def _layers(graph: DirectedGraph, turned: set[tuple[int, int]]) -> list[int]:
    """The layer of each node: the longest way down to it; a source stands right above its first child."""
    below: list[list[int]] = [[] for _ in range(len(graph))]
    waiting = [0] * len(graph)
    for u, children in enumerate(graph._children):
        for v in children:
            if u != v:
                a, b = (v, u) if (u, v) in turned else (u, v)
                below[a].append(b)
                waiting[b] += 1
    layer = [0] * len(graph)
    sources = [v for v, n in enumerate(waiting) if n == 0]
    ready = list(sources)
    while ready:
        u = ready.pop()
        for v in below[u]:
            layer[v] = max(layer[v], layer[u] + 1)
            waiting[v] -= 1
            if waiting[v] == 0:
                ready.append(v)
    for v in sources:
        if below[v]:
            layer[v] = min(layer[w] for w in below[v]) - 1
    return layer


def _bends(graph: DirectedGraph, layer: list[int]) -> tuple[dict[tuple[int, int], list[int]], dict[int, int]]:
    """For each edge the items from its upper to its lower end, and the layer of every item."""
    spans = sum(
        max(abs(layer[u] - layer[v]) - 1, 0) for u, below in enumerate(graph._children) for v in below
    )
    if spans > MOST_BENDS:
        raise TooLargeError(
            f"drawing this graph takes {spans:,} bends in long edges, more than {MOST_BENDS:,}; draw a part of it"
        )
    layer_of = dict(enumerate(layer))
    chains = {}
    for u, below in enumerate(graph._children):
        for v in below:
            if u == v:
                continue
            upper, lower = (u, v) if layer[u] < layer[v] else (v, u)
            chain = [upper]
            for y in range(layer[upper] + 1, layer[lower]):
                chain.append(len(layer_of))
                layer_of[chain[-1]] = y
            chains[u, v] = [*chain, lower]
    return chains, layer_of


def _few_crossings(
    layers: list[list[int]], up: dict[int, list[int]], down: dict[int, list[int]]
) -> list[list[int]]:
    """The best order met while sweeping down and up, then improved by swapping neighbours."""
    best, least = [list(row) for row in layers], _crossings(layers, down)
    for sweep in range(_SWEEPS):
        if least == 0:
            break
        downwards = sweep % 2 == 0
        for y in range(1, len(layers)) if downwards else range(len(layers) - 2, -1, -1):
            fixed = layers[y - 1 if downwards else y + 1]
            _sort_by_mean(layers[y], fixed, up if downwards else down)
        crossings = _crossings(layers, down)
        if crossings < least:
            best, least = [list(row) for row in layers], crossings
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


def _places(
    layers: list[list[int]], up: dict[int, list[int]], down: dict[int, list[int]], half_widths: Any
) -> dict[int, float]:
    """The x of every item: near the mean of its neighbours, in order, with room for its width."""
    gaps = [[0.0, *(half_widths(a)[1] + half_widths(b)[0] for a, b in pairwise(row))] for row in layers]
    x: dict[int, float] = {}
    for row, gap in zip(layers, gaps, strict=True):
        x.update(zip(row, _fit([0.0] * len(row), gap), strict=True))
    both = {item: up[item] + down[item] for item in x}
    for sweep in range(_SWEEPS):
        neighbours = both if sweep >= _SWEEPS - 4 else up if sweep % 2 == 0 else down
        for y in range(len(layers)) if sweep % 2 == 0 else range(len(layers) - 1, -1, -1):
            row = layers[y]
            wishes = [_mean((x[j] for j in neighbours[i]), x[i]) for i in row]
            x.update(zip(row, _fit(wishes, gaps[y]), strict=True))
    left = min(x.values(), default=0.0)
    return {item: _rounded(value - left) for item, value in x.items()}


def _fit(wishes: Sequence[float], gap: Sequence[float]) -> list[float]:
    """The places nearest to ``wishes`` (least squares), each at least ``gap`` after the one before.

    Less the sum of the gaps, the places must not fall: isotonic regression by pooling what violates it.
    """
    offsets = [sum(gap[: k + 1]) for k in range(len(gap))]
    pools: list[tuple[float, int]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        mean, size = wish - offset, 1
        while pools and pools[-1][0] > mean:
            other, n = pools.pop()
            mean, size = (mean * size + other * n) / (size + n), size + n
        pools.append((mean, size))
    flat = [mean for mean, size in pools for _ in range(size)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _mean(values: Iterable[float], default: float) -> float:
    values = list(values)
    return sum(values) / len(values) if values else default


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
