"""One formula, two forms: LaTeX for the page, Unicode text for the terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.stringpict import prettyForm

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
    back = _Plain({"use_unicode": True})._print(right)
    text = prettyForm(*front.right(back)).render(wrap_line=False)
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


def plain_text(text: str) -> str:
    r"""Prose with ``$latex$`` marks, or simple LaTeX itself, as Unicode text.

    Only the commands that the derivations use are known; tests hold that none is left over.

    >>> plain_text(r"the root $\hat{\lambda} = n/S$ as $n \to \infty$")
    'the root λ̂ = n/S as n → ∞'
    """
    for command, sign in _SIGNS.items():
        # the space after a letter only ends the command's name; around an operator it is wanted
        space = r"(?: (?=[\w{(]))?" if len(sign) == 1 and (sign.isalpha() or sign == "∂") else ""
        text = re.sub(re.escape(command) + r"(?![A-Za-z])" + space, sign, text)
    text = re.sub(r"\\(hat|bar|tilde) ?\{?(\w)\}?", lambda m: m[2] + _ACCENTS[m[1]], text)
    text = re.sub(r"\\(?:mathrm|text)\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", text)
    text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
    text = re.sub(r"\^\{?2\}?", "²", text)
    text = re.sub(r"([_^])\{(\w|-\w)\}", r"\1\2", text)
    text = re.sub(r"([_^])\{([^{}]*)\}", r"\1(\2)", text)
    return re.sub(r"[${}]|\*\*|`", "", text).replace("\\,", " ")


_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
_SIGNS = {
    r"\lambda": "λ",
    r"\mu": "μ",
    r"\sigma": "σ",
    r"\theta": "θ",
    r"\eta": "η",
    r"\gamma": "γ",
    r"\alpha": "α",
    r"\chi": "χ",
    r"\delta": "δ",
    r"\pi": "π",
    r"\ell": "ℓ",
    r"\Lambda": "Λ",
    r"\Gamma": "Γ",
    r"\infty": "∞",
    r"\partial": "∂",
    r"\sum": "Σ",
    r"\prod": "Π",
    r"\log": "log",
    r"\to": "→",
    r"\in": "∈",
    r"\neq": "≠",
    r"\le": "≤",
    r"\ge": "≥",
    r"\approx": "≈",
    r"\cdot": "·",
    r"\sim": "~",
    r"\pm": "±",
    r"\exp": "exp",
    r"\nabla": "∇",
    r"\int": "∫",
    r"\ldots": "…",
}


class _PositiveFirst:
    """Writes ``n/λ - S``, not ``-S + n/λ``: terms with a minus sign come last."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list[Any]:
        terms = super()._as_ordered_terms(expr, order="none")  # type: ignore[misc]  # a printer's method
        return sorted(terms, key=lambda term: term.could_extract_minus_sign())


class _Latex(_PositiveFirst, LatexPrinter):
    pass


class _Plain(_PositiveFirst, PrettyPrinter):
    pass
