"""Graph text to edges.

    statement  = operand { ("->" | "<-") operand }        ends at a newline, ";" or the end of the text
    operand    = name | "{" name { name } "}"             commas and newlines are allowed in a group
    name       = letters, digits, "_", "."  |  "quoted as in JSON"

An arrow joins every name on its left with every name on its right.  After an arrow a newline is
allowed, so long chains can be broken.  Comments: ``# …``, ``// …``, ``/* … */``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from chainrule.core.errors import InputError, ParseError, TooLargeError

__all__ = ["parse_edges", "quote_name"]

MOST_EDGES = 2_000_000

_TOKEN = re.compile(
    r"""(?P<skip>[^\S\n]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
      | (?P<end>[\n;])
      | (?P<arrow><->|->|<-|--)
      | (?P<name>[\w.]+)
      | (?P<quoted>"(?:[^"\\\n]|\\.)*")
      | (?P<mark>[{},])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int


def parse_edges(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Edges ``(parent, child)`` and all nodes in order of appearance; linear time but for groups.

    Raises ``ParseError`` naming line, column and what was expected, and ``TooLargeError`` above two
    million edges.

    >>> parse_edges("B <- A -> {C D}; E")
    ([('A', 'B'), ('A', 'C'), ('A', 'D')], ['B', 'A', 'C', 'D', 'E'])
    """
    if not isinstance(text, str):
        raise InputError(f"graph text must be a string; got {type(text).__name__}")
    return _Parser(text).run()


def quote_name(name: str) -> str:
    """``name`` as it must be written in graph text.

    >>> quote_name("x1"), quote_name("dog bark")
    ('x1', '"dog bark"')
    """
    return name if re.fullmatch(r"[\w.]+", name) else json.dumps(name, ensure_ascii=False)


class _Parser:
    """Reads tokens one by one; ``_take`` gives the next, which ``_next`` shows without taking it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = next(self._tokens)
        self._edges: list[tuple[str, str]] = []
        self._nodes: dict[str, None] = {}

    def run(self) -> tuple[list[tuple[str, str]], list[str]]:
        while self._next.kind != "stop":
            if self._next.kind == "end":
                self._take()
            else:
                self._statement()
        if not self._nodes:
            self._fail("expected a node or an edge such as A -> B")
        return self._edges, list(self._nodes)

    def _statement(self) -> None:
        left = self._operand("a node name")
        while self._next.kind == "arrow":
            arrow = self._take()
            if arrow.text not in ("->", "<-"):
                self._fail("expected '->' or '<-'", arrow, "an edge has one direction")
            while self._next.text == "\n":
                self._take()
            right = self._operand(f"a node name after {arrow.text!r}")
            pairs = ((a, b) for a in left for b in right)
            if len(self._edges) + len(left) * len(right) > MOST_EDGES:
                raise TooLargeError(
                    f"the text has more than {MOST_EDGES:,} edges; pass them as pairs instead"
                )
            self._edges.extend(pairs if arrow.text == "->" else ((b, a) for a, b in pairs))
            left = right
        if self._next.kind not in ("end", "stop"):
            self._fail(
                "expected '->', '<-', ';' or a new line", hint="quote a name that has other characters"
            )

    def _operand(self, expected: str) -> list[str]:
        if self._next.text != "{":
            return [self._name(expected + " or '{'" if "after" in expected else expected)]
        self._take()
        names: list[str] = []
        while self._next.text != "}":
            if self._next.text in (",", "\n"):
                self._take()
            else:
                names.append(self._name("a node name or '}'"))
        closing = self._take()
        if not names:
            self._fail("expected a node name in the group", closing)
        return names

    def _name(self, expected: str) -> str:
        token = self._next
        if token.kind == "name":
            name = token.text
        elif token.kind == "quoted":
            try:
                name = json.loads(token.text, strict=False)
            except ValueError:
                self._fail("expected a quoted name with JSON escapes such as \\n", token)
            if not name:
                self._fail("expected a name that is not empty", token)
        else:
            hint = "put names in double quotes" if token.text in ("'", "`", "“", "”") else ""
            hint = "the quotation mark is never closed" if token.text == '"' else hint
            self._fail(f"expected {expected}", token, hint)
        self._take()
        self._nodes.setdefault(name)
        return name

    def _take(self) -> _Token:
        token = self._next
        self._next = next(self._tokens, token)
        return token

    def _fail(self, expected: str, token: _Token | None = None, hint: str = "") -> NoReturn:
        token = token or self._next
        line = self._text.count("\n", 0, token.start) + 1
        column = token.start - self._text.rfind("\n", 0, token.start)
        got = {"stop": "the end of the text", "end": "the end of the statement"}.get(token.kind)
        got = got or repr(token.text[:30])
        raise ParseError(
            f"line {line}, column {column}: {expected}, got {got}" + (f"; {hint}" if hint else "")
        )


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield _Token(str(match.lastgroup), match.group(), match.start())
    yield _Token("stop", "", len(text))
