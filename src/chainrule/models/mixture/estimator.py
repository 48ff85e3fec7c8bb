"""A mixture of k models of one kind, p(x) = Σ_k w_k p_k(x), by expectation and maximisation: see ``em``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer, check_real, is_listing
from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.core.randomness import RandomState, as_generator
from chainrule.models.contract import DiscreteModel
from chainrule.models.mixture.em import Run, climb
from chainrule.models.mixture.starts import first_responsibilities
from chainrule.models.shared.averaged import AveragedModel
from chainrule.models.shared.members import (
    Member,
    checked_models,
    fitted_members,
    fresh,
    members_settings,
    settings_of_plain,
)
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Mixture"]


class Mixture(AveragedModel):
    """k components of the kind of ``model``, any that takes ``sample_weight``: ``Independent()``, ``ChowLiu()``, …

    ``k`` is the number of components, or a list of numbers of which the one with the best likelihood of ``valid`` rows
    is kept.  EM climbs to the nearest top, so it starts ``n_starts`` times, at rows far from each other, and the best
    is kept; a climb ends when a step gains less than ``tolerance`` nats a row, or after ``max_steps``.  With ``valid``
    starts, and the step of each, are chosen by its likelihood, else by that of the rows.

    Each component is smoothed as ``model`` is: under ``Independent()`` without a pseudocount, what a component's rows
    do not have is impossible for it.  A component that loses all its rows is left out.  Missing values are taken where
    ``model`` takes them in its fit.  ``models_`` are the components, ``weights_`` their weights, largest first.

    >>> from chainrule.models import Independent
    >>> X = [[0, 0, 0], [0, 0, 1], [1, 1, 1], [1, 1, 0]] * 9
    >>> model = Mixture(Independent(pseudocount=0.1), 2, random_state=0).fit(X)
    >>> model.weights_.round(3).tolist(), np.exp(model.log_prob([[0, 0, 0], [0, 1, 0]])).round(3).tolist()
    ([0.5, 0.5], [0.247, 0.003])
    """

    def __init__(
        self,
        model: DiscreteModel,
        k: int | Sequence[int] = 8,
        *,
        n_starts: int = 3,
        max_steps: int = 200,
        tolerance: float = 1e-4,
        random_state: RandomState = None,
        schema: Schema | None = None,
    ) -> None:
        self.model = model
        self.k = k
        self.n_starts = n_starts
        self.max_steps = max_steps
        self.tolerance = tolerance
        self.random_state = random_state
        self.schema = schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        checked_models([self.model])
        n_rows, table, valid = table.n_rows, _collapsed(table), None if valid is None else _collapsed(valid)
        numbers = _checked_numbers(self.k, valid)
        starts = check_integer(self.n_starts, "n_starts")
        settings = {
            "max_steps": check_integer(self.max_steps, "max_steps"),
            "tolerance": check_real(self.tolerance, "tolerance"),
        }
        seed = int(as_generator(self.random_state).integers(2**31))
        plan = [Run(k, start) for k in numbers for start in range(starts if k > 1 else 1)]
        began, runs = time.perf_counter(), track(plan, "EM")

        def fit(weights: NDArray[np.float64]) -> Member:
            one = fresh(self.model).fit(table, valid=None, sample_weight=weights)
            return fitted_members([one], table.schema)[0]

        for run in runs:
            generator = np.random.default_rng([seed, run.k, run.start])
            first = first_responsibilities(table.codes, run.k, generator, table.weights)
            climb(run, first, fit, table, valid, **settings)
            runs.detail = f"k = {run.k}: {-run.score:.4f} nats"
        best = max(plan, key=lambda run: run.score)
        self._take(best)
        self.fit_info_ = _info(plan, best, n_rows, seed) | {"seconds": time.perf_counter() - began}

    def _take(self, run: Run) -> None:
        order = np.argsort(-run.weights, kind="stable")
        self.weights_ = run.weights[order]
        self._members = [run.members[c] for c in order]

    def _settings(self) -> dict[str, Any]:
        k = self.k if isinstance(self.k, (int, np.integer)) else list(self.k)
        return super()._settings() | {"model": members_settings(self._members[:1])[0], "k": k}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        return super()._settings_of(plain) | {"model": settings_of_plain([plain["model"]])[0]}


def _info(plan: list[Run], best: Run, n_rows: int, seed: int) -> dict[str, Any]:
    """What there is to say of the climbs; likelihoods that are infinite are left out, as JSON has no infinity."""
    return {
        "n_rows": n_rows,
        "seed": seed,
        "k": best.k,
        "n_components": len(best.weights),
        "steps": len(best.mean_log_prob_nats),
        "best_step": best.best_step,
        "mean_nll_nats": [-x for x in best.mean_log_prob_nats if np.isfinite(x)],
        "valid_mean_nll_nats": [-x for x in best.valid_mean_log_prob_nats if np.isfinite(x)],
        "starts": [
            {"k": r.k, "start": r.start, "steps": len(r.mean_log_prob_nats), "best_mean_nll_nats": -r.score}
            for r in plan
            if np.isfinite(r.score)
        ],
    }


def _collapsed(table: Table) -> Table:
    """``table`` with equal rows as one of their common weight, where that halves it; the likelihood is the same.

    Rows with missing values stay where they are, since a model that refuses them says where they are.
    """
    if not table.is_complete:
        return table
    rows, which, n = np.unique(table.codes, axis=0, return_inverse=True, return_counts=True)
    if 2 * len(rows) > table.n_rows:
        return table
    weights = n if table.weights is None else np.bincount(which.reshape(-1), table.weights, len(rows))
    return Table(table.schema, rows, weights.astype(np.float64))


def _checked_numbers(k: Any, valid: Table | None) -> list[int]:
    if not is_listing(k):
        return [check_integer(k, "k")]
    numbers = [check_integer(each, f"k[{i}]") for i, each in enumerate(k)]
    if not numbers:
        raise InputError("k is an empty list; give at least one number of components")
    if len(numbers) > 1 and valid is None:
        raise InputError(
            f"k lists {len(numbers)} numbers, and there is nothing to choose by: more components always fit the rows "
            "themselves better; pass valid=..., rows that are not learned from, or one number"
        )
    return numbers
