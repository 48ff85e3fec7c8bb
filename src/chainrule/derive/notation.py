"""One formula, two forms: LaTeX for the page, Unicode text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.pretty_symbology import pretty_use_unicode
from sympy.printing.pretty.stringpict import prettyForm

from chainrule.core.text import plain_text

__all__ = ["Formula", "formula", "joined", "plain_text"]


@dataclass(frozen=True)
class Formula:
    """A formula as LaTeX (no dollar signs) and as Unicode text, which may span several lines."""

    latex: str
    plain: str


def formula(left: str, right: Any, relation: str = "=") -> Formula:
    r"""``left relation right``: ``left`` and ``relation`` in simple LaTeX, ``right`` a SymPy object.

    >>> n, rate = sp.Symbol("n"), sp.Symbol("lambda")
    >>> f = formula(r"\ell(\lambda)", n * sp.log(rate))
    >>> f.latex
    '\\ell(\\lambda) = n \\log{\\left(\\lambda \\right)}'
    >>> f.plain
    'ℓ(λ) = n⋅log(λ)'
    """
    right = sp.sympify(right)
    front = prettyForm(f"{plain_text(left)} {plain_text(relation)} ")
    before = pretty_use_unicode(True)  # large signs go by this flag alone, which sympy sets by the terminal
    try:
        back = _Plain({"use_unicode": True})._print(right)
        text = prettyForm(*front.right(back)).render(wrap_line=False)
    finally:
        pretty_use_unicode(before)
    return Formula(
        latex=f"{left} {relation} {_Latex().doprint(right)}",
        plain="\n".join(line.rstrip() for line in text.splitlines()),
    )


def joined(formulas: Sequence[Formula]) -> Formula:
    """Several formulas as one: side by side in LaTeX, one under the other in text."""
    return Formula(
        latex=r",\qquad ".join(f.latex for f in formulas),
        plain="\n".join(f.plain for f in formulas),
    )


class _PositiveFirst:
    """Writes ``n/λ - S``, not ``-S + n/λ``: terms with a minus sign come last."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        terms = super()._as_ordered_terms(expr, order="none")  # type: ignore[misc]  # a printer's method
        return sorted(terms, key=lambda term: term.could_extract_minus_sign())


class _Latex(_PositiveFirst, LatexPrinter):
    pass


class _Plain(_PositiveFirst, PrettyPrinter):
    pass
