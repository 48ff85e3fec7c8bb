"""CountProportional against brute force in fractions: normalisation, counts, conditionals, missing pixels, draws."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import DataError, InputError, ShapeError, ValuesError
from chainrule.evaluate.draws import chi_square_draws
from chainrule.evaluate.enumeration import total_probability
from chainrule.homework.images.count_proportional import CountProportional, Rule
from tests.oracles import enumerate_rows

RULES: list[Rule] = ["image", "count"]
both_rules = pytest.mark.parametrize("rule", RULES)
sizes = st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda hw: hw[0] * hw[1] <= 10)
FALSE_ALARM = 1e-6  # rate at which a right sampler would fail; the seeds are fixed


def brute_force(rule: Rule, d: int) -> dict[tuple[int, ...], Fraction]:
    """The probability of each image from the definition: weigh, then divide by the sum."""
    states = list(itertools.product((0, 1), repeat=d))
    if rule == "image":
        weights = {x: Fraction(sum(x)) for x in states}
    else:
        sizes = {k: sum(1 for x in states if sum(x) == k) for k in range(d + 1)}
        weights = {x: Fraction(sum(x), sizes[sum(x)]) for x in states}
    total = sum(weights.values())
    return {x: w / total for x, w in weights.items()}


def agreeing(table: dict[tuple[int, ...], Fraction], row: list[float]) -> Fraction:
    """The probability of the pixels of ``row`` that are not NaN."""
    return sum(
        (p for x, p in table.items() if all(math.isnan(v) or v == s for v, s in zip(row, x, strict=True))),
        Fraction(0),
    )


@both_rules
@pytest.mark.parametrize("shape", [(h, w) for h in range(1, 13) for w in range(1, 13) if h * w <= 12])
def test_the_probabilities_of_all_images_sum_to_one(rule: Rule, shape: tuple[int, int]) -> None:
    model = CountProportional(*shape, rule)
    assert total_probability(model, shape[0] * shape[1]) == pytest.approx(1.0, abs=1e-9)


@both_rules
@pytest.mark.parametrize("d", range(1, 10))
def test_every_probability_is_the_fraction_that_brute_force_gives(rule: Rule, d: int) -> None:
    model = CountProportional(1, d, rule)
    table = brute_force(rule, d)
    assert {x: model.exact_prob(x) for x in table} == table
    got = np.exp(model.log_prob(list(table)))
    np.testing.assert_allclose(got, [float(p) for p in table.values()], rtol=1e-12)


@both_rules
@given(shape=sizes, data=st.data())
@settings(max_examples=40)
def test_missing_pixels_are_summed_out_exactly(
    rule: Rule, shape: tuple[int, int], data: st.DataObject
) -> None:
    d = shape[0] * shape[1]
    row = data.draw(st.lists(st.sampled_from([0.0, 1.0, math.nan]), min_size=d, max_size=d))
    model = CountProportional(*shape, rule)
    want = agreeing(brute_force(rule, d), row)
    assert model.exact_prob(row) == want
    assert math.exp(model.log_prob([row])[0]) == pytest.approx(float(want), rel=1e-12)


@both_rules
@given(shape=sizes)
@settings(max_examples=20)
def test_the_law_of_the_count_is_the_sum_over_images_of_that_count(
    rule: Rule, shape: tuple[int, int]
) -> None:
    d = shape[0] * shape[1]
    table = brute_force(rule, d)
    want = [sum((p for x, p in table.items() if sum(x) == k), Fraction(0)) for k in range(d + 1)]
    model = CountProportional(*shape, rule)
    assert model.exact_count_pmf() == want
    np.testing.assert_allclose(model.count_pmf(), [float(p) for p in want], rtol=1e-12)


def test_at_three_by_three_the_count_rule_is_the_table_of_k_over_45() -> None:
    assert CountProportional(3, 3, "count").exact_count_pmf() == [Fraction(k, 45) for k in range(10)]


def test_under_the_image_rule_the_count_is_one_plus_a_binomial() -> None:
    pmf = CountProportional(3, 3, "image").exact_count_pmf()
    assert pmf == [Fraction(comb(8, k - 1), 2**8) if k else Fraction(0) for k in range(10)]


def test_under_the_image_rule_two_images_are_in_the_ratio_of_their_counts() -> None:
    model = CountProportional(28, 28, "image")
    rows = np.zeros((2, 784), np.uint8)
    rows[0, :9], rows[1, :8] = 1, 1
    a, b = model.log_prob(rows)
    assert math.exp(a - b) == pytest.approx(9 / 8, rel=1e-12)


@both_rules
def test_at_28_by_28_the_counts_sum_to_one_in_exact_integers(rule: Rule) -> None:
    model = CountProportional(28, 28, rule)
    row = np.zeros(784, np.uint8)
    total = Fraction(0)
    for k in range(785):
        row[:k] = 1
        total += comb(784, k) * model.exact_prob(row)
    assert total == 1


@both_rules
def test_at_28_by_28_log_prob_matches_the_exact_fraction_where_the_probability_is_tiny(rule: Rule) -> None:
    model = CountProportional(28, 28, rule)
    rows = np.arange(784) < np.array([[1], [2], [391], [392], [700], [784]])
    for row, log_p in zip(rows, model.log_prob(rows), strict=True):
        exact = model.exact_prob(row)
        want = math.log(exact.numerator) - math.log(exact.denominator)
        assert log_p == pytest.approx(want, rel=1e-12, abs=1e-10)


@both_rules
def test_all_white_is_impossible_and_one_pixel_is_always_black(rule: Rule) -> None:
    assert CountProportional(2, 2, rule).log_prob([[0, 0, 0, 0]])[0] == -math.inf
    one = CountProportional(1, 1, rule)
    assert one.log_prob([[0]])[0] == -math.inf
    assert one.log_prob([[1]])[0] == pytest.approx(0.0, abs=1e-14)
    assert one.sample(5, rng=0).tolist() == [[1]] * 5


@both_rules
def test_draws_match_log_prob_over_all_states(rule: Rule) -> None:
    report = chi_square_draws(
        CountProportional(2, 4, rule).fit([[1] * 8]), 20_000, rng=1, false_alarm_rate=FALSE_ALARM
    )
    assert report.passed, report


@both_rules
def test_draws_given_some_pixels_have_the_exact_conditional_distribution(rule: Rule) -> None:
    model = CountProportional(2, 3, rule)
    given_row = [math.nan, 0.0, math.nan, 1.0, math.nan, 0.0]
    report = chi_square_draws(
        model.fit([[1] * 6]), 20_000, given=given_row, rng=2, false_alarm_rate=FALSE_ALARM
    )
    assert report.passed, report
    draws = model.sample(50, given=given_row, rng=3)
    assert (draws[:, [1, 3, 5]] == [0, 1, 0]).all()


@both_rules
def test_given_only_white_pixels_at_least_one_of_the_rest_is_black(rule: Rule) -> None:
    draws = CountProportional(2, 2, rule).sample(200, given=[0, 0, math.nan, math.nan], rng=0)
    assert (draws[:, 2:].sum(1) >= 1).all()


@both_rules
def test_at_28_by_28_counts_of_draws_agree_with_their_law(rule: Rule) -> None:
    model = CountProportional(28, 28, rule)
    k = np.arange(785)
    pmf = model.count_pmf()
    mean = pmf @ k
    sd = math.sqrt(pmf @ (k - mean) ** 2)
    counts = model.sample(4000, rng=7).sum(1)
    # five standard errors: a right sampler fails one seed in a million
    assert abs(counts.mean() - mean) < 5 * sd / math.sqrt(4000)


@both_rules
def test_one_seed_gives_one_set_of_draws_and_a_generator_goes_on(rule: Rule) -> None:
    model = CountProportional(4, 4, rule)
    assert (model.sample(3, rng=5) == model.sample(3, rng=5)).all()
    rng = np.random.default_rng(5)
    assert (model.sample(3, rng=rng) != model.sample(3, rng=rng)).any()


def test_a_model_with_another_rule_is_another_distribution() -> None:
    x = enumerate_rows(4)[1:]
    a, b = (CountProportional(2, 2, rule).log_prob(x) for rule in RULES)
    assert np.abs(a - b).max() > 0.1


def test_it_is_used_unfitted_fitted_and_loaded_with_the_same_numbers(tmp_path) -> None:
    model = CountProportional(2, 3, "count")
    x = enumerate_rows(6)
    before = model.log_prob(x)
    model.fit(x).save(tmp_path / "m.safetensors")
    loaded = CountProportional.load(tmp_path / "m.safetensors")
    assert (loaded.log_prob(x) == before).all()
    assert loaded.get_params() == {"height": 2, "width": 3, "rule": "count"}


def test_a_damaged_file_is_refused(tmp_path) -> None:
    path = tmp_path / "m.safetensors"
    CountProportional(2, 2).fit([[1, 0, 0, 0]]).save(path)
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(DataError, match="damaged"):
        CountProportional.load(path)


@pytest.mark.parametrize(
    ("model", "use", "error", "message"),
    [
        (CountProportional(0, 3), lambda m: m.log_prob([[1]]), InputError, "height"),
        (CountProportional(3, 2.5), lambda m: m.sample(1), InputError, "width"),  # type: ignore[arg-type]
        (CountProportional(2, 2, "pixel"), lambda m: m.sample(1), InputError, "'image' or 'count'"),  # type: ignore[arg-type]
        (CountProportional(2, 2), lambda m: m.log_prob([[1, 0, 1]]), ShapeError, "3 columns"),
        (CountProportional(2, 2), lambda m: m.fit([[1, 0, 1]]), ShapeError, "flatten"),
        (CountProportional(2, 2), lambda m: m.log_prob([[1, 0, 1, 2]]), ValuesError, "row 0, column 3"),
        (CountProportional(2, 2), lambda m: m.fit(np.empty((0, 4))), ShapeError, "0 rows"),
        (CountProportional(1, 2), lambda m: m.sample(1, given=[0, 0]), ValuesError, "all-white"),
        (CountProportional(1, 2), lambda m: m.sample(1, given=[[1, 0]]), ShapeError, "one row"),
        (CountProportional(1, 2), lambda m: m.sample(-1), InputError, "n must be"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(model, use, error, message) -> None:
    with pytest.raises(error, match=message) as caught:
        use(model)
    assert "\n" not in str(caught.value)
