"""Bayesian networks to ask: those of the bnlearn repository, larger ones made here, and each as pyagrum holds it.

In a *windowed* network a node has up to two parents among the few nodes before it, so that cliques stay small however
many nodes there are.  In a *grid* a node's parents are the one above and the one to the left: its cliques grow as
the side does.  Rows of tables are drawn from a Dirichlet(0.5, ..., 0.5), so that they are neither even nor certain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

__all__ = ["bif_files", "drawn_network", "grid", "networks", "pyagrum_network", "some", "windowed"]

_WINDOW, _MOST_PARENTS = 4, 2


def networks() -> dict[str, Callable[[], BayesianNetwork]]:
    """How to get each network, by name: files, small ones first, then our own."""
    found = {name: partial(BayesianNetwork.read, path) for name, path in bif_files().items()}
    return found | {
        "windowed 200": partial(drawn_network, windowed(200), (2, 4)),
        "windowed 1000": partial(drawn_network, windowed(1000), (2, 4)),
        "grid 10 x 10": partial(drawn_network, grid(10), (2, 2)),
    }


def bif_files() -> dict[str, Path]:
    """The networks in ``CHAINRULE_DATA``, smaller files first."""
    folder = Path(os.environ.get("CHAINRULE_DATA", "")) / "bif"
    files = sorted(folder.glob("*.bif.gz"), key=lambda path: path.stat().st_size)
    return {path.name.removesuffix(".bif.gz"): path for path in files}


def windowed(n: int, seed: int = 0) -> DAG:
    """A windowed DAG of ``n`` nodes."""
    rng = np.random.default_rng(seed)
    edges = []
    for i in range(1, n):
        near = np.arange(max(0, i - _WINDOW), i)
        k = min(len(near), int(rng.integers(1, _MOST_PARENTS + 1)))
        edges += [(f"x{j + 1}", f"x{i + 1}") for j in rng.choice(near, k, replace=False)]
    return DAG(edges, [f"x{i + 1}" for i in range(n)])


def grid(side: int) -> DAG:
    """A DAG of ``side`` x ``side`` nodes, each after the one above and the one to the left."""
    name = [[f"x{side * r + c + 1}" for c in range(side)] for r in range(side)]
    down = [(name[r - 1][c], name[r][c]) for r in range(1, side) for c in range(side)]
    right = [(name[r][c - 1], name[r][c]) for r in range(side) for c in range(1, side)]
    return DAG(down + right, [v for row in name for v in row])


def drawn_network(dag: DAG, states: tuple[int, int], seed: int = 0) -> BayesianNetwork:
    """A network along ``dag``: its numbers of states are between ``states``, its tables drawn."""
    rng = np.random.default_rng(seed)
    sizes = {v: int(rng.integers(states[0], states[1] + 1)) for v in dag.nodes}
    tables = {
        v: rng.dirichlet(np.full(sizes[v], 0.5), size=[sizes[u] for u in dag.parents(v)]) for v in dag.nodes
    }
    return BayesianNetwork.from_tables(dag, sizes, tables)


def pyagrum_network(network: BayesianNetwork, threads: int) -> Any:
    """The same network in pyagrum, which is to use so many threads."""
    gum = import_module("pyagrum")
    gum.setNumberOfThreads(threads)
    net = gum.BayesNet()
    for v, states in network.states_.items():
        net.add(gum.LabelizedVariable(v, v, list(states)))
    for u, v in network.dag_.edges:
        net.addArc(u, v)
    for v in network.variables_:
        table = network.cpt(v)
        axes = [*table.parents, v]
        there = reversed(net.cpt(v).names)  # the axes of its array
        values = table.probabilities.transpose([axes.index(u) for u in there])
        net.cpt(v)[:] = np.ascontiguousarray(values)
    return net


def some(names: Sequence[str], n: int, rng: np.random.Generator) -> list[str]:
    """``n`` of ``names``, at least one, without repetition."""
    return [str(v) for v in rng.choice(np.array(names), max(1, min(n, len(names))), replace=False)]
