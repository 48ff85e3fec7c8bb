"""What each edge of a learned network is worth, in nats a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import xlogy
from chainrule.models.shared.decision_tables import DecisionTables

__all__ = ["EdgeGain", "EdgeGains", "gains_by_edge"]


@dataclass(frozen=True)
class EdgeGain:
    """What asking for ``parent`` in the tree of ``child`` adds to the mean log-probability of rows, in nats."""

    parent: str
    child: str
    train_nats: float
    valid_nats: float | None = None


@dataclass(frozen=True)
class EdgeGains:
    """The edges of a network, the one that gains most on training rows first.

    The gains add up: their sum is by how much the network scores better than independent variables.

    >>> print(EdgeGains((EdgeGain("rain", "wet", 0.25), EdgeGain("sun", "wet", 0.125))).text())
    2 edges, by what each gains in nats a row
      rain -> wet  0.2500
      sun -> wet   0.1250
    """

    edges: tuple[EdgeGain, ...]

    def text(self, most: int = 20) -> str:
        """A line for each of the ``most`` edges that gain most."""
        n = len(self.edges)
        if not n:
            return "no edges: the variables are taken as independent"
        held_out = self.edges[0].valid_nats is not None
        where = ", on training rows and on validation rows" if held_out else ""
        lines = [f"{n:,} edge{'s' * (n != 1)}, by what each gains in nats a row{where}"]
        shown = self.edges[:most]
        width = max(len(f"{e.parent} -> {e.child}") for e in shown)
        for e in shown:
            valid = "" if e.valid_nats is None else f"  {e.valid_nats:7.4f}"
            lines.append(f"  {f'{e.parent} -> {e.child}':<{width}}  {e.train_nats:.4f}{valid}")
        if n > most:
            lines.append(f"  … and {n - most:,} that gain less")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "edges": [
                {
                    "parent": e.parent,
                    "child": e.child,
                    "train_nats": e.train_nats,
                    "valid_nats": e.valid_nats,
                }
                for e in self.edges
            ]
        }


def gains_by_edge(
    tables: DecisionTables, probabilities: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The nats a row that the splits of tree i which ask for j add for rows with ``counts`` (T, K), (d, d) by (i, j).

    ``probabilities`` (T, K) say what each node predicts were the tree to end there.
    """
    d = tables.n_variables
    fit = xlogy(counts, probabilities).sum(axis=1)
    inner = np.flatnonzero(~tables.is_leaf)
    first = tables.nodes[inner, 3]
    out = np.zeros((d, d))
    np.add.at(out, (tables.variable[inner], tables.nodes[inner, 0]), fit[first] + fit[first + 1] - fit[inner])
    return out / counts[0].sum()
