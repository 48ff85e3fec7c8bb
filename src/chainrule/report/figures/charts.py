"""Figures with axes: bars, lines, scatter, histogram.

Values that an axis cannot show are never dropped in silence: infinities, and zeros on a logarithmic axis,
are marked at the edge that they lie beyond.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from chainrule.core.figures import BarChart, Histogram, Line, LineChart, ScatterPlot
from chainrule.report.figures.labels import label_horizontals, label_points, label_verticals
from chainrule.report.figures.style import INK, SOFT, WIDTH, colour_of, text_width, wrapped
from chainrule.report.numbers import format_value

__all__ = ["draw_bars", "draw_histogram", "draw_lines", "draw_scatter"]

_MARKERS = "osD^vP"


_MOST_LYING_BARS = 30


def draw_bars(data: BarChart) -> Figure:
    """Grouped bars, lying down where the labels are too long to stand under them."""
    labels, series = list(data.x), data.series
    values = [np.array(s.y, np.float64) for s in series]
    n_bars = len(labels) * max(len(series), 1)
    room = 0.8 * WIDTH / max(len(labels), 1)
    stood_up = [wrapped(label, 12) for label in labels]
    too_long = any(text_width(name, 9.5) > room or name.count("\n") > 2 for name in stood_up)
    across = too_long and len(labels) <= _MOST_LYING_BARS
    figure, axes = _axes(max(1.6, 0.7 + 0.26 * n_bars + 0.12 * len(labels)) if across else 3.3)
    positive = [v[(v > 0) & np.isfinite(v)] for v in values]
    log = data.log_y and any(map(len, positive))
    thickness = 0.8 / max(len(series), 1)
    for i, s in enumerate(series):
        at = np.arange(len(labels), dtype=np.float64) + (i - (len(series) - 1) / 2) * thickness
        _bars(
            axes, at, values[i], 0.92 * thickness, i, s.label, across, log, n_bars <= 16 and s.error is None
        )
        if s.error is not None:
            _bar_errors(axes, at, values[i], np.array(s.error, np.float64), across)
    _label_bars(axes, labels, data, across)
    if log:
        name = "x" if across else "y"
        axes.set(**{f"{name}scale": "log"})
        axes.set(**{f"{name}lim": (min(v.min() for v in positive if len(v)) / 3, None)})
    return _finished(figure, axes)


def _label_bars(axes: Axes, labels: list[str], data: BarChart, across: bool) -> None:
    """The names of the groups, of every second or third group where there is no room for all."""
    ticks = np.arange(len(labels))
    if across:
        axes.set(ylim=(len(labels) - 0.4, -0.6), xlabel=data.y_label, ylabel=data.x_label)
        axes.set_yticks(ticks, [wrapped(label, 34) for label in labels])
        axes.margins(x=0.12)
    else:
        widest = max((text_width(wrapped(label, 12), 9.5) for label in labels), default=0.0)
        step = 1 + int((widest + 0.06) * len(labels) / (0.9 * WIDTH))
        axes.set(xlim=(-0.6, len(labels) - 0.4), xlabel=data.x_label, ylabel=data.y_label)
        axes.set_xticks(ticks[::step], [wrapped(label, 12) for label in labels[::step]])
        axes.margins(y=0.12)
    axes.grid(False, axis="y" if across else "x")
    axes.tick_params(axis="y" if across else "x", length=0)


def draw_lines(data: LineChart) -> Figure:
    """Lines, dashed lines and points, with errors as bands or bars, named levels, places and points.

    Each series has the colour of its place, or of the place that it gives as its ``colour``.
    """
    figure, axes = _axes(3.7)
    _set_scales(axes, data)
    for i, s in enumerate(data.series):
        _line(axes, s, i)
    if axes.get_xscale() == "linear" and all(float(x).is_integer() for s in data.series for x in s.x):
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))  # half an epoch is none
    label_horizontals(figure, axes, data.references)
    label_verticals(figure, axes, data.vertical)
    label_points(figure, axes, data.marks)
    axes.set(xlabel=data.x_label, ylabel=data.y_label)
    return _finished(figure, axes)


def draw_scatter(data: ScatterPlot) -> Figure:
    """Points, with the line y = x and bands around it where asked for."""
    figure, axes = _axes(4.4)
    for i, s in enumerate(data.series):
        x, y = np.array(s.x, np.float64), np.array(s.y, np.float64)
        shown = np.isfinite(x) & np.isfinite(y)
        many = shown.sum() > 60
        left_out = len(x) - int(shown.sum())
        label = s.label + (f" ({left_out} infinite, not shown)" if left_out else "")
        axes.plot(
            x[shown],
            y[shown],
            _MARKERS[i % len(_MARKERS)],
            color=colour_of(i),
            markersize=4 if many else 5.5,
            alpha=0.65 if many else 0.9,
            markeredgewidth=0,
            label=label,
        )
    limits, heights = axes.get_xlim(), axes.get_ylim()  # those of the points alone
    if data.diagonal:
        axes.axline((0, 0), slope=1, color=INK, linewidth=1, linestyle=(0, (5, 3)), label="$y = x$")
    reach = np.array(limits)
    for j, band in enumerate(data.bands):
        low, high = band.factor_low * reach, band.factor_high * reach
        axes.fill_between(reach, low, high, color=SOFT, alpha=0.2 / (j + 1), linewidth=0, label=band.label)
    axes.set(xlim=limits, ylim=heights)
    axes.set(xlabel=data.x_label, ylabel=data.y_label)
    return _finished(figure, axes)


def draw_histogram(data: Histogram) -> Figure:
    """Counts between edges as filled steps; several series lie over one another."""
    figure, axes = _axes(3.3)
    log = data.log_y and any(max(s.counts, default=0) > 0 for s in data.series)
    floor = 0.0
    if log:
        axes.set_yscale("log")
        counts = np.concatenate([np.array(s.counts, np.float64) for s in data.series])
        floor = float(counts[counts > 0].min()) / 2
    for i, s in enumerate(data.series):
        edges, counts = np.array(s.edges, np.float64), np.array(s.counts, np.float64)
        if len(counts):
            heights, colour = np.maximum(counts, floor), colour_of(i)
            axes.stairs(heights, edges, baseline=floor, fill=True, color=colour, alpha=0.25)
            axes.stairs(heights, edges, baseline=floor, color=colour, linewidth=1.4, label=s.label)
    top = max((float(np.array(s.counts, np.float64).max(initial=0)) for s in data.series), default=0.0)
    axes.set_ylim(floor, max(top, 2 * floor, 0.5) * (1.6 if log else 1.06))
    axes.set(xlabel=data.x_label, ylabel=data.y_label)
    return _finished(figure, axes)


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _bars(
    axes: Axes,
    at: NDArray[np.float64],
    values: NDArray[np.float64],
    thickness: float,
    index: int,
    label: str,
    across: bool,
    log: bool,
    write: bool,
) -> None:
    shown = np.isfinite(values) & ((values > 0) | (not log))
    draw = axes.barh if across else axes.bar
    draw(at[shown], values[shown], thickness, color=colour_of(index), label=label)
    for place, value, drawn in zip(at, values, shown, strict=True):
        if drawn and not write:
            continue
        _bar_text(axes, place, value if drawn else None, format_value(float(value), 3), across)


def _bar_errors(
    axes: Axes,
    at: NDArray[np.float64],
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    across: bool,
) -> None:
    """A line to both sides of each bar's end, and beyond it the value with its error."""
    shown = np.isfinite(values) & np.isfinite(errors)
    look = {"fmt": "none", "ecolor": INK, "elinewidth": 1.2, "capsize": 3}
    places, ends = (values[shown], at[shown]) if across else (at[shown], values[shown])
    axes.errorbar(places, ends, **{"xerr" if across else "yerr": errors[shown]}, **look)
    for place, value, error in zip(at, values, errors, strict=True):
        text = format_value(float(value), 3) + (f" ± {format_value(float(error), 2)}" if error else "")
        end = value + np.copysign(error, value)
        _bar_text(axes, place, float(end) if np.isfinite(end) else None, text, across)


def _bar_text(axes: Axes, place: float, value: float | None, text: str, across: bool) -> None:
    """The value at its bar's end; where no bar can be drawn (``None``), at the foot of the place."""
    sign = -1 if value is not None and value < 0 else 1
    if across:
        where, offset = (value, place), (3 * sign, 0)
        align = {"ha": "left" if sign > 0 else "right", "va": "center"}
        transform = axes.get_yaxis_transform()
    else:
        where, offset = (place, value), (0, 2 * sign)
        align = {"ha": "center", "va": "bottom" if sign > 0 else "top"}
        transform = axes.get_xaxis_transform()
    if value is None:
        where = (0.0, place) if across else (place, 0.0)
    axes.annotate(
        text,
        where,  # type: ignore[arg-type]  # None was replaced above
        xycoords="data" if value is not None else transform,
        xytext=offset,
        textcoords="offset points",
        fontsize=8.5,
        **align,  # type: ignore[arg-type]
    )


def _set_scales(axes: Axes, data: LineChart) -> None:
    """Logarithmic axes where asked for and where a positive value is there to be shown."""
    for name, log in (("x", data.log_x), ("y", data.log_y)):
        if log and any(0 < v < np.inf for s in data.series for v in getattr(s, name)):
            axes.set(**{f"{name}scale": "log"})


def _line(axes: Axes, series: Line, index: int) -> None:
    x, y = np.array(series.x, np.float64), np.array(series.y, np.float64)
    colour = colour_of(index if series.colour is None else series.colour)
    below_x = np.isneginf(x) | ((x <= 0) & (axes.get_xscale() == "log"))
    below_y = np.isneginf(y) | ((y <= 0) & (axes.get_yscale() == "log"))
    shown = np.isfinite(x) & np.isfinite(y) & ~below_x & ~below_y
    xs, ys = np.where(shown, x, np.nan), np.where(shown, y, np.nan)
    points, dashed = series.style == "points" or len(x) == 1, series.style == "dashed"
    line = {"linestyle": "none"} if points else {"linestyle": (0, (4, 2)) if dashed else "-"}
    marker = {"marker": _MARKERS[index % len(_MARKERS)], "markersize": 5.5} if points else {}
    look = {"color": colour, "label": series.label, **line, **marker}
    ends = _ends(series, y)
    if ends is not None and points:
        axes.errorbar(xs, ys, np.maximum((ys - ends[0], ends[1] - ys), 0), capsize=3, elinewidth=1.2, **look)
    else:
        axes.plot(xs, ys, **look)
    if ends is not None and not points:
        axes.fill_between(xs, *ends, color=colour, alpha=0.18, linewidth=0)
    _beyond(axes, x, y, below_y & np.isfinite(x) & ~below_x, colour, "v", 0.0)
    _beyond(axes, x, y, np.isposinf(y) & np.isfinite(x) & ~below_x, colour, "^", 1.0)


def _ends(series: Line, y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """The lower and upper ends of what is drawn around the values, ``None`` for nothing."""
    if series.error is not None:
        error = np.array(series.error, np.float64)
        return y - error, y + error
    if series.low is not None and series.high is not None:
        return np.array(series.low, np.float64), np.array(series.high, np.float64)
    return None


def _beyond(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    which: NDArray[np.bool_],
    colour: str,
    marker: str,
    edge: float,
) -> None:
    """Triangles at the edge of the plot for values that lie beyond any edge."""
    if which.any():
        axes.plot(
            x[which],
            np.full(int(which.sum()), edge),
            marker,
            color=colour,
            clip_on=False,
            transform=axes.get_xaxis_transform(),
        )


def _finished(figure: Figure, axes: Axes) -> Figure:
    """The chart with tick labels as the page writes numbers, and a legend where there is more than one name."""
    for axis, positions in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if isinstance(axis.get_major_locator(), FixedLocator):
            continue  # categories
        log = axis.get_scale() == "log"
        axis.set_major_formatter(FuncFormatter(_power if log else _plain))
        within_decade = log and max(positions) < 12 * min(positions)
        axis.set_minor_formatter(FuncFormatter(_plain) if within_decade else NullFormatter())
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        entry = max(text_width(label, 9.5) for label in labels) + 0.55
        columns = max(1, min(len(labels), int(WIDTH / entry)))
        figure.legend(handles, labels, loc="outside upper left", ncols=columns, borderaxespad=0.2)
    return figure


def _plain(value: float, _: object = None) -> str:
    return format_value(float(f"{value:.6g}"), 4)


def _power(value: float, _: object = None) -> str:
    return _plain(value) if 1e-3 <= value <= 1e4 else format_value(value, 2).removeprefix("1×")
