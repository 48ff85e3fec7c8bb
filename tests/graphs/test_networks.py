"""Networks of the literature: d-separation as networkx has it, statements as many as DAGitty lists."""

from __future__ import annotations

import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from chainrule.graphs import DAG
from tests.graphs.dags import to_networkx

FOLDER = Path(os.environ.get("CHAINRULE_DATA", "")) / "bif"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="CHAINRULE_DATA has no folder bif"),
]
NETWORKS = ["alarm", "asia", "cancer", "child", "earthquake", "hailfinder", "insurance", "sachs", "survey"]


def network(name: str) -> DAG:
    return DAG.read(FOLDER / f"{name}.bif.gz")


@pytest.mark.parametrize("name", NETWORKS)
def test_d_separation_in_a_published_network_is_that_of_networkx(name):
    dag = network(name)
    graph, rng = to_networkx(dag), np.random.default_rng([10, len(dag)])
    answers = set()
    for _ in range(100):
        x, y, *rest = map(str, rng.permutation(dag.nodes))
        z = set(rest[: int(rng.integers(len(rest)))])
        found = dag.is_d_separated(x, y, z)
        assert found == nx.is_d_separator(graph, {x}, {y}, z)
        answers.add(found)
    assert answers == {True, False}


@pytest.mark.parametrize(
    ("name", "n_pairs", "n_statements"),
    [("asia", 20, 32), ("alarm", 620, 1560), ("insurance", 299, 2126), ("hailfinder", 1474, 8432)],
)
def test_missing_edges_are_as_many_as_dagitty_lists_and_each_separator_is_minimal(
    name, n_pairs, n_statements
):
    dag = network(name)
    graph, rng = to_networkx(dag), np.random.default_rng([11, len(dag)])
    listed = dag.implied_independencies()
    assert len(set(listed)) == len(listed) == n_statements
    assert len({(s.x, s.y) for s in listed}) == n_pairs == len(dag) * (len(dag) - 1) // 2 - dag.n_edges
    for k in rng.choice(len(listed), 30, replace=False):
        s = listed[k]
        assert nx.is_minimal_d_separator(graph, set(s.x), set(s.y), set(s.given))
