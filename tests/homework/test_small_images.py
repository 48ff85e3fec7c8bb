"""Study 1: its record is complete, its numbers agree with each other and with exact truths, and it repeats."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import pytest

from chainrule.core.records import Figure, Heading, StudyRecord, Table, Text, dump_json
from chainrule.evaluate.enumeration import all_states, exact_table
from chainrule.homework import CountProportional, StudyContext
from chainrule.homework.images import numbers_1b, numbers_1c, numbers_partition
from chainrule.homework.images.study import study


def run(monkeypatch: pytest.MonkeyPatch, workspace=None, seed: int = 0) -> StudyRecord:
    """The study with few epochs, fresh images and states: the whole of it, in a few seconds."""
    monkeypatch.setattr(numbers_1b, "_EPOCHS", 60)
    monkeypatch.setattr(numbers_1c, "_EPOCHS", 20)
    monkeypatch.setattr(numbers_1c, "_N_FRESH", 500)
    monkeypatch.setattr(numbers_partition, "_QUICK_STATES", 2**12)
    monkeypatch.setattr(numbers_partition, "_LARGE_STATES", 2**10)
    monkeypatch.setattr(numbers_partition, "_N_DRAWS", 2000)

    def no_images() -> Any:
        raise AssertionError("problem 1 needs no data set")

    return study(StudyContext(seed, "quick", no_images, workspace))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    with pytest.MonkeyPatch.context() as patch:
        return run(patch, tmp_path_factory.mktemp("work"))


def test_the_record_goes_to_json_and_back(record: StudyRecord) -> None:
    plain = record.to_plain()
    assert record.problem == "1"
    assert StudyRecord.from_plain(plain).to_plain() == plain
    assert "NaN" not in dump_json(plain)


def test_every_part_and_at_least_four_reasons_have_a_heading(record: StudyRecord) -> None:
    headings = [b.text for b in record.blocks if isinstance(b, Heading)]
    assert [h[:2] for h in headings if h.startswith("1")] == ["1a", "1b", "1c"]
    assert sum(h.startswith("Reason") for h in headings) >= 4


def test_every_reason_brings_a_figure_or_a_number(record: StudyRecord) -> None:
    reasons: list[list[Any]] = []
    for block in record.blocks:
        if isinstance(block, Heading) and block.text.startswith("Reason"):
            reasons.append([])
        elif reasons:
            reasons[-1].append(block)
    for blocks in reasons:
        texts = " ".join(b.text for b in blocks if isinstance(b, Text))
        assert any(isinstance(b, (Figure, Table)) for b in blocks) or any(c.isdigit() for c in texts)


def test_the_figures_asked_for_are_there(record: StudyRecord) -> None:
    figures = {b.name: b for b in record.blocks if isinstance(b, Figure)}
    assert set(figures) == {
        "p1a-count-pmf",
        "p1a-samples",
        "p1b-network",
        "p1b-predicted-held-out",
        "p1b-predicted-all",
        "p1b-samples",
        "p1c-network",
        "p1c-counts",
        "p1c-predicted",
        "p1c-cost",
    }
    assert [len(r.images) for r in figures["p1a-samples"].data.rows] == [5, 5]
    assert len(figures["p1b-predicted-held-out"].data.series[0].x) == 312
    assert sum(len(s.x) for s in figures["p1b-predicted-all"].data.series) == 512


def test_both_readings_are_given_in_exact_fractions(record: StudyRecord) -> None:
    numbers = record.numbers["1a"]
    pmf = {rule: [Fraction(p) for p in values] for rule, values in numbers["count_pmf"].items()}
    assert pmf["count"] == [Fraction(k, 45) for k in range(10)]
    assert pmf["image"] == [Fraction(k * comb(9, k), 9 * 2**8) for k in range(10)]
    assert numbers["ratio_9_to_8_black"] == {"image": "9/8", "count": "81/8"}
    assert Fraction(numbers["sum_of_count_labels_over_images"]) == Fraction(256, 5)
    assert numbers["largest_difference_to_printed_table"] < 5e-5


def test_the_number_of_images_is_written_out_with_all_its_digits(record: StudyRecord) -> None:
    text = " ".join(b.text for b in record.blocks if isinstance(b, Text))
    assert str(2**784) in text.replace(" ", "")
    assert record.numbers["1c"]["space"]["n_images"] == str(2**784)


def test_the_accepted_images_are_consistent_with_their_rate(record: StudyRecord) -> None:
    numbers = record.numbers["1b"]
    rule = numbers["ten_percent_rule"]
    assert numbers["n_held_out"] == 312
    assert rule["acceptance_rate_held_out"] == pytest.approx(rule["accepted_held_out"] / 312)
    assert rule["acceptance_rate_all"] == pytest.approx(rule["accepted_all"] / 512)
    uniform = sum(abs(Fraction(k, 2304) - Fraction(1, 512)) * comb(9, k) for k in range(10)) / 2
    assert rule["total_variation_uniform"] == pytest.approx(float(uniform), abs=1e-12)


def test_the_rule_is_judged_by_the_images_it_was_given(record: StudyRecord) -> None:
    truth = exact_table(CountProportional(3, 3), 9)
    black = all_states(9).sum(1)
    only_black = numbers_1b._distance_of_uniform(truth, black == 9)
    assert only_black == pytest.approx(1 - 1 / 256)  # all but one image of probability 1/256 is missed
    rule = record.numbers["1b"]["ten_percent_rule"]
    # fewer images to choose from cannot leave less of the truth out: at most 312 of the 512 can come out
    least = 1 - np.sort(np.exp(truth))[-rule["accepted_held_out"] :].sum()
    assert rule["total_variation_accepted_held_out"] >= least
    evidence = next(c.evidence for c in record.claims if c.id == "1.rejection")
    assert f"{rule['total_variation_accepted_held_out']:.4f} (over the {rule['accepted_all']}" in evidence


def test_the_true_labels_vanish_in_float32_and_nothing_moves(record: StudyRecord) -> None:
    labels = record.numbers["1c"]["labels"]
    assert labels["n_zero_in_float32"] == 200
    assert labels["n_zero_in_float64"] == 0
    assert labels["largest_change_of_log_f_by_training"] == 0.0
    assert -237.5 < labels["log10_smallest"] < labels["log10_largest"] < -235.5


def test_the_laws_of_the_count_have_their_exact_moments(record: StudyRecord) -> None:
    counts = record.numbers["1c"]["counts"]
    assert counts["uniform"]["mean"] == pytest.approx(392.0, rel=1e-9)
    assert counts["uniform"]["sd"] == pytest.approx(14.0, rel=1e-9)
    assert counts["image"]["mean"] == pytest.approx(1 + 783 / 2, rel=1e-9)
    assert counts["count"]["mean"] == pytest.approx((2 * 784 + 1) / 3, rel=1e-9)
    # KL between images of k/(D 2^(D-1)) and 2^-D: the mean of log(2k/D), by Fractions' exact weights
    weights = [Fraction(comb(783, k - 1), 2**783) for k in range(1, 785)]
    exact = sum(float(w) * math.log(2 * k / 784) for k, w in enumerate(weights, 1))
    assert counts["image"]["kl_to_uniform_nats"] == pytest.approx(exact, abs=1e-10)


def test_the_cost_is_measured_in_full_where_it_can_be_and_carried_on(record: StudyRecord) -> None:
    cost = record.numbers["1c"]["cost"]
    assert list(cost["measured"]) == ["2x2", "3x3", "4x4", "5x5", "28x28"]
    assert [v["complete"] for v in cost["measured"].values()] == [True, True, True, False, False]
    rate = cost["measured"]["28x28"]["states_per_second"]
    years = 784 * math.log10(2) - math.log10(rate) - math.log10(365.25 * 86400)
    assert cost["log10_years_28x28"] == pytest.approx(years)


def test_the_estimate_sees_reading_one_and_misses_reading_two(record: StudyRecord) -> None:
    by_name = record.numbers["1c"]["monte_carlo"]
    one, two = (v for name, v in by_name.items() if "reading" in name)
    assert abs(one["estimate"] - 1.0) < 5 * one["standard_error"]
    assert two["standard_errors_off"] > 10


def test_claims_have_known_verdicts_and_evidence_with_numbers(record: StudyRecord) -> None:
    verdicts = {c.id: c.verdict for c in record.claims}
    assert verdicts["1.possibilities"] == "fails"
    assert verdicts["1.rejection"] == "fails"
    assert verdicts["1.labels"] == "fails"
    assert verdicts["1.curse"] == "holds in part"
    assert len(verdicts) == len(record.claims)
    assert all(any(ch.isdigit() for ch in c.evidence) for c in record.claims)


def test_no_text_has_an_open_formula_or_a_stray_brace(record: StudyRecord) -> None:
    for block in record.blocks:
        if isinstance(block, Text):
            assert block.text.count("$") % 2 == 0
            outside = "".join(block.text.split("$")[::2])
            assert "{" not in outside
            assert "}" not in outside


def test_the_model_is_kept_in_the_workspace(
    monkeypatch: pytest.MonkeyPatch, tmp_path, record: StudyRecord
) -> None:
    again = run(monkeypatch, tmp_path)
    assert (tmp_path / "checkpoints" / "p1-mlp-density.safetensors").is_file()
    assert without_times(again) == without_times(record)


def without_times(record: StudyRecord) -> Any:
    """What has to repeat: every number but times, and the images drawn."""

    def untimed(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: untimed(v) for k, v in value.items() if "seconds" not in k}
        return [untimed(v) for v in value] if isinstance(value, list) else value

    numbers = {k: v for k, v in record.numbers["1c"].items() if k != "cost"}
    figures = [b for b in record.blocks if isinstance(b, Figure) and b.kind in ("images", "scatter")]
    plain = dataclasses.replace(record, blocks=figures, numbers=record.numbers | {"1c": numbers}, claims=[])
    return untimed(plain.to_plain())


def test_another_seed_draws_other_images(monkeypatch: pytest.MonkeyPatch, record: StudyRecord) -> None:
    def images(r: StudyRecord) -> Any:
        return [b.data.rows for b in r.blocks if isinstance(b, Figure) and b.name == "p1a-samples"]

    other = run(monkeypatch, seed=1)
    assert images(other)[0][0].images != images(record)[0][0].images


def test_what_a_perfect_model_would_let_through_is_uniform_over_the_images_of_positive_probability(
    record: StudyRecord,
) -> None:
    """Formed from fractions: p(x) = k / 2304 against 1/511 for each of the 511 images with a black pixel."""
    distance = sum(comb(9, k) * abs(Fraction(k, 2304) - Fraction(1, 511)) for k in range(1, 10)) / 2
    rule = record.numbers["1b"]["ten_percent_rule"]
    assert rule["accepted_by_a_perfect_model"] == 511
    assert rule["total_variation_perfect"] == pytest.approx(float(distance), abs=1e-12)
    said = [b.text for b in record.blocks if isinstance(b, Text)] + [c.evidence for c in record.claims]
    assert sum(f"{float(distance):.4f}" in text for text in said) == 2  # 0.1357, in the text and in the claim
