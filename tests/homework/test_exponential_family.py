"""Problem 7: the record holds what was measured, and what was measured agrees with what was derived."""

from __future__ import annotations

import json
import math
from functools import cache

import numpy as np
import pytest
from math_core import LatexToMathML
from scipy import stats

from chainrule.core.records import Figure, Step, Steps, StudyRecord, Table, Text, dump_json
from chainrule.homework.context import StudyContext
from chainrule.homework.exponential_family.numbers import TRUTHS, simulated_columns
from chainrule.homework.exponential_family.study import study


def no_images():
    raise AssertionError("problem 7 needs no images")


@cache
def record(seed=0):
    return study(StudyContext(seed, "quick", no_images))


def test_the_claims_have_the_verdicts_that_the_evidence_gives():
    verdicts = {c.id: c.verdict for c in record().claims}
    assert verdicts == {
        "7.likelihood": "holds",
        "7.derivative": "fails",
        "7.maximum": "holds in part",
        "7.estimate": "holds",
    }


def test_the_evidence_carries_the_measured_numbers():
    numbers, claims = record().numbers, {c.id: c.evidence for c in record().claims}
    assert f"{numbers['rate']:.6f}" in claims["7.estimate"]
    assert f"{numbers['slope_at_half']['written']:.3f}" in claims["7.derivative"]


def test_the_true_slope_is_the_measured_one_and_the_written_slope_is_not():
    numbers = record().numbers
    # central differences with a step of 1e-5 lose about ten of the sixteen digits
    assert numbers["largest_gap_true_slope"] < 1e-4
    assert numbers["largest_gap_written_slope"] > 10


def test_the_fit_agrees_with_scipy_for_every_family():
    families = record().numbers["families"]
    assert set(families) == set(TRUTHS)
    for family, found in families.items():
        # SciPy's numerical searches stop at the square root of the rounding error
        assert found["largest_difference"] < (1e-12 if family in ("exponential", "normal") else 1e-6)


def test_the_measured_bias_is_the_derived_one():
    numbers = record().numbers
    for measured, derived, error in zip(
        numbers["mean_estimate_over_truth"],
        numbers["derived_mean_over_truth"],
        numbers["derived_standard_error_of_mean"],
        strict=True,
    ):
        # four standard errors; the seed is fixed
        assert measured == pytest.approx(derived, abs=4 * error)
    for measured, error in zip(
        numbers["mean_corrected_over_truth"], numbers["derived_standard_error_of_mean"], strict=True
    ):
        assert measured == pytest.approx(1.0, abs=4 * error)


def test_the_exact_interval_misses_equally_on_both_sides_and_the_wald_interval_does_not():
    numbers = record().numbers
    error = math.sqrt(0.025 * 0.975 / numbers["repeats"])
    for side in ("below", "above"):
        assert numbers["misses"][f"exact_{side}"] == pytest.approx(
            [0.025] * len(numbers["sizes"]), abs=4 * error
        )
    # at three rows the upper Wald bound is the estimate times 1 + z/√3, and the lower one is below 0
    expected = stats.gamma(3).sf(3 * (1 + stats.norm.ppf(0.975) / math.sqrt(3)))
    assert numbers["misses"]["wald_above"][0] == 0
    assert numbers["misses"]["wald_below"][0] == pytest.approx(
        expected, abs=4 * math.sqrt(expected * (1 - expected) / numbers["repeats"])
    )
    assert numbers["wald_with_negative_rates"][0] == 1


def test_each_cell_of_a_table_stands_under_its_heading():
    tables = [b for b in record().blocks if isinstance(b, Table)]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}
    fits = next(t for t in tables if "SciPy" in t.columns)
    families = record().numbers["families"]
    for row in fits.rows:
        cells = dict(zip(fits.columns, row, strict=True))
        found = families[cells["family"]]
        k = (
            int(cells["parameter"][-2])
            if cells["parameter"].endswith("]")
            else int(cells["parameter"] == "variance")
        )
        assert (
            float(cells["true"])
            == np.concatenate([np.atleast_1d(v) for v in TRUTHS[cells["family"]].values()])[k]
        )
        assert float(cells["estimate"]) == pytest.approx(found["estimate"][k], abs=1e-5)
        assert float(cells["error"]) == pytest.approx(found["standard_error"][k], abs=1e-5)
        assert float(cells["SciPy"]) == pytest.approx(found["scipy"][k], abs=1e-5)


def test_the_figures_are_of_the_agreed_kinds_and_named_once():
    figures = [b for b in record().blocks if isinstance(b, Figure)]
    assert [f.name for f in figures] == ["p7-slopes", "p7-log-likelihood", "p7-bias", "p7-misses"]
    for figure in figures:
        assert figure.kind == "lines"
        assert figure.alt


def test_a_caption_says_bars_where_bars_are_drawn_and_bands_where_bands_are():
    for figure in (b for b in record().blocks if isinstance(b, Figure)):
        drawn = {line.style == "points" for line in figure.data.series if line.error is not None}
        assert ("error bars" in figure.caption) == (True in drawn), figure.name
        assert ("bands" in figure.caption) == (False in drawn), figure.name


def test_the_marked_maximum_is_the_highest_point_of_the_curve():
    figure = next(b for b in record().blocks if isinstance(b, Figure) and b.name == "p7-log-likelihood")
    (series,), (mark,) = figure.data.series, figure.data.marks
    assert mark.y >= np.max(series.y)
    assert series.x[np.argmax(series.y)] == pytest.approx(mark.x, abs=1e-9)


def test_every_formula_in_the_text_becomes_mathml():
    converter = LatexToMathML()
    texts = []
    for block in record().blocks:
        if isinstance(block, Text):
            texts.append(block.text)
        elif isinstance(block, Table):
            texts += [str(cell) for row in [block.columns, *block.rows] for cell in row] + [block.caption]
        elif isinstance(block, Steps):
            texts += [part for step in block.steps for part in (step.text, step.check)]
            assert all(isinstance(step, Step) and step.check for step in block.steps)
    for text in texts:
        pieces = text.split("$")
        assert len(pieces) % 2 == 1, f"unpaired mark in {text!r}"
        for latex in pieces[1::2]:
            assert converter.convert_with_local_state(latex, displaystyle=False).startswith("<math")


def test_the_record_survives_json():
    plain = record().to_plain()
    again = StudyRecord.from_plain(json.loads(dump_json(plain)))
    assert again.to_plain() == plain


def test_the_record_says_that_the_data_are_simulated():
    assert record().provenance["data"]["name"] == "simulated"
    assert any(isinstance(b, Text) and "**simulated**" in b.text for b in record().blocks)


def test_another_seed_gives_other_rows_and_the_same_seed_the_same_rows():
    one, same, other = simulated_columns(0), simulated_columns(0), simulated_columns(1)
    for family in TRUTHS:
        assert np.array_equal(one[family], same[family])
        assert not np.array_equal(one[family], other[family])


def test_the_same_seed_gives_the_same_numbers():
    again = study(StudyContext(0, "quick", no_images))
    assert again.to_plain() == record().to_plain()
