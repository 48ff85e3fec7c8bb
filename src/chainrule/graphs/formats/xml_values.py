"""What stands in XML, between tags and in attributes: numbers, and names as XML can hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, ParseError
from chainrule.graphs.formats.network_builder import MOST_NUMBERS
from chainrule.graphs.formats.probabilities import plain_numbers, word_that_is_no_number
from chainrule.graphs.formats.scanner import shown
from chainrule.graphs.formats.xml_records import SPACE, Element, place_text

__all__ = ["check_holdable", "escaped", "names_of", "numbers_of", "without_unknown"]

_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def numbers_of(element: Element) -> NDArray[np.float64]:
    """The numbers that are the text of ``element``; ``ParseError`` for other words, with its place."""
    text = "".join(element.pieces)
    element.pieces = ()  # no text of megabytes is held twice
    numbers = plain_numbers(text, 0, len(text), MOST_NUMBERS)
    if numbers is None:
        bad = word_that_is_no_number(text)
        got = "more" if bad is None else shown(re.split(r"[\s,]", text[bad : bad + 100], maxsplit=1)[0])
        raise ParseError(
            f"{place_text(element.at)}: expected at most {MOST_NUMBERS:,} numbers in <{element.tag}>, got {got}; "
            "correct it"
        )
    return numbers


def escaped(text: str) -> str:
    """``text`` as XML has it between tags and in attributes.

    >>> escaped('<5 & "x"')
    '&lt;5 &amp; &quot;x&quot;'
    """
    for sign, entity in _ENTITIES.items():
        text = text.replace(sign, entity)
    return text


def names_of(variables: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Every name that is to be written, of variables and of their states, with what it is the name of."""
    for v, states in variables.items():
        yield "variable", v
        for state in states:
            yield f"state of {shown(v)}", state


def check_holdable(what: str, name: str, format: str) -> None:
    """``InputError`` for a name with characters that XML has not, or with white space around it, which is dropped."""
    if (bad := _NO_CHARACTER.search(name)) or name != name.strip(SPACE) or not name:
        why = f"it has the character {bad[0]!r}" if bad else "of white space around a name nothing is kept"
        raise InputError(f"{format} cannot hold the {what} {shown(name)}: {why}; rename it, or write BIF")


def without_unknown(text: str) -> str:
    """``text`` without characters that XML has not, such as NUL."""
    return _NO_CHARACTER.sub("", text)
