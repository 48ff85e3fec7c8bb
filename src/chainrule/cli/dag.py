"""``chainrule dag``: what a directed graph says, and whether a table agrees."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli.arguments import read_any_graph, read_graph, split_evidence, split_names
from chainrule.cli.converting import convert
from chainrule.cli.output import AsJson, print_json, print_line, print_table, progress
from chainrule.cli.soft_evidence import (
    Jeffrey,
    Likelihood,
    MostProbable,
    Wanted,
    check_kind_of_answer,
    plain_of,
    text_of,
)

if TYPE_CHECKING:
    from chainrule.graphs import PDAG, DirectedGraph, Independence

__all__ = ["Svg", "dag_app", "draw"]

dag_app = typer.Typer(help="Directed graphs: what they imply, why, and whether data agree.")
dag_app.command("convert")(convert)

Graph = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A graph file (DAGitty, DOT, edge list, matrix; BIF, XMLBIF, NET, UAI, XDSL; .gz too), or the graph's "
        "text, such as 'A -> B'.",
    ),
]
_NAMES = "One name or several, with commas; a name with a comma goes in double quotes: '\"a,b\",c'."
Given = Annotated[str, typer.Option(help=f"What is conditioned on. {_NAMES}")]
Kind = Annotated[str, typer.Option(help="missing_edge, ordered, local or all_pairs.")]
Svg = Annotated[Path | None, typer.Option("--svg", metavar="OUT", help="Also draw the graph, as SVG or PNG.")]


@dag_app.command("show")
def show(graph: Graph, svg: Svg = None, as_json: AsJson = False) -> None:
    """What is in a graph, which may have cycles or edges without a direction, 'A -- B'; --svg draws it."""
    from chainrule.graphs import PDAG

    found = read_any_graph(graph)
    if isinstance(found, PDAG):
        _show_partially_directed(found, svg, as_json)
    else:
        _show_directed(found, svg, as_json)


def _show_directed(found: DirectedGraph, svg: Path | None, as_json: bool) -> None:
    parts = found.condensation()
    if svg is not None:
        draw(found, svg, **_cycle_marks(found))
    if as_json:
        print_json(
            {
                "nodes": list(found.nodes),
                "edges": [list(edge) for edge in found.edges],
                "latent": list(found.latent),
                "acyclic": not parts.cyclic,
                "cyclic_parts": [list(parts.members[part]) for part in parts.cyclic],
            }
        )
        return
    print_line(f"{len(found)} nodes, {found.n_edges} edges, {len(found.latent)} latent")
    print_line(found.to_text())
    for part in parts.cyclic:
        print_line(f"on a cycle: {', '.join(parts.members[part])}")
    if not parts.cyclic:
        print_line(f"topological order: {', '.join(parts.dag.topological_order())}")


def _show_partially_directed(found: PDAG, svg: Path | None, as_json: bool) -> None:
    if svg is not None:
        draw(found, svg)
    verdict = found.explain_cpdag()
    if as_json:
        print_json(
            {
                "nodes": list(found.nodes),
                "directed": [list(edge) for edge in found.directed],
                "undirected": [list(edge) for edge in found.undirected],
                "latent": list(found.latent),
                "cpdag": verdict.to_dict(),
            }
        )
        return
    undirected = len(found.undirected)
    print_line(
        f"{len(found)} nodes, {found.n_edges} edges, {undirected} of them undirected, {len(found.latent)} latent"
    )
    print_line(found.to_text())
    print_line(verdict.text())


@dag_app.command("check")
def check(graph: Graph, svg: Svg = None, as_json: AsJson = False) -> None:
    """Whether a graph is acyclic; if not, exit code 1 and why it has no legal joint, by a counterexample."""
    from chainrule.evaluate.cyclic import counterexample
    from chainrule.graphs import DirectedGraph

    found = read_graph(DirectedGraph, graph)
    if svg is not None:
        draw(found, svg, **_cycle_marks(found))
    cycle = found.find_cycle()
    if cycle is None:
        if as_json:
            print_json({"acyclic": True})
        else:
            print_line("acyclic: the product of any conditional tables along it is a distribution")
        return
    against = counterexample(found)
    parts = found.condensation()
    trouble = [list(parts.members[part]) for part in parts.cyclic]
    if as_json:
        print_json(
            {
                "acyclic": False,
                "cycle": cycle,
                "cyclic_parts": trouble,
                "tables": {
                    v: {"parents": list(t.parents), "p_one": [str(p) for p in t.p_one]}
                    for v, t in against.tables.items()
                },
                "total": str(against.total),
            }
        )
    else:
        print_line(against.text())
        for part in trouble:
            print_line(f"variables on cycles: {', '.join(part)}")
    raise typer.Exit(1)


@dag_app.command("independencies")
def independencies(
    graph: Graph,
    kind: Kind = "missing_edge",
    order: Annotated[
        str | None, typer.Option(help="The topological order for --kind ordered, such as A,B,C.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many statements.")] = 1_000_000,
    as_json: AsJson = False,
) -> None:
    """The independencies between observed variables that a DAG implies."""
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    names = split_names(order) if order is not None else None
    statements = dag.implied_independencies(kind, order=names, limit=limit)  # type: ignore[arg-type]  # checked there
    if as_json:
        print_json(sorted(map(_statement, statements), key=_sort_key))
        return
    for s in statements:
        print_line(s.text())
    if len(statements) == limit and kind != "all_pairs":
        print_line(f"… cut off at {limit:,} statements; --limit allows more")
    elif not statements:
        print_line("none: the graph implies no independence between observed variables")


@dag_app.command("separated")
def separated(
    graph: Graph,
    x: Annotated[str, typer.Argument(metavar="X", help=_NAMES)],
    y: Annotated[str, typer.Argument(metavar="Y", help=_NAMES)],
    given: Given = "",
    svg: Svg = None,
    as_json: AsJson = False,
) -> None:
    """Whether X and Y are d-separated, with every path and what opens or blocks it."""
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    found = dag.explain_d_separation(split_names(x), split_names(y), split_names(given))
    if svg is not None:
        draw(dag, svg, **found.marks())
    if as_json:
        print_json(found.to_plain())
    else:
        print_line(found.text())


@dag_app.command("adjustment")
def adjustment(
    graph: Graph,
    cause: Annotated[str, typer.Argument(metavar="CAUSE", help=_NAMES)],
    effect: Annotated[str, typer.Argument(metavar="EFFECT", help=_NAMES)],
    kind: Annotated[str, typer.Option(help="minimal, minimum or all.")] = "minimal",
    included: Annotated[
        str | None,
        typer.Option(help="What every set must hold; default: the nodes that the graph marks [adjusted]."),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many sets.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """The sets that identify the total effect of CAUSE on EFFECT by adjustment.

    Each holds all nodes that the graph marks as adjusted.
    """
    from itertools import islice

    from chainrule.core.checks import check_integer
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    forced = dag.adjusted if included is None else split_names(included)
    sets = dag.adjustment_sets(
        split_names(cause),
        split_names(effect),
        kind=kind,  # type: ignore[arg-type]  # checked there
        included=forced,
    )
    found = list(islice(sets, min(check_integer(limit, "--limit"), sys.maxsize)))
    if as_json:
        print_json([sorted(s) for s in found])
        return
    for s in found:
        print_line("{" + ", ".join(s) + "}" if s else "{} (no adjustment is needed)")
    if len(found) == limit:
        print_line(f"… cut off at {limit:,} sets; --limit allows more")
    elif not found:
        holding = f" that holds {', '.join(forced)}" if forced else ""
        print_line(f"none: no set of observed variables{holding} identifies the effect by adjustment")


@dag_app.command("identify")
def identify(
    graph: Graph,
    treatments: Annotated[str, typer.Argument(metavar="X", help=f"What is set from outside. {_NAMES}")],
    outcomes: Annotated[str, typer.Argument(metavar="Y", help=f"Whose distribution is asked. {_NAMES}")],
    given: Given = "",
    table: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="Also compute it from a table with a column for each variable."),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print the formula as LaTeX.")] = False,
    as_json: AsJson = False,
) -> None:
    """P(Y | do(X), given) as a formula of the observed distribution, as numbers, or why it is not identifiable.

    By a back-door or front-door set where there is one, else by the ID algorithm, which is complete.  Of one cause
    and one effect, the instruments are listed, too.
    """
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    x, y = split_names(treatments), split_names(outcomes)
    effect = dag.identify(x, y, split_names(given))
    if latex and not as_json:
        print_line(effect.latex())
        return
    found = dag.instruments(*x, *y) if len(x) == len(y) == 1 else ()
    if table is not None:
        from chainrule.evaluate.effects import estimate_effect

        with progress():
            estimate = estimate_effect(effect, str(table))
        answer, plain = estimate.text(), estimate.to_dict()
    else:
        answer, plain = effect.text(), effect.to_plain()
    if as_json:
        print_json(plain | {"instruments": [z.to_plain() for z in found]})
        return
    print_line(answer)
    if found:
        print_line(f"instruments: {'; '.join(z.text() for z in found)}")


@dag_app.command("factorize")
def factorize(
    graph: Graph,
    latex: Annotated[bool, typer.Option("--latex", help="Print LaTeX.")] = False,
    as_json: AsJson = False,
) -> None:
    """The factorisation of the joint, and how many parameters the independencies spare.

    Variables count as binary, unless the file has tables (BIF and others), which name their states.  In JSON a number
    of parameters above 2^53 is null; its logarithm says how many.
    """
    from chainrule.graphs import DAG
    from chainrule.graphs.counts import count_text, shown_exactly

    dag = read_graph(DAG, graph)
    product = dag.factorization()
    states = _state_counts(graph, dag)
    sizes: Any = states or 2
    with_graph, without = product.n_parameters(sizes), product.n_parameters_of_full_table(sizes)
    if as_json:
        print_json(
            {
                "text": product.text(),
                "latex": product.latex(),
                "factors": [{"node": v, "parents": list(parents)} for v, parents in product.factors],
                "states": states or dict.fromkeys(dag.nodes, 2),
                "parameters": shown_exactly(with_graph),
                "log10_parameters": _log10(with_graph),
                "parameters_of_full_table": shown_exactly(without),
                "log10_parameters_of_full_table": _log10(without),
            }
        )
    elif latex:
        print_line(product.latex())
    else:
        print_line(product.text())
        kind = "with the states of the file" if states else "of binary variables"
        print_line(
            f"{count_text(with_graph)} free parameters {kind}; a table of all joint states has {count_text(without)}"
        )


@dag_app.command("test")
def run_tests(
    graph: Graph,
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="A table with a column for each variable: CSV, TSV, Parquet."),
    ],
    kind: Kind = "missing_edge",
    statistic: Annotated[str, typer.Option(help="g, chi2 or permutation.")] = "g",
    alpha: Annotated[float, typer.Option(help="How often a true statement may be contradicted.")] = 0.05,
    correction: Annotated[str, typer.Option(help="holm, bh or none.")] = "holm",
    permutations: Annotated[int, typer.Option(help="Shuffles of a permutation test.")] = 999,
    seed: Annotated[int, typer.Option(help="Seed of the shuffles.")] = 0,
    every: Annotated[bool, typer.Option("--all", help="Print each test, not only the summary.")] = False,
    as_json: AsJson = False,
) -> None:
    """Test every implied independence on a table, and name the missing edges that the data blame."""
    from chainrule.core.records import to_plain
    from chainrule.evaluate.independence_tests import check_independencies
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    with progress():
        report = check_independencies(
            dag,
            str(table),
            kind=kind,  # type: ignore[arg-type]  # checked there, as are the others
            statistic=statistic,  # type: ignore[arg-type]
            alpha=alpha,
            correction=None if correction == "none" else correction,  # type: ignore[arg-type]
            n_permutations=permutations,
            rng=seed,
        )
    if as_json:
        from dataclasses import asdict

        print_json(to_plain(asdict(report)) | {"rows_used": report.rows_text()})
        return
    if every:
        for one in report.tests:
            print_line(one.text())
    print_line(report.text())


@dag_app.command("query")
def query(
    network: Annotated[
        Path,
        typer.Argument(metavar="NET", help="A network with tables: BIF, XMLBIF, NET, UAI, XDSL; .gz too."),
    ],
    variables: Annotated[
        str, typer.Argument(metavar="P", help=f"Of what the joint posterior is asked. {_NAMES}")
    ],
    given: Annotated[
        str,
        typer.Option(help="Evidence, such as smoke=yes,xray=no, or '\"a,b\"=yes'."),
    ] = "",
    do: Annotated[str, typer.Option(help="What is set from outside, written as evidence is.")] = "",
    likelihood: Likelihood = "",
    jeffrey: Jeffrey = "",
    mpe: Annotated[
        bool, typer.Option("--mpe", help="Also print the most probable state of all variables.")
    ] = False,
    most_probable: MostProbable = None,
    sensitivity: Annotated[
        str,
        typer.Option(
            metavar="STATES",
            help="How the probability of these states, such as cancer=yes, depends on the entries of the tables.",
        ),
    ] = "",
    wanted: Wanted = None,
    as_json: AsJson = False,
) -> None:
    """The exact posterior of variables of a Bayesian network, given evidence and what is done to it.

    --most-probable K lists states of P together, with --mpe those of all variables.
    """
    from chainrule.tasks.models import network_of
    from chainrule.tasks.questions import parse_numbers

    check_kind_of_answer(most_probable, bool(sensitivity), wanted)
    model = network_of(network).do(split_evidence(do))
    evidence, names = split_evidence(given), split_names(variables)
    soft: dict[str, Any] = {"likelihood": parse_numbers(likelihood), "jeffrey": parse_numbers(jeffrey)}
    answers: list[Any] = [model.query(names, evidence, **soft)]
    plain = answers[0].to_plain()
    if sensitivity:
        answers.append(model.sensitivity(split_evidence(sensitivity), evidence, **soft))
        plain["sensitivity"] = plain_of(answers[-1], wanted)
    if most_probable is not None or mpe:
        if most_probable is None and not any(soft.values()):
            answers.append(model.mpe(evidence))
        else:
            over = None if mpe else names
            answers.append(
                model.most_probable(
                    evidence, k=1 if most_probable is None else most_probable, over=over, **soft
                )
            )
        plain["most_probable"] = answers[-1].to_plain()
    if as_json:
        print_json(plain)
        return
    for answer in answers:
        _print_answer(answer, wanted)


def _print_answer(answer: Any, wanted: float | None) -> None:
    from chainrule.models.bayesian_network.answers import MostProbable
    from chainrule.models.bayesian_network.sensitivity import Sensitivity

    if isinstance(answer, MostProbable):
        print_table(["variable", "most probable state"], [list(item) for item in answer.assignment.items()])
        print_line(f"log-probability {answer.log_prob:.6g} nats" + ("" if answer.unique else ", not unique"))
    else:
        print_line(text_of(answer, wanted if isinstance(answer, Sensitivity) else None))


def _statement(s: Independence) -> dict[str, Any]:
    """A statement as JSON: of a pair as two names in order, of sets as lists."""
    if len(s.x) == len(s.y) == 1:
        x, y = sorted((*s.x, *s.y))
        return {"x": x, "y": y, "given": sorted(s.given)}
    return {"x": sorted(s.x), "y": sorted(s.y), "given": sorted(s.given)}


def _sort_key(s: dict[str, Any]) -> Any:
    sides = [[s[k]] if isinstance(s[k], str) else s[k] for k in ("x", "y")]
    return [*sides, len(s["given"]), s["given"]]


def _state_counts(graph: str, dag: DirectedGraph) -> dict[str, int] | None:
    """The number of states of each node where the graph is a file with tables."""
    from chainrule.graphs.formats.networks import holds_network, read_network

    if not (os.path.exists(graph) and holds_network(graph)):
        return None
    found = read_network(graph)
    return {v: len(found.variables[v]) for v in dag.nodes}


def _log10(n: int) -> float | None:
    return math.log10(n) if n > 0 else None


def _cycle_marks(graph: DirectedGraph) -> dict[str, Any]:
    """What ``layout`` is to mark: the edges of one cycle."""
    cycle = graph.find_cycle() or []
    return {"edge_marks": dict.fromkeys(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True), "cycle")}


def draw(graph: DirectedGraph | PDAG, path: Path, **marks: Any) -> None:
    """Draw a graph to a file, latent nodes told apart."""
    from chainrule.core.records import Figure
    from chainrule.graphs import PDAG
    from chainrule.report.figures import write_drawing
    from chainrule.report.graph_drawing import graph_drawing

    kind = "partially directed" if isinstance(graph, PDAG) else "directed"
    alt = f"A {kind} graph of {len(graph)} nodes and {graph.n_edges} edges."
    write_drawing(Figure("graph", graph_drawing(graph, **marks), "", alt), path)
