"""``chainrule dag cpdag``, ``extend``, ``distance``: classes of DAGs that rows cannot tell apart."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.arguments import read_any_graph, read_graph
from chainrule.cli.dag import Svg, dag_app, draw
from chainrule.cli.output import AsJson, print_json, print_line

if TYPE_CHECKING:
    from chainrule.graphs import DAG, PDAG

__all__: list[str] = []

_SHAPES = "DAGitty, DOT, BIF, an edge list; .gz too), or its text, such as 'A -> B -- C'."
Graph = Annotated[str, typer.Argument(metavar="FILE", help=f"A DAG or a partially directed graph ({_SHAPES}")]
Mixed = Annotated[str, typer.Argument(metavar="FILE", help=f"A partially directed graph ({_SHAPES}")]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Also write it to a file: .txt, .dagitty, .dot, …; its end tells how."),
]


@dag_app.command("cpdag")
def cpdag(
    graph: Graph,
    members: Annotated[int, typer.Option(help="Also list DAGs of the class, at most so many.")] = 0,
    max_steps: Annotated[int, typer.Option(help="How long to count, where that is hard.")] = 10_000,
    out: Out = None,
    svg: Svg = None,
    as_json: AsJson = False,
) -> None:
    """The class of a DAG as a CPDAG; of a graph with undirected edges, whether it is one, and all that it says.

    A partially directed graph is completed: edges whose direction follows from the others are given it.
    """
    from chainrule.core.checks import check_integer
    from chainrule.graphs import PDAG
    from chainrule.graphs.counts import count_text, shown_exactly

    most = check_integer(members, "--members", least=0)
    given = _dag_or_pdag(graph)
    whole = given.completed() if isinstance(given, PDAG) else given.cpdag()
    n, listed = whole.n_dags(max_steps=max_steps), list(islice(whole.consistent_dags(), most))
    if out is not None:
        whole.write(out)
    if svg is not None:
        draw(whole, svg)
    verdict = given.explain_cpdag() if isinstance(given, PDAG) else None
    if as_json:
        plain = _plain(whole) | {"dags": shown_exactly(n), "members": [_edges(dag.edges) for dag in listed]}
        print_json(plain if verdict is None else plain | {"given": verdict.to_dict()})
        return
    if verdict is not None:
        print_line(f"given: {verdict.text()}")
    print_line(whole.to_text())
    print_line(f"{count_text(n)} DAG{'' if n == 1 else 's'}")
    for dag in listed:
        print_line("; ".join(dag.to_text().splitlines()))


@dag_app.command("extend")
def extend(graph: Mixed, out: Out = None, svg: Svg = None, as_json: AsJson = False) -> None:
    """A DAG that a partially directed graph stands for, or why there is none.

    It has the same pairs joined, all directed edges, and no v-structure besides.
    """
    from chainrule.graphs import PDAG

    dag = read_graph(PDAG, graph).consistent_extension()
    if out is not None:
        dag.write(out)
    if svg is not None:
        draw(dag, svg)
    if as_json:
        print_json({"nodes": list(dag.nodes), "edges": _edges(dag.edges), "latent": list(dag.latent)})
    else:
        print_line(dag.to_text())


@dag_app.command("distance")
def distance(
    found: Annotated[
        str, typer.Argument(metavar="FOUND", help=f"A DAG or a partially directed graph ({_SHAPES}")
    ],
    truth: Annotated[str, typer.Argument(metavar="TRUTH", help="The graph to compare it with, likewise.")],
    as_json: AsJson = False,
) -> None:
    """How far a graph is from another one: structural Hamming and intervention distance, skeleton, v-structures."""
    from chainrule.graphs import compare_graphs

    compared = compare_graphs(_dag_or_pdag(found), _dag_or_pdag(truth))
    if as_json:
        print_json(compared.to_dict())
    else:
        print_line(compared.text())


def _dag_or_pdag(graph: str) -> DAG | PDAG:
    from chainrule.graphs import DAG, PDAG

    found = read_any_graph(graph)
    return found if isinstance(found, PDAG) else read_graph(DAG, graph)


def _plain(graph: PDAG) -> dict[str, Any]:
    return {
        "nodes": list(graph.nodes),
        "directed": _edges(graph.directed),
        "undirected": _edges(graph.undirected),
        "latent": list(graph.latent),
    }


def _edges(edges: tuple[tuple[str, str], ...]) -> list[list[str]]:
    return [list(edge) for edge in edges]
