"""Random Bayesian networks and their joint tables, formed entry by entry from the definition."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

__all__ = ["joint_of", "random_network"]


def random_network(rng: np.random.Generator, d: int, *, zeros: float = 0.0) -> BayesianNetwork:
    """A network of ``d`` variables with one to three states; ``zeros`` is the share of impossible entries."""
    names = [f"v{i}" for i in range(d)]
    density = rng.random()
    edges = [(a, b) for a, b in itertools.combinations(names, 2) if rng.random() < density]
    dag = DAG(edges, rng.permutation(names).tolist())
    states = {v: [f"s{k}" for k in range(rng.choice([1, 2, 3], p=[0.1, 0.5, 0.4]))] for v in names}
    tables = {}
    for v in names:
        shape = tuple(len(states[u]) for u in (*dag.parents(v), v))
        table = rng.random(shape) * (rng.random(shape) >= zeros)
        table[table.sum(-1) == 0, 0] = 1.0
        tables[v] = table / table.sum(-1, keepdims=True)
    return BayesianNetwork.from_tables(dag, states, tables)


def joint_of(model: Any) -> NDArray[np.float64]:
    """p(x) for every x, an axis for each of ``variables_``: the product of the entries of all tables."""
    names = model.variables_
    joint = np.ones([len(model.states_[v]) for v in names])
    for index in np.ndindex(joint.shape):
        x = dict(zip(names, index, strict=True))
        for v in names:
            joint[index] *= model.tables_[v][tuple(x[u] for u in (*model.dag_.parents(v), v))]
    return joint
