"""Graphs as text, one file per format; here the one that fits is chosen."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ParseError, TooLargeError, UnknownNameError
from chainrule.core.files import write_bytes
from chainrule.graphs.content import Content
from chainrule.graphs.formats.bif import parse_bif_graph
from chainrule.graphs.formats.dagitty import parse_dagitty, write_dagitty
from chainrule.graphs.formats.description import Description
from chainrule.graphs.formats.dot import parse_dot, write_dot
from chainrule.graphs.formats.files import check_path, read_text
from chainrule.graphs.formats.plain import parse_plain, write_plain
from chainrule.graphs.formats.rows import (
    parse_adjacency,
    parse_edges,
    parse_rows,
    write_adjacency,
    write_edges,
)
from chainrule.graphs.formats.scanner import check_text

__all__ = ["Description", "Format", "described", "described_file", "write_file", "written"]

Format = Literal["chainrule", "dagitty", "dot", "bif", "edges", "adjacency"]

_READERS: dict[str, Callable[[str], Description]] = {
    "chainrule": parse_plain,
    "dagitty": parse_dagitty,
    "dot": parse_dot,
    "bif": parse_bif_graph,
    "edges": parse_edges,
    "adjacency": parse_adjacency,
}
_WRITERS: dict[str, Callable[[Content], str]] = {
    "chainrule": write_plain,
    "dagitty": write_dagitty,
    "dot": write_dot,
    "edges": write_edges,
    "adjacency": write_adjacency,
}
_OPENING = re.compile(
    r"""(?:\s+|\#[^\n]*|//[^\n]*|/\*.*?\*/)*+
        (?:(?P<dot>(?:strict\s+)?(?:di)?graph)|(?P<dagitty>dag|pdag|mag|pag)|(?P<bif>network))
        (?:\s+(?!->|<-)[^\s{";]+|\s*"(?:[^"\\]|\\.)*+")?\s*\{""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_SUFFIXES: dict[str, Format] = {
    ".bif": "bif",
    ".dot": "dot",
    ".gv": "dot",
    ".dagitty": "dagitty",
    ".dag": "dagitty",
    ".txt": "chainrule",
    ".csv": "edges",
    ".tsv": "edges",
}


def described(text: str, format: Format | None = None) -> Description:
    """What the text says; without ``format``, how it opens tells which it is.

    >>> described("digraph { a -> b }").edges == described("a -> b").edges
    True
    """
    if format is None:
        opening = _OPENING.match(check_text(text))
        return _READERS[(opening and opening.lastgroup) or "chainrule"](text)
    return _READERS[check_choice(format, "format", _READERS)](text)


def described_file(path: str | Path, format: Format | None = None) -> Description:
    """What a file says; without ``format``, a suffix ``.csv``, ``.tsv``, ``.bif``, ``.dot`` or ``.gv`` decides.

    Raises ``DataError`` for a file that cannot be read as text, and errors in the text with the path before.
    """
    text = read_text(path)
    suffix = _suffix(path)
    try:
        if format is None and suffix in (".csv", ".tsv"):
            return parse_rows(text)
        if format is None and suffix in (".bif", ".dot", ".gv"):
            format = _SUFFIXES[suffix]
        return described(text, format)
    except (ParseError, UnknownNameError, TooLargeError) as e:
        raise type(e)(f"{path}: {e}") from e


def written(graph: Content, format: Format = "chainrule") -> str:
    """The graph as text; ``InputError`` for BIF, which needs tables, and where the format has no room for it."""
    if isinstance(format, str) and format == "bif":
        raise InputError("BIF holds a network with its tables; fit one and write that, or choose 'dagitty'")
    return _WRITERS[check_choice(format, "format", _WRITERS)](graph)


def write_file(graph: Content, path: str | Path, format: Format | None = None) -> None:
    """Write the graph to a file, whole or not at all; the suffix tells the format, ``.gz`` compresses."""
    check_path(path)
    if format is None:
        if (suffix := _suffix(path)) not in _SUFFIXES:
            raise InputError(
                f"the suffix of {path} does not tell the format; use one of {', '.join(_SUFFIXES)} or pass format"
            )
        format = _SUFFIXES[suffix]
    if _suffix(path) == ".tsv" and isinstance(format, str) and format in ("edges", "adjacency"):
        text = (write_edges if format == "edges" else write_adjacency)(graph, "\t")
    else:
        text = written(graph, format)
    if "\0" in text:
        raise InputError("a node name has a null character, which a text file cannot hold; rename the node")
    try:
        content = (text if text.endswith("\n") else text + "\n").encode()
    except UnicodeEncodeError as e:
        raise InputError(f"{text[e.start]!r} in a node name is not Unicode text; rename the node") from e
    write_bytes(path, gzip.compress(content, mtime=0) if str(path).lower().endswith(".gz") else content)


def _suffix(path: str | Path) -> str:
    path = Path(path)
    return (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()
