"""Figures of a record, drawn as SVG and PNG: one module per family of kinds, and which function draws which kind.

Each drawing function takes the data of one kind (``core.figures``) and gives a matplotlib figure; pyplot is never
used, and matplotlib's settings are changed only while a figure is drawn.
"""

# ruff: noqa: E402
# matplotlib is imported with care before anything here does

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.report.figures.library import import_matplotlib

import_matplotlib()
import matplotlib.figure
import matplotlib.style
from markupsafe import Markup, escape

from chainrule.core import records
from chainrule.core.errors import InputError
from chainrule.core.figures import (
    BarChart,
    FigureData,
    GraphDrawing,
    Heatmap,
    Histogram,
    ImageGrid,
    LineChart,
    NetworkDrawing,
    ScatterPlot,
)
from chainrule.core.files import as_path, write_bytes
from chainrule.core.text import as_written
from chainrule.report.figures.charts import draw_bars, draw_histogram, draw_lines, draw_scatter
from chainrule.report.figures.graphs import draw_graph
from chainrule.report.figures.images import draw_images
from chainrule.report.figures.matrices import draw_heatmap
from chainrule.report.figures.networks import draw_network
from chainrule.report.figures.style import PALETTE, SETTINGS

__all__ = ["Drawing", "draw", "write_drawing"]

_DRAWN_BY: dict[type[FigureData], Callable[[Any], matplotlib.figure.Figure]] = {
    BarChart: draw_bars,
    LineChart: draw_lines,
    ScatterPlot: draw_scatter,
    Histogram: draw_histogram,
    ImageGrid: draw_images,
    Heatmap: draw_heatmap,
    GraphDrawing: draw_graph,
    NetworkDrawing: draw_network,
}
_PNG_DPI = 150
_MOST_PIXELS = 40_000_000  # of a PNG; a canvas takes four bytes for each, and the SVG stays sharp at any size
_LONGEST_SIDE = 65_000  # pixels; matplotlib draws none longer than 2**16
_LEAST_DPI = 60  # below it labels cannot be read


@dataclass(frozen=True)
class Drawing:
    """A drawn figure: the files ``svg`` and ``png`` on white, ``inline`` for the page, ``width`` in CSS pixels.

    The PNG has 150 ``dots_per_inch``, or fewer where that would take more than 40 million pixels.
    """

    svg: str
    png: bytes
    inline: Markup
    width: int
    dots_per_inch: float


def draw(figure: records.Figure) -> Drawing:
    """Draw a record's figure; the same record gives the same bytes.

    Raises ``InputError`` where a label holds a formula that cannot be set.

    >>> from chainrule.core.figures import BarSeries
    >>> bars = BarChart(["a", "b"], [BarSeries("n", [1, 2])], x_label="", y_label="n")
    >>> draw(records.Figure("counts", bars, "Counts.", "Two bars.")).svg[:5]
    '<?xml'
    """
    svg, png = io.StringIO(), io.BytesIO()
    with matplotlib.style.context(SETTINGS, after_reset=True):
        try:
            drawn = _DRAWN_BY[type(figure.data)](figure.data)
            dpi = _dots_per_inch(drawn)
            # no dates, no versions: the bytes depend on the record alone
            drawn.savefig(png, format="png", dpi=dpi, metadata={"Software": None})
            drawn.set_layout_engine("none")  # laid out once; the second file keeps it
            drawn.savefig(svg, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
        except ValueError as e:  # from matplotlib's reader of formulas
            reason = str(e).strip().splitlines()[-1]
            raise InputError(f"figure {figure.name!r} ({figure.kind}) cannot be drawn: {reason}") from e
    width = round(drawn.get_figwidth() * 96)
    return Drawing(svg.getvalue(), png.getvalue(), _inline(svg.getvalue(), figure, width), width, dpi)


def _dots_per_inch(drawn: matplotlib.figure.Figure) -> float:
    """150, or as many as a canvas of bounded memory allows: a large graph can be metres wide."""
    width, height = drawn.get_size_inches()
    return min(_PNG_DPI, (_MOST_PIXELS / (width * height)) ** 0.5, _LONGEST_SIDE / max(width, height))


def write_drawing(figure: records.Figure, path: str | Path) -> None:
    """Draw a record's figure to a file that ends in .svg or .png, whole or not at all.

    Raises as ``draw``, and ``InputError`` for another suffix, or where a PNG would be too coarse to read.

    >>> import tempfile
    >>> from chainrule.core.figures import BarSeries
    >>> bars = BarChart(["a"], [BarSeries("n", [1])], x_label="", y_label="n")
    >>> path = Path(tempfile.mkdtemp()) / "counts.svg"
    >>> write_drawing(records.Figure("counts", bars, "Counts.", "A bar."), path)
    >>> path.read_text()[:5]
    '<?xml'
    """
    suffix = as_path(path).suffix.lower()
    if suffix not in (".svg", ".png"):
        raise InputError(
            f"a drawing is written to a file that ends in .svg or .png; got {as_written(str(path))}"
        )
    drawn = draw(figure)
    if suffix == ".png" and drawn.dots_per_inch < _LEAST_DPI:
        raise InputError(
            f"the drawing is {drawn.width / 96:,.0f} inches wide, too large for a PNG that can be read; write .svg"
        )
    write_bytes(path, drawn.png if suffix == ".png" else drawn.svg.encode())


def _inline(svg: str, figure: records.Figure, width: int) -> Markup:
    """The drawing as an element of the page: own ids, theme colours, a role and a text alternative."""
    body = svg[svg.index("<svg") :]
    for noise in (
        r"<metadata>.*?</metadata>",
        r"<style.*?</style>",
        r"<!--.*?-->",
        r"\s*xmlns(:xlink)?=\"[^\"]*\"",
    ):
        body = re.sub(noise, "", body, flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=")
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', body))
    names = {name for pair in used for name in pair if name}
    body = re.sub(r'\s+id="([^"]*)"', lambda m: f' id="{figure.name}-{m[1]}"' if m[1] in names else "", body)
    body = re.sub(r'href="#', f'href="#{figure.name}-', body)
    body = re.sub(r"url\(#", f"url(#{figure.name}-", body)
    body = re.sub(r"#[0-9a-f]{6}\b", lambda m: _VARIABLES.get(m[0], m[0]), body)
    body = re.sub(r">\s+<", "><", body)
    view = re.search(r'viewBox="[^"]*"', body)
    assert view is not None
    opening = f'<svg {view[0]} width="{width}" role="img" aria-label="{escape(figure.alt)}">'
    return Markup(re.sub(r"^<svg[^>]*>", lambda _: opening, body))


_VARIABLES = {shade.light: f"var(--{name})" for name, shade in PALETTE.items()}
