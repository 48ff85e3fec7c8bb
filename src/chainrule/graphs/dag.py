"""The directed acyclic graph: what a joint distribution promises, and every question about it.

The methods here say what is asked; the modules of this folder say how it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Self, get_args

from chainrule.core.checks import check_integer
from chainrule.core.errors import CycleError, InputError
from chainrule.graphs import (
    adjustment,
    equivalence,
    explanation,
    independencies,
    moral,
    orders,
    separation,
    separators,
)
from chainrule.graphs.adjustment import AdjustmentExplanation
from chainrule.graphs.digraph import DirectedGraph, Names
from chainrule.graphs.equivalence import CPDAG
from chainrule.graphs.explanation import SeparationExplanation
from chainrule.graphs.factors import Factorization
from chainrule.graphs.independencies import Independence, Kind

__all__ = ["DAG"]


class DAG(DirectedGraph):
    """A directed acyclic graph, immutable: nodes are variables, parents are what a factor is given.

    Built as ``DirectedGraph`` is; raises ``CycleError``, which names the cycle, where there is one.

    >>> dag = DAG.parse("S -> {A R}; R <- AP")
    >>> dag.parents("R"), dag.is_d_separated("A", "R", given="S")
    (('S', 'AP'), True)
    >>> DAG.parse("A -> B -> C -> A")
    Traceback (most recent call last):
        ...
    chainrule.core.errors.CycleError: the graph has a directed cycle: A -> B -> C -> A; \
remove one of these edges to get a DAG
    """

    __slots__ = ("_order",)

    _order: tuple[int, ...]

    def _set(self, names: Sequence[str], parents: Sequence[Iterable[int]]) -> None:
        super()._set(names, parents)
        self._order = tuple(self._sorted())
        if len(self._order) < len(self):
            raise CycleError(self.find_cycle() or [])

    def _sorted(self) -> Iterator[int]:
        """Kahn's algorithm; of the nodes that may come next, the first in ``nodes``."""
        waiting = [len(above) for above in self._parents]
        ready = [v for v, n in enumerate(waiting) if n == 0]
        heapify(ready)
        while ready:
            u = heappop(ready)
            yield u
            for v in self._children[u]:
                waiting[v] -= 1
                if waiting[v] == 0:
                    heappush(ready, v)

    @classmethod
    def empty(cls, nodes: Iterable[str]) -> Self:
        """The DAG without edges: all nodes independent.

        >>> DAG.empty(["A", "B"]).n_edges
        0
        """
        return cls((), nodes)

    @classmethod
    def fully_connected(cls, order: Iterable[str]) -> Self:
        """The DAG in which every node has all nodes before it in ``order`` as parents: the chain rule.

        >>> DAG.fully_connected(["x2", "x1", "x3"]).factorization().text()
        'P(x2, x1, x3) = P(x2) P(x1 | x2) P(x3 | x2, x1)'
        """
        dag = cls((), order)
        dag._set(dag.nodes, [range(v) for v in range(len(dag))])
        return dag

    def topological_order(self) -> tuple[str, ...]:
        """All nodes, parents before children; where there is a choice, the first in ``nodes``.

        >>> DAG.parse("C -> B -> A; D").topological_order()
        ('C', 'B', 'A', 'D')
        """
        return self._to_names(self._order)

    def topological_orders(self) -> Iterator[tuple[str, ...]]:
        """All topological orders, one by one, sorted by the places in ``nodes``; there may be very many.

        >>> list(DAG.parse("A -> C <- B").topological_orders())
        [('A', 'B', 'C'), ('B', 'A', 'C')]
        """
        return map(self._to_names, orders.topological_orders(self))

    def factorization(self, order: Sequence[str] | None = None) -> Factorization:
        """The product of P(node | parents), in a topological order.

        >>> DAG.parse("A -> C <- B").factorization().text()
        'P(A, B, C) = P(A) P(B) P(C | A, B)'
        """
        ids = self._checked_order(order)
        return Factorization(tuple((self._names[v], self._to_names(self._parents[v])) for v in ids))

    def is_d_separated(self, x: Names, y: Names, given: Names = ()) -> bool:
        """Whether ``given`` blocks every path between ``x`` and ``y`` (names or sets); linear in the graph.

        True means that x and y are independent given the set in every distribution that factorises along
        the DAG.  Raises ``UnknownNameError`` and, for sets that overlap or an empty x or y, ``InputError``.

        >>> dag = DAG.parse("A -> C <- B; C -> D")
        >>> dag.is_d_separated("A", "B"), dag.is_d_separated("A", "B", given="D")
        (True, False)
        """
        xs, ys, zs = separation.query(self, x, y, given)
        return not separation.is_open(self, xs, ys, zs)

    def d_separated_from(self, x: Names, given: Names = ()) -> tuple[str, ...]:
        """Every observed node that is d-separated from ``x`` given the set; together they are, too.

        >>> DAG.parse("A -> B -> C; D").d_separated_from("A", given="B")
        ('C', 'D')
        """
        xs, zs = self._ids("x", x), separation.conditioned(self, given)
        if xs & zs:
            raise InputError(
                f"x and given both hold {self._names[min(xs & zs)]!r}; the sets must not overlap"
            )
        _, reached = separation.open_from(self, xs, zs)
        unlisted = zs | self._latent
        return self._to_names(v for v in range(len(self)) if not reached[v] and v not in unlisted)

    def explain_d_separation(
        self, x: Names, y: Names, given: Names = (), *, max_paths: int = 1000
    ) -> SeparationExplanation:
        """Every path between ``x`` and ``y``, open or blocked, at which node and by which rule.

        With more than ``max_paths`` paths (or too many dead ends on the way) a shortest open path is given
        or, where none is open, what open paths from x reach.  ``.text()`` makes it readable.

        >>> print(DAG.parse("DB <- R -> CM; DB -> CH <- CM").explain_d_separation("DB", "CM", "R").text())
        DB and CM are d-separated given R
          DB <- R -> CM: blocked at R (fork, observed)
          DB -> CH <- CM: blocked at CH (collider, not observed)
        """
        xs, ys, zs = separation.query(self, x, y, given)
        return explanation.explain(self, xs, ys, zs, max_paths=check_integer(max_paths, "max_paths"))

    def implied_independencies(
        self, kind: Kind = "missing_edge", *, order: Sequence[str] | None = None, limit: int = 1_000_000
    ) -> list[Independence]:
        """The independencies between observed nodes that the DAG implies, listed in one of four ways.

        ``"missing_edge"``: each pair without an edge, with all its minimal separators; ``"ordered"``: what the
        chain rule in an order says more than the factorisation; ``"local"``: each node and its non-descendants;
        ``"all_pairs"``: each pair with every separator.  The module says more, also about latent nodes.
        ``order`` is the topological order for ``"ordered"`` (the DAG's own if not given).  ``limit`` bounds
        the questions of ``"all_pairs"`` (``TooLargeError`` above it) and cuts off the list of the others.

        >>> [s.text() for s in DAG.parse("A -> B -> C -> D").implied_independencies("ordered")]
        ['C ⟂ A | B', 'D ⟂ A, B | C']
        """
        check_integer(limit, "limit")
        statements = self.iter_implied_independencies(kind, order=order)
        if kind == "all_pairs":
            independencies.check_all_pairs(self, limit)
        return list(islice(statements, limit))

    def iter_implied_independencies(
        self, kind: Kind = "missing_edge", *, order: Sequence[str] | None = None
    ) -> Iterator[Independence]:
        """``implied_independencies`` one by one, without a limit: the first come at once, however many follow.

        >>> edges = [(a, b) for i in range(60) for a in (f"a{i}", f"b{i}") for b in (f"a{i+1}", f"b{i+1}")]
        >>> next(DAG(edges).iter_implied_independencies()).text()
        'a0 ⟂ b0'
        """
        if kind not in get_args(Kind):
            raise InputError(f"kind must be one of {', '.join(get_args(Kind))}; got {kind!r}")
        if order is not None and kind != "ordered":
            raise InputError(f"order belongs to kind='ordered'; leave it out for kind={kind!r}")
        if kind == "all_pairs":
            return independencies.all_pairs(self)
        if kind == "ordered":
            return independencies.ordered(self, self._checked_order(order))
        if kind == "local":
            return independencies.local(self, list(self._order))
        return independencies.missing_edge(self)

    def minimal_d_separators(self, x: Names, y: Names) -> Iterator[tuple[str, ...]]:
        """Every observed set that separates ``x`` and ``y`` and has no proper subset that does; polynomial delay.

        Nothing is yielded where no set separates them; ``()`` where they are separated as they are.

        >>> list(DAG.parse("A -> {B C} -> D").minimal_d_separators("A", "D"))
        [('B', 'C')]
        """
        xs, ys, _ = separation.query(self, x, y, ())
        return map(self._to_names, separators.minimal_separators(self, xs, ys, self._latent))

    def minimum_d_separator(self, x: Names, y: Names) -> tuple[str, ...] | None:
        """An observed set with the fewest nodes that separates ``x`` and ``y``; ``None`` where none does.

        >>> DAG.parse("A -> {B C} -> D -> E").minimum_d_separator("A", "E")
        ('D',)
        """
        xs, ys, _ = separation.query(self, x, y, ())
        separator = separators.minimum_separator(self, xs, ys, self._latent)
        return None if separator is None else self._to_names(separator)

    def markov_blanket(self, node: str) -> tuple[str, ...]:
        """Parents, children and the children's other parents: given these, all else tells nothing more.

        In place of a latent one come those behind it: the blanket is the least that holds among observed nodes.

        >>> DAG.parse("A -> B -> C <- D").markov_blanket("B")
        ('A', 'C', 'D')
        """
        return self._to_names(sorted(moral.blanket(self, self._id(node))))

    def moral_graph(self) -> tuple[tuple[str, str], ...]:
        """The pairs that are joined by an edge or by a common child, without direction.

        >>> DAG.parse("A -> C <- B").moral_graph()
        (('A', 'C'), ('A', 'B'), ('C', 'B'))
        """
        around = moral.moral_neighbours(self, set(range(len(self))))
        return tuple(
            (self._names[a], self._names[b]) for a in range(len(self)) for b in sorted(around[a]) if a < b
        )

    def v_structures(self) -> tuple[tuple[str, str, str], ...]:
        """All ``(a, c, b)`` with a -> c <- b and no edge between a and b.

        >>> DAG.parse("A -> C <- B; C -> D").v_structures()
        (('A', 'C', 'B'),)
        """
        return tuple(
            (self._names[a], self._names[c], self._names[b]) for a, c, b in moral.unshielded_colliders(self)
        )

    def cpdag(self) -> CPDAG:
        """The completed partially directed graph: directed edges are those that all equivalent DAGs share.

        >>> print(DAG.parse("A -> B -> D <- C").cpdag().text())
        B -> D
        C -> D
        A -- B
        """
        compelled = equivalence.compelled_edges(self, self._order)
        directed, undirected = [], []
        for u, below in enumerate(self._children):
            for v in below:
                edge = (self._names[u], self._names[v])
                if (u, v) in compelled:
                    directed.append(edge)
                else:
                    undirected.append(edge if u < v else edge[::-1])
        return CPDAG(self._names, tuple(directed), tuple(undirected))

    def is_markov_equivalent(self, other: DAG) -> bool:
        """Whether the same d-separations hold in both, between all nodes, latent ones included.

        Raises ``InputError`` where the two do not have the same nodes.

        >>> chain = DAG.parse("A -> B -> C")
        >>> chain.is_markov_equivalent(DAG.parse("A <- B -> C"))
        True
        >>> chain.is_markov_equivalent(DAG.parse("A -> B <- C"))
        False
        """
        if not isinstance(other, DAG):
            raise InputError(f"other must be a DAG; got {type(other).__name__}")
        for name in set(self._names) ^ set(other._names):
            raise InputError(f"only one of the two graphs has the node {name!r}; give both the same nodes")
        return self.cpdag() == other.cpdag()

    def equivalent_dags(self) -> Iterator[Self]:
        """All DAGs with the same d-separations, each once, this one among them; polynomial delay.

        >>> [dag.edges for dag in DAG.parse("A -> B -> C").equivalent_dags()]
        [(('A', 'B'), ('B', 'C')), (('B', 'A'), ('B', 'C')), (('B', 'A'), ('C', 'B'))]
        """
        compelled = equivalence.compelled_edges(self, self._order)
        return map(self._with_parents, equivalence.equivalent_parents(self, compelled))

    def adjustment_sets(
        self, cause: Names, effect: Names, *, kind: adjustment.Kind = "minimal"
    ) -> Iterator[tuple[str, ...]]:
        """The observed sets that identify the total effect of ``cause`` on ``effect`` by adjustment.

        Cause and effect are one node or several; the criterion is complete: no other set does.  ``"minimal"``: all
        without a proper subset that does; ``"minimum"``: one with the fewest nodes; ``"all"``: all.  They are found
        one by one, and ``()`` is one of them; nothing comes where none exists.

        >>> list(DAG.parse("X <- Z1 -> Z2 -> Y; X -> M -> Y").adjustment_sets("X", "Y"))
        [('Z1',), ('Z2',)]
        """
        return map(self._to_names, adjustment.Adjustment.of(self, cause, effect).sets(kind))

    def is_adjustment_set(self, cause: Names, effect: Names, given: Names = ()) -> bool:
        """Whether the set identifies the total effect of ``cause`` on ``effect`` by adjustment.

        >>> DAG.parse("X <- Z -> Y; X -> Y").is_adjustment_set("X", "Y", "Z")
        True
        """
        return self.explain_adjustment(cause, effect, given).valid

    def explain_adjustment(self, cause: Names, effect: Names, given: Names = ()) -> AdjustmentExplanation:
        """Whether the set is an adjustment set, and if not, which of its nodes or which path spoils it.

        >>> print(DAG.parse("X <- Z -> Y; X -> Y").explain_adjustment("X", "Y").text())
        nothing is not an adjustment set for the effect of X on Y
          X <- Z -> Y: open at Z (fork, not observed)
        """
        return adjustment.Adjustment.of(self, cause, effect).explain(given)

    def backdoor_sets(
        self, cause: str, effect: Names, *, kind: adjustment.Kind = "minimal"
    ) -> Iterator[tuple[str, ...]]:
        """The observed sets that meet Pearl's back-door criterion; ``kind`` as in ``adjustment_sets``.

        >>> list(DAG.parse("X <- Z1 -> Z2 -> Y; X -> M -> Y").backdoor_sets("X", "Y", kind="all"))
        [('Z2',), ('Z1',), ('Z1', 'Z2')]
        """
        return map(self._to_names, adjustment.Adjustment.by_back_door(self, cause, effect).sets(kind))

    def _checked_order(self, order: Sequence[str] | None) -> list[int]:
        """``order`` as indices; ``InputError`` if it is not a topological order of all nodes."""
        if order is None:
            return list(self._order)
        ids = [self._id(name) for name in order]
        if isinstance(order, str) or sorted(ids) != list(range(len(self))):
            raise InputError(f"order must name each of the {len(self)} nodes once; got {list(order)!r}")
        position = {v: i for i, v in enumerate(ids)}
        for v in ids:
            for u in self._parents[v]:
                if position[u] > position[v]:
                    edge = f"{self._names[u]} -> {self._names[v]}"
                    raise InputError(
                        f"order puts {self._names[v]} before its parent ({edge}); parents come first"
                    )
        return ids
