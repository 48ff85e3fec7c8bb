"""One page about one record: a file of its own that opens offline, its figures inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.core.progress import track
from chainrule.core.records import Block, Figure
from chainrule.core.text import literal
from chainrule.report.figures import draw
from chainrule.report.typesetting import check_names, numbered, typeset

__all__ = ["Document", "Section", "how_it_was_made", "html_of"]


@dataclass(frozen=True)
class Section:
    """A part of a page under a title of its own."""

    title: str
    blocks: list[Block]


@dataclass(frozen=True)
class Document:
    """What a page shows: its ``kind`` in a word or two, a plain ``title``, the first words, facts, sections.

    All but the title may use the marks of ``records.Text``.
    """

    kind: str
    title: str
    lede: str
    facts: list[tuple[str, str]]
    sections: list[Section]


def how_it_was_made(command: str | None, versions: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """The facts of a page that say which command wrote it and by which software, where these are known."""
    facts = [("Command", literal(command, 400))] if command else []
    if versions:
        shown = (f"{k} {versions[k]}" for k in ("chainrule", "python", "numpy", "torch") if k in versions)
        facts.append(("Software", ", ".join(shown)))
    return facts


def html_of(document: Document) -> str:
    """The page; raises ``InputError`` where a figure or a formula cannot be drawn.

    >>> html_of(Document("report", "a < b", "", [], [])).count("a &lt; b")
    2
    """
    figures = [b for section in document.sections for b in section.blocks if isinstance(b, Figure)]
    check_names(figures)
    drawings = {figure.name: draw(figure) for figure in track(figures, "drawing figures")}
    sections = [
        {"key": str(i), "title": section.title, "blocks": numbered(section.blocks, str(i))[0]}
        for i, section in enumerate(document.sections, 1)
    ]
    return typeset(
        "document.html",
        kind=document.kind,
        title=document.title,
        lede=document.lede,
        facts=document.facts,
        sections=sections,
        drawings=drawings,
    )
