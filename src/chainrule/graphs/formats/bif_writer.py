"""Bayesian networks as BIF text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from chainrule.graphs.formats.bif_words import TOKENS, WORD
from chainrule.graphs.formats.description import position_note
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.scanner import Scanner, quoted

__all__ = ["write_bif"]


def write_bif(network: NetworkDescription) -> str:
    """The network as BIF text that ``parse_bif`` reads back, every number bit for bit.

    Raises ``InputError`` where a table does not have the shape that states and parents say.

    >>> from chainrule.graphs.formats.bif import parse_bif
    >>> net = parse_bif("network n {} variable a { type discrete [2] {x, y}; } probability (a) { table .1 .9; }")
    >>> print(write_bif(net), end="")
    network n {
    }
    variable a {
      type discrete [ 2 ] { x, y };
    }
    probability ( a ) {
      table 0.1, 0.9;
    }
    """
    return "\n".join(_lines(network)) + "\n"


def _lines(network: NetworkDescription) -> Iterator[str]:
    yield " ".join(["network", *([_written(network.name)] if network.name else []), "{"])
    yield from _property_lines(network.properties)
    yield "}"
    for v, states in network.variables.items():
        yield f"variable {_written(v)} {{"
        yield f"  type discrete [ {len(states)} ] {{ {', '.join(map(_written, states))} }};"
        yield from _property_lines(network.variable_properties.get(v, ()))
        if v in network.positions:
            yield f"  property {position_note(network.positions[v])} ;"
        yield "}"
    for v, states in network.variables.items():
        parents, table = network.parents[v], network.checked_table(v)
        above = f" | {', '.join(map(_written, parents))}" if parents else ""
        yield f"probability ( {_written(v)}{above} ) {{"
        configurations = product(*(map(_written, network.variables[u]) for u in parents))
        for configuration, row in zip(configurations, table.reshape(-1, len(states)).tolist(), strict=True):
            key = f"({', '.join(configuration)})" if parents else "table"
            yield f"  {key} {', '.join(map(repr, row))};"
        yield "}"


def _property_lines(properties: tuple[str, ...]) -> Iterator[str]:
    return (f"  property {text if _is_plain(text) else quoted(text)} ;" for text in properties)


def _is_plain(text: str) -> bool:
    """Whether a note can stand as it is: words of BIF without a semicolon, and no comment that goes on."""
    scanner = Scanner(text + "\n;", TOKENS)
    while scanner.kind in ("word", "quoted", "mark") and scanner.text != ";":
        scanner.take()
    return scanner.text == ";" and scanner.start == len(text) + 1 and text == text.strip()


def _written(name: str) -> str:
    return name if re.fullmatch(WORD, name) else quoted(name)
