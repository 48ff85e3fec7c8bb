"""Edge lists and adjacency matrices as spreadsheets and programs save them."""

from __future__ import annotations

import pytest

from chainrule.core.errors import ParseError
from chainrule.graphs import DAG, DirectedGraph
from chainrule.graphs.formats.rows import parse_rows

CHAIN = DAG.parse("A -> B -> C")


@pytest.mark.parametrize(
    "text",
    [
        "A,B\nB,C",
        "parent,child\r\nA,B\r\nB,C\r\n",
        "From;To\n\n A ; B \n B ; C \n",
        'source\ttarget\n"A"\tB\nB\tC',
        "A,B\rB,C\r",
        "A,\nA,B\n\nB,C\n,\n",
    ],
)
def test_an_edge_list_with_or_without_a_heading_is_read(text):
    assert DAG.parse(text, "edges") == CHAIN


@pytest.mark.parametrize(
    "text",
    [
        "A,B,C\n0,1,0\n0,0,1\n0,0,0\n",
        ",A,B,C\nA,0,1,0\nB,0,0,1\nC,0,0,0",
        '"node";"A";"B";"C"\n"A";0;1;0\n"B";0;0;1\n"C";0;0;0',
        "A\tB\tC\nA\t0\t1\t0\nB\t0\t0\t1\nC\t0\t0\t0\n",
    ],
)
def test_a_matrix_with_or_without_row_names_is_read_and_recognised(text):
    assert DAG.parse(text, "adjacency") == CHAIN
    assert parse_rows(text).edges == [("A", "B"), ("B", "C")]


@pytest.mark.parametrize(
    "text",
    [
        "rain,grass\nyes,wet\nno,dry\nyes,dry\n",
        "a,b,c\n0,1,0\n1,1,0\n0,0,0\n0,1,1\n",
        "a;b\n1;2\n",
        "a,b\n0,1\n",
        "x\n0\n1\n",
        "A,B\nB,C",
    ],
)
def test_a_table_of_data_is_no_graph_and_a_list_without_heading_must_be_asked_for(text, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(
        ParseError, match=r"rows\.csv: line 1, column 1: expected a heading .* put parent,child above"
    ):
        DirectedGraph.read(path)
    path.write_text("parent,child\nA,B\nB,C\n")
    assert DAG.read(path) == CHAIN
    path.write_text("A,B\nB,C\n")
    assert DAG.read(path, "edges") == CHAIN


def test_cells_may_hold_anything_between_quotes():
    graph = DirectedGraph.parse('"a, ""b""\n c", " d "\n" d ",e f', "edges")
    assert graph.edges == (('a, "b"\n c', " d "), (" d ", "e f"))


@pytest.mark.parametrize(
    ("text", "format", "place", "expected"),
    [
        ("A,B\nA,B,0.5", "edges", "line 2, column 1", "expected two names, parent and child, got 3 cells"),
        ("A,B\n,C", "edges", "line 2, column 1", "expected two names"),
        ("parent,child\n", "edges", "line 2, column 1", "expected an edge"),
        ('A,"B', "edges", "line 1, column 3", "never closed"),
        ('A,B "c"', "edges", "line 1, column 5", "expected ',' or the end of the row"),
        (
            "A,B,C\n0,1,0",
            "adjacency",
            "line 1, column 1",
            "as many rows as names, got 1 rows for 3 names",
        ),
        ("A,B\n0,1\n0", "adjacency", "line 3, column 1", "expected 2 cells, got 1"),
        (
            "A,B\n0,1\n0,2",
            "adjacency",
            "line 3, column 1",
            "expected cells 0 and 1, got '2' in the row of 'B'",
        ),
        (",A,B\nA,0,1\nC,0,0", "adjacency", "line 3, column 1", "expected the row of 'B', got 'C'"),
        ("A,A\n0,1\n0,0", "adjacency", "line 1, column 1", "each once"),
        ("", "adjacency", "line 1, column 1", "the names of the nodes in the first row"),
    ],
)
def test_rows_that_are_no_graph_are_refused_with_their_place(text, format, place, expected):
    with pytest.raises(ParseError) as caught:
        DAG.parse(text, format)
    assert str(caught.value).startswith(place + ": ")
    assert expected in str(caught.value)
