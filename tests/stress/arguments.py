"""Hostile arguments of everything public: ``python -m tests.stress.arguments`` (``--of DAG`` for names that hold it).

Each argument of a right call is replaced by each hostile value in turn.  Allowed are an answer, or an error of ours of
one line and fewer than 1,000 signs, in time and memory, with every argument left as it was; anything else is a fault.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import os
import pickle
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import scipy.sparse as sparse

import chainrule as cr
from chainrule.core.errors import ChainruleError
from chainrule.core.settings import settings
from tests.stress.hostile_values import HOSTILE
from tests.stress.right_calls import CALLS, prepare

__all__ = ["CALLED_BY_US", "Fault", "faults", "in_a_folder", "tries", "untold"]

SECONDS = 5.0
MEMORY = 1 << 30
LONGEST = 1_000  # signs of a message
LARGEST = 1_000_000  # bytes of an argument that is looked at again after the call
# functions of the user's, whose own errors are theirs
CALLED_BY_US = {
    ("OtherModel", "log_prob"), ("OtherModel", "sample"), ("OtherModel", "sample_given"), ("OtherModel",
        "state_log_probs"),
    ("OtherModel", "logits"), ("measure", "call"), ("time_in_turns", "calls"),
    ("perturbation_dependence", "conditionals"), ("jacobian_dependence", "network"),
}  # fmt: skip
# rows of which there may be as many as memory holds, and their weights
AS_MANY_AS_MEMORY_HOLDS = {"X", "valid", "sample_weight", "weights", "table", "given"}
AS_OFTEN_AS_ASKED_FOR = {"restarts", "rounds", "n_resamples", "bootstrap"}  # until the time or Ctrl-C ends it
ROOMS = ("", ".datasets", ".derive", ".evaluate", ".graphs", ".models", ".report", ".tables", ".tasks")


@dataclass(frozen=True)
class Fault:
    """What ``call`` did with ``value`` in place of ``argument`` that it may not, and where."""

    call: str
    argument: str
    value: str
    what: str
    where: str


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Everything public that can be called, by the name of its class and its own: each function once."""
    seen: set[int] = set()
    for room in ROOMS:
        module = import_module(f"chainrule{room}")
        for name in module.__all__:
            found = getattr(module, name)
            if inspect.isclass(found) and not getattr(found, "_is_protocol", False):
                for method in dir(found):
                    function = inspect.unwrap(getattr(found, method))
                    function = getattr(function, "__func__", function)
                    own = inspect.isfunction(function) and function.__module__.startswith("chainrule")
                    own = own and not getattr(function, "__isabstractmethod__", False)
                    if own and not method.startswith("_") and id(function) not in seen:
                        seen.add(id(function))
                        yield f"{name}.{method}", function
            elif inspect.isroutine(found) and id(found) not in seen:
                seen.add(id(found))
                yield name, found


def untold() -> list[str]:
    """Public functions and methods with parameters that no right call gives all of."""
    given: dict[str, set[str]] = defaultdict(set)
    for name, made in CALLS.items():
        function, arguments = made()
        given[name.split(" ")[0]] |= arguments.keys()
        inner = getattr(function, "__func__", function)
        given[getattr(inner, "__qualname__", "")] |= arguments.keys()
    out = []
    for name, function in public():
        known = inspect.signature(function).parameters.values()
        wanted = {p.name for p in known if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)} - {"self", "cls"}
        missing = wanted - given[name] - given[function.__qualname__]
        if missing:
            out.append(f"{name}: {', '.join(sorted(missing))}")
    return out


def tries(of: str = "") -> list[tuple[str, str, str]]:
    """All (call, argument, hostile value) of the calls whose name holds ``of``."""
    return [
        (name, argument, value)
        for name, made in CALLS.items()
        if of in name
        for argument in made()[1]
        for value in HOSTILE
        if not ((name, argument) in CALLED_BY_US and value in ("class", "function"))
        and not (argument in AS_MANY_AS_MEMORY_HOLDS and value == "long")
        and not (argument in AS_OFTEN_AS_ASKED_FOR and value == "10^12")
    ]


def faults(chosen: list[tuple[str, str, str]]) -> Iterator[Fault]:
    """Whatever goes wrong among the tries; to be called in a folder that ``in_a_folder`` made."""
    for name, argument, value in chosen:
        function, arguments = CALLS[name]()
        arguments[argument] = HOSTILE[value]()
        before, begun, held = _prints(arguments), time.perf_counter(), _peak()
        wrong = _wrong(function, arguments)
        seconds, more = time.perf_counter() - begun, _peak() - held
        if wrong is None and seconds > SECONDS:
            wrong = f"took {seconds:.1f} s", ""
        if wrong is None and more > MEMORY:
            wrong = f"took {more / 2**30:.1f} GiB", ""
        changed = [k for k, was in _prints(arguments).items() if was != before[k]]
        if wrong is None and changed and not name.endswith("fit_counts"):
            wrong = f"changed {', '.join(changed)}", ""
        if wrong is not None:
            yield Fault(name, argument, value, *wrong)


def _wrong(function: Callable[..., Any], arguments: dict[str, Any]) -> tuple[str, str] | None:
    """What went wrong, and where; ``None`` where nothing did."""
    try:
        with warnings.catch_warnings(), _in_time():
            warnings.simplefilter("error")
            answer = function(**arguments)
            if inspect.isgenerator(answer):
                list(islice(answer, 5))
    except ChainruleError as e:
        message = str(e)
        if len(message) >= LONGEST or not message.isprintable():
            return f"{len(message)} signs in {len(message.splitlines())} lines: {message!r:.80}", ""
        return None
    except Exception as e:
        return f"{type(e).__name__}: {str(e)[:150]}", _where(e)
    return None


def _where(error: BaseException) -> str:
    """The last line of ours that the error came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/chainrule/" in f.filename]
    return f"{frames[-1].filename.rpartition('/chainrule/')[2]}:{frames[-1].lineno}" if frames else "outside"


class _TooSlow(Exception):
    """The time of one call is over."""


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 10 * SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _prints(arguments: dict[str, Any]) -> dict[str, bytes]:
    """A fingerprint of each argument that has one."""
    out = {}
    for name, value in arguments.items():
        if getattr(value, "nbytes", 0) > LARGEST:
            continue
        if isinstance(value, np.ma.MaskedArray):  # what follows keeps answers about itself, once it was asked
            value = value.data, np.ma.getmaskarray(value)
        elif sparse.issparse(value):
            value = value.toarray()
        elif type(value).__module__.startswith("chainrule"):
            continue
        with suppress(Exception):  # a function of a test, a generator
            out[name] = hashlib.sha256(pickle.dumps(value)).digest()
    return out


@contextmanager
def in_a_folder() -> Iterator[None]:
    """A folder to work in, where a text may be taken for a path, with the files that right calls name."""
    before = os.getcwd()
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            prepare(Path(folder))
            yield
        finally:
            os.chdir(before)


def main() -> int:
    """Print the faults by kind; 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", default="", help="calls whose name holds this")
    parser.add_argument("--every", type=int, default=1, help="each so many-th try only")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
    by_kind: dict[tuple[str, str], list[Fault]] = defaultdict(list)
    for name in cr.__all__:
        getattr(cr, name)
    with in_a_folder(), settings(plain=True, verbose=False):
        found = tries(chosen.of)[:: chosen.every]
        for fault in faults(found):
            kind = by_kind[fault.where or fault.what, fault.what.partition(":")[0]]
            kind.append(fault)
            if len(kind) == 1:
                say(f"{fault.where}: {fault.what} in {fault.call}({fault.argument}={fault.value})")
    say(f"{len(found)} calls, {sum(map(len, by_kind.values()))} faults of {len(by_kind)} kinds")
    for (where, what), those in by_kind.items():
        calls = sorted({f"{f.call}({f.argument})" for f in those})
        values = sorted({f.value for f in those})
        say(f"- {where} {what}: {len(those)}; {', '.join(calls[:6])}; {', '.join(values[:12])}")
    return 1 if by_kind else 0


def say(line: str) -> None:
    """To who watches; the log of a night may be looked at on the way."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
