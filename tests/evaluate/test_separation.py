"""d-separation in 2,000 random DAGs: the same as networkx says, and the same as independence in random tables.

Independence is measured in float64; where that cannot tell a weak dependence from rounding, exact fractions decide.
"""

from __future__ import annotations

import networkx as nx
import numpy as np

from chainrule.evaluate.tables import joint_table, random_tables
from chainrule.graphs import DAG
from tests.graphs.dags import hide_some, random_dag, to_networkx

ROUNDING = 1e-12  # of probabilities that sum to one: a thousand times float64's, for a few thousand terms
DENOMINATOR = 1_000_000_007  # of random entries: two that are equal by chance would hide a dependence


def float_joint(dag: DAG, tables) -> np.ndarray:
    """The joint distribution, axis i for ``dag.nodes[i]``."""
    joint = np.ones((2,) * len(dag))
    for v, table in tables.items():
        one = np.array([float(p) for p in table.p_one]).reshape((2,) * len(table.parents))
        factor = np.stack([1 - one, one], axis=-1)
        axes = [dag.nodes.index(name) for name in (*table.parents, v)]
        shape = [2 if i in axes else 1 for i in range(len(dag))]
        joint = joint * factor.transpose(np.argsort(axes)).reshape(shape)
    return joint


def dependence(joint: np.ndarray, x: set[int], y: set[int], z: set[int]) -> float:
    """The largest |P(x, y, z) P(z) - P(x, z) P(y, z)| over all states."""

    def margin(keep: set[int]) -> np.ndarray:
        return joint.sum(axis=tuple(a for a in range(joint.ndim) if a not in keep), keepdims=True)

    return float(np.abs(margin(x | y | z) * margin(z) - margin(x | z) * margin(y | z)).max())


def test_d_separation_is_that_of_networkx_and_is_independence_in_2000_random_dags():
    rng = np.random.default_rng([9, 1])
    asked = separated = exact = 0
    for _ in range(2000):
        dag = hide_some(random_dag(int(rng.integers(2, 13)), rng.uniform(0.05, 0.5), rng), rng, share=0.1)
        graph, tables = to_networkx(dag), random_tables(dag, rng, denominator=DENOMINATOR)
        joint = float_joint(dag, tables)
        for _ in range(4):
            x, y, *rest = (int(v) for v in rng.permutation(len(dag)))
            latent = {dag.nodes.index(v) for v in dag.latent}
            z = {v for v in rest if rng.random() < 0.35} - latent
            names = [{dag.nodes[v] for v in s} for s in ({x}, {y}, z)]
            found = dag.is_d_separated(*names)
            assert found == nx.is_d_separator(graph, *names)
            assert found == (dag.nodes[y] in dag.d_separated_from(*names[::2])) or y in latent
            independent = dependence(joint, {x}, {y}, z) < ROUNDING
            if independent and not found:
                exact += 1
                independent = joint_table(dag, tables).is_independent(*names)
            assert found == independent
            asked, separated = asked + 1, separated + found
    assert asked == 8000
    assert 0.2 < separated / asked < 0.8  # both answers were put to the test
    assert exact < asked / 20
