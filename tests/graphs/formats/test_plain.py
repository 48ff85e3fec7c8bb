"""Text to graphs and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, CycleError, InputError, ParseError
from chainrule.graphs import DAG, DirectedGraph
from tests.graphs.dags import directed


@given(directed())
def test_text_of_a_graph_parses_back_to_it_with_the_same_order_of_nodes(graph):
    again = DirectedGraph.parse(graph.to_text())
    assert again == graph
    assert again.nodes == graph.nodes


@given(directed())
def test_repr_of_a_small_graph_evaluates_to_it(graph):
    assert eval(repr(graph), {"DirectedGraph": DirectedGraph}) == graph


def test_chains_groups_comments_and_quotes_are_understood():
    text = """
    # homework
    season -> {allergies, umbrella
               rain}   // three children
    "air pressure" -> rain; rain -> umbrella <- season
    /* over
       two lines */ alone
    """
    graph = DAG.parse(text)
    assert graph.nodes == ("season", "allergies", "umbrella", "rain", "air pressure", "alone")
    assert graph.parents("umbrella") == ("season", "rain")
    assert graph.parents("rain") == ("season", "air pressure")
    assert graph.n_edges == 5


def test_an_arrow_between_groups_joins_every_pair():
    assert DAG.parse("{A B} -> {C D}").edges == (("A", "C"), ("A", "D"), ("B", "C"), ("B", "D"))


def test_a_chain_may_go_on_after_an_arrow_at_the_end_of_a_line():
    assert DAG.parse("A ->\n\n B <-\r\n C").edges == (("A", "B"), ("C", "B"))


@pytest.mark.parametrize(
    ("text", "line", "column", "expected"),
    [
        ("", 1, 1, "expected a node or an edge"),
        ("# nothing\n", 2, 1, "expected a node or an edge"),
        ("A -> ", 1, 6, "expected a node name after '->'"),
        ("A\n-> B", 2, 1, "expected a node name"),
        ("A ->; B", 1, 5, "expected a node name after '->'"),
        ("A B", 1, 3, "expected '->', '<-', ';' or a new line"),
        ("A -- B", 1, 3, "an edge has one direction"),
        ("A <-> B", 1, 3, "an edge has one direction"),
        ("A - B", 1, 3, "expected '->', '<-', ';' or a new line"),
        ("A -> {}", 1, 7, "expected a node name in the group"),
        ("A -> {B", 1, 8, "expected a node name or '}'"),
        ("A -> {B {C}}", 1, 9, "expected a node name or '}'"),
        ("A -> 'B'", 1, 6, "put names in double quotes"),
        ('ok\nA -> "B', 2, 6, "never closed"),
        ('A -> ""', 1, 6, "a name that is not empty"),
        (r'A -> "\q"', 1, 6, "JSON escapes"),
        ("A /* open", 1, 3, "expected '->'"),
    ],
)
def test_a_syntax_error_names_line_column_and_what_was_expected(text, line, column, expected):
    with pytest.raises(ParseError) as caught:
        DAG.parse(text)
    message = str(caught.value)
    assert message.startswith(f"line {line}, column {column}: ")
    assert expected in message
    assert "\n" not in message


def test_a_cycle_in_text_is_named():
    with pytest.raises(CycleError, match="B -> C -> D -> B") as caught:
        DAG.parse("A -> B -> C -> D -> B")
    assert caught.value.cycle == ["B", "C", "D"]


def test_text_that_is_not_text_is_refused():
    with pytest.raises(InputError, match="string"):
        DAG.parse(3)  # type: ignore[arg-type]


def test_groups_cannot_blow_up_into_endless_edges():
    many = "{" + " ".join(f"n{i}" for i in range(3000)) + "}"
    with pytest.raises(InputError, match="more than 2,000,000 edges"):
        DirectedGraph.parse(f"{many} -> {many}")


@given(st.text(alphabet='AB1 ->-<{};,"\\\n#/*.\x00é', max_size=40))
def test_any_text_ends_in_a_graph_or_in_one_line_of_ours(text):
    try:
        graph = DAG.parse(text)
    except ChainruleError as e:
        outcome = str(e)
    else:
        outcome = "read back" if DAG.parse(graph.to_text()) == graph else "changed\n"
    assert outcome
    assert "\n" not in outcome
