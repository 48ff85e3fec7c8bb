"""What the rows say for each edge of a learned graph: rows that it was learned from, rows that it was not, resamples.

An edge parent -> child is judged among the other parents of the child: by the mutual information of the two given
these, by what it adds to the score that the graph was learned by, and by

    log p(child | all its parents) - log p(child | its other parents)

a row of others than were learned from, where the second is a family learned anew, from the same rows as the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.randomness import as_generator
from chainrule.graphs import DAG
from chainrule.models.auto.leaderboard import weighted_mean
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.held_out import FOLDS, held_out_scores
from chainrule.models.bayesian_network.structure.scores import LIKELIHOOD, Score
from chainrule.models.contract import DiscreteModel
from chainrule.models.families import filled
from chainrule.tables.table import Table
from chainrule.tasks.edge_strengths import EdgeStrengths
from chainrule.tasks.graph_methods import Wanted

__all__ = ["EdgeEvidence", "edge_evidence"]


@dataclass(frozen=True)
class EdgeEvidence:
    """An edge among the other parents of its child: what it tells of the child, and what it gains.

    ``mutual_information_nats`` and ``gain_nats`` (of its score, in all) are of the rows that it was learned from,
    the held-out gain is a row of the others.  ``strength`` is the share of resamples that have the edge, ``direction``
    the share of these in which it leads this way.
    """

    parent: str
    child: str
    mutual_information_nats: float
    gain_nats: float
    held_out_gain_nats: float | None
    held_out_standard_error: float | None
    held_out_rows: int
    strength: float | None = None
    direction: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it gains on the held-out rows by more than two standard errors."""
        gain, error = self.held_out_gain_nats, self.held_out_standard_error
        return gain is not None and error is not None and gain > 2 * error


def edge_evidence(
    model: DiscreteModel, wanted: Wanted, train: Table, judges: Table, strengths: EdgeStrengths | None
) -> list[EdgeEvidence]:
    """The evidence for each edge of ``model``, learned from ``train``; the edge that gains most first."""
    dag = model.factorization_
    gains = _gains(model, wanted, train)
    judged = _Judged(model, wanted, train, judges)
    out = []
    for parent, child in dag.edges:
        values, weights = judged.gains(parent, child)
        mean, error = weighted_mean(values, weights) if len(values) else (None, None)
        found = (None, None) if strengths is None else strengths.of(parent, child)
        information = _information(dag, train, parent, child)
        out.append(
            EdgeEvidence(parent, child, information, gains[parent, child], mean, error, len(values), *found)
        )
    return sorted(out, key=lambda e: -e.gain_nats)


def _gains(model: DiscreteModel, wanted: Wanted, train: Table) -> dict[tuple[str, str], float]:
    """What each edge adds to the score of the graph, over all rows of ``train``, in nats."""
    if wanted.method == "trees":
        weight = train.n_rows if train.weights is None else float(train.weights.sum())
        return {(e.parent, e.child): weight * e.train_nats for e in model.edge_gains_.edges}  # type: ignore[attr-defined]
    name, chosen = (wanted.score, 0.0)
    if name == "ebic":
        name, chosen = "bic", 2 * float(np.log(len(train.schema)))  # for having been chosen among all pairs
    scores, place = _scores(name, model, wanted, train), train.schema.index
    out = {}
    for child in train.schema.names:
        above = model.factorization_.parents(child)
        full = sum(1 << place(u) for u in above)
        for parent, gain in zip(
            above, scores.toggled(place(child), full, list(map(place, above))), strict=True
        ):
            out[parent, child] = -float(gain) - chosen
    return out


def _scores(name: str, model: Any, wanted: Wanted, train: Table) -> FamilyScores:
    """The families of the rows by the score of this name, as the search of ``wanted`` saw them."""
    if name != "held-out":
        return FamilyScores(train, Score.of(name, wanted.sample_size))
    folds = as_generator(wanted.seed).spawn(1)[0]
    return held_out_scores(
        train, None, folds=FOLDS, rng=folds, pseudocount=model.pseudocount, prior=model.prior
    )


def _information(dag: DAG, train: Table, parent: str, child: str) -> float:
    """Mutual information of parent and child given the other parents, in nats, over the rows that know them all."""
    part = train.select([parent, *(u for u in dag.parents(child) if u != parent), child])
    part = part[np.flatnonzero((part.codes >= 0).all(axis=1))]
    scores, last = FamilyScores(part, LIKELIHOOD), len(part.schema) - 1
    parents = (1 << last) - 1
    gain = scores.of(last, parents) - scores.of(last, parents ^ 1)
    return gain / scores.weight if part.n_rows else 0.0


class _Judged:
    """What rows that were not learned from say for an edge."""

    def __init__(self, model: DiscreteModel, wanted: Wanted, train: Table, judges: Table) -> None:
        self._model, self._wanted, self._judges = model, wanted, judges
        self._train = filled(train, wanted.seed) if wanted.method == "trees" else train
        # a conditional reads its family and nothing else, so what stands for other holes does not matter
        self._complete = Table(judges.schema, np.maximum(judges.codes, 0))
        self._conditionals = model.conditionals(self._complete)

    def gains(self, parent: str, child: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The gains of the rows that know the family, in nats, and what these rows weigh."""
        above = self._model.factorization_.parents(child)
        place = self._judges.schema.index
        family = self._judges.codes[:, [*map(place, above), place(child)]]
        known = np.flatnonzero((family >= 0).all(axis=1))
        without = self._without([u for u in above if u != parent], child)
        weights = np.ones(len(family)) if self._judges.weights is None else self._judges.weights
        return (self._conditionals[:, place(child)] - without)[known], weights[known]

    def _without(self, others: list[str], child: str) -> NDArray[np.float64]:
        """log p(child | others) of the rows, learned anew."""
        columns = [*others, child]
        model = self._family(columns).fit(self._train.select(columns))
        return model.conditionals(self._complete.select(columns))[:, -1]

    def _family(self, columns: list[str]) -> DiscreteModel:
        """A model of the method in which the last column may have the others as parents, and no more is asked of it."""
        if self._wanted.method == "trees":
            from chainrule.models.tree_network.estimator import TreeNetwork

            penalty: Any = self._wanted.score
            return TreeNetwork(penalty=penalty, ordering="natural", random_state=self._wanted.seed)
        like: Any = self._model
        dag = DAG([(u, columns[-1]) for u in columns[:-1]], columns)
        return BayesianNetwork(
            dag, pseudocount=like.pseudocount, prior=like.prior, missing="complete_families"
        )
