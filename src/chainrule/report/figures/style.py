"""What all figures share: colours for light and dark, fonts, canvases, measuring text, numbers from records.

A figure is drawn once, in the light colours.  Each colour of ``PALETTE`` is used for nothing else, so inside
the page its hexadecimal code is exchanged for a CSS variable, and the drawing follows the reader's theme.
The series colours keep a contrast of at least 3:1 to both backgrounds and stay apart for colour-blind eyes
(after M. Okabe and K. Ito, Color Universal Design, 2002, darkened for white and lightened for black).
"""

from __future__ import annotations

import textwrap
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.textpath import TextToPath

__all__ = [
    "BLUE",
    "GREEN",
    "GRID",
    "INK",
    "PALETTE",
    "PAPER",
    "PURPLE",
    "SERIES",
    "SETTINGS",
    "SOFT",
    "TINT",
    "VERMILLION",
    "WIDTH",
    "Shade",
    "blank_canvas",
    "colour_of",
    "halo",
    "text_width",
    "wrapped",
]


class Shade(NamedTuple):
    """One colour in both themes, as hexadecimal codes."""

    light: str
    dark: str


PALETTE = {
    "paper": Shade("#fffffe", "#14171b"),
    "ink": Shade("#1d2229", "#e7e9ec"),
    "soft": Shade("#57606b", "#a6aeb8"),
    "grid": Shade("#dde1e6", "#343b44"),
    "tint": Shade("#eef1f5", "#20262d"),
    "blue": Shade("#0069a8", "#5db5ee"),
    "vermillion": Shade("#c44e00", "#f5894c"),
    "green": Shade("#00785a", "#3dc79e"),
    "purple": Shade("#9b4a86", "#df98c7"),
    "ochre": Shade("#856400", "#e0bb3c"),
    "slate": Shade("#4a5560", "#aeb7c1"),
}
PAPER, INK, SOFT, GRID, TINT = (PALETTE[k].light for k in ("paper", "ink", "soft", "grid", "tint"))
BLUE, VERMILLION, GREEN, PURPLE = (PALETTE[k].light for k in ("blue", "vermillion", "green", "purple"))
SERIES = [PALETTE[k].light for k in ("blue", "vermillion", "green", "purple", "ochre", "slate")]

WIDTH = 7.0
"""Inches of a figure that fills the text column."""

SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans", "STIXGeneral"],  # both come with matplotlib: the same everywhere
    "font.size": 9.5,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.use_mathtext": True,
    "axes.formatter.limits": (-4, 6),
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "image.composite_image": False,  # else small images are blurred into one
    "svg.fonttype": "path",
    "svg.hashsalt": "chainrule",
}


def blank_canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure whose data units are inches from the upper left corner, without axes."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure, axes


def colour_of(index: int) -> str:
    """The colour of the series with that index; colours come round again after six."""
    return SERIES[index % len(SERIES)]


def halo() -> list[withStroke]:
    """A rim of paper around text, so that it stays readable on top of lines."""
    return [withStroke(linewidth=2.5, foreground=PAPER)]


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """The width of the widest line of ``text`` in inches at ``size`` points."""
    font = FontProperties(family=SETTINGS["font.family"], size=size)
    lines = text.split("\n") or [""]
    widths = [_measure.get_text_width_height_descent(s, font, is_math_text(s))[0] for s in lines if s]
    return max(widths, default=0.0) / 72


_measure = TextToPath()


def wrapped(text: str, width: int) -> str:
    """``text`` broken into lines of about ``width`` characters, never within a word or a formula."""
    if is_math_text(text):
        return text
    return "\n".join(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)) or text
