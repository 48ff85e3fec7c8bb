"""Questions as people write them: ``P(smoker, age | advice=yes)``, ``P(smoker=yes | do(advice=yes))``.

A comma separates, ``|`` comes before what is known, ``name=state`` states one.  What stands in double quotes or in
brackets is one piece, so that ``age=(30, 40]`` needs no quotes; two double quotes in quotes mean one.  ``do(…)`` may
hold several states or stand several times, before or after what is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chainrule.core.errors import InputError, ParseError
from chainrule.core.text import as_written
from chainrule.tables.schema import Schema

__all__ = ["Question", "parse_numbers", "parse_question", "parse_states"]

_FORM = "write for example 'P(smoker | age=60+)', 'P(smoker=yes, age)' or 'P(smoker | do(advice=yes))'"
_DO = re.compile(r"\s*do\s*\((.*)\)\s*", re.DOTALL)


@dataclass(frozen=True)
class Question:
    """Which ``variables`` are asked about, in which ``states`` (of all of them, or none), what is known and done."""

    variables: tuple[str, ...]
    states: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)


def parse_question(text: str) -> Question:
    """The question that ``text`` asks; ``ParseError`` says what was expected.

    >>> parse_question("P(a=yes, b | c=(30, 40], do(d=1))")
    Question(variables=('a', 'b'), states={'a': 'yes'}, evidence={'c': '(30, 40]'}, done={'d': '1'})
    """
    inner = text.strip()
    if not (inner[:1] in ("P", "p") and inner[1:].lstrip().startswith("(") and inner.endswith(")")):
        raise ParseError(f"{text!r} is no question: {_FORM}")
    inner = inner[1:].strip()[1:-1]
    asked, *rest = _pieces(inner, "|")
    if len(rest) > 1:
        raise ParseError(
            f"{text!r} has more than one '|'; known states stand after a single one, with commas between"
        )
    variables, states = [], {}
    for piece in _pieces(asked, ","):
        if _DO.fullmatch(piece):
            raise ParseError(f"{piece.strip()} stands before '|'; what is done is a condition: {_FORM}")
        name, *state = _pieces(piece, "=", most=2)
        variables.append(_plain(name))
        if state:
            states[variables[-1]] = _plain(state[0])
    if not all(variables):
        raise ParseError(f"{text!r} asks about nothing; {_FORM}")
    evidence: dict[str, str] = {}
    done: dict[str, str] = {}
    for piece in _pieces(rest[0], ",") if rest else ():
        action = _DO.fullmatch(piece)
        if action and not action[1].strip():
            raise ParseError(f"do() in {text!r} sets nothing; {_FORM}")
        _take(action[1] if action else piece, done if action else evidence)
    return Question(tuple(variables), states, evidence, done)


def parse_states(text: str, schema: Schema | None = None) -> dict[str, str]:
    """``name=state`` with commas between, each name once; ``InputError`` for anything else.

    >>> parse_states('age=(30, 40], "a, b"=yes')
    {'age': '(30, 40]', 'a, b': 'yes'}
    """
    found: dict[str, str] = {}
    _take(text, found)
    if schema is not None:
        for name in found:
            schema.index(name)
    return found


def parse_numbers(text: str) -> dict[str, list[float] | dict[str, float]]:
    """``name=(number for each state)`` with commas between, by order or by state; ``InputError`` for anything else.

    >>> parse_numbers("xray=(0.2, 0.9), age=(young: 1, old: 3)")
    {'xray': [0.2, 0.9], 'age': {'young': 1.0, 'old': 3.0}}
    """
    found: dict[str, list[float] | dict[str, float]] = {}
    for piece in filter(str.strip, _pieces(text, ",")):
        name, *rest = (part.strip() for part in _pieces(piece, "=", most=2))
        name = _plain(name)
        if not (name and rest and rest[0][:1] == "(" and rest[0][-1:] == ")") or name in found:
            raise _no_numbers(piece)
        parts = [_numbered(part, piece) for part in _pieces(rest[0][1:-1], ",")]
        by_state = {state: number for state, number in parts if state is not None}
        if by_state and len(by_state) < len(parts):
            raise _no_numbers(piece)
        found[name] = by_state or [number for _, number in parts]
    return found


def _numbered(part: str, piece: str) -> tuple[str | None, float]:
    """``state: number``, or a number alone."""
    *state, number = _pieces(part, ":")
    try:
        return _plain(":".join(state)) if state else None, float(number)
    except ValueError:
        raise _no_numbers(piece) from None


def _no_numbers(piece: str) -> InputError:
    return InputError(
        "soft evidence is given as name=(a number for each state), each name once, such as xray=(0.2, 0.9) or "
        f"xray=(no: 0.2, yes: 0.9); got {as_written(piece.strip())}"
    )


def _take(text: str, found: dict[str, str]) -> None:
    for piece in filter(str.strip, _pieces(text, ",")):
        parts = [_plain(part) for part in _pieces(piece, "=", most=2)]
        if len(parts) != 2 or not all(parts) or parts[0] in found:
            raise InputError(
                "what is known or done is given as name=state, each name once, such as smoke=yes; "
                f"got {as_written(piece.strip())}"
            )
        found[parts[0]] = parts[1]


def _pieces(text: str, separator: str, most: int | None = None) -> list[str]:
    """``text`` cut at each separator outside quotes and brackets, at most so many pieces."""
    pieces, inside, depth = [""], False, 0
    for c in text:
        inside ^= c == '"'
        if not inside:
            depth = max(0, depth + (c in "([") - (c in ")]"))
        if c == separator and not inside and not depth and (most is None or len(pieces) < most):
            pieces.append("")
        else:
            pieces[-1] += c
    if inside:
        raise ParseError(f'a quotation mark is never closed in {text!r}; write \'a,b\' as "a,b" and " as ""')
    return pieces


def _plain(piece: str) -> str:
    piece = piece.strip()
    if len(piece) > 1 and piece[0] == piece[-1] == '"':
        return piece[1:-1].replace('""', '"')
    return piece
