"""What compiled loops owe to whoever calls them, beside the right numbers: Ctrl-C, a word, and few threads."""

import platform
import resource
import signal
import time

import numba
import numpy as np
import pytest
import torch

from chainrule.compiled import calls
from chainrule.compiled.calls import kernel, use_threads
from chainrule.core.progress import listening
from chainrule.models.nade.network import NADENetwork
from tests.models.nades import free, torch_threads


class Heard(list):
    """A listener that keeps the lines it is told."""

    def note(self, text):
        self.append(text)


@pytest.fixture
def heard(monkeypatch):
    """What is said while the test runs, by loops whose caller waits patiently for a tenth of a second."""
    monkeypatch.setattr(calls, "_PATIENCE", 0.1)
    lines = Heard()
    with listening(lines):
        yield lines


def _interrupt(*_):
    raise KeyboardInterrupt


def _without_end(net, x):
    while True:
        net.log_prob(x)


def _slow(*_):
    time.sleep(0.3)


def _quick(*_):
    pass


def test_ctrl_c_inside_the_loops_is_a_keyboard_interrupt():
    net = NADENetwork(100, 20, np.arange(100))
    x = torch.ones(8, 100)
    net.log_prob(x)  # compiled from here on
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        for k in range(20):  # each at another place of the loop
            signal.setitimer(signal.ITIMER_REAL, 0.01 + 0.0007 * k)
            with pytest.raises(KeyboardInterrupt):
                _without_end(net, x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_system_error_that_an_interrupt_caused_becomes_the_interrupt():
    def returned_with_an_exception_set(depth):
        if depth == 0:
            raise KeyboardInterrupt
        try:
            returned_with_an_exception_set(depth - 1)
        except BaseException as e:
            raise SystemError("returned a result with an exception set") from e

    for depth in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            kernel(returned_with_an_exception_set)(depth)


@pytest.mark.parametrize("error", [SystemError("other"), ValueError("other")])
def test_other_errors_pass_unchanged(error):
    def broken():
        raise error

    with pytest.raises(type(error), match="other") as raised:
        kernel(broken)()
    assert raised.value is error


def test_a_system_error_with_another_cause_passes_unchanged():
    def broken():
        raise SystemError("other") from ValueError("no interrupt")

    with pytest.raises(SystemError, match="other"):
        kernel(broken)()


def test_a_slow_first_call_says_that_it_compiles(heard):
    kernel(_slow)(np.zeros(1))
    assert len(heard) == 1
    assert "compiling" in heard[0]


def test_a_slow_later_call_says_nothing(heard):
    slow = kernel(_slow)
    slow(np.zeros(1), 3)
    heard.clear()
    slow(np.ones(7), 4)  # other numbers, the same types
    assert heard == []


@pytest.mark.parametrize("other", [np.zeros(1, np.float32), (0, 0)], ids=["dtype", "variant"])
def test_what_must_be_compiled_anew_is_announced_anew(heard, other):
    slow = kernel(_slow)
    slow(np.zeros(1) if isinstance(other, np.ndarray) else (0,))
    slow(other)
    assert len(heard) == 2


def test_a_quick_first_call_says_nothing(heard):
    kernel(_quick)(np.zeros(1))
    time.sleep(0.2)  # a timer left behind would speak now
    assert heard == []


def test_a_first_call_that_fails_leaves_no_timer_behind(heard):
    def broken():
        raise ValueError("no such rows")

    with pytest.raises(ValueError, match="no such rows"):
        kernel(broken)()
    time.sleep(0.2)
    assert heard == []


def test_where_nobody_listens_nothing_is_said(monkeypatch, capsys):
    monkeypatch.setattr(calls, "_PATIENCE", 0.01)
    kernel(_slow)()
    assert capsys.readouterr() == ("", "")


def test_the_loops_use_as_many_threads_as_torch_and_never_more_than_numba_has():
    most = numba.config.NUMBA_NUM_THREADS
    for wanted in (1, 2, most, most + 5):
        with torch_threads(wanted):
            assert use_threads() == min(wanted, most)
            assert numba.get_num_threads() == min(wanted, most)


def test_a_network_takes_its_threads_from_torch():
    net, most = NADENetwork(20, 8, np.arange(20)), numba.config.NUMBA_NUM_THREADS
    x, uniforms = torch.ones(40, 20), np.zeros((40, 20))
    calls = (lambda: net.log_prob(x).sum().backward(), lambda: net.sample(uniforms, free(uniforms)))
    for wanted in (2, 1):
        for call in calls:
            numba.set_num_threads(most)
            with torch_threads(wanted):
                call()
            assert numba.get_num_threads() == min(wanted, most)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_memory_that_one_call_frees_is_at_hand_for_the_next():
    use_threads()
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        arrays = [torch.ones(3_000_000) for _ in range(8)]  # 92 MiB, none so large that it goes back
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        del arrays
    assert faults < 2_000  # of the 23,000 pages that they fill


def test_who_has_set_the_allocator_keeps_it_so(monkeypatch):
    monkeypatch.setattr(calls.ctypes, "CDLL", pytest.fail)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    calls._keep_what_is_freed.__wrapped__()
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_")
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=100000")
    calls._keep_what_is_freed.__wrapped__()
