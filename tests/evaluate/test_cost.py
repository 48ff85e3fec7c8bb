"""Clocks: what is compared takes turns, the first call is not counted, and a comparison may be undecided."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.evaluate.cost import Timing, compare, time_in_turns

times = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=9)


def test_calls_take_turns_after_one_unmeasured_call_each() -> None:
    heard: list[str] = []
    calls = {name: (lambda name=name: heard.append(name)) for name in "abc"}
    time_in_turns(calls, rounds=3)
    assert "".join(heard) == "abc" + "abc" + "bca" + "cab"


def test_what_the_first_call_costs_is_not_counted() -> None:
    state = {"first": True}

    def compiles_first() -> None:
        if state.pop("first", False):
            time.sleep(0.2)

    assert time_in_turns({"a": compiles_first}, rounds=3)["a"].upper_quartile_seconds < 0.1


@given(times)
def test_quartiles_are_numpys_and_lie_in_order(seconds: list[float]) -> None:
    timing = Timing.of(seconds)
    assert timing.lower_quartile_seconds <= timing.median_seconds <= timing.upper_quartile_seconds
    assert timing.median_seconds == pytest.approx(float(np.median(seconds)), rel=1e-12)


@given(times, times, st.sampled_from([1.0, 1.5, 3.0]))
def test_a_decision_holds_for_all_times_between_the_quartiles(
    first: list[float], second: list[float], factor: float
) -> None:
    a, b = Timing.of(first), Timing.of(second)
    bounds = [(t.lower_quartile_seconds, t.upper_quartile_seconds) for t in (a, b)]
    longer = {x > factor * y for x in bounds[0] for y in bounds[1]}
    expected = "cannot tell" if len(longer) == 2 else "longer" if longer == {True} else "not longer"
    assert compare(a, b, factor=factor) == expected


def test_a_slow_minute_that_falls_on_one_of_them_leaves_the_comparison_open() -> None:
    quiet, disturbed = Timing.of([1.0] * 7), Timing.of([1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0])
    assert compare(disturbed, quiet, factor=1.5) == "cannot tell"


@pytest.mark.parametrize("rounds", [0, -1, 2.5])
def test_no_rounds_are_refused(rounds: float) -> None:
    with pytest.raises(InputError, match="rounds"):
        time_in_turns({"a": lambda: None}, rounds=rounds)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least one"):
        Timing.of([])
