"""Ctrl-C that comes where Python drops exceptions."""

import signal
import sys
import time
import weakref

import pytest

from chainrule.core.interrupts import kept_interrupts


def _interrupt(*_):
    signal.raise_signal(signal.SIGINT)


class _Finalised:
    __del__ = _interrupt


class _Failing:
    def __del__(self):
        raise ValueError


class _Referenced:
    pass


def _in_a_finaliser():
    thrown = _Finalised()
    del thrown


def _in_a_callback_of_a_weak_reference():
    thrown = _Referenced()
    reference = weakref.ref(thrown, _interrupt)
    del thrown
    assert reference() is None


@pytest.mark.parametrize("happens", [_in_a_finaliser, _in_a_callback_of_a_weak_reference])
def test_an_interrupt_that_python_drops_comes_again_and_nothing_is_printed(happens, capfd):
    def work():
        happens()
        for _ in range(500):
            time.sleep(0.01)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), kept_interrupts():
        work()
    assert time.monotonic() - began < 4
    assert capfd.readouterr().err == ""


def test_one_that_is_dropped_at_the_very_end_is_raised_there_and_once():
    with pytest.raises(KeyboardInterrupt), kept_interrupts():
        _in_a_finaliser()
    time.sleep(0.05)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_errors_are_shown_as_before_and_the_hook_is_put_back(monkeypatch):
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)
    before = sys.unraisablehook
    with kept_interrupts():
        thrown = _Failing()
        del thrown
    assert [s.exc_type for s in shown] == [ValueError]
    assert sys.unraisablehook == before
