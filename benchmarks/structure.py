"""Graphs learned from rows of known networks: score, distance to the truth and seconds, beside other tools.

The networks are those of the bnlearn repository in ``CHAINRULE_DATA``, the learners those of ``learners``.  What they
found is scored by BIC by one rule; of a partially directed graph a DAG that extends it is scored, where there is one.
Each learner has ``--budget`` seconds of the processor for a table; what was cut off is not asked of more rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks.learners import LEARNERS, LearnedGraph, warmed
from benchmarks.limited import keep_imported, limited
from benchmarks.networks import bif_files
from benchmarks.other_tools import UnableError
from benchmarks.showing import Benchmark, Options, duration
from chainrule.core.errors import NoExtensionError
from chainrule.graphs import DAG, compare_graphs
from chainrule.models import BayesianNetwork
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.scores import Score
from chainrule.tables import Table

__all__ = ["STRUCTURE", "JudgedGraph", "structure"]

NETWORKS = ("asia", "sachs", "child", "insurance", "alarm", "hailfinder")
ROWS = (500, 5000, 50_000)
_BUDGET = 20.0  # seconds of the processor for a graph


@dataclass(frozen=True)
class JudgedGraph:
    """``gain_nats``: its BIC less that of the true graph; ``distance``: pairs of nodes whose CPDAGs differ.

    A graph that no DAG extends has no score, and its own edges are compared with the true CPDAG.  ``precision`` and
    ``recall`` are of the skeleton.  ``seconds`` are of the processor.
    """

    network: str
    rows: int
    learner: str
    gain_nats: float | None = None
    distance: int | None = None
    precision: float | None = None
    recall: float | None = None
    edges: int | None = None
    seconds: float | None = None
    note: str = ""

    def cells(self) -> list[str]:
        """By column of the table."""
        numbers = [
            "" if x is None else format(x, form)
            for x, form in (
                (self.gain_nats, ".1f"),
                (self.distance, "d"),
                (self.precision, ".2f"),
                (self.recall, ".2f"),
                (self.edges, "d"),
            )
        ]
        took = "" if self.seconds is None else duration(self.seconds)
        return [self.network, f"{self.rows:,}", self.learner, *numbers, took, self.note]


def structure(options: Options) -> Iterator[JudgedGraph]:
    """Every network, number of rows and learner; ``quick`` takes two networks and the fewest rows.

    ``--sets`` keeps to networks, ``--models`` to learners.
    """
    keep_imported(["__main__", "benchmarks.learners", "pgmpy.causal_discovery", "pyagrum"])
    files = bif_files()
    wanted = options.chosen(options.sets, [name for name in NETWORKS if name in files], "network")
    learners = options.chosen(options.models, list(LEARNERS), "learner")
    for name in wanted[: 2 if options.quick else None]:
        truth, too_slow = BayesianNetwork.read(files[name]), set[str]()
        for n in ROWS[: 1 if options.quick else None]:
            rows = truth.sample(n, rng=0)
            scores = FamilyScores(rows, Score("bic"))
            for learner in learners:
                if learner in too_slow:
                    yield JudgedGraph(name, n, learner, note="cut off with fewer rows")
                    continue
                try:
                    found, seconds = limited(partial(warmed, learner, rows), rows, options.budget or _BUDGET)
                except UnableError as e:
                    too_slow |= {learner} if "cut off" in str(e) else set()
                    yield JudgedGraph(name, n, learner, note=str(e))
                else:
                    yield _judged(name, learner, found, truth.dag_, rows, scores, seconds)


def _judged(
    name: str,
    learner: str,
    found: LearnedGraph,
    truth: DAG,
    rows: Table,
    scores: FamilyScores,
    seconds: float,
) -> JudgedGraph:
    graph, note = found.graph, found.note
    try:
        dag = graph if isinstance(graph, DAG) else graph.consistent_extension()
    except NoExtensionError:
        gain, compared = None, compare_graphs(graph, truth.cpdag())
        apart, note = compared.shd, f"no DAG extends it; {note}".removesuffix("; ")
    else:
        gain, compared = _score(scores, rows, dag) - _score(scores, rows, truth), compare_graphs(graph, truth)
        apart = compared.cpdag_shd
    shares = compared.skeleton.precision, compared.skeleton.recall
    return JudgedGraph(name, rows.n_rows, learner, gain, apart, *shares, graph.n_edges, seconds, note)


def _score(scores: FamilyScores, rows: Table, dag: DAG) -> float:
    place = rows.schema.index
    return scores.total([sum(1 << place(u) for u in dag.parents(v)) for v in rows.schema.names])


STRUCTURE = Benchmark(
    "structure",
    "graphs learned from rows of known networks, beside pyagrum and pgmpy",
    (
        "network",
        "rows",
        "learner",
        "BIC less the true graph's",
        "distance of CPDAGs",
        "precision",
        "recall",
        "edges",
        "CPU time",
        "note",
    ),
    structure,
)
