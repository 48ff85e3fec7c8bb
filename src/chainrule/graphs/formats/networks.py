"""Bayesian networks with their tables as text, one file per format; here the one that fits is chosen.

bif      BIF 0.15                 .bif
xmlbif   XMLBIF 0.3               .xml, .xmlbif, .bifxml
net      NET of Hugin             .net
uai      UAI competitions         .uai       has no names
xdsl     GeNIe and SMILE          .xdsl
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ParseError, TooLargeError, UnknownNameError
from chainrule.core.files import as_path
from chainrule.core.progress import note
from chainrule.graphs.formats.bif import parse_bif
from chainrule.graphs.formats.bif_writer import write_bif
from chainrule.graphs.formats.files import read_text, write_packed
from chainrule.graphs.formats.hugin_net import check_net_names, parse_net, write_net
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.recognition import SUFFIXES, format_of_suffix, format_of_text, suffix_of
from chainrule.graphs.formats.uai import has_plain_names, parse_uai, write_uai
from chainrule.graphs.formats.xdsl import check_xdsl_names, parse_xdsl, write_xdsl
from chainrule.graphs.formats.xmlbif import check_xmlbif_names, parse_xmlbif, write_xmlbif

__all__ = [
    "NETWORK_READERS",
    "NETWORK_SUFFIXES",
    "NetworkFormat",
    "check_names",
    "holds_network",
    "network_text",
    "parse_network",
    "read_network",
    "write_network",
]

NetworkFormat = Literal["bif", "xmlbif", "net", "uai", "xdsl"]

NETWORK_READERS: dict[str, Callable[[str], NetworkDescription]] = {
    "bif": parse_bif,
    "xmlbif": parse_xmlbif,
    "net": parse_net,
    "uai": parse_uai,
    "xdsl": parse_xdsl,
}
_WRITERS: dict[str, Callable[[NetworkDescription], str]] = {
    "bif": write_bif,
    "xmlbif": write_xmlbif,
    "net": write_net,
    "uai": write_uai,
    "xdsl": write_xdsl,
}
_NAME_CHECKS: dict[str, Callable[[Mapping[str, Sequence[str]]], None]] = {
    "xmlbif": check_xmlbif_names,
    "net": check_net_names,
    "xdsl": check_xdsl_names,
}
NETWORK_SUFFIXES = tuple(suffix for suffix, format in SUFFIXES.items() if format in NETWORK_READERS)


def parse_network(text: str, format: NetworkFormat | None = None) -> NetworkDescription:
    """The network that ``text`` describes; without ``format``, how it opens tells which it is.

    Raises ``ParseError`` for text without tables, and as the format's own reader.

    >>> parse_network("BAYES 1 2 1 1 0 2 .5 .5") == parse_network("BAYES 1 2 1 1 0 2 .5 .5", "uai")
    True
    """
    if format is None:
        found = format_of_text(text)
        if found not in NETWORK_READERS:
            raise ParseError(
                "line 1, column 1: expected a network with tables (BIF, XMLBIF, NET, UAI or XDSL), got text that opens "
                "as none of these; give such a file, or its format"
            )
        return NETWORK_READERS[found](text)
    return NETWORK_READERS[check_choice(format, "format", get_args(NetworkFormat))](text)


def read_network(path: str | Path, format: NetworkFormat | None = None) -> NetworkDescription:
    """The network in a file, plain or gzip, as ``parse_network``; without ``format``, suffix or text tells which it is.

    Raises ``DataError`` for a file that cannot be read as text, and errors in the text with the path before.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "coin.bif"
    >>> _ = path.write_text("network c {} variable x { type discrete [2] {h, t}; } probability (x) { table .5 .5; }")
    >>> read_network(path).variables
    {'x': ('h', 't')}
    """
    text = read_text(path)
    try:
        by_name = format_of_suffix(path)
        if format is None and by_name in NETWORK_READERS:
            return NETWORK_READERS[by_name](text)
        return parse_network(text, format)
    except (ParseError, UnknownNameError, TooLargeError) as e:
        raise type(e)(f"{path}: {e}") from e


def holds_network(path: str | Path) -> bool:
    """Whether a file, which must exist, is of a format that has tables, by its suffix or its text."""
    if suffix_of(path) in NETWORK_SUFFIXES:
        return True
    if suffix_of(path) in SUFFIXES:
        return False
    try:
        return format_of_text(read_text(path)) in NETWORK_READERS
    except ParseError:
        return False


def network_text(network: NetworkDescription, format: NetworkFormat = "bif") -> str:
    """The network as text that ``parse_network`` reads back, each number bit for bit.

    Raises ``InputError`` for names that the format cannot hold.
    """
    return _WRITERS[check_choice(format, "format", get_args(NetworkFormat))](network)


def check_names(variables: Mapping[str, Sequence[str]], path: str | Path) -> None:
    """Whether a file of that name can hold these variables and their states: asked before work that would be lost.

    >>> check_names({"dog-out": ["no", "yes"]}, "net.net")
    Traceback (most recent call last):
    chainrule.core.errors.InputError: NET cannot hold the variable 'dog-out': a name has letters a to z, digits and _ \
and begins with no digit; rename it, or write BIF or XMLBIF
    """
    check = _NAME_CHECKS.get(_format_to_write(path))
    if check is not None:
        check(variables)


def write_network(network: NetworkDescription, path: str | Path, format: NetworkFormat | None = None) -> None:
    """Write the network to a file, whole or not at all; the suffix tells the format, ``.gz`` compresses.

    UAI has no names: that they are left out is noted.
    """
    format = _format_to_write(path) if format is None else format
    write_packed(path, network_text(network, format))
    if format == "uai" and not has_plain_names(network):
        note(
            f"UAI has no names: the {len(network.variables)} variables are x1, x2, … in their order, states 0, 1, …"
        )


def _format_to_write(path: str | Path) -> NetworkFormat:
    path = as_path(path)
    if (suffix := suffix_of(path)) not in NETWORK_SUFFIXES:
        raise InputError(
            f"the suffix of {path} does not tell a format of networks; use one of {', '.join(NETWORK_SUFFIXES)} "
            "or pass format"
        )
    return SUFFIXES[suffix]  # type: ignore[return-value]  # of a network, as was checked
