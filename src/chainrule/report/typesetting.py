"""Blocks of a record to HTML: what every page shares, from the numbers of its figures to the bars in its tables."""

from __future__ import annotations

import math as math_library
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from chainrule.core.errors import InputError
from chainrule.core.records import Block, Figure, Heading, Table
from chainrule.report.figures.style import PALETTE
from chainrule.report.numbers import format_value, is_number
from chainrule.report.text import inline, math, paragraphs

__all__ = ["check_names", "numbered", "typeset"]


def typeset(template: str, **parts: Any) -> str:
    """The page that ``template`` makes of ``parts``."""
    return _templates.get_template(template).render(palette=PALETTE, **parts)


def numbered(blocks: Sequence[Block], key: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """The blocks of the section ``key`` with their anchors and labels, and the headings (anchor, text).

    Headings get anchors, figures and tables with a caption get numbers.

    >>> items, heads = numbered([Heading("One"), Table(["a"], [[1]], "A table.")], "2")
    >>> heads, items[1]["label"]
    ([('p2-1', 'One')], 'Table 2.1')
    """
    items, heads, seen = [], [], Counter[str]()
    for block in blocks:
        kind = type(block).__name__.lower()
        anchor = label = ""
        if isinstance(block, Heading):
            seen[kind] += 1
            anchor = f"p{key}-{seen[kind]}"
            heads.append((anchor, block.text))
        elif isinstance(block, Figure) or (isinstance(block, Table) and block.caption):
            seen[kind] += 1
            label = f"{kind.capitalize()} {key}.{seen[kind]}"
        items.append({"kind": kind, "block": block, "anchor": anchor, "label": label})
    return items, heads


def check_names(figures: Iterable[Figure]) -> None:
    """Raise ``InputError`` where the name of a figure cannot be that of a file, or two have the same."""
    for name, count in Counter(figure.name for figure in figures).items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise InputError(
                f"a figure is named {name!r}; use letters, digits, '-' and '_', and a letter first"
            )
        if count > 1:
            raise InputError(f"{count} figures are named {name!r}; give each its own name")


def _cell(value: Any) -> Markup:
    if is_number(value) or not isinstance(value, str):
        return Markup("{}").format(format_value(value))
    return inline(_HYPHEN_AS_MINUS.sub("−", value) if _NUMERIC.fullmatch(value) else value)


def _bar(table: Table, place: int, value: Any) -> Markup:
    """The bar beside a number in the column ``place``, nothing where it has none."""
    if place not in table.bars or (number := _finite(value)) is None:
        return Markup()
    drawn = [_finite(row[j]) or 0.0 for row in table.rows for j in table.bars]
    return Markup(
        '<svg class="bar of-{}" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{:.2f}" height="1"/></svg>'
    ).format(table.bars.index(place), 100 * number / (max(drawn) or 1.0))


def _finite(value: Any) -> float | None:
    """The number that a cell is, or that its text is, ``None`` for any other."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math_library.isfinite(number) else None


# What reads as a number though it is a string: "4/45", "-88.3 ± 0.2", "18.7 (2.6)", "12 %".
_NUMERIC = re.compile(r"[−+±~≈<>-]?\s?\d[\d\s.,%()±×⁻⁰¹²³⁴⁵⁶⁷⁸⁹e/+−-]{0,24}")
_HYPHEN_AS_MINUS = re.compile(r"(?<![\w.])-(?=\d)")


def _column_classes(table: Table) -> list[str]:
    """How each column is set: ``number`` (to the right, never broken), ``long`` (broken anywhere), or plain."""
    width = len(table.columns)
    if any(len(row) != width for row in table.rows):
        raise InputError(f"the table {table.columns!r} has rows that do not have {width} cells; fill them up")
    columns = zip(*table.rows, strict=True) if table.rows else [()] * width
    return [_column_class([v for v in column if v not in (None, "")]) for column in columns]


def _column_class(values: list[Any]) -> str:
    written = [format_value(value) for value in values]
    if any(len(word) > 30 for text in written if "$" not in text for word in text.split(" ")):
        return "long"
    numeric = (is_number(v) or bool(_NUMERIC.fullmatch(t)) for v, t in zip(values, written, strict=True))
    return "number" if values and all(numeric) else ""


_templates = Environment(
    loader=PackageLoader("chainrule.report"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
_templates.filters.update(
    inline=inline,
    paragraphs=paragraphs,
    cell=_cell,
    bar=_bar,
    column_classes=_column_classes,
    value=format_value,
)
_templates.globals["math"] = math
