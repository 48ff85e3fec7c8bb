"""``chainrule dag`` as a user meets it: graphs from files and from the argument, answers as text and as JSON."""

import json

import numpy as np
import pytest

from chainrule import cli
from chainrule.graphs import DAG
from chainrule.models import Independent
from tests.graphs.dags import random_dag

PRIMER = "Z1 -> Z3 <- Z2; Z1 -> X; Z2 -> Y; Z3 -> {X Y}; X -> W -> Y"
COIN_NETWORK = """
network coins { }
variable a { type discrete [ 2 ] { no, yes }; }
variable b { type discrete [ 3 ] { low, mid, high }; }
variable c { type discrete [ 2 ] { no, yes }; }
probability ( a ) { table 0.25, 0.75; }
probability ( b | a ) { (no) 0.5, 0.25, 0.25; (yes) 0.0, 0.5, 0.5; }
probability ( c | b ) { (low) 1, 0; (mid) 0.5, 0.5; (high) 0.125, 0.875; }
"""


def run(capsys, *arguments):
    code = cli.main(["dag", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def as_json(capsys, *arguments):
    code, out, _ = run(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "coins.bif"
    path.write_text(COIN_NETWORK)
    return path


@pytest.fixture
def table(tmp_path):
    a = np.random.default_rng(0).integers(2, size=300)
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n" + "".join(f"{x},{x},{y}\n" for x, y in zip(a, a[::-1], strict=True)))
    return path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "nowhere.bif"], "'nowhere.bif' is neither a file nor a graph"),
        (["show", "A -> "], "line 1, column 6: expected a node name after '->'"),
        (["show", "A -> B", "--svg", "/tmp/x.jpg"], "ends in .svg or .png"),
        (["show", "A -> B", "--svg", "/nowhere/x.svg"], "cannot write /nowhere/x.svg"),
        (["independencies", "A -> B -> A"], "directed cycle: A -> B -> A"),
        (["independencies", "A -> B", "--kind", "some"], "kind must be one of missing_edge"),
        (["independencies", "A -> B", "--order", "A,B"], "order belongs to kind='ordered'"),
        (["separated", "rain -> grass", "rain", "gras"], "did you mean 'grass'"),
        (["separated", "A -> B", "A", ""], "y is empty"),
        (["separated", "A -> B <- C", "A", "C", "--given", "A"], "both hold 'A'"),
        (["adjustment", "A -> B", "A", "B", "--kind", "best"], "kind must be one of minimal"),
        (["adjustment", "A -> B", "A", "B", "--limit", "-1"], "--limit must be an integer of at least 1"),
        (["identify", "A -> B", "A", "C"], "there is no node 'C'"),
        (["identify", "U [latent]; U -> A -> B", "U", "B"], "treatments hold 'U', which is latent"),
        (["identify", "U [latent]; U -> {A B}; A -> B", "A", "B", "--latex"], "there is no formula"),
        (["identify", "A -> B", "A", "B", "--table", "nowhere.csv"], "nowhere.csv"),
        (["query", "nowhere.bif", "a"], "there is no file nowhere.bif"),
        (["query", "x", "a", "--most-probable", "1", "--sensitivity", "a=yes"], "two kinds of answer"),
        (["query", "x", "a", "--wanted", "0.5"], "add --sensitivity"),
        (["test", "A -> B", "nowhere.csv"], "nowhere.csv"),
        (["fly", "A -> B"], "No such command 'fly'"),
    ],
)
def test_a_mistake_gives_one_clear_line_and_exit_code_2(capsys, arguments, message):
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a", "name=state"),
        ("a=yes,a=no", "each name once"),
        ("a=maybe", "maybe"),
        ("q=yes", "there is no variable 'q'"),
        ("a=yes,b=low", "probability zero"),
    ],
)
def test_evidence_that_cannot_be_used_gives_one_clear_line(capsys, network, given, message):
    code, out, err = run(capsys, "query", network, "c", "--given", given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_independencies_as_json_are_sorted_pairs_with_sorted_sets(capsys):
    rng = np.random.default_rng(5)
    for _ in range(20):
        dag = random_dag(7, 0.3, rng)
        found = as_json(capsys, "independencies", dag.to_text() + "\n")
        assert all(s["x"] < s["y"] and s["given"] == sorted(s["given"]) for s in found)
        assert found == sorted(found, key=lambda s: (s["x"], s["y"], len(s["given"]), s["given"]))
        expected = {
            (frozenset((*s.x, *s.y)), frozenset(s.given)) for s in dag.implied_independencies("missing_edge")
        }
        assert {(frozenset((s["x"], s["y"])), frozenset(s["given"])) for s in found} == expected


def test_each_kind_of_independencies_is_to_be_had(capsys):
    local = as_json(capsys, "independencies", PRIMER, "--kind", "local")
    assert {"x": "Z1", "y": "Z2", "given": []} in local
    assert {"x": ["W"], "y": ["Z1", "Z2", "Z3"], "given": ["X"]} in local
    ordered = run(capsys, "independencies", "A -> B -> C", "--kind", "ordered", "--order", "A,B,C")[1]
    assert ordered == "C ⟂ A | B\n"
    assert len(as_json(capsys, "independencies", PRIMER, "--kind", "all_pairs")) > len(
        as_json(capsys, "independencies", PRIMER)
    )
    assert "cut off at 2 statements" in run(capsys, "independencies", PRIMER, "--limit", "2")[1]
    assert run(capsys, "independencies", "A -> B")[1].startswith("none")
    assert as_json(capsys, "independencies", "A -> B") == []


def test_separated_gives_the_verdict_and_each_path(capsys):
    found = as_json(capsys, "separated", PRIMER, "X", "Y", "--given", "W,Z3")
    assert found["separated"] is False
    assert sorted(found["given"]) == ["W", "Z3"]
    assert any(path["nodes"] == ["X", "Z1", "Z3", "Z2", "Y"] for path in found["paths"])
    assert "are d-separated given {" in run(capsys, "separated", PRIMER, "X", "Y", "--given", "W,Z3,Z1")[1]


def test_adjustment_tells_no_set_from_the_empty_set(capsys):
    assert sorted(as_json(capsys, "adjustment", PRIMER, "X", "Y")) == [["Z1", "Z3"], ["Z2", "Z3"]]
    assert as_json(capsys, "adjustment", "X -> Y", "X", "Y") == [[]]
    assert "no adjustment is needed" in run(capsys, "adjustment", "X -> Y", "X", "Y")[1]
    hidden = "U [latent]; U -> {X Y}; X -> Y"
    assert as_json(capsys, "adjustment", hidden, "X", "Y") == []
    assert run(capsys, "adjustment", hidden, "X", "Y")[1].startswith("none")


def test_identify_gives_a_formula_or_a_hedge(capsys):
    front_door = "U [latent]; U -> {X Y}; X -> M -> Y"
    out = run(capsys, "identify", front_door, "X", "Y")[1]
    assert out.startswith("P(Y | do(X)) = ∑_M P(M | X) ∑_X' P(Y | X', M) P(X')\n  by the front-door set M")
    assert run(capsys, "identify", front_door, "X", "Y", "--latex")[1].startswith(
        r"P(Y \mid \operatorname{do}(X)) = "
    )
    bow = "U [latent]; U -> {X Y}; Z -> X -> Y"
    out = run(capsys, "identify", bow, "X", "Y")[1]
    assert "is not identifiable" in out
    assert out.endswith("instruments: Z\n")
    found = as_json(capsys, "identify", bow, "X", "Y")
    assert (found["identifiable"], found["hedge"]["roots"]) == (False, ["Y"])
    assert found["instruments"] == [{"node": "Z", "given": []}]
    assert (
        as_json(capsys, "identify", "X <- Z -> Y <- X", "X", "Y", "--given", "Z")["formula"] == "P(Y | X, Z)"
    )


def test_identify_computes_the_effect_from_a_table(capsys, table):
    out = run(capsys, "identify", "c -> {a b}; a -> b", "a", "b", "--table", table)[1]
    assert "P(b | do(a))  columns: 0, 1\n  0  " in out
    assert out.endswith("from 300 rows\n")
    found = as_json(capsys, "identify", "c -> {a b}; a -> b", "a", "b", "--table", table)
    assert found["states"] == {"a": ["0", "1"], "b": ["0", "1"]}
    assert found["probabilities"] == [[1.0, 0.0], [0.0, 1.0]]
    code, out, err = run(capsys, "identify", "U [latent]; U -> {a b}; a -> b", "a", "b", "--table", table)
    assert (code, out) == (2, "")
    assert "is not identifiable, so no rows tell it" in err


def test_query_of_a_network_answers_what_is_done_to_it(capsys, network):
    seen = as_json(capsys, "query", network, "a", "--given", "b=low")["probabilities"]
    done = as_json(capsys, "query", network, "a", "--do", "b=low")["probabilities"]
    assert seen == [1.0, 0.0]
    assert done == pytest.approx([0.25, 0.75])
    both = as_json(capsys, "query", network, "c", "--do", "a=yes", "--given", "b=high")["probabilities"]
    assert both == pytest.approx([0.125, 0.875])


def test_check_ends_with_1_and_the_counterexample_for_a_cyclic_graph(capsys):
    code, out, _ = run(capsys, "check", "A -> B -> C -> A; C -> D")
    assert code == 1
    assert "sums to 2, not to 1" in out
    assert "variables on cycles: A, B, C" in out
    code, out, _ = run(capsys, "check", "A -> B -> C -> A; C -> D", "--json")
    found = json.loads(out)
    assert (code, found["total"], found["cyclic_parts"]) == (1, "2", [["A", "B", "C"]])
    assert run(capsys, "check", "A -> B")[0] == 0
    assert as_json(capsys, "check", "A -> B") == {"acyclic": True}


def test_factorize_counts_parameters_with_the_states_of_the_file(capsys, network):
    assert run(capsys, "factorize", "A -> B", "--latex")[1] == "P(A, B) = P(A) \\, P(B \\mid A)\n"
    assert as_json(capsys, "factorize", "A -> B; C")["parameters"] == 4
    found = as_json(capsys, "factorize", network)
    assert found["states"] == {"a": 2, "b": 3, "c": 2}
    assert (found["parameters"], found["parameters_of_full_table"]) == (1 + 4 + 3, 11)


def test_query_answers_exactly(capsys, network):
    found = as_json(capsys, "query", network, "a", "--given", "c=yes", "--mpe")
    # by hand: p(c=yes | a=no) = 0.25/2 + 0.25*7/8, p(c=yes | a=yes) = 0.5/2 + 0.5*7/8
    no, yes = 0.25 * (0.125 + 0.21875), 0.75 * (0.25 + 0.4375)
    np.testing.assert_allclose(found["probabilities"], [no / (no + yes), yes / (no + yes)], rtol=1e-12)
    assert found["most_probable"]["assignment"] == {"a": "yes", "b": "high", "c": "yes"}
    code, out, _ = run(capsys, "query", network, "a,b", "--mpe")
    assert code == 0
    assert "P(a, b)" in out
    assert "log-probability" in out


def test_query_takes_soft_evidence_and_lists_states(capsys, network):
    heard = as_json(capsys, "query", network, "a", "--likelihood", "c=(1, 3)")
    c_yes = np.array([0.125 + 0.21875, 0.25 + 0.4375])
    weights = np.array([0.25, 0.75]) * (3 * c_yes + 1 - c_yes)
    np.testing.assert_allclose(heard["probabilities"], weights / weights.sum(), rtol=1e-12)
    assert heard["likelihood"] == {"c": {"no": 1.0, "yes": 3.0}}
    new = as_json(capsys, "query", network, "a", "--jeffrey", "b=(low: 0.5, mid: 0.5, high: 0)")
    np.testing.assert_allclose(new["probabilities"][0], 0.5 + 0.5 * 0.0625 / (0.0625 + 0.375), rtol=1e-12)
    listed = as_json(capsys, "query", network, "a,b", "--most-probable", 2)["most_probable"]
    assert listed["states"] == [{"a": "yes", "b": "mid"}, {"a": "yes", "b": "high"}]
    code, out, _ = run(capsys, "query", network, "a", "--mpe", "--likelihood", "c=(1, 3)")
    assert code == 0
    assert "the most probable state of P(a, b, c) where likelihood c=(no: 1, yes: 3)" in out


def test_query_tells_on_what_an_answer_depends(capsys, network):
    asked = ["query", network, "a", "--given", "c=yes", "--sensitivity", "a=yes", "--wanted", "0.5"]
    found = as_json(capsys, *asked)["sensitivity"]
    sizes = [abs(entry["derivative"]) for entry in found["entries"]]
    assert sizes == sorted(sizes, reverse=True)
    prior = next(change for change in found["changes"] if change["node"] == "a")
    assert prior["needed"] == pytest.approx(1 / 3)  # c=yes is twice as probable with a
    code, out, _ = run(capsys, *asked)
    assert code == 0
    assert "P(a=yes | c=yes) = 0.857143; table entries that change it" in out
    assert "single entries that can make P(a=yes | c=yes) = 0.5" in out
    new = as_json(capsys, "query", network, "a", "--jeffrey", "c=(0.5, 0.5)", "--sensitivity", "a=yes")
    assert new["sensitivity"]["jeffrey"] == {"c": {"no": 0.5, "yes": 0.5}}
    assert all(len(entry["coefficients"]) == 2 for entry in new["sensitivity"]["entries"])


def test_a_table_is_tested_against_a_graph(capsys, table):
    found = as_json(capsys, "test", "a; b; c", table)
    verdicts = {(*t["x"], *t["y"]): t["verdict"] for t in found["tests"]}
    assert verdicts["a", "b"] == "contradicted"
    assert found["missing_edges_blamed"][0] | {"x": "a", "y": "b"} == found["missing_edges_blamed"][0]
    code, out, _ = run(capsys, "test", "a -> b; c", table, "--all", "--correction", "bh", "--alpha", "0.001")
    assert code == 0
    assert "a ⟂ c: consistent" in out
    code, _, err = run(capsys, "test", "a -> q", table)
    assert (code, "q" in err) == (2, True)


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_graphs_are_drawn_also_those_with_cycles(capsys, tmp_path, suffix):
    start = {"svg": b"<?xml", "png": b"\x89PNG"}[suffix]
    for command in (
        ["show", "U [latent]; U -> {A B}; A -> B"],
        ["show", "A -> B -> C -> A"],
        ["separated", PRIMER, "X", "Y", "--given", "Z3"],
    ):
        path = tmp_path / f"graph.{suffix}"
        assert run(capsys, *command, "--svg", path)[0] == 0
        assert path.read_bytes().startswith(start)
        path.unlink()


def test_show_says_what_is_in_a_graph_and_the_text_reads_back(capsys, tmp_path):
    path = tmp_path / "graph.dag"
    path.write_text("dag { A -> B <- C  X [latent] X -> {A C} }")
    found = as_json(capsys, "show", path)
    assert (found["nodes"], found["latent"], found["acyclic"]) == (["A", "B", "C", "X"], ["X"], True)
    out = run(capsys, "show", path)[1].splitlines()
    assert DAG.parse("\n".join(out[1:-1])) == DAG.read(path)
    assert as_json(capsys, "show", "A -> B -> A; C")["cyclic_parts"] == [["A", "B"]]


def test_a_node_with_a_comma_in_its_name_can_be_named_in_double_quotes(capsys, tmp_path):
    graph = '"a,b" -> c <- "5\\" pipe"; c -> "x=1"'
    found = as_json(capsys, "separated", graph, '"a,b"', '"5"" pipe"', "--given", '"x=1", c')
    assert (found["x"], found["y"], set(found["given"])) == (["a,b"], ['5" pipe'], {"x=1", "c"})
    assert as_json(capsys, "adjustment", graph, '"a,b"', "c") == [[]]
    code, _, err = run(capsys, "separated", graph, '"a,b', "c")
    assert (code, "never closed" in err) == (2, True)
    network = tmp_path / "comma.bif"
    network.write_text(
        COIN_NETWORK.replace("( a", '( "a,b"').replace("| a", '| "a,b"').replace("le a", 'le "a,b"')
    )
    told = as_json(capsys, "query", network, "c", "--given", '"a,b"="yes"')
    assert told == as_json(capsys, "query", network, "c", "--given", '"a,b"=yes')


def test_adjustment_keeps_to_the_nodes_that_the_graph_marks_as_adjusted(capsys):
    graph = "dag { B [adjusted] D [outcome] E [exposure] B -> D E -> B E -> D }"
    assert as_json(capsys, "adjustment", graph, "E", "D") == []
    assert "none: no set of observed variables that holds B" in run(capsys, "adjustment", graph, "E", "D")[1]
    assert as_json(capsys, "adjustment", graph, "E", "D", "--included", "") == [[]]
    assert as_json(capsys, "adjustment", PRIMER, "X", "Y", "--included", "Z1,Z2") == [["Z1", "Z2", "Z3"]]
    code, _, err = run(capsys, "adjustment", "dag { X -> S <- Y S [selected] }", "X", "Y")
    assert (code, "selection is not handled" in err) == (2, True)


def test_a_table_of_data_is_not_shown_as_a_graph(capsys, table):
    code, out, err = run(capsys, "show", table)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "expected a heading such as parent,child" in err


def test_factorize_of_a_long_chain_gives_numbers_that_every_reader_takes(capsys, tmp_path):
    path = tmp_path / "chain.txt"
    path.write_text(" -> ".join(f"v{i}" for i in range(16_000)))
    found = as_json(capsys, "factorize", path)
    assert (found["parameters"], found["parameters_of_full_table"]) == (31_999, None)
    assert found["log10_parameters_of_full_table"] == pytest.approx(16_000 * np.log10(2), rel=1e-12)
    assert run(capsys, "factorize", path)[1].endswith(" has about 3.02e+4816\n")
    path.write_text(
        "{" + " ".join(f"v{i}" for i in range(16_000)) + "} -> w"
    )  # one table with 2**16,000 rows
    assert as_json(capsys, "factorize", path)["parameters"] is None
    assert "about 3.02e+4816 free parameters" in run(capsys, "factorize", path)[1]


def test_a_test_of_a_table_says_how_many_rows_it_used_of_how_many(capsys, tmp_path):
    rng = np.random.default_rng(1)
    rows = [[str(v) for v in row] for row in rng.integers(2, size=(400, 3))]
    for row in rows[:199]:
        row[2] = ""
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n" + "\n".join(map(",".join, rows)) + "\n")
    told = "tests used 201 of 400 rows; left out were 199 because a value is missing"
    assert told in run(capsys, "test", "a -> b; c", path)[1]
    assert as_json(capsys, "test", "a -> b; c", path)["rows_used"] == told


def test_query_of_a_saved_model_names_the_command_that_answers_for_it(capsys, tmp_path):
    path = tmp_path / "a.model"
    Independent(pseudocount=1).fit({"a": [0, 1, 1]}).save(path)
    code, out, err = run(capsys, "query", str(path), "a")
    assert (code, out) == (2, "")
    assert f"chainrule query {path} 'P(a | b=yes)'" in err
    broken = tmp_path / "broken.bif"
    broken.write_text("network {")
    assert "chainrule query" not in run(capsys, "query", str(broken), "a")[2]
