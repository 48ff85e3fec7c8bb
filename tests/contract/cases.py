"""Every model class with small data to fit: what the laws in this folder are run on.

Six binary variables with dependence, a constant one and 120 rows, so that all 64 states can be enumerated; the
same models on one variable.  Neural models are small and trained for three epochs: the laws hold at any fit.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.core.contract import DensityEstimator
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.independent.estimator import Independent
from chainrule.models.made.estimator import MADE
from chainrule.models.nade.estimator import NADE
from tests.oracles import enumerate_rows, joint_table

__all__ = ["CASES", "Case", "cases_named", "every_case", "every_learner", "fitted", "table_of"]

CHAIN = "x1 -> x2 -> x3 -> x4 -> x5 -> x6"
DIAMONDS = "x6 -> {x2 x4} -> x1 <- x3; x4 -> x5 <- x2"

FAST: dict[str, Any] = {"hidden": 8, "epochs": 3, "batch_size": 20, "random_state": 5}


@dataclass(frozen=True)
class Case:
    """A model class with settings, and how wide its data are."""

    name: str
    make: Callable[[], Any]
    d: int = 6
    needs_labels: bool = False

    def data(self) -> NDArray[np.uint8]:
        """The rows to fit, (n, d)."""
        if self.needs_labels:  # unique rows, each with its probability
            return enumerate_rows(self.d)[:: 1 if self.d < 3 else 2].astype(np.uint8)
        rng = np.random.default_rng(11)
        X = np.empty((120, self.d), np.uint8)
        X[:, 0] = rng.random(120) < 0.6
        for j in range(1, self.d):
            X[:, j] = np.where(rng.random(120) < 0.8, X[:, j - 1], rng.random(120) < 0.5)
        if self.d > 2:
            X[:, 2] = 0  # a pixel that is never on
        return X

    def labels(self, X: NDArray[Any]) -> NDArray[np.float64] | None:
        """The second argument of ``fit``: probabilities, or nothing."""
        return (1.0 + X.sum(1)) / (2.0**self.d * (1.0 + self.d / 2)) if self.needs_labels else None

    def fit(self, model: Any | None = None) -> Any:
        """``model`` (a new one if none is given) fitted to the data."""
        X = self.data()
        return (self.make() if model is None else model).fit(X, self.labels(X))

    def __str__(self) -> str:
        return self.name


SIX = [
    Case("bernoulli", lambda: Independent()),
    Case("bernoulli-smoothed", lambda: Independent(pseudocount=0.5)),
    Case("bayes-chain", lambda: BayesianNetwork(CHAIN, states=2)),
    Case("bayes-smoothed", lambda: BayesianNetwork(DIAMONDS, states=2, pseudocount=0.5)),
    Case("count-image", lambda: CountProportional(2, 3, rule="image")),
    Case("count-count", lambda: CountProportional(2, 3, rule="count")),
    Case("mlp", lambda: MLPDensity(hidden=[8], epochs=3, random_state=5), needs_labels=True),
    Case("nade", lambda: NADE(**FAST)),
    Case("nade-random", lambda: NADE(ordering="random", **FAST)),
    Case("nade-sigmoid", lambda: NADE(ordering="x4,x2,x6,x1,x5,x3", activation="sigmoid", **FAST)),
    Case("made", lambda: MADE(**FAST)),
    Case("made-random", lambda: MADE(ordering="random", degrees="random", **FAST)),
    Case("made-no-direct", lambda: MADE(direct=False, **FAST)),
    Case("made-deep", lambda: MADE(ordering="random", **FAST | {"hidden": [8, 7]})),
    Case("made-narrow", lambda: MADE(ordering=[5, 0, 1, 4, 2, 3], **FAST | {"hidden": [1, 1, 2]})),
]
ONE = [
    Case("bernoulli-1", lambda: Independent(), 1),
    Case("bayes-1", lambda: BayesianNetwork("x1", states=2), 1),
    Case("count-image-1", lambda: CountProportional(1, 1, rule="image"), 1),
    Case("count-count-1", lambda: CountProportional(1, 1, rule="count"), 1),
    Case("mlp-1", lambda: MLPDensity(hidden=[8], epochs=3, random_state=5), 1, needs_labels=True),
    Case("nade-1", lambda: NADE(**FAST), 1),
    Case("made-1", lambda: MADE(ordering="random", **FAST), 1),
    Case("made-deep-1", lambda: MADE(degrees="random", **FAST | {"hidden": [3, 2]}), 1),
]
CASES = [*SIX, *ONE]

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def cases_named(*prefixes: str, d: int | None = None) -> pytest.MarkDecorator:
    """The cases whose name begins so, of one width if ``d`` is given."""
    chosen = [c for c in CASES if c.name.startswith(prefixes) and d in (None, c.d)]
    return pytest.mark.parametrize("case", chosen, ids=str)


# CountProportional has nothing to learn: it works unfitted, and its ``fit`` only checks the rows
every_learner = cases_named("bernoulli", "bayes", "mlp", "nade", "made")


@cache
def _fitted(case: Case) -> DensityEstimator:
    return case.fit()


def fitted(case: Case) -> Any:
    """The model of ``case``, fitted once; a copy, so that no test can spoil it for another."""
    return copy.deepcopy(_fitted(case))


@cache
def table_of(case: Case) -> NDArray[np.float64]:
    """The probability of every state by enumeration, shape (2,) * d."""
    return joint_table(_fitted(case).log_prob, case.d)
