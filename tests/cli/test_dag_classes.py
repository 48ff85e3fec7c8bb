"""``chainrule dag cpdag``, ``extend``, ``distance``, and ``learn --method pc``, as a user types them."""

from __future__ import annotations

import json

import pytest

from chainrule import cli
from chainrule.graphs import DAG, PDAG


@pytest.fixture
def run(capsys):
    """What a command prints."""

    def run(*arguments: str) -> str:
        code = cli.main(list(arguments))
        out, err = capsys.readouterr()
        assert code == 0, err
        return out

    return run


@pytest.fixture
def refused(capsys):
    """Why a command is refused."""

    def refused(*arguments: str) -> str:
        assert cli.main(list(arguments)) == 2
        return capsys.readouterr().err

    return refused


def test_the_class_of_a_dag_is_shown_counted_and_listed(run):
    said = run("dag", "cpdag", "A -> B -> C; B -> D", "--members", "2")
    assert "A -- B\nB -- C\nB -- D\n4 DAGs\n" in said
    assert said.count("; ") >= 2
    plain = json.loads(run("dag", "cpdag", "A -> B -> C; B -> D", "--members", "9", "--json"))
    assert plain["dags"] == len(plain["members"]) == 4
    assert plain["directed"] == []


def test_a_partially_directed_graph_is_judged_and_completed(run):
    said = run("dag", "cpdag", "A -> C <- B; C -- D")
    assert "given: not a CPDAG\n  C -- D is undirected, and all of the class have C -> D" in said
    assert "1 DAG\n" in said
    assert "2 of them undirected" in run("dag", "show", "pdag { 1 -- 2 -- 3  1 -> 4 }")
    plain = json.loads(run("dag", "show", "1 -- 2", "--json"))
    assert (plain["undirected"], plain["cpdag"]["is_cpdag"]) == ([["1", "2"]], True)


def test_an_extension_is_written_or_the_reason_told(run, refused, tmp_path):
    out = tmp_path / "dag.dot"
    assert "C -> D" in run("dag", "extend", "A -> C <- B; C -- D", "-o", str(out))
    assert DAG.read(out) == DAG.parse("A -> C <- B; C -> D")
    why = refused("dag", "extend", "A -- B -- C -- D -- A")
    assert "no DAG extends the graph: whichever of A, B, C, D comes last" in why


def test_a_drawing_has_arrows_only_where_edges_have_a_direction(run, tmp_path):
    pictures = {}
    for name, graph in {"both": "A -> B -> C", "one": "A -> B -- C", "none": "A -- B -- C"}.items():
        path = tmp_path / f"{name}.svg"
        run("dag", "show", graph, "--svg", str(path))
        pictures[name] = path.read_text().count("<path")
    assert pictures["both"] - pictures["one"] == pictures["one"] - pictures["none"] == 1  # a head is a path
    run("dag", "show", "A -- B -- C -- D -- A", "--svg", str(tmp_path / "no_dag.svg"))


def test_distances_are_told_of_any_two_graphs(run, tmp_path):
    path = tmp_path / "truth.dagitty"
    PDAG.parse("A -> C <- B; C -> D").write(path)
    said = run("dag", "distance", "A -> C <- B; C -- D", str(path))
    assert said.startswith(
        "structural Hamming distance 1 of 6 pairs\nstructural Hamming distance of the CPDAGs 0\n"
    )
    plain = json.loads(run("dag", "distance", "A -> B", "A <- B", "--json"))
    assert (plain["shd"], plain["cpdag_shd"], plain["sid"], plain["turned"]) == (1, 0, 2, [["B", "A"]])


def test_a_mistake_in_a_graph_is_told_by_the_reader_that_knows_more(refused):
    for text in ("A -- B; C ->", "A -> B -> ]"):
        assert "expected a node name" in refused("dag", "show", text)


@pytest.fixture
def rows(tmp_path) -> str:
    path = tmp_path / "rows.csv"
    lines = [f"{i % 2},{i // 2 % 2},{(i % 2) & (i // 2 % 2)}\n" for i in range(400)]
    path.write_text("a,b,c\n" + "".join(lines))
    return str(path)


def test_pc_learns_a_graph_from_a_table_and_writes_it(run, rows, tmp_path):
    out = tmp_path / "graph.dagitty"
    said = run("learn", rows, "--method", "pc", "-o", str(out), "--alpha", "0.01")
    assert "2 edges between 3 columns, 2 of them directed, by PC: G test on 400 rows, alpha 0.01" in said
    assert PDAG.read(out) == PDAG([("a", "c"), ("b", "c")])
    plain = json.loads(run("learn", rows, "--method", "pc", "--tiers", "c; a,b", "--json"))
    assert plain["pdag"]["directed"] == [["c", "a"], ["c", "b"]]
    assert plain["removed"][0]["p_value"] > 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--method", "pc", "--score", "bic"],
            "--score is for the methods that go by a score; leave it out with",
        ),
        (["--method", "pc", "--bootstrap", "5"], "--bootstrap is for the methods that go by a score"),
        (["--method", "pc", "--max-parents", "2"], "--max-parents is for the methods that go by a score"),
        (["--alpha", "0.1"], "--alpha is for --method pc; leave it out with --method forest"),
        (["--method", "pc", "-o", "net.bif"], "write it to .txt, .dagitty, .dot, .gv; got 'net.bif'"),
    ],
)
def test_options_that_say_nothing_to_a_method_are_refused(refused, rows, options, words):
    assert words in refused("learn", rows, *options)
