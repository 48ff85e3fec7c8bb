import numpy as np
import pytest

from chainrule.core.checks import (
    as_matrix,
    check_binary,
    check_integer,
    check_real,
    check_size,
    memory_bytes,
)
from chainrule.core.errors import InputError, ShapeError, TooLargeError, UnknownNameError, ValuesError
from chainrule.core.randomness import as_generator


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([0, 1], ShapeError, "2 dimensions"),
        ([[0], [0, 1]], ShapeError, "ragged"),
        (np.zeros((3, 0)), ShapeError, "no columns"),
        (np.zeros((0, 3)), ShapeError, "0 rows"),
        ([["a", "b"]], ValuesError, "numbers"),
        ([[0, 2]], ValuesError, "row 0, column 1 is 2"),
        ([[0, -1]], ValuesError, "row 0, column 1 is -1"),
        ([[0, 0.5]], ValuesError, "column 1 is 0.5"),
        ([[0, np.nan]], ValuesError, "missing value"),
        ([[0, np.inf]], ValuesError, "column 1 is inf"),
    ],
)
def test_what_is_not_a_binary_table_is_named(X, error, message):
    with pytest.raises(error, match=message):
        check_binary(X)


def test_a_wrong_width_names_both_widths():
    with pytest.raises(ShapeError, match="2 columns, the model was fitted on 3"):
        check_binary([[0, 1]], n_columns=3)


def test_missing_values_pass_only_where_they_are_allowed():
    out = check_binary([[0, np.nan], [1, 1]], allow_missing=True)
    assert out.dtype == np.float64
    assert np.isnan(out[0, 1])


@pytest.mark.parametrize(
    "X", [[[True, False]], [[1.0, 0.0]], np.array([[1, 0]], object), np.array([[1, 0]], np.int8)]
)
def test_every_way_to_write_one_and_zero_gives_the_same_bytes(X):
    out = check_binary(X)
    assert (out.dtype, out.tolist()) == (np.uint8, [[1, 0]])


def test_strided_and_column_major_tables_come_out_contiguous():
    X = np.asfortranarray(np.eye(4))[::2]
    assert check_binary(X).flags.c_contiguous


def test_a_data_frame_is_a_table():
    pd = pytest.importorskip("pandas")
    assert check_binary(pd.DataFrame({"a": [0, 1], "b": [1, 1]})).tolist() == [[0, 1], [1, 1]]
    assert as_matrix(pd.DataFrame({"a": [0.5]})).tolist() == [[0.5]]


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None, float("nan")])
def test_a_size_is_a_positive_integer(value):
    with pytest.raises(InputError, match="n must be an integer"):
        check_integer(value, "n")


@pytest.mark.parametrize("value", [-0.1, float("inf"), float("nan"), "1", None, False])
def test_a_pseudocount_is_a_finite_number(value):
    with pytest.raises(InputError, match="a must be a finite number"):
        check_real(value, "a")


def test_a_generator_goes_on_and_a_seed_starts_anew():
    g = as_generator(5)
    assert as_generator(g) is g
    assert as_generator(5).random() == as_generator(np.int64(5)).random() != as_generator(6).random()
    for bad in (-1, 1.5, "0", True):
        with pytest.raises(InputError, match="seed"):
            as_generator(bad)


def test_an_unknown_name_is_answered_with_near_ones():
    assert "did you mean 'alarm'" in str(UnknownNameError.of("network", "alram", ["alarm", "asia"]))
    assert "did you mean" not in str(UnknownNameError.of("network", "zzz", ["alarm", "asia"]))


def test_memory_is_what_this_process_may_use():
    resource = pytest.importorskip("resource")
    before = memory_bytes()
    was = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (before // 2, was[1]))
    try:
        assert memory_bytes() == before // 2
        with pytest.raises(TooLargeError, match="would need"):
            check_size(before // 2 + 1, "this")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, was)
    assert memory_bytes() == before
