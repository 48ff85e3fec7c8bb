"""Which format a text is in, by how it opens, and which a file has, by how its name ends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from chainrule.core.errors import ParseError
from chainrule.graphs.formats.scanner import QUOTED, check_text

__all__ = ["SUFFIXES", "Format", "format_of_suffix", "format_of_text", "suffix_of"]

Format = Literal["chainrule", "dagitty", "dot", "edges", "adjacency", "bif", "xmlbif", "net", "uai", "xdsl"]

SUFFIXES: dict[str, Format] = {
    ".bif": "bif",
    ".xml": "xmlbif",
    ".xmlbif": "xmlbif",
    ".bifxml": "xmlbif",
    ".net": "net",
    ".uai": "uai",
    ".xdsl": "xdsl",
    ".dot": "dot",
    ".gv": "dot",
    ".dagitty": "dagitty",
    ".dag": "dagitty",
    ".txt": "chainrule",
    ".csv": "edges",
    ".tsv": "edges",
}
_CERTAIN = (".bif", ".net", ".uai", ".dot", ".gv")  # what a reader goes by; others are told by their text

_OPENING = re.compile(
    rf"""(?:\s+|[#%][^\n]*|//[^\n]*|/\*.*?\*/)*+
        (?:(?:(?P<dot>(?:strict\s+)?(?:di)?graph)|(?P<dagitty>dag|pdag|mag|pag)|(?P<bif>network))
           (?:\s+(?!->|<-)[^\s{{";]+|\s*{QUOTED})?\s*\{{
         |(?P<net>net\s*\{{|(?:(?:discrete|continuous|function)\s+)?(?:node|decision|utility|class)\s+(?!->|<-)[^\s{{]+\s*\{{)
        )""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_UAI = re.compile(r"\s*+(?:BAYES|MARKOV)\s+[0-9]+\s+[0-9]+\s+[0-9]")
_ROOT = re.compile(r"<(?:(?P<xmlbif>BIF)|(?P<xdsl>smile))[\s>]")


def format_of_text(text: str) -> Format:
    """The format that ``text`` is in by how it opens, and our own where it opens in no other way.

    >>> format_of_text("digraph { a -> b }"), format_of_text("a -> b"), format_of_text("BAYES 1 2 1 1 0 2 1 0")
    ('dot', 'chainrule', 'uai')
    """
    if check_text(text).lstrip()[:1] == "<":
        root = _ROOT.search(text)
        if root is None:
            raise ParseError(
                "line 1, column 1: this is XML, but has neither <BIF> (XMLBIF) nor <smile> (XDSL); give one of these"
            )
        return root.lastgroup  # type: ignore[return-value]  # a group for each
    if _UAI.match(text):
        return "uai"
    opening = _OPENING.match(text)
    return (opening and opening.lastgroup) or "chainrule"  # type: ignore[return-value]


def suffix_of(path: str | Path) -> str:
    """How the name of a file ends, in small letters, less ``.gz``.

    >>> suffix_of("asia.BIF.gz")
    '.bif'
    """
    path = Path(path)
    return (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()


def format_of_suffix(path: str | Path) -> Format | None:
    """The format that a file to read has by its name; ``None`` where its text is to tell."""
    suffix = suffix_of(path)
    return SUFFIXES[suffix] if suffix in _CERTAIN else None
