"""What graphs and networks answer, and how long they take: against networkx, pgmpy and pyagrum, and as graphs grow.

The other tools are in the extra ``bench``; what is not installed is left out.  The networks are those of the
bnlearn repository in ``CHAINRULE_DATA``.
"""

from __future__ import annotations

import gzip
import logging
import os
import tempfile
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

from benchmarks.timing import Spread, alternate
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

__all__ = ["Answer", "graphs"]

EVIDENCE = {
    "asia": {"xray": "yes", "dysp": "yes"},
    "alarm": {"HRBP": "HIGH", "BP": "LOW", "EXPCO2": "LOW"},
    "hailfinder": {"R5Fcst": "XNIL", "WindFieldPln": "LV"},
}
NODES = (100, 1000, 10_000, 100_000)


@dataclass(frozen=True)
class Answer:
    """Seconds of one question, asked of one tool, on one graph; ``note`` says how large the answer is."""

    question: str
    graph: str
    tool: str
    seconds: Spread
    note: str = ""


def graphs(quick: bool = False) -> Iterator[Answer]:
    """Every line of the tables; tools that are compared take turns."""
    rounds = 3 if quick else 7
    warnings.simplefilter("ignore")  # of the other tools
    logging.disable(logging.WARNING)
    folder = Path(os.environ.get("CHAINRULE_DATA", "")) / "bif"
    if folder.is_dir():
        for name in ("alarm", "insurance", "hailfinder"):
            yield from _separators(name, DAG.read(folder / f"{name}.bif.gz"), rounds)
        yield from _queries("alarm", folder / "alarm.bif.gz", rounds)
        for name in EVIDENCE:
            yield from _marginals(name, folder / f"{name}.bif.gz", rounds)
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
        net = _pyagrum_network(path)
        calls["pyagrum"] = lambda: [net.isIndependent(x, y, list(z)) for x, y, z in asked]
    answers = {tool: call() for tool, call in calls.items()}
    if any(a != answers["chainrule"] for a in answers.values()):
        raise RuntimeError(f"the tools disagree about {name}")
    yield from _asked(
        "200 d-separation queries", name, calls, rounds, f"{sum(answers['chainrule'])} separated"
    )


def _marginals(name: str, path: Path, rounds: int) -> Iterator[Answer]:
    """Posterior marginals of all variables that are not in the evidence; from the network in memory."""
    ours, evidence = BayesianNetwork.from_bif(path), EVIDENCE[name]
    asked = [v for v in ours.variables_ if v not in evidence]
    calls: dict[str, Callable[[], Any]] = {"chainrule": lambda: ours.posterior_marginals(evidence)}
    expected = ours.posterior_marginals(evidence)
    if find_spec("pgmpy"):
        text = gzip.decompress(path.read_bytes()).decode()
        model = import_module("pgmpy.readwrite").BIFReader(string=text).get_model()
        eliminate = import_module("pgmpy.inference").VariableElimination

        def by_pgmpy() -> Any:
            inference = eliminate(model)
            return {v: inference.query([v], evidence=evidence, show_progress=False) for v in asked}

        for v, found in by_pgmpy().items():
            for state, p in zip(found.state_names[v], found.values, strict=True):
                if abs(expected[v].probability(**{v: state}) - p) > 1e-6:
                    raise RuntimeError(f"pgmpy and chainrule disagree about {v} of {name}")
        calls["pgmpy"] = by_pgmpy
    if find_spec("pyagrum"):
        gum, net = import_module("pyagrum"), _pyagrum_network(path)

        def by_pyagrum() -> Any:
            inference = gum.LazyPropagation(net)
            inference.setEvidence(evidence)
            inference.makeInference()
            return {v: inference.posterior(v) for v in asked}

        calls["pyagrum"] = by_pyagrum
    yield from _asked(
        "posterior marginals of all variables", name, calls, min(rounds, 3), f"{len(asked)} variables"
    )


def _pyagrum_network(path: Path) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "network.bif"
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        return import_module("pyagrum").loadBN(str(plain))


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
