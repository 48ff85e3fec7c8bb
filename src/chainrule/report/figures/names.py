"""Names that are not ours, as a figure can show them: in one line, short, in signs that our fonts have."""

from __future__ import annotations

from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font

from chainrule.core.text import one_line
from chainrule.report.figures.style import SETTINGS

__all__ = ["short_name"]

_LONGEST, _KEPT = 20, 15


def short_name(name: str, number: int) -> str:
    r"""The column ``name``, or its ``number`` where our fonts lack a sign of it; a long one is cut and has its number.

    >>> [short_name(s, i) for i, s in enumerate(["age", "how much is spent on heating", "年齢", "in $"], 1)]
    ['age', 'how much is spe… (2)', 'column 3', 'in \\$']
    """
    line = one_line(name, most=10**6)
    if not set(line) <= _signs():
        return f"column {number}"
    short = line if len(line) <= _LONGEST else f"{line[:_KEPT]}… ({number})"
    return short.replace("$", r"\$")


@lru_cache(maxsize=1)
def _signs() -> frozenset[str]:
    """All that the fonts of figures can draw."""
    fonts = [get_font(findfont(FontProperties(family=family))) for family in SETTINGS["font.family"]]
    return frozenset(chr(code) for font in fonts for code in font.get_charmap())
