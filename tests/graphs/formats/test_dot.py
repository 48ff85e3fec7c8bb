"""Graphviz's DOT, as people and programs write it."""

from __future__ import annotations

import pytest

from chainrule.core.errors import ParseError
from chainrule.graphs import DAG


def test_statements_of_the_language_are_read():
    graph = DAG.parse("""
        strict digraph "G 1" {
            # from a preprocessor
            rankdir=LR; node [shape=box, class="latent"]; edge [color="red"]
            U [label="un\\"seen"];
            node [class="seen"]
            subgraph cluster_0 { label = "inner"; node [latent=true]; V -> a:n; }
            subgraph { b c } -> d:port:sw -> "e " + "f" [weight=2]; /* chain */
            U -> {a b}  // no semicolon
            1.5 -> -2 -> é
        }""")
    assert graph.latent == ("U", "V", "a")
    assert graph.edges == tuple(
        (a, b)
        for a, b in [
            ("U", "a"), ("U", "b"), ("V", "a"), ("b", "d"), ("c", "d"), ("d", "e f"), ("1.5", "-2"), ("-2", "é"),
        ]
    )  # fmt: skip


def test_a_layout_by_graphviz_gives_positions():
    text = """digraph { graph [bb="0,0,54,108"];
        a [height=0.5, pos="27,90"]; b [pos="27,18!"]; a -> b [pos="e,27,36 27,71"]; }"""
    assert DAG.parse(text).positions == {"a": (27.0, 90.0), "b": (27.0, 18.0)}


def test_names_that_are_words_of_the_language_are_quoted():
    graph = DAG.parse('digraph { "node" -> "Graph" -> "a\\\\" -> "1a" }')
    assert graph.nodes == ("node", "Graph", "a\\", "1a")
    assert DAG.parse(graph.to_text("dot")) == graph


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("graph { a -- b }", 1, 1, "expected 'digraph', got 'graph'; give each edge a direction"),
        ("digraph { a -- b }", 1, 13, "expected '->', got '--'"),
        ("digraph {\n  a <- b }", 2, 5, "expected '->'"),
        ("digraph { a -> }", 1, 16, "expected a node or '{' after '->'"),
        ("digraph { node -> b }", 1, 16, "expected '[' after node"),
        ("digraph { a -> edge }", 1, 16, "quote what is a word of the format"),
        ("digraph { a [label=<<b>x</b>>] }", 1, 20, "in place of HTML"),
        ('digraph { a + "b" }', 1, 13, "expected a node"),
        ('digraph { "a" + b }', 1, 17, "expected a quoted string"),
        ("digraph { a-1 }", 1, 12, "double quotes"),
        ("digraph { 1a }", 1, 11, "double quotes"),
        ("digraph { a } digraph { b }", 1, 15, "nothing after the graph"),
        ("digraph { subgraph x y }", 1, 22, "expected '{'"),
        ("digraph {}", 1, 11, "expected a node or an edge"),
    ],
)
def test_a_syntax_error_names_line_column_and_what_was_expected(text, line, column, expected):
    with pytest.raises(ParseError) as caught:
        DAG.parse(text)
    assert str(caught.value).startswith(f"line {line}, column {column}: ")
    assert expected in str(caught.value)
