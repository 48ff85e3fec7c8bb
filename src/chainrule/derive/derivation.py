"""A derivation is a list of steps, and a step cannot exist before its check has passed.

The only way to make a ``DerivedStep`` is ``derived``, which wants at least one ``Verified``; and a
``Verified`` comes only from the functions of ``chainrule.derive.verify``, which raise
``DerivationError`` where the computer algebra does not agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from chainrule.core.errors import ChainruleError, InputError
from chainrule.derive.notation import Formula, joined, plain_text

__all__ = ["Derivation", "DerivationError", "DerivedStep", "Verified", "derived"]


class DerivationError(ChainruleError):
    """A step that the computer algebra does not confirm: the derivation is wrong, not the input."""


@dataclass(frozen=True)
class Verified:
    """Something the computer algebra has confirmed, said in words."""

    statement: str


@dataclass(frozen=True)
class DerivedStep:
    """One step: what is done, its formula in LaTeX and as Unicode text, and what was checked."""

    text: str
    latex: str
    plain: str
    check: str


@dataclass(frozen=True)
class Derivation:
    """A title and its steps, all of them checked.

    >>> from chainrule.derive import derive_mle
    >>> print(derive_mle("poisson").steps[0].plain)  # doctest: +NORMALIZE_WHITESPACE
              x  -λ
             λ ⋅ℯ
    f(x;λ) = ──────
               x!
    """

    title: str
    steps: tuple[DerivedStep, ...]

    def to_plain(self) -> dict[str, Any]:
        """The derivation as plain data; ``text``, ``plain`` and ``check`` can be read in a terminal."""
        steps = [
            {"text": plain_text(s.text), "latex": s.latex, "plain": s.plain, "check": plain_text(s.check)}
            for s in self.steps
        ]
        return {"title": plain_text(self.title), "steps": steps}

    def to_text(self) -> str:
        """The derivation for a terminal: each step's words, its formula, and what was checked."""
        plain = self.to_plain()
        lines = [plain["title"], "=" * len(plain["title"])]
        for number, step in enumerate(plain["steps"], start=1):
            lines += ["", *wrap(step["text"], 96, initial_indent=f"{number}. ", subsequent_indent="   "), ""]
            lines += [f"      {line}".rstrip() for line in step["plain"].splitlines()]
            lines += ["", *wrap(step["check"], 96, initial_indent="   checked: ", subsequent_indent=" " * 12)]
        return "\n".join(lines)


def derived(text: str, formulas: Formula | list[Formula], *checks: Verified) -> DerivedStep:
    """A step that says ``text``, shows ``formulas`` and rests on ``checks`` (at least one).

    >>> from chainrule.derive.notation import formula
    >>> from chainrule.derive.verify import equal
    >>> derived("Two.", formula("1 + 1", 2), equal(1 + 1, 2, "both sides are 2")).check
    'both sides are 2'
    """
    if not checks:
        raise InputError(f"the step {text!r} has no check; pass what chainrule.derive.verify returned")
    shown = joined(formulas) if isinstance(formulas, list) else formulas
    return DerivedStep(text, shown.latex, shown.plain, "; ".join(c.statement for c in checks))
