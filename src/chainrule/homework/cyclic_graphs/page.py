"""What the page shows of problem 4: counterexamples, the general argument, and random tables."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from chainrule.core.errors import CycleError
from chainrule.core.figures import Counts, Histogram
from chainrule.core.records import Block, Figure, Formula, Heading, Steps, Table, Text
from chainrule.evaluate.cyclic import Counterexample
from chainrule.evaluate.tables import BinaryTable, joint_table
from chainrule.graphs import DirectedGraph
from chainrule.graphs.notation import latex_name, probability_latex
from chainrule.homework.cyclic_graphs import TEXTS
from chainrule.homework.cyclic_graphs.argument import argument
from chainrule.homework.cyclic_graphs.numbers import ACYCLIC, LARGER, TRIANGLE, RandomCycles
from chainrule.report.graph_drawing import graph_drawing

__all__ = ["argument_part", "counterexample_part", "cycle_part", "other_graphs_part", "random_part"]


def cycle_part() -> list[Block]:
    """The graph, its cycle, and the question."""
    cycle = TRIANGLE.find_cycle() or []
    return [
        Heading("The graph and its cycle"),
        _drawn("p4-triangle", TRIANGLE, "Each node is given the one before it, all the way round."),
        TEXTS.block("find cycle", cycle=cycle, error=CycleError(cycle)),
        TEXTS.block("written down"),
        Formula(r"P(A, B, C) \overset{?}{=} P(A \mid C) \, P(B \mid A) \, P(C \mid B)"),
        TEXTS.block("the question"),
    ]


def counterexample_part(two: Counterexample, zero: Counterexample) -> list[Block]:
    """All states of the triangle, when every node copies and when one negates."""
    return [
        Heading("Two counterexamples in exact fractions"),
        TEXTS.block("copies"),
        _tables("Every node copies.", two),
        _states("All eight states, when every node copies.", two),
        Steps(f"The sum is {two.total}", argument(two)),
        TEXTS.block("negates", cycle=zero.cycle[0], total=zero.total),
        _states(f"All eight states, when {zero.cycle[0]} negates.", zero),
        Steps(f"The sum is {zero.total}", argument(zero)),
    ]


def _tables(caption: str, found: Counterexample) -> Table:
    rows = []
    for node in found.cycle:
        table = found.tables[node]
        for state in (0, 1):
            given = f"${latex_name(table.parents[0])} = {state}$"
            probabilities = [_plain(table.probability(value, (state,))) for value in (0, 1)]
            rows.append([f"${latex_name(node)}$", given, *probabilities])
    return Table(["Node", "Given", "P(0)", "P(1)"], rows, caption)


def _states(caption: str, found: Counterexample) -> Table:
    nodes = found.graph.nodes
    factors = [f"${probability_latex([v], found.tables[v].parents)}$" for v in nodes]
    rows = []
    for state, mass in joint_table(found.graph, found.tables).states():
        value = dict(zip(nodes, state, strict=True))
        rows.append([*state, *(_plain(_factor(found.tables[v], value)) for v in nodes), _plain(mass)])
    caption = f"{caption} The products sum to {found.total}."
    return Table([*(f"${latex_name(v)}$" for v in nodes), *factors, "product"], rows, caption)


def _plain(value: Fraction) -> int | str:
    """A whole number as such, a fraction as text."""
    return int(value) if value.denominator == 1 else str(value)


def _factor(table: BinaryTable, value: dict[str, int]) -> Fraction:
    return table.probability(value[table.node], tuple(value[p] for p in table.parents))


def argument_part(coincidence: Fraction) -> list[Block]:
    """What holds for every cycle, and what is not claimed."""
    return [
        Heading("What holds for every cycle"),
        TEXTS.block("trace"),
        Formula(
            r"\sum_{x_1, \ldots, x_k} \prod_{i} P(x_i \mid x_{i-1}) = \operatorname{tr}(T_1 T_2 \cdots T_k)"
            r" = 1 + \lambda_1 \lambda_2 \cdots \lambda_k"
        ),
        TEXTS.block("eigenvalues"),
        TEXTS.block("any cycle"),
        TEXTS.block("not claimed", coincidence=coincidence),
        TEXTS.block("acyclic"),
    ]


def random_part(random: RandomCycles, acyclic: list[Fraction]) -> list[Block]:
    """Sums of random tables, along an acyclic graph and round the triangle."""
    values = [float(m) for m in random.masses]
    counts, edges = np.histogram(values, bins=np.linspace(0.4, 1.6, 49))
    inside = int(counts.sum())
    n_one = sum(m == 1 for m in acyclic)
    return [
        Heading("Random tables"),
        TEXTS.block(
            "random tables",
            n_acyclic=len(acyclic),
            acyclic=_one_line(ACYCLIC),
            n_acyclic_one=n_one,
            n_masses=len(random.masses),
            n_one=random.n_one,
            least=min(values),
            greatest=max(values),
            std=np.std(values),
            uniform_std=6**-1.5,
            n_equal=random.n_equal,
            n_checked=random.n_checked,
        ),
        TEXTS.figure(
            "p4-random-sums",
            Histogram(
                [Counts("three-cycle", edges, counts)],
                x_label="sum over all states of the product of factors",
                y_label="draws of tables",
                log_y=True,
            ),
            inside=inside,
            n_values=len(values),
        ),
    ]


def other_graphs_part(larger: Counterexample, long: Counterexample) -> list[Block]:
    """A graph with two cycles, and a cycle that nobody can enumerate."""
    return [
        Heading("Any other graph"),
        _drawn(
            "p4-larger",
            LARGER,
            f"A graph with two cycles. The one used, marked, is {' → '.join([*larger.cycle, larger.cycle[0]])}.",
        ),
        Steps(f"The counterexample for this graph sums to {larger.total}", argument(larger)),
        _trouble(LARGER),
        TEXTS.block(
            "long cycle", n_cycle=len(long.cycle), by_trace=long.by_trace, by_elimination=long.by_elimination
        ),
    ]


def _trouble(graph: DirectedGraph) -> Text:
    """Which variables cycles run through, and what is left when each such part counts as one variable."""
    parts = graph.condensation()
    listed = " and ".join(f"{{{', '.join(parts.members[part])}}}" for part in parts.cyclic)
    return TEXTS.block("trouble", parts=listed, n_nodes=len(graph), n_parts=len(parts.dag))


def _drawn(name: str, graph: DirectedGraph, caption: str) -> Figure:
    cycle = graph.find_cycle() or []
    on_cycle = dict.fromkeys(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True), "cycle")
    drawn = graph_drawing(graph, node_marks=dict.fromkeys(cycle, "cycle"), edge_marks=on_cycle)
    return Figure(name, drawn, caption, f"The directed graph {_one_line(graph)}, one cycle marked.")


def _one_line(graph: DirectedGraph) -> str:
    return graph.to_text().replace("\n", "; ")
