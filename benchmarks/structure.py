"""Graphs learned from rows of known networks: score, distance to the truth and seconds, beside other tools.

The other tools are in the extra ``bench``; what is not installed is left out.  The networks are those of the
bnlearn repository in ``CHAINRULE_DATA``.  All go by BIC unless their name says otherwise, and what they found is scored
by one rule; of a partially directed graph a DAG that extends it is scored, where there is one.
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

from benchmarks.networks import bif_files
from benchmarks.showing import Benchmark, Options, duration
from chainrule.core.errors import NoExtensionError
from chainrule.evaluate import pc
from chainrule.graphs import DAG, PDAG, compare_graphs
from chainrule.models import BayesianNetwork, chow_liu, exact_search, hill_climb
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.scores import Score
from chainrule.tables import Table

__all__ = ["STRUCTURE", "LearnedGraph", "structure"]

NETWORKS = ("asia", "sachs", "child", "insurance", "alarm", "hailfinder")
ROWS = (500, 5000, 50_000)
_EXACT = 20  # columns: what an exact search takes seconds for, as long as rows are few
_MOST_GIVEN = 3  # columns that a test of PC is given
_PATIENT = 2e6  # columns² x rows: what pgmpy takes a minute or two for

Learner = Callable[[Table], DAG | PDAG]


@dataclass(frozen=True)
class LearnedGraph:
    """``gain_nats``: its BIC less that of the true graph; ``distance``: pairs of nodes whose CPDAGs differ.

    A graph that no DAG extends has no score, and its own edges are compared with the true CPDAG.  ``precision`` and
    ``recall`` are of the skeleton.  ``seconds`` are of the processor, on one thread.
    """

    network: str
    rows: int
    tool: str
    gain_nats: float | None
    distance: int
    precision: float | None
    recall: float | None
    edges: int
    true_edges: int
    seconds: float

    def cells(self) -> list[str]:
        """By column of the table."""
        edges = f"{self.edges} ({self.true_edges})"
        gain, *shares = (
            "–" if x is None else format(x, f".{k}f")
            for x, k in ((self.gain_nats, 1), (self.precision, 2), (self.recall, 2))
        )
        return [
            self.network, f"{self.rows:,}", self.tool, gain, f"{self.distance}", *shares, edges, duration(self.seconds)
        ]  # fmt: skip


def structure(options: Options) -> Iterator[LearnedGraph]:
    """Every network, number of rows and tool; ``quick`` takes two networks and the fewest rows.

    ``--sets`` keeps to networks, ``--models`` to tools.
    """
    warnings.simplefilter("ignore")  # of the other tools
    logging.disable(logging.WARNING)
    files = bif_files()
    wanted = options.chosen(options.sets, [name for name in NETWORKS if name in files], "network")
    for name in wanted[: 2 if options.quick else None]:
        truth = BayesianNetwork.read(files[name])
        for n in ROWS[: 1 if options.quick else None]:
            rows = truth.sample(n, rng=0)
            scores = FamilyScores(rows, Score("bic"))
            for tool, learner in _tools(rows).items():
                if options.models is None or tool in options.models:
                    started = time.process_time()
                    found = learner(rows)
                    yield _judged(name, tool, found, truth.dag_, rows, scores, time.process_time() - started)


def _judged(
    name: str, tool: str, found: DAG | PDAG, truth: DAG, rows: Table, scores: FamilyScores, seconds: float
) -> LearnedGraph:
    try:
        dag = found if isinstance(found, DAG) else found.consistent_extension()
    except NoExtensionError:
        gain, compared = None, compare_graphs(found, truth.cpdag())
        apart = compared.shd
    else:
        gain, compared = _score(scores, rows, dag) - _score(scores, rows, truth), compare_graphs(found, truth)
        apart = compared.cpdag_shd or 0
    shares = compared.skeleton.precision, compared.skeleton.recall
    return LearnedGraph(name, rows.n_rows, tool, gain, apart, *shares, found.n_edges, truth.n_edges, seconds)


def _tools(rows: Table) -> dict[str, Learner]:
    n, d = rows.shape
    tools: dict[str, Learner] = {
        "chow_liu": lambda t: chow_liu(t).dag_,
        "hill_climb without restarts": lambda t: hill_climb(t, restarts=0).dag_,
        "hill_climb": lambda t: hill_climb(t).dag_,
        "hill_climb 100 restarts": lambda t: hill_climb(t, restarts=100).dag_,
        "hill_climb bdeu": lambda t: hill_climb(t, score="bdeu").dag_,
        "pc": lambda t: pc(t, max_given=_MOST_GIVEN).pdag,
    }
    if d <= _EXACT:
        tools["exact_search"] = lambda t: exact_search(t).dag_
    if find_spec("pyagrum"):
        tools["pyagrum greedy"] = partial(_pyagrum, method="useGreedyHillClimbing")
        tools["pyagrum tabu"] = partial(_pyagrum, method="useLocalSearchWithTabuList")
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


STRUCTURE = Benchmark(
    "structure",
    "graphs learned from rows of known networks, beside pyagrum and pgmpy",
    (
        "network",
        "rows",
        "tool",
        "BIC less the true graph's",
        "distance of CPDAGs",
        "precision",
        "recall",
        "edges (true)",
        "CPU time",
    ),
    structure,
)
