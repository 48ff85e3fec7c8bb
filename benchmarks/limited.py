"""A call in a process of its own, which ends once it has used so many seconds of the processor.

The process begins with what is imported and nothing at work, so that no thread, cache or memory of one call helps or
hinders another.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
from collections.abc import Callable, Sequence
from math import ceil
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.other_tools import UnableError, quiet, their_errors
from benchmarks.showing import duration

__all__ = ["keep_imported", "limited"]

_PROCESSES = multiprocessing.get_context("forkserver")


def keep_imported(modules: Sequence[str]) -> None:
    """Have these modules imported where calls begin, as far as they are installed; before the first call."""
    _PROCESSES.set_forkserver_preload(list(modules))


def limited(prepare: Callable[[], Callable[[Any], Any]], given: Any, seconds: float) -> tuple[Any, float]:
    """What the function that ``prepare`` makes gives for ``given``, and its seconds of the processor.

    ``prepare`` itself is not counted.  ``UnableError`` where one of them fails or the function takes more ``seconds``.
    """
    here, there = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_send, args=(there, prepare, given, seconds), daemon=True)
    process.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        answer = None
    process.join()
    if process.exitcode == -signal.SIGXCPU:
        raise UnableError(f"cut off after {duration(seconds)}")
    if answer is None:
        raise UnableError(f"its process ended with {process.exitcode}")
    if isinstance(answer, str):
        raise UnableError(answer)
    return answer


def _send(there: Connection, prepare: Callable[[], Callable[[Any], Any]], given: Any, seconds: float) -> None:
    """Send the pair that ``limited`` gives, or the text of what went wrong."""
    try:
        with quiet(), their_errors():
            call = prepare()
            began = _used()
            _, most = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (ceil(began + seconds), most))
            found = call(given)
            took = _used() - began
    except UnableError as e:
        there.send(str(e))
    else:
        there.send((found, took))


def _used() -> float:
    """Seconds of the processor that this process took; the clock of ``time`` lags behind once there is a limit."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
