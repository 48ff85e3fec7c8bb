"""Which variables the factor of each variable reads: the graph that an autoregressive model is made of.

    p(x) = prod_i p(x_i | parents(x_i))

An *order* is the complete graph in that order: every variable reads all before it.  Any other DAG is the same
thing with fewer parents.  Everything here is by column; names come in and go out at the edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import as_list
from chainrule.core.errors import InputError
from chainrule.core.forks import cached_property
from chainrule.core.randomness import RandomState
from chainrule.core.text import as_written
from chainrule.graphs import DAG
from chainrule.models.shared.dag_setting import parsed_dag
from chainrule.models.shared.ordering import Ordering, parse_ordering, positions

__all__ = ["Factorization"]


@dataclass(frozen=True, eq=False)
class Factorization:
    """Parents by column: ``order`` (d,) lists the columns so that parents come first.

    ``graph`` is the DAG, or ``None`` where every variable reads all that come before it in ``order``.

    >>> f = Factorization.of_order([2, 0, 1])
    >>> f.parents.astype(int).tolist(), f.depth
    ([[0, 0, 1], [1, 0, 1], [0, 0, 0]], 3)
    >>> Factorization.of_dag(DAG.parse("a -> b; a -> c"), ["a", "b", "c"]).depth
    2
    """

    names: tuple[str, ...]
    order: NDArray[np.intp]
    graph: DAG | None = None

    @classmethod
    def of_order(
        cls,
        ordering: Ordering,
        names: tuple[str, ...] | None = None,
        *,
        d: int | None = None,
        rng: RandomState = None,
    ) -> Self:
        """Every variable reads all before it in ``ordering`` (see ``ordering.parse_ordering``)."""
        order = parse_ordering(ordering, d if names is None else len(names), names=names, rng=rng)
        return cls(names or tuple(f"x{i + 1}" for i in range(len(order))), order)

    @classmethod
    def of(cls, graph: Factorization | Ordering) -> Factorization:
        """``graph`` itself, or that of an ordering of variables without names.

        >>> Factorization.of([1, 0]).parents.astype(int).tolist()
        [[0, 1], [0, 0]]
        """
        return graph if isinstance(graph, Factorization) else cls.of_order(graph)

    @classmethod
    def of_dag(cls, dag: DAG | str, names: tuple[str, ...] | list[str]) -> Self:
        """The factorization that ``dag`` states; its nodes are ``names``, in any order.

        Raises ``InputError`` where a node is no variable, a variable no node, or a node is latent.
        """
        graph = parsed_dag(dag)
        if graph.latent:
            raise InputError(
                f"{graph.latent[0]!r} is latent, and every variable has a factor here; leave it out"
            )
        odd = sorted(set(graph.nodes) ^ set(names))
        if odd:
            what = "a node of the dag and no variable" if odd[0] in graph.nodes else "a variable and no node"
            raise InputError(f"{odd[0]!r} is {what}; the nodes of the dag are the columns of the table")
        graph = DAG(graph.edges, names)  # nodes in the order of the columns, however they were written
        column = {name: i for i, name in enumerate(names)}
        order = np.array([column[v] for v in graph.topological_order()], np.intp)
        return cls(tuple(names), order, graph)

    def __len__(self) -> int:
        return len(self.order)

    @cached_property
    def place(self) -> NDArray[np.intp]:
        """The place of each column in ``order``, (d,)."""
        return positions(self.order)

    @cached_property
    def parents(self) -> NDArray[np.bool_]:
        """Whether variable i reads variable j, (d, d)."""
        if self.graph is None:
            return self.place[:, None] > self.place[None, :]
        out = np.zeros((len(self), len(self)), np.bool_)
        column = {name: i for i, name in enumerate(self.names)}
        for above, below in self.graph.edges:
            out[column[below], column[above]] = True
        return out

    @cached_property
    def is_order(self) -> bool:
        """Whether every variable reads all before it."""
        return self.graph is None or bool(self.parents.sum() == len(self) * (len(self) - 1) // 2)

    @cached_property
    def reach(self) -> NDArray[np.intp]:
        """How many variables must be known before the one at each place of ``order`` is, (d,).

        Its last parent is at the place before; 0 where it has none.  Of an order, the place itself.
        """
        if self.is_order:
            return np.arange(len(self))
        last = np.where(self.parents, self.place, -1).max(axis=1, initial=-1)
        return (last + 1)[self.order]

    @cached_property
    def levels(self) -> list[NDArray[np.intp]]:
        """The columns in groups that can be drawn together: a variable's parents are in groups before its own.

        >>> [g.tolist() for g in Factorization.of_dag("a -> c <- b; c -> d; e", list("abcde")).levels]
        [[0, 1, 4], [2], [3]]
        """
        level = np.zeros(len(self), np.intp)
        for t, i in enumerate(self.order):
            level[i] = t if self.is_order else 1 + level[self.parents[i]].max(initial=-1)
        return [self.order[level[self.order] == k] for k in range(int(level.max(initial=-1)) + 1)]

    def turns(self, order: NDArray[np.intp] | None = None) -> list[NDArray[np.intp]]:
        """The columns in groups that are decided together: ``levels``, or one by one in ``order`` (d,)."""
        return self.levels if order is None else list(order[:, None])

    def checked_order(self, order: ArrayLike) -> NDArray[np.intp]:
        """``order`` as columns (d,); ``InputError`` unless each comes once, after all that its factor reads."""
        listed = as_list(order, "order", of="columns")
        if not all(isinstance(i, (int, np.integer)) for i in listed) or sorted(listed) != list(
            range(len(self))
        ):
            raise InputError(
                f"order must list each of the {len(self)} columns once, by number; got {as_written(order)}"
            )
        found = np.array(listed, np.intp)
        place = positions(found)
        late = np.argwhere(self.parents & (place[None] > place[:, None]))
        if len(late):
            i, j = late[0]
            raise InputError(
                f"the factor of {self.names[i]!r} reads {self.names[j]!r}, which comes after it; take ordering_"
            )
        return found

    @property
    def depth(self) -> int:
        """How many passes sampling takes: variables whose parents are drawn are drawn together."""
        return len(self) if self.is_order else len(self.levels)

    def needed(self, observed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The variables whose factors do not sum to one when only ``observed`` (d,) are: they and all above them."""
        out = observed.copy()
        if self.graph is None:
            if observed.any():
                out[self.order[: self.place[observed].max() + 1]] = True
            return out
        for i in self.order[::-1]:
            if out[i]:
                out |= self.parents[i]
        return out

    def to_dag(self) -> DAG:
        """The graph by name."""
        return DAG.fully_connected([self.names[i] for i in self.order]) if self.graph is None else self.graph
