"""Names written into a chart: levels at the right edge, places along the top, single points; none overlap."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from numpy.typing import NDArray

from chainrule.core.figures import Level, Place, Point
from chainrule.report.figures.style import INK, SOFT, VERMILLION, halo, text_width, wrapped

__all__ = ["label_horizontals", "label_points", "label_verticals", "spread_apart"]

_Points = NDArray[np.float64]  # (k, 2) in pixels or points
_FONT = 8.5
_DASHED: dict[str, Any] = {"color": SOFT, "linewidth": 1.1, "linestyle": (0, (2, 2))}
_NAME: dict[str, Any] = {
    "textcoords": "offset points",
    "fontsize": _FONT,
    "color": SOFT,
    "annotation_clip": False,
}
_LINE_POINTS = 11.5  # height of one line of a label


def label_horizontals(figure: Figure, axes: Axes, references: Sequence[Level]) -> None:
    """A dashed level for each reference with its name right of the plot; close names are moved apart."""
    notes: list[Annotation] = []
    for reference in sorted(references, key=lambda r: r.y):
        level = reference.y
        axes.axhline(level, **_DASHED)
        name, transform = wrapped(reference.label, 20), axes.get_yaxis_transform()
        place = {"xy": (1.0, level), "xycoords": transform, "xytext": (6, 0), "ha": "left", "va": "center"}
        notes.append(axes.annotate(name, **place, **_NAME))
    heights = [_LINE_POINTS * (1 + note.get_text().count("\n")) for note in notes]
    _move_apart(figure, axes, notes, heights, axis=1)


def label_verticals(figure: Figure, axes: Axes, places: Sequence[Place]) -> None:
    """A dashed upright line for each place with its name above the plot; close names are moved apart."""
    notes: list[Annotation] = []
    for item in sorted(places, key=lambda p: p.x):
        at = item.x
        axes.axvline(at, **_DASHED)
        name, transform = wrapped(item.label, 13), axes.get_xaxis_transform()
        place = {"xy": (at, 1.0), "xycoords": transform, "xytext": (0, 4), "ha": "center", "va": "bottom"}
        notes.append(axes.annotate(name, **place, **_NAME))
    widths = [72 * text_width(note.get_text(), _FONT) + 8 for note in notes]
    _move_apart(figure, axes, notes, widths, axis=0)


def label_points(figure: Figure, axes: Axes, marks: Sequence[Point]) -> None:
    """A ring around each marked point, with its name on the side where it hides the least of the lines."""
    if not marks:
        return
    lines = list(axes.lines)
    ring = {"markersize": 8, "fillstyle": "none", "markeredgewidth": 1.6, "color": VERMILLION}
    for mark in marks:
        axes.plot([mark.x], [mark.y], "o", **ring)
    figure.draw_without_rendering()  # fixes where the lines lie
    courses = [_course(line.get_transform().transform(line.get_xydata())) for line in lines]
    hidden = np.vstack([*courses, np.empty((0, 2))]) * 72 / figure.dpi
    frame = np.array(axes.bbox.get_points()) * 72 / figure.dpi
    for mark in marks:
        name = wrapped(mark.label, 28)
        place = axes.transData.transform((mark.x, mark.y)) * 72 / figure.dpi
        size = np.array([72 * text_width(name, 9), 12.0 * (1 + name.count("\n"))])
        offset, (ha, va) = min(_SIDES, key=partial(_cost, place, size, hidden, frame))
        look = {"textcoords": "offset points", "fontsize": 9, "color": INK, "path_effects": halo()}
        axes.annotate(name, (mark.x, mark.y), xytext=offset, ha=ha, va=va, **look)


_Side = tuple[tuple[float, float], tuple[str, str]]
_SIDES: list[_Side] = [  # where a name may stand: offset in points, alignment; the first of equals is taken
    ((8, 6), ("left", "bottom")),
    ((8, -6), ("left", "top")),
    ((-8, 6), ("right", "bottom")),
    ((-8, -6), ("right", "top")),
    ((0, 9), ("center", "bottom")),
    ((0, -9), ("center", "top")),
]


def _cost(place: _Points, size: _Points, hidden: _Points, frame: _Points, side: _Side) -> float:
    """How much of the lines a name of that ``size`` at that side of ``place`` hides, or how far it sticks out."""
    offset, (ha, va) = side
    part = np.array([{"left": 0.0, "center": 0.5, "right": 1.0}[ha], 0.0 if va == "bottom" else 1.0])
    low = place + offset - size * part
    covered = ((hidden > low) & (hidden < low + size)).all(axis=1).sum()
    return float(covered + 100 * max(0.0, *(frame[0] - low), *(low + size - frame[1])))


def _course(corners: _Points) -> _Points:
    """Points on the polyline through ``corners``, close enough for none to slip through a name."""
    corners = corners[np.isfinite(corners).all(axis=1)]
    steps = [np.linspace(a, b, 2 + int(np.hypot(*(b - a)) / 4)) for a, b in pairwise(corners)]
    return np.vstack([corners, *steps])


def _move_apart(
    figure: Figure, axes: Axes, notes: list[Annotation], sizes: list[float], *, axis: int
) -> None:
    """Shift names (in increasing order along ``axis``) so that none of those ``sizes`` (points) touch."""
    if len(notes) < 2:
        return
    figure.draw_without_rendering()  # fixes where the names stand
    corners = np.array([note.xy for note in notes], dtype=np.float64)
    wanted = axes.transData.transform(corners)[:, axis] * 72 / figure.dpi
    size = np.array(sizes)
    shifts = spread_apart(wanted, (size[1:] + size[:-1]) / 2) - wanted
    for note, shift in zip(notes, shifts, strict=True):
        x, y = note.get_position()
        note.set_position((x + shift, y) if axis == 0 else (x, y + shift))


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
