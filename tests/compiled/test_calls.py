"""What compiled loops owe to whoever calls them, beside the right numbers: Ctrl-C, threads, a way around."""

import os
import signal
import threading
import time

import numba
import numpy as np
import pytest
import torch

from chainrule import settings
from chainrule.compiled import threads
from chainrule.compiled.bernoulli import bernoulli_log_prob
from chainrule.compiled.caching import loop
from chainrule.compiled.calls import has_loops, kernel, many_calls, use_threads
from tests.models.nades import torch_threads

MOST = numba.config.NUMBA_NUM_THREADS


@kernel
@loop(parallel=True)
def _threads_at_work(n):
    seen = np.zeros(n, np.int64)
    for i in numba.prange(n):
        seen[i] = numba.get_num_threads()
    return seen[0]


def _interrupt(*_):
    raise KeyboardInterrupt


def _without_end(x, z):
    while True:
        bernoulli_log_prob(x, z, 1)


def test_ctrl_c_inside_the_loops_is_a_keyboard_interrupt():
    x, z = np.ones((400, 100)), np.zeros((400, 100))
    bernoulli_log_prob(x, z, 1)  # compiled from here on
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        for k in range(20):  # each at another place of the loop
            signal.setitimer(signal.ITIMER_REAL, 0.01 + 0.0007 * k)
            with pytest.raises(KeyboardInterrupt):
                _without_end(x, z)
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


def test_the_loops_use_as_many_threads_as_torch_and_never_more_than_numba_has():
    for wanted in (1, 2, MOST, MOST + 5):
        with torch_threads(wanted):
            assert use_threads() == min(wanted, MOST)
            assert _threads_at_work(3) == min(wanted, MOST)


def test_the_setting_of_threads_goes_before_torch_s():
    with settings(threads=1), torch_threads(MOST):
        assert use_threads() == _threads_at_work(3) == 1


def test_small_work_is_done_by_one_thread_and_large_work_by_all():
    with torch_threads(MOST):
        assert use_threads(threads.WORTH_TWO / 2) == _threads_at_work(3) == 1
        assert use_threads(threads.WORTH_TWO) == _threads_at_work(3) == MOST


def test_a_loop_leaves_numba_s_own_number_of_threads_as_it_was():
    for own in (1, MOST):
        numba.set_num_threads(own)
        for work in (1, 1e9):
            use_threads(work)
            _threads_at_work(3)
            assert numba.get_num_threads() == own
    numba.set_num_threads(MOST)


def test_in_a_run_of_calls_each_has_its_threads_and_the_end_puts_back_what_was_before():
    with torch_threads(MOST):
        for own in (1, MOST):
            numba.set_num_threads(own)
            with threads.threads_of_many_calls():
                for work, wanted in [(1, 1), (1, 1), (1e9, MOST), (1, 1)]:
                    use_threads(work)
                    assert _threads_at_work(3) == wanted
                    with threads.threads_of_many_calls():  # a model that is trained inside another
                        use_threads(1e9)
                        assert _threads_at_work(3) == MOST
            assert numba.get_num_threads() == own
            use_threads(1e9)
            assert _threads_at_work(3) == MOST
            assert numba.get_num_threads() == own
    numba.set_num_threads(MOST)


def test_a_loop_that_fails_leaves_numba_s_own_number_of_threads_as_it_was():
    numba.set_num_threads(MOST)
    use_threads(1)
    with pytest.raises(numba.core.errors.TypingError):
        _threads_at_work("no number")
    assert numba.get_num_threads() == MOST


def test_the_plain_setting_turns_the_loops_off_within_its_block():
    x = torch.ones(3)
    with settings(plain=True):
        assert not has_loops(x)
    assert has_loops(x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_there_are_no_loops_for_other_numbers(dtype):
    assert not has_loops(torch.ones(3, dtype=dtype))


def test_ctrl_c_waits_until_a_compiled_call_is_over():
    """Where it comes while numba makes Python objects of its results, the process would crash."""
    done = []

    def compiled(x):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # Python handles the signal here, if at all
        done.append(x)
        return x

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            kernel(compiled)(3)
        assert done == [3]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_handlers_of_ctrl_c_are_heard_too_and_other_threads_run_as_they_are():
    heard, before = [], signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        kernel(lambda: os.kill(os.getpid(), signal.SIGINT))()
        assert heard == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
    out = []
    thread = threading.Thread(target=lambda: out.append(kernel(max)(1, 2)))
    thread.start()
    thread.join()
    assert out == [2]


def test_in_a_run_of_calls_ctrl_c_is_handled_after_the_loop_that_it_came_in_and_the_handler_is_put_back():
    heard, before = [], signal.getsignal(signal.SIGINT)
    here = lambda number, frame: heard.append(number)  # noqa: E731
    signal.signal(signal.SIGINT, here)
    try:
        with many_calls():
            kernel(lambda: os.kill(os.getpid(), signal.SIGINT))()
            assert heard == [signal.SIGINT]
            with many_calls():
                os.kill(os.getpid(), signal.SIGINT)  # between two loops
            assert heard == [signal.SIGINT] * 2
            assert signal.getsignal(signal.SIGINT) is not here
            os.kill(os.getpid(), signal.SIGINT)
            assert heard == [signal.SIGINT] * 2
        assert heard == [signal.SIGINT] * 3
        assert signal.getsignal(signal.SIGINT) is here
        signal.signal(signal.SIGINT, signal.default_int_handler)
        reached = []
        with pytest.raises(KeyboardInterrupt), many_calls():  # noqa: PT012
            kernel(lambda: os.kill(os.getpid(), signal.SIGINT))()
            reached.append("the next loop")
        assert not reached
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
