"""The terms of an answer as lines along each entry of each table: two passes over the network for each term.

A term is a joint state v of the variables that get new marginals, or the only one where there are none
(``term_weights``); p(answer, v, evidence) and p(v, evidence) are linear in each entry (``sensitivity``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_size
from chainrule.core.errors import TooLargeError
from chainrule.core.progress import track
from chainrule.models.bayesian_network.inference.derivatives import Derivatives, derivatives
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.sensitivity import lines_along
from chainrule.models.bayesian_network.term_weights import TermWeights

__all__ = ["TermLines", "term_lines"]

_MOST_TERMS = 4096
_BYTES = 32  # of a, b, c, d

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TermLines:
    """``lines[v]`` (table's shape, T, 4) are a, b, c, d of each entry on which the answer depends.

    ``parts`` and ``masses`` (T,) are what a + b t and c + d t are now, ``weights`` put the terms together.
    """

    lines: dict[int, Numbers]
    parts: Numbers
    masses: Numbers
    weights: TermWeights


def term_lines(
    network: DiscreteNetwork,
    row: NDArray[np.int32],
    answer: Mapping[int, int],
    marginals: Mapping[int, Numbers],
    n_tables: int,
) -> TermLines | None:
    """The terms of p(answer | row) under new ``marginals``, by the first ``n_tables`` tables.

    ``None`` where p(row) is 0.  Raises ``TooLargeError``.

    >>> network = DiscreteNetwork([(), (0,)], [np.array([0.2, 0.8]), np.array([[1.0, 0.0], [0.5, 0.5]])], [0, 1])
    >>> found = term_lines(network, np.array([-1, 1], np.int32), {0: 1}, {}, 2)
    >>> found.lines[1][0, 1].tolist()  # p(x1 = 1 | x0 = 0) = t: p(x0 = 1, x1 = 1) stays, p(x1 = 1) is 0.4 + 0.2 t
    [[1.0, 0.0, 1.0, 0.5]]
    """
    states = [np.flatnonzero(r).tolist() for r in marginals.values()]
    weights = TermWeights(tuple(r[r > 0] for r in marginals.values()))
    n = prod(map(len, states))
    if n > _MOST_TERMS:
        raise TooLargeError(
            f"how an answer under new marginals depends on the tables is computed for each of the {n:,} joint states "
            f"of the variables that get them, at most {_MOST_TERMS:,}; give fewer variables a new marginal"
        )
    entries = sum(table.size for table in network.tables[:n_tables])
    check_size(
        _BYTES * n * entries, "how the answer depends on each entry", instead="give fewer new marginals"
    )
    evidence = derivatives(network, row)
    if evidence.log_value == -np.inf:
        return None
    above, below = [], []
    for term in track(list(product(*states)), "terms of the answer") if marginals else [()]:
        known = dict(zip(marginals, term, strict=True))
        below.append(_derivatives(network, row, known, evidence) if known else evidence)
        fits = all(answer.get(v, k) == k for v, k in known.items())
        above.append(_derivatives(network, row, known | dict(answer), evidence) if fits else None)
    parts, masses = (np.array([_mass(found, evidence) for found in side]) for side in (above, below))
    lines = {}
    for v in range(n_tables):
        table = network.tables[v]
        if any(found is not None and v in found.tables for found in above):
            both = [
                np.concatenate([_line(table, up, v, p), _line(table, down, v, q)], axis=-1)
                for up, down, p, q in zip(above, below, parts, masses, strict=True)
            ]
            lines[v] = np.stack(both, axis=-2)
    return TermLines(lines, parts, masses, weights)


def _derivatives(
    network: DiscreteNetwork, row: NDArray[np.int32], known: Mapping[int, int], evidence: Derivatives
) -> Derivatives:
    both: NDArray[Any] = row.copy()
    both[list(known)] = list(known.values())
    return derivatives(network, both, evidence.log_value)


def _line(table: Numbers, found: Derivatives | None, v: int, mass: float) -> Numbers:
    """``lines_along`` of p, which is ``mass`` now, also where it does not depend on the table (table's shape, 2)."""
    if found is None or v not in found.tables:
        return np.broadcast_to([mass, 0.0], (*table.shape, 2))
    return lines_along(table, found.tables[v])


def _mass(found: Derivatives | None, evidence: Derivatives) -> float:
    return 0.0 if found is None else float(np.exp(found.log_value - evidence.log_value))
