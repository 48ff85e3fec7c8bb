"""How names, sets and statements are written, in plain text and in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["latex_name", "names_latex", "probability_latex", "probability_text", "set_text"]

_IN_TEXT = {
    "\\": r"\textbackslash ",
    "~": r"\textasciitilde ",
    "^": r"\textasciicircum ",
    **{c: "\\" + c for c in "{}$&#_%"},
}


def latex_name(name: str) -> str:
    """A node name as LaTeX: upright when it has several letters, a subscript for ``x12``; primes stay at its end.

    >>> latex_name("A"), latex_name("AP"), latex_name("x12'"), latex_name("dog_bark 1")
    ('A', '\\\\mathrm{AP}', "x_{12}'", '\\\\text{dog\\\\_bark 1}')
    """
    if match := re.fullmatch(r"(.*[^'])('+)", name, re.DOTALL):
        return latex_name(match[1]) + match[2]
    if re.fullmatch(r"[A-Za-z]", name):
        return name
    if match := re.fullmatch(r"([A-Za-z])_?(\d+)", name):
        return f"{match[1]}_{{{match[2]}}}"
    if re.fullmatch(r"[A-Za-z]+", name):
        return rf"\mathrm{{{name}}}"
    return r"\text{" + "".join(_IN_TEXT.get(c, c if c.isprintable() else " ") for c in name) + "}"


def names_latex(names: Iterable[str]) -> str:
    """Names with commas between."""
    return ", ".join(map(latex_name, names))


def probability_latex(names: Iterable[str], given: Iterable[str] = (), do: Iterable[str] = ()) -> str:
    """``P(names | do(…), given)`` in LaTeX.

    >>> probability_latex(["A"], ["S"])
    'P(A \\\\mid S)'
    """
    done = names_latex(do)
    condition = ", ".join(filter(None, (rf"\operatorname{{do}}({done})" if done else "", names_latex(given))))
    return rf"P({names_latex(names)} \mid {condition})" if condition else f"P({names_latex(names)})"


def probability_text(names: Iterable[str], given: Iterable[str] = (), do: Iterable[str] = ()) -> str:
    """``P(names | do(…), given)`` in plain text.

    >>> probability_text(["R"], ["S", "AP"]), probability_text(["R"], ["S"], do=["AP"])
    ('P(R | S, AP)', 'P(R | do(AP), S)')
    """
    done = ", ".join(do)
    condition = ", ".join([*([f"do({done})"] if done else []), *given])
    return f"P({', '.join(names)} | {condition})" if condition else f"P({', '.join(names)})"


def set_text(names: Iterable[str]) -> str:
    """Names as a set; one name stands alone.

    >>> set_text(["S"]), set_text(["S", "R"]), set_text([])
    ('S', '{S, R}', 'nothing')
    """
    names = list(names)
    if not names:
        return "nothing"
    return names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"
