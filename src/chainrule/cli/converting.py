"""``chainrule dag convert``: a graph or a network from one file format into another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.output import AsJson, print_json, print_line, progress
from chainrule.core.errors import InputError

__all__ = ["convert"]

_FORMATS = "bif, xmlbif, net, uai, xdsl, dagitty, dot, edges, adjacency or chainrule"


def convert(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A file of a graph or a network; .gz too.")],
    out: Annotated[
        Path, typer.Argument(metavar="TO", help="The file to write; how its name ends is the format.")
    ],
    read_as: Annotated[
        str | None, typer.Option("--from", help=f"The format, where file and name do not tell: {_FORMATS}.")
    ] = None,
    write_as: Annotated[
        str | None, typer.Option("--to", help="The format, where the name does not tell.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a graph, or a network with its tables, in another format; every number stays as it is.

    A network becomes a graph where the new format has no tables; a graph has none to become a network.
    """
    from chainrule.graphs.formats.networks import (
        NETWORK_READERS,
        NETWORK_SUFFIXES,
        holds_network,
        read_network,
        write_network,
    )
    from chainrule.graphs.formats.recognition import suffix_of

    has_tables = read_as in NETWORK_READERS or (
        read_as is None and os.path.isfile(source) and holds_network(source)
    )
    wants_tables = write_as in NETWORK_READERS or (write_as is None and suffix_of(out) in NETWORK_SUFFIXES)
    if wants_tables and has_tables:
        network = read_network(source, read_as)  # type: ignore[arg-type]  # a word is checked there, as are the others
        with progress():
            write_network(network, out, write_as)  # type: ignore[arg-type]
        found = {"nodes": len(network.variables), "edges": len(network.edges), "tables": True}
    elif wants_tables and os.path.isfile(source):
        raise InputError(
            f"{source} is a graph without tables, which {out.name} needs; fit its tables to rows, as with "
            "BayesianNetwork(dag).fit(rows).write(…), or write .dot, .dag, .txt or .csv"
        )
    else:
        found = _convert_graph(source, out, read_as, write_as)
    if as_json:
        print_json({"out": str(out), **found})
        return
    what = "a network with its tables" if found["tables"] else "a graph"
    lost = "; the tables are left out" if has_tables and not found["tables"] else ""
    print_line(f"{out}: {what}, {found['nodes']} nodes, {found['edges']} edges{lost}")


def _convert_graph(source: Path, out: Path, read_as: Any, write_as: Any) -> dict[str, Any]:
    from chainrule.graphs import DirectedGraph

    graph = DirectedGraph.read(source, read_as)
    graph.write(out, write_as)
    return {"nodes": len(graph), "edges": graph.n_edges, "tables": False}
