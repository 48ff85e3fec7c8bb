"""Graphs: boxes as large as their labels, arrows or lines that end at the boxes, marks as colour and line.

Node places come from the record in layout units (one layer or one slot is 1.0, downwards is positive).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon
from numpy.typing import NDArray

from chainrule.core.figures import GraphDrawing, GraphEdge, GraphNode
from chainrule.report.figures.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    PAPER,
    PURPLE,
    SOFT,
    TINT,
    VERMILLION,
    blank_canvas,
    text_width,
    wrapped,
)

__all__ = ["draw_graph"]

Points = NDArray[np.float64]  # (k, 2) places in inches


@dataclass(frozen=True)
class _Mark:
    colour: str
    line: Any
    width: float
    fill: str
    meaning: str = ""  # named in the legend, where the mark has a fixed meaning


_MARKS = {
    "normal": _Mark(INK, "-", 1.2, TINT),
    "highlight": _Mark(BLUE, "-", 2.2, TINT),
    "muted": _Mark(SOFT, (0, (1, 2)), 0.9, PAPER),
    "open": _Mark(GREEN, "-", 2.4, TINT, "open"),
    "blocked": _Mark(VERMILLION, (0, (4, 2)), 1.8, TINT, "blocked"),
    "latent": _Mark(INK, (0, (3, 2)), 1.2, PAPER, "latent"),
    "given": _Mark(INK, "-", 1.2, GRID, "given"),
    "cycle": _Mark(PURPLE, (0, (6, 1.5, 1.5, 1.5)), 2.2, TINT, "on the cycle"),
}
_FONT = 9.5
_MARGIN = 0.12
_ARROW = 0.13


@dataclass
class _Box:
    label: str
    x: float
    y: float
    width: float
    height: float
    mark: _Mark

    @property
    def centre(self) -> Points:
        return np.array([self.x, self.y])

    def holds(self, point: Points) -> bool:
        return bool(
            abs(point[0] - self.x) <= self.width / 2 + 0.02
            and abs(point[1] - self.y) <= self.height / 2 + 0.02
        )


def draw_graph(data: GraphDrawing) -> Figure:
    """Nodes as boxes and edges as arrows, with a legend where a mark has a meaning."""
    boxes = {node.id: _box(node) for node in data.nodes}
    joined = {(edge.source, edge.target) for edge in data.edges}
    edges = [_edge(edge, joined) for edge in data.edges]
    bends = [points for _, _, points, _ in edges if points is not None]
    scale = _scale(list(boxes.values()), bends)
    for box in boxes.values():
        box.x, box.y = box.x * scale[0], box.y * scale[1]
    routes = [
        _route(boxes[a], boxes[b], None if points is None else points * scale, bent)
        for (a, b, points, bent) in edges
    ]
    on_edges, on_nodes = ({item.mark for item in items} for items in (data.edges, data.nodes))
    legend = [(m, k in on_edges) for k, m in _MARKS.items() if m.meaning and k in on_edges | on_nodes]
    low, high = _extent(list(boxes.values()), routes)
    width = max(high[0] - low[0], 1.5, 1.3 * len(legend))
    figure, axes = blank_canvas(width, high[1] - low[1] + (0.35 if legend else 0.0))
    shift = np.array([(width - (high[0] - low[0])) / 2, 0.0]) - low
    for edge, route in zip(data.edges, routes, strict=True):
        if edge.directed:
            _draw_arrow(axes, route + shift, _MARKS[edge.mark])
        else:
            _draw_line(axes, route + shift, _MARKS[edge.mark])
    for box in boxes.values():
        box.x, box.y = box.centre + shift
        _draw_box(axes, box)
    _draw_legend(axes, legend, high[1] - low[1] + 0.12)
    return figure


def _box(node: GraphNode) -> _Box:
    label = wrapped(node.label, 16)
    width = max(0.42, text_width(label, _FONT) + 0.26)
    return _Box(label, node.x, node.y, width, 0.18 + 0.165 * (label.count("\n") + 1), _MARKS[node.mark])


_Edge = tuple[str, str, Points | None, bool]


def _edge(edge: GraphEdge, joined: set[tuple[str, str]]) -> _Edge:
    """End nodes, given points, and whether a twin in the other direction asks for a bend."""
    twin = (edge.target, edge.source) in joined and edge.source != edge.target
    points = np.array(edge.points, np.float64) if edge.points else None
    return edge.source, edge.target, points, twin


def _scale(boxes: list[_Box], bends: list[Points]) -> Points:
    """Inches per layout unit: the least at which neighbours in a layer keep apart."""
    across, down = 0.9, 0.8
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            if abs(a.y - b.y) < 0.5 and a.x != b.x:
                across = max(across, ((a.width + b.width) / 2 + 0.22) / abs(a.x - b.x))
            elif a.y != b.y:
                down = max(down, ((a.height + b.height) / 2 + 0.35) / max(abs(a.y - b.y), 0.5))
        for x, y in (point for bend in bends for point in bend[1:-1]):
            if abs(a.y - y) < 0.5 and a.x != x:
                across = max(across, (a.width / 2 + 0.12) / max(abs(a.x - x), 0.25))
    return np.array([min(across, 4.0), down])


def _route(a: _Box, b: _Box, points: Points | None, bent: bool) -> Points:
    """The course of an arrow from the border of ``a`` to the border of ``b``."""
    if a is b:
        right, up = a.x + a.width / 2, a.height * 0.3
        turn = np.linspace(-math.pi / 2, math.pi / 2, 24)
        loop = np.column_stack([right - 0.02 + 0.32 * np.cos(turn), a.y + up * np.sin(turn)])
        return np.vstack([[right, a.y - up], loop, [right, a.y + up]])
    inner = np.empty((0, 2)) if points is None or len(points) < 3 else points[1:-1]
    if bent and not len(inner):
        along = b.centre - a.centre
        side = np.array([-along[1], along[0]]) / np.hypot(*along)
        inner = ((a.centre + b.centre) / 2 + 0.28 * side)[None, :]
    course = _rounded(np.vstack([a.centre, inner, b.centre]))
    return _cut(_cut(course, a)[::-1], b)[::-1]


def _rounded(corners: Points) -> Points:
    """The polyline through ``corners`` with each corner rounded; it never leaves their triangles."""
    course = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        legs = [before - corner, after - corner]
        lengths = [float(np.hypot(*leg)) for leg in legs]
        radius = min(0.45, *(0.5 * length for length in lengths))
        start, end = (
            corner + leg * (radius / length if length else 0.0)
            for leg, length in zip(legs, lengths, strict=True)
        )
        t = np.linspace(0, 1, 13)[:, None]
        course.extend((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    return np.array([*course, corners[-1]])


def _cut(course: Points, box: _Box) -> Points:
    """``course`` without its beginning inside ``box``, from the point where it leaves for good."""
    inside = [i for i, point in enumerate(course) if box.holds(point)]
    if not inside or inside[-1] == len(course) - 1:
        return course
    last = inside[-1]
    inner, outer = course[last], course[last + 1]
    for _ in range(30):
        middle = (inner + outer) / 2
        inner, outer = (middle, outer) if box.holds(middle) else (inner, middle)
    return np.vstack([outer, course[last + 1 :]])


def _extent(boxes: list[_Box], routes: list[Points]) -> tuple[Points, Points]:
    corners = [box.centre + s * np.array([box.width, box.height]) / 2 for box in boxes for s in (-1, 1)]
    every = np.vstack([np.array(corners).reshape(-1, 2), *routes, *([[[0.0, 0.0]]] if not boxes else [])])
    return every.min(axis=0) - _MARGIN, every.max(axis=0) + _MARGIN


def _draw_arrow(axes: Axes, course: Points, mark: _Mark) -> None:
    size = _ARROW * (1 + 0.15 * (mark.width - 1))
    tip = course[-1]
    away = np.hypot(*(course - tip).T)
    behind = course[away > size]
    base = behind[-1] if len(behind) else course[0]
    direction = (tip - base) / (np.hypot(*(tip - base)) or 1.0)
    neck = tip - direction * size * 0.85
    _draw_line(axes, np.vstack([behind, neck]) if len(behind) else np.vstack([course[0], neck]), mark)
    side = np.array([-direction[1], direction[0]]) * size * 0.42
    foot = tip - direction * size
    axes.add_patch(
        Polygon([tip, foot + side, foot - side], facecolor=mark.colour, edgecolor="none", zorder=2)
    )


def _draw_line(axes: Axes, course: Points, mark: _Mark) -> None:
    axes.plot(
        *course.T,
        color=mark.colour,
        linewidth=mark.width,
        linestyle=mark.line,
        solid_capstyle="butt",
        zorder=1,
    )


def _draw_box(axes: Axes, box: _Box) -> None:
    _draw_outline(axes, (box.x - box.width / 2, box.y - box.height / 2, box.width, box.height), box.mark)
    faint = box.mark is _MARKS["muted"]
    axes.text(
        box.x,
        box.y,
        box.label,
        ha="center",
        va="center",
        fontsize=_FONT,
        color=SOFT if faint else INK,
        zorder=4,
        linespacing=1.15,
    )


def _draw_outline(axes: Axes, place: tuple[float, float, float, float], mark: _Mark) -> None:
    """A box with rounded corners at ``place``: left, top, width, height."""
    left, top, width, height = place
    axes.add_patch(
        FancyBboxPatch(
            (left, top),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={min(0.09, height / 3)}",
            facecolor=mark.fill,
            edgecolor=mark.colour,
            linewidth=mark.width,
            linestyle=mark.line,
            zorder=3,
        )
    )


def _draw_legend(axes: Axes, marks: list[tuple[_Mark, bool]], y: float) -> None:
    """Each mark with its meaning: as a line where edges have it, else as a box."""
    left = 0.1
    for mark, on_edges in marks:
        if on_edges:
            axes.plot(
                [left, left + 0.4], [y, y], color=mark.colour, linewidth=mark.width, linestyle=mark.line
            )
        else:
            _draw_outline(axes, (left, y - 0.08, 0.4, 0.16), mark)
        axes.text(left + 0.48, y, mark.meaning, va="center", fontsize=8.5, color=SOFT)
        left += 0.75 + text_width(mark.meaning, 8.5)
