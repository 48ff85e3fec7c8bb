"""A forked child fits, scores and draws the bits of its parent, whatever the parent's threads are doing."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.compiler_lock import global_compiler_lock
from numba.np.ufunc import parallel
from numpy.typing import NDArray

from chainrule.compiled.calls import many_calls
from chainrule.core import progress_lines
from chainrule.core.forks import cached_property
from chainrule.core.interrupts import waiting_interrupts
from chainrule.core.progress import note
from chainrule.core.settings import settings
from tests.contract.cases import CASES, Case, exported_models

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

ONE_OF_EACH = list({case.kind: case for case in reversed(CASES)}.values())
_SECONDS = 60  # a child that takes longer hangs


def _asked(case: Case) -> list[NDArray[Any]]:
    model = case.fit()
    return [model.log_prob(case.states()), model.sample(50, rng=3)]


def _asked_by_number(k: int) -> list[NDArray[Any]]:
    return _asked(ONE_OF_EACH[k])


@pytest.fixture(scope="module")
def in_the_parent() -> list[list[NDArray[Any]]]:
    """What each model says here, so that all libraries are loaded and all threads were started."""
    return [_asked(case) for case in ONE_OF_EACH]


def _in_a_child(work: Callable[[], Any]) -> Any:
    """What ``work`` gives in a forked child, which is killed where it hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the end, also of one that waits in C
        signal.alarm(_SECONDS)
        try:
            said = pickle.dumps(work())
        except BaseException as e:
            said = pickle.dumps(e)
        os.write(writing, said)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"the child hung, or died: {status}"
    found = pickle.loads(said)  # noqa: S301  # it is from the child
    if isinstance(found, BaseException):
        raise found
    return found


@contextmanager
def _beside(work: Callable[[], object]) -> Iterator[None]:
    """Within the block a thread does ``work`` again and again; after it, it must come to an end."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_SECONDS)
    assert not thread.is_alive(), "a thread of the parent hangs"


@contextmanager
def _held(lock: Any, seconds: float | None = None) -> Iterator[None]:
    """Another thread has ``lock``, to the end of the block or for some seconds."""
    has, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            has.set()
            may_end.wait(seconds)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    has.wait()
    try:
        yield
    finally:
        may_end.set()
        thread.join()


def _assert_same(found: list[NDArray[Any]], expected: list[NDArray[Any]], name: str) -> None:
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_every_exported_model_is_forked() -> None:
    assert {case.kind for case in ONE_OF_EACH} == set(exported_models())


@pytest.mark.parametrize("k", range(len(ONE_OF_EACH)), ids=[case.name for case in ONE_OF_EACH])
def test_a_forked_child_fits_scores_and_draws_as_its_parent(k: int, in_the_parent: Any) -> None:
    _assert_same(_in_a_child(lambda: _asked_by_number(k)), in_the_parent[k], ONE_OF_EACH[k].name)


def test_a_pool_of_forked_workers_and_their_own_children_do_too(in_the_parent: Any) -> None:
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=fork) as pool:
        waiting = [pool.submit(_asked_by_number, k) for k in range(len(ONE_OF_EACH))]
        for case, work, expected in zip(ONE_OF_EACH, waiting, in_the_parent, strict=True):
            _assert_same(work.result(_SECONDS), expected, case.name)
    nade = next(k for k, case in enumerate(ONE_OF_EACH) if case.name.startswith("nade"))
    found = _in_a_child(lambda: _in_a_child(lambda: _asked_by_number(nade)))
    _assert_same(found, in_the_parent[nade], "a grandchild's nade")


def test_children_that_are_forked_in_the_middle_of_a_fit_do_too(in_the_parent: Any) -> None:
    some = [k for k, case in enumerate(ONE_OF_EACH) if case.name.startswith(("nade", "boosted", "latent"))]
    with _beside(lambda: [_asked_by_number(k) for k in some]):
        for k in some * 3:
            time.sleep(0.03)
            _assert_same(_in_a_child(lambda k=k: _asked_by_number(k)), in_the_parent[k], ONE_OF_EACH[k].name)


def test_numbas_semaphore_held_by_a_thread_hinders_neither_child_nor_parent(in_the_parent: Any) -> None:
    nade = next(k for k, case in enumerate(ONE_OF_EACH) if case.name.startswith("nade"))
    lock: Any = getattr(parallel, "_backend_init_process_lock", None) or threading.Lock()
    with _held(lock):
        _assert_same(_in_a_child(lambda: _asked_by_number(nade)), in_the_parent[nade], "nade")
    assert numba.get_num_threads() >= 1


def test_a_fork_waits_for_a_thread_that_compiles_and_its_child_may_compile(in_the_parent: Any) -> None:
    with _held(global_compiler_lock, seconds=0.2):
        assert _in_a_child(lambda: numba.njit(lambda x: x + 1)(1)) == 2


def test_a_property_that_a_thread_is_computing_is_computed_in_the_child() -> None:
    computing, may_end = threading.Event(), threading.Event()

    class Slow:
        @cached_property
        def value(self) -> int:
            if threading.current_thread() is not threading.main_thread():
                computing.set()
                may_end.wait(_SECONDS)
            return 4

    slow = Slow()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    computing.wait()
    assert _in_a_child(lambda: (slow.value, Slow().value)) == (4, 4)
    may_end.set()
    thread.join()


def test_a_note_that_a_thread_is_writing_does_not_keep_the_child_from_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writing, may_end, parent = threading.Event(), threading.Event(), os.getpid()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            if os.getpid() == parent:
                writing.set()
                may_end.wait(_SECONDS)
            return super().write(text)

    def noted() -> str:
        note("from the child")
        return stuck.getvalue()

    monkeypatch.setattr(progress_lines, "_own", None)
    monkeypatch.setattr(sys, "stderr", stuck := Stuck())
    with settings(verbose=True):
        thread = threading.Thread(target=note, args=["from the parent"])
        thread.start()
        writing.wait()
        assert _in_a_child(noted) == "from the child\n"
        may_end.set()
        thread.join()


def test_a_child_that_a_thread_forks_while_ctrl_c_waits_hears_of_it() -> None:
    def interrupted() -> bool:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            return True
        return False

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with waiting_interrupts(), many_calls(), ThreadPoolExecutor(1) as pool:
            assert pool.submit(_in_a_child, interrupted).result(_SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
