import copy

import numpy as np
import pytest

from chainrule.core.records import StudyRecord
from chainrule.datasets import load
from chainrule.homework import StudyContext
from chainrule.homework.nade_made import study as nade_made
from chainrule.homework.nade_made.claims import claims, suits
from chainrule.models import NADE


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    workspace = tmp_path_factory.mktemp("p5")
    digits = load("digits")
    with pytest.MonkeyPatch.context() as m:
        m.setattr(nade_made, "HIDDEN", 12)
        record = nade_made.study(StudyContext(0, "quick", lambda: digits, workspace))
    return record, workspace, digits


def test_the_record_goes_to_plain_data_and_back(run):
    assert StudyRecord.from_plain(run[0].to_plain()).to_plain() == run[0].to_plain()


def test_saved_models_score_what_the_record_says(run):
    record, workspace, digits = run
    model = NADE.load(workspace / "checkpoints" / "nade.safetensors")
    assert model.score(digits.test) == record.numbers["models"]["NADE"]["test"]["mean_log_prob_nats"]
    assert sorted(p.name for p in (workspace / "tensorboard").iterdir()) == [
        "made-direct-connections",
        "made-natural-order",
        "made-random-order",
        "nade",
    ]


def test_dependence_is_worth_something_against_independent_pixels(run):
    n = run[0].numbers
    for model in n["models"].values():
        assert model["test"]["mean_log_prob_nats"] > n["independent_pixels"]["mean_log_prob_nats"]


def test_both_ways_of_sampling_draw_the_same_images(run):
    for model in run[0].numbers["models"].values():
        # a uniform that falls between a float32 and a float32-summed-otherwise probability may differ: 1 in 1e6
        assert model["sample_1_differing_images"] + model["sample_100_differing_images"] <= 1


def test_a_second_run_resumes_from_checkpoints_and_gives_the_same_likelihoods(run):
    record, workspace, digits = run
    with pytest.MonkeyPatch.context() as m:
        m.setattr(nade_made, "HIDDEN", 12)
        again = nade_made.study(StudyContext(0, "quick", lambda: digits, workspace))
    for name, model in record.numbers["models"].items():
        assert again.numbers["models"][name]["test"] == model["test"]


def test_verdicts_follow_the_numbers_and_not_the_other_way_round(run):
    n = copy.deepcopy(run[0].numbers)

    def verdicts(z_natural, z_random, z_order):
        for key, z in zip(n["paired_differences"], (z_natural, z_random, z_order, 1.0), strict=True):
            n["paired_differences"][key] |= {"z": z, "mean_nats": z / 10, "standard_error_nats": 0.1}
        return [c.verdict for c in claims(n)][:2]

    assert verdicts(20, 10, 5) == ["fails", "holds in part"]
    assert verdicts(20, 10, -5) == ["fails", "fails"]
    assert verdicts(-20, -10, 5) == ["holds", "holds"]
    assert verdicts(-20, 10, 0)[0] == "holds in part"

    nade, made = n["models"]["NADE"], n["models"]["MADE, natural order"]
    for k in (1, 100):
        nade[f"sample_{k}_seconds"], made[f"sample_{k}_seconds"] = 10.0, 1.0
    nade["training_seconds"], made["training_seconds"] = 30.0, 10.0
    nade["score_seconds_per_1000"], made["score_seconds_per_1000"] = 1.0, 1.0
    assert [c.verdict for c in claims(n)][2:4] == ["holds", "holds in part"]
    nade["score_seconds_per_1000"] = 2.0
    assert [c.verdict for c in claims(n)][2:4] == ["holds", "holds"]
    nade["sample_100_seconds"] = 0.1
    assert [c.verdict for c in claims(n)][2:4] == ["holds in part", "holds in part"]
    assert "MADE, natural order trains 3.0 times as fast as NADE" in suits(n)


def test_parameters_in_use_are_those_that_masks_leave(run):
    n = run[0].numbers["models"]
    d, h = 64, 12
    assert n["NADE"]["parameters"] == {"allocated": 2 * d * h + d + h, "in_use": 2 * d * h + d + h}
    made = n["MADE, natural order"]["parameters"]
    assert made["allocated"] == 2 * d * h + d + h
    assert made["in_use"] == pytest.approx(d * h + d + h, rel=0.05)  # even degrees keep about half
    assert np.isclose(n["MADE, random order"]["parameters"]["in_use"], made["in_use"])
