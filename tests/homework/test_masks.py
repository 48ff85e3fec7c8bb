"""Study 6: what it shows is what it measured, and it measured what the problem asks."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pytest

from chainrule.core.records import Figure, Steps, StudyRecord, Table, dump_json
from chainrule.homework.context import StudyContext
from chainrule.homework.masks.study import study
from chainrule.models.made.masks import build_masks
from chainrule.report.text import math, paragraphs
from tests.oracles import made_paths

ORDER = [1, 3, 0, 2]


def _no_images() -> Any:
    raise AssertionError("problem 6 needs no data")


@functools.cache
def _record(seed: int = 0) -> StudyRecord:
    return study(StudyContext(seed=seed, preset="quick", images=_no_images))


def _figure(name: str) -> Figure:
    return next(b for b in _record().blocks if isinstance(b, Figure) and b.name == name)


def test_the_record_survives_json() -> None:
    plain = _record().to_plain()
    assert StudyRecord.from_plain(json.loads(dump_json(plain))).to_plain() == plain


def test_the_same_seed_gives_the_same_record() -> None:
    again = study(StudyContext(seed=0, preset="quick", images=_no_images))
    assert again.to_plain() == _record().to_plain()


def test_the_masks_are_those_of_the_rules_and_their_product_those_of_a_path_search() -> None:
    example = _record().to_plain()["numbers"]["example"]
    assert example["order"] == ["x2", "x4", "x1", "x3"]
    masks = build_masks(ORDER, example["degrees"])
    assert example["masks"] == [m.astype(int).tolist() for m in masks]
    assert example["paths"] == made_paths(ORDER, example["degrees"])
    assert example["sees"] == {"x2": [], "x4": ["x2"], "x1": ["x2", "x4"], "x3": ["x2", "x4", "x1"]}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_paths_and_jacobian_agree_with_the_complete_graph_at_any_seed(seed: int) -> None:
    proof = _record(seed).numbers["proof"]
    allowed = np.asarray(proof["allowed"], bool)
    assert ((np.asarray(proof["paths"]) > 0) == allowed).all()
    assert ((np.asarray(proof["jacobian"]) != 0) == allowed).all()
    assert (proof["n_forbidden"], proof["n_allowed"]) == (10, 6)
    assert proof["forbidden_jacobian_not_zero_own_weights"] == 0
    assert abs(proof["total_probability"] - 1.0) < 1e-9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_broken_rule_breaks_what_the_text_says(seed: int) -> None:
    rules, by_index, loose, no_middle, strict = _record(seed).numbers["broken"]
    assert (rules["looks_ahead"], rules["misses"]) == (0, 0)
    assert by_index["looks_ahead"] > 0
    assert abs(by_index["total_probability"] - 1.0) < 1e-9  # a distribution, but of the natural order
    for variant in (loose, no_middle):
        assert variant["looks_ahead"] > 0
        assert abs(variant["total_probability"] - 1.0) > 1e-6
    assert strict["looks_ahead"] == 0
    assert strict["misses"] > 0


def test_solutions_are_counted_right() -> None:
    found = _record().numbers["solutions"]
    assert found["assignments"] == found["autoregressive"] == 3**8
    # complete: each layer of four has all of 1, 2, 3; there are 36 maps of four units onto three degrees
    assert found["complete"] == 36**2
    # up to the order of units: multisets of four out of three degrees, 15; those with all three, 3
    assert (found["up_to_relabelling"], found["complete_up_to_relabelling"]) == (15**2, 3**2)
    # idle: the lowest degree of the second layer is below the lowest of the first, by the law of the minimum
    lowest = {m: (4 - m) ** 4 - (3 - m) ** 4 for m in (1, 2, 3)}
    assert found["with_a_unit_that_sees_nothing"] == sum(
        lowest[a] * lowest[b] for a in lowest for b in lowest if b < a
    )


def test_no_size_looks_ahead() -> None:
    larger = _record().numbers["larger"]
    assert {r["inputs"] for r in larger} == {1, 16, 784}
    assert all(r["looks_ahead"] == 0 for r in larger)


def test_the_network_is_drawn_with_exactly_the_surviving_edges() -> None:
    data, masks = _figure("p6-network").data, _record().to_plain()["numbers"]["example"]["masks"]
    for edges, dropped, mask in zip(data.edges, data.dropped, masks, strict=True):
        drawn = np.zeros_like(np.array(mask))
        below, above = np.array(edges).reshape(-1, 2).T
        drawn[above, below] = 1
        assert drawn.tolist() == mask
        assert len(edges) + len(dropped) == drawn.size
    assert [layer.size for layer in data.layers] == [4, 4, 4, 4]


def test_the_matrices_shown_are_the_masks_and_lower_triangular_in_the_order() -> None:
    panels = _figure("p6-masks").data.panels
    assert [[list(row) for row in p.values] for p in panels] == _record().to_plain()["numbers"]["example"][
        "masks"
    ]
    natural, *in_order = _figure("p6-dependence").data.panels
    assert natural.row_labels == ("x1", "x2", "x3", "x4")
    for panel in in_order:
        assert panel.row_labels == ("x2", "x4", "x1", "x3")
        assert not np.triu(panel.values).any()


def test_every_rule_is_judged_with_its_numbers() -> None:
    verdicts = {c.id: c.verdict for c in _record().claims}
    assert verdicts == {
        "6.ordering": "holds in part",
        "6.hidden-numbers": "holds",
        "6.hidden-rule": "holds",
        "6.output-rule": "holds",
        "6.solution": "holds in part",
    }
    assert all(any(ch.isdigit() for ch in c.evidence) for c in _record().claims)


def test_every_formula_and_text_can_be_typeset() -> None:
    for block in _record().blocks:
        for latex in (
            (s.latex for s in block.steps) if isinstance(block, Steps) else [getattr(block, "latex", "")]
        ):
            if latex:
                assert math(latex).startswith("<math")
        for text in (getattr(block, "text", ""), getattr(block, "caption", "")):
            paragraphs(text)
    assert sum(isinstance(b, Table) for b in _record().blocks) == 5
