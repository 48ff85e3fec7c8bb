import io
import sys
import threading
import time

import pytest

from chainrule import settings
from chainrule.core import progress_lines
from chainrule.core.progress import listening, note, track


class _Log:
    def __init__(self):
        self.events = []

    def start(self, label, total):
        self.events.append(("start", label, total))
        return 7

    def advance(self, task, detail):
        self.events.append(("advance", task, detail))

    def stop(self, task):
        self.events.append(("stop", task))

    def note(self, text):
        self.events.append(("note", text))


def test_each_step_is_reported_with_its_detail():
    log = _Log()
    with listening(log):
        work = track("ab", "letters")
        for letter in work:
            work.detail = letter.upper()
        note("done")
    note("nobody hears this")
    assert log.events == [
        ("start", "letters", 2),
        ("advance", 7, "A"),
        ("advance", 7, "B"),
        ("stop", 7),
        ("note", "done"),
    ]


def test_work_that_fails_is_stopped_for_the_listener():
    log = _Log()

    def fail():
        with listening(log):
            for _ in track(range(3), "work"):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert log.events[-1] == ("stop", 7)


class _Stream(io.StringIO):
    """Standard error as a test sees it: a terminal or not."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.fixture
def stderr(monkeypatch):
    """Puts a stream of a kind in place of standard error, for work that is long after no time at all."""
    monkeypatch.setattr(progress_lines, "BEGIN", 0.0)
    monkeypatch.setattr(progress_lines, "_OVER", 0.0)
    monkeypatch.setattr(progress_lines, "_BELOW", 0.0)

    def put(terminal):
        monkeypatch.setattr(sys, "stderr", _Stream(terminal))
        return sys.stderr

    return put


def _work(label="fitting", steps=3):
    work = track(range(steps), label)
    for i in work:
        work.detail = f"{i} nats"


@pytest.mark.parametrize(
    ("terminal", "verbose", "heard"),
    [
        (True, None, True),
        (False, None, False),
        (True, False, False),
        (False, True, True),
        (True, True, True),
    ],
)
def test_where_nobody_listens_a_terminal_hears_of_long_work_unless_the_setting_says_otherwise(
    stderr, terminal, verbose, heard
):
    stream = stderr(terminal)
    with settings(verbose=verbose):
        _work()
        note("compiling")
    assert ("3 of 3" in stream.getvalue()) == ("compiling" in stream.getvalue()) == heard


def test_in_a_notebook_it_is_heard_as_in_a_terminal(stderr, monkeypatch):
    stream = stderr(False)
    monkeypatch.setattr(type(stream), "__module__", "ipykernel.iostream", raising=False)
    _work()
    assert "3 of 3" in stream.getvalue()


def test_a_terminal_s_line_is_written_over_and_the_last_one_stays(stderr):
    stream = stderr(True)
    _work()
    lines = stream.getvalue().split("\r")
    assert [line.rstrip() for line in lines[1:]] == [
        "fitting: 1 of 3, 0 nats, 0 s left",
        "fitting: 2 of 3, 1 nats, 0 s left",
        "fitting: 3 of 3, 2 nats, 0 s left",
        "fitting: 3 of 3, 0 s",
    ]
    assert lines[-1].endswith("\n")
    assert len(lines[-1]) >= len(lines[-2])  # nothing of the longer line is left


def test_short_work_is_not_heard(stderr, monkeypatch):
    stream = stderr(True)
    monkeypatch.setattr(progress_lines, "BEGIN", 2.0)
    _work()
    assert stream.getvalue() == ""


def test_a_program_that_listens_hears_all_and_the_terminal_nothing(stderr):
    stream, log = stderr(True), _Log()
    with listening(log):
        _work()
    assert stream.getvalue() == ""
    assert len(log.events) == 5


def test_work_of_many_threads_is_heard_line_by_line(stderr):
    stream = stderr(False)
    with settings(verbose=True):
        threads = [threading.Thread(target=_work, args=(f"work {k}", 50)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 8 * 51
    assert all(line.startswith("work ") for line in lines)


def test_work_goes_on_when_standard_error_is_gone(stderr):
    stream = stderr(True)
    work = track(range(3), "fitting")
    for i in work:
        if i == 1:
            stream.close()
    assert list(track(range(2), "again")) == [0, 1]


def test_without_any_standard_error_work_goes_on(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert list(track(range(2), "work")) == [0, 1]


def test_the_time_left_is_what_the_remaining_steps_would_take(stderr):
    stream = stderr(True)
    for i in track(range(4), "work"):
        if i == 0:
            time.sleep(1)
    assert "work: 1 of 4, 3 s left" in stream.getvalue()


def test_without_a_listener_nothing_is_printed(capsys):
    assert list(track(range(3), "work")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")
