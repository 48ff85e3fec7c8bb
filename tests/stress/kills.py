"""``kill -9`` at moments of all kinds, and the same bits in the end: ``python -m tests.stress.kills --kills 1000``.

Each round starts a workload in a fresh folder and kills its process, half of them after a time drawn uniformly from
what the whole work takes, half of them right before one of its calls that open, rename or remove a file, drawn
uniformly from these.  What is there then has to be whole.  The work is done again in the same folder; a part of the
rounds is killed once more on the way.  Its result has to have the bits of work that nobody killed, and nothing may be
left over.

It ends after so many kills or seconds, and prints a line for each workload; exit code 1 where one failed.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.stress.workloads import WORKLOADS, digest, load, prepare, whole

__all__ = ["main"]

_MOMENTS = ("open", "os.rename", "os.remove", "os.truncate")
_PATIENCE = 300.0  # seconds that a workload may take before it counts as hanging


@dataclass
class Tally:
    """What became of a workload: kills by how they were placed, rounds in which it was over before, faults."""

    by_time: int = 0
    by_file: int = 0
    too_late: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reference:
    """A run that nobody killed."""

    digest: str
    seconds: float
    n_moments: int


def main(arguments: list[str] | None = None) -> int:
    """Run the kills; 1 where a workload failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1800.0, help="no round begins after so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plain", action="store_true", help="without compiled loops")
    chosen = parser.parse_args(arguments)
    import chainrule as cr

    cr.settings.plain = cr.settings.plain or chosen.plain
    cr.settings.verbose = False
    load()
    began, rng = time.monotonic(), np.random.default_rng(chosen.seed)
    tallies = {name: Tally() for name in WORKLOADS}
    with tempfile.TemporaryDirectory() as place:
        references = {name: _reference(name, Path(place)) for name in WORKLOADS}
        names, done = list(WORKLOADS), 0
        while done < chosen.kills and time.monotonic() < began + chosen.seconds:
            name = names[done % len(names)]
            _round(name, references[name], tallies[name], rng, Path(place))
            done += 1
    for name, tally in tallies.items():
        print(  # noqa: T201  # a program's output
            f"{name:15} {tally.by_time:4} killed by time, {tally.by_file:4} before a file call, {tally.too_late:3} too "
            f"late; {references[name].seconds:.2f} s, {references[name].n_moments} file calls; "
            f"{len(tally.faults)} faults"
        )
        for fault in tally.faults[:5]:
            print(f"    {fault}")  # noqa: T201
    print(f"{done} rounds, {time.monotonic() - began:.0f} s")  # noqa: T201
    return 1 if any(tally.faults for tally in tallies.values()) else 0


def _reference(name: str, place: Path) -> Reference:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        prepare(Path(folder))
        began = time.monotonic()
        _in_child(lambda: WORKLOADS[name](Path(folder)))  # whatever is loaded or compiled once
        for path in Path(folder).iterdir():
            _remove(path)
        prepare(Path(folder))
        began = time.monotonic()
        _in_child(lambda: _counted(name, Path(folder)))
        seconds = time.monotonic() - began
        n = int((Path(folder) / "moments").read_text())
        return Reference(_digest(Path(folder)), seconds, n)


def _counted(name: str, folder: Path) -> None:
    seen = _watch(None)
    WORKLOADS[name](folder)
    (folder / "moments").write_text(str(seen()))


def _round(name: str, reference: Reference, tally: Tally, rng: np.random.Generator, place: Path) -> None:
    with tempfile.TemporaryDirectory(dir=place) as text:
        folder = Path(text)
        prepare(folder)
        what = f"{name}, "
        try:
            for _ in range(1 + int(rng.random() < 0.3)):
                if rng.random() < 0.5:
                    after = float(rng.random()) * reference.seconds
                    what += f"killed after {after:.3f} s; "
                    killed = _in_child(lambda: WORKLOADS[name](folder), kill_after=after)
                    tally.by_time += killed
                else:
                    moment = int(rng.integers(reference.n_moments))
                    what += f"killed before file call {moment}; "
                    killed = _in_child(lambda moment=moment: _killed_at(moment, name, folder))
                    tally.by_file += killed
                tally.too_late += not killed
                _in_child(lambda: whole(folder))
            _in_child(lambda: WORKLOADS[name](folder))
            _in_child(lambda: whole(folder))
            if _digest(folder) != reference.digest:
                raise AssertionError("the result has other bits")
        except AssertionError as e:
            tally.faults.append(f"{what}{e}")


def _killed_at(moment: int, name: str, folder: Path) -> None:
    _watch(moment)
    WORKLOADS[name](folder)


def _watch(kill_at: int | None) -> Callable[[], int]:
    """Count the calls that change what is in a folder, and end this process before number ``kill_at``."""
    n = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal n
        if event not in _MOMENTS or (event == "open" and not _writes(arguments)):
            return
        if n == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        n += 1

    sys.addaudithook(hook)
    return lambda: n


def _writes(arguments: tuple[object, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    if isinstance(mode, str):
        return any(c in mode for c in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def _digest(folder: Path) -> str:
    """``digest`` in a child, so that this process loads nothing and can be forked."""
    result = folder.parent / f"{folder.name}.digest"

    def write() -> None:
        result.write_text(digest(folder))

    _in_child(write)
    found = result.read_text()
    result.unlink()
    return found


def _in_child(work: Callable[[], None], kill_after: float | None = None) -> bool:
    """Do ``work`` in a child; whether it was killed.  ``AssertionError`` where it failed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _work_and_leave(work, write)
    os.close(write)
    deadline = time.monotonic() + (_PATIENCE if kill_after is None else kill_after)
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            break
        time.sleep(0.002)
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(read) as told:
        words = told.read()
    if os.waitstatus_to_exitcode(status) == -signal.SIGKILL:
        if kill_after is None and time.monotonic() >= deadline:
            raise AssertionError(f"it hung for {_PATIENCE:.0f} s")
        return True
    if os.waitstatus_to_exitcode(status) != 0:
        raise AssertionError(words or f"exit status {status}")
    return False


def _work_and_leave(work: Callable[[], None], pipe: int) -> None:
    """Never returns: a child must not go on with its parent's program."""
    status = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        work()
        status = 0
    except BaseException as e:
        os.write(pipe, f"{type(e).__name__}: {e}"[:500].encode())
    finally:
        os._exit(status)


def _remove(path: Path) -> None:
    import shutil

    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    sys.exit(main())
