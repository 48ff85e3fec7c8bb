"""Names written into a chart: levels at the right edge, places along the top, single points; none overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from numpy.typing import NDArray

from chainrule.report.figures.style import INK, SOFT, VERMILLION, halo, wrapped

__all__ = ["label_horizontals", "label_points", "label_verticals", "spread_apart"]

_LINE_POINTS = 11.5  # height of one line of a label


def label_horizontals(figure: Figure, axes: Axes, references: list[dict[str, Any]]) -> None:
    """A dashed level for each reference with its name right of the plot; close names are moved apart."""
    notes: list[Annotation] = []
    for reference in sorted(references, key=lambda r: float(r["y"])):
        level = float(reference["y"])
        axes.axhline(level, color=SOFT, linewidth=1.1, linestyle=(0, (2, 2)))
        name = wrapped(str(reference["label"]), 20)
        notes.append(
            axes.annotate(
                name,
                (1.0, level),
                xycoords=axes.get_yaxis_transform(),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=SOFT,
                annotation_clip=False,
            )
        )
    if len(notes) > 1:
        _spread(figure, axes, notes)


def _spread(figure: Figure, axes: Axes, notes: list[Annotation]) -> None:
    """Shift the names (sorted upwards) so that no two touch, each as near to its level as that allows."""
    figure.draw_without_rendering()  # fixes where the levels lie
    wanted = np.array([axes.transData.transform((0, note.xy[1]))[1] for note in notes]) * 72 / figure.dpi
    heights = np.array([_LINE_POINTS * (1 + note.get_text().count("\n")) for note in notes])
    gaps = (heights[1:] + heights[:-1]) / 2
    placed = spread_apart(wanted, gaps)
    for note, shift in zip(notes, placed - wanted, strict=True):
        note.set_position((6, shift))


def spread_apart(wanted: NDArray[np.float64], gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places nearest to ``wanted`` (n, increasing) in least squares that keep the ``gaps`` (n - 1).

    Taking the gaps off turns this into isotonic regression, solved by pooling adjacent violators.

    >>> spread_apart(np.array([0.0, 1.0, 9.0]), np.array([3.0, 3.0])).tolist()
    [-1.0, 2.0, 9.0]
    """
    offsets = np.concatenate([[0.0], np.cumsum(gaps)])
    blocks: list[list[float]] = []  # sums and sizes of pooled neighbours
    for value in wanted - offsets:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] >= blocks[-1][0] / blocks[-1][1]:
            total, size = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += size
    return np.concatenate([np.full(int(size), total / size) for total, size in blocks]) + offsets


def label_verticals(axes: Axes, places: list[dict[str, Any]]) -> None:
    """A dashed upright line for each place, with its name along it."""
    for place in places:
        axes.axvline(float(place["x"]), color=SOFT, linewidth=1.1, linestyle=(0, (2, 2)))
        axes.annotate(
            str(place["label"]),
            (float(place["x"]), 0.98),
            xycoords=axes.get_xaxis_transform(),
            xytext=(-3, 0),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
            fontsize=8.5,
            color=SOFT,
            path_effects=halo(),
        )


def label_points(axes: Axes, marks: list[dict[str, Any]]) -> None:
    """A ring around each marked point, with its name on the side where there is room."""
    for mark in marks:
        axes.plot(
            [mark["x"]],
            [mark["y"]],
            "o",
            color=VERMILLION,
            markersize=8,
            fillstyle="none",
            markeredgewidth=1.6,
        )
    for mark in marks:
        across, up = axes.transAxes.inverted().transform(axes.transData.transform((mark["x"], mark["y"])))
        right, above = across < 0.6, up < 0.8
        axes.annotate(
            wrapped(str(mark["label"]), 28),
            (mark["x"], mark["y"]),
            xytext=(8 if right else -8, 7 if above else -7),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom" if above else "top",
            fontsize=9,
            color=INK,
            path_effects=halo(),
        )
