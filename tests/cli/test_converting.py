"""``chainrule dag convert``: networks and graphs from one format into another."""

from __future__ import annotations

import json

import numpy as np
import pytest

from chainrule import cli
from chainrule.graphs import DAG
from chainrule.graphs.formats.networks import read_network
from tests.graphs.formats.network_texts import HANDWRITTEN, WET_GRASS


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "lawn.net"
    path.write_text(HANDWRITTEN["net"])
    return path


@pytest.mark.parametrize("name", ["a.bif", "a.xml", "a.net.gz", "a.xdsl"])
def test_a_network_keeps_all_its_numbers(network, tmp_path, capsys, name):
    out = tmp_path / name
    assert cli.main(["dag", "convert", str(network), str(out)]) == 0
    assert capsys.readouterr().out == f"{out}: a network with its tables, 3 nodes, 2 edges\n"
    assert read_network(out) == WET_GRASS


def test_uai_loses_the_names_and_that_is_said(network, tmp_path, capsys):
    assert cli.main(["dag", "convert", str(network), str(tmp_path / "a.uai"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"out": str(tmp_path / "a.uai"), "nodes": 3, "edges": 2, "tables": True}
    assert "UAI has no names" in said.err
    np.testing.assert_array_equal(read_network(tmp_path / "a.uai").tables["x3"], WET_GRASS.tables["wet"])


def test_a_network_becomes_a_graph_and_a_graph_another(network, tmp_path, capsys):
    assert cli.main(["dag", "convert", str(network), str(tmp_path / "a.dot")]) == 0
    assert capsys.readouterr().out.endswith("a graph, 3 nodes, 2 edges; the tables are left out\n")
    arguments = ["--from", "dot", "--to", "edges"]
    assert cli.main(["dag", "convert", str(tmp_path / "a.dot"), str(tmp_path / "b"), *arguments]) == 0
    assert DAG.read(tmp_path / "b", "edges").edges == WET_GRASS.edges


@pytest.mark.parametrize(
    ("source", "arguments", "expected"),
    [
        ("g.dot", ["out.bif"], "is a graph without tables, which out.bif needs"),
        ("none.bif", ["out.xdsl"], "there is no file"),
        ("lawn.net", ["out.pdf"], "does not tell the format"),
        ("lawn.net", ["out", "--to", "uia"], "format must be one of"),
        ("lawn.net", ["out.bif", "--from", "xdsl"], "not well-formed XML"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_nothing_is_written(
    network, tmp_path, capsys, monkeypatch, source, arguments, expected
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.dot").write_text("digraph { a -> b }")
    assert cli.main(["dag", "convert", source, *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.glob("out*"))
