"""Whether masks do what a graph asks: nothing forbidden gets through, and everything allowed can.

Masks that let nothing forbidden through are *correct*: the network is a distribution that keeps the graph's
independencies.  They are *complete* where each parent has some way to matter.  The first without the second is
easy and useless: with all hidden units of degree 1, no output ever sees more than the first variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import InputError
from chainrule.models.made.masks import Graph, build_masks, reachability
from chainrule.models.shared.factorization import Factorization

__all__ = ["MaskReport", "check_masks", "unreachable_parents"]

_SHOWN = 12  # pairs that are written out


@dataclass(frozen=True)
class MaskReport:
    """What masks let through, beside what the graph allows; pairs are (output, input) by name.

    >>> print(check_masks(build_masks([0, 1, 2], [[1, 1]]), [0, 1, 2]).text())
    correct: no output depends on anything but its parents
    not complete: 1 of 3 parents can never matter: x3 never sees x2
    """

    forbidden: tuple[tuple[str, str], ...]
    unreachable: tuple[tuple[str, str], ...]
    n_parents: int

    @property
    def is_correct(self) -> bool:
        """Whether nothing forbidden gets through."""
        return not self.forbidden

    @property
    def is_complete(self) -> bool:
        """Whether every parent can matter."""
        return not self.unreachable

    def text(self) -> str:
        """Both verdicts, a line each."""
        lines = ["correct: no output depends on anything but its parents"]
        if self.forbidden:
            lines = [f"not correct: {_listed(self.forbidden, 'depends on')}"]
        if self.unreachable:
            lines.append(
                f"not complete: {len(self.unreachable)} of {self.n_parents} parents can never matter: "
                + _listed(self.unreachable, "never sees")
            )
        else:
            lines.append(f"complete: each of the {self.n_parents} parents can matter")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "forbidden": [list(pair) for pair in self.forbidden],
            "unreachable": [list(pair) for pair in self.unreachable],
            "n_parents": self.n_parents,
            "is_correct": self.is_correct,
            "is_complete": self.is_complete,
        }


def check_masks(masks: Sequence[ArrayLike], graph: Graph, *, direct: ArrayLike | None = None) -> MaskReport:
    """Hold ``masks``, (out, in) of each layer in turn, to ``graph``.

    ``direct`` (d, d) are connections straight from input to output.  Costs one product of the masks.  Raises
    ``InputError`` where they are not the masks of one network of the graph's variables.

    >>> f = Factorization.of_dag("a -> b -> c", ["a", "b", "c"])
    >>> check_masks([np.ones((2, 3)), np.ones((3, 2))], f).forbidden[:2]
    (('a', 'a'), ('a', 'b'))
    >>> check_masks(build_masks(f, [[1, 2]]), f).is_complete
    True
    """
    f, reached = Factorization.of(graph), reachability(masks)
    d = len(f)
    if direct is not None and reached.shape == np.shape(direct):
        reached = reached | np.asarray(direct).astype(bool)
    if reached.shape != (d, d) or (direct is not None and np.shape(direct) != (d, d)):
        raise InputError(
            f"the masks lead from {reached.shape[1]} inputs to {reached.shape[0]} outputs, the graph has {d} "
            "variables; pass masks and graph of the same network"
        )
    return MaskReport(_pairs(reached & ~f.parents, f), _pairs(f.parents & ~reached, f), int(f.parents.sum()))


def unreachable_parents(graph: Graph, degrees: Sequence[ArrayLike], direct: bool) -> MaskReport:
    """The report on the masks of ``degrees``; quick, since units of one degree see and are seen alike."""
    f = Factorization.of(graph)
    masks = build_masks(f, [np.unique(np.asarray(m)) for m in degrees])
    return check_masks(masks, f, direct=f.parents if direct else None)


def _pairs(found: NDArray[np.bool_], f: Factorization) -> tuple[tuple[str, str], ...]:
    """In the order of generation."""
    places = np.argwhere(found[np.ix_(f.order, f.order)])
    return tuple((f.names[f.order[i]], f.names[f.order[j]]) for i, j in places)


def _listed(pairs: Sequence[tuple[str, str]], verb: str) -> str:
    more = f" … ({len(pairs) - _SHOWN} more)" if len(pairs) > _SHOWN else ""
    return ", ".join(f"{i} {verb} {j}" for i, j in pairs[:_SHOWN]) + more
