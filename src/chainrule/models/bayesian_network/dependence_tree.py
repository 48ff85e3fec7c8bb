"""The best tree (Chow and Liu 1968), or forest: the network with at most one parent each that fits rows best.

Over trees, the mean log-likelihood at its maximum is

    sum over edges (i, j) of  I(x_i; x_j)  -  sum_i H(x_i)

with mutual information I and entropy H of the observed frequencies.  The entropies do not depend on the tree, so
the best one is a maximum spanning tree under mutual information, whichever node is its root.

Every edge fits the rows better, also one between independent variables.  With a price for each edge, the best forest
is a maximum spanning forest under n I less that price, so that an edge which does not pay is left out.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.checks import check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ShapeError, UnknownNameError
from chainrule.core.sums import Client, added
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Prior
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.family_counts import Missing
from chainrule.models.bayesian_network.node_rows import node_parts, states_ahead
from chainrule.models.bayesian_network.pair_counts import PairCounts, count_pairs_of
from chainrule.models.bayesian_network.spanning_forest import (
    Penalty,
    edge_prices,
    maximum_spanning_forest,
)
from chainrule.models.bayesian_network.structure.distinct_rows import DistinctRows, gathered_rows
from chainrule.models.bayesian_network.tree_em import climb_to_tree
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["chow_liu"]


def chow_liu(
    table: Any,
    *,
    penalty: Penalty | float = "ebic",
    pseudocount: float = 4.0,
    prior: Prior = "bdeu",
    root: str | None = None,
    missing: Missing | Literal["em"] = "refuse",
    sample_weight: ArrayLike | None = None,
    schema: Schema | None = None,
    max_bytes: int = 2**30,
    client: Client | None = None,
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
    With ``missing="complete_families"`` each pair is counted over the rows that know both; with "em" the forest and its
    tables climb to the likelihood of all that rows know, penalised, by structural EM (``tree_em``; n S² a step at most,
    for the "bdeu" prior).  The root of a tree without ``root`` is its first column; of equally good edges those between
    earlier columns are taken, so the forest is deterministic.

    ``client`` counts each file of a list where it runs, as in ``BayesianNetwork.fit``.

    Cost: a matrix product, n S² for S states of all variables, and S² counts at once (``TooLargeError`` above
    ``max_bytes``).  ``fit_info_`` holds the sum of mutual information over the edges, and their number.

    >>> rows = {"a": [0, 0, 1, 1] * 9, "b": [0, 0, 1, 1] * 9, "c": [0, 1, 1, 1] * 9}
    >>> chow_liu(rows).dag_.edges
    (('a', 'b'), ('a', 'c'))
    """
    check_choice(missing, "missing", (*get_args(Missing), "em"))
    settings: dict[str, Any] = {"pseudocount": pseudocount, "prior": prior, "max_bytes": max_bytes}
    if missing == "em":
        rows = gathered_rows(table, schema, "complete_families", sample_weight, client)
        return _by_em(rows, penalty, root, settings)
    pairs = _pairs(table, schema, missing, sample_weight, max_bytes, client)
    names = pairs.schema.names
    start = _root(root, names)
    prices = edge_prices(pairs, penalty)
    gains = pairs.weights * pairs.information - prices
    least = -np.inf if penalty == "none" else 0.0
    edges = maximum_spanning_forest(gains, start, least=least)
    dag = DAG([(names[i], names[j]) for i, j in edges], names)
    model = BayesianNetwork(dag, missing=missing, schema=pairs.schema, **settings)
    model.fit_counts(pairs.families(dag))
    model.fit_info_ |= _told(pairs, edges, penalty)
    return model


def _root(root: Any, names: tuple[str, ...]) -> int:
    start = names[0] if root is None else root
    if not isinstance(start, str) or start not in names:
        raise UnknownNameError.of("column", start, list(names))
    return names.index(start)


def _told(pairs: PairCounts, edges: list[tuple[int, int]], penalty: Any) -> dict[str, Any]:
    """What ``fit_info_`` says of the forest."""
    return {
        "mutual_information_nats": float(sum(pairs.information[i, j] for i, j in edges)),
        "penalty": penalty,
        "n_edges": len(edges),
        "graph": "learned",
    }


def _by_em(found: Table | DistinctRows, penalty: Any, root: Any, settings: dict[str, Any]) -> BayesianNetwork:
    """The forest that structural EM finds."""
    rows = found.table() if isinstance(found, DistinctRows) else found
    names, added_rows = rows.schema.names, check_real(settings["pseudocount"], "pseudocount")
    check_choice(settings["prior"], "prior", get_args(Prior))
    if settings["prior"] != "bdeu" and added_rows > 0:
        raise InputError(
            "prior='cell' adds other counts to a table the other way round, so trees could not be compared; set "
            "prior='bdeu' with missing='em', or pseudocount=0"
        )
    climb = climb_to_tree(
        rows,
        penalty=penalty,
        pseudocount=added_rows,
        root=_root(root, names),
        max_bytes=check_integer(settings["max_bytes"], "max_bytes"),
    )
    dag = DAG([(names[i], names[j]) for i, j in climb.edges], names)
    model = BayesianNetwork.from_tables(dag, rows.schema, climb.tables, missing="em", **settings)
    model.fit_info_ = _told(climb.pairs, climb.edges, penalty) | {
        "n_rows": found.n_rows,
        "converged": climb.converged,
        "log_likelihood_nats": climb.log_likelihoods,
        "penalised_log_posterior_nats": climb.penalised,
    }
    return model


def _pairs(
    table: Any, schema: Any, missing: Any, sample_weight: ArrayLike | None, max_bytes: Any, client: Any
) -> PairCounts:
    limit = check_integer(max_bytes, "max_bytes")
    ahead = {} if schema is None else states_ahead(schema, None)
    parts = node_parts(table, list(ahead) or None, ahead, sample_weight=sample_weight, client=client)
    counting = partial(count_pairs_of, missing=missing, max_bytes=limit)
    pairs = added(counting, parts, client, "counting pairs")
    if pairs.n_rows == 0:
        raise ShapeError("there are no rows to learn from; pass at least one")
    return pairs
