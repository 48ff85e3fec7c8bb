"""What an audit found, as plain typed data: to JSON and back without loss, to a page with no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from chainrule.core.choices import check_choice
from chainrule.core.errors import DataError, InputError, UnknownNameError
from chainrule.core.files import write_text
from chainrule.core.records import dump_json
from chainrule.core.typed import Typed, Vector
from chainrule.evaluate.audit.record import Finding
from chainrule.tables.showing import text_table
from chainrule.tasks.describing.record import Calibration, ColumnCost

__all__ = ["Audit", "DrawnShares"]

_WORDS = {"pass": "pass", "fail": "FAIL", "cannot tell": "cannot tell"}


@dataclass(frozen=True)
class DrawnShares(Typed):
    """How often each of ``of`` occurs in ``n_draws`` draws, beside how often log_prob says."""

    of: str
    n_draws: int
    expected: Vector
    observed: Vector


@dataclass(frozen=True)
class Audit(Typed):
    """The findings on a model, law by law, and the data of their pictures.

    A right model has a "fail" anywhere with at most ``false_alarm_rate``.  ``n_states`` is the number of rows that
    there are, in words where it is large; ``costs`` are over ``n_cost_rows`` rows.
    """

    FORMAT: ClassVar[str] = "chainrule-audit-1"

    model: str
    n_columns: int
    n_states: str
    findings: Sequence[Finding]
    false_alarm_rate: float
    seed: int
    n_draws: int
    n_rows: int | None = None
    seconds: float = 0.0
    calibration: Calibration | None = None
    costs: Sequence[ColumnCost] = ()
    n_cost_rows: int = 0
    n_cost_draws: int = 0
    shares: DrawnShares | None = None
    command: str = ""
    versions: dict | None = None

    @property
    def failed(self) -> list[str]:
        """The laws that are broken."""
        return [f.law for f in self.findings if f.verdict == "fail"]

    @property
    def passed(self) -> bool:
        """Whether no law is broken; some may be such that nobody can tell."""
        return not self.failed

    def count(self, verdict: str) -> int:
        """How many findings have this verdict."""
        check_choice(verdict, "verdict", _WORDS)
        return sum(f.verdict == verdict for f in self.findings)

    def __getitem__(self, law: str) -> Finding:
        """The finding on ``law``; ``UnknownNameError`` where there is none."""
        found = {f.law: f for f in self.findings}
        if not isinstance(law, str) or law not in found:
            raise UnknownNameError.of("law", law, list(found))
        return found[law]

    def summary(self) -> str:
        """The verdicts in one line."""
        words = ", ".join(f"{self.count(v)} {w}" for v, w in (("pass", "passed"), ("fail", "failed")))
        return (
            f"{self.model}, {self.n_columns:,} columns, {self.n_states} rows: {words}, {self.count('cannot tell')} "
            f"nobody can tell; {self.seconds:.1f} s; a right model fails with at most {self.false_alarm_rate:g}"
        )

    def head(self) -> list[str]:
        """The names of the columns of ``rows``."""
        return ["verdict", "law", "how it was checked", "figure", "seconds"]

    def rows(self) -> list[list[str]]:
        """A row of words for each finding."""
        return [[_WORDS[f.verdict], f.law, f.how, f.figure, f"{f.seconds:.2f}"] for f in self.findings]

    def reasons(self) -> list[str]:
        """A line for each law that is broken or that nobody can tell: why."""
        odd = [f for f in self.findings if f.verdict != "pass"]
        return [
            f"{_WORDS[f.verdict]}: {f.law}: {f.detail or f.figure}" for f in sorted(odd, key=_fails_first)
        ]

    def text(self) -> str:
        """The table of laws, then why some did not pass."""
        return "\n".join([text_table(self.summary(), self.head(), self.rows()), "", *self.reasons()]).rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The record as plain data, with its format."""
        return {"format": self.FORMAT, "passed": self.passed, "failed": self.failed} | self.to_plain()

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Audit:
        """The record that ``to_dict`` gave; ``DataError`` where it is none."""
        try:
            return cls.from_plain({k: v for k, v in plain.items() if k not in ("format", "passed", "failed")})
        except (InputError, AttributeError, TypeError, ValueError) as e:
            raise DataError(f"not an audit of a model ({e}); run `chainrule audit` again") from e

    def save(self, path: str | Path) -> None:
        """Write ``to_dict`` as JSON, whole or not at all."""
        write_text(path, dump_json(self.to_dict(), indent=1))


def _fails_first(finding: Finding) -> int:
    return 0 if finding.verdict == "fail" else 1
