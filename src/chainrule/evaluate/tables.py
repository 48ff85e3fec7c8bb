"""Conditional probability tables of binary variables, in exact fractions: the product of them and its sum.

A graph, acyclic or not, and one table for each node define a product over all joint states,

    m(x) = prod_v P(x_v | x_parents(v)).

Along a DAG, m is a probability distribution.  Along a cycle it need not sum to one.  Here that sum is computed
exactly and in two ways that share no code: over the table of all joint states (``joint_table``), and by
eliminating one variable after the other (``total_mass``), which takes graphs of thousands of nodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_list, check_instance, check_integer
from chainrule.core.errors import InputError, TooLargeError, UnknownNameError
from chainrule.core.numerics import xlogy
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.graphs import DirectedGraph

__all__ = ["BinaryTable", "JointTable", "Tables", "joint_table", "random_tables", "total_mass"]

MOST_JOINT_NODES = 20
MOST_WIDTH = 16


@dataclass(frozen=True)
class BinaryTable:
    """P(node = 1 | parents) as fractions, one for each state of ``parents``, the last parent fastest.

    ``parents`` are those that the table reads; a table may ignore some of the graph's.  Raises
    ``InputError`` for a wrong number of entries or one outside 0 … 1.

    >>> BinaryTable("B", ("A",), (Fraction(0), Fraction(1))).probability(1, (1,))
    Fraction(1, 1)
    """

    node: str
    parents: tuple[str, ...]
    p_one: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        parents, p_one = (
            as_list(self.parents, "parents", of="names"),
            as_list(self.p_one, "p_one", of="fractions"),
        )
        object.__setattr__(self, "parents", tuple(parents))
        object.__setattr__(self, "p_one", tuple(p_one))
        for name in (self.node, *self.parents):
            check_instance(name, str, "node and parents", like="names")
        if len(self.parents) >= MOST_WIDTH:
            raise TooLargeError(f"{len(self.parents)} parents have 2^{len(self.parents)} states; use fewer")
        if len(self.p_one) != 2 ** len(self.parents):
            raise InputError(
                f"the table of {self.node!r} needs {2 ** len(self.parents)} entries, one for each state of "
                f"its {len(self.parents)} parents; got {len(self.p_one)}"
            )
        for p in self.p_one:
            if not isinstance(p, (Fraction, int)) or not 0 <= p <= 1:
                raise InputError(
                    f"the table of {self.node!r} needs fractions from 0 to 1; "
                    f"got {as_written(p)}; use fractions.Fraction"
                )

    def probability(self, value: int, state: tuple[int, ...] = ()) -> Fraction:
        """P(node = ``value`` | parents = ``state``); ``InputError`` for what is neither 0 nor 1."""
        listed = as_list(state, "state", of="0 and 1")
        if len(listed) != len(self.parents) or not all(_is_bit(k) for k in (value, *listed)):
            raise InputError(
                f"value is 0 or 1, and state such a number for each of {len(self.parents)} parents; "
                f"got {as_written(value)} and {as_written(state)}"
            )
        p = Fraction(self.p_one[int("".join(str(int(k)) for k in listed) or "0", 2)])
        return p if value else 1 - p

    @property
    def scope(self) -> tuple[str, ...]:
        """The variables that the factor speaks of: the parents that it reads, then the node, each once."""
        return tuple(dict.fromkeys((*self.parents, self.node)))


def _is_bit(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and value in (0, 1)


Tables = Mapping[str, BinaryTable]


def random_tables(
    graph: DirectedGraph, rng: RandomState = None, *, denominator: int = 97
) -> dict[str, BinaryTable]:
    """A random table for each node that reads all its parents: entries k / ``denominator``, never 0 or 1.

    Raises ``TooLargeError`` for a node with more than 15 parents.

    >>> tables = random_tables(DirectedGraph.parse("A -> B"), 0)
    >>> tables["B"].parents, len(tables["B"].p_one)
    (('A',), 2)
    """
    check_instance(graph, DirectedGraph, "graph", like="a DirectedGraph or a DAG")
    check_integer(denominator, "denominator", least=2)
    generator = as_generator(rng)
    out = {}
    for node in graph.nodes:
        parents = graph.parents(node)
        if len(parents) >= MOST_WIDTH:
            raise TooLargeError(
                f"{node!r} has {len(parents)} parents, its table 2^{len(parents)} rows; "
                f"at most {MOST_WIDTH - 1} parents are possible here"
            )
        numerators = generator.integers(1, denominator, size=2 ** len(parents))
        out[node] = BinaryTable(node, parents, tuple(Fraction(int(k), denominator) for k in numerators))
    return out


@dataclass(frozen=True)
class JointTable:
    """The product of all tables over all joint states: ``numerators`` (2, 2, …) over one ``denominator``.

    Axis i belongs to ``nodes[i]``.  The numerators are integers, so that every sum is exact.
    """

    nodes: tuple[str, ...]
    numerators: NDArray[Any]
    denominator: int

    @property
    def total(self) -> Fraction:
        """The sum over all states; one, if this is a distribution."""
        return Fraction(int(self.numerators.sum()), self.denominator)

    def states(self) -> list[tuple[tuple[int, ...], Fraction]]:
        """All states with their mass, in counting order."""
        cells = np.ndenumerate(self.numerators)
        return [(tuple(map(int, state)), Fraction(int(k), self.denominator)) for state, k in cells]

    def is_independent(self, x: Iterable[str], y: Iterable[str], given: Iterable[str] = ()) -> bool:
        """Whether x is independent of y given the set, decided in integers: P(xyz) P(z) = P(xz) P(yz)."""
        xyz, xz, yz, z = (m.astype(object) for m in self._margins(x, y, given))
        return bool(np.all(xyz * z == xz * yz))

    def mutual_information_nats(self, x: Iterable[str], y: Iterable[str], given: Iterable[str] = ()) -> float:
        """Conditional mutual information of x and y given the set, in nats (float64).

        >>> dag = DirectedGraph.parse("A -> B; C")
        >>> joint = joint_table(dag, random_tables(dag, 1))
        >>> joint.mutual_information_nats("A", "B") > 1e-3 > abs(joint.mutual_information_nats("A", "C"))
        True
        """
        xyz, xz, yz, z = (np.asarray(m / self.denominator, np.float64) for m in self._margins(x, y, given))
        ratio = np.divide(xyz * z, xz * yz, out=np.ones_like(xyz), where=xyz > 0)
        return float(xlogy(xyz, ratio).sum())

    def _margins(self, x: Iterable[str], y: Iterable[str], given: Iterable[str]) -> list[NDArray[Any]]:
        """The sums over all but (x, y, z), (x, z), (y, z) and z, all with the axes kept."""
        if self.total != 1:
            raise InputError(
                f"the product sums to {self.total}, not to one: independence has no meaning here"
            )
        xs, ys, zs = (self._axes(s) for s in (x, y, given))
        if xs & ys or xs & zs or ys & zs:
            raise InputError("x, y and given must not overlap")
        every = set(range(len(self.nodes)))
        keeps = (xs | ys | zs, xs | zs, ys | zs, zs)
        return [self.numerators.sum(axis=tuple(sorted(every - keep)), keepdims=True) for keep in keeps]

    def _axes(self, names: Iterable[str]) -> set[int]:
        listed = [names] if isinstance(names, str) else as_list(names, "a set of nodes", of="names")
        for name in listed:
            if not isinstance(name, str) or name not in self.nodes:
                raise UnknownNameError.of("node", name, list(self.nodes))
        return {self.nodes.index(name) for name in listed}


def joint_table(graph: DirectedGraph, tables: Tables) -> JointTable:
    """The product of all tables over all 2^n states; ``TooLargeError`` above 20 nodes.

    >>> dag = DirectedGraph.parse("A -> B")
    >>> joint_table(dag, random_tables(dag, 0)).total
    Fraction(1, 1)
    """
    _check_tables(graph, tables)
    nodes, n = graph.nodes, len(graph)
    if n > MOST_JOINT_NODES:
        raise TooLargeError(
            f"{n} nodes have 2^{n} joint states; up to {MOST_JOINT_NODES} nodes can be listed; use total_mass"
        )
    denominators = [math.lcm(*(Fraction(p).denominator for p in tables[v].p_one)) for v in nodes]
    denominator = math.prod(denominators)
    # no entry exceeds the denominator, and the sum has 2^n of them
    exact: Any = np.int64 if denominator * 2**n < 2**63 else object
    joint = np.ones((2,) * n, dtype=exact)
    for v, scale in zip(nodes, denominators, strict=True):
        table = tables[v]
        axes = sorted(nodes.index(name) for name in table.scope)
        shape = [2 if i in axes else 1 for i in range(n)]
        factor = np.empty([2] * len(axes), dtype=exact)
        for state in np.ndindex(*factor.shape):
            value = dict(zip((nodes[i] for i in axes), state, strict=True))
            factor[state] = int(table.probability(value[v], tuple(value[p] for p in table.parents)) * scale)
        joint = joint * factor.reshape(shape)
    return JointTable(nodes, joint, denominator)


def total_mass(graph: DirectedGraph, tables: Tables) -> Fraction:
    """The sum over all states of the product of all tables, exactly, by eliminating variables.

    The cheapest variable goes first; ``TooLargeError`` where an intermediate factor would speak of more
    than 16 variables.

    >>> copy = (Fraction(0), Fraction(1))
    >>> cycle = DirectedGraph.parse("A -> B -> A")
    >>> total_mass(cycle, {"A": BinaryTable("A", ("B",), copy), "B": BinaryTable("B", ("A",), copy)})
    Fraction(2, 1)
    """
    _check_tables(graph, tables)
    with_node: dict[str, list[_Factor]] = {v: [] for v in graph.nodes}
    for table in tables.values():
        factor = _Factor.of(table)
        for v in factor.scope:
            with_node[v].append(factor)
    total = Fraction(1)
    queue = [(len(_joined_scope(factors)), v) for v, factors in with_node.items()]
    heapify(queue)
    while queue:
        cost, v = heappop(queue)
        if v not in with_node:
            continue
        scope = _joined_scope(with_node[v])
        if len(scope) > cost:  # the entry is out of date
            heappush(queue, (len(scope), v))
            continue
        summed = _sum_out(with_node.pop(v), scope, v)
        for u in summed.scope:
            with_node[u] = [f for f in with_node[u] if v not in f.scope] + [summed]
            heappush(queue, (len(_joined_scope(with_node[u])), u))
        if not summed.scope:
            total *= summed.values[()]
    return total


@dataclass(frozen=True, eq=False)
class _Factor:
    """A function of some variables: its scope, and its nonzero values by state."""

    scope: tuple[str, ...]
    values: dict[tuple[int, ...], Fraction]

    @classmethod
    def of(cls, table: BinaryTable) -> _Factor:
        scope = table.scope
        values = {}
        for state in np.ndindex(*(2,) * len(scope)):
            value = dict(zip(scope, state, strict=True))
            p = table.probability(value[table.node], tuple(value[u] for u in table.parents))
            if p:
                values[state] = p
        return cls(scope, values)


def _joined_scope(factors: list[_Factor]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for factor in factors for name in factor.scope))


def _sum_out(factors: list[_Factor], scope: tuple[str, ...], v: str) -> _Factor:
    """The product of ``factors``, summed over ``v``."""
    if len(scope) > MOST_WIDTH:
        raise TooLargeError(
            f"exact elimination would need a factor of {len(scope)} variables (2^{len(scope)} entries); "
            f"at most {MOST_WIDTH} are possible"
        )
    rest = tuple(name for name in scope if name != v)
    sums: dict[tuple[int, ...], Fraction] = {} if rest else {(): Fraction(0)}
    for state in np.ndindex(*(2,) * len(scope)):
        value = dict(zip(scope, state, strict=True))
        mass = Fraction(1)
        for factor in factors:
            mass *= factor.values.get(tuple(value[name] for name in factor.scope), 0)
            if not mass:
                break
        if mass:
            key = tuple(value[name] for name in rest)
            sums[key] = sums.get(key, Fraction(0)) + mass
    return _Factor(rest, sums)


def _check_tables(graph: DirectedGraph, tables: Tables) -> None:
    """One table for each node, each reading parents of its node only."""
    check_instance(graph, DirectedGraph, "graph", like="a DirectedGraph or a DAG")
    check_instance(tables, Mapping, "tables", like="a dict with a BinaryTable for each node")
    for name in [*graph.nodes, *tables]:
        if name not in tables:
            raise UnknownNameError.of("table for node", name, list(tables))
        check_instance(tables[name], BinaryTable, f"the table of {as_written(name)}", like="a BinaryTable")
        allowed = set(graph.parents(name))
        for parent in tables[name].parents:
            if parent not in allowed:
                raise InputError(
                    f"the table of {name!r} reads {parent!r}, which is not a parent of it in the graph"
                )
        if tables[name].node != name:
            raise InputError(f"the table given for {name!r} is that of {tables[name].node!r}")
