"""Rows of small images: black ink on white paper in both themes, every pixel crisp."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from chainrule.core.figures import ImageGrid, ImageRow
from chainrule.report.figures.style import (
    INK,
    SOFT,
    WIDTH,
    blank_canvas,
    text_width,
    wrapped,
)

__all__ = ["draw_images"]

_FRAME = "#8b939c"  # the same in both themes, like the paper it surrounds
_GAP = 0.08


def draw_images(data: ImageGrid) -> Figure:
    """Rows of images, each row under its label, each image under its title."""
    rows = [_DrawnRow(row, data.columns) for row in data.rows]
    figure, axes = blank_canvas(
        max([2.0, *(row.width for row in rows)]), max(0.4, sum(row.height for row in rows) - 0.14)
    )
    top = 0.0
    for row in rows:
        row.draw(axes, top)
        top += row.height
    return figure


class _DrawnRow:
    """One labelled row, which wraps where it is longer than the column."""

    def __init__(self, row: ImageRow, columns: int) -> None:
        self.label, self.titles = row.label, row.titles
        self.images = [np.array(image, np.float64) for image in row.images]
        n = len(self.images)
        self.columns = min(columns, max(n, 1))
        roomy = 2.2 if n == 1 else 1.05
        self.size = min(roomy, (WIDTH - 0.04 - (self.columns - 1) * _GAP) / self.columns)
        self.tallest = max((_height(image, self.size) for image in self.images), default=0.0)
        lines = max((t.count("\n") + 1 for t in map(self._title, self.titles)), default=0)
        self.title_height = 0.15 * lines + (0.04 if lines else 0.0)
        self.label_height = 0.26 if self.label else 0.02
        self.lines = -(-n // self.columns)
        self.height = self.label_height + self.lines * (self.tallest + self.title_height + _GAP) + 0.12
        across = self.columns * (self.size + _GAP) - _GAP + 0.04
        widest = max((text_width(self._title(t), 8) for t in self.titles), default=0.0)
        self.width = max(across, text_width(self.label, 9.5) + 0.05, widest + 0.05)

    def draw(self, axes: Axes, top: float) -> None:
        """Draw with the upper edge at ``top``."""
        axes.text(0.02, top + 0.04, self.label, va="top", fontsize=9.5, color=INK)
        for i, image in enumerate(self.images):
            line, column = divmod(i, self.columns)
            left = 0.02 + column * (self.size + _GAP)
            upper = top + self.label_height + line * (self.tallest + self.title_height + _GAP)
            if self.titles:
                middle, foot = left + self.size / 2, upper + self.title_height - 0.03
                axes.text(
                    middle,
                    foot,
                    self._title(self.titles[i]),
                    ha="center",
                    va="bottom",
                    fontsize=8,
                    color=SOFT,
                )
            _draw_image(axes, image, left, upper + self.title_height, self.size)

    def _title(self, title: str) -> str:
        return wrapped(title, max(6, int(self.size / 0.068)))


def _height(image: NDArray[np.float64], width: float) -> float:
    """Pixels are square, except in images so flat or so tall that they could not be seen."""
    return width * min(max(image.shape[0] / image.shape[1], 0.1), 3.0)


def _draw_image(axes: Axes, image: NDArray[np.float64], left: float, top: float, width: float) -> None:
    height = _height(image, width)
    extent = (left, left + width, top + height, top)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="none", extent=extent, aspect="auto")
    axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor=_FRAME, linewidth=0.6))
    if max(image.shape) <= 8:  # few enough pixels to see each as a square
        for i in range(1, image.shape[1]):
            x = left + width * i / image.shape[1]
            axes.plot([x, x], [top, top + height], color=_FRAME, linewidth=0.3)
        for i in range(1, image.shape[0]):
            y = top + height * i / image.shape[0]
            axes.plot([left, left + width], [y, y], color=_FRAME, linewidth=0.3)
