"""What words BIF is made of, for its reader and its writer."""

from __future__ import annotations

from chainrule.graphs.formats.scanner import QUOTED, pattern

__all__ = ["TOKENS", "WORD"]

WORD = r'(?:[^\s{}()\[\],;|"/]++|/(?![/*]))++'  # a name that needs no quotation marks
TOKENS = pattern(
    rf"(?P<word>{WORD})|(?P<quoted>{QUOTED})|(?P<mark>[{{}}()\[\],;|])",
    skip=r"\s+|//[^\n]*|/\*.*?\*/",
)
