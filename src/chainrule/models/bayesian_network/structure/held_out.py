"""Families judged by rows that their tables were not counted on: held-out nats as a score.

    score(x, S) = Σ over held-out rows of  w log p(x | S),    p(k | j) = (n_jk + α) / (n_j + Kα),

with counts n of the other rows: a sum over families, as any score of a graph is.  Rows are held out once, or in *folds*
(Stone 1974): each row is in one of them, and judged by counts of all the others.  No price is paid for parameters; what
rows cannot tell costs nats.  So edges are kept that predict; among them are, more often than under "bic", some between
columns that know nothing of each other, however many the rows (Shao 1993).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import InputError
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.scores import Score
from chainrule.tables.table import Table

__all__ = ["FOLDS", "held_out_scores"]

FOLDS = 5


def held_out_scores(
    table: Table,
    valid: Table | None,
    *,
    folds: Any,
    rng: np.random.Generator,
    pseudocount: Any,
    prior: str,
    max_bytes: float = np.inf,
) -> FamilyScores:
    """The families of ``table`` by rows of ``valid``, or by its own in so many ``folds`` that ``rng`` draws.

    ``pseudocount`` and ``prior`` are those of the tables.  Raises ``InputError`` where there are fewer rows than folds,
    or where the pseudocount is 0: a state that only held-out rows have would cost infinitely many nats.
    """
    added = check_real(pseudocount, "pseudocount")
    if added == 0:
        raise InputError(
            "score='held-out' needs a pseudocount above 0: a state that only held-out rows have is impossible without"
        )
    score = Score("held-out", added, prior == "cell")
    if valid is not None:
        parts, ones = (table, valid), [np.ones(t.n_rows) for t in (table, valid)]
        weights = [one if t.weights is None else t.weights for t, one in zip(parts, ones, strict=True)]
        both = Table(table.schema, np.concatenate([t.codes for t in parts]), np.concatenate(weights))
        return FamilyScores(both, score, max_bytes, np.repeat([0, 1], [t.n_rows for t in parts]))
    n = check_integer(folds, "folds", least=2)
    if n > table.n_rows:
        raise InputError(
            f"{n} folds of {table.n_rows} rows; set folds to at most the number of rows, or give valid=…"
        )
    return FamilyScores(table, score, max_bytes, 1 + rng.permutation(table.n_rows) % n)
