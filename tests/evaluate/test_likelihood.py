import numpy as np
import pytest
from scipy import stats

from chainrule.core.errors import ShapeError
from chainrule.evaluate.likelihood import paired_difference, summarize_log_prob


def test_the_standard_error_is_that_of_the_mean():
    lp = np.random.default_rng(0).normal(-80, 20, 500)
    s = summarize_log_prob(lp, 784)
    assert s.standard_error_nats == pytest.approx(stats.sem(lp))
    assert s.bits_per_dim == pytest.approx(-lp.mean() / 784 / np.log(2))


def test_an_impossible_row_makes_the_mean_minus_infinity_and_is_counted():
    s = summarize_log_prob([-1.0, -np.inf], 2)
    assert (s.mean_log_prob_nats, s.standard_error_nats, s.bits_per_dim, s.n_impossible) == (
        -np.inf,
        None,
        np.inf,
        1,
    )


def test_one_row_has_no_standard_error():
    assert summarize_log_prob([-1.0], 1).standard_error_nats is None


def test_the_paired_difference_is_the_paired_t_statistic():
    rng = np.random.default_rng(1)
    a = rng.normal(-80, 20, 300)
    b = a - rng.normal(0.3, 1, 300)
    found = paired_difference(a, b)
    assert found.z == pytest.approx(stats.ttest_rel(a, b).statistic)
    assert found.share_of_rows_better == (a > b).mean()


def test_equal_models_differ_by_nothing():
    assert paired_difference([-1.0, -2.0], [-1.0, -2.0]).z == 0.0
    assert paired_difference([-1.0, -2.0], [-2.0, -3.0]).z == np.inf


@pytest.mark.parametrize(
    ("a", "b"), [([-1.0], [-1.0]), ([-1.0, -2.0], [-1.0]), ([-1.0, -np.inf], [-1.0, -1.0]), ([], [])]
)
def test_what_cannot_be_paired_is_refused(a, b):
    with pytest.raises(ShapeError):
        paired_difference(a, b)
