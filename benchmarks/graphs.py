"""What graphs answer, and how long they take: against networkx, pgmpy and pyagrum, and as graphs grow.

The other tools are in the extra ``bench``; what is not installed is left out.  The networks are those of the
bnlearn repository in ``CHAINRULE_DATA``.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import torch

from benchmarks.networks import bif_files, pyagrum_network
from benchmarks.showing import Benchmark, Options, duration, spread
from benchmarks.timing import Spread, alternate
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

__all__ = ["GRAPHS", "Answer", "graphs"]

NODES = (100, 1000, 10_000, 100_000)


@dataclass(frozen=True)
class Answer:
    """Seconds of one question, asked of one tool, on one graph; ``note`` says how large the answer is."""

    question: str
    graph: str
    tool: str
    seconds: Spread
    note: str = ""

    def cells(self) -> list[str]:
        """By column of the table."""
        return [self.question, self.graph, self.tool, spread(self.seconds, duration), self.note]


def graphs(options: Options) -> Iterator[Answer]:
    """Every line of the tables; tools that are compared take turns."""
    rounds = 3 if options.quick else 7
    warnings.simplefilter("ignore")  # of the other tools
    logging.disable(logging.WARNING)
    files = bif_files()
    for name in ("alarm", "insurance", "hailfinder"):
        if name in files:
            yield from _separators(name, DAG.read(files[name]), rounds)
    if "alarm" in files:
        yield from _queries("alarm", files["alarm"], rounds)
    for n in NODES:
        yield from _growing(n, rounds)


def _asked(
    question: str, graph: str, calls: dict[str, Callable[[], Any]], rounds: int, note: str = ""
) -> Iterator[Answer]:
    for tool, seconds in alternate(calls, max(2, rounds), least=0.005).items():
        yield Answer(question, graph, tool, Spread.of(seconds), note)


def _separators(name: str, dag: DAG, rounds: int) -> Iterator[Answer]:
    pairs = [
        (x, y) for x, y in combinations(dag.nodes, 2) if not dag.has_edge(x, y) and not dag.has_edge(y, x)
    ]
    found = len(dag.implied_independencies())
    yield from _asked(
        "all minimal separators of each missing edge", name,
        {"chainrule": dag.implied_independencies}, rounds, f"{found:,} of {len(pairs):,} pairs",
    )  # fmt: skip
    theirs = dag.to_networkx()
    calls: dict[str, Callable[[], Any]] = {
        "chainrule": lambda: [next(dag.minimal_d_separators(x, y)) for x, y in pairs],
        "networkx": lambda: [nx.find_minimal_d_separator(theirs, {x}, {y}) for x, y in pairs],
    }
    if find_spec("pgmpy"):
        model = import_module("pgmpy.base").DAG(dag.edges)
        calls["pgmpy"] = lambda: [model.minimal_dseparator(x, y) for x, y in pairs]
    yield from _asked("one minimal separator of each missing edge", name, calls, min(rounds, 3))


def _queries(name: str, path: Path, rounds: int) -> Iterator[Answer]:
    """200 questions "are x and y d-separated given three nodes", the same for all."""
    dag, rng = DAG.read(path), np.random.default_rng(0)
    asked = []
    for _ in range(200):
        x, y, *given = map(str, rng.choice(dag.nodes, 5, replace=False))
        asked.append((x, y, set(given)))
    theirs = dag.to_networkx()
    calls: dict[str, Callable[[], Any]] = {
        "chainrule": lambda: [dag.is_d_separated(*q) for q in asked],
        "networkx": lambda: [nx.is_d_separator(theirs, {x}, {y}, z) for x, y, z in asked],
    }
    if find_spec("pgmpy"):
        model = import_module("pgmpy.base").DAG(dag.edges)
        calls["pgmpy"] = lambda: [not model.is_dconnected(x, y, z) for x, y, z in asked]
    if find_spec("pyagrum"):
        net = pyagrum_network(BayesianNetwork.read(path), torch.get_num_threads())
        calls["pyagrum"] = lambda: [net.isIndependent(x, y, list(z)) for x, y, z in asked]
    answers = {tool: call() for tool, call in calls.items()}
    if any(a != answers["chainrule"] for a in answers.values()):
        raise RuntimeError(f"the tools disagree about {name}")
    yield from _asked(
        "200 d-separation queries", name, calls, rounds, f"{sum(answers['chainrule'])} separated"
    )


def _growing(n: int, rounds: int) -> Iterator[Answer]:
    """A random DAG of ``n`` nodes with three edges for each."""
    rng = np.random.default_rng(n)
    ends = np.sort(rng.integers(0, n, (3 * n, 2)), axis=1)
    edges = [(f"v{a}", f"v{b}") for a, b in ends if a != b]
    name = f"{n:,} nodes, {len(edges):,} edges"
    dag = DAG(edges)
    yield from _asked("to build the DAG", name, {"chainrule": lambda: DAG(edges)}, 2)
    text = dag.to_text()
    yield from _asked("to read it from text", name, {"chainrule": lambda: DAG.parse(text)}, 2)
    # given ten sinks almost every collider is open, so the walk goes almost everywhere
    order = dag.topological_order()
    given = order[-10:]
    x, y = map(str, rng.choice(order[: len(order) // 2], 2, replace=False))
    theirs = dag.to_networkx()
    calls = {
        "chainrule": lambda: dag.is_d_separated(x, y, given),
        "networkx": lambda: nx.is_d_separator(theirs, {x}, {y}, set(given)),
    }
    yield from _asked("one d-separation query, 10 sinks given", name, calls, rounds)
    yield from _asked(
        "all that is d-separated from a node",
        name,
        {"chainrule": lambda: dag.d_separated_from(x, given)},
        rounds,
    )
    yield from _asked("CPDAG", name, {"chainrule": dag.cpdag}, 2)


GRAPHS = Benchmark(
    "graphs",
    "questions to graphs against other tools, and as graphs grow, some minutes",
    ("question", "graph", "tool", "median (quartiles)", "note"),
    graphs,
)
