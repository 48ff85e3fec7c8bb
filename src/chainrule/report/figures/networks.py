"""Neural networks: every unit and surviving connection where they are given, else the layers in outline."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from chainrule.core.figures import Layer, NetworkDrawing
from chainrule.report.figures.style import (
    BLUE,
    GREEN,
    GRID,
    INK,
    SOFT,
    TINT,
    VERMILLION,
    blank_canvas,
    text_width,
    wrapped,
)

__all__ = ["draw_network"]

_HEIGHT = 0.3  # of a unit, inches
_MOST_SHOWN = 6  # units of a layer in outline


def draw_network(data: NetworkDrawing) -> Figure:
    """Layers from left to right; the kept connections drawn, the dropped ones faint where given."""
    exact = data.edges is not None or any(layer.units for layer in data.layers)
    layers = [_DrawnLayer(layer, exact) for layer in data.layers]
    tallest = max(layer.extent for layer in layers)
    heads = 0.1 + 0.16 * max(layer.head.count("\n") + 1 for layer in layers)
    feet = 0.3 if any(layer.foot for layer in layers) else 0.08
    gap = 1.15 if exact else 0.95
    left = 0.08
    for layer in layers:
        layer.x = left + layer.room / 2
        left += max(layer.room, layer.width + gap)
    width = layers[-1].x + layers[-1].room / 2 + 0.08
    figure, axes = blank_canvas(max(width, 1.5), heads + tallest + feet)
    for layer in layers:
        layer.place(heads + tallest / 2)
    _draw_connections(axes, layers, data, exact)
    for i, layer in enumerate(layers):
        colour = BLUE if i == 0 else VERMILLION if i == len(layers) - 1 else GREEN
        layer.draw(axes, colour, heads, heads + tallest)
    return figure


class _DrawnLayer:
    """One layer: ``room`` is the width it needs, ``y`` the places of its drawn units."""

    def __init__(self, layer: Layer, exact: bool) -> None:
        self.size, self.units = layer.size, layer.units
        detail = wrapped(layer.detail, 16)
        self.name = wrapped(layer.name, 14)
        self.head = self.name + ("\n" + detail if detail else "")
        self.detail = detail
        self.elided = not exact and self.size > _MOST_SHOWN
        self.foot = "" if exact else f"{self.size} unit" + ("s" if self.size > 1 else "")
        shown = _MOST_SHOWN - 1 if self.elided else self.size
        self.pitch = 0.46 if shown <= 14 else max(0.34, 6.5 / shown)
        if not exact:
            self.pitch = 0.38
        self.slots = shown + (1 if self.elided else 0)
        self.extent = self.slots * self.pitch
        self.width = max([_HEIGHT, *(text_width(u, 9) + 0.16 for u in self.units)])
        self.room = max(self.width, text_width(self.head, 9), text_width(self.foot, 8.5)) + 0.1
        self.x = 0.0
        self.y = np.zeros(0)

    def place(self, middle: float) -> None:
        """Fix the heights of the units around ``middle``; an ellipsis takes the last but one slot."""
        slots = middle + (np.arange(self.slots) - (self.slots - 1) / 2) * self.pitch
        self.y = np.delete(slots, self.slots - 2) if self.elided else slots

    def draw(self, axes: Axes, colour: str, top: float, bottom: float) -> None:
        """The name above, the units, and the size below."""
        lines = self.detail.count("\n") + 1 if self.detail else 0
        axes.text(
            self.x,
            top - 0.06 - 0.16 * lines,
            self.name,
            ha="center",
            va="bottom",
            fontsize=9,
            color=INK,
            linespacing=1.1,
        )
        if lines:
            axes.text(
                self.x,
                top - 0.06,
                self.detail,
                ha="center",
                va="bottom",
                fontsize=8.5,
                color=SOFT,
                linespacing=1.1,
            )
        for i, y in enumerate(self.y):
            _draw_unit(axes, self.x, float(y), self.width, colour, self.units[i] if self.units else "")
        if self.elided:
            axes.text(
                self.x, (self.y[-2] + self.y[-1]) / 2, "⋮", ha="center", va="center", fontsize=12, color=SOFT
            )
        if self.foot:
            axes.text(self.x, bottom + 0.08, self.foot, ha="center", va="top", fontsize=8.5, color=SOFT)


def _draw_unit(axes: Axes, x: float, y: float, width: float, colour: str, label: str) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - _HEIGHT / 2),
            width,
            _HEIGHT,
            boxstyle=f"round,pad=0,rounding_size={_HEIGHT / 2}",
            facecolor=TINT,
            edgecolor=colour,
            linewidth=1.4,
            zorder=3,
        )
    )
    axes.text(x, y, label, ha="center", va="center_baseline", fontsize=9, color=INK, zorder=4)


def _draw_connections(axes: Axes, layers: list[_DrawnLayer], data: NetworkDrawing, exact: bool) -> None:
    gaps = list(pairwise(layers))
    if not exact:
        for a, b in gaps:
            everything = [(i, j) for i in range(len(a.y)) for j in range(len(b.y))]
            _draw_lines(axes, a, b, everything, GRID, 0.8, "-")
        return
    for pairs, colour, width, line in (
        (data.dropped, SOFT, 0.5, (0, (1, 3))),
        (data.edges, INK, 1.1, "-"),
    ):
        for (a, b), between in zip(gaps, pairs or [()] * len(gaps), strict=True):
            _draw_lines(axes, a, b, between, colour, width, line)


def _draw_lines(
    axes: Axes, a: _DrawnLayer, b: _DrawnLayer, pairs: Any, colour: str, width: float, line: Any
) -> None:
    index: NDArray[np.int64] = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    ends = np.array([(a.x + a.width / 2, b.x - b.width / 2)] * len(index)).reshape(-1, 2)
    heights = np.column_stack([a.y[index[:, 0]], b.y[index[:, 1]]])
    segments = list(np.stack([ends, heights], axis=2))
    axes.add_collection(
        LineCollection(segments, colors=colour, linewidths=width, linestyles=[line], zorder=1)
    )
