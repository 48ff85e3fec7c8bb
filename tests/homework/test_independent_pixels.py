import math

import numpy as np
import pytest

from chainrule.core.records import Figure, StudyRecord
from chainrule.datasets import load
from chainrule.homework import StudyContext
from chainrule.homework.independent_pixels import study as independent_pixels


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def record(digits):
    return independent_pixels.study(StudyContext(0, "quick", lambda: digits))


def test_the_record_goes_to_plain_data_and_back(record):
    assert StudyRecord.from_plain(record.to_plain()).claims == record.claims


def test_the_likelihood_is_the_one_that_pixel_means_give(record, digits):
    p = (digits.train.sum(0) + 1.0) / (len(digits.train) + 2.0)
    with np.errstate(divide="ignore"):
        direct = np.log(np.where(digits.test == 1, p, 1 - p)).sum(1)
    found = record.numbers["likelihood"]["pseudocount_1"]["test"]
    assert found["mean_log_prob_nats"] == pytest.approx(direct.mean())
    assert found["bits_per_dim"] == pytest.approx(-direct.mean() / 64 / math.log(2))


def test_real_and_shuffled_images_get_the_same_mean_likelihood(record):
    n = record.numbers
    assert n["test_nll_nats"] == pytest.approx(n["shuffled_test_nll_nats"], rel=1e-12)
    assert n["neighbour_correlation_test"] > 0.1 > abs(n["neighbour_correlation_samples"])


def test_ten_samples_are_drawn_and_shown(record):
    samples = next(b for b in record.blocks if isinstance(b, Figure) and b.name == "p2-samples")
    images = samples.data.rows[0].images
    assert np.shape(images) == (10, 8, 8)
    assert set(np.ravel(images)) == {0, 1}


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_samples(record, digits):
    again = independent_pixels.study(StudyContext(0, "quick", lambda: digits))
    other = independent_pixels.study(StudyContext(1, "quick", lambda: digits))
    assert again == record
    assert other.blocks != record.blocks


def test_each_claim_of_the_homework_is_judged(record):
    assert {c.id for c in record.claims} == {"2.mean", "2.one-parameter", "2.only-noise", "2.too-strong"}
