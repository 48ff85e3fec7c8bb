"""Directed graphs with cycles, and without: what a joint distribution promises, and every question about it.

The methods here say what is asked; the modules of this folder say how it is answered.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Self, get_args

from chainrule.core.checks import check_integer
from chainrule.core.choices import check_choice
from chainrule.core.errors import CycleError, InputError
from chainrule.graphs import (
    adjustment,
    cycles,
    equivalence,
    explanation,
    independencies,
    moral,
    orders,
    separation,
    separators,
)
from chainrule.graphs.adjustment import AdjustmentExplanation
from chainrule.graphs.condensation import Condensation, joined_parts, strong_parts
from chainrule.graphs.content import Content
from chainrule.graphs.edges import parents_by_node
from chainrule.graphs.explanation import SeparationExplanation
from chainrule.graphs.factors import Factorization
from chainrule.graphs.identification import effect as effects
from chainrule.graphs.identification.effect import Effect
from chainrule.graphs.identification.instruments import Instrument, instruments
from chainrule.graphs.independencies import Independence, Kind
from chainrule.graphs.mixed_graph import MixedGraph
from chainrule.graphs.named import NamedGraph
from chainrule.graphs.names import Names, NodeNames
from chainrule.graphs.partially_directed.orienting import HalfDirected, all_parents
from chainrule.graphs.structure import Structure

__all__ = ["DAG", "PDAG", "DirectedGraph"]


class DirectedGraph(NamedGraph):
    """A directed graph, immutable; cycles, two-way edges and self loops are allowed.

    ``edges`` are pairs ``(parent, child)``; a repeated edge counts once.  ``nodes`` gives all nodes in
    the order that you like to see; without it they come as the edges name them.  ``latent`` names the nodes
    that nobody measures: they are never conditioned on and never listed.  ``positions``, ``exposures``,
    ``outcomes`` and ``adjusted`` are carried along and do not count when graphs are compared; questions about
    adjustment start from the nodes that are ``adjusted``.

    Raises ``InputError`` for edges that are not pairs of names and for repeated ``nodes``,
    ``UnknownNameError`` for an edge to a node that ``nodes`` does not have, or a latent node that is none.

    >>> g = DirectedGraph([("A", "B"), ("B", "A"), ("B", "C")])
    >>> g.parents("B"), g.find_cycle()
    (('A',), ['A', 'B'])
    """

    __slots__ = ()

    def find_cycle(self) -> list[str] | None:
        """The nodes of one directed cycle in order, or ``None`` if there is none; linear in the graph.

        It is a shortest cycle through its first node.  A self loop is a cycle of one node.

        >>> DirectedGraph.parse("S -> A -> B -> C -> A").find_cycle()
        ['A', 'B', 'C']
        >>> DirectedGraph.parse("A -> A").find_cycle()
        ['A']
        """
        cycle = cycles.find_cycle(self.structure)
        return None if cycle is None else list(self._content.names.of(cycle))

    def condensation(self) -> Condensation[DAG]:
        """The graph of its strongly connected parts, which is acyclic, and which of them hold cycles; linear.

        >>> print(DirectedGraph.parse("S -> A -> B -> A; B -> C").condensation().text())
        S
        {A, B}: on a cycle
        C
        """
        graph, names = self.structure, self._content.names
        parts = strong_parts(graph)
        called = [names.all[part[0]] for part in parts]
        loops = [len(part) > 1 or part[0] in graph.parents[part[0]] for part in parts]
        return Condensation(
            DAG(
                [(called[i], called[j]) for i, j in joined_parts(graph, parts)],
                nodes=called,
                latent=[
                    name for name, part in zip(called, parts, strict=True) if graph.latent.issuperset(part)
                ],
            ),
            {name: names.of(part) for name, part in zip(called, parts, strict=True)},
            tuple(name for name, loops_here in zip(called, loops, strict=True) if loops_here),
        )


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

    __slots__ = ()

    def _set(self, content: Content) -> None:
        super()._set(content)
        if not content.structure.is_acyclic:
            raise CycleError(self.find_cycle() or [])

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
        names, _ = parents_by_node((), order)
        parents = (range(v) for v in range(len(names)))
        return cls._of(Content(NodeNames(tuple(names)), Structure.of(parents)))

    def topological_order(self) -> tuple[str, ...]:
        """All nodes, parents before children; where there is a choice, the first in ``nodes``.

        >>> DAG.parse("C -> B -> A; D").topological_order()
        ('C', 'B', 'A', 'D')
        """
        return self._content.names.of(self.structure.topological_order())

    def topological_orders(self) -> Iterator[tuple[str, ...]]:
        """All topological orders, one by one, sorted by the places in ``nodes``; there may be very many.

        >>> list(DAG.parse("A -> C <- B").topological_orders())
        [('A', 'B', 'C'), ('B', 'A', 'C')]
        """
        return map(self._content.names.of, orders.topological_orders(self.structure))

    def factorization(self, order: Sequence[str] | None = None) -> Factorization:
        """The product of P(node | parents), in a topological order.

        >>> DAG.parse("A -> C <- B").factorization().text()
        'P(A, B, C) = P(A) P(B) P(C | A, B)'
        """
        names, parents = self._content.names, self.structure.parents
        return Factorization(tuple((names.all[v], names.of(parents[v])) for v in self._ordered(order)))

    def is_d_separated(self, x: Names, y: Names, given: Names = ()) -> bool:
        """Whether ``given`` blocks every path between ``x`` and ``y`` (names or sets); linear in the graph.

        True means that x and y are independent given the set in every distribution that factorises along
        the DAG.  Raises ``UnknownNameError`` and, for sets that overlap or an empty x or y, ``InputError``.

        >>> dag = DAG.parse("A -> C <- B; C -> D")
        >>> dag.is_d_separated("A", "B"), dag.is_d_separated("A", "B", given="D")
        (True, False)
        """
        return not separation.is_open(self.structure, *separation.query(self._content, x, y, given))

    def d_separated_from(self, x: Names, given: Names = ()) -> tuple[str, ...]:
        """Every observed node that is d-separated from ``x`` given the set; together they are, too.

        >>> DAG.parse("A -> B -> C; D").d_separated_from("A", given="B")
        ('C', 'D')
        """
        return self._content.names.of(separation.separated_from(self._content, x, given))

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
        asked = separation.query(self._content, x, y, given)
        return explanation.explain(self._content, *asked, max_paths=check_integer(max_paths, "max_paths"))

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
        limit = check_integer(limit, "limit", most=math.inf)
        statements = self.iter_implied_independencies(kind, order=order)
        if kind == "all_pairs":
            independencies.check_all_pairs(self.structure, limit)
        return list(islice(statements, min(limit, sys.maxsize)))

    def iter_implied_independencies(
        self, kind: Kind = "missing_edge", *, order: Sequence[str] | None = None
    ) -> Iterator[Independence]:
        """``implied_independencies`` one by one, without a limit: the first come at once, however many follow.

        >>> edges = [(a, b) for i in range(60) for a in (f"a{i}", f"b{i}") for b in (f"a{i+1}", f"b{i+1}")]
        >>> next(DAG(edges).iter_implied_independencies()).text()
        'a0 ⟂ b0'
        """
        check_choice(kind, "kind", get_args(Kind))
        if order is not None and kind != "ordered":
            raise InputError(f"order belongs to kind='ordered'; leave it out for kind={kind!r}")
        if kind == "all_pairs":
            return independencies.all_pairs(self._content)
        if kind == "ordered":
            return independencies.ordered(self._content, self._ordered(order))
        if kind == "local":
            return independencies.local(self._content)
        return independencies.missing_edge(self._content)

    def minimal_d_separators(self, x: Names, y: Names) -> Iterator[tuple[str, ...]]:
        """Every observed set that separates ``x`` and ``y`` and has no proper subset that does; polynomial delay.

        Nothing is yielded where no set separates them; ``()`` where they are separated as they are.

        >>> list(DAG.parse("A -> {B C} -> D").minimal_d_separators("A", "D"))
        [('B', 'C')]
        """
        xs, ys, _ = separation.query(self._content, x, y, ())
        graph = self.structure
        return map(self._content.names.of, separators.minimal_separators(graph, xs, ys, graph.latent))

    def minimum_d_separator(self, x: Names, y: Names) -> tuple[str, ...] | None:
        """An observed set with the fewest nodes that separates ``x`` and ``y``; ``None`` where none does.

        >>> DAG.parse("A -> {B C} -> D -> E").minimum_d_separator("A", "E")
        ('D',)
        """
        xs, ys, _ = separation.query(self._content, x, y, ())
        separator = separators.minimum_separator(self.structure, xs, ys, self.structure.latent)
        return None if separator is None else self._content.names.of(separator)

    def markov_blanket(self, node: str) -> tuple[str, ...]:
        """Parents, children and the children's other parents: given these, all else tells nothing more.

        In place of a latent one come those behind it: the blanket is the least that holds among observed nodes.

        >>> DAG.parse("A -> B -> C <- D").markov_blanket("B")
        ('A', 'C', 'D')
        """
        names = self._content.names
        return names.of(sorted(moral.blanket(self.structure, names.id(node))))

    def moral_graph(self) -> tuple[tuple[str, str], ...]:
        """The pairs that are joined by an edge or by a common child, without direction.

        >>> DAG.parse("A -> C <- B").moral_graph()
        (('A', 'C'), ('A', 'B'), ('C', 'B'))
        """
        name = self.nodes
        around = moral.moral_neighbours(self.structure)
        return tuple((name[a], name[b]) for a, beside in enumerate(around) for b in sorted(beside) if a < b)

    def v_structures(self) -> tuple[tuple[str, str, str], ...]:
        """All ``(a, c, b)`` with a -> c <- b and no edge between a and b.

        >>> DAG.parse("A -> C <- B; C -> D").v_structures()
        (('A', 'C', 'B'),)
        """
        name = self.nodes
        return tuple((name[a], name[c], name[b]) for a, c, b in moral.unshielded_colliders(self.structure))

    def cpdag(self) -> PDAG:
        """The completed partially directed graph: directed edges are those that all equivalent DAGs share.

        >>> DAG.parse("A -> B -> D <- C").cpdag()
        PDAG.parse('A; B; D; C; B -> D; C -> D; A -- B')
        """
        return PDAG._holding(equivalence.cpdag(self._content))

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
        for name in set(self.nodes) ^ set(other.nodes):
            raise InputError(f"only one of the two graphs has the node {name!r}; give both the same nodes")
        return self.cpdag() == other.cpdag()

    def equivalent_dags(self) -> Iterator[Self]:
        """All DAGs with the same d-separations, each once, this one among them; polynomial delay.

        >>> [dag.edges for dag in DAG.parse("A -> B -> C").equivalent_dags()]
        [(('A', 'B'), ('B', 'C')), (('B', 'A'), ('B', 'C')), (('B', 'A'), ('C', 'B'))]
        """
        members = equivalence.equivalent_parents(self.structure)
        return (self._of(self._content.with_parents(parents)) for parents in members)

    def adjustment_sets(
        self,
        cause: Names,
        effect: Names,
        *,
        kind: adjustment.Kind = "minimal",
        included: Names | None = None,
    ) -> Iterator[tuple[str, ...]]:
        """The observed sets that identify the total effect of ``cause`` on ``effect`` by adjustment.

        Cause and effect are one node or several; the criterion is complete: no other set does.  ``"minimal"``: all
        without a proper subset that does; ``"minimum"``: one with the fewest nodes; ``"all"``: all.  They are found
        one by one, and ``()`` is one of them; nothing comes where none exists.  Each set holds all nodes that are
        ``included``: without it those that the graph marks as ``adjusted``.

        >>> dag = DAG.parse("X <- Z1 -> Z2 -> Y; X -> M -> Y")
        >>> list(dag.adjustment_sets("X", "Y")), list(dag.adjustment_sets("X", "Y", included="M"))
        ([('Z1',), ('Z2',)], [])
        """
        question = adjustment.Adjustment.of(self._content, cause, effect, included)
        return map(self._content.names.of, question.sets(kind))

    def is_adjustment_set(self, cause: Names, effect: Names, given: Names | None = None) -> bool:
        """Whether the set identifies the total effect of ``cause`` on ``effect`` by adjustment.

        Without ``given`` it is about the nodes that the graph marks as ``adjusted``, which may be none.

        >>> DAG.parse("X <- Z -> Y; X -> Y").is_adjustment_set("X", "Y", "Z")
        True
        """
        return self.explain_adjustment(cause, effect, given).valid

    def explain_adjustment(
        self, cause: Names, effect: Names, given: Names | None = None
    ) -> AdjustmentExplanation:
        """Whether the set is an adjustment set, and if not, which of its nodes or which path spoils it.

        Without ``given`` it is about the nodes that the graph marks as ``adjusted``, which may be none.

        >>> print(DAG.parse("X <- Z -> Y; X -> Y").explain_adjustment("X", "Y").text())
        nothing is not an adjustment set for the effect of X on Y
          X <- Z -> Y: open at Z (fork, not observed)
        """
        included = None if given is None else ()
        return adjustment.Adjustment.of(self._content, cause, effect, included).explain(given)

    def backdoor_sets(
        self,
        cause: str,
        effect: Names,
        *,
        kind: adjustment.Kind = "minimal",
        included: Names | None = None,
    ) -> Iterator[tuple[str, ...]]:
        """The observed sets that meet Pearl's back-door criterion; the rest is as in ``adjustment_sets``.

        >>> list(DAG.parse("X <- Z1 -> Z2 -> Y; X -> M -> Y").backdoor_sets("X", "Y", kind="all"))
        [('Z2',), ('Z1',), ('Z1', 'Z2')]
        """
        question = adjustment.Adjustment.by_back_door(self._content, cause, effect, included)
        return map(self._content.names.of, question.sets(kind))

    def identify(self, treatments: Names, outcomes: Names, given: Names = ()) -> Effect:
        """P(outcomes | do(treatments), given) as a formula of the observed distribution, or why there is none.

        By a back-door, adjustment or front-door set where there is one, else by the ID algorithm, which is complete:
        where it fails, a hedge shows that the effect is not identifiable.  Each argument is one name or several.

        >>> dag = DAG.parse("X -> M -> Y; U [latent]; X <- U -> Y")
        >>> print(dag.identify("X", "Y").text())
        P(Y | do(X)) = ∑_M P(M | X) ∑_X' P(Y | X', M) P(X')
          by the front-door set M; there is no adjustment set
        """
        return effects.identify(self._content, treatments, outcomes, given)

    def instruments(self, cause: str, effect: str) -> tuple[Instrument, ...]:
        """The observed nodes that are instruments for the effect, each with a set given which it is one.

        >>> [z.text() for z in DAG.parse("W -> Z -> X -> Y <- W; U [latent]; X <- U -> Y").instruments("X", "Y")]
        ['Z given W']
        """
        return tuple(instruments(self._content, cause, effect))

    def intervened(self, nodes: Names) -> Self:
        """The graph once ``nodes`` are set from outside: without the edges into them; marks are kept.

        >>> DAG.parse("A -> B -> C; A -> C").intervened("B").edges
        (('A', 'C'), ('B', 'C'))
        """
        cut = self._content.names.ids("nodes", nodes, may_be_empty=True)
        above = self.structure.parents
        return self._of(self._content.with_parents(() if v in cut else us for v, us in enumerate(above)))

    @classmethod
    def _holding(cls, content: Content) -> Self:
        """The DAG that a graph here makes of its own content."""
        return cls._of(content)

    def _ordered(self, order: Sequence[str] | None) -> Sequence[int]:
        """``order``, or without it the DAG's own, as indices."""
        if order is None:
            return self.structure.topological_order()
        return orders.checked_order(self.structure, self._content.names, order)


class PDAG(MixedGraph):
    """A partially directed graph, immutable: some edges have a direction, ``A -> B``, some have none, ``A -- B``.

    It stands for the DAGs that have the same pairs joined, its directed edges and no v-structure besides its own: its
    consistent extensions.  Two nodes have at most one edge between them.  Nodes and marks are as in ``DAG``; as a text
    it has ``--``, ``pdag { … }`` of DAGitty, or edges of DOT with ``dir=none``.  Directed cycles are allowed, then no
    DAG extends it.  Raises ``InputError`` for two edges between two nodes, and else as ``DirectedGraph``.

    >>> graph = PDAG.parse("pdag { 1 -- 2  1 -> 3 }")
    >>> graph.directed, graph.undirected
    ((('1', '3'),), (('1', '2'),))
    >>> graph == PDAG([("1", "3")], [("2", "1")])
    True
    """

    __slots__ = ()

    def consistent_extension(self) -> DAG:
        """A DAG that the graph stands for (Dor and Tarsi 1992); ``NoExtensionError`` says why there is none.

        >>> PDAG.parse("A -> C <- B; C -- D -- E").consistent_extension().edges
        (('A', 'C'), ('C', 'D'), ('B', 'C'), ('D', 'E'))
        >>> PDAG.parse("A -> B -- C -> D -- A").consistent_extension()
        Traceback (most recent call last):
            ...
        chainrule.core.errors.NoExtensionError: no DAG extends the graph: whichever of A, B, C, D comes last \
has an edge to another of them, or becomes a new v-structure (C -> B <- A; A -> D <- C); take an edge out, or direct \
the edges of one of these
        """
        return DAG._holding(self._content.with_parents(self._extended()))

    def consistent_dags(self) -> Iterator[DAG]:
        """All DAGs that the graph stands for, each once; polynomial delay.  ``NoExtensionError`` where there is none.

        >>> [dag.edges for dag in PDAG.parse("A -- B -- C").consistent_dags()]
        [(('A', 'B'), ('B', 'C')), (('B', 'A'), ('B', 'C')), (('B', 'A'), ('C', 'B'))]
        """
        self._extended()
        members = all_parents(HalfDirected.of(self.mixed).complete())
        return (DAG._holding(self._content.with_parents(parents)) for parents in members)

    @classmethod
    def _holding(cls, content: Content) -> Self:
        """The graph that a DAG here makes of its own content."""
        return cls._of(content)
