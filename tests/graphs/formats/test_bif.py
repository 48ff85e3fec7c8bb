"""BIF: the networks at hand, a published table, and what must be refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError, CycleError, ParseError, TooLargeError, UnknownNameError
from chainrule.graphs import DAG
from chainrule.graphs.formats import network_builder
from chainrule.graphs.formats.bif import parse_bif, write_bif
from chainrule.graphs.formats.networks import read_network
from tests.graphs.formats.data import bif_folder

HEAD = (
    "network n { }\nvariable a { type discrete [ 2 ] { x, y }; }\n"
    "variable b { type discrete [ 3 ] { <5, 5-12, 12+ }; }\n"
)
ROWS = "probability ( a ) { table 0.25, 0.75; }\n"

# nodes, edges and free parameters as the bnlearn repository lists them (insurance: 984 there, 1008 by its tables)
PUBLISHED = {
    "alarm": (37, 46, 509),
    "asia": (8, 8, 18),
    "cancer": (5, 4, 10),
    "child": (20, 25, 230),
    "earthquake": (5, 4, 10),
    "hailfinder": (56, 66, 2656),
    "insurance": (27, 52, 1008),
    "sachs": (11, 17, 178),
    "survey": (6, 6, 21),
}


@pytest.mark.realdata
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_have_their_published_sizes_and_are_written_back_bit_for_bit(name):
    path = bif_folder() / f"{name}.bif.gz"
    network = read_network(path)
    assert (len(network.variables), len(network.edges), network.n_parameters) == PUBLISHED[name]
    assert parse_bif(write_bif(network)) == network
    dag = DAG.read(path)
    assert dag.nodes == tuple(network.variables)
    assert all(
        dag.parents(v) == tuple(sorted(above, key=dag.nodes.index)) for v, above in network.parents.items()
    )
    for v, table in network.tables.items():
        assert table.shape == tuple(len(network.variables[u]) for u in (*network.parents[v], v))
        np.testing.assert_allclose(table.sum(-1), 1, atol=2e-7)  # the files have seven digits


@pytest.mark.realdata
def test_a_row_of_the_chest_clinic_is_where_its_states_say():
    network = read_network(bif_folder() / "asia.bif.gz")
    states, parents = network.variables, network.parents["dysp"]
    where = {"bronc": "yes", "either": "no", "dysp": "yes"}  # 0.8 in Lauritzen and Spiegelhalter (1988)
    assert network.tables["dysp"][tuple(states[v].index(where[v]) for v in (*parents, "dysp"))] == 0.8


def test_after_table_the_nodes_own_state_changes_slowest_and_the_last_parents_fastest():
    # Charniak (1991): the dog is out with 0.99 if bowel trouble and the family out, 0.97, 0.9, 0.3 otherwise
    network = parse_bif("""
        network "dog-problem" { property "credal-set constant-density-bounded 1.1" ; }
        variable "bowel-problem" { type discrete [ 2 ] { "true" "false" }; property "position = (335, 99)" ; }
        variable "family-out" { type discrete[2] { "true" "false" }; }
        variable "dog-out" { type discrete[2] { "true" "false" }; }
        probability ( "bowel-problem" ) { table 0.01 0.99 ; }
        probability ( "family-out" ) { table 0.15 0.85 ; }
        probability ( "dog-out" | "bowel-problem" "family-out" ) { // as JavaBayes writes it
            table 0.99 0.97 0.9 0.3 0.01 0.03 0.1 0.7 ;
        }""")
    assert network.tables["dog-out"][..., 0].tolist() == [[0.99, 0.97], [0.9, 0.3]]
    assert network.properties == ('"credal-set constant-density-bounded 1.1"',)
    assert DAG.parse(write_bif(network)).positions == {"bowel-problem": (335.0, 99.0)}


JAVABAYES = """
// Bayesian network
network "Dog-Problem" { //5 variables and 5 probability distributions
	property "credal-set constant-density-bounded 1.1" ;
}
variable  "light-on" { //2 values
	type discrete[2] {  "true"  "false" };
	property "position = (218, 195)" ;
}
variable  "bowel-problem" { type discrete[2] {  "true"  "false" }; property "position = (335, 99)" ; }
variable  "dog-out" { type discrete[2] {  "true"  "false" }; property "position = (300, 195)" ; }
variable  "hear-bark" { type discrete[2] {  "true"  "false" }; property "position = (296, 268)" ; }
variable  "family-out" { type discrete[2] {  "true"  "false" }; property "position = (257, 99)" ; }
probability (  "light-on"  "family-out" ) { //2 variable(s) and 4 values
	table 0.6 0.05 0.4 0.95 ;
}
probability (  "bowel-problem" ) { table 0.01 0.99 ; }
probability (  "dog-out"  "bowel-problem"  "family-out" ) { //3 variable(s) and 8 values
	table 0.99 0.97 0.9 0.3 0.01 0.03 0.1 0.7 ; // p(true | evidence ), then p(false | evidence)
}
probability (  "hear-bark"  "dog-out" ) { table 0.7 0.01 0.3 0.99 ; }
probability (  "family-out" ) { table 0.15 0.85 ; }
"""


def test_a_file_of_javabayes_without_bars_and_commas_is_read_with_the_first_name_as_the_node():
    network = parse_bif(JAVABAYES)
    assert network.parents["dog-out"] == ("bowel-problem", "family-out")
    assert network.parents["light-on"] == ("family-out",)
    prior = np.outer(network.tables["bowel-problem"], network.tables["family-out"])
    p_out = np.tensordot(prior, network.tables["dog-out"], 2)
    # by hand: .01 × .15 × .99 + .01 × .85 × .97 + .99 × .15 × .9 + .99 × .85 × .3
    np.testing.assert_allclose(p_out, [0.39583, 0.60417], rtol=1e-12)
    assert parse_bif(write_bif(network)) == network
    assert DAG.parse(JAVABAYES).positions["hear-bark"] == (296.0, 268.0)
    with_commas = JAVABAYES.replace(
        '"dog-out"  "bowel-problem"  "family-out"', '"dog-out", "bowel-problem", "family-out"'
    )
    assert parse_bif(with_commas) == network


def test_a_default_row_fills_what_has_no_row_of_its_own():
    text = HEAD + ROWS + "probability ( b | a ) { default 0.2, 0.3, 0.5; (y) 1, 0, 0; }"
    assert parse_bif(text).tables["b"].tolist() == [[0.2, 0.3, 0.5], [1, 0, 0]]


def test_numbers_are_kept_as_written_where_rounding_explains_the_sum():
    text = HEAD + ROWS + "probability ( b ) { table 0.333, 0.333, 0.333; }"
    assert parse_bif(text).tables["b"].tolist() == [0.333] * 3


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("variable a {}", "line 1, column 1", "expected 'network'"),
        ("network { }", "line 1, column 12", "at least one variable"),
        (HEAD + ROWS, "line 5, column 1", "expected a table of probabilities for 'b'"),
        (
            HEAD + "probability ( a ) { table 0.25; }",
            "line 4, column 21",
            "expected 2 numbers for 'a', got 1",
        ),
        (HEAD + "probability ( a ) { table 0.5, 0.6; }", "line 4, column 21", "sum to 1, got 1.1"),
        (HEAD + "probability ( a ) { table 0.5, x; }", "line 4, column 32", "expected a number or ';'"),
        (HEAD + "probability ( a ) { table 1.5, -0.5; }", "line 4, column 27", "between 0 and 1"),
        (HEAD + "probability ( a ) { table nan, nan; }", "line 4, column 27", "expected a number"),
        (HEAD + "probability ( a ) { }", "line 4, column 22", "'a' has no table row"),
        (HEAD + "probability ( b | a ) { (x) 1 0 0; }", "line 4, column 37", "'b' has no row (y)"),
        (HEAD + "probability ( b | a ) { (x) 1 0 0; (x) 1 0 0; }", "line 4, column 36", "given before"),
        (HEAD + "probability ( b | a ) { (x, x) 1 0 0; }", "line 4, column 25", "each of 1 parents, got 2"),
        (HEAD + "probability ( b | a a ) { }", "line 4, column 15", "listed twice"),
        (HEAD + "probability ( b a | a ) { }", "line 4, column 19", "expected a parent or ')'"),
        (HEAD + ROWS + ROWS, "line 5, column 15", "has two tables"),
        (HEAD + "variable a { type discrete [1] { x }; }", "line 4, column 10", "declared twice"),
        ("network {} variable a { type discrete [3] { x, y }; }", "line 1, column 40", "expected 3 states"),
        ("network {} variable a { type discrete [2] { x, x }; }", "line 1, column 48", "listed twice"),
        ("network {} variable a { type continuous; }", "line 1, column 30", "only variables with states"),
        ("network {} variable a { }", "line 1, column 21", "has no type"),
        ("network { property x }", "line 1, column 23", "expected ';' after the property"),
        ('network "n', "line 1, column 9", "never closed"),
    ],
)
def test_what_does_not_follow_the_format_is_refused_with_its_place(text, place, expected):
    with pytest.raises(ParseError) as caught:
        parse_bif(text)
    assert str(caught.value).startswith(place + ": ")
    assert expected in str(caught.value)


def test_unknown_names_come_with_their_place_and_near_matches():
    with pytest.raises(
        UnknownNameError, match=r"line 4, column 19: there is no variable 'aa'; did you mean 'a'"
    ):
        parse_bif(HEAD + "probability ( b | aa ) { }")
    with pytest.raises(
        UnknownNameError, match=r"line 4, column 26: there is no state of 'b' '5-13'; did you mean '5-12'"
    ):
        parse_bif(HEAD + "probability ( a | b ) { (5-13) 1 0; }")


def test_a_cycle_is_named_when_a_dag_is_asked_for():
    rows = "probability ( a | b ) { default 1 0; } probability ( b | a ) { default 1 0 0; }"
    assert parse_bif(HEAD + rows).edges == (("b", "a"), ("a", "b"))
    with pytest.raises(CycleError, match="a -> b -> a"):
        DAG.parse(HEAD + rows)


def test_tables_too_large_are_refused_before_they_are_made(monkeypatch):
    names = [f"v{i}" for i in range(70)]
    head = "network {}" + "".join(f"variable {v} {{ type discrete [2] {{ a, b }}; }}" for v in names)
    with pytest.raises(TooLargeError, match=rf"'v0' .* {2**31:,} numbers"):
        parse_bif(head + f"probability ( v0 | {' '.join(names[1:31])} ) {{ default 1 0; }}")
    head = head.replace("[2] { a, b }", "[1] { a }")
    with pytest.raises(TooLargeError, match="69 parents, at most 63"):
        parse_bif(head + f"probability ( v0 | {' '.join(names[1:])} ) {{ default 1; }}")
    monkeypatch.setattr(network_builder, "MOST_NUMBERS", 7)
    with pytest.raises(TooLargeError):
        parse_bif(HEAD + ROWS + "probability ( b | a ) { default 1 0 0; }")


def test_networks_that_differ_in_one_bit_are_not_equal():
    network = parse_bif(HEAD + ROWS + "probability ( b ) { table 1 0 0; }")
    other = parse_bif(write_bif(network))
    other.tables["a"][0] = math.nextafter(0.25, 1)
    assert network != other
    assert network != "network"


def test_a_table_of_the_wrong_shape_is_not_written():
    network = parse_bif(HEAD + ROWS + "probability ( b ) { table 1 0 0; }")
    network.tables["b"] = np.ones(2)
    with pytest.raises(ChainruleError, match="must have the shape"):
        write_bif(network)


def test_errors_in_a_file_begin_with_its_path(tmp_path):
    path = Path(tmp_path) / "net.bif"
    path.write_text("network {")
    with pytest.raises(ParseError, match=r"net\.bif: line 1, column 10"):
        DAG.read(path)
