"""What stands in arguments: a graph, names, evidence, a setting of a column."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

from chainrule.core.errors import InputError, ParseError
from chainrule.core.text import as_written

if TYPE_CHECKING:
    from chainrule.graphs import PDAG, DirectedGraph

__all__ = [
    "read_any_graph",
    "read_graph",
    "split_evidence",
    "split_groups",
    "split_names",
    "split_setting",
    "split_sizes",
]

G = TypeVar("G", bound="DirectedGraph | PDAG")


def read_graph(kind: type[G], text_or_path: str) -> G:
    """The graph in a file, or the graph that the argument itself describes."""
    if os.path.exists(text_or_path):
        return kind.read(text_or_path)
    if not any(mark in text_or_path for mark in ("->", "<-", "--", "{", ";", "\n")):
        raise InputError(
            f"{text_or_path!r} is neither a file nor a graph; give a path, or text such as 'A -> B <- C'"
        )
    return kind.parse(text_or_path)


def read_any_graph(text_or_path: str) -> DirectedGraph | PDAG:
    """The graph in a file or in the argument: partially directed where it has undirected edges, else directed."""
    from chainrule.graphs import PDAG, DirectedGraph

    try:
        return read_graph(DirectedGraph, text_or_path)
    except ParseError:  # of undirected edges, or of a mistake that the other reader tells, too
        return read_graph(PDAG, text_or_path)


def split_names(text: str) -> list[str]:
    """Names with commas between; an empty text has none.

    As in a CSV file, a name with a comma stands between double quotes, where two of them mean one.

    >>> split_names("Z1, Z2"), split_names(""), split_names('"a,b", "5"" pipe"')
    (['Z1', 'Z2'], [], ['a,b', '5" pipe'])
    """
    return [name for part in _parts(text, ",") if (name := _unquoted(part))]


def split_groups(text: str) -> list[list[str]]:
    """Groups of names with ``;`` between the groups, as ``split_names`` reads each; an empty text has none.

    >>> split_groups("age, sex; smoker"), split_groups("")
    ([['age', 'sex'], ['smoker']], [])
    """
    return [names for part in _parts(text, ";") if (names := split_names(part))]


def _parts(text: str, separator: str) -> list[str]:
    """``text`` cut at each separator that is not between double quotes; ``InputError`` where one is not closed."""
    parts, inside = [""], False
    for c in text:
        inside ^= c == '"'
        if c == separator and not inside:
            parts.append("")
        else:
            parts[-1] += c
    if inside:
        raise InputError(f'a quotation mark is never closed in {text!r}; write \'a,b\' as "a,b" and " as ""')
    return parts


def _unquoted(part: str) -> str:
    part = part.strip()
    if len(part) > 1 and part[0] == part[-1] == '"':
        return part[1:-1].replace('""', '"')
    return part


def split_setting(text: str) -> tuple[str, str | None]:
    """``name=value`` as its two parts, or a value alone with ``None``; quotes go around a name that holds ``=``.

    >>> split_setting("age=18,65"), split_setting("missing"), split_setting('"a=b"=5')
    (('age', '18,65'), ('missing', None), ('a=b', '5'))
    """
    name, *rest = _parts(text, "=")
    return _unquoted(name), "=".join(rest) if rest else None


def split_sizes(texts: list[str], option: str) -> dict[str, int]:
    """``name=number`` of each text, or of each of several with commas between; raises ``InputError``.

    >>> split_sizes(["H=3", "U=2,V=4"], "--latent-states")
    {'H': 3, 'U': 2, 'V': 4}
    """
    found: dict[str, int] = {}
    for text in (part for given in texts for part in _parts(given, ",")):
        name, size = split_setting(text)
        if not name or name in found or not (size or "").strip().isdecimal():
            raise InputError(f"{option} is NAME=NUMBER, each name once, such as H=3; got {as_written(text)}")
        found[name] = int(size or "")
    return found


def split_evidence(text: str) -> dict[str, str]:
    """``name=state`` with commas between; raises ``InputError``.  Quotes go around each of the two where needed.

    >>> split_evidence("smoke=yes, xray=no"), split_evidence('"a,b"="x=1"')
    ({'smoke': 'yes', 'xray': 'no'}, {'a,b': 'x=1'})
    """
    evidence: dict[str, str] = {}
    for part in filter(str.strip, _parts(text, ",")):
        name, *states = _parts(part, "=")
        name, state = _unquoted(name), _unquoted("=".join(states))
        if not (name and state) or name in evidence:
            raise InputError(
                f"evidence is given as name=state, each name once, such as smoke=yes; got {as_written(part)}"
            )
        evidence[name] = state
    return evidence
