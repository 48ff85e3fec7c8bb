"""What a figure of a record shows, one class for each kind of picture: data only, no drawing.

A wrong name or type fails where the figure is written; ``report.figures`` draws what is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.typed import Matrices, Matrix, Pairs, Typed, Vector

__all__ = [
    "FIGURES",
    "Band",
    "BarChart",
    "BarSeries",
    "Cloud",
    "Counts",
    "FigureData",
    "GraphDrawing",
    "GraphEdge",
    "GraphNode",
    "Heatmap",
    "Histogram",
    "ImageGrid",
    "ImageRow",
    "Layer",
    "Level",
    "Line",
    "LineChart",
    "LineStyle",
    "Mark",
    "NetworkDrawing",
    "Panel",
    "Place",
    "Point",
    "ScatterPlot",
    "read_figure",
]

LineStyle = Literal["line", "dashed", "points"]
Mark = Literal["normal", "highlight", "muted", "open", "blocked", "latent", "given", "cycle"]


class FigureData(Typed):
    """Base of all kinds; ``kind`` is the word for it in a record."""

    kind: ClassVar[str]


# Charts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BarSeries(Typed):
    """One bar for each label of the chart; ``error`` is drawn as a line to both sides of its end."""

    label: str
    y: Vector
    error: Vector | None = None

    def _check(self) -> None:
        _same_errors(self.label, self.y, self.error)


@dataclass(frozen=True)
class BarChart(FigureData):
    """Grouped bars over the labels ``x``.

    >>> BarChart(["a", "b"], [BarSeries("n", [1, 2])], "letter", "how many").series[0].y
    (1, 2)
    """

    kind: ClassVar[str] = "bars"
    x: Sequence[str]
    series: Sequence[BarSeries]
    x_label: str
    y_label: str
    log_y: bool = False

    def _check(self) -> None:
        if any(len(s.y) != len(self.x) for s in self.series):
            raise InputError(f"bars need one value per label; there are {len(self.x)} labels")


@dataclass(frozen=True)
class Line(Typed):
    """A line, a dashed line or points; ``error`` is drawn as a band along a line and as bars on points.

    ``low`` and ``high``, in place of ``error``, are the ends of an interval.  ``colour`` is the number of the series
    whose colour this one shares.
    """

    label: str
    x: Vector
    y: Vector
    style: LineStyle = "line"
    error: Vector | None = None
    colour: int | None = None
    low: Vector | None = None
    high: Vector | None = None

    def _check(self) -> None:
        _same_length(self.label, self.x, self.y)
        for errors in (self.error, self.low, self.high):
            _same_errors(self.label, self.y, errors)
        if (self.low is None) != (self.high is None) or (self.low is not None and self.error is not None):
            raise InputError(f"the series {self.label!r} needs either errors, or low and high ends, both")


@dataclass(frozen=True)
class Level(Typed):
    """A named height across the whole chart."""

    y: float
    label: str


@dataclass(frozen=True)
class Place(Typed):
    """A named place along the x axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Point(Typed):
    """A named point."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class LineChart(FigureData):
    """Lines over numbers, with named levels, places and points."""

    kind: ClassVar[str] = "lines"
    series: Sequence[Line]
    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    references: Sequence[Level] = ()
    vertical: Sequence[Place] = ()
    marks: Sequence[Point] = ()


@dataclass(frozen=True)
class Cloud(Typed):
    """Points of one kind in a scatter plot."""

    label: str
    x: Vector
    y: Vector

    def _check(self) -> None:
        _same_length(self.label, self.x, self.y)


@dataclass(frozen=True)
class Band(Typed):
    """All points between two multiples of x."""

    label: str
    factor_low: float
    factor_high: float


@dataclass(frozen=True)
class ScatterPlot(FigureData):
    """Points, with the line y = x and bands around it where asked for."""

    kind: ClassVar[str] = "scatter"
    series: Sequence[Cloud]
    x_label: str
    y_label: str
    diagonal: bool = False
    bands: Sequence[Band] = ()


@dataclass(frozen=True)
class Counts(Typed):
    """How many values lie between each two of the ``edges``; all finite."""

    label: str
    edges: Vector
    counts: Vector

    def _check(self) -> None:
        n = len(self.counts)
        if len(self.edges) != n + 1:
            raise InputError(f"a histogram of {n} counts needs {n + 1} edges, not {len(self.edges)}")
        if not (np.isfinite(self.edges).all() and np.isfinite(self.counts).all()):
            raise InputError(
                "a histogram needs finite edges and counts; leave infinite values out and say so"
            )


@dataclass(frozen=True)
class Histogram(FigureData):
    """Counts between edges; several series lie over one another."""

    kind: ClassVar[str] = "histogram"
    series: Sequence[Counts]
    x_label: str
    y_label: str
    log_y: bool = False


# Images and matrices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageRow(Typed):
    """Images side by side under one label, each with a title where ``titles`` has any."""

    label: str
    images: Matrices
    titles: Sequence[str] = ()

    def _check(self) -> None:
        if self.titles and len(self.titles) != len(self.images):
            raise InputError(
                f"{len(self.images)} images need as many titles, not {len(self.titles)}; give one per image"
            )
        if any(not len(image) or not len(image[0]) for image in self.images):
            raise InputError("an image is a list of rows of equal length with at least one pixel")


@dataclass(frozen=True)
class ImageGrid(FigureData):
    """Rows of images; a pixel is 0 (paper) to 1 (ink), in ``"binary"`` images one of the two."""

    kind: ClassVar[str] = "images"
    rows: Sequence[ImageRow]
    scale: Literal["binary", "probability"]
    columns: int = 10

    def _check(self) -> None:
        for image in (np.array(image) for row in self.rows for image in row.images):
            if not ((image >= 0) & (image <= 1)).all():
                raise InputError(
                    f"a pixel lies between 0 (paper) and 1 (ink); got {image.min():g} to {image.max():g}"
                )
            if self.scale == "binary" and not np.isin(image, (0, 1)).all():
                raise InputError(
                    "a pixel of a binary image is 0 or 1; give the scale 'probability' for shades"
                )


@dataclass(frozen=True)
class Panel(Typed):
    """One matrix with the names of its rows and columns."""

    title: str
    values: Matrix
    row_labels: Sequence[str] | None = None
    column_labels: Sequence[str] | None = None
    row_axis: str = ""
    column_axis: str = ""

    def _check(self) -> None:
        if not len(self.values) or not len(self.values[0]):
            raise InputError("a heatmap panel is a list of rows of equal length with at least one value")
        sizes = {"row": len(self.values), "column": len(self.values[0])}
        for what, names in (("row", self.row_labels), ("column", self.column_labels)):
            if names is not None and len(names) != sizes[what]:
                raise InputError(
                    f"a panel with {sizes[what]} {what}s needs as many {what} labels, not {len(names)}"
                )


@dataclass(frozen=True)
class Heatmap(FigureData):
    """Matrices side by side; ``annotate`` writes the values into the cells."""

    kind: ClassVar[str] = "heatmap"
    panels: Sequence[Panel]
    annotate: bool = False


# Graphs and networks ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GraphNode(Typed):
    """A node at its place in layout units (one layer or one slot is 1.0, downwards is positive)."""

    id: str
    label: str
    x: float
    y: float
    mark: Mark = "normal"


@dataclass(frozen=True)
class GraphEdge(Typed):
    """An arrow, along ``points`` (k, 2) where they are given; a line without a head where it is not ``directed``."""

    source: str
    target: str
    points: Matrix | None = None
    mark: Mark = "normal"
    directed: bool = True


@dataclass(frozen=True)
class GraphDrawing(FigureData):
    """A directed graph as it is to be drawn: nodes with places, edges with routes, and their marks."""

    kind: ClassVar[str] = "graph"
    nodes: Sequence[GraphNode]
    edges: Sequence[GraphEdge]

    def _check(self) -> None:
        known = {node.id for node in self.nodes}
        if len(known) != len(self.nodes):
            raise InputError("two nodes of a graph figure have the same id; give each its own")
        for name in (name for edge in self.edges for name in (edge.source, edge.target)):
            if name not in known:
                raise InputError(f"an edge ends at {name!r}, which is no node of the figure; add the node")


@dataclass(frozen=True)
class Layer(Typed):
    """A layer of units, named one by one where ``units`` has any."""

    name: str
    size: int
    detail: str = ""
    units: Sequence[str] = ()

    def _check(self) -> None:
        if self.size < 1:
            raise InputError(f"a layer has at least one unit; got {self.size}")
        if self.units and len(self.units) != self.size:
            raise InputError(f"a layer of {self.size} units needs as many labels, not {len(self.units)}")


@dataclass(frozen=True)
class NetworkDrawing(FigureData):
    """Layers from left to right; ``edges`` and ``dropped`` hold, for each gap, pairs (unit below, unit above).

    Without ``edges`` and named units the layers are drawn in outline.
    """

    kind: ClassVar[str] = "network"
    layers: Sequence[Layer]
    edges: Sequence[Pairs] | None = None
    dropped: Sequence[Pairs] | None = None

    def _check(self) -> None:
        if not self.layers:
            raise InputError("a network figure needs at least one layer")
        gaps = len(self.layers) - 1
        for name, lists in (("edges", self.edges), ("dropped", self.dropped)):
            if lists is None:
                continue
            if len(lists) != gaps:
                raise InputError(f"{gaps + 1} layers have {gaps} gaps, but {name} has {len(lists)} lists")
            for below, above, joined in zip(self.layers, self.layers[1:], lists, strict=False):
                if any(not (0 <= i < below.size and 0 <= j < above.size) for i, j in joined):
                    raise InputError(
                        "a connection names a unit that its layer does not have; units count from 0"
                    )


FIGURES: dict[str, type[FigureData]] = {
    cls.kind: cls
    for cls in (
        BarChart, LineChart, ScatterPlot, Histogram, ImageGrid, Heatmap, GraphDrawing, NetworkDrawing,
    )
}  # fmt: skip


def read_figure(kind: str, plain: Mapping[str, Any]) -> FigureData:
    """The data of a figure as a record wrote them; ``UnknownNameError`` for another kind.

    >>> read_figure("graph", {"nodes": [], "edges": []})
    GraphDrawing(nodes=(), edges=())
    """
    if kind not in FIGURES:
        raise UnknownNameError.of("kind of figure", kind, sorted(FIGURES))
    return FIGURES[kind].from_plain(plain)


def _same_length(label: str, x: Vector, y: Vector) -> None:
    if len(x) != len(y):
        raise InputError(f"the series {label!r} has {len(x)} values of x but {len(y)} of y; give pairs")


def _same_errors(label: str, y: Vector, errors: Vector | None) -> None:
    if errors is not None and len(errors) != len(y):
        raise InputError(f"the series {label!r} has {len(y)} values but {len(errors)} errors; give one each")
