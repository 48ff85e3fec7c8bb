"""Records: what a study found, as plain data.  A page is drawn from records, never from live models.

A ``StudyRecord`` holds *blocks* (what a reader sees, in order), *numbers* (everything measured, by
name) and *claims* (what was claimed elsewhere, our verdict, the evidence).  Everything goes to strict
JSON and back without loss; infinities are written as the strings ``"inf"`` and ``"-inf"``, NaN is refused.

Text in blocks is plain prose with four marks: ``$latex$`` for inline mathematics, ``code`` between
backticks, ``**strong**``, and a blank line between paragraphs.  A backslash before ``$``, a backtick or ``*`` makes it
an ordinary sign; ``core.text.literal`` does that to words that are not ours.
"""

from __future__ import annotations

import json
import math
import platform
import sys
from dataclasses import asdict, dataclass, field, fields
from importlib import metadata
from typing import Any, Literal

import numpy as np

from chainrule.core.errors import DataError, InputError
from chainrule.core.figures import FigureData, read_figure

__all__ = [
    "RESULTS_FILE",
    "RESULTS_FORMAT",
    "Block",
    "Claim",
    "Figure",
    "Formula",
    "Heading",
    "Step",
    "Steps",
    "StudyRecord",
    "Table",
    "Text",
    "Verdict",
    "dump_json",
    "machine_info",
    "to_plain",
    "versions",
]

RESULTS_FILE = "results.json"  # what a run keeps and a page is built from
RESULTS_FORMAT = "chainrule-results-1"

Verdict = Literal["holds", "holds in part", "fails", "cannot tell on this machine"]


@dataclass(frozen=True)
class Heading:
    """A heading inside a problem (the problem's own title is not a block)."""

    text: str


@dataclass(frozen=True)
class Text:
    """One or more paragraphs; see the module for the four marks."""

    text: str


@dataclass(frozen=True)
class Formula:
    """A displayed formula in LaTeX (no dollar signs)."""

    latex: str
    caption: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a derivation: what is done, the result, and how the step was checked."""

    text: str
    latex: str = ""
    check: str = ""


@dataclass(frozen=True)
class Steps:
    """A derivation or a worked procedure, step by step."""

    title: str
    steps: list[Step]


@dataclass(frozen=True)
class Table:
    """Rows of strings and numbers under column heads; a cell may use the marks of ``Text``.

    The numbers of the columns in ``bars`` (counted from 0), none of them negative, are also drawn as bars, all on one
    scale.
    """

    columns: list[str]
    rows: list[list[Any]]
    caption: str = ""
    bars: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Figure:
    """A picture to be drawn: ``data`` is what (its class says how), ``alt`` is for who cannot see it.

    ``name`` is the file's stem, unique over the report.
    """

    name: str
    data: FigureData
    caption: str
    alt: str

    def __post_init__(self) -> None:
        if not isinstance(self.data, FigureData):
            raise InputError(
                f"the data of figure {self.name!r} must be one of chainrule.core.figures; got a "
                f"{type(self.data).__name__}"
            )

    @property
    def kind(self) -> str:
        """The word for the kind of picture."""
        return self.data.kind

    def to_plain(self) -> dict[str, Any]:
        """The figure as dicts, lists, strings and finite numbers."""
        words = {"name": self.name, "kind": self.kind, "caption": self.caption, "alt": self.alt}
        return words | {"data": self.data.to_plain()}


Block = Heading | Text | Formula | Steps | Table | Figure
_BLOCKS: dict[str, type] = {c.__name__.lower(): c for c in (Heading, Text, Formula, Steps, Table, Figure)}


@dataclass(frozen=True)
class Claim:
    """A claim made elsewhere, our verdict, and the evidence for the verdict."""

    id: str
    claim: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class StudyRecord:
    """What one study found.

    ``problem`` is its number, ``asks`` the question in our words, ``provenance`` the seed, settings,
    data (name, SHA-256, rows), versions, machine and seconds that the numbers come from.

    >>> r = StudyRecord("7", "T", "Q", [Text("a"), Steps("s", [Step("one")])], {"x": 1.5})
    >>> StudyRecord.from_plain(json.loads(dump_json(r.to_plain()))) == r
    True
    """

    problem: str
    title: str
    asks: str
    blocks: list[Block]
    numbers: dict[str, Any] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """The record as dicts, lists, strings and finite numbers."""
        plain = to_plain(
            {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("blocks", "claims")}
        )
        plain["blocks"] = [_plain_block(block) for block in self.blocks]
        plain["claims"] = [asdict(claim) for claim in self.claims]
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> StudyRecord:
        """The record that ``to_plain`` wrote; ``DataError`` where it is not one."""
        try:
            parts = dict(plain)
            parts["blocks"] = [_block(b) for b in plain["blocks"]]
            parts["claims"] = [Claim(**c) for c in plain.get("claims", [])]
            return cls(**parts)
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise DataError(f"not a study record ({e}); run the study again to write a new one") from e


def _plain_block(block: Block) -> dict[str, Any]:
    plain = block.to_plain() if isinstance(block, Figure) else to_plain(asdict(block))
    return plain | {"type": type(block).__name__.lower()}


def _block(plain: dict[str, Any]) -> Block:
    parts = dict(plain)
    kind = parts.pop("type")
    if kind not in _BLOCKS:
        raise ValueError(f"unknown block type {kind!r}")
    if kind == "steps":
        parts["steps"] = [Step(**s) for s in parts["steps"]]
    if kind == "figure":
        parts["data"] = read_figure(parts.pop("kind"), parts["data"])
    return _BLOCKS[kind](**parts)


def to_plain(value: Any) -> Any:
    """``value`` with arrays as lists, numpy scalars as Python's, infinities as strings; NaN is refused.

    >>> to_plain({"a": np.arange(2), "b": (np.float64(1), -np.inf)})
    {'a': [0, 1], 'b': [1.0, '-inf']}
    """
    if isinstance(value, dict):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, float):
        if math.isnan(value):
            raise InputError("a record cannot hold NaN; leave the number out and say why it is missing")
        return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if value is None or isinstance(value, (str, int, bool)):
        return value
    raise InputError(f"a record holds plain data, not {type(value).__name__}; convert it first")


def dump_json(plain: Any, *, indent: int | None = None) -> str:
    """Strict JSON (no NaN), non-ASCII letters kept, with a final newline."""
    return json.dumps(plain, allow_nan=False, ensure_ascii=False, indent=indent) + "\n"


def machine_info() -> dict[str, Any]:
    """The machine that numbers were measured on."""
    import os

    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as f:
            cpu = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), cpu)
    except OSError:
        pass  # no /proc on this system: the platform's own word stands
    return {"cpu": cpu, "cores": os.cpu_count(), "system": platform.system(), "machine": platform.machine()}


def versions() -> dict[str, str]:
    """Versions of Python, chainrule and the libraries that numbers depend on."""
    names = ["chainrule", "numpy", "scipy", "scikit-learn", "torch", "sympy", "matplotlib"]
    out = {"python": sys.version.split()[0]}
    for name in names:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            out[name] = "not installed"
    return out
