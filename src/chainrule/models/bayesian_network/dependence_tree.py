"""The best tree (Chow and Liu 1968), or forest: the network with at most one parent each that fits rows best.

Over trees, the mean log-likelihood at its maximum is

    sum over edges (i, j) of  I(x_i; x_j)  -  sum_i H(x_i)

with mutual information I and entropy H of the observed frequencies.  The entropies do not depend on the tree, so
the best one is a maximum spanning tree under mutual information, whichever node is its root.

Every edge fits the rows better, also one between independent variables.  With a price for each edge, the best forest
is a maximum spanning forest under n I less that price, so that an edge which does not pay is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Prior
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.family_counts import Missing
from chainrule.models.bayesian_network.node_rows import node_rows, states_ahead
from chainrule.models.bayesian_network.pair_counts import PairCounts, count_pairs
from chainrule.tables.schema import Schema

__all__ = ["Penalty", "chow_liu", "edge_prices", "maximum_spanning_forest"]

Penalty = Literal["ebic", "bic", "aic", "none"]


def chow_liu(
    table: Any,
    *,
    penalty: Penalty | float = "ebic",
    pseudocount: float = 4.0,
    prior: Prior = "bdeu",
    root: str | None = None,
    missing: Missing = "refuse",
    sample_weight: ArrayLike | None = None,
    schema: Schema | None = None,
    max_bytes: int = 2**30,
) -> BayesianNetwork:
    """The tree or forest of largest penalised likelihood, exactly, fitted: edges lead away from ``root``.

    ``table`` is all that ``BayesianNetwork.fit`` takes; all its columns are variables, x1 … xd for an array, or
    those that ``schema`` names.  An edge between variables with K and L states that occur adds (K - 1)(L - 1)
    parameters; it is kept where it gains more nats over all n rows than it costs by its ``penalty``:

    - "bic", log(n) / 2 for each parameter (Schwarz 1978); "aic", 1 for each; a number, that many;
    - "ebic", as "bic" and 2 log(d) for having been chosen among all pairs of d variables (Chen and Chen 2008; γ = 1,
      for graphs Foygel and Drton 2010), with which independent variables get an edge in fewer than one of √n fits
      where rows are many;
    - "none": the best tree, with d - 1 edges whatever they are worth.

    ``pseudocount`` and ``prior`` smooth the tables.  Their defaults, an equivalent sample size of 4 spread over
    each table, let no row of known states be impossible; they were chosen on validation rows (docs/performance.md).
    With ``missing="complete_families"`` each pair is counted over the rows that know both.  The root of a tree
    without ``root`` is its first column; of equally good edges those between earlier columns are taken, so the
    forest is deterministic.

    Cost: a matrix product, n S² for S states of all variables, and S² counts at once (``TooLargeError`` above
    ``max_bytes``).  ``fit_info_`` holds the sum of mutual information over the edges, and their number.

    >>> rows = {"a": [0, 0, 1, 1] * 9, "b": [0, 0, 1, 1] * 9, "c": [0, 1, 1, 1] * 9}
    >>> chow_liu(rows).dag_.edges
    (('a', 'b'), ('a', 'c'))
    """
    pairs = _pairs(table, schema, missing, sample_weight, max_bytes)
    names = pairs.schema.names
    start = names[0] if root is None else root
    if not isinstance(start, str) or start not in names:
        raise UnknownNameError.of("column", start, list(names))
    prices = edge_prices(pairs, penalty)
    gains = pairs.weights * pairs.information - prices
    least = -np.inf if penalty == "none" else 0.0
    edges = maximum_spanning_forest(gains, names.index(start), least=least)
    dag = DAG([(names[i], names[j]) for i, j in edges], names)
    model = BayesianNetwork(
        dag, pseudocount=pseudocount, prior=prior, missing=missing, schema=pairs.schema, max_bytes=max_bytes
    ).fit_counts(pairs.families(dag))
    model.fit_info_ |= {
        "mutual_information_nats": float(sum(pairs.information[i, j] for i, j in edges)),
        "penalty": penalty,
        "n_edges": len(edges),
        "graph": "learned",
    }
    return model


def _pairs(
    table: Any, schema: Any, missing: Any, sample_weight: ArrayLike | None, max_bytes: Any
) -> PairCounts:
    check_choice(missing, "missing", get_args(Missing))
    limit = check_integer(max_bytes, "max_bytes")
    ahead = {} if schema is None else states_ahead(schema, None)
    names = list(ahead) or None

    def parts() -> Iterator[PairCounts]:
        first_row = 0
        for part in node_rows(table, names, ahead, sample_weight=sample_weight):
            yield count_pairs(part, missing=missing, max_bytes=limit, first_row=first_row)
            first_row += part.n_rows

    return reduce(add, parts())


def edge_prices(pairs: PairCounts, penalty: Any) -> NDArray[np.float64]:
    """What an edge between two variables costs in nats, (d, d), by the name of a penalty or nats per parameter."""
    if isinstance(penalty, str) and penalty not in get_args(Penalty):
        listed = ", ".join(map(repr, get_args(Penalty)))
        raise InputError(f"penalty must be {listed} or nats for each parameter; got {penalty!r}")
    if not isinstance(penalty, str):
        return np.asarray(check_real(penalty, "penalty") * pairs.freedoms, np.float64)
    half_log_n = 0.5 * np.log(np.maximum(pairs.weights, 1.0))
    each = {"ebic": half_log_n, "bic": half_log_n, "aic": 1.0, "none": 0.0}[penalty]
    chosen = 2 * np.log(len(pairs.schema)) if penalty == "ebic" else 0.0
    return np.asarray(each * pairs.freedoms + chosen, np.float64)


def maximum_spanning_forest(
    weights: NDArray[np.float64], root: int = 0, *, least: float = -np.inf
) -> list[tuple[int, int]]:
    """Edges (parent, child) of a forest of largest total weight, away from ``root`` (Prim 1957); d² steps.

    ``weights`` (d, d) is symmetric.  Only edges above ``least`` are taken: with the smallest number that is a tree.
    The root of another tree is its earliest node.  Ties go to the earlier child, then to the parent that was
    reached first.

    >>> weights = np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]])
    >>> maximum_spanning_forest(weights), maximum_spanning_forest(weights, least=2)
    ([(0, 2), (2, 1)], [(0, 2)])
    """
    d = len(weights)
    best = np.asarray(weights, np.float64)[root].copy()
    parent = np.full(d, root)
    outside = np.ones(d, bool)
    outside[root] = False
    edges = []
    for _ in range(d - 1):
        child = int(np.argmax(np.where(outside, best, -np.inf)))
        if best[child] > least:
            edges.append((int(parent[child]), child))
        else:
            child = int(np.argmax(outside))  # no edge that pays leads out: the next tree
        outside[child] = False
        closer = outside & (weights[child] > best)
        best[closer], parent[closer] = weights[child][closer], child
    return edges
