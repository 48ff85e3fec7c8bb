"""Bayesian networks to ask: those of the bnlearn repository, larger ones made here, and each as pyagrum holds it.

In a *windowed* network a node has up to two parents among the few nodes before it, so that cliques stay small however
many nodes there are.  In a *grid* a node's parents are the one above and the one to the left: its cliques grow as
the side does.  In a *wide* network nodes have many states, as in barley and munin, and some cliques a million entries.
Rows of tables are drawn from a Dirichlet(0.5, ..., 0.5), so that they are neither even nor certain.  Networks of
genotypes, as pigs and link are, come from ``bred_networks``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bred_networks import linkage, pedigree
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

__all__ = [
    "bif_files",
    "drawn_network",
    "grid",
    "networks",
    "pyagrum_network",
    "some",
    "wide_network",
    "windowed",
]

_WINDOW, _MOST_PARENTS = 4, 2


def networks() -> dict[str, Callable[[], BayesianNetwork]]:
    """How to get each network, by name: files, small ones first, then our own."""
    found = {name: partial(BayesianNetwork.read, path) for name, path in bif_files().items()}
    return found | {
        "windowed 200": partial(drawn_network, windowed(200), (2, 4)),
        "windowed 1000": partial(drawn_network, windowed(1000), (2, 4)),
        "grid 10 x 10": partial(drawn_network, grid(10), (2, 2)),
        "wide 48": partial(wide_network, windowed(48, 6, 3), 60, 40_000),
        "wide 1041": partial(wide_network, windowed(1041, 6, 2), 21, 4000),
        "pedigree 441": partial(pedigree, 441, 145, 20),
        "linkage 840": partial(linkage, 100, 40, 4, 2),
    }


def bif_files() -> dict[str, Path]:
    """The networks in ``CHAINRULE_DATA``, smaller files first."""
    folder = Path(os.environ.get("CHAINRULE_DATA", "")) / "bif"
    files = sorted(folder.glob("*.bif.gz"), key=lambda path: path.stat().st_size)
    return {path.name.removesuffix(".bif.gz"): path for path in files}


def windowed(n: int, window: int = _WINDOW, most_parents: int = _MOST_PARENTS, seed: int = 0) -> DAG:
    """A windowed DAG of ``n`` nodes."""
    rng = np.random.default_rng(seed)
    edges = []
    for i in range(1, n):
        near = np.arange(max(0, i - window), i)
        k = min(len(near), int(rng.integers(1, most_parents + 1)))
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


def wide_network(dag: DAG, most_states: int, most_entries: int, seed: int = 0) -> BayesianNetwork:
    """A network along ``dag`` whose numbers of states are even on a logarithmic scale, as far as its tables allow."""
    rng = np.random.default_rng(seed)
    sizes: dict[str, int] = {}
    for v in dag.topological_order():
        room = most_entries // prod(sizes[u] for u in dag.parents(v))
        sizes[v] = max(2, min(int(np.exp(rng.uniform(np.log(2), np.log(most_states + 1)))), room))
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
