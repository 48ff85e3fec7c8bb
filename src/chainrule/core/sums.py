"""Sums over the parts of a table: what a part tells is a value, and values of parts add up to that of the whole.

    value(all rows) = value(part 1) + value(part 2) + …

So parts may be looked at anywhere: in this process, in others (``workers``), on machines of a cluster.  A *client* is
who runs a function elsewhere: it has ``submit(function, argument)``, whose answer has ``result()`` and ``cancel()``,
as an ``Executor`` of ``concurrent.futures`` has and a ``dask.distributed.Client``.  Values are added here in the order
of the parts, so that the sum is the same bit for bit whoever looks at them, and in which order they are done.
"""

from __future__ import annotations

import multiprocessing
import signal
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from operator import add
from typing import Any, Protocol, TypeVar, runtime_checkable

from chainrule.core.checks import check_integer
from chainrule.core.errors import ChainruleError, InputError
from chainrule.core.progress import listening, note, track
from chainrule.core.text import as_written

__all__ = ["Client", "WorkerLostError", "added", "checked_client", "values_of", "workers"]

_MOST_PROCESSES = 4_096  # more than any machine runs
_UNDER_WAY = 256  # parts that a client has at once, so that values do not pile up

T = TypeVar("T")


class WorkerLostError(ChainruleError):
    """A process that was to look at a part of a table has died."""


@runtime_checkable
class Client(Protocol):
    """Who runs functions elsewhere: an ``Executor``, a ``dask.distributed.Client``, or anything with this method."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Any:
        """Run ``function(*arguments)``; the answer has ``result()`` and ``cancel()``."""
        ...


def checked_client(client: Any) -> Client | None:
    """``client`` if it is one, or ``None``; raises ``InputError``.

    >>> checked_client(None), checked_client(4)
    Traceback (most recent call last):
    chainrule.core.errors.InputError: client must have submit(function, argument), as a dask.distributed.Client or a \
concurrent.futures.ProcessPoolExecutor has; got 4
    """
    if client is None or (isinstance(client, Client) and not isinstance(client, type)):
        return client
    raise InputError(
        "client must have submit(function, argument), as a dask.distributed.Client or a "
        f"concurrent.futures.ProcessPoolExecutor has; got {as_written(client)}"
    )


def added(function: Callable[[Any], T], parts: Sequence[Any], client: Client | None, label: str) -> T:
    """The sum of ``function(part)`` over ``parts``, of which there is at least one.

    >>> added(len, ["ab", "c"], None, "counting letters")
    3
    """
    values: Iterator[Any] = values_of(function, parts, client, label)
    return reduce(add, values)


def values_of(
    function: Callable[[Any], T], parts: Sequence[Any], client: Client | None, label: str
) -> Iterator[T]:
    """``function(part)`` of each part in their order; ``function`` and parts can be pickled where there is a client.

    Each part that is done is a step of the progress that the user hears, and so is what is noted elsewhere.
    """
    if client is None:
        yield from map(function, track(parts, label) if len(parts) > 1 else parts)
        return
    task, waiting, left = _Task(function), [], iter(parts)
    try:
        waiting += [client.submit(task, part) for part in islice(left, _UNDER_WAY)]
        for _ in track(range(len(parts)), label):
            value, notes = waiting.pop(0).result()
            waiting += [client.submit(task, part) for part in islice(left, 1)]
            for text in notes:
                note(text)
            yield value
    except BrokenProcessPool as e:
        raise WorkerLostError(
            "a worker process died on the way (was there enough memory for all of them?); take fewer workers.  In a "
            "script, what starts workers stands below if __name__ == '__main__':"
        ) from e
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def workers(n: int) -> Iterator[Client | None]:
    """A client of ``n`` processes on this machine; ``None`` for one, which is this process.

    They are started anew and not forked: a fork copies locks that the threads of the compiled loops may hold.

    >>> with workers(1) as client:
    ...     client is None
    True
    """
    if check_integer(n, "workers", most=_MOST_PROCESSES) == 1:
        yield None
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n, mp_context=spawn, initializer=_end_when_interrupted)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_when_interrupted() -> None:
    """Ctrl-C reaches all processes of a terminal: those of a pool end at once, and the one that has it says so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class _Task:
    """``function``, and what it notes; Dask takes equal calls for one, and a file may change between two fits."""

    function: Callable[[Any], Any]
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __call__(self, part: Any) -> tuple[Any, list[str]]:
        with listening(heard := _Notes()):
            return self.function(part), heard.texts


class _Notes:
    """A listener that keeps notes and passes over how far work is."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def start(self, label: str, total: int) -> int:
        return 0

    def advance(self, task: int, detail: str) -> None:
        pass

    def stop(self, task: int) -> None:
        pass

    def note(self, text: str) -> None:
        self.texts.append(text)
