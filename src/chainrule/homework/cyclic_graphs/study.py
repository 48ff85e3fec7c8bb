"""Problem 4: directed cycles.  Why the product of conditionals along one need not be a distribution."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from chainrule.core.errors import CycleError
from chainrule.core.records import Block, Claim, Figure, Formula, Heading, Steps, StudyRecord, Table, Text
from chainrule.evaluate.cyclic import Counterexample, counterexample, cycle_mass, dependence
from chainrule.evaluate.tables import BinaryTable, joint_table, random_tables, total_mass
from chainrule.graphs import DAG, DirectedGraph
from chainrule.graphs.notation import latex_name, probability_latex
from chainrule.homework.context import StudyContext
from chainrule.report.layout import layout

__all__ = ["study"]

TRIANGLE = DirectedGraph.parse("A -> B -> C -> A")
LARGER = DirectedGraph.parse("S -> A -> B -> C -> D -> B; C -> E -> F -> E; D -> G; F -> G; S -> G")
LONG = DirectedGraph([(f"v{i}", f"v{(i + 1) % 1000}") for i in range(1000)])
ACYCLIC = DAG.parse("A -> B -> C; A -> C -> D; B -> D -> E")
_DRAWS = {"quick": 2_000, "full": 20_000}
_N_ACYCLIC = 100


@dataclass(frozen=True)
class _RandomCycles:
    """Random tables on the triangle: their sums, and how they compare with the closed form.

    ``n_equal`` of the first ``n_checked`` sums were found equal, as fractions, by elimination.
    """

    masses: list[Fraction]
    n_checked: int
    n_equal: int

    @property
    def n_one(self) -> int:
        """How many sums are exactly one."""
        return sum(m == 1 for m in self.masses)


def study(context: StudyContext) -> StudyRecord:
    """Find the cycle, build counterexamples, give the general argument, and draw random tables."""
    two, zero = counterexample(TRIANGLE, 2), counterexample(TRIANGLE, 0)
    larger, long = counterexample(LARGER), counterexample(LONG)
    random = _random_cycles(context)
    acyclic = _acyclic_masses(context.seed)
    coincidence = _coincidence()
    blocks = [
        *_the_cycle(),
        *_counterexamples(two, zero),
        *_general_argument(coincidence),
        *_random_tables(random, acyclic),
        *_other_graphs(larger, long),
    ]
    numbers = {
        "triangle_sum_when_all_copy": int(two.total),
        "triangle_sum_when_one_negates": int(zero.total),
        "larger_graph_sum": int(larger.total),
        "thousand_node_cycle_sum": int(long.total),
        "n_random_cycles": len(random.masses),
        "n_random_cycles_that_sum_to_one": random.n_one,
        "n_random_cycles_checked_exactly": random.n_checked,
        "n_random_cycles_equal_to_closed_form": random.n_equal,
        "least_random_cycle_sum": float(min(random.masses)),
        "greatest_random_cycle_sum": float(max(random.masses)),
        "standard_deviation_of_random_cycle_sums": float(np.std([float(m) for m in random.masses])),
        "n_random_acyclic": len(acyclic),
        "n_random_acyclic_that_sum_to_one": sum(m == 1 for m in acyclic),
        "three_state_two_cycle_sum": int(coincidence),
    }
    return StudyRecord(
        problem="4",
        title="Joint probability of cyclic graphs",
        asks="Why does a directed graph with a cycle not give a legal joint distribution? Show it by a "
        "counterexample, and say exactly what it proves.",
        blocks=blocks,
        numbers=numbers,
        claims=_claims(two, random, acyclic, coincidence),
    )


# --- what is computed


def _random_cycles(context: StudyContext) -> _RandomCycles:
    """Sums of random tables on the triangle by the closed form, the first 200 also by elimination."""
    rng = np.random.default_rng([context.seed, 4, 1])
    masses, n_equal, n_checked = [], 0, 200
    for i in range(_DRAWS[context.preset]):
        tables = random_tables(TRIANGLE, rng, denominator=10_007)
        masses.append(1 + prod((dependence(t) for t in tables.values()), start=Fraction(1)))
        if i < n_checked:
            n_equal += total_mass(TRIANGLE, tables) == masses[-1]
    return _RandomCycles(masses, n_checked, n_equal)


def _acyclic_masses(seed: int) -> list[Fraction]:
    """Exact sums of random tables along an acyclic graph."""
    rng = np.random.default_rng([seed, 4, 2])
    return [total_mass(ACYCLIC, random_tables(ACYCLIC, rng)) for _ in range(_N_ACYCLIC)]


def _coincidence() -> Fraction:
    """The sum on a cycle of two nodes with three states: one copies, the other swaps two of the states."""
    copy = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    swap = [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    return cycle_mass([copy, swap])


# --- the parts of the page


def _the_cycle() -> list[Block]:
    cycle = TRIANGLE.find_cycle() or []
    return [
        Heading("The graph and its cycle"),
        _drawn("p4-triangle", TRIANGLE, "Each node is given the one before it, all the way round."),
        Text(
            f"`find_cycle` returns `{cycle}`, in time linear in the graph. Where an acyclic graph is needed, the "
            f"cycle is named: `CycleError: {CycleError(cycle)}`."
        ),
        Text("Without noticing the cycle, one would write down the factorisation"),
        Formula(r"P(A, B, C) \overset{?}{=} P(A \mid C) \, P(B \mid A) \, P(C \mid B)"),
        Text(
            "For this to be a distribution it must be non-negative, which it is, and sum to one, which is the "
            "question. There is no topological order, so it is not an instance of the chain rule."
        ),
    ]


def _counterexamples(two: Counterexample, zero: Counterexample) -> list[Block]:
    return [
        Heading("Two counterexamples in exact fractions"),
        Text(
            "Let every node copy the node before it. Each table is a proper conditional distribution: for either "
            "state of the parent, its two entries sum to one."
        ),
        _tables("Every node copies.", two),
        _states("All eight states, when every node copies.", two),
        Steps(f"The sum is {two.total}", two.steps()),
        Text(
            f"If `{zero.cycle[0]}` negates and the others copy, no state is consistent with all three tables, and "
            f"the sum is {zero.total}."
        ),
        _states(f"All eight states, when {zero.cycle[0]} negates.", zero),
        Steps(f"The sum is {zero.total}", zero.steps()),
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


def _general_argument(coincidence: Fraction) -> list[Block]:
    return [
        Heading("What holds for every cycle"),
        Text(
            "Write the table of node $i$ as a matrix $T_i$ with a row for each state of the node before it. "
            "Summing the product of factors over all states goes once round the cycle, which is a trace:"
        ),
        Formula(
            r"\sum_{x_1, \ldots, x_k} \prod_{i} P(x_i \mid x_{i-1}) = \operatorname{tr}(T_1 T_2 \cdots T_k)"
            r" = 1 + \lambda_1 \lambda_2 \cdots \lambda_k"
        ),
        Text(
            "The rows of each $T_i$ sum to one, so the vector of ones is an eigenvector of every $T_i$, and of their "
            "product, with eigenvalue one. Modulo that vector a binary $T_i$ multiplies by a number, its other "
            "eigenvalue $\\lambda_i = P(1 \\mid 1) - P(1 \\mid 0)$, so the other eigenvalue of the product is "
            "the product of the $\\lambda_i$. "
            "Hence the sum lies between 0 and 2, it is 2 only when nodes copy or an even number of them negates, and "
            "it is 1 **exactly when some $\\lambda_i$ is zero**: when some node ignores its parent. Then that edge "
            "carries nothing, and the graph in use is acyclic."
        ),
        Text(
            "**For any graph with a cycle:** let the nodes of one cycle copy, and let every other node be a fair "
            "coin that ignores its parents. The coins sum out to one, and the sum is 2. So for every directed "
            "cyclic graph there are tables that give no distribution."
        ),
        Text(
            "**What is not claimed:** that no tables work. On any cyclic graph, independent coins give a proper "
            "distribution. With three or more states even a cycle in which every node listens can sum to one by "
            f"coincidence: copying and swapping two of three states gives a trace of {coincidence}. A sum of one on a "
            "cycle has to be earned table by table; on an acyclic graph it comes for free."
        ),
        Text(
            "**Acyclic graphs:** in a topological order the last node appears in no other factor's condition, so "
            "summing over it replaces its factor by one. Repeat until nothing is left but one."
        ),
    ]


def _random_tables(random: _RandomCycles, acyclic: list[Fraction]) -> list[Block]:
    values = [float(m) for m in random.masses]
    counts, edges = np.histogram(values, bins=np.linspace(0.4, 1.6, 49))
    inside = int(counts.sum())
    n_one = sum(m == 1 for m in acyclic)
    return [
        Heading("Random tables"),
        Text(
            f"Of {len(acyclic)} draws of random tables along the acyclic graph `{_one_line(ACYCLIC)}`, {n_one} sum "
            f"to exactly one. Of {len(random.masses):,} draws on the three-cycle (fractions over 10,007), "
            f"{random.n_one} do (it takes two equal entries in one table); the sums run "
            f"from {min(values):.3f} to {max(values):.3f} with standard deviation {np.std(values):.3f} (uniform "
            f"tables would give $6^{{-3/2}} = {6**-1.5:.3f}$, the variance of a difference of two uniforms being "
            f"1/6). The closed form agrees, as a fraction, with elimination in {random.n_equal} of "
            f"{random.n_checked} draws that were computed both ways."
        ),
        Figure(
            "p4-random-sums",
            "histogram",
            {
                "series": [{"label": "three-cycle", "edges": edges.tolist(), "counts": counts.tolist()}],
                "x_label": "sum over all states of the product of factors",
                "y_label": "draws of tables",
                "log_y": True,
            },
            f"Sums of random tables on the three-cycle; {inside:,} of {len(values):,} lie in the range shown. A "
            "distribution would need a sum of exactly 1.",
            "A peak around one that falls off to both sides.",
        ),
    ]


def _other_graphs(larger: Counterexample, long: Counterexample) -> list[Block]:
    return [
        Heading("Any other graph"),
        _drawn(
            "p4-larger",
            LARGER,
            f"A graph with two cycles. The one used, marked, is {' → '.join([*larger.cycle, larger.cycle[0]])}.",
        ),
        Steps(f"The counterexample for this graph sums to {larger.total}", larger.steps()),
        Text(_trouble(LARGER)),
        Text(
            f"A cycle of {len(long.cycle):,} nodes has $2^{{{len(long.cycle)}}}$ states, which nobody can list. The "
            f"trace gives {long.by_trace} and elimination of one variable after the other gives "
            f"{long.by_elimination}, both exact."
        ),
    ]


def _trouble(graph: DirectedGraph) -> str:
    """Which variables cycles run through, and what is left when each such part counts as one variable."""
    parts = graph.condensation()
    listed = [f"{{{', '.join(parts.members[part])}}}" for part in parts.cyclic]
    return (
        f"The variables that are the trouble are the strongly connected parts {' and '.join(listed)}: cycles run "
        f"through these and no others. With each of them as one variable, the graph of {len(graph)} nodes is a "
        f"DAG of {len(parts.dag)}, along which the product of any conditional tables is a distribution."
    )


def _drawn(name: str, graph: DirectedGraph, caption: str) -> Figure:
    cycle = graph.find_cycle() or []
    on_cycle = dict.fromkeys(zip(cycle, [*cycle[1:], *cycle[:1]], strict=True), "cycle")
    drawn = layout(graph, node_marks=dict.fromkeys(cycle, "cycle"), edge_marks=on_cycle)
    return Figure(name, "graph", drawn, caption, f"The directed graph {_one_line(graph)}, one cycle marked.")


def _one_line(graph: DirectedGraph) -> str:
    return graph.to_text().replace("\n", "; ")


def _claims(
    two: Counterexample, random: _RandomCycles, acyclic: list[Fraction], coincidence: Fraction
) -> list[Claim]:
    states = joint_table(two.graph, two.tables).states()
    n_zero = sum(mass == 0 for _, mass in states)
    n_one = sum(mass == 1 for _, mass in states)
    n_acyclic = sum(m == 1 for m in acyclic)
    return [
        Claim(
            "4.counterexample",
            "The joint probability along the three-cycle is zero for six of the states and one for the two in which "
            "all variables agree, so it sums to two.",
            "holds in part",
            f"True when every node copies the one before it: {n_zero} states have product 0 and {n_one} have product "
            f"1, sum {two.total}, by listing all states, by elimination and as a trace. The homework does not name "
            "these tables, and without them the graph alone gives no such values.",
        ),
        Claim(
            "4.two-restrictions",
            "A joint distribution must have non-negative probabilities and sum to one.",
            "holds in part",
            "Both conditions are right, but the first is written as the probability that the variables are "
            "non-negative, instead of as the probability of each outcome being non-negative. It is met here: only "
            "the second fails.",
        ),
        Claim(
            "4.cycle-is-not-legal",
            "Therefore the joint probability along a directed cyclic graph is not legal.",
            "holds in part",
            "One example shows that a product along this graph need not be a distribution, for some tables. For "
            "every cyclic graph such tables exist (copy round one cycle, fair coins elsewhere), which the homework "
            f"does not show. But not every choice fails: of {len(random.masses):,} random tables {random.n_one} sum "
            "to exactly one, while tables in which one node ignores its parent always do, and with three states a "
            f"cycle in which all listen can have sum {coincidence}. Acyclic graphs need no such luck: "
            f"{n_acyclic} of {len(acyclic)} random draws sum to exactly one.",
        ),
    ]
