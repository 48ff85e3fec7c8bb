"""Every model that the package exports, with small data to fit: what the laws in this folder are run on.

The classes are found by listing what ``chainrule.models`` and ``chainrule.homework`` export, so that none can be
forgotten: a class without a recipe here fails a test.  Each is fitted on six binary variables with dependence and a
constant one (all 64 states can be enumerated), on one variable, and, where it takes any table, on four variables of 3,
2, 4 and 1 states.  Neural models are small and trained for three epochs: the laws hold at any fit.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import chainrule.homework
import chainrule.models
from chainrule.homework import CountProportional, MLPDensity
from chainrule.models import (
    MADE,
    NADE,
    Auto,
    BayesianNetwork,
    BoostedChain,
    ChainClassifier,
    ChowLiu,
    Ensemble,
    Independent,
    Intervened,
    LatentMixture,
    Mixture,
    Stack,
    TreeNetwork,
)
from chainrule.models.contract import DiscreteModel
from chainrule.tables.schema import Schema
from tests.oracles import enumerate_states, joint_table

__all__ = [
    "CASES",
    "Case",
    "cases_of",
    "every_case",
    "every_learner",
    "exported_models",
    "fitted",
    "settings_of",
    "table_of",
]

SIX, ONE, STATES = (2,) * 6, (2,), (3, 2, 4, 1)
CHAIN = "x1 -> x2 -> x3 -> x4 -> x5 -> x6"
DIAMONDS = "x6 -> {x2 x4} -> x1 <- x3; x4 -> x5 <- x2"
FAST: dict[str, Any] = {"hidden": 8, "epochs": 3, "batch_size": 20, "random_state": 5}
_ROWS = 120


@dataclass(frozen=True)
class Case:
    """A model class with settings, and the numbers of states of the variables that it is fitted on."""

    name: str
    kind: type[Any]
    make: Callable[[], Any]
    sizes: tuple[int, ...] = SIX
    needs_labels: bool = False
    learns: bool = True  # else ``fit`` only checks the rows, and everything works without it

    @property
    def d(self) -> int:
        """The number of variables."""
        return len(self.sizes)

    @property
    def has_one_order(self) -> bool:
        """Whether one order fits the model, so that it has factors."""
        return self.d == 1 or "orders" not in self.name

    @property
    def learns_from_holes(self) -> bool:
        """Whether missing values in training are no error."""
        return self.kind is Auto

    @property
    def takes_any_table(self) -> bool:
        """Whether variables may have any number of states."""
        return self.kind not in (CountProportional, MLPDensity)

    def data(self) -> NDArray[np.uint8]:
        """The rows to fit, (n, d)."""
        if self.needs_labels:  # unique rows, each with its probability
            return enumerate_states(self.sizes)[:: 1 if self.d < 3 else 2].astype(np.uint8)
        rng = np.random.default_rng(11)
        X = np.zeros((_ROWS, self.d), np.uint8)
        before = (rng.random(_ROWS) * 4).astype(int)
        for j, k in enumerate(self.sizes):
            before = np.where(rng.random(_ROWS) < 0.8, before, (rng.random(_ROWS) * 4).astype(int))
            X[:, j] = before % k
        if self.sizes == SIX:
            X[:, 2] = 0  # a pixel that is never on
        return X

    def labels(self, X: NDArray[Any]) -> NDArray[np.float64] | None:
        """The second argument of ``fit``: probabilities, or nothing."""
        return (1.0 + X.sum(1)) / (2.0**self.d * (1.0 + self.d / 2)) if self.needs_labels else None

    def fit(self, model: Any | None = None) -> Any:
        """``model`` (a new one if none is given) fitted to the data."""
        X = self.data()
        return (self.make() if model is None else model).fit(X, self.labels(X))

    def states(self) -> NDArray[np.int64]:
        """All rows, first variable changing slowest, (number, d)."""
        return enumerate_states(self.sizes)

    def __str__(self) -> str:
        return self.name


def _independent(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    return [
        ("independent", lambda: Independent(schema=schema)),
        ("independent-smoothed", lambda: Independent(pseudocount=0.5, schema=schema)),
    ]


def _bayes(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    graphs = {SIX: (CHAIN, DIAMONDS), ONE: ("x1",), STATES: ("x3 -> x1 <- x2; x4", "x1 -> x2 -> x3 -> x4")}[
        sizes
    ]
    made = [("bayes-exact", lambda: BayesianNetwork(graphs[0], schema=schema))]
    if len(graphs) > 1:
        made.append(("bayes-smoothed", lambda: BayesianNetwork(graphs[1], schema=schema, pseudocount=0.5)))
    return made


def _trees(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    backwards = list(range(len(sizes)))[::-1]
    return [
        ("trees", lambda: TreeNetwork(schema=schema)),
        ("trees-deep", lambda: TreeNetwork(penalty="none", ordering=backwards, pruning=-2.0, schema=schema)),
    ]


def _boosted(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    settings: dict[str, Any] = {"rounds": 8, "leaves": 4, "random_state": 5, "schema": Schema.of_sizes(sizes)}
    return [
        ("boosted", lambda: BoostedChain(**settings)),
        ("boosted-random", lambda: BoostedChain(ordering="random", validation_share=0.0, **settings)),
    ]


def _classifiers(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    return [
        ("classifiers", lambda: ChainClassifier(random_state=5, schema=schema)),
        (
            "classifiers-random",
            lambda: ChainClassifier(ordering="random", smoothing=0.1, random_state=5, schema=schema),
        ),
    ]


def _nade(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    settings = FAST | {"schema": Schema.of_sizes(sizes)}
    names = [f"x{i}" for i in np.random.default_rng(0).permutation(len(sizes)) + 1]
    return [
        ("nade", lambda: NADE(**settings)),
        ("nade-random", lambda: NADE(ordering="random", **settings)),
        ("nade-sigmoid", lambda: NADE(ordering=names, activation="sigmoid", **settings)),
        ("nade-orders", lambda: NADE(orders=3, dropout=0.2, **settings)),
    ]


def _made(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    settings = FAST | {"schema": Schema.of_sizes(sizes)}
    graph = {SIX: DIAMONDS, ONE: "x1", STATES: "x3 -> x1 <- x2; x4"}[sizes]
    backwards = list(range(len(sizes)))[::-1]
    return [
        ("made", lambda: MADE(**settings)),
        ("made-random", lambda: MADE(ordering="random", degrees="random", **settings)),
        ("made-no-direct", lambda: MADE(direct=False, **settings)),
        ("made-deep", lambda: MADE(ordering="random", **settings | {"hidden": [8, 7]})),
        ("made-narrow", lambda: MADE(ordering=backwards, **settings | {"hidden": [1, 1, 2]})),
        ("made-dag", lambda: MADE(dag=graph, **settings)),
        ("made-orders", lambda: MADE(orders=3, degrees="random", **settings | {"hidden": [8, 7]})),
    ]


def _intervened(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    graph, done = {
        SIX: ("x6 -> {x2 x5} -> x1 <- x3; x5 -> x4 <- x2", {"x5": "1", "x1": "1"}),
        ONE: ("x1", {"x1": "1"}),
        STATES: ("x2 -> x3 -> x1 <- x2; x4", {"x3": "1"}),
    }[sizes]
    made = MADE(dag=graph, **FAST | {"schema": schema})
    return [("intervened", lambda: Intervened(made, done, schema=schema))]


def _chow_liu(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    return [("chow-liu", lambda: ChowLiu(schema=Schema.of_sizes(sizes)))]


def _smoothed(sizes: tuple[int, ...], *graphs: str) -> list[Any]:
    """A network for each graph, and an independent model, all without impossible states."""
    schema = Schema.of_sizes(sizes)
    return [
        *(BayesianNetwork(graph, schema=schema, pseudocount=0.5) for graph in graphs),
        Independent(pseudocount=0.5, schema=schema),
    ]


def _ensemble(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    one, other = {
        SIX: (CHAIN, DIAMONDS),
        ONE: ("x1", "x1"),
        STATES: ("x3 -> x1 <- x2; x4", "x2 -> x3 -> x1; x4"),
    }[sizes]
    nade = NADE(**FAST | {"schema": schema, "ordering": list(range(len(sizes)))[::-1]})
    return [
        ("ensemble", lambda: Ensemble(_smoothed(sizes, one, other), schema=schema)),
        (
            "ensemble-order",
            lambda: Ensemble([nade, Independent(schema=schema)], weights=[3, 1], schema=schema),
        ),
    ]


def _mixture(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema, few = Schema.of_sizes(sizes), {"n_starts": 2, "max_steps": 6, "random_state": 3}
    return [
        ("mixture", lambda: Mixture(Independent(pseudocount=0.1, schema=schema), 3, schema=schema, **few)),
        ("mixture-trees", lambda: Mixture(ChowLiu(schema=schema), 2, schema=schema, **few)),
    ]


def _stack(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    schema = Schema.of_sizes(sizes)
    graph = {SIX: CHAIN, ONE: "x1", STATES: "x1 -> x2 -> x3; x4"}[sizes]
    nade = NADE(**FAST | {"schema": schema})
    return [
        ("stack", lambda: Stack(_smoothed(sizes, graph), schema=schema)),
        ("stack-order", lambda: Stack([nade, *_smoothed(sizes, graph)], powers="each", schema=schema)),
    ]


def _latent(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    settings = FAST | {"schema": Schema.of_sizes(sizes), "n_points": 32}
    return [
        ("latent", lambda: LatentMixture(64, **settings)),
        ("latent-one", lambda: LatentMixture(1, latent=1, **settings)),
        ("latent-net", lambda: LatentMixture(32, structure="net", penalty=0.3, **settings)),
    ]


def _auto(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    settings: dict[str, Any] = {"models": ["independent", "chowliu"], "schema": Schema.of_sizes(sizes)}
    return [("auto", lambda: Auto(**settings)), ("auto-simple", lambda: Auto(simple=True, **settings))]


def _count(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    shape = (2, 3) if len(sizes) == 6 else (1, 1)
    return [
        ("count-image", lambda: CountProportional(*shape, rule="image")),
        ("count-count", lambda: CountProportional(*shape, rule="count")),
    ]


def _mlp(sizes: tuple[int, ...]) -> list[tuple[str, Any]]:
    return [("mlp", lambda: MLPDensity(hidden=[8], epochs=3, random_state=5))]


RECIPES: dict[type[Any], Callable[[tuple[int, ...]], list[tuple[str, Any]]]] = {
    Independent: _independent,
    BayesianNetwork: _bayes,
    TreeNetwork: _trees,
    BoostedChain: _boosted,
    ChainClassifier: _classifiers,
    NADE: _nade,
    MADE: _made,
    Intervened: _intervened,
    ChowLiu: _chow_liu,
    Ensemble: _ensemble,
    Mixture: _mixture,
    Stack: _stack,
    LatentMixture: _latent,
    Auto: _auto,
    CountProportional: _count,
    MLPDensity: _mlp,
}


def exported_models() -> list[type[Any]]:
    """The model classes that the package exports."""
    rooms = (chainrule.models, chainrule.homework)
    found = [getattr(room, name) for room in rooms for name in room.__all__]
    return [
        c for c in found if inspect.isclass(c) and issubclass(c, DiscreteModel) and not inspect.isabstract(c)
    ]


def _cases() -> list[Case]:
    out = []
    for kind, recipe in RECIPES.items():
        binary_only = kind in (CountProportional, MLPDensity)
        for sizes, suffix in ((SIX, ""), (ONE, "-1"), (STATES, "-states")):
            if sizes == STATES and binary_only:
                continue
            for name, make in recipe(sizes):
                out.append(
                    Case(name + suffix, kind, make, sizes, kind is MLPDensity, kind is not CountProportional)
                )
    return out


CASES = _cases()

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_learner = pytest.mark.parametrize("case", [c for c in CASES if c.learns], ids=str)


def cases_of(*kinds: type[Any], sizes: tuple[int, ...] | None = None) -> pytest.MarkDecorator:
    """The cases of these classes, on variables of these sizes if any are given."""
    chosen = [c for c in CASES if issubclass(c.kind, kinds) and sizes in (None, c.sizes)]
    return pytest.mark.parametrize("case", chosen, ids=str)


def settings_of(value: Any) -> Any:
    """The settings of a model; models among them are replaced by theirs, since equal models are not identical."""
    if isinstance(value, DiscreteModel):
        return type(value), {k: settings_of(v) for k, v in value.get_params(deep=False).items()}
    return [settings_of(v) for v in value] if isinstance(value, (list, tuple)) else value


@cache
def _fitted(case: Case) -> DiscreteModel:
    return case.fit()


def fitted(case: Case) -> Any:
    """The model of ``case``, fitted once; a copy, so that no test can spoil it for another."""
    return copy.deepcopy(_fitted(case))


@cache
def table_of(case: Case) -> NDArray[np.float64]:
    """The probability of every state by enumeration, an axis for each variable."""
    return joint_table(_fitted(case).log_prob, case.sizes)
