"""Bayesian networks as BIF text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from chainrule.core.errors import InputError
from chainrule.graphs.formats.bif_network import WORD, BIFNetwork
from chainrule.graphs.formats.scanner import quoted

__all__ = ["write_bif"]


def write_bif(network: BIFNetwork) -> str:
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


def _lines(network: BIFNetwork) -> Iterator[str]:
    yield " ".join(["network", *([_written(network.name)] if network.name else []), "{"])
    yield from _property_lines(network.properties)
    yield "}"
    for v, states in network.variables.items():
        yield f"variable {_written(v)} {{"
        yield f"  type discrete [ {len(states)} ] {{ {', '.join(map(_written, states))} }};"
        yield from _property_lines(network.variable_properties.get(v, ()))
        yield "}"
    for v, states in network.variables.items():
        parents, table = network.parents[v], network.tables[v]
        sizes = tuple(len(network.variables[u]) for u in (*parents, v))
        if table.shape != sizes:
            raise InputError(f"the table of {v!r} must have the shape {sizes}; got {table.shape}")
        above = f" | {', '.join(map(_written, parents))}" if parents else ""
        yield f"probability ( {_written(v)}{above} ) {{"
        configurations = product(*(map(_written, network.variables[u]) for u in parents))
        for configuration, row in zip(configurations, table.reshape(-1, len(states)).tolist(), strict=True):
            key = f"({', '.join(configuration)})" if parents else "table"
            yield f"  {key} {', '.join(map(repr, row))};"
        yield "}"


def _property_lines(properties: tuple[str, ...]) -> Iterator[str]:
    return (f"  property {text} ;" for text in properties)


def _written(name: str) -> str:
    return name if re.fullmatch(WORD, name) else quoted(name)
