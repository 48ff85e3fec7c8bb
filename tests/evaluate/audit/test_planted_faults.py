"""Faults that people make, planted one by one in a model that is right; each test names the law that finds it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import OtherModel
from chainrule.models import Ensemble, Independent, Mixture
from chainrule.tables.schema import Schema
from tests.evaluate.audit.toys import SIZES, Toy, audited, failed, softmax_logs

LN2 = np.log(2)


def test_the_model_without_a_fault_breaks_no_law_whatever_the_seed():
    for seed in range(5):
        found = audited(Toy(seed=seed).other(), seed=seed)
        assert found.failed == []
        assert found["mass"].verdict == found["sampler"].verdict == found["code length"].verdict == "pass"


def test_a_large_model_without_a_fault_breaks_no_law():
    found = audited(Toy((2, 3) * 8, scale=0.5).other())
    assert found.failed == []
    assert found["sampler (blocks)"].verdict == found["sampler (factors)"].verdict == "pass"
    assert found["factors sum to one"].verdict == found["code length"].verdict == "pass"


@pytest.mark.parametrize("laid_out", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=0)[::2]])
def test_how_a_model_lays_out_its_answers_breaks_no_law(laid_out: Any):
    toy = Toy()
    other = toy.other(
        log_prob=lambda rows: laid_out(toy.log_prob(rows)),
        state_log_probs=lambda rows: laid_out(toy.states(rows)),
        sample=lambda n, rng: laid_out(toy.sample(n, rng)),
        sample_given=lambda n, row, rng: laid_out(toy.given(n, row, rng)),
    )
    found = audited(other)
    assert found.failed == []
    assert found["code length"].value == audited(toy.other())["code length"].value


# log_prob -----------------------------------------------------------------------------------------------------------


def _toy_with(change: Any, **more: Any) -> OtherModel:
    toy = Toy()
    return toy.other(
        log_prob=lambda rows: change(toy.log_prob(rows)), state_log_probs=None, factors=None, **more
    )


@pytest.mark.parametrize(
    ("change", "law"),
    [
        pytest.param(lambda lp: lp / LN2, "mass", id="bits for nats"),
        pytest.param(lambda lp: lp / len(SIZES), "mass", id="a mean over variables for their sum"),
        pytest.param(lambda lp: lp / 1.3, "mass", id="a temperature in scoring"),
        pytest.param(lambda lp: np.log(np.exp(lp) + 1e-7), "mass", id="smoothing after normalising"),
        pytest.param(lambda lp: np.log(np.maximum(np.exp(lp), 1e-3)), "mass", id="rows of a least probability"),
        pytest.param(lambda lp: lp + np.log(1 + 1e-6), "mass", id="weights that sum to 1.000001"),
        pytest.param(lambda lp: lp.astype(np.float16), "log_prob", id="scores of 16 bits"),
        pytest.param(lambda lp: lp.astype(np.float16).astype(float), "log_prob", id="scores that were of 16 bits"),
        pytest.param(lambda lp: np.where(lp < -6, np.nan, lp), "log_prob", id="NaN for rare rows"),
        pytest.param(lambda lp: lp + 8, "log_prob", id="probabilities above one"),
        pytest.param(lambda lp: lp - lp.mean() - 5, "repeats", id="less the mean of the batch"),
        pytest.param(lambda lp: np.sort(lp), "repeats", id="in another order than the rows"),
        pytest.param(lambda lp: lp + 1e-4 * np.arange(len(lp)), "repeats", id="by the place of a row"),
        pytest.param(lambda lp: lp.sum(), "log_prob", id="one number for all rows"),
        pytest.param(lambda lp: -lp, "log_prob", id="the wrong sign"),
    ],
)  # fmt: skip
def test_a_fault_of_log_prob_is_found(change: Any, law: str):
    assert law in failed(_toy_with(change))


def test_dropout_that_is_active_in_scoring_is_found():
    toy, rng = Toy(), np.random.default_rng(0)
    assert "repeats" in failed(
        toy.other(log_prob=lambda rows: toy.log_prob(rows) + 0.1 * rng.normal(size=len(rows)))
    )


def test_a_state_that_scoring_changes_is_found():
    toy = Toy()

    def log_prob(rows):
        toy.b[0] = toy.b[0] + [0.01, 0]
        return toy.log_prob(rows)

    assert "repeats" in failed(toy.other(log_prob=log_prob))


def test_a_mask_that_is_multiplied_into_the_rows_in_place_is_found():
    toy = Toy()

    def log_prob(rows):
        scores = toy.log_prob(rows)
        rows *= rows > 0
        rows[:, 0] = 0
        return scores

    assert "log_prob" in failed(toy.other(log_prob=log_prob))


def test_what_a_model_raises_is_a_finding_and_no_traceback():
    toy = Toy()
    found = audited(toy.other(state_log_probs=lambda rows: 1 / 0))
    assert "ZeroDivisionError" in found["factors sum to one"].detail
    assert found["factors sum to one"].verdict == "fail"
    assert found["mass"].verdict == "pass"


# floors -------------------------------------------------------------------------------------------------------------


class _Clamped(Toy):
    """Binary factors that are clamped on both sides, so that they still sum to one."""

    floor = 1e-7

    def logs(self, rows, i):
        p = np.clip(np.exp(super().logs(rows, i)), self.floor, 1 - self.floor)
        return np.log(p)


@pytest.mark.parametrize("floor", [1e-7, 2.0**-23, 1e-12, np.exp(-20.0)])
def test_a_clamp_that_keeps_the_mass_is_found_by_its_floor(floor: float):
    toy = _Clamped((2,) * 6, scale=12)
    toy.floor = floor
    assert "mass" not in failed(toy.other(), draws=2000)
    assert "clipping" in failed(toy.other(), draws=2000)
    assert "clipping" in failed(toy.other(state_log_probs=None, factors=None), draws=2000)


def test_a_clamp_of_float32_is_found_and_its_rounding_is_not_taken_for_one():
    right, clamped = Toy((2,) * 6, scale=12), _Clamped((2,) * 6, scale=12)
    for toy, laws in ((right, set()), (clamped, {"clipping"})):
        single = toy.other(
            log_prob=lambda rows, t=toy: t.log_prob(rows).astype(np.float32),
            state_log_probs=None,
            factors=None,
        )
        assert failed(single, draws=2000) == laws


def test_small_probabilities_that_are_no_floor_are_left_alone():
    assert failed(Toy((2,) * 6, scale=12).other(), draws=2000) == set()


def test_a_class_of_a_softmax_that_cannot_be_reached_is_found():
    toy = Toy()
    cut = toy.logs

    def logs(rows, i):
        found = cut(rows, i)
        if i == 3:
            found = np.concatenate([softmax_logs(found[:, :3]), np.full((len(rows), 1), -np.inf)], axis=1)
        return found

    toy.logs = logs
    rows = Toy().sample(300, np.random.default_rng(0))
    found = audited(toy.other(), rows)
    assert "rows possible" in found.failed
    assert audited(toy.other())["reach"].verdict == "cannot tell"
    toy.logs = cut
    sampled = toy.other(sample=lambda n, rng: np.minimum(toy.sample(n, rng), [1, 2, 1, 2, 1]))
    assert "sampler" in failed(sampled)


# factors ------------------------------------------------------------------------------------------------------------


def test_a_mask_that_is_off_by_one_is_found():
    toy = Toy()
    toy.reads = np.tril(np.ones((5, 5), bool))  # each variable reads itself
    assert {"mass", "factorisation"} <= failed(toy.other())


def test_a_factor_that_reads_what_comes_later_is_found():
    toy = Toy()
    toy.reads[1, 4] = True
    assert "factorisation" in failed(toy.other())
    assert "code length" in failed(toy.other())


def test_a_factor_that_reads_what_its_graph_does_not_allow_is_found():
    toy = Toy()
    toy.reads[:] = False
    toy.reads[1, 0] = toy.reads[2, 0] = toy.reads[2, 1] = True
    graph = "x1 -> x2; x1 -> x3; x4; x5"
    assert failed(toy.other(factors="x1 -> x2 -> x3; x1 -> x3; x4; x5")) == set()
    assert "factorisation" in failed(toy.other(factors=graph))
    assert "factorisation" in failed(toy.other(factors=graph, state_log_probs=None))


def test_a_mask_that_is_right_and_useless_is_not_passed():
    toy = Toy()
    toy.reads[2:] = False
    found = audited(toy.other())
    assert found["factorisation is used"].verdict == "cannot tell"
    assert "x3 does not change with x1" in found["factorisation is used"].detail


def test_conditionals_of_another_order_are_found():
    toy = Toy()
    assert {"factorisation"} <= failed(toy.other(factors=[4, 3, 2, 1, 0]))


# samplers -----------------------------------------------------------------------------------------------------------


class _OneSeedForEach(Toy):
    def uniforms(self, n, i, rng):
        return np.random.default_rng(7).random(n)


class _SameNumbers(Toy):
    """One generator a call, begun anew for each variable."""

    def uniforms(self, n, i, rng):
        if i == 0:
            self.seed = int(rng.integers(2**31))
        return np.random.default_rng(self.seed).random(n)


@pytest.mark.parametrize("sizes", [SIZES, (2, 3) * 7], ids=["few states", "many states"])
@pytest.mark.parametrize("with_factors", [True, False], ids=["factors", "log_prob only"])
def test_faults_of_a_sampler_are_found(sizes: tuple[int, ...], with_factors: bool):
    scale = 1.0 if len(sizes) < 8 else 0.5
    toy, hot, backwards = (Toy(sizes, scale=scale) for _ in range(3))
    hot.b, hot.W = [b / 1.4 for b in toy.b], [[w / 1.4 for w in ws] for ws in toy.W]
    backwards.reads = toy.reads.T
    level = np.quantile(toy.log_prob(toy.sample(2000, np.random.default_rng(0))), 0.3)
    parts = {} if with_factors else {"state_log_probs": None, "factors": None}
    samplers = {
        "one seed for all variables of a call": _SameNumbers(
            sizes, scale=toy.b[0].size and (1.0 if len(sizes) < 8 else 0.5)
        ).sample,
        "a temperature": hot.sample,
        "the wrong order": backwards.sample,
        "redraws": lambda n, rng: np.where(
            (toy.log_prob(rows := toy.sample(n, rng)) < level)[:, None], toy.sample(n, rng), rows
        ),
    }
    for name, sample in samplers.items():
        laws = failed(toy.other(sample=sample, sample_given=None, **parts), most_states=1000)
        assert {law for law in laws if law.startswith("sampler")}, name


def test_a_sampler_with_one_seed_for_each_variable_is_found_by_its_calls():
    assert "calls differ" in failed(_OneSeedForEach().other())


def test_a_sampler_of_which_one_variable_has_a_seed_of_its_own_is_found_by_its_calls():
    class One(Toy):
        def uniforms(self, n, i, rng):
            return np.random.default_rng(3).random(n) if i == 3 else rng.random(n)

    assert "calls differ" in failed(One(scale=0.5).other())


def test_a_sampler_that_does_not_listen_to_its_generator_is_found():
    toy, own = Toy(), np.random.default_rng(0)
    assert "seed" in failed(toy.other(sample=lambda n, rng: toy.sample(n, own)))


def test_draws_that_are_no_states_are_found():
    toy = Toy()
    assert "sampler" in failed(toy.other(sample=lambda n, rng: toy.sample(n, rng) + 1))
    assert "sampler" in failed(toy.other(sample=lambda n, rng: toy.sample(n, rng) - 0.5))


@pytest.mark.parametrize("sizes", [SIZES, (2, 3) * 5])
def test_evidence_that_is_ignored_or_only_written_over_is_found(sizes: tuple[int, ...]):
    toy = Toy(sizes)
    over = lambda n, row, rng: np.where(row < 0, toy.sample(n, rng), row)  # noqa: E731
    assert any("under given" in law for law in failed(toy.other(sample_given=over)))
    assert any(
        "under given" in law for law in failed(toy.other(sample_given=lambda n, row, rng: toy.sample(n, rng)))
    )


MANY = (2, 3) * 7


def _all_twice(rows: Any) -> Any:
    return np.repeat(rows, 2, axis=0)[: len(rows)]


@pytest.mark.parametrize(
    ("sizes", "change", "law"),
    [
        pytest.param(SIZES, lambda rows, rng: rows[np.lexsort(rows.T)], "order", id="sorted"),
        pytest.param(MANY, lambda rows, rng: rows[np.lexsort(rows.T)], "order", id="sorted, many states"),
        pytest.param(SIZES, lambda rows, rng: _all_twice(rows), "order", id="each row twice"),
        pytest.param(MANY, lambda rows, rng: _all_twice(rows)[rng.permutation(len(rows))], "repeats", id="shuffled"),
        pytest.param(MANY, lambda rows, rng: np.resize(rows[: len(rows) // 2], rows.shape), "repeats", id="half again"),
    ],
)  # fmt: skip
def test_draws_that_know_of_each_other_are_found(sizes: tuple[int, ...], change: Any, law: str):
    toy = Toy(sizes, scale=0.3)

    def sample(n, rng):
        return change(toy.sample(n, rng), rng)

    laws = failed(toy.other(sample=sample, sample_given=None), draws=3000)
    assert f"independent draws ({law})" in laws


def test_a_sampler_that_gives_rows_it_has_learned_is_found():
    toy = Toy(MANY)
    learned = toy.sample(800, np.random.default_rng(5))
    model = toy.other(sample=lambda n, rng: learned[rng.integers(0, len(learned), n)])
    assert "independent draws (repeats)" in failed(model, draws=3000)


def test_a_sampler_without_replacement_is_found():
    toy = Toy(MANY, scale=0.8)

    def sample(n, rng):
        rows = toy.sample(20 * n, rng)
        return rows[np.sort(np.unique(rows, axis=0, return_index=True)[1])][:n]

    assert "independent draws (repeats)" in failed(toy.other(sample=sample, sample_given=None), draws=1000)


@pytest.mark.parametrize("sizes", [SIZES, MANY], ids=["few states", "many states"])
def test_a_sampler_that_begins_from_one_of_few_seeds_is_found(sizes: tuple[int, ...]):
    toy = Toy(sizes)

    def sample(n, rng):
        return toy.sample(n, np.random.default_rng(rng.integers(200)))

    assert "independent draws (calls)" in failed(toy.other(sample=sample, sample_given=None), draws=1000)


def test_a_temperature_that_no_block_shows_is_found_by_moves():
    toy, cold = Toy((2,) * 40, scale=0.4), Toy((2,) * 40, scale=0.4)
    cold.b, cold.W = [b / 0.93 for b in toy.b], [[w / 0.93 for w in ws] for ws in toy.W]
    laws = failed(toy.other(sample=cold.sample, state_log_probs=None, factors=None), draws=4000)
    assert laws == {"sampler (moves)"}


def test_a_sampler_that_gives_another_number_of_rows_is_found():
    toy = Toy()
    assert "sampler" in failed(toy.other(sample=lambda n, rng: toy.sample(n - 1, rng)))


# missing values, averages -------------------------------------------------------------------------------------------


class _Summed(Toy):
    """Sums out -1 by brute force."""

    wraps = False

    def log_prob(self, rows):
        out = super().log_prob(rows)  # -1 reads the last state
        for r in [] if self.wraps else np.flatnonzero((rows < 0).any(axis=1)):
            every = np.array(list(np.ndindex(*self.sizes)))
            fits = every[((rows[r] < 0) | (every == rows[r])).all(axis=1)]
            out[r] = np.log(np.exp(super().log_prob(fits)).sum())
        return out


def test_a_missing_value_that_wraps_around_to_the_last_state_is_found():
    assert failed(_Summed().other(takes_missing=True)) == set()
    wrapped = _Summed()
    wrapped.wraps = True
    assert {"missing values", "monotone"} <= failed(wrapped.other(takes_missing=True))


def test_a_model_of_the_package_that_wraps_a_missing_value_is_found():
    class Wrapped(Independent):
        def _log_prob(self, codes):
            return super()._log_prob((codes % np.array(self.schema_.sizes)).astype(np.uint8))

    rows = np.random.default_rng(0).integers(0, 3, (200, 4))
    assert "missing values" in failed(Wrapped(pseudocount=1).fit(rows), draws=2000)


def _two() -> tuple[Toy, Toy]:
    return Toy(seed=1), Toy(seed=2)


@pytest.mark.parametrize(
    ("average", "laws"),
    [
        pytest.param(lambda a, b: np.logaddexp(a + np.log(0.3), b + np.log(0.7)), set(), id="right"),
        pytest.param(lambda a, b: 0.3 * a + 0.7 * b, {"average", "mass"}, id="logs averaged"),
        pytest.param(lambda a, b: np.logaddexp(a, b) - LN2, {"average"}, id="weights forgotten"),
        pytest.param(lambda a, b: np.logaddexp(a + np.log(0.6), b + np.log(1.4)), {"average", "mass"}, id="twice"),
    ],
)  # fmt: skip
def test_averages_that_are_none_of_probabilities_are_found(average: Any, laws: set[str]):
    a, b = _two()
    model = OtherModel(
        lambda rows: average(a.log_prob(rows), b.log_prob(rows)),
        SIZES,
        members=[(0.3, a.log_prob), (0.7, b.log_prob)],
    )
    assert failed(model) & {"average", "mass"} == laws


def test_averaged_logits_are_found_in_a_mixture_of_the_package():
    class Logits(Mixture):
        def _log_prob(self, codes):
            return (self._log_joint(codes) - np.log(self.weights_)) @ self.weights_

    rows = np.random.default_rng(0).integers(0, 2, (300, 4)) * (np.arange(300) % 2)[:, None]
    schema = Schema.of_sizes((2,) * 4)
    model = Logits(Independent(pseudocount=1, schema=schema), 2, schema=schema, random_state=0).fit(rows)
    assert {"average", "mass"} <= failed(model, draws=2000)


def test_weights_of_an_ensemble_that_sum_to_two_are_found():
    rows = np.random.default_rng(0).integers(0, 2, (300, 4))
    model = Ensemble([Independent(pseudocount=1), Independent(pseudocount=5)]).fit(rows)
    model.weights_ = model.weights_ * 2
    assert {"average", "mass"} <= failed(model, draws=2000)


# rows that a model has seen -----------------------------------------------------------------------------------------


def test_rows_of_the_fit_that_are_stored_as_the_test_set_are_found():
    toy, rng = Toy((2, 3) * 5, scale=0.1), np.random.default_rng(0)
    train, test = toy.sample(800, rng), toy.sample(400, rng)
    assert failed(toy.other(), test, train=train) == set()
    assert "duplicates" in failed(toy.other(), train, train=train)
    assert "duplicates" in failed(toy.other(), train[rng.permutation(800)[:400]], train=train)
    half = np.concatenate([test[:300], train[:100]])
    assert "duplicates" in failed(toy.other(), half, train=train)


def test_in_a_table_of_few_rows_the_order_gives_rows_of_the_fit_away_and_else_nobody_can_tell():
    toy, rng = Toy((2, 2, 2)), np.random.default_rng(0)
    train, test = toy.sample(500, rng), toy.sample(200, rng)
    assert audited(toy.other(), test, train=train)["duplicates"].verdict == "cannot tell"
    assert "duplicates" in failed(toy.other(), train, train=train)
    assert "duplicates" in failed(toy.other(), train[50:250], train=train)


def test_a_likelihood_above_that_of_the_truth_is_found():
    truth, rng = Toy((2, 3) * 5, scale=0.1), np.random.default_rng(0)
    rows = truth.sample(400, rng)
    counts = {row.tobytes(): 0 for row in rows}
    for row in rows:
        counts[row.tobytes()] += 1

    def memory(x):  # half of what it has seen, half of the truth
        seen = np.array([counts.get(np.ascontiguousarray(row).tobytes(), 0) for row in x]) / len(rows)
        return np.log(0.5 * seen + 0.5 * np.exp(truth.log_prob(x)))

    overfitted = OtherModel(memory, truth.sizes)
    assert "truth" in failed(overfitted, rows, truth=truth.log_prob)
    assert failed(overfitted, truth.sample(400, rng), truth=truth.log_prob) == set()
    entropy = -float(np.mean(truth.log_prob(truth.sample(200_000, rng))))
    assert "truth (entropy)" in failed(overfitted, rows, entropy_nats=entropy)
    assert failed(truth.other(), truth.sample(400, rng), entropy_nats=entropy) == set()


def test_a_sigmoid_that_is_taken_twice_is_found_by_the_sampler_or_by_rows():
    toy = Toy((2,) * 6, scale=2)
    once = toy.logs

    def twice(rows, i):
        p = 1 / (1 + np.exp(-np.exp(once(rows, i)[:, 1])))
        return np.log(np.stack([1 - p, p], 1))

    wrong = Toy((2,) * 6, scale=2)
    wrong.logs = twice
    assert "sampler" in failed(toy.other(log_prob=wrong.log_prob, state_log_probs=wrong.states))
    rows = toy.sample(1000, np.random.default_rng(0))
    assert failed(wrong.other(), rows) == {"calibration"}  # in both it is a distribution, and a bad one
    assert failed(toy.other(), rows) == set()
