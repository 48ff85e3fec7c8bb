"""A graph that is written and read again is the same graph, whatever its names; in every format."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, OutputError
from chainrule.graphs import DAG, DirectedGraph
from tests.graphs.dags import directed

_finite = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def marked(draw: st.DrawFn) -> DirectedGraph:
    """Any directed graph with latent nodes, exposures, outcomes and positions."""
    graph = draw(directed())
    some = st.lists(st.sampled_from(graph.nodes), unique=True)
    return DirectedGraph(
        graph.edges,
        graph.nodes,
        latent=draw(some),
        exposures=draw(some),
        outcomes=draw(some),
        positions=draw(st.dictionaries(st.sampled_from(graph.nodes), st.tuples(_finite, _finite))),
    )


@pytest.mark.parametrize("name", ["chainrule", "dagitty", "dot"])
@given(graph=marked())
def test_text_parses_back_to_the_graph_with_its_latent_nodes_and_the_order_of_all(name, graph):
    text = graph.to_text(name)
    again = DirectedGraph.parse(text, name)
    assert again == graph == DirectedGraph.parse(text)
    assert again.nodes == graph.nodes
    assert again.latent == graph.latent
    if name != "chainrule":
        assert again.positions == graph.positions  # bit for bit
    if name == "dagitty":
        assert (again.exposures, again.outcomes) == (graph.exposures, graph.outcomes)


@pytest.mark.parametrize("name", ["edges", "adjacency"])
@given(graph=directed())
def test_rows_parse_back_to_the_graph_with_the_order_of_its_nodes(name, graph):
    again = DirectedGraph.parse(graph.to_text(name), name)
    assert again == graph
    assert again.nodes == graph.nodes


@given(marked())
def test_repr_evaluates_to_the_graph_with_its_latent_nodes(graph):
    assert eval(repr(graph), {"DirectedGraph": DirectedGraph}) == graph


@given(marked())
def test_marks_live_through_pickling_and_networkx(graph):
    for again in (pickle.loads(pickle.dumps(graph)), DirectedGraph.from_networkx(graph.to_networkx())):  # noqa: S301
        assert again == graph
        assert again.positions == graph.positions
        assert again.nodes == graph.nodes


@given(directed())
def test_a_matrix_holds_the_graph(graph):
    matrix = graph.to_adjacency()
    assert DirectedGraph.from_adjacency(matrix, graph.nodes) == graph
    assert matrix.dtype == np.uint8
    assert {(graph.nodes[i], graph.nodes[j]) for i, j in np.argwhere(matrix)} == set(graph.edges)


@pytest.mark.parametrize("suffix", ["txt", "dag", "dagitty", "dot", "gv", "csv", "tsv", "dot.gz", "TXT.GZ"])
def test_a_file_is_read_back_by_its_suffix_or_its_content(tmp_path, suffix):
    graph = DirectedGraph.parse('B -> "a, \t\\"b\\"" -> C -> B; D')
    path = tmp_path / f"graph.{suffix}"
    graph.write(path)
    again = DirectedGraph.read(path)
    assert again == graph
    assert again.nodes == graph.nodes
    if suffix.lower().endswith("gz"):
        assert gzip.decompress(path.read_bytes()).decode().strip()
    elsewhere = tmp_path / "unnamed"
    elsewhere.write_bytes(path.read_bytes())
    if suffix not in ("csv", "tsv"):
        assert DirectedGraph.read(elsewhere) == graph


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_a_matrix_in_a_file_is_told_from_an_edge_list(tmp_path, suffix):
    graph = DAG.parse("A -> B -> C; D; A -> C")
    graph.write(tmp_path / f"m.{suffix}", format="adjacency")
    assert DAG.read(tmp_path / f"m.{suffix}") == graph


def test_what_cannot_be_written_is_refused_before_the_file_is_touched(tmp_path):
    graph = DAG([("U", "A")], latent=["U"])
    for path, message in [
        (tmp_path / "g.csv", "'U' is latent"),
        (tmp_path / "g.bif", "tables"),
        (tmp_path / "g.pdf", "does not tell the format"),
    ]:
        with pytest.raises(InputError, match=message):
            graph.write(path)
    for name in ("\ud800", "\0"):
        with pytest.raises(InputError, match="rename the node"):
            DAG([(name, "A")]).write(tmp_path / "g.dot")
    with pytest.raises(InputError, match="format must be one of"):
        graph.to_text("svg")  # type: ignore[arg-type]
    with pytest.raises(OutputError):
        graph.write(tmp_path / "nowhere" / "g.dot")
    assert not list(tmp_path.iterdir())
