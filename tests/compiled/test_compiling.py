"""Compiling is heard once for each piece of work, and its seconds are counted."""

import time

import pytest

from chainrule.compiled import compiling
from chainrule.core.progress import listening, track


class Heard(list):
    """A listener that keeps the lines it is told."""

    def start(self, label, total):
        return 0

    def advance(self, task, detail):
        pass

    def stop(self, task):
        pass

    def note(self, text):
        self.append(text)


@pytest.fixture
def heard(monkeypatch):
    """What is said while the test runs, where a tenth of a second is long and nothing has been said before."""
    monkeypatch.setattr(compiling, "PATIENCE", 0.1)
    monkeypatch.setattr(compiling, "_said", (-1, -1e9))
    lines = Heard()
    with listening(lines):
        yield lines


def _compile(seconds):
    compiling.begin(loaded=False)
    time.sleep(seconds)
    compiling.end()


def test_compiling_for_long_is_said(heard):
    _compile(0.3)
    assert len(heard) == 1
    assert "compiling" in heard[0]


def test_compiling_for_a_moment_is_not_said(heard):
    _compile(0)
    time.sleep(0.2)  # a timer left behind would speak now
    assert heard == []


def test_loading_is_never_said(heard):
    compiling.begin(loaded=True)
    time.sleep(0.3)
    compiling.end()
    assert heard == []


def test_nineteen_loops_of_one_fit_are_said_once_and_the_next_fit_says_it_again(heard):
    for fit in (1, 2):
        for _ in track(range(4), "fit"):
            _compile(0.15)
        assert len(heard) == fit


def test_without_a_piece_of_work_it_is_said_again_after_a_minute(heard, monkeypatch):
    _compile(0.15)
    _compile(0.15)
    assert len(heard) == 1
    monkeypatch.setattr(compiling, "_AGAIN", 0.0)
    _compile(0.15)
    assert len(heard) == 2


def test_the_seconds_of_compiling_are_counted_and_those_of_working_are_not():
    before = compiling.seconds_compiling()
    _compile(0.2)
    time.sleep(0.2)
    compiling.end()  # of a call that had nothing to compile
    assert 0.2 <= compiling.seconds_compiling() - before < 0.35  # the rest is the clock of a busy machine
