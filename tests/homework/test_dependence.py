import numpy as np
import pytest

from chainrule.core.errors import ShapeError
from chainrule.evaluate.cost import measure
from chainrule.homework.independent_pixels.dependence import neighbour_correlation, shuffle_columns


def test_shuffling_keeps_every_column_and_loses_every_pair():
    rng = np.random.default_rng(0)
    left = rng.integers(0, 2, (4000, 1))
    X = np.hstack([left, left, 1 - left])
    shuffled = shuffle_columns(X, rng)
    np.testing.assert_array_equal(np.sort(shuffled, axis=0), np.sort(X, axis=0))
    assert abs(np.corrcoef(shuffled.T)[0, 1]) < 0.08  # five standard errors of 1/sqrt(4000)


def test_neighbour_correlation_is_the_mean_over_adjacent_pairs():
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (200, 6))
    c = np.corrcoef(X.T)
    pairs = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]
    assert neighbour_correlation(X, (2, 3)) == pytest.approx(np.mean([c[i, j] for i, j in pairs]))


def test_constant_pixels_have_no_correlation_and_are_left_out():
    X = np.array([[0, 0, 1], [1, 0, 1], [0, 0, 1]])
    assert neighbour_correlation(X, (1, 3)) == 0.0
    assert neighbour_correlation(X[:, [0, 0, 1]], (1, 3)) == pytest.approx(1.0)
    with pytest.raises(ShapeError, match="3 columns"):
        neighbour_correlation(X, (2, 2))


def test_cost_sees_memory_that_a_call_takes():
    cost = measure(lambda: np.ones(20_000_000).sum())
    assert cost.result == 20_000_000
    assert cost.peak_bytes is None or cost.peak_bytes > 100_000_000
