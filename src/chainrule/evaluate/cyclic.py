"""Why a product of conditional probabilities along a directed cycle need not be a distribution.

Sum over the states of a cycle v_1 -> v_2 -> … -> v_k -> v_1 and the product of its factors becomes the trace
of a product of stochastic matrices,

    sum_x prod_i P(x_i | x_{i-1}) = tr(T_1 T_2 … T_k).

A stochastic matrix has the eigenvalue one with the vector of ones, hence so has the product; for binary
variables the other eigenvalue of T_i is l_i = P(1 | 1) − P(1 | 0), and the sum is exactly 1 + l_1 l_2 … l_k.
It is one only when some l_i is zero: when some factor ignores its parent, so that the cycle is not really there.
Copying round the cycle (all l_i = 1) gives two, one negation among copies gives zero.

With three or more states the trace may be one by coincidence (a swap of two states has trace one on three),
so the claim is: *not for all tables*, never "for no tables".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from chainrule.core.checks import as_list, check_instance
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.text import as_written
from chainrule.evaluate.tables import MOST_JOINT_NODES, BinaryTable, joint_table, total_mass
from chainrule.graphs import DirectedGraph

__all__ = ["Counterexample", "counterexample", "cycle_mass", "dependence"]

_COPY = (Fraction(0), Fraction(1))
_NEGATE = (Fraction(1), Fraction(0))
_FAIR = (Fraction(1, 2),)


@dataclass(frozen=True)
class Counterexample:
    """Tables for a cyclic graph whose product sums to ``total``, which is not one.

    The same sum was computed as a trace along ``cycle``, by elimination and, up to 20 nodes, over all states
    (``by_enumeration`` is ``None`` above that).
    """

    graph: DirectedGraph
    cycle: tuple[str, ...]
    tables: dict[str, BinaryTable]
    total: Fraction
    by_trace: Fraction
    by_elimination: Fraction
    by_enumeration: Fraction | None

    def copies(self, node: str) -> bool:
        """Whether a node of the cycle copies the one before it; else it negates it.  ``UnknownNameError``."""
        if not isinstance(node, str) or node not in self.tables:
            raise UnknownNameError.of("node", node, list(self.tables))
        return self.tables[node].p_one == _COPY

    def text(self) -> str:
        """The counterexample in a few lines of plain text.

        >>> print(counterexample(DirectedGraph.parse("A -> B -> A")).text())
        the graph has the cycle A -> B -> A
        A copies B
        B copies A
        the product of these factors sums to 2, not to 1
        """
        lines = [f"the graph has the cycle {' -> '.join([*self.cycle, self.cycle[0]])}"]
        for node in self.cycle:
            verb, parent = "copies" if self.copies(node) else "negates", self.tables[node].parents[0]
            lines.append(f"{node} {verb} {'itself' if parent == node else parent}")
        if len(self.cycle) < len(self.graph):
            lines.append("every other node is a fair coin that ignores its parents")
        return "\n".join([*lines, f"the product of these factors sums to {self.total}, not to 1"])


def counterexample(graph: DirectedGraph, total: Literal[2, 0] = 2) -> Counterexample:
    """Conditional tables for which the product along a cyclic ``graph`` sums to ``total`` instead of one.

    Each node of one cycle copies the node before it; for ``total=0`` the first negates instead.  Every other
    node is a fair coin.  A table may ignore parents, so this works for every cyclic graph.
    Raises ``InputError`` for an acyclic graph, along which every product sums to one.

    >>> counterexample(DirectedGraph.parse("A -> B -> C -> A; A -> D")).total
    Fraction(2, 1)
    """
    check_instance(graph, DirectedGraph, "graph", like="a DirectedGraph")
    if not isinstance(total, int) or total not in (2, 0) or isinstance(total, bool):
        raise InputError(f"total must be 2 or 0; got {as_written(total)}")
    cycle = graph.find_cycle()
    if cycle is None:
        raise InputError(
            "the graph has no directed cycle, so the product of its factors sums to one for all tables; "
            "a counterexample needs a cyclic graph"
        )
    tables = {node: BinaryTable(node, (), _FAIR) for node in graph.nodes}
    for before, node in zip([cycle[-1], *cycle], cycle, strict=False):
        tables[node] = BinaryTable(node, (before,), _COPY)
    if total == 0:
        tables[cycle[0]] = BinaryTable(cycle[0], (cycle[-1],), _NEGATE)
    by_trace = cycle_mass([_matrix(tables[node]) for node in cycle])
    by_elimination = total_mass(graph, tables)
    small = len(graph) <= MOST_JOINT_NODES
    by_enumeration = joint_table(graph, tables).total if small else None
    return Counterexample(
        graph, tuple(cycle), tables, by_elimination, by_trace, by_elimination, by_enumeration
    )


def cycle_mass(matrices: Sequence[Sequence[Sequence[Fraction | int]]]) -> Fraction:
    """The sum of the product of factors along a cycle: the trace of a product of stochastic matrices.

    ``matrices[i][a][b]`` is P(node i = b | the node before it = a); rows sum to one.  Any number of states.
    Raises ``InputError`` where the matrices do not fit each other or a row is no distribution.

    >>> swap = [[0, 1], [1, 0]]
    >>> cycle_mass([swap, swap]), cycle_mass([swap])
    (Fraction(2, 1), Fraction(0, 1))
    """
    matrices = [_rows_of(matrix) for matrix in as_list(matrices, "matrices", of="matrices of fractions")]
    if not matrices:
        raise InputError("a cycle has at least one node; got no matrices")
    for matrix, following in zip(matrices, [*matrices[1:], matrices[0]], strict=True):
        columns = len(following)
        for row in matrix:
            if len(row) != columns or sum(row) != 1 or min(row) < 0:
                raise InputError(
                    f"each row must hold {columns} probabilities that sum to one (use fractions); got {list(row)}"
                )
    size = len(matrices[0])
    power = [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    for matrix in matrices:
        power = [
            [
                sum((row[k] * Fraction(matrix[k][j]) for k in range(len(matrix))), Fraction(0))
                for j in range(len(matrix[0]))
            ]
            for row in power
        ]
    return sum((power[i][i] for i in range(size)), Fraction(0))


def dependence(table: BinaryTable) -> Fraction:
    """The eigenvalue P(1 | 1) − P(1 | 0) of a table with one parent: from −1 (negate) over 0 to 1 (copy).

    >>> dependence(BinaryTable("B", ("A",), (Fraction(1, 4), Fraction(3, 4))))
    Fraction(1, 2)
    """
    check_instance(table, BinaryTable, "table", like="a BinaryTable")
    if len(table.parents) != 1:
        raise InputError(f"the table of {table.node!r} must read one parent; it reads {len(table.parents)}")
    return Fraction(table.p_one[1]) - Fraction(table.p_one[0])


def _rows_of(matrix: Any) -> list[list[Fraction | int]]:
    rows = [
        as_list(row, "a row of a matrix", of="fractions") for row in as_list(matrix, "a matrix", of="rows")
    ]
    for p in (p for row in rows for p in row):
        check_instance(p, Fraction | int, "an entry of a matrix", like="a fraction or a whole number")
    if not rows or not all(rows):
        raise InputError("a matrix needs at least one row, and a number in each")
    return rows


def _matrix(table: BinaryTable) -> list[list[Fraction]]:
    """A table with one parent as a stochastic matrix, a row for each state of the parent."""
    return [[table.probability(b, (a,)) for b in (0, 1)] for a in (0, 1)]
