"""Graphs learned from rows of known networks: score, distance to the truth and seconds, beside other tools.

The other tools are in the extra ``bench``; what is not installed is left out.  The networks are those of the
bnlearn repository in ``CHAINRULE_DATA``.  All go by BIC, and what they found is scored by one rule.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from typing import Any

from benchmarks.networks import bif_files
from benchmarks.showing import Benchmark, Options, duration
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, chow_liu, exact_search, hill_climb
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.scores import Score
from chainrule.tables import Table

__all__ = ["STRUCTURE", "LearnedGraph", "structure"]

NETWORKS = ("asia", "sachs", "child", "insurance", "alarm", "hailfinder")
ROWS = (500, 5000, 50_000)
_EXACT = 20  # columns: what an exact search takes seconds for, as long as rows are few
_PATIENT = 2e6  # columns² x rows: what pgmpy takes a minute or two for

Learner = Callable[[Table], DAG]


@dataclass(frozen=True)
class LearnedGraph:
    """``gain_nats``: its BIC less that of the true graph; ``distance``: pairs of nodes whose CPDAGs differ.

    ``seconds`` are of the processor, on one thread.
    """

    network: str
    rows: int
    tool: str
    gain_nats: float
    distance: int
    edges: int
    true_edges: int
    seconds: float

    def cells(self) -> list[str]:
        """By column of the table."""
        edges = f"{self.edges} ({self.true_edges})"
        numbers = [f"{self.gain_nats:.1f}", f"{self.distance}", edges, duration(self.seconds)]
        return [self.network, f"{self.rows:,}", self.tool, *numbers]


def structure(options: Options) -> Iterator[LearnedGraph]:
    """Every network, number of rows and tool; ``quick`` takes two networks and the fewest rows."""
    warnings.simplefilter("ignore")  # of the other tools
    logging.disable(logging.WARNING)
    files = bif_files()
    for name in [name for name in NETWORKS if name in files][: 2 if options.quick else None]:
        truth = BayesianNetwork.read(files[name])
        for n in ROWS[: 1 if options.quick else None]:
            rows = truth.sample(n, rng=0)
            scores = FamilyScores(rows, Score("bic"))
            for tool, learner in _tools(rows).items():
                started = time.process_time()
                found = learner(rows)
                seconds = time.process_time() - started
                gain = _score(scores, rows, found) - _score(scores, rows, truth.dag_)
                apart = _distance(found, truth.dag_)
                yield LearnedGraph(name, n, tool, gain, apart, found.n_edges, truth.dag_.n_edges, seconds)


def _tools(rows: Table) -> dict[str, Learner]:
    n, d = rows.shape
    tools: dict[str, Learner] = {
        "chow_liu": lambda t: chow_liu(t).dag_,
        "hill_climb, restarts=0": lambda t: hill_climb(t, restarts=0).dag_,
        "hill_climb": lambda t: hill_climb(t).dag_,
        "hill_climb, restarts=100": lambda t: hill_climb(t, restarts=100).dag_,
    }
    if d <= _EXACT:
        tools["exact_search"] = lambda t: exact_search(t).dag_
    if find_spec("pyagrum"):
        tools["pyagrum, greedy"] = partial(_pyagrum, method="useGreedyHillClimbing")
        tools["pyagrum, tabu"] = partial(_pyagrum, method="useLocalSearchWithTabuList")
    if find_spec("pgmpy") and d * d * n <= _PATIENT:
        tools["pgmpy"] = _pgmpy
    return tools


def _pyagrum(rows: Table, method: str) -> DAG:
    pyagrum = import_module("pyagrum")
    pyagrum.setNumberOfThreads(1)
    learner = pyagrum.BNLearner(rows.to_pandas())
    learner.useScoreBIC()
    getattr(learner, method)()
    names = learner.names()
    return DAG([(names[a], names[b]) for a, b in learner.learnDAG().arcs()], rows.schema.names)


def _pgmpy(rows: Table) -> DAG:
    search = import_module("pgmpy.causal_discovery").HillClimbSearch(
        scoring_method="bic-d", return_type="dag", show_progress=False
    )
    return DAG(search.fit(rows.to_pandas()).causal_graph_.edges(), rows.schema.names)


def _score(scores: FamilyScores, rows: Table, dag: DAG) -> float:
    place = rows.schema.index
    return scores.total([sum(1 << place(u) for u in dag.parents(v)) for v in rows.schema.names])


def _distance(a: DAG, b: DAG) -> int:
    """Structural Hamming distance of CPDAGs: pairs that are joined in one only, or in another way."""
    return sum(x != y for x, y in zip(_marks(a), _marks(b), strict=True))


def _marks(dag: DAG) -> list[Any]:
    """What joins each pair of nodes in the CPDAG, pairs in an order of names."""
    found = dag.cpdag()
    ways: dict[frozenset[str], Any] = {frozenset(edge): edge for edge in found.directed}
    ways |= {frozenset(edge): "undirected" for edge in found.undirected}
    return [ways.get(frozenset(pair)) for pair in combinations(sorted(dag.nodes), 2)]


STRUCTURE = Benchmark(
    "structure",
    "graphs learned from rows of known networks, beside pyagrum and pgmpy",
    (
        "network",
        "rows",
        "tool",
        "BIC less the true graph's",
        "distance of CPDAGs",
        "edges (true)",
        "CPU time",
    ),
    structure,
)
