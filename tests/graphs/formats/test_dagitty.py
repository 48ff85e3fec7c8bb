"""DAGitty's text, as its site and its papers write it."""

from __future__ import annotations

import pytest

from chainrule.core.errors import InputError, ParseError, TooLargeError
from chainrule.graphs import DAG, DirectedGraph


def test_a_graph_as_dagitty_saves_it_is_read_whole():
    graph = DAG.parse("""dag {
bb="-2.4,-2.1,2.2,2.3"
"Low Education" [exposure,pos="-1.5,.5"]
Age [adjusted,pos="0,-1"]
Diabetes [outcome,pos="1.5,0.5"]
Wealth [unobserved,pos="-1,1"]
Age -> "Low Education"
Age -> Diabetes [pos="0.4,0.1"]
Wealth -> {"Low Education" Diabetes}
}""")
    assert graph.nodes == ("Low Education", "Age", "Diabetes", "Wealth")
    assert graph.parents("Low Education") == graph.parents("Diabetes") == ("Age", "Wealth")
    assert graph.exposures == ("Low Education",)
    assert graph.outcomes == ("Diabetes",)
    assert graph.latent == ("Wealth",)
    assert graph.adjusted == ("Age",)
    assert graph.positions["Low Education"] == (-1.5, 0.5)


def test_adjusted_nodes_are_read_kept_and_written_in_each_format_that_can_and_refused_by_the_others():
    graph = DAG.parse(
        'dag { B [adjusted] "a b" [a] D [outcome] E [exposure] B -> D E -> B E -> D "a b" -> D }'
    )
    assert graph.adjusted == ("B", "a b")
    for format in ("dagitty", "chainrule", "dot"):
        assert DAG.parse(graph.to_text(format)).adjusted == graph.adjusted
        assert DAG.parse(graph.to_text(format)) == graph
    assert DAG.parse("B [adjusted]; B -> C").adjusted == ("B",)
    assert DAG.from_networkx(graph.to_networkx()).adjusted == graph.adjusted
    assert DAG(graph.edges, adjusted=["B"]).adjusted == ("B",)
    for format in ("edges", "adjacency"):
        with pytest.raises(InputError, match="cannot say that 'B' is adjusted"):
            graph.to_text(format)
    with pytest.raises(InputError, match="'B' is marked adjusted and latent"):
        DAG.parse("dag { B [adjusted, latent] B -> C }")


def test_selection_is_refused_with_what_to_do_since_no_answer_would_take_it_into_account():
    for word in ("selected", "s"):
        with pytest.raises(ParseError, match=r"line 1, column \d+: 'S' is marked .* take the mark out"):
            DAG.parse(f"dag {{ X -> S <- Y S [{word}] }}")


def test_statements_need_only_white_space_between_them():
    one_line = "dag{ A -> B <- C  X [latent]  D -> {E F} Y[e] Z[o];W[u,o] }"
    graph = DAG.parse(one_line)
    assert graph == DAG.parse("A -> B <- C; X [latent]; D -> {E F}; Y; Z; W [latent]")
    assert (graph.exposures, graph.outcomes) == (("Y",), ("Z", "W"))
    assert DAG.parse(one_line.replace(" ", "\n").replace("\n->\n", "->")) == graph


def test_an_arrow_to_a_group_reaches_every_node_that_the_group_names():
    graph = DAG.parse("dag { A -> {B -> C {D}} <- {E <- F} }")
    below = {(a, b) for a in "AEF" for b in "BCD"}
    assert set(graph.edges) == below | {("B", "C"), ("F", "E")}


def test_a_two_headed_arrow_becomes_a_latent_common_cause_with_a_fresh_name():
    graph = DAG.parse("dag { L1 <-> A <-> {B L1} A -> B  B <-> A }")
    assert graph.latent == ("L2", "L3")
    assert graph.children("L2") == ("L1", "A")  # L1 <-> A and A <-> L1 are one
    assert graph.children("L3") == ("A", "B")
    assert graph.observed == ("L1", "A", "B")


def test_attributes_without_meaning_here_are_read_over():
    text = 'DAG "my graph" { graph [bb="1"] A [adjusted, weight=3; label="x -> y" e] A -> B -> C [beta=-.3] [lty=2] }'
    graph = DAG.parse(text)
    assert graph == DAG.parse("A -> B -> C")
    assert graph.exposures == ("A",)


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("pdag { A -- B }", 1, 1, "expected 'dag', got 'pdag'; give each edge a direction"),
        ("mag { A -> B }", 1, 1, "give each edge a direction"),
        ("dag { A -- B }", 1, 9, "choose one direction"),
        ("dag { A @-> B }", 1, 9, "choose one direction"),
        ("dag {\n A ->\n}", 3, 1, "expected a node or '{' after '->'"),
        ("dag { A -> B", 1, 13, "got the end of the text"),
        ("dag { A -> B } C", 1, 16, "nothing after the graph"),
        ("dag { }", 1, 8, "expected a node or an edge"),
        ('dag { A [pos="1"] }', 1, 19, "expected a position"),
        ('dag { A [pos="1e999,0"] }', 1, 25, "expected a position"),
        ("dag { A [latent }", 1, 17, "expected an attribute or ']'"),
        ('dag { A [label="x }', 1, 16, "never closed"),
        ("dag { A -B }", 1, 9, "write edges as A -> B"),
        ("dag { node -> B }", 1, 7, "quote other names"),
        ("dag { graph -> B }", 1, 13, 'quote a node that is called "graph"'),
        ('dag { "" -> B }', 1, 10, "empty name"),
        ("dag { {A B} [latent] }", 1, 13, "expected a node"),
        ("dag { A [latent] -> B }", 1, 18, "expected a node, '{' or '}', got '->'"),
        ("dag { A /* -> B }", 1, 9, "the comment is never closed"),
        ("dag {" + "{" * 60 + "A", 1, 57, "nested more than 50 deep"),
    ],
)
def test_a_syntax_error_names_line_column_and_what_was_expected(text, line, column, expected):
    with pytest.raises(ParseError) as caught:
        DAG.parse(text)
    assert str(caught.value).startswith(f"line {line}, column {column}: ")
    assert expected in str(caught.value)


def test_two_headed_arrows_between_groups_cannot_blow_up():
    many = "{" + " ".join(f"n{i}" for i in range(2000)) + "}"
    with pytest.raises(TooLargeError, match="more than 2,000,000 edges"):
        DirectedGraph.parse(f"dag {{ {many} <-> {many} }}")
