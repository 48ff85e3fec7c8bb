"""What a partially directed graph has by itself: edges of both kinds by name, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, NoExtensionError
from chainrule.graphs import equivalence
from chainrule.graphs.edges import mixed_edges
from chainrule.graphs.formats.description import Description
from chainrule.graphs.named_nodes import NamedNodes, checked_content
from chainrule.graphs.outside import matrix_edges, to_matrix
from chainrule.graphs.partially_directed.class_size import n_extensions
from chainrule.graphs.partially_directed.completeness import CompletenessExplanation
from chainrule.graphs.partially_directed.extension import Stuck, extended_parents
from chainrule.graphs.partially_directed.mixed import Mixed
from chainrule.graphs.partially_directed.orienting import HalfDirected
from chainrule.graphs.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["MixedGraph"]


class MixedGraph(NamedNodes):
    """An immutable graph with directed and undirected edges: all of ``PDAG`` but the DAGs that it gives."""

    __slots__ = ()

    _takes_undirected: ClassVar[bool] = True

    def __init__(
        self,
        directed: Iterable[tuple[str, str]] = (),
        undirected: Iterable[tuple[str, str]] = (),
        nodes: Iterable[str] | None = None,
        *,
        latent: Iterable[str] = (),
        positions: Mapping[str, tuple[float, float]] | None = None,
        exposures: Iterable[str] = (),
        outcomes: Iterable[str] = (),
        adjusted: Iterable[str] = (),
    ) -> None:
        names, parents, pairs = mixed_edges(directed, undirected, nodes)
        marks = {"positions": positions, "exposures": exposures, "outcomes": outcomes, "adjusted": adjusted}
        self._set(checked_content(names, parents, pairs, latent=latent, **marks))

    @classmethod
    def _described(cls, found: Description) -> Self:
        return cls(found.edges, found.undirected, found.nodes, **found.marks())

    @classmethod
    def from_adjacency(cls, matrix: ArrayLike, nodes: Iterable[str] | None = None) -> Self:
        """The graph with ``nodes[i] -> nodes[j]`` where ``matrix[i, j]`` (n, n) is 1, and ``--`` where both ways are.

        As ``DAG.from_adjacency``.

        >>> from chainrule.graphs import PDAG
        >>> PDAG.from_adjacency([[0, 1, 1], [1, 0, 0], [0, 0, 0]], nodes=["A", "B", "C"])
        PDAG.parse('A; B; C; A -> C; A -- B')
        """
        edges, names = matrix_edges(matrix, nodes)
        both = {(a, b) for a, b in edges if a != b} & {(b, a) for a, b in edges}
        return cls([edge for edge in edges if edge not in both], both, names)

    def to_adjacency(self) -> NDArray[np.uint8]:
        """The matrix (n, n) with 1 in row i, column j for ``nodes[i] -> nodes[j]``, and in both places for ``--``.

        >>> from chainrule.graphs import PDAG
        >>> PDAG.parse("A -- B -> C").to_adjacency().tolist()
        [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
        """
        matrix = to_matrix(self._content.structure)
        for u, v in self._content.undirected:
            matrix[u, v] = matrix[v, u] = 1
        return matrix

    @property
    def mixed(self) -> Mixed:
        """The edges by index, as a frozen value: ``nodes[i]`` is node i.  What algorithms read."""
        return Mixed.of(self._content)

    @property
    def directed(self) -> tuple[tuple[str, str], ...]:
        """The directed edges ``(parent, child)``, by parent, then by child."""
        return tuple(self._content.edges())

    @property
    def undirected(self) -> tuple[tuple[str, str], ...]:
        """The undirected edges, each once, the node that comes first in ``nodes`` first."""
        return tuple(self._content.undirected_edges())

    @property
    def n_edges(self) -> int:
        """The number of edges of both kinds."""
        return self._content.structure.n_edges + len(self._content.undirected)

    def parents(self, node: str) -> tuple[str, ...]:
        """The nodes with a directed edge into ``node``."""
        names = self._content.names
        return names.of(self._content.structure.parents[names.id(node)])

    def children(self, node: str) -> tuple[str, ...]:
        """The nodes with a directed edge from ``node``."""
        names = self._content.names
        return names.of(self._content.structure.children[names.id(node)])

    def neighbours(self, node: str) -> tuple[str, ...]:
        """The nodes that an undirected edge joins to ``node``.

        >>> from chainrule.graphs import PDAG
        >>> PDAG.parse("A -> B -- C").neighbours("B")
        ('C',)
        """
        names = self._content.names
        return names.of(sorted(self.mixed.neighbours[names.id(node)]))

    def v_structures(self) -> tuple[tuple[str, str, str], ...]:
        """All ``(a, c, b)`` with a -> c <- b and no edge between a and b."""
        return tuple((a, c, b) for a, c, b in map(self._content.names.of, self.mixed.v_structures()))

    def is_cpdag(self) -> bool:
        """Whether it is the CPDAG of a class of Markov equivalent DAGs: ``explain_cpdag`` says why not.

        >>> from chainrule.graphs import PDAG
        >>> PDAG.parse("A -> C <- B; C -> D").is_cpdag(), PDAG.parse("A -> C <- B; C -- D").is_cpdag()
        (True, False)
        """
        return self.explain_cpdag().is_cpdag

    def explain_cpdag(self) -> CompletenessExplanation:
        """Whether it is a CPDAG, and if not, which edges say too much or too little.

        >>> from chainrule.graphs import PDAG
        >>> print(PDAG.parse("A -> C <- B; C -- D").explain_cpdag().text())
        not a CPDAG
          C -- D is undirected, and all of the class have C -> D
        """
        try:
            compelled = equivalence.compelled_edges(Structure.of(self._extended()))
        except NoExtensionError as e:
            return CompletenessExplanation(False, without_extension=str(e))
        graph, names = self.mixed, self._content.names
        here = set(graph.directed())
        too_directed = sorted(here - compelled)
        too_open = sorted(compelled - here)
        return CompletenessExplanation(
            not (too_directed or too_open),
            too_directed=tuple((names.all[a], names.all[b]) for a, b in too_directed),
            too_open=tuple((names.all[a], names.all[b]) for a, b in too_open),
        )

    def completed(self, directed: Iterable[tuple[str, str]] | str = ()) -> Self:
        """The graph with all directions that its DAGs share, by Meek's rules; marks are kept.

        ``directed`` edges, pairs or the text of a graph, are known besides (background knowledge): each is an edge that
        is undirected, or has this direction.  Raises ``NoExtensionError`` where no DAG extends the graph, and
        ``InputError`` where no DAG among those that do has these edges.

        >>> from chainrule.graphs import PDAG
        >>> PDAG.parse("A -- B -- C; A -- D").completed("A -> B")
        PDAG.parse('A -> B; B -> C; A -- D')
        """
        self._extended()
        half = HalfDirected.of(self.mixed).complete()
        for a, b in self._known(directed):
            if b in half.undirected[a]:
                half.direct(a, b)
            elif b not in half.children[a]:
                one, other = self._content.names.of((a, b))
                raise InputError(
                    f"{one} -> {other} cannot be: {other} -> {one} follows from the other directions; drop one of them"
                )
        found = half.mixed()
        return self._of(self._content.with_parents(map(sorted, found.parents), found.undirected()))

    def n_dags(self, *, max_steps: int = 10_000) -> int:
        """The number of DAGs that the graph stands for, its consistent extensions; 0 where there is none.

        Of a CPDAG in polynomial time, by clique picking (Wienöbst et al. 2021).  Other graphs are hard to count: some
        edges are directed both ways, one after another, and above ``max_steps`` of these ``TooLargeError`` is raised.

        >>> from chainrule.graphs import DAG, PDAG
        >>> PDAG.parse("A -- B -- C -- A").n_dags(), PDAG.parse("A -- B -- C -- D -- A").n_dags()
        (6, 0)
        >>> DAG.fully_connected(f"x{i}" for i in range(30)).cpdag().n_dags()
        265252859812191058636308480000000
        """
        most = check_integer(max_steps, "max_steps")
        graph = self.mixed
        if isinstance(extended_parents(graph), Stuck):
            return 0
        return n_extensions(HalfDirected.of(graph).complete(), most)

    def _extended(self) -> list[tuple[int, ...]]:
        """The parents in a consistent extension; ``NoExtensionError``."""
        found = extended_parents(self.mixed)
        if isinstance(found, Stuck):
            names = self._content.names
            raise NoExtensionError(
                names.of(found.left), names.of(found.cycle), [names.of(c) for c in found.colliders]
            )
        return found

    def _known(self, directed: Any) -> list[tuple[int, int]]:
        names, graph = self._content.names, self.mixed
        known = type(self).parse(directed) if isinstance(directed, str) else type(self)(directed)
        for a, b in known.undirected:
            raise InputError(f"{a} -- {b} has no direction; give the edges that are known as {a} -> {b}")
        edges = [(names.id(a), names.id(b)) for a, b in known.directed]
        for a, b in edges:
            if b not in graph.adjacent(a):
                one, other = names.of((a, b))
                raise InputError(
                    f"{one} -> {other} is no edge of the graph, with or without a direction; leave it out, or add it"
                )
        return edges

    def _parts(self) -> tuple[frozenset[Any], ...]:
        undirected = frozenset(map(frozenset, self.undirected))
        return frozenset(self.nodes), frozenset(self.directed), undirected, frozenset(self.latent)

    def __eq__(self, other: object) -> bool:
        """Same kind, same names, same edges, same latent nodes; the order of the nodes does not matter."""
        if type(other) is not type(self) or not isinstance(other, MixedGraph):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())
