"""Study 4: the counterexamples, the general argument, and random tables."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pytest

from chainrule.core.records import Figure, Formula, Steps, StudyRecord, Table, dump_json
from chainrule.evaluate.cyclic import counterexample
from chainrule.graphs import DirectedGraph
from chainrule.homework.context import StudyContext
from chainrule.homework.cyclic_graphs.argument import argument
from chainrule.homework.cyclic_graphs.study import study
from chainrule.report.text import math, paragraphs


def _no_images() -> Any:
    raise AssertionError("problem 4 needs no data")


@functools.cache
def _record(seed: int = 0) -> StudyRecord:
    return study(StudyContext(seed, "quick", _no_images))


def _block(kind: type, wanted: str) -> Any:
    return next(
        b
        for b in _record().blocks
        if isinstance(b, kind) and any(wanted in getattr(b, part, "") for part in ("name", "caption"))
    )


def test_the_eight_states_of_the_homework_come_out_with_sum_two():
    table = _block(Table, "when every node copies")
    assert {tuple(row[:3]): row[-1] for row in table.rows if row[-1]} == {(0, 0, 0): 1, (1, 1, 1): 1}
    assert all(np.prod(row[3:6]) == row[6] for row in table.rows)
    assert "sum to 2" in table.caption


def test_one_negation_leaves_no_state_with_mass():
    table = _block(Table, "negates")
    assert len(table.rows) == 8
    assert not any(row[-1] for row in table.rows)
    assert all(np.prod(row[3:6]) == 0 for row in table.rows)


def test_numbers_say_what_the_argument_says():
    numbers = _record().numbers
    assert numbers["triangle_sum_when_all_copy"] == 2
    assert numbers["triangle_sum_when_one_negates"] == 0
    assert numbers["larger_graph_sum"] == numbers["thousand_node_cycle_sum"] == 2
    assert numbers["n_random_acyclic_that_sum_to_one"] == numbers["n_random_acyclic"]
    assert numbers["n_random_cycles_equal_to_closed_form"] == numbers["n_random_cycles_checked_exactly"]
    assert numbers["n_random_cycles_that_sum_to_one"] < 0.01 * numbers["n_random_cycles"]
    assert 0 < numbers["least_random_cycle_sum"] < 1 < numbers["greatest_random_cycle_sum"] < 2
    # 6^(-3/2) for uniform tables; the spread of the estimate from 2,000 draws is about 4 %
    assert numbers["standard_deviation_of_random_cycle_sums"] == pytest.approx(6**-1.5, rel=0.2)


def test_the_drawn_cycle_is_marked_and_is_the_one_that_is_found():
    data = _block(Figure, "p4-larger").data
    graph = DirectedGraph([(e.source, e.target) for e in data.edges])
    marked = {(e.source, e.target) for e in data.edges if e.mark == "cycle"}
    nodes = {n.id for n in data.nodes if n.mark == "cycle"}
    assert DirectedGraph(marked).find_cycle() is not None
    assert nodes == {a for a, _ in marked} == {b for _, b in marked}
    assert marked <= set(graph.edges)


def test_the_error_for_a_cycle_is_shown_as_it_is_raised():
    texts = " ".join(getattr(b, "text", "") for b in _record().blocks)
    assert "`['A', 'B', 'C']`" in texts
    assert "the graph has a directed cycle: A -> B -> C -> A" in texts


def test_no_claim_of_the_homework_is_called_wholly_right_or_wrong():
    verdicts = {c.id: c.verdict for c in _record().claims}
    assert verdicts == dict.fromkeys(
        ("4.counterexample", "4.two-restrictions", "4.cycle-is-not-legal"), "holds in part"
    )


@pytest.mark.parametrize("seed", [0, 5])
def test_the_record_survives_json_and_its_text_and_formulas_render(seed):
    record = _record(seed)
    assert StudyRecord.from_plain(json.loads(dump_json(record.to_plain()))).to_plain() == record.to_plain()
    for block in record.blocks:
        if isinstance(block, Formula):
            assert "<math" in math(block.latex, display=True)
        elif isinstance(block, Steps):
            for step in block.steps:
                assert paragraphs(step.text)
                assert step.check
                assert not step.latex or "<math" in math(step.latex, display=True)
        elif isinstance(block, Table):
            assert all(len(row) == len(block.columns) for row in block.rows)
            assert all(paragraphs(column) for column in block.columns)
    assert all(paragraphs(c.evidence) for c in record.claims)


def test_the_same_seed_gives_the_same_record():
    assert study(StudyContext(0, "quick", _no_images)).to_plain() == _record().to_plain()
    assert _record(5).numbers != _record().numbers


def test_the_variables_on_cycles_are_named():
    texts = " ".join(getattr(b, "text", "") for b in _record().blocks)
    assert "strongly connected parts {B, C, D} and {E, F}" in texts
    assert "the graph of 8 nodes is a DAG of 5" in texts


@pytest.mark.parametrize(
    "text",
    [
        "A -> A",
        "A -> B -> A",
        "A -> B -> C -> A",
        "A -> B -> A; C -> D -> C",  # two cycles, not connected
        "S -> A -> B -> C -> A; C -> D -> B; E",
    ],
)
def test_the_argument_is_told_in_steps_with_checks(text):
    for total in (2, 0):
        found = counterexample(DirectedGraph.parse(text), total)
        steps = argument(found)
        assert f"= {total}" in steps[2].latex
        assert all(step.check for step in steps)
        assert found.text().endswith(f"sums to {total}, not to 1")
