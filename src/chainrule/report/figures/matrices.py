"""Matrices as tinted cells: blue above zero, vermillion below, as strong as the value is large.

The cells let the page shine through, so that they follow the reader's theme; only matrices of thousands of
cells become an image on white paper.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from chainrule.core.figures import Heatmap, Panel
from chainrule.report.figures.style import (
    BLUE,
    GRID,
    INK,
    PAPER,
    SOFT,
    VERMILLION,
    WIDTH,
    blank_canvas,
    text_width,
    wrapped,
)
from chainrule.report.numbers import format_value

__all__ = ["draw_heatmap"]

_FONT = 8.5
_SPACE = 0.28  # between panels, inches
_MOST_VECTOR_CELLS = 2500


def draw_heatmap(data: Heatmap) -> Figure:
    """Matrices side by side, with row and column names.

    Written-out values have one scale of strength per panel; without them all panels share a scale, which
    is drawn below unless every value is 0 or 1.
    """
    annotate = data.annotate
    panels = [_DrawnPanel(panel, annotate) for panel in data.panels]
    values = np.concatenate([[0.0], *(p.finite for p in panels)])
    if not annotate:
        for panel in panels:
            panel.reach = float(np.abs(values).max()) or 1.0
    lines = _lines_of(panels)
    with_scale = not annotate and not np.isin(values, (0, 1)).all()
    width = max([2.0, *(sum(p.width + _SPACE for p in line) - _SPACE for line in lines)])
    height = sum(max(p.height for p in line) + 0.15 for line in lines)
    figure, axes = blank_canvas(width, max(height + 0.45 * with_scale, 0.5))
    top = 0.0
    for line in lines:
        left = 0.0
        for panel in line:
            panel.draw(axes, left, top)
            left += panel.width + _SPACE
        top += max(p.height for p in line) + 0.15
    if with_scale:
        _draw_scale(axes, top, panels[0].reach, negative=bool((values < 0).any()))
    return figure


def _lines_of(panels: list[_DrawnPanel]) -> list[list[_DrawnPanel]]:
    """The panels broken into lines as wide as the column; in a line all matrices start at one height."""
    lines: list[list[_DrawnPanel]] = []
    room = 0.0
    for panel in panels:
        if not lines or panel.width > room:
            lines.append([])
            room = WIDTH + 0.2
        lines[-1].append(panel)
        room -= panel.width + _SPACE
    for line in lines:
        start = max(panel.start for panel in line)
        for panel in line:
            panel.start = start
    return lines


class _DrawnPanel:
    """One matrix with its names.

    ``indent`` and ``start`` are the distances of the matrix from the panel's left and upper edge in
    inches, ``cell`` is the size of a cell, ``reach`` the value drawn at full strength.
    """

    def __init__(self, panel: Panel, annotate: bool) -> None:
        self.values = np.array(panel.values, np.float64)
        self.finite = self.values[np.isfinite(self.values)]
        self.reach = float(np.abs(self.finite).max(initial=0.0)) or 1.0
        n, m = self.values.shape
        self.title = wrapped(panel.title, 34)
        self.rows, self.columns = panel.row_labels or (), panel.column_labels or ()
        self.row_axis, self.column_axis = panel.row_axis, panel.column_axis
        self.texts = [[format_value(_whole(v), 3) for v in row] for row in self.values] if annotate else []
        self.cell = _cell_size(n, m, bool(self.rows), bool(self.columns), self.texts)
        self.turned = _widest(self.columns) > self.cell[0] - 0.04
        self.indent = 0.04 + bool(self.rows) * (_widest(self.rows) + 0.08) + 0.2 * bool(self.row_axis)
        self.heads = bool(self.columns) * (0.08 + (_widest(self.columns) if self.turned else 0.14))
        self.start = 0.1 + (0.18 * (self.title.count("\n") + 1) if self.title else 0.0)
        self.start += self.heads + 0.2 * bool(self.column_axis)
        self.width = max(self.indent + m * self.cell[0], text_width(self.title, 9.5)) + 0.04

    @property
    def height(self) -> float:
        return self.start + len(self.values) * self.cell[1] + 0.04

    def draw(self, axes: Axes, left: float, top: float) -> None:
        """Draw with the upper left corner of the panel at (``left``, ``top``)."""
        n, m = self.values.shape
        x, y = left + self.indent, top + self.start
        width, height = m * self.cell[0], n * self.cell[1]
        axes.text(left + 0.02, top + 0.05, self.title, va="top", fontsize=9.5)
        if self.values.size <= _MOST_VECTOR_CELLS:
            _draw_cells(axes, self.values / self.reach, x, y, self.cell)
        else:
            shown = np.clip(self.values / self.reach, -1, 1)
            extent = (x, x + width, y + height, y)
            look = {"cmap": _ON_PAPER, "vmin": -1, "vmax": 1, "interpolation": "none", "aspect": "auto"}
            axes.imshow(shown, extent=extent, **look)
        axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=SOFT, linewidth=0.8))
        self._draw_names(axes, x, y)
        middle = {"ha": "center", "fontsize": _FONT, "color": SOFT}
        axes.text(x + width / 2, y - self.heads - 0.08, self.column_axis, va="bottom", **middle)
        upright = {"rotation": 90, "rotation_mode": "anchor", "va": "top"}
        axes.text(left + 0.04, y + height / 2, self.row_axis, **middle, **upright)

    def _draw_names(self, axes: Axes, x: float, y: float) -> None:
        width, height = self.cell
        turn = 90 if self.turned else 0
        for i, name in enumerate(self.rows):
            axes.text(x - 0.07, y + (i + 0.5) * height, name, ha="right", va="center", fontsize=_FONT)
        for j, name in enumerate(self.columns):
            place = x + (j + 0.5) * width
            axes.text(place, y - 0.06, name, ha="center", va="bottom", fontsize=_FONT, rotation=turn)
        for i, row in enumerate(self.texts):
            for j, text in enumerate(row):
                value = self.values[i, j]
                colour = PAPER if abs(value) / self.reach > 0.6 else INK if value else SOFT
                place = (x + (j + 0.5) * width, y + (i + 0.5) * height)
                axes.text(*place, text, ha="center", va="center_baseline", fontsize=_FONT, color=colour)


def _cell_size(n: int, m: int, rows: bool, columns: bool, texts: list[list[str]]) -> tuple[float, float]:
    """Width and height of a cell: square, but stretched where one side would vanish or text needs room."""
    if texts:
        return max(0.28, max(_widest(row) for row in texts) + 0.12), 0.28
    width = max(min(0.28, 3.3 / m), 0.17 if columns else 0.0)
    height = max(min(0.28, 3.3 / n), 0.17 if rows else 0.0)
    if max(width / height, height / width) < 6:
        width = height = max(min(width, height), 0.17 if rows or columns else 0.0)
    return width, height


def _widest(names: Sequence[str]) -> float:
    return max((text_width(name, _FONT) for name in names), default=0.0)


def _whole(value: float) -> float | int:
    return int(value) if np.isfinite(value) and value == int(value) else float(value)


def _draw_cells(
    axes: Axes, strengths: NDArray[np.float64], x: float, y: float, cell: tuple[float, float]
) -> None:
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * cell
    places = [(j, i) for i, j in np.ndindex(strengths.shape)]
    corners = [square + np.array([x + j * cell[0], y + i * cell[1]]) for j, i in places]
    inks = [to_rgba(BLUE if s > 0 else VERMILLION, min(abs(s), 1.0)) for s in strengths.ravel().tolist()]
    axes.add_collection(PolyCollection(corners, facecolors=inks, edgecolors=GRID, linewidths=0.5))


_ON_PAPER = LinearSegmentedColormap.from_list("on_paper", [VERMILLION, "#ffffff", BLUE])


def _draw_scale(axes: Axes, top: float, reach: float, *, negative: bool) -> None:
    """A strip from the least to the greatest strength with the values of its ends."""
    steps = np.linspace(-1, 1, 21)[None, :] if negative else np.linspace(0, 1, 11)[None, :]
    low = format_value(-reach if negative else 0.0, 3)
    x, y, length = 0.12 + text_width(low, _FONT), top + 0.12, 0.09 * steps.shape[1]
    _draw_cells(axes, steps, x, y, (0.09, 0.13))
    middle = {"va": "center", "fontsize": _FONT, "color": SOFT}
    axes.text(x - 0.06, y + 0.065, low, ha="right", **middle)
    axes.text(x + length + 0.06, y + 0.065, format_value(reach, 3), **middle)
