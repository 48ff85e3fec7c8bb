"""How far a graph is from another one, such as a learned one from the truth.

The *structural Hamming distance* (SHD) counts the pairs of nodes that the two join in different ways: in one graph
only, in opposite directions, or with a direction in one and without in the other; each such pair counts 1 (Tsamardinos,
Brown and Aliferis 2006).  Where rows are all that a graph was learned from, it says more between the CPDAGs of the two,
since rows cannot tell the DAGs of a class apart.  The *structural intervention distance* is in
``intervention_distance``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.core.checks import check_instance
from chainrule.core.errors import InputError, NoExtensionError
from chainrule.core.records import to_plain
from chainrule.graphs.dag import DAG, PDAG
from chainrule.graphs.intervention_distance import intervention_distance
from chainrule.graphs.structure import Structure

__all__ = ["Agreement", "GraphComparison", "compare_graphs"]

Edge = tuple[str, str]


@dataclass(frozen=True)
class Agreement:
    """Of ``n_found`` things found and ``n_true`` true ones, ``n_common`` are the same."""

    n_found: int
    n_true: int
    n_common: int

    @classmethod
    def of(cls, found: set[Any], truth: set[Any]) -> Agreement:
        """The agreement of two sets."""
        for name, things in (("found", found), ("truth", truth)):
            check_instance(things, set | frozenset, name, like="a set")
        return cls(len(found), len(truth), len(found & truth))

    @property
    def precision(self) -> float | None:
        """The share of what was found that is true; ``None`` where nothing was found."""
        return self.n_common / self.n_found if self.n_found else None

    @property
    def recall(self) -> float | None:
        """The share of what is true that was found; ``None`` where nothing is true."""
        return self.n_common / self.n_true if self.n_true else None

    def text(self) -> str:
        """Both, with the numbers that they come from."""
        shares = [
            f"{name} {'–' if share is None else format(share, '.3f')} ({self.n_common} of {n})"
            for name, share, n in (
                ("precision", self.precision, self.n_found),
                ("recall", self.recall, self.n_true),
            )
        ]
        return ", ".join(shares)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self) | {"precision": self.precision, "recall": self.recall}


@dataclass(frozen=True)
class GraphComparison:
    """What a graph has otherwise than the true one.

    ``shd`` is the number of pairs in ``missing``, ``extra``, ``turned`` (opposite directions) and ``half_directed``
    (with a direction in one of the two only); pairs as the true graph has them, ``extra`` ones as the other.
    ``cpdag_shd`` is the distance of the CPDAGs of the two, ``None`` where no DAG extends one of them.  ``sid``, the
    structural intervention distance, is ``None`` where one of the two is no DAG.  ``n_pairs`` is what ``shd`` is at
    most; ``sid`` is at most twice that.
    """

    missing: tuple[Edge, ...]
    extra: tuple[Edge, ...]
    turned: tuple[Edge, ...]
    half_directed: tuple[Edge, ...]
    cpdag_shd: int | None
    sid: int | None
    skeleton: Agreement
    v_structures: Agreement
    n_pairs: int

    @property
    def shd(self) -> int:
        """The structural Hamming distance of the two as they are."""
        return sum(map(len, (self.missing, self.extra, self.turned, self.half_directed)))

    def text(self) -> str:
        """The distances, the agreement, then what is otherwise."""
        lines = [f"structural Hamming distance {self.shd} of {self.n_pairs} pairs"]
        lines += [
            "no CPDAG distance: no DAG extends one of the two"
            if self.cpdag_shd is None
            else f"structural Hamming distance of the CPDAGs {self.cpdag_shd}"
        ]
        if self.sid is not None:
            lines.append(f"structural intervention distance {self.sid} of {2 * self.n_pairs} effects")
        lines += [f"skeleton: {self.skeleton.text()}", f"v-structures: {self.v_structures.text()}"]
        for name in ("missing", "extra", "turned", "half_directed"):
            if edges := getattr(self, name):
                lines.append(f"{name.replace('_', ' ')}: {', '.join(f'{a} – {b}' for a, b in edges)}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        agreement = {"skeleton": self.skeleton.to_dict(), "v_structures": self.v_structures.to_dict()}
        return to_plain({"shd": self.shd} | asdict(self) | agreement)


def compare_graphs(found: DAG | PDAG, truth: DAG | PDAG) -> GraphComparison:
    """The distances of ``found`` from ``truth``, two graphs with the same nodes; latent marks do not count.

    Raises ``InputError`` for other things than a DAG or a PDAG, and where the nodes are not the same.

    >>> c = compare_graphs(DAG.parse("A <- B -> C; A -> D"), DAG.parse("A -> B -> C; D"))
    >>> c.shd, c.cpdag_shd, c.sid, c.turned, c.extra
    (2, 1, 3, (('A', 'B'),), (('A', 'D'),))
    """
    for what, graph in (("found", found), ("truth", truth)):
        if not isinstance(graph, (DAG, PDAG)):
            raise InputError(f"{what} must be a DAG or a PDAG; got {type(graph).__name__}")
    for name in set(found.nodes) ^ set(truth.nodes):
        raise InputError(f"only one of the two graphs has the node {name!r}; give both the same nodes")
    here, there = _ways(found), _ways(truth)
    both = [pair for pair in there if pair in here and here[pair] != there[pair]]
    turned = [pair for pair in both if None not in (here[pair], there[pair])]
    shown = dict.fromkeys((*here, *there))
    order = {name: i for i, name in enumerate(truth.nodes)}

    def edges(pairs: Iterable[frozenset[str]]) -> tuple[Edge, ...]:
        listed = []
        for pair in pairs:
            a, b = sorted(pair, key=order.__getitem__)
            listed.append(there.get(pair) or here.get(pair) or (a, b))
        return tuple(sorted(listed, key=lambda edge: (order[edge[0]], order[edge[1]])))

    n = len(truth)
    return GraphComparison(
        missing=edges(pair for pair in shown if pair not in here),
        extra=edges(pair for pair in shown if pair not in there),
        turned=edges(turned),
        half_directed=edges(pair for pair in both if pair not in turned),
        cpdag_shd=_cpdag_distance(found, truth),
        sid=_sid(found, truth),
        skeleton=Agreement.of(set(here), set(there)),
        v_structures=Agreement.of(_colliders(found), _colliders(truth)),
        n_pairs=n * (n - 1) // 2,
    )


def _ways(graph: DAG | PDAG) -> dict[frozenset[str], Edge | None]:
    """The directed edge that joins each pair, ``None`` for an undirected one."""
    directed = graph.edges if isinstance(graph, DAG) else graph.directed
    ways: dict[frozenset[str], Edge | None] = {frozenset(edge): edge for edge in directed}
    return ways if isinstance(graph, DAG) else ways | dict.fromkeys(map(frozenset, graph.undirected))


def _colliders(graph: DAG | PDAG) -> set[Hashable]:
    return {(frozenset((a, b)), c) for a, c, b in graph.v_structures()}


def _cpdag_distance(found: DAG | PDAG, truth: DAG | PDAG) -> int | None:
    try:
        here, there = (
            _ways((graph if isinstance(graph, DAG) else graph.consistent_extension()).cpdag())
            for graph in (found, truth)
        )
    except NoExtensionError:
        return None
    return sum(pair not in here or pair not in there or here[pair] != there[pair] for pair in {*here, *there})


def _sid(found: DAG | PDAG, truth: DAG | PDAG) -> int | None:
    if not (isinstance(found, DAG) and isinstance(truth, DAG)):
        return None
    index = {name: i for i, name in enumerate(truth.nodes)}
    parents = ([index[u] for u in found.parents(v)] for v in truth.nodes)
    return intervention_distance(Structure.of(map(sorted, parents)), Structure.of(truth.structure.parents))
