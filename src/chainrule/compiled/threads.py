"""How many threads a compiled loop uses, and what starting them must not do to others.

The threads belong to OpenMP's library, and where torch is loaded that is torch's own: loops and torch then take
turns with one set of threads instead of waiting for each other's.  Three things follow from how numba starts them
(its ``get_num_threads`` and ``set_num_threads`` do, not only a loop):

- starting them sets the number of threads of that library, hence torch's; here it is put back at once;
- nothing starts at import, only with the first loop;
- threads do not survive a fork.  What waits in OpenMP's library is ended before each fork and comes back when it is
  needed, so torch and the loops work in a child, with one thread where a library is older than OpenMP 5 and cannot
  end what waits.  numba would end a child that runs a parallel loop after its parent did: it knows its process by
  a number, and the child gives it its own.  A fork waits for other threads that compile, whose locks nobody would
  open in the child.  numba's own ``get_num_threads`` is not asked where a fork may come between: it takes a
  semaphore that parent and child share, and a child that finds it taken never gives it back, to neither.

Waiting threads spin: two of them on a core that other processes use wait a time slice at each barrier, 65 ms a step
of NADE beside one busy process, 0.6 ms with one thread.  So small work is done by one thread.  How long they spin
(``OMP_WAIT_POLICY=passive`` or ``GOMP_SPINCOUNT=0``) is read by the library when it is loaded; who shares a machine
sets it in the shell, it cannot be set from here.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
from numba.core import config
from numba.core.compiler_lock import global_compiler_lock
from numba.np.ufunc.parallel import threading_layer

from chainrule.core.settings import settings

__all__ = [
    "WORTH_TWO",
    "numba_config",
    "start_threads",
    "threads_of_many_calls",
    "threads_of_the_call",
    "use_threads",
]

numba_config: Any = config  # its attributes are made at run time
WORTH_TWO = 2e7  # multiply-adds below which a second thread gains less than waking it may cost
_END, _HARD = (
    "omp_pause_resource_all",
    2,
)  # of omp.h: ends the threads that wait; libraries before OpenMP 5 lack it

_LIBRARIES = {"omp": "omppool", "tbb": "tbbpool", "workqueue": "workqueue"}

_lock = threading.Lock()
_chosen = threading.local()  # by the last ``use_threads`` of each thread
_started = False  # numba's threads, in this process or in one that it was forked from
_openmp: list[Any] = []  # the libraries at the last fork
_alone = False  # in a child whose parent's threads could not be ended
_one_at_a_time: Any = (
    None  # a lock where numba has only its own simple pool, which two callers at once would abort
)


@dataclass(frozen=True)
class _Pool:
    """What numba's library of threads does, without numba's lock around it."""

    get_num_threads: Callable[[], int]
    set_num_threads: Callable[[int], None]
    launch_threads: Callable[[int], None]

    @classmethod
    def of(cls, layer: str) -> _Pool:
        library = importlib.import_module(f"numba.np.ufunc.{_LIBRARIES[layer]}")
        get, put = ctypes.PYFUNCTYPE(ctypes.c_int), ctypes.PYFUNCTYPE(None, ctypes.c_int)
        return cls(get(library.get_num_threads), put(library.set_num_threads), put(library.launch_threads))


_pool: Any = None  # once they are started


def use_threads(work: float | None = None) -> int:
    """How many threads the next loops of this thread are to use.

    ``work`` is what they have to do in multiply-adds, batch times columns times units; below 2e7 it is one thread.
    Without it, and above, it is ``settings.threads``, else as many as torch uses (``torch.set_num_threads``).

    >>> use_threads(work=1e6)
    1
    """
    start_threads()
    n = 1 if work is not None and work < WORTH_TWO else _wanted()
    _chosen.n = n
    return n


class threads_of_the_call:
    """Within the block numba uses what ``use_threads`` said last in this thread, and afterwards what it did before."""

    def __enter__(self) -> None:
        start_threads()
        self.n = getattr(_chosen, "n", None) or _wanted()
        self.alone = getattr(_chosen, "held", None) is None
        if _one_at_a_time is not None:
            _one_at_a_time.acquire()
        if self.alone:
            self.before = _pool.get_num_threads()
            _pool.set_num_threads(self.n)
        elif _chosen.held != self.n:
            _pool.set_num_threads(self.n)
            _chosen.held = self.n

    def __exit__(self, *exception: object) -> None:
        if self.alone:
            _pool.set_num_threads(self.before)
        if _one_at_a_time is not None:
            _one_at_a_time.release()


class threads_of_many_calls:
    """Within the block numba's number of threads is asked for and put back once, not at each call of a loop.

    For many small calls in a row, to each of which asking would add 10 µs.
    """

    def __enter__(self) -> None:
        start_threads()
        self.outer, self.before = getattr(_chosen, "held", None), _pool.get_num_threads()
        _chosen.held = self.before

    def __exit__(self, *exception: object) -> None:
        _pool.set_num_threads(self.before)
        _chosen.held = self.outer


def start_threads() -> None:
    """Start numba's threads, once, leaving the settings of OpenMP's libraries as they are."""
    global _started, _pool, _one_at_a_time
    if _started:
        return
    with _lock:
        if not _started:
            before = [(library, _levels_and_threads(library)) for library in _openmp_libraries()]
            numba.get_num_threads()
            for library, (levels, threads) in before:
                library.omp_set_max_active_levels(levels)
                library.omp_set_num_threads(threads)
            _pool = _Pool.of(threading_layer())
            if threading_layer() == "workqueue":
                _one_at_a_time = threading.RLock()
            _started = True


def _wanted() -> int:
    torch = sys.modules.get("torch")
    if _alone:
        return 1
    if settings.threads is not None:
        n = settings.threads
    elif torch is not None:
        n = torch.get_num_threads()
    else:
        said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
        n = int(said) if said.isdecimal() else numba_config.NUMBA_NUM_THREADS
    return max(1, min(n, numba_config.NUMBA_NUM_THREADS))


def _openmp_libraries() -> list[Any]:
    """OpenMP's libraries in this process; there may be several, or none."""
    from threadpoolctl import ThreadpoolController

    found = ThreadpoolController().lib_controllers
    return [ctypes.CDLL(library.filepath) for library in found if library.user_api == "openmp"]


def _levels_and_threads(library: Any) -> tuple[int, int]:
    return library.omp_get_max_active_levels(), library.omp_get_max_threads()


def _prepare_to_fork() -> None:
    """No other thread compiles or starts threads, and none of OpenMP's waits."""
    global _openmp
    global_compiler_lock.acquire()  # before the other lock, as who compiles a parallel loop does
    _lock.acquire()
    _openmp = _openmp_libraries() if _started else []
    for library in _openmp:
        if hasattr(library, _END):
            library.omp_pause_resource_all(_HARD)


def _go_on() -> None:
    _lock.release()
    global_compiler_lock.release()


def _go_on_in_child() -> None:
    """Here numba is to take this process for the one that started it."""
    global _alone, _chosen, _one_at_a_time
    _go_on()
    _chosen = threading.local()
    if _one_at_a_time is not None:
        _one_at_a_time = threading.RLock()
    for library in _openmp:
        if not hasattr(library, _END):  # a second thread would be waited for without end
            library.omp_set_num_threads(1)
            _alone = True
    if _started and threading_layer() == "omp":
        _pool.launch_threads(0)  # none; it keeps the number of the process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_prepare_to_fork, after_in_parent=_go_on, after_in_child=_go_on_in_child)
