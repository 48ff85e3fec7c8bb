"""The marks of record text as safe HTML: formulas, code, strong words, paragraphs; all else is escaped."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape
from math_core import LatexError, LatexToMathML

from chainrule.core.errors import InputError

__all__ = ["inline", "math", "paragraphs"]

_LONG_LATEX = 45  # a longer formula within a line may be wider than a phone, so it may scroll
_PUNCTUATION = re.compile(r"[.,;:!?)\]]+")
# Formulas and code come first, so that two stars inside them stay stars.
_MARKS = re.compile(
    r"\\(?P<sign>[$`*])|\$(?P<math>[^$]+)\$|`(?P<code>[^`]+)`|\*\*(?P<strong>(?:\\\*|.)+?)\*\*", re.DOTALL
)


def paragraphs(text: str) -> Markup:
    """``text`` as one ``<p>`` per paragraph (a blank line parts them); ``InputError`` for a bad formula.

    >>> paragraphs("Two **words**.")
    Markup('<p>Two <strong>words</strong>.</p>')
    """
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return Markup("\n").join(Markup("<p>{}</p>").format(inline(part)) for part in parts if part)


def inline(text: str) -> Markup:
    """``text`` with its marks turned into HTML, without paragraphs; ``InputError`` for a bad formula.

    >>> inline("`a<b`")
    Markup('<code>a&lt;b</code>')
    """
    out, done = Markup(), 0
    for mark in _MARKS.finditer(text):
        out += _plain(text[done : mark.start()], text)
        after = _PUNCTUATION.match(text, mark.end()) if mark["math"] is not None else None
        done = after.end() if after else mark.end()
        if after:  # else a browser may break the line between a formula and its comma
            out += Markup('<span class="whole">{}{}</span>').format(_marked(mark), after[0])
        else:
            out += _marked(mark)
    return out + _plain(text[done:], text)


@lru_cache(maxsize=4096)
def math(latex: str, *, display: bool = False) -> Markup:
    """``latex`` (no dollar signs) as a MathML element; ``InputError`` names the formula that is not LaTeX.

    >>> math("x")
    Markup('<math><mi>x</mi></math>')
    """
    if not latex.strip():
        raise InputError("an empty formula; write LaTeX between the dollar signs")
    try:
        # math-core escapes every character of its input that HTML would read as markup
        return Markup(_converter.convert_with_local_state(latex, displaystyle=display))
    except LatexError as e:
        reason = str(e).strip().splitlines()[0]
        raise InputError(f"the formula {latex!r} cannot be typeset ({reason}); write it another way") from e


_converter = LatexToMathML(fancy_error=False)


def _marked(mark: re.Match[str]) -> Markup:
    if mark["sign"] is not None:
        return escape(mark["sign"])
    if mark["math"] is not None:
        formula = math(mark["math"])
        long = len(mark["math"]) > _LONG_LATEX
        return Markup('<span class="long">{}</span>').format(formula) if long else formula
    if mark["code"] is not None:
        return Markup("<code>{}</code>").format(mark["code"])
    return Markup("<strong>{}</strong>").format(inline(mark["strong"]))


def _plain(part: str, whole: str) -> Markup:
    if "$" in part:
        raise InputError(
            f"a dollar sign without its partner in the text {_shortened(whole)!r}; pair it or leave it out"
        )
    return escape(part)


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
