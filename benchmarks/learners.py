"""What learns a graph from rows: ours, pyagrum's and pgmpy's, behind one door, each with settings that are the same.

Searches go by BIC unless their name says otherwise.  "greedy" stops at the first peak, "tabu" keeps a list; bnlearn's
``hc`` and ``tabu`` have the settings of our two by default (no restart; a list of 10, and 10 changes beyond a peak).
Tests have alpha 0.05 and are given at most 3 columns; "every stratum" leaves Cochran's rule out, as the other tools do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.other_tools import UnableError
from chainrule.core.errors import TooLargeError
from chainrule.evaluate import pc
from chainrule.graphs import DAG, PDAG
from chainrule.models import TreeNetwork, chow_liu, exact_search, hill_climb
from chainrule.tables import Table

__all__ = ["LEARNERS", "LearnedGraph", "Learner", "warmed"]

_ALPHA, _MOST_GIVEN = 0.05, 3
_FEW_ROWS, _FEW_COLUMNS = 100, 3


@dataclass(frozen=True)
class LearnedGraph:
    """A graph, and what is to be said of it."""

    graph: DAG | PDAG
    note: str = ""


Learner = Callable[[Table], LearnedGraph]


def warmed(name: str, rows: Table) -> Learner:
    """The learner of this name, once it has learned from a few rows and columns; ``UnableError`` if not installed."""
    package = name.split()[0]
    if package in _PACKAGES and find_spec(package) is None:
        raise UnableError(f"not installed: {package}")
    learner = LEARNERS[name]
    learner(rows[:_FEW_ROWS].select(rows.schema.names[:_FEW_COLUMNS]))
    return learner


def _ours(search: Callable[..., Any], **settings: Any) -> Learner:
    return partial(_learned, search, settings)


def _learned(search: Callable[..., Any], settings: dict[str, Any], rows: Table) -> LearnedGraph:
    try:
        return LearnedGraph(search(rows, **settings).factorization_)
    except TooLargeError as e:
        raise UnableError(f"refused: too many columns ({len(rows.schema)})") from e


def _trees(rows: Table) -> LearnedGraph:
    return LearnedGraph(TreeNetwork(random_state=0).fit(rows).factorization_)


def _pc(min_expected: float, rows: Table) -> LearnedGraph:
    found = pc(rows, alpha=_ALPHA, max_given=_MOST_GIVEN, min_expected=min_expected)
    untested = sum(edge.is_untested for edge in found.kept)
    return LearnedGraph(found.pdag, f"{untested} of its edges untestable" if untested else "")


def _pyagrum(settings: Callable[[Any], Any], rows: Table) -> LearnedGraph:
    pyagrum = import_module("pyagrum")
    pyagrum.setNumberOfThreads(1)
    learner = pyagrum.BNLearner(rows.to_pandas())
    settings(learner)
    names = learner.names()
    if learner.isConstraintBased():
        graph = learner.learnPDAG()
        edges = [(names[a], names[b]) for a, b in graph.edges()]
        return LearnedGraph(PDAG([(names[a], names[b]) for a, b in graph.arcs()], edges, rows.schema.names))
    return LearnedGraph(DAG([(names[a], names[b]) for a, b in learner.learnDAG().arcs()], rows.schema.names))


def _pyagrum_pc(learner: Any) -> None:
    learner.usePC().setPCAlpha(_ALPHA).setPCMaxCondSetSize(_MOST_GIVEN)


def _pgmpy(kind: str, settings: dict[str, Any], rows: Table) -> LearnedGraph:
    search = getattr(import_module("pgmpy.causal_discovery"), kind)(**settings)
    found = search.fit(rows.to_pandas()).causal_graph_
    names = rows.schema.names
    if settings["return_type"] == "dag":
        return LearnedGraph(DAG(found.edges(), names))
    return LearnedGraph(PDAG(found.directed_edges, found.undirected_edges, names))


_PACKAGES = ("pyagrum", "pgmpy")
LEARNERS: dict[str, Learner] = {
    "chow_liu": _ours(chow_liu),
    "trees": _trees,
    "greedy": _ours(hill_climb, tabu=0, restarts=0),
    "tabu": _ours(hill_climb, restarts=0),
    "hill_climb": _ours(hill_climb),
    "hill_climb 100 restarts": _ours(hill_climb, restarts=100),
    "hill_climb bdeu": _ours(hill_climb, score="bdeu"),
    "exact_search": _ours(exact_search),
    "pc": partial(_pc, 5.0),
    "pc every stratum": partial(_pc, 0.0),
    "pyagrum greedy": partial(_pyagrum, lambda b: b.useScoreBIC().useGreedyHillClimbing()),
    "pyagrum tabu": partial(_pyagrum, lambda b: b.useScoreBIC().useLocalSearchWithTabuList()),
    "pyagrum miic": partial(_pyagrum, lambda b: b.useMIIC()),
    "pyagrum pc": partial(_pyagrum, _pyagrum_pc),
    "pgmpy tabu": partial(
        _pgmpy,
        "HillClimbSearch",
        {"scoring_method": "bic-d", "return_type": "dag", "show_progress": False},
    ),
    "pgmpy ges": partial(_pgmpy, "GES", {"scoring_method": "bic-d", "return_type": "dag"}),
    "pgmpy pc": partial(
        _pgmpy,
        "PC",
        {
            "return_type": "pdag",
            "variant": "stable",
            "significance_level": _ALPHA,
            "max_cond_vars": _MOST_GIVEN,
            "n_jobs": 1,
            "show_progress": False,
        },
    ),
}
