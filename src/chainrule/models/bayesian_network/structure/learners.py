"""Bayesian networks whose graph is learned: by hill climbing, or exactly where columns are few."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.checks import check_integer
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.sums import Client
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Prior, check_table_size
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.family_counts import Missing, count_families
from chainrule.models.bayesian_network.structure.distinct_rows import DistinctRows, gathered_rows
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules, Edges
from chainrule.models.bayesian_network.structure.exact_search import best_parents
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.held_out import FOLDS, held_out_scores
from chainrule.models.bayesian_network.structure.hill_climbing import climb
from chainrule.models.bayesian_network.structure.scores import Score, ScoreName
from chainrule.models.bayesian_network.structure.set_counts import members
from chainrule.tables.door import rows
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["exact_search", "hill_climb"]


def hill_climb(
    X: Any,
    *,
    score: ScoreName = "bic",
    equivalent_sample_size: float = 1.0,
    valid: Any = None,
    folds: int = FOLDS,
    forbidden: Edges = (),
    required: Edges = (),
    tiers: Iterable[Iterable[str]] = (),
    max_parents: int | None = None,
    tabu: int = 10,
    restarts: int = 10,
    random_state: RandomState = 0,
    pseudocount: float = 4.0,
    prior: Prior = "bdeu",
    missing: Missing = "refuse",
    sample_weight: ArrayLike | None = None,
    schema: Schema | None = None,
    max_bytes: int = 2**30,
    client: Client | None = None,
) -> BayesianNetwork:
    """The network of the best graph that hill climbing finds, fitted; ``fit_info_`` holds the score that it reached.

    ``X`` is all that ``BayesianNetwork.fit`` takes; all its columns are variables.  ``score`` is "bic", "aic", "bdeu"
    (with ``equivalent_sample_size`` rows spread over each table a priori), "k2" or "held-out", the log-likelihood of
    the rows ``valid`` by tables that are counted on ``X``, or of each of so many ``folds`` of ``X``, drawn by
    ``random_state``, by tables of the others.  A row counts its weight, in the number of rows that "bic" prices
    parameters by, too.

    What is known ahead: edges that are ``forbidden`` or ``required``, as pairs (parent, child), a graph or its text;
    ``tiers``, groups of columns in an order such as that in time, where no edge leads from a later group to an earlier
    one; and ``max_parents``.  Beyond a peak the search goes on for ``tabu`` changes, and it begins again from the best
    graph with edges taken out and turned at random (``random_state``), until it did so ``restarts`` times in a row
    without finding a better one.

    ``pseudocount`` and ``prior`` smooth the tables as in ``chow_liu``.  With ``missing="complete_families"`` a family
    is counted over the rows that know all of it, and worth what its parents add there.  A family whose table is above
    ``max_bytes`` is left out.  ``client`` gathers the distinct rows of each file of a list where it runs, as
    ``BayesianNetwork.fit`` counts them.  On complete rows "bic", "aic" and "bdeu" are the same for all graphs of one
    ``cpdag``, so which of them it is says nothing.

    Raises ``InputError`` where no graph keeps to what is required, ``CycleError``, ``UnknownNameError``.

    >>> rows = {"a": [0, 0, 1, 1] * 9, "b": [0, 1, 0, 1] * 9, "c": [0, 0, 0, 1] * 9}
    >>> hill_climb(rows).dag_.edges
    (('a', 'c'), ('b', 'c'))
    >>> hill_climb(rows, tiers=[["c"], ["a", "b"]]).dag_.edges
    (('a', 'b'), ('c', 'a'), ('c', 'b'))
    """
    changes, again = check_integer(tabu, "tabu", least=0), check_integer(restarts, "restarts", least=0)
    most, rng = check_integer(max_bytes, "max_bytes"), as_generator(random_state)
    settings = {"pseudocount": pseudocount, "prior": prior, "missing": missing, "max_bytes": most}
    check_choice(missing, "missing", get_args(Missing))
    found = gathered_rows(X, schema, missing, sample_weight, client)
    table = found.table() if isinstance(found, DistinctRows) else found
    rules = _rules(table, most, forbidden, required, tiers, max_parents)
    scores = _scores(found, score, equivalent_sample_size, valid, folds, rng, settings)
    parents, n_changes = climb(scores, rules, tabu=changes, restarts=again, rng=rng)
    return _fitted(found, scores, parents, settings, n_changes=n_changes)


def exact_search(
    X: Any,
    *,
    score: ScoreName = "bic",
    equivalent_sample_size: float = 1.0,
    valid: Any = None,
    folds: int = FOLDS,
    forbidden: Edges = (),
    required: Edges = (),
    tiers: Iterable[Iterable[str]] = (),
    max_parents: int | None = None,
    random_state: RandomState = 0,
    pseudocount: float = 4.0,
    prior: Prior = "bdeu",
    missing: Missing = "refuse",
    sample_weight: ArrayLike | None = None,
    schema: Schema | None = None,
    max_bytes: int = 2**28,
    client: Client | None = None,
) -> BayesianNetwork:
    """The network of a graph that no other graph scores better than, fitted (Silander and Myllymäki 2006).

    All as in ``hill_climb``; ``random_state`` draws folds only.  Cost: d columns have 2^d sets to count, each some
    passes over the distinct rows; fewer with ``max_parents``, and with "bic" and "aic" far fewer where rows are few,
    since large families cannot pay.  And d 2^(d-1) scores are held at once: ``TooLargeError`` above ``max_bytes``, by
    default enough for 20 columns.

    >>> rows = {"a": [0, 0, 1, 1] * 9, "b": [0, 1, 0, 1] * 9, "c": [0, 0, 0, 1] * 9}
    >>> model = exact_search(rows, score="bdeu")
    >>> model.dag_.edges, round(model.fit_info_["score_nats"], 3)
    ((('a', 'c'), ('b', 'c')), -57.962)
    """
    most, rng = check_integer(max_bytes, "max_bytes"), as_generator(random_state)
    settings = {"pseudocount": pseudocount, "prior": prior, "missing": missing, "max_bytes": most}
    check_choice(missing, "missing", get_args(Missing))
    found = gathered_rows(X, schema, missing, sample_weight, client)
    table = found.table() if isinstance(found, DistinctRows) else found
    rules = _rules(table, most, forbidden, required, tiers, max_parents)
    scores = _scores(found, score, equivalent_sample_size, valid, folds, rng, settings)
    return _fitted(found, scores, best_parents(scores, rules, most), settings)


def _scores(
    found: Table | DistinctRows,
    score: Any,
    sample_size: Any,
    valid: Any,
    folds: Any,
    rng: np.random.Generator,
    settings: dict[str, Any],
) -> FamilyScores:
    chosen = Score.of(score, sample_size)
    table = found.table() if isinstance(found, DistinctRows) else found
    if chosen.name != "held-out":
        if valid is not None:
            raise InputError(
                f"valid judges by score='held-out', and score={score!r} reads no other rows; leave it out"
            )
        return FamilyScores(table, chosen, settings["max_bytes"])
    judges = None if valid is None else rows(valid, table.schema, name="valid")
    if judges is None and isinstance(found, DistinctRows):
        raise InputError(
            "folds are drawn of rows, and a client gathers distinct ones; give score='held-out' rows as valid=…"
        )
    if judges is not None:
        nothing = DAG.empty(table.schema.names)
        count_families(nothing, judges, missing=settings["missing"], name="valid")
    smoothed = {name: settings[name] for name in ("pseudocount", "prior", "max_bytes")}
    return held_out_scores(table, judges, folds=folds, rng=rng.spawn(1)[0], **smoothed)


def _rules(
    table: Table, max_bytes: int, forbidden: Any, required: Any, tiers: Any, max_parents: Any
) -> EdgeRules:
    names, sizes = table.schema.names, table.schema.sizes
    rules = EdgeRules.of(names, forbidden=forbidden, required=required, tiers=tiers, max_parents=max_parents)
    for child, parents in enumerate(rules.required):
        check_table_size(names[child], [sizes[j] for j in (*members(parents), child)], max_bytes)
    return rules


def _fitted(
    found: Table | DistinctRows,
    scores: FamilyScores,
    parents: list[int],
    settings: dict[str, Any],
    **info: Any,
) -> BayesianNetwork:
    names = found.schema.names
    edges = [(names[u], names[v]) for v, above in enumerate(parents) for u in members(above)]
    dag = DAG(edges, names)
    model = BayesianNetwork(dag, schema=found.schema, **settings)
    if isinstance(found, DistinctRows):
        model.fit_counts(found.families(dag, max_bytes=settings["max_bytes"]))
    else:
        model.fit(found)
    model.fit_info_ |= {
        "score": scores.score.name,
        "score_nats": scores.total(parents),
        "n_edges": len(edges),
        "graph": "learned",
        **info,
    }
    return model
