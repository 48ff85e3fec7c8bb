"""How many threads a compiled loop uses, and what starting them must not do to others.

The threads belong to OpenMP's library, and where torch is loaded that is torch's own: loops and torch then take
turns with one set of threads instead of waiting for each other's.  Three things follow from how numba starts them
(its ``get_num_threads`` and ``set_num_threads`` do, not only a loop):

- starting them sets the number of threads of that library, hence torch's; here it is put back at once;
- nothing starts at import, only with the first loop;
- threads do not survive a fork.  What waits in OpenMP's library is ended before each fork and comes back when it is
  needed, so torch works in a child (with one thread where its library is older than OpenMP 5).  numba ends a child
  that runs a parallel loop after its parent did, so there the loops are off (``lost_by_fork``), and who needs them
  is told to spawn instead.

Waiting threads spin: two of them on a core that other processes use wait a time slice at each barrier, 65 ms a step
of NADE beside one busy process, 0.6 ms with one thread.  So small work is done by one thread.  How long they spin
(``OMP_WAIT_POLICY=passive`` or ``GOMP_SPINCOUNT=0``) is read by the library when it is loaded; who shares a machine
sets it in the shell, it cannot be set from here.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any

import numba
from numba.core import config
from numba.np.ufunc.parallel import threading_layer

from chainrule.core.errors import InputError
from chainrule.core.settings import settings

__all__ = [
    "WORTH_TWO",
    "ForkError",
    "lost_by_fork",
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

_lock = threading.Lock()
_chosen = threading.local()  # by the last ``use_threads`` of each thread
_started_in: int | None = None  # the process that started numba's threads
_one_at_a_time: Any = (
    None  # a lock where numba has only its own simple pool, which two callers at once would abort
)


class ForkError(InputError):
    """The compiled loops were asked for in a process that was forked from one that had used them."""


def use_threads(work: float | None = None) -> int:
    """How many threads the next loops of this thread are to use; raises ``ForkError`` in a child (see above).

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
            self.before = numba.get_num_threads()
            numba.set_num_threads(self.n)
        elif _chosen.held != self.n:
            numba.set_num_threads(self.n)
            _chosen.held = self.n

    def __exit__(self, *exception: object) -> None:
        if self.alone:
            numba.set_num_threads(self.before)
        if _one_at_a_time is not None:
            _one_at_a_time.release()


class threads_of_many_calls:
    """Within the block numba's number of threads is asked for and put back once, not at each call of a loop.

    For many small calls in a row, to each of which asking would add 10 µs.
    """

    def __enter__(self) -> None:
        start_threads()
        self.outer, self.before = getattr(_chosen, "held", None), numba.get_num_threads()
        _chosen.held = self.before

    def __exit__(self, *exception: object) -> None:
        numba.set_num_threads(self.before)
        _chosen.held = self.outer


def lost_by_fork() -> bool:
    """Whether a parent of this process started the loops' threads, so that they cannot run here.

    >>> lost_by_fork()
    False
    """
    return _started_in is not None and _started_in != os.getpid()


def start_threads() -> None:
    """Start numba's threads, once, leaving the settings of OpenMP's libraries as they are."""
    global _started_in, _one_at_a_time
    if _started_in == os.getpid():
        return
    if lost_by_fork():
        raise ForkError(
            "expected a process of its own for the compiled loops, this one was forked from one that had used them; "
            "start workers by multiprocessing.get_context('spawn') or 'forkserver', or set chainrule.settings.plain"
        )
    with _lock:
        if _started_in is None:
            before = [(library, _levels_and_threads(library)) for library in _openmp_libraries()]
            numba.get_num_threads()
            for library, (levels, threads) in before:
                library.omp_set_max_active_levels(levels)
                library.omp_set_num_threads(threads)
            if threading_layer() == "workqueue":
                _one_at_a_time = threading.RLock()
            os.register_at_fork(before=_end_waiting_threads, after_in_child=_use_one_thread)
            _started_in = os.getpid()


def _wanted() -> int:
    torch = sys.modules.get("torch")
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


def _end_waiting_threads() -> None:
    for library in _openmp_libraries():
        if hasattr(library, _END):
            library.omp_pause_resource_all(_HARD)


def _use_one_thread() -> None:
    """In a child, of the libraries that could not end what waits: a second thread would be waited for without end."""
    for library in _openmp_libraries():
        if not hasattr(library, _END):
            library.omp_set_num_threads(1)
