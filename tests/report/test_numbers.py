"""How numbers are written."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.report.numbers import format_value, is_number

THIN = "\u202f"
PLAIN = str.maketrans("−⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "--0123456789")


def read_back(text: str) -> float:
    return float(text.replace(THIN, "").replace("×10", "e").translate(PLAIN))


@given(st.floats(-1e308, 1e308))
def test_a_written_float_reads_back_within_its_significant_digits(value):
    assert math.isclose(read_back(format_value(value)), value, rel_tol=0.5e-4, abs_tol=0)


@given(st.integers())
def test_a_written_integer_reads_back_exactly(value):
    assert int(format_value(value).replace(THIN, "").translate(PLAIN)) == value


def test_two_to_the_784_is_written_in_full():
    written = format_value(2**784)
    assert written.replace(THIN, "") == str(2**784)
    assert len(str(2**784)) == 237


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (1234, "1234"),
        (12345, f"12{THIN}345"),
        (-12345, f"−12{THIN}345"),
        (0.0222222222, "0.022222"),
        (1 / 3, "0.33333"),
        (99999.96, f"100{THIN}000"),
        (123456.7, f"123{THIN}457"),
        (1e7, "1×10⁷"),
        (9.87654e-236, "9.8765×10⁻²³⁶"),
        (0.0001, "0.0001"),
        (0.00001, "1×10⁻⁵"),
        (True, "yes"),
        (None, "–"),
        ("inf", "∞"),
        ("-inf", "−∞"),
        (float("-inf"), "−∞"),
        ("4/45", "4/45"),
    ],
)
def test_values_are_written_as_a_reader_expects(value, written):
    assert format_value(value) == written


def test_infinities_count_as_numbers_but_truth_values_and_words_do_not():
    assert all(map(is_number, [1, 2.5, "inf", "-inf"]))
    assert not any(map(is_number, [True, None, "one", "1"]))
