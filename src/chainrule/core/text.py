"""The marks of ``records.Text`` as Unicode, for where there is no typesetting."""

from __future__ import annotations

import re

__all__ = ["plain_text"]


def plain_text(text: str) -> str:
    r"""Prose with ``$latex$`` marks, or simple LaTeX itself, as Unicode text.

    Only the commands that derivations and claims use are known; tests hold that none is left over.

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
    r"\perp": "⟂",
    r"\mid": "|",
    r"\times": "×",
}
