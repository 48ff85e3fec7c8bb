"""The best tree (Chow and Liu 1968): the Bayesian network with at most one parent each that fits rows best.

Over trees, the mean log-likelihood at its maximum is

    sum over edges (i, j) of  I(x_i; x_j)  -  sum_i H(x_i)

with mutual information I and entropy H of the observed frequencies.  The entropies do not depend on the tree, so
the best one is a maximum spanning tree under mutual information, whichever node is its root.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError, UnknownNameError, ValuesError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Prior
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.shared.categorical_rows import States, categorical_rows, column_names, states_setting
from chainrule.tables.categorical import CategoricalTable

__all__ = ["chow_liu", "maximum_spanning_tree", "mutual_information", "pair_counts"]

_BLOCK_ROWS = 2**13  # quick to multiply, small in memory; counts below 2^24 are exact in float32
_BYTES = 8


def chow_liu(
    table: Any,
    *,
    pseudocount: float = 0.0,
    prior: Prior = "cell",
    root: str | None = None,
    states: Any = None,
    max_bytes: int = 2**30,
) -> BayesianNetwork:
    """The tree of largest likelihood, exactly, fitted: edges lead away from ``root`` (the first column).

    ``table`` is all that ``BayesianNetwork.fit`` takes without missing values; all its columns are variables,
    x1 … xd for an array.  The tree is that of the rows alone; ``pseudocount`` and ``prior`` smooth its tables.
    Of edges that are equally good, those between earlier columns are taken; so the tree is deterministic.
    Cost: one matrix product, n d² K² for K states, and d² K² counts at once (``TooLargeError`` above
    ``max_bytes``).  ``fit_info_`` holds the sum of mutual information over the edges.

    >>> rows = {"a": [0, 0, 1, 1], "b": [0, 0, 1, 1], "c": [0, 1, 1, 1]}
    >>> chow_liu(rows).dag_.edges
    (('a', 'b'), ('a', 'c'))
    """
    names = column_names(table)
    start = names[0] if root is None else root
    if start not in names:
        raise UnknownNameError.of("column", start, names)
    counts: Any = 0
    found: States = states_setting(states, names)
    for part in categorical_rows(table, names, found):
        counts, found = counts + pair_counts(part, max_bytes=max_bytes), part.schema
    information = mutual_information(counts)
    edges = maximum_spanning_tree(information, names.index(start))
    model = BayesianNetwork(
        DAG([(names[i], names[j]) for i, j in edges], names),
        pseudocount=pseudocount,
        prior=prior,
        states={v: list(labels) for v, labels in found.items()},
        max_bytes=max_bytes,
    ).fit(table)
    model.fit_info_["mutual_information_nats"] = float(sum(information[i, j] for i, j in edges))
    return model


def pair_counts(table: CategoricalTable, *, max_bytes: int = 2**30) -> NDArray[np.int64]:
    """How often state a of column i comes with state b of column j, (d, K, d, K) for K states at most.

    >>> table = CategoricalTable.from_codes([[0, 1], [1, 1], [1, 0]])
    >>> pair_counts(table)[0, :, 1].tolist()
    [[0, 1], [1, 1]]
    """
    d, k = len(table.names), max(table.sizes)
    n_bytes = _BYTES * (d * k) ** 2
    if n_bytes > max_bytes:
        raise TooLargeError(
            f"the counts of all pairs of {d} columns with up to {k} states need {n_bytes:,} bytes, at most "
            f"{max_bytes:,} are allowed; join rare states, take fewer columns, or raise max_bytes"
        )
    if (table.codes < 0).any():
        i, j = np.argwhere(table.codes < 0)[0]
        raise ValuesError(
            f"row {i}, column {table.names[j]!r} is missing, and a tree of all pairs needs complete rows; drop "
            "or fill such rows"
        )
    inner = np.zeros((d, k - 1, d, k - 1), np.int64)
    for start in range(0, table.n_rows, _BLOCK_ROWS):
        codes = table.codes[start : start + _BLOCK_ROWS]
        shown = (codes[:, :, None] == np.arange(k - 1)).reshape(len(codes), -1).astype(np.float32)
        inner += (shown.T @ shown).astype(np.int64).reshape(inner.shape)
    return _with_last_state(inner, table.n_rows)


def _with_last_state(inner: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Counts (d, K, d, K) of ``n`` rows from those of the first K - 1 states: the last is what is left."""
    d, k = inner.shape[0], inner.shape[1] + 1
    margin = inner[np.arange(d), :, np.arange(d)].diagonal(axis1=1, axis2=2)  # (d, K-1)
    left = margin[:, :, None] - inner.sum(axis=3)  # (d, K-1, d): the other column is in its last state
    counts = np.empty((d, k, d, k), np.int64)
    counts[:, :-1, :, :-1] = inner
    counts[:, :-1, :, -1] = left
    counts[:, -1, :, :-1] = left.transpose(2, 0, 1)
    counts[:, -1, :, -1] = (n - margin.sum(axis=1)) - left.sum(axis=1)
    return counts


def mutual_information(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mutual information in nats of all pairs, (d, d), from counts (d, K, d, K); symmetric bit for bit.

    >>> counts = pair_counts(CategoricalTable.from_codes([[0, 1], [1, 0]]))
    >>> mutual_information(counts).round(4).tolist()
    [[0.6931, 0.6931], [0.6931, 0.6931]]
    """
    d = len(counts)
    margin = counts[np.arange(d), :, np.arange(d)].diagonal(axis1=1, axis2=2)  # (d, K)
    n = int(margin[0].sum())
    out = np.empty((d, d))
    for i in range(d):
        joint = counts[i]  # (K, d, K)
        expected = margin[i][:, None, None] * (margin / n)
        ratio = np.divide(joint, expected, out=np.ones(joint.shape), where=joint > 0)
        out[i] = (joint * np.log(ratio)).sum(axis=(0, 2)) / n
    upper = np.triu(out)  # (i, j) and (j, i) add up in another order
    return upper + np.triu(out, 1).T


def maximum_spanning_tree(weights: NDArray[np.float64], root: int = 0) -> list[tuple[int, int]]:
    """Edges (parent, child) of a tree of largest total weight, away from ``root`` (Prim 1957); d² steps.

    ``weights`` (d, d) is symmetric.  Ties go to the earlier child, then to the parent that was reached first.

    >>> maximum_spanning_tree(np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]]))
    [(0, 2), (2, 1)]
    """
    d = len(weights)
    best = np.asarray(weights, np.float64)[root].copy()
    parent = np.full(d, root)
    outside = np.ones(d, bool)
    outside[root] = False
    edges = []
    for _ in range(d - 1):
        child = int(np.argmax(np.where(outside, best, -np.inf)))
        edges.append((int(parent[child]), child))
        outside[child] = False
        closer = outside & (weights[child] > best)
        best[closer], parent[closer] = weights[child][closer], child
    return edges
