"""A network as the flat arrays that the loops over rows read, and room for what they write."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.elimination import follow_order
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.row_inference.layout import Net, room_sizes

__all__ = ["RowPlan", "plan_rows"]


@dataclass(frozen=True)
class RowPlan:
    """The network, and how many integers and numbers the loops need as room."""

    net: Net
    n_integers: int
    n_numbers: int

    @property
    def n_bytes(self) -> int:
        """Bytes of the room."""
        return 8 * (self.n_integers + self.n_numbers)

    def room(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The room, for one call at a time."""
        return np.empty(self.n_integers, np.int64), np.empty(self.n_numbers)


def plan_rows(network: DiscreteNetwork) -> RowPlan:
    """The plan for rows of ``network``: its order of elimination where nothing is known serves all of them."""
    sizes, d = network.sizes, len(network.sizes)
    families = [(*above, v) for v, above in enumerate(network.parents)]
    scopes = [[u for u in family if sizes[u] > 1] for family in families]
    found = follow_order(network.elimination_order.tolist(), scopes, sizes)
    n, place = len(found.order), {v: i for i, v in enumerate(found.order)}
    cliques = [sorted(clique, key=place.__getitem__, reverse=True) for clique in found.cliques]
    tables = network.tables
    states = [sizes[v] for v in found.order]
    net = Net(
        d=d,
        n=n,
        widest=max((len(clique) for clique in cliques), default=1),
        sizes=_integers(sizes),
        families=_begins([len(family) for family in families]),
        tables=_begins([table.size for table in tables]),
        places=_integers([place.get(v, n) for v in range(d)]),
        members=_integers([u for family in families for u in family]),
        strides=np.concatenate([_strides(table) for table in tables]),
        values=network.values,
        least=np.array([table[table > 0].min() for table in tables]),
        upward=_integers(network.order[::-1]),
        order=_integers(found.order),
        cliques=_integers([v for clique in cliques for v in clique]),
        begins=_begins([len(clique) for clique in cliques]),
        owns=_begins(states),
    )
    return RowPlan(net, *room_sizes(d, n, net.widest, len(net.cliques), sum(states), max(sizes)))


def _integers(values: list[int] | tuple[int, ...]) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _begins(counts: list[int]) -> NDArray[np.int64]:
    """Where parts of these lengths begin, and where the last ends.

    >>> _begins([2, 3]).tolist()
    [0, 2, 5]
    """
    return np.cumsum([0, *counts], dtype=np.int64)


def _strides(table: NDArray[np.float64]) -> NDArray[np.int64]:
    """How far apart entries are along each axis of a table in C order.

    >>> _strides(np.empty((2, 3, 4))).tolist()
    [12, 4, 1]
    """
    return np.cumprod((1, *table.shape[:0:-1]), dtype=np.int64)[::-1]
