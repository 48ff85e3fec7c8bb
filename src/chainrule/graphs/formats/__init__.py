"""Graphs as text, one file per format; here the one that fits is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ParseError, TooLargeError, UnknownNameError
from chainrule.core.files import as_path
from chainrule.graphs.content import Content
from chainrule.graphs.formats.dagitty import parse_dagitty, write_dagitty
from chainrule.graphs.formats.description import Description
from chainrule.graphs.formats.dot import parse_dot, write_dot
from chainrule.graphs.formats.files import read_text, write_packed
from chainrule.graphs.formats.networks import NETWORK_READERS
from chainrule.graphs.formats.plain import parse_plain, write_plain
from chainrule.graphs.formats.recognition import (
    SUFFIXES,
    Format,
    format_of_suffix,
    format_of_text,
    suffix_of,
)
from chainrule.graphs.formats.rows import (
    parse_adjacency,
    parse_edges,
    parse_rows,
    write_adjacency,
    write_edges,
)

__all__ = ["Description", "Format", "described", "described_file", "write_file", "written"]

_READERS: dict[str, Callable[[str], Description]] = {
    "chainrule": parse_plain,
    "dagitty": parse_dagitty,
    "dot": parse_dot,
    "edges": parse_edges,
    "adjacency": parse_adjacency,
}
_MIXED_READERS: dict[str, Callable[..., Description]] = {  # of formats that have undirected edges
    "chainrule": parse_plain,
    "dagitty": parse_dagitty,
    "dot": parse_dot,
}
_WRITERS: dict[str, Callable[[Content], str]] = {
    "chainrule": write_plain,
    "dagitty": write_dagitty,
    "dot": write_dot,
    "edges": write_edges,
    "adjacency": write_adjacency,
}


def described(text: str, format: Format | None = None, *, undirected: bool = False) -> Description:
    """What the text says; without ``format``, how it opens tells which it is.  ``undirected`` edges may be refused.

    >>> described("digraph { a -> b }").edges == described("a -> b").edges
    True
    """
    if format is None:
        format = format_of_text(text)
    check_choice(format, "format", [*_READERS, *NETWORK_READERS])
    if undirected and format in _MIXED_READERS:
        return _MIXED_READERS[format](text, undirected=True)
    return _READERS[format](text) if format in _READERS else NETWORK_READERS[format](text).graph()


def described_file(
    path: str | Path, format: Format | None = None, *, undirected: bool = False
) -> Description:
    """What a file says; without ``format``, some suffixes (``.csv``, ``.bif``, ``.dot`` …) decide, else how it opens.

    Raises ``DataError`` for a file that cannot be read as text, and errors in the text with the path before.
    """
    text = read_text(path)
    try:
        if format is None and suffix_of(path) in (".csv", ".tsv"):
            return parse_rows(text)
        format = format_of_suffix(path) if format is None else format
        return described(text, format, undirected=undirected)
    except (ParseError, UnknownNameError, TooLargeError) as e:
        raise type(e)(f"{path}: {e}") from e


def written(graph: Content, format: Format = "chainrule") -> str:
    """The graph as text; ``InputError`` for formats that need tables, and where the format has no room for it."""
    if isinstance(format, str) and format in NETWORK_READERS:
        raise InputError(
            f"{format.upper()} holds a network with its tables; fit a BayesianNetwork and write that, or choose "
            "'dagitty'"
        )
    return _WRITERS[check_choice(format, "format", _WRITERS)](graph)


def write_file(graph: Content, path: str | Path, format: Format | None = None) -> None:
    """Write the graph to a file, whole or not at all; the suffix tells the format, ``.gz`` compresses."""
    path = as_path(path)
    if format is None:
        if (suffix := suffix_of(path)) not in SUFFIXES:
            raise InputError(
                f"the suffix of {path} does not tell the format; use one of {', '.join(SUFFIXES)} or pass format"
            )
        format = SUFFIXES[suffix]
    if suffix_of(path) == ".tsv" and isinstance(format, str) and format in ("edges", "adjacency"):
        text = (write_edges if format == "edges" else write_adjacency)(graph, "\t")
    else:
        text = written(graph, format)
    write_packed(path, text)
