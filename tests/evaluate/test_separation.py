"""d-separation in 2,000 random DAGs and nine published ones: what networkx says, and independence in random tables.

Independence is measured in float64; where that cannot tell a weak dependence from rounding, exact fractions decide.
"""

from __future__ import annotations

import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from chainrule.evaluate.tables import joint_table, random_tables
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork
from tests.graphs.dags import hide_some, random_dag, to_networkx

FOLDER = Path(os.environ.get("CHAINRULE_DATA", "")) / "bif"
NETWORKS = ["alarm", "asia", "cancer", "child", "earthquake", "hailfinder", "insurance", "sachs", "survey"]

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


def strong_tables(dag: DAG, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Binary tables whose entries are near 0 or 1, so that dependence reaches along long paths."""
    tables = {}
    for v in dag.nodes:
        one = rng.uniform(0.02, 0.15, (2,) * len(dag.parents(v)))
        one = np.where(rng.random(one.shape) < 0.5, one, 1 - one)
        tables[v] = np.stack([1 - one, one], axis=-1)
    return tables


@pytest.mark.realdata
@pytest.mark.skipif(not FOLDER.is_dir(), reason="CHAINRULE_DATA has no folder bif")
@pytest.mark.parametrize("name", NETWORKS)
def test_d_separation_in_a_published_network_is_independence_in_random_tables(name):
    dag, rng = DAG.read(FOLDER / f"{name}.bif.gz"), np.random.default_rng([9, 2])
    asked = separated = too_weak = 0
    while min(separated, asked - separated) < 10:  # both answers are put to the test
        states = dict.fromkeys(dag.nodes, ("0", "1"))
        model = BayesianNetwork.from_tables(dag, states, strong_tables(dag, rng))
        for _ in range(6):
            x, y, *rest = map(str, rng.permutation(dag.nodes))
            z = rest[: int(rng.integers(0, min(len(rest), 5)))]
            joint = model.query([x, y, *z]).probabilities
            independent = dependence(joint, {0}, {1}, set(range(2, joint.ndim))) < ROUNDING
            found = dag.is_d_separated(x, y, z)
            assert independent or not found
            too_weak += independent and not found
            asked, separated = asked + 1, separated + found
    assert too_weak < asked / 10  # a dependence that float64 cannot tell from none
