"""Running the studies one after the other, and keeping what each found.

``results.json`` in the output folder is the only store: it is replaced, whole, after each problem.  So
whatever stops a run, what was done stays done, and the same call goes on from there.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from chainrule import __version__
from chainrule.core.checks import check_integer
from chainrule.core.errors import DataError, InputError, OutputError
from chainrule.core.files import remove, shown_path, write_text
from chainrule.core.owned_folder import owned_folder
from chainrule.core.progress import note, track
from chainrule.core.reading import parse_json
from chainrule.core.records import (
    RESULTS_FILE,
    RESULTS_FORMAT,
    StudyRecord,
    dump_json,
    machine_info,
    versions,
)
from chainrule.datasets import Binarize, Dataset, load
from chainrule.homework.context import Preset, StudyContext

__all__ = ["PROBLEMS", "parse_problems", "reproduce"]


PROBLEMS = {
    "1": "images.study",
    "2": "independent_pixels.study",
    "3": "cats_dogs_dags.study",
    "4": "cyclic_graphs.study",
    "5": "nade_made.study",
    "6": "masks.study",
    "7": "exponential_family.study",
}
_WITH_DATA = {"2", "5"}


@dataclass(frozen=True)
class _Run:
    """What decides the numbers of a run, beside the code."""

    preset: Preset
    data: str
    binarize: Binarize | None
    seed: int

    def settings(self) -> dict[str, Any]:
        return {"preset": self.preset, "data": self.data, "binarize": self.binarize, "seed": self.seed}


def parse_problems(text: str | None) -> list[str]:
    """The problems that a list such as ``"1,2,5"`` or a range such as ``"3-5"`` names; all for ``None``.

    >>> parse_problems("6,1-2")
    ['1', '2', '6']
    """
    if text is None:
        return list(PROBLEMS)
    chosen: set[str] = set()
    for part in text.split(","):
        low, dash, high = (p.strip() for p in part.partition("-"))
        high = high if dash else low
        if low not in PROBLEMS or high not in PROBLEMS or low > high:
            raise InputError(f"problems are numbers from 1 to 7 such as 1,2,5 or 3-5; got {text!r}")
        chosen |= {p for p in PROBLEMS if low <= p <= high}
    return sorted(chosen)


def reproduce(
    out: str | Path,
    *,
    problems: Sequence[str] = tuple(PROBLEMS),
    preset: Preset = "quick",
    data: str = "auto",
    binarize: Binarize | None = None,
    seed: int = 0,
    fresh: bool = False,
) -> dict[str, Any]:
    """Run the studies of ``problems`` and write ``results.json`` under ``out``; returns what it holds.

    Problems that ``out`` already has by the same settings are kept and not run again; ``fresh`` removes
    what is there first.  Raises ``InputError`` where ``out`` holds results of other settings, ``OutputError`` where
    another process works in it.
    """
    if preset not in ("quick", "full"):
        raise InputError(f"preset must be 'quick' or 'full'; got {preset!r}")
    unknown = [p for p in problems if p not in PROBLEMS]
    if unknown:
        raise InputError(f"problems are {', '.join(PROBLEMS)}; got {', '.join(map(str, unknown))}")
    run = _Run(preset, data, binarize, check_integer(seed, "seed", least=0))
    with owned_folder(out) as folder:
        return _reproduced(folder, run, list(problems), fresh)


def _reproduced(out: Path, run: _Run, problems: list[str], fresh: bool) -> dict[str, Any]:
    """``reproduce`` in a folder that no other process works in."""
    images = cache(lambda: load(run.data, binarize=run.binarize))
    if fresh:
        _clear(out)
    results = _earlier(out, run) or _new(run)
    if _WITH_DATA & set(problems):
        _check_data(results, images(), out)
    open_problems = [p for p in problems if p not in results["problems"]]
    for done in (p for p in problems if p in results["problems"]):
        note(f"problem {done} is done already")
    results["unfinished"] = open_problems
    write_text(out / RESULTS_FILE, dump_json(results, indent=1))

    context = StudyContext(run.seed, run.preset, images, out)
    for problem in track(open_problems, "problems"):
        _keep(_run(problem, context, run), results)
        write_text(out / RESULTS_FILE, dump_json(results, indent=1))
    return results


def _keep(record: StudyRecord, results: dict[str, Any]) -> None:
    """Enter a record into what a run holds, in the order of the problems."""
    done = {**results["problems"], record.problem: record.to_plain()}
    results["problems"] = {p: done[p] for p in PROBLEMS if p in done}
    results["unfinished"] = [p for p in results["unfinished"] if p != record.problem]
    results["claims"] = [c for r in results["problems"].values() for c in r["claims"]]
    results["seconds"] = sum(r["provenance"]["seconds"] for r in results["problems"].values())


def _run(problem: str, context: StudyContext, run: _Run) -> StudyRecord:
    """One study, with where its numbers come from."""
    study = import_module(f"chainrule.homework.{PROBLEMS[problem]}").study
    started = datetime.now(UTC)
    clock = time.perf_counter()
    record = study(context)
    provenance = {
        **record.provenance,
        "settings": run.settings(),
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 2),
        "machine": machine_info(),
        "versions": versions(),
    }
    if problem in _WITH_DATA:
        provenance["data"] = {"name": context.images().name, "digest": context.images().digest}
    return StudyRecord(**{**vars(record), "provenance": provenance})


def _new(run: _Run) -> dict[str, Any]:
    return {
        "format": RESULTS_FORMAT,
        "chainrule": __version__,
        "settings": run.settings(),
        "data": None,
        "machine": machine_info(),
        "versions": versions(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "claims": [],
        "problems": {},
        "unfinished": [],
    }


def _earlier(out: Path, run: _Run) -> dict[str, Any] | None:
    """Results that ``out`` already holds by the same settings and version."""
    path = out / RESULTS_FILE
    if not path.exists():
        return None
    try:
        results = parse_json(path.read_text("utf-8"))
        found = {"chainrule": results["chainrule"], **results["settings"]}
        usable = results["format"] == RESULTS_FORMAT and isinstance(results["problems"], dict)
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise DataError(
            f"{path} cannot be read ({e}); move it away, or pass --fresh to start over in that folder"
        ) from e
    wanted = {"chainrule": __version__, **run.settings()}
    if not usable or found != wanted:
        differing = ", ".join(
            f"{k} {found.get(k)!r} there, {v!r} now" for k, v in wanted.items() if found.get(k) != v
        )
        raise InputError(
            f"{out} holds results of another run ({differing or 'another format'}); "
            "choose another --out, or pass --fresh to replace them"
        )
    return results


def _check_data(results: dict[str, Any], data: Dataset, out: Path) -> None:
    """Refuse to mix problems that were measured on different data; else say what the data are."""
    earlier = results["data"]
    if earlier is not None and earlier["digest"] != data.digest:
        raise InputError(
            f"{out} holds results on {earlier['name']}, but {data.name} is what the data setting gives now; "
            "choose another --out, or pass --fresh to replace them"
        )
    results["data"] = data.describe()


def _clear(out: Path) -> None:
    """Remove what earlier runs wrote under ``out``, and nothing else."""
    for name in (RESULTS_FILE, "index.html"):
        remove(out / name)
    for name in ("figures", "tensorboard", "checkpoints"):
        if (out / name).is_dir():
            try:
                shutil.rmtree(out / name)
            except OSError as e:
                raise OutputError(
                    f"cannot remove {shown_path(out / name)} ({e.strerror or e}); choose another folder"
                ) from e
