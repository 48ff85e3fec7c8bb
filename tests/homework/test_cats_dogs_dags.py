"""Study 3: every statement about the graph is judged, and judged right."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import networkx as nx
import pytest

from chainrule.core.records import Figure, Formula, Steps, StudyRecord, Table, dump_json
from chainrule.graphs import DAG, Independence
from chainrule.homework.cats_dogs_dags.statements import (
    CONFOUNDED,
    GRAPH,
    LEFT_OUT,
    STATEMENTS,
    Statement,
    judge,
)
from chainrule.homework.cats_dogs_dags.study import study
from chainrule.homework.context import StudyContext
from chainrule.report.text import math, paragraphs


def _no_images() -> Any:
    raise AssertionError("problem 3 needs no data")


@functools.cache
def _record(seed: int = 0) -> StudyRecord:
    return study(StudyContext(seed, "quick", _no_images))


def _claim(slug: str):
    return next(c for c in _record().claims if c.id == f"3.{slug}")


def _separated(dag: DAG, statement) -> bool:
    return nx.is_d_separator(nx.DiGraph(dag.edges), set(statement.x), set(statement.y), set(statement.given))


def test_the_graph_is_the_one_of_the_problem_in_the_order_of_the_problem():
    expected = {"AP": [], "S": [], "A": ["S"], "R": ["AP", "S"], "G": ["R"], "U": ["S", "R"], "DB": ["R"]}
    expected |= {"CM": ["R"], "CH": ["DB", "CM"]}
    assert {v: set(GRAPH.parents(v)) for v in GRAPH.nodes} == {v: set(p) for v, p in expected.items()}
    assert " ".join(GRAPH.topological_order()) == "S AP A R G U DB CM CH"


def test_verdicts_are_those_of_networkx_and_name_what_is_left_out():
    verdicts = {s.slug: judge(s) for s in STATEMENTS}
    assert all(_separated(GRAPH, s.stated) for s in STATEMENTS)
    assert {slug: j.missing for slug, j in verdicts.items() if j.missing} == {"db": ("U",), "cm": ("DB",)}
    parts = {slug for slug, j in verdicts.items() if j.verdict == "holds in part"}
    assert parts == {"ap-s", "db", "cm"}
    assert _claim("db").verdict == _claim("cm").verdict == _claim("ap-s").verdict == "holds in part"
    assert _claim("ch").verdict == _claim("u").verdict == "holds"
    assert "`DB <- R -> U: blocked at R (fork, observed)`" in _claim("db").evidence


def test_a_wrong_statement_would_be_judged_to_fail_with_its_open_path():
    wrong = Independence(("U",), ("AP",), ("R",))
    found = judge(Statement("wrong", wrong))
    assert found.verdict == "fails"
    assert "open at R (collider, observed)" in found.evidence()


def test_the_second_world_obeys_the_list_but_not_what_it_leaves_out():
    assert all(_separated(CONFOUNDED, s.stated) for s in STATEMENTS)
    assert not any(_separated(CONFOUNDED, s) for s in LEFT_OUT)
    assert all(_separated(GRAPH, s) for s in LEFT_OUT)
    assert _claim("all-independencies").verdict == "fails"
    assert "8 of 8 statements still hold" in _claim("all-independencies").evidence


def test_numbers_agree_with_counts_made_another_way():
    numbers = _record().numbers
    assert numbers["n_parameters_factorized"] == 1 + 1 + 2 + 4 + 2 + 4 + 2 + 2 + 4
    assert numbers["n_parameters_full_table"] == 511
    assert numbers["n_missing_edges"] == 9 * 8 // 2 - 10
    assert numbers["n_statements_all_pairs"] == len(GRAPH.implied_independencies("all_pairs"))
    assert numbers["n_questions_exact_disagreement"] == 0
    assert numbers["largest_mutual_information_where_separated_nats"] < 1e-12
    assert numbers["least_mutual_information_where_not_separated_nats"] > 1e-12
    assert numbers["mutual_information_db_cm_given_r_ch_nats"] > 1e-4


@pytest.mark.parametrize("seed", [0, 1])
def test_the_record_survives_json_and_its_text_and_formulas_render(seed):
    record = _record(seed)
    assert StudyRecord.from_plain(json.loads(dump_json(record.to_plain()))).to_plain() == record.to_plain()
    for block in record.blocks:
        if isinstance(block, Formula):
            assert "<math" in math(block.latex, display=True)
        elif isinstance(block, Steps):
            for step in block.steps:
                assert paragraphs(step.text)
                assert not step.latex or "<math" in math(step.latex, display=True)
        elif isinstance(block, Table):
            assert all(len(row) == len(block.columns) for row in block.rows)
            for cell in (c for row in block.rows for c in row if isinstance(c, str)):
                assert paragraphs(cell)
        elif isinstance(block, Figure):
            assert block.alt
    for claim in record.claims:
        assert paragraphs(claim.claim)
        assert paragraphs(claim.evidence)


def test_claims_have_ids_of_their_own_in_the_form_of_all_studies():
    ids = [c.id for c in _record().claims]
    assert len(set(ids)) == len(ids) == 13
    assert all(re.fullmatch(r"3\.[a-z-]+", i) for i in ids)


def test_the_same_seed_gives_the_same_record_and_another_seed_the_same_verdicts():
    again = study(StudyContext(0, "quick", _no_images))
    assert again.to_plain() == _record().to_plain()
    assert [c.verdict for c in _record(1).claims] == [c.verdict for c in again.claims]
    assert _record(1).numbers != again.numbers
