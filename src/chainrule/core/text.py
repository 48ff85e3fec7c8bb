"""The marks of ``records.Text``: as Unicode where there is no typesetting, and kept out of words that are not ours."""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["as_written", "literal", "one_line", "plain_text", "visible"]

_MARK = re.compile(r"[$`*]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n|[\r\n\u2028\u2029]")


def literal(text: str, most: int = 80) -> str:
    r"""Words that are not ours, a name or a state of a table, so that none of their signs is a mark.

    They come in one line, as ``one_line`` has them.

    >>> literal("50 $ a*b"), literal("two\nlines")
    ('50 \\$ a\\*b', 'two↵lines')
    """
    return _MARK.sub(r"\\\g<0>", one_line(text, most))


def one_line(text: str, most: int = 80) -> str:
    r"""``text`` in one line of at most ``most`` signs; what cannot be seen is made visible.

    >>> one_line("a\tb"), one_line(""), one_line(" x"), one_line("abcdef", 4)
    ('a␉b', '“”', '“ x”', 'abc…')
    """
    line = visible(_LINE_END.sub("↵", text))
    line = line if len(line) <= most else line[: most - 1] + "…"
    return line if line and line == line.strip() else f"“{line}”"


def as_written(value: object, most: int = 200, *, write: Callable[[object], str] = repr) -> str:
    """``value`` as Python writes it, for a message: one line of at most ``most`` signs, whatever it is.

    Not every value can be written: lists nested too deeply cannot, nor whole numbers of thousands of digits.

    >>> as_written("a"), as_written(10**5000)
    ("'a'", 'an int that cannot be written')
    """
    try:
        text = write(value)
    except Exception as e:  # whatever a class of the user's raises there
        kind = type(value).__name__
        text = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} that cannot be written"
        text += "" if isinstance(e, (ValueError, RecursionError)) else f" ({type(e).__name__})"
    return one_line(text, most)


def visible(text: str) -> str:
    r"""``text`` with a sign in place of each that cannot be seen, or that a terminal would obey.

    >>> visible("a\x1b[2J\ud800")
    'a␛[2J�'
    """
    return _CONTROL.sub(lambda sign: _picture(sign[0]), text)


def _picture(sign: str) -> str:
    return chr(0x2400 + ord(sign)) if ord(sign) < 0x20 else "�"


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
