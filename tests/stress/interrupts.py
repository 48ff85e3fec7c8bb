"""Ctrl-C and SIGTERM in the middle of every command: the first ends in a word and 130, neither leaves half a file.

    python -m tests.stress.interrupts --moments 20

A command runs once to the end, to know how long it takes, then again and again in children that are forked, each told
to stop at another moment, half as often by SIGTERM.  What was in its place before is there afterwards, or all of what
the command writes; after Ctrl-C nothing else is.  ``reproduce`` begins in a new folder each time, says what is kept
there, and is run once more, which ends with the results of a run that nobody stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.every_command import every_command

__all__ = ["main"]

_PASSED_OVER = ("masks", "data list", "data fetch", "data info")  # over before a signal comes
_RUN = "run"  # the folder of ``reproduce``
_LEFT = (".part", ".lock")
_TIMED = ("results.json", "run.json", "metrics.jsonl")  # of a run, which holds times


def main() -> int:
    """Run them; 1 where one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=6)
    parser.add_argument("--only", nargs="*")
    chosen = parser.parse_args()
    from tests.stress.workloads import load

    load()
    stops = faults = 0
    with tempfile.TemporaryDirectory() as place:
        for name, arguments in _commands(Path(place)).items():
            if name in _PASSED_OVER or (chosen.only and name not in chosen.only):
                continue
            seconds = _ended(arguments, Path(place), None, 0.0)[2]
            outcome = _outcome(Path(place)) if name == "reproduce" else None
            for number, moments in (
                (signal.SIGINT, chosen.moments),
                (signal.SIGTERM, chosen.moments // 2 or 1),
            ):
                for k in range(moments):
                    after = seconds * (k + 0.5) / moments
                    fault = _fault(arguments, Path(place), number, after, outcome)
                    stops += 1
                    if fault:
                        faults += 1
                        sys.stdout.write(
                            f"{name}, {number.name} after {after:.3f} of {seconds:.3f} s: {fault}\n"
                        )
    sys.stdout.write(f"{stops} stops, {faults} faults\n")
    return 1 if faults else 0


def _commands(place: Path) -> dict[str, list[str]]:
    """All of them, and fits that train, that maximise an expectation, that count a file after the other."""
    import chainrule as cr

    with cr.settings(verbose=False):
        found = every_command(place)
    rows, model = str(place / "rows.csv"), str(place / "long.model")
    holes = place / "more-holes.csv"
    holes.write_text("a,b,c\n" + "".join(f"{i % 2},{'' if i % 3 else 1},{i % 5 % 2}\n" for i in range(300)))
    more = {
        "fit nade": ["fit", rows, "--model", "nade", "-o", model],
        "fit em": ["fit", str(holes), "--model", "bayesnet", "--dag", "a -> b -> c", "-o", model],
        "fit several": ["fit", rows, rows, "--model", "chowliu", "-o", model],
        "learn by search": ["learn", rows, "--method", "hill-climb", "-o", str(place / "found.bif")],
        "reproduce": ["reproduce", "--problems", "4,6", "--data", "digits", "--out", str(place / _RUN)],
    }
    return found | more


def _fault(
    arguments: list[str], place: Path, number: signal.Signals, after: float, outcome: str | None
) -> str | None:
    """What went wrong with a command that is told to stop; ``None`` where nothing did.

    ``outcome`` is that of a run which nobody stopped, where the command is to go on from what it kept.
    """
    if outcome is not None:
        shutil.rmtree(place / _RUN)
    before = _contents(place)
    code, said, _ = _ended(arguments, place, number, after)
    fault = _fault_of_stop(place, before, number, code, said)
    if fault is None and outcome is not None:
        kept = (place / _RUN / "results.json").exists()
        if code == 130 and kept and "goes on from there" not in said:
            return f"it did not say what is kept: {said[-500:]}"
        code, said, _ = _ended(arguments, place, None, 0.0)
        if code != 0:
            return f"the next run ended with {code}: {said[-500:]}"
        if _outcome(place) != outcome:
            return "the next run found other results, or wrote other files"
    return fault


def _outcome(place: Path) -> str:
    """What ``reproduce`` found, without times, and the names of all its files."""
    results = json.loads((place / _RUN / "results.json").read_bytes())
    found = {k: [p["blocks"], p["numbers"], p["claims"]] for k, p in results["problems"].items()}
    return json.dumps([found, sorted(str(p) for p in (place / _RUN).rglob("*"))])


def _fault_of_stop(
    place: Path, before: dict[str, bytes], number: signal.Signals, code: int, said: str
) -> str | None:
    left = [p.name for p in place.rglob("*") if p.name.endswith(_LEFT)]
    for path in place.rglob("*"):
        if path.is_file() and path.name.endswith(_LEFT):
            path.unlink()
    changed = {
        p
        for p, content in _contents(place).items()
        if p in before and len(content) < len(before[p]) // 2 and not _is_page(content)
    }
    if changed:
        return f"half written: {', '.join(sorted(changed))}"
    if number == signal.SIGTERM:
        return None if code in (0, 1, -signal.SIGTERM) else f"exit code {code}: {said[-500:]}"
    if left:
        return f"left over: {', '.join(left)}"
    if code not in (0, 1, 130):
        return f"exit code {code}: {said[-500:]}"
    if "Traceback" in said or (code == 130 and not said.endswith("chainrule: stopped\n")):
        return f"it said {said[-500:]}"
    return None


def _is_page(content: bytes) -> bool:
    """Whether it is HTML to its end: a comparison that is stopped shows the models that it came to."""
    return content.rstrip().endswith(b"</html>")


def _contents(place: Path) -> dict[str, bytes]:
    return {
        str(p): p.read_bytes()
        for p in place.rglob("*")
        if p.is_file() and p.name not in _TIMED and p.suffix != ".part"
    }


def _ended(
    arguments: list[str], place: Path, number: signal.Signals | None, after: float
) -> tuple[int, str, float]:
    """Exit code of a command in a child, what it said on standard error, and how many seconds it took."""
    told = place / "told.txt"
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _command(arguments, told)
    if number is not None:
        time.sleep(after)
        os.kill(child, number)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - began
    said = told.read_text()
    told.unlink()
    return os.waitstatus_to_exitcode(status), said, seconds


def _command(arguments: list[str], told: Path) -> None:
    """Never returns."""
    run: Callable[[list[str]], int]
    code = 99
    try:
        for descriptor, name in ((1, os.devnull), (2, str(told))):
            handle = os.open(name, os.O_WRONLY | os.O_CREAT)
            os.dup2(handle, descriptor)
            os.close(handle)
        from chainrule.cli import main as run

        code = run(arguments)
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
