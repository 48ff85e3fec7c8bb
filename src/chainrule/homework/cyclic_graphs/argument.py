"""Why the product of the factors of a counterexample does not sum to one, in steps that a page shows."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from chainrule.core.records import Step
from chainrule.evaluate.cyclic import Counterexample, dependence
from chainrule.graphs.notation import latex_name

__all__ = ["argument"]

_LONGEST_WRITTEN = 12  # nodes; nobody reads a longer cycle in a formula


def argument(found: Counterexample) -> list[Step]:
    """Find the cycle, fix the tables, count what is left, and say what holds in general; each step with its check.

    >>> from chainrule.evaluate.cyclic import counterexample
    >>> from chainrule.graphs import DirectedGraph
    >>> [step.text for step in argument(counterexample(DirectedGraph.parse("A -> B -> A")))][:2]
    ['Find a directed cycle.', 'Each node of the cycle copies the node before it.']
    """
    return [_cycle(found), _tables(found), _sum(found), _in_general(found)]


def _cycle(found: Counterexample) -> Step:
    cycle, k = found.cycle, len(found.cycle)
    arrows = r" \to ".join(latex_name(v) for v in (*cycle, cycle[0])) if k <= _LONGEST_WRITTEN else ""
    n_edges = sum(found.graph.has_edge(a, b) for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    return Step("Find a directed cycle.", arrows, f"{n_edges} of its {k} edges are in the graph")


def _tables(found: Counterexample) -> Step:
    cycle, n_others = found.cycle, len(found.graph) - len(found.cycle)
    if found.total == 2:
        rule = "Each node of the cycle copies the node before it."
    else:
        rule = f"`{cycle[0]}` negates the node before it, every other node of the cycle copies."
    if n_others:
        rule += f" The other {n_others} nodes are fair coins that ignore their parents, and sum out to one."
    equations = [_equation(found, v) for v in cycle] if len(cycle) <= _LONGEST_WRITTEN else []
    entries = sorted({p for table in found.tables.values() for p in table.p_one})
    return Step(rule, r", \quad ".join(equations), f"entries of the tables: {', '.join(map(str, entries))}")


def _equation(found: Counterexample, node: str) -> str:
    """What the table of a node of the cycle says, in LaTeX."""
    left, right = (f"x_{{{latex_name(name)}}}" for name in (node, found.tables[node].parents[0]))
    return f"{left} = {right}" if found.copies(node) else f"{left} = 1 - {right}"


def _sum(found: Counterexample) -> Step:
    if found.total == 2:
        left = "Only two states of the cycle have mass: all zeros and all ones, one each."
    else:
        left = "Going round once turns a value into its opposite, so no state of the cycle has mass."
    checks = [f"trace {found.by_trace}", f"elimination {found.by_elimination}"]
    if found.by_enumeration is not None:
        checks.append(f"sum over all {2 ** len(found.graph):,} states {found.by_enumeration}")
    product = r"\prod_{v} P(x_v \mid x_{\mathrm{parents}(v)})"
    return Step(left, rf"\sum_x {product} = {found.total}", ", ".join(checks))


def _in_general(found: Counterexample) -> Step:
    product = prod((dependence(found.tables[v]) for v in found.cycle), start=Fraction(1))
    return Step(
        "In general the sum along a binary cycle is a trace, and with "
        r"$\lambda_i = P(1 \mid 1) - P(1 \mid 0)$ for each factor it is one plus their product.",
        r"\operatorname{tr}(T_1 \cdots T_k) = 1 + \prod_{i} \lambda_i",
        f"here the product is {product}, so the sum is {1 + product}",
    )
