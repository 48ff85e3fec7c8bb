"""``results.json`` to ``index.html``: one self-contained page, and each figure as a file beside it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from chainrule.core.errors import DataError
from chainrule.core.files import as_path, file_to_read, make_directory, write_bytes, write_text
from chainrule.core.progress import track
from chainrule.core.reading import parse_json
from chainrule.core.records import (
    RESULTS_FILE,
    RESULTS_FORMAT,
    Claim,
    Figure,
    StudyRecord,
    Verdict,
)
from chainrule.core.text import as_written
from chainrule.report.figures import Drawing, draw
from chainrule.report.numbers import format_value
from chainrule.report.typesetting import check_names, numbered, typeset

__all__ = ["render", "write_report"]

_VERDICTS: dict[Verdict, str] = {
    "holds": "✓",
    "holds in part": "◐",
    "fails": "✗",
    "cannot tell on this machine": "?",
}
# the system's names of months are those of its locale
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def write_report(directory: str | Path) -> Path:
    """Build the page of the results saved in ``directory``; gives the path of ``index.html``.

    Raises ``DataError`` where ``directory/results.json`` is missing, damaged or of another format.

    >>> write_report("x")
    Traceback (most recent call last):
    chainrule.core.errors.DataError: there is no file x/results.json; run `chainrule reproduce --out x` to write it
    """
    path = as_path(directory, "directory") / RESULTS_FILE
    if not os.path.lexists(path):
        raise DataError(f"there is no file {path}; run `chainrule reproduce --out {directory}` to write it")
    try:
        results = parse_json(file_to_read(path, "the results of a run").read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise DataError(f"{path} cannot be read as JSON ({e}); run `chainrule reproduce` again") from e
    found = results.get("format") if isinstance(results, dict) else None
    if found != RESULTS_FORMAT:
        raise DataError(
            f"{path} has the format {as_written(found)}, not {RESULTS_FORMAT!r}; run `chainrule reproduce` again"
        )
    return render(results, path.parent)


def render(results: dict[str, Any], out: str | Path) -> Path:
    """Write ``index.html`` and ``figures/`` for ``results`` into ``out``; gives the path of ``index.html``.

    Everything is drawn and typeset before the first file is written, so a failure leaves ``out`` as it was.
    Raises ``DataError`` for results of the wrong form, ``InputError`` for a figure or a formula that cannot
    be drawn, ``OutputError`` where ``out`` cannot be written to.
    """
    out = as_path(out, "out")
    if not isinstance(results, Mapping):
        raise DataError(f"results are a dict; got {as_written(results)}; run `chainrule reproduce` again")
    try:
        problems = [StudyRecord.from_plain(results["problems"][k]) for k in _ordered(results["problems"])]
        claims = [_claim(claim) for claim in results["claims"]]
        facts, data = _facts(results), _data(results["data"])
        unfinished = _ordered(results["unfinished"])
    except (LookupError, TypeError, ValueError, AttributeError) as e:
        reason = f"{e} is missing" if isinstance(e, KeyError) else str(e)
        raise DataError(f"the results are incomplete ({reason}); run `chainrule reproduce` again") from e
    figures = [block for problem in problems for block in problem.blocks if isinstance(block, Figure)]
    check_names(figures)
    drawings = {figure.name: draw(figure) for figure in track(figures, "drawing figures")}
    page = _typeset(problems, claims, drawings, facts=facts, data=data, unfinished=unfinished)
    out = as_path(out)
    folder = make_directory(out / "figures")
    for name, drawing in drawings.items():
        write_text(folder / f"{name}.svg", drawing.svg)
        write_bytes(folder / f"{name}.png", drawing.png)
    write_text(out / "index.html", page)
    return out / "index.html"


def _typeset(
    problems: list[StudyRecord], claims: list[Claim], drawings: dict[str, Drawing], **more: Any
) -> str:
    sections = [_section(problem, claims) for problem in problems]
    known = {section["problem"].problem for section in sections}
    return typeset(
        "page.html",
        sections=sections,
        claims=[(claim, _owner(claim) if _owner(claim) in known else None) for claim in claims],
        counts=[(v, n) for v, n in _counted(claims) if n or v != "cannot tell on this machine"],
        drawings=drawings,
        verdicts=_VERDICTS,
        **more,
    )


def _counted(claims: list[Claim]) -> list[tuple[Verdict, int]]:
    counts = Counter(claim.verdict for claim in claims)
    return [(verdict, counts[verdict]) for verdict in _VERDICTS]


def _ordered(numbers: Any) -> list[str]:
    return sorted(map(str, numbers), key=lambda n: (not n.isdigit(), int(n) if n.isdigit() else 0, n))


def _claim(plain: dict[str, Any]) -> Claim:
    if plain["verdict"] not in _VERDICTS:
        raise ValueError(f"a verdict is one of {', '.join(_VERDICTS)}; got {as_written(plain['verdict'])}")
    return Claim(**plain)


def _owner(claim: Claim) -> str:
    """The number of the problem that a claim belongs to."""
    return claim.id.partition(".")[0]


def _section(problem: StudyRecord, claims: list[Claim]) -> dict[str, Any]:
    """A problem with its blocks numbered, its claims, and its numbers by dotted names."""
    blocks, heads = numbered(problem.blocks, problem.problem)
    return {
        "problem": problem,
        "blocks": blocks,
        "heads": heads,
        "claims": [claim for claim in claims if _owner(claim) == problem.problem],
        "numbers": _flat(problem.numbers),
        "provenance": _flat(problem.provenance),
    }


def _facts(results: dict[str, Any]) -> list[tuple[str, str]]:
    """What the reader must know about the run, as pairs of name and value."""
    settings, machine, versions = results["settings"], results["machine"], results["versions"]
    libraries = ", ".join(f"{k} {v}" for k, v in versions.items() if k not in ("chainrule", "python"))
    return [
        ("Preset", str(settings["preset"])),
        ("Seed", format_value(settings["seed"])),
        ("Machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['system']} {machine['machine']}"),
        ("Software", f"chainrule {results['chainrule']}, Python {versions['python']}, {libraries}"),
        ("Run", f"{_date(results['started'])}, {_duration(float(results['seconds']))}"),
    ]


def _data(plain: dict[str, Any] | None) -> dict[str, Any] | None:
    """Which data were used and why, for the first lines of the page."""
    if plain is None:
        return None
    rows = plain.get("rows") or {}
    split = ", ".join(f"{format_value(n)} {name}" for name, n in rows.items())
    size = f"{split} rows of {format_value(plain['columns'])} columns" if split else ""
    return {
        "name": str(plain["name"]),
        "size": size,
        "reason": str(plain["reason"]).rstrip("."),
        "binarization": str(plain.get("binarization") or "").rstrip("."),
        "files": dict(plain.get("files") or {}),
    }


def _date(iso: str) -> str:
    when = datetime.fromisoformat(iso)
    return f"{when.day} {_MONTHS[when.month - 1]} {when:%Y, %H:%M} {when.tzname() or ''}".strip()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested plain data as pairs of dotted name and written value; long lists give only their length."""
    if isinstance(value, dict):
        return [pair for k, v in value.items() for pair in _flat(v, f"{name}.{k}" if name else str(k))]
    if isinstance(value, list):
        if len(value) > 12 or any(isinstance(v, (list, dict)) for v in value):
            return [(name, f"{len(value)} entries, in results.json")]
        return [(name, ", ".join(format_value(v) for v in value))]
    return [(name, format_value(value))]
