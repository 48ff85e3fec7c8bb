"""Sums over parts: the same whoever looks at the parts, and whatever happens to those who do."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from chainrule.core.errors import InputError, ValuesError
from chainrule.core.progress import listening, note
from chainrule.core.sums import WorkerLostError, added, checked_client, values_of, workers


class Backwards:
    """A client that does nothing until it is asked for, last first, and knows what was taken back."""

    def __init__(self):
        self.futures: list[Future] = []
        self.calls = []

    def submit(self, function, argument):
        future = Future()
        self.futures.append(future)
        self.calls.append((function, argument))
        client = self

        def result(timeout=None):
            for one, (f, x) in reversed(list(zip(client.futures, client.calls, strict=True))):
                if not one.done():
                    one.set_result(f(x))
            return Future.result(future)

        future.result = result
        return future


def halved(x):
    return [x / 2]


def noting(x):
    note(f"seen {x}")
    return x


def refusing(x):
    if x == 3:
        raise ValuesError("three is no part")
    return x


def dying(x):
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


class Heard(list):
    """A listener."""

    def start(self, label, total):
        self.append((label, total))
        return 0

    def advance(self, task, detail):
        self.append("step")

    def stop(self, task):
        self.append("over")

    def note(self, text):
        self.append(text)


def test_values_come_in_the_order_of_the_parts_whoever_is_done_first():
    parts = list(range(300))  # more than are under way at once
    with ThreadPoolExecutor(3) as threads:
        for client in (None, Backwards(), threads):
            assert list(values_of(halved, parts, client, "halving")) == [[x / 2] for x in parts]
            assert added(halved, parts, client, "halving") == [x / 2 for x in parts]


def test_parts_are_steps_and_what_is_noted_elsewhere_is_heard_here():
    with listening(heard := Heard()):
        assert added(noting, [1, 2], Backwards(), "counting") == 3
    assert heard == [("counting", 2), "seen 1", "step", "seen 2", "step", "over"]


class Failing:
    """A client whose third answer is an error; what comes later is never done."""

    def __init__(self):
        self.futures: list[Future] = []

    def submit(self, function, argument):
        self.futures.append(future := Future())
        if argument == 3:
            future.set_exception(ValuesError("three is no part"))
        elif argument < 3:
            future.set_result(function(argument))
        return future


def test_an_error_elsewhere_is_raised_here_and_the_rest_is_taken_back():
    client = Failing()
    with pytest.raises(ValuesError, match="three is no part"):
        added(refusing, [1, 2, 3, 4, 5], client, "adding")
    assert [future.cancelled() for future in client.futures] == [False, False, False, True, True]


def test_a_process_that_died_is_told_with_what_to_do():
    with workers(2) as client:
        assert added(refusing, [1, 2, 4], client, "adding") == 7
        with pytest.raises(ValuesError, match="three is no part"):
            added(refusing, [1, 2, 3], client, "adding")
        with pytest.raises(WorkerLostError, match="fewer workers"):
            added(dying, [1, 2, 3, 4], client, "adding")


@pytest.mark.parametrize("odd", [4, "dask", object(), ThreadPoolExecutor, [1]])
def test_what_cannot_run_a_function_is_no_client(odd):
    with pytest.raises(InputError, match="client must have submit"):
        checked_client(odd)
    with pytest.raises(InputError, match="workers"), workers(0):
        pass
