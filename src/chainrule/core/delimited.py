"""What stands between the cells of a text table, and what quotes are: the rules for every reader of them."""

from __future__ import annotations

import re

__all__ = ["QUOTED", "separator_of"]

# text between double quotes, where two stand for one; a repeated choice of two would remember each sign that it took
QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'

_QUOTED_OR_MARK = re.compile(QUOTED + r"|(?P<separator>[,;\t])|(?P<end>[\r\n])")


def separator_of(text: str) -> str | None:
    """The first comma, semicolon or tab of the first line that holds anything, outside quotes; ``None`` if none.

    Quoted text may hold all three, and line ends.

    >>> separator_of('a;b,c'), separator_of('"a,b"\\tc'), separator_of("0 1 1\\n,")
    (';', '\\t', None)
    """
    for found in _QUOTED_OR_MARK.finditer(text.lstrip(" \r\n")):
        if found["separator"] or found["end"]:
            return found["separator"]
    return None
