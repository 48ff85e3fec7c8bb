"""Work ends when its time is over, the earliest of all limits holds, and nobody hears of limits that are not set."""

from __future__ import annotations

import pytest

from chainrule.core.progress import track
from chainrule.core.time_limit import OutOfTimeError, check_time, time_limit


class _Clock:
    """A clock that goes on by a second whenever somebody looks."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


def test_every_step_of_work_that_reports_looks_at_the_time() -> None:
    done: list[int] = []
    with pytest.raises(OutOfTimeError, match="longer than the 5 s"), time_limit(5, _Clock()):
        done.extend(track(range(100), "counting"))
    assert done == [0, 1, 2, 3, 4]
    assert list(track(range(3), "counting")) == [0, 1, 2]


def test_the_limit_outside_holds_within_a_later_one() -> None:
    with time_limit(-1), pytest.raises(OutOfTimeError, match="no time is left"), time_limit(100):
        check_time()
    with time_limit(100), pytest.raises(OutOfTimeError), time_limit(-1):
        check_time()
    check_time()
