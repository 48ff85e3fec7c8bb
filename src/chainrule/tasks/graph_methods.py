"""The ways in which ``learn`` finds a graph, by name: what each goes by, and whether it keeps to rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chainrule.core.checks import as_list, is_listing
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.graphs import DirectedGraph
from chainrule.models.bayesian_network.dependence_tree import chow_liu
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules, Edges
from chainrule.models.bayesian_network.structure.learners import exact_search, hill_climb
from chainrule.models.contract import DiscreteModel
from chainrule.models.families import filled
from chainrule.tables.table import Table

__all__ = ["METHODS", "Wanted"]


@dataclass(frozen=True)
class Wanted:
    """What a user wants of a graph: a method and what it goes by, and what is known of the graph ahead."""

    method: str
    score: str
    sample_size: float
    forbidden: Edges
    required: Edges
    tiers: tuple[tuple[str, ...], ...]
    max_parents: int | None
    seed: int

    @classmethod
    def of(
        cls,
        method: str,
        score: str | None,
        *,
        equivalent_sample_size: float,
        forbidden: Edges,
        required: Edges,
        tiers: Iterable[Iterable[str]],
        max_parents: int | None,
        seed: int,
    ) -> Wanted:
        """The same, checked as far as it can be without columns; ``InputError``."""
        if isinstance(method, str) and method == "pc":
            raise InputError(
                "pc goes by tests of independence and finds a partially directed graph, no network: call "
                "chainrule.tasks.learn_by_tests(rows), or chainrule.pc(rows) for the graph alone"
            )
        check_choice(method, "method", METHODS)
        found = METHODS[method]
        by = check_choice(found.scores[0] if score is None else score, f"the score of {method}", found.scores)
        rules = _kept(forbidden, "forbidden"), _kept(required, "required"), _kept(tiers, "tiers")
        given = any(rules) or max_parents is not None
        if given and not found.keeps_to_rules:
            able = " and ".join(name for name, m in METHODS.items() if m.keeps_to_rules)
            raise InputError(
                f"edges that are forbidden or required, tiers and a largest number of parents are for the methods "
                f"{able}; got the method {method}"
            )
        return cls(
            method,
            by,
            equivalent_sample_size,
            *rules,
            max_parents,
            seed,
        )

    def learn(self, table: Table) -> DiscreteModel:
        """The model of the method, learned from these rows."""
        return METHODS[self.method].learn(table, self)

    def rules(self, names: tuple[str, ...]) -> EdgeRules:
        """What is known ahead, of columns with these names; ``InputError`` where no graph keeps to it."""
        return EdgeRules.of(names, **self.known_ahead)

    @property
    def known_ahead(self) -> dict[str, Any]:
        """As settings of ``hill_climb`` and ``exact_search``."""
        return {
            "forbidden": self.forbidden,
            "required": self.required,
            "tiers": self.tiers,
            "max_parents": self.max_parents,
        }


@dataclass(frozen=True)
class Method:
    """The ``scores`` that it can go by, its own first, how it learns, and whether it ``keeps_to_rules``."""

    scores: tuple[str, ...]
    learn: Callable[[Table, Wanted], DiscreteModel]
    keeps_to_rules: bool = False


def _forest(table: Table, wanted: Wanted) -> DiscreteModel:
    penalty: Any = wanted.score
    return chow_liu(table, penalty=penalty, missing="complete_families")


def _hill_climb(table: Table, wanted: Wanted) -> DiscreteModel:
    return hill_climb(table, **_searching(wanted))


def _exact(table: Table, wanted: Wanted) -> DiscreteModel:
    return exact_search(table, **_searching(wanted))


def _trees(table: Table, wanted: Wanted) -> DiscreteModel:
    from chainrule.models.tree_network.estimator import TreeNetwork

    penalty: Any = wanted.score
    return TreeNetwork(penalty=penalty, random_state=wanted.seed).fit(filled(table, wanted.seed))


def _searching(wanted: Wanted) -> dict[str, Any]:
    by = {
        "score": wanted.score,
        "equivalent_sample_size": wanted.sample_size,
        "random_state": wanted.seed,
    }
    return by | wanted.known_ahead | {"missing": "complete_families"}


def _kept(given: Any, name: str) -> Any:
    """Edges or tiers that can be read more than once."""
    if isinstance(given, (str, DirectedGraph)):
        return given
    parts = as_list(given, name, of="edges" if name != "tiers" else "lists of columns")
    return tuple(tuple(as_list(part, f"each of {name}")) if is_listing(part) else part for part in parts)


METHODS = {
    "forest": Method(("ebic", "bic", "aic"), _forest),
    "hill-climb": Method(("bic", "aic", "bdeu", "k2", "held-out"), _hill_climb, keeps_to_rules=True),
    "exact": Method(("bic", "aic", "bdeu", "k2", "held-out"), _exact, keeps_to_rules=True),
    "trees": Method(("bayes", "dirichlet", "ebic", "bic", "aic"), _trees),
}
