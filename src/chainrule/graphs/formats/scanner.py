"""Text to tokens, one at a time, and errors that say where: shared by the readers of all formats.

A format's token pattern has named groups; the name of the group that matched is the token's kind.  It must
match everything: ``pattern`` adds what is skipped between tokens, ``other`` for a character that begins no
token, and ``stop`` at the end.  A reader must refuse ``other``: then a comment or a quotation mark that is
never closed is looked for only once, and reading stays linear.
"""

from __future__ import annotations

import re
from typing import NoReturn

from chainrule.core.errors import InputError, ParseError, TooLargeError

__all__ = [
    "MOST_CHARACTERS",
    "QUOTED",
    "QUOTED_IN_LINE",
    "Scanner",
    "check_text",
    "pattern",
    "quoted",
    "shown",
    "unquoted",
]

MOST_CHARACTERS = 100_000_000
# text between double quotes with backslashes; a repeated choice of two would remember each character that it took
QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
QUOTED_IN_LINE = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"'  # without line ends that no backslash escapes
_MOST_SHOWN = 60


def check_text(text: object) -> str:
    """``text`` if it is a string of sensible length; ``InputError`` or ``TooLargeError`` if not."""
    if not isinstance(text, str):
        raise InputError(f"graph text must be a string; got {type(text).__name__}")
    if len(text) > MOST_CHARACTERS:
        raise TooLargeError(
            f"the text has {len(text):,} characters, at most {MOST_CHARACTERS:,} are read; "
            "pass the edges as pairs instead"
        )
    return text


def pattern(tokens: str, *, skip: str) -> re.Pattern[str]:
    """The compiled token pattern of a format; ``skip`` is what may stand between tokens.

    >>> numbers = pattern(r"(?P<number>[0-9]+)", skip=r"[ ]+")
    >>> [m.lastgroup for m in numbers.finditer("12 3?")]
    ['number', 'number', 'other', 'stop']
    """
    return re.compile(rf"(?:{skip})*+(?:{tokens}|(?P<stop>\Z)|(?P<other>.))", re.VERBOSE | re.DOTALL)


def quoted(name: str) -> str:
    r"""``name`` between double quotes; a backslash goes before a quotation mark and a backslash.

    >>> print(quoted('say "hi"'))
    "say \"hi\""
    """
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text: str) -> str:
    r"""What ``quoted`` was given; a backslash before any other character stands for itself.

    >>> unquoted(r'"say \"hi\""')
    'say "hi"'
    """
    return re.sub(r'\\(["\\])', r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def shown(name: str) -> str:
    """``name`` as messages have it: in quotes, and its beginning only where it is long.

    >>> shown("rain"), len(shown("x" * 10**6))
    ("'rain'", 63)
    """
    return repr(name if len(name) <= _MOST_SHOWN else name[:_MOST_SHOWN] + "…")


class Scanner:
    """Shows the token that comes next, as ``kind`` and ``text``; ``take`` moves on to the one after it."""

    __slots__ = ("_match", "_more", "_tokens", "kind", "source", "text")

    kind: str
    text: str

    def __init__(self, source: str, tokens: re.Pattern[str]) -> None:
        self.source = check_text(source)
        self._tokens = tokens
        self.jump(0)

    def jump(self, at: int) -> None:
        """Go on with the first token at or after an index into the source."""
        self._more = self._tokens.finditer(self.source, at)
        self.take()

    def take(self) -> None:
        """Move on to the next token; after the last one the kind stays ``stop``."""
        match = next(self._more, None)
        if match is not None:
            self._match = match
            self.kind = kind = match.lastgroup or "stop"
            self.text = match[kind]

    @property
    def start(self) -> int:
        """Where the next token begins, as an index into the source."""
        return self._match.start(self.kind)

    def skip(self, text: str) -> bool:
        """Take the next token if it is ``text``; whether it was."""
        if self.text != text or self.kind == "stop":
            return False
        self.take()
        return True

    def expect(self, text: str) -> None:
        """Take ``text``, or fail."""
        if not self.skip(text):
            self.fail(f"expected {text!r}")

    def word(self, expected: str) -> str:
        """Take a word, or a text without its quotes, that is not empty; or fail."""
        found = unquoted(self.text) if self.kind == "quoted" else self.text
        if self.kind not in ("word", "quoted") or not found:
            self.fail(f"expected {expected}")
        self.take()
        return found

    def place(self, at: int | None = None) -> str:
        """``line 3, column 7`` of an index into the source, or of the next token."""
        at = self.start if at is None else at
        line = self.source.count("\n", 0, at) + 1
        return f"line {line}, column {at - self.source.rfind(chr(10), 0, at)}"

    def fail(self, expected: str, *, hint: str = "") -> NoReturn:
        """Raise the ``ParseError`` that says where, what was ``expected`` and what came."""
        got = {"stop": "the end of the text", "end": "the end of the statement"}.get(self.kind)
        if self.text == '"':
            hint = "the quotation mark is never closed"
        elif self.source.startswith("/*", self.start):
            hint = "the comment is never closed"
        self.refuse(f"{expected}, got {got or repr(self.text[:30])}" + (f"; {hint}" if hint else ""))

    def refuse(self, message: str, at: int | None = None) -> NoReturn:
        """Raise the ``ParseError`` with ``message`` for what stands at an index, or for the next token."""
        raise ParseError(f"{self.place(at)}: {message}")
