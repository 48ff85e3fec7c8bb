"""XML in pieces: a document as a stream of small elements, each with its place, and nothing that XML can be abused for.

A *container* is an element that holds records; every other element below one is a *record* and comes whole, with all
that is in it, and is then forgotten.  Entities are refused where a document defines one, so that none can grow or name
a file; a document type may be declared, as files of XMLBIF do, but is not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn
from xml.parsers.expat import ErrorString, ExpatError, ParserCreate

from chainrule.core.errors import ParseError, TooLargeError
from chainrule.graphs.formats.scanner import check_text, shown

__all__ = ["SPACE", "Element", "Place", "place_text", "read_records"]

MOST_ELEMENTS = 1_000_000  # of one record
MOST_NESTED = 50
SPACE = " \t\r\n"  # what XML calls white space
_MOST_DECLARED = 100  # attributes of a document type, which every element could be given

_NONE: Mapping[str, str] = MappingProxyType({})

Place = tuple[int, int]  # line and column, from 1


@dataclass(slots=True)
class Element:
    """A tag with its attributes, the text directly in it, what is below it, and where it begins.

    Most have no more than one of the three, so the others share what is empty: a document is mainly elements.
    """

    tag: str
    attributes: Mapping[str, str]
    at: Place
    children: list[Element] | tuple[()] = ()
    pieces: list[str] | tuple[()] = ()

    @property
    def text(self) -> str:
        """The text without white space around it."""
        return "".join(self.pieces).strip(SPACE)

    def all(self, tag: str) -> list[Element]:
        """Those directly below with this tag."""
        return [child for child in self.children if child.tag == tag]

    def add(self, child: Element) -> None:
        """One more below."""
        self.children = self.children or []
        self.children.append(child)

    def say(self, text: str) -> None:
        """More of the text."""
        self.pieces = self.pieces or []
        self.pieces.append(text)

    def one(self, tag: str) -> Element:
        """The only one below with this tag; ``ParseError`` for none and for several."""
        found = self.all(tag)
        if len(found) != 1:
            at = found[1].at if found else self.at
            raise ParseError(
                f"{place_text(at)}: expected one <{tag}> in <{self.tag}>, got {len(found)}; correct it"
            )
        return found[0]


def place_text(at: Place) -> str:
    """``line 3, column 7``."""
    return f"line {at[0]}, column {at[1]}"


def read_records(
    text: str,
    root: str,
    containers: Collection[str],
    take: Callable[[Element, str], None],
    enter: Callable[[Element], None],
) -> Place:
    """Give each record of the document below ``root`` to ``take``, with the tag of the container that it is in.

    ``enter`` gets each container as it begins.  Returns where the document ends.

    Raises ``ParseError`` for what is no XML, for another root, and for entities.

    >>> found = []
    >>> read_records("<a><b>1</b><b>2</b></a>", "a", ["a"], lambda b, tag: found.append((b.text, b.at)), print)
    Element(tag='a', attributes=mappingproxy({}), at=(1, 1), children=(), pieces=())
    (1, 24)
    >>> found
    [('1', (1, 4)), ('2', (1, 12))]
    """
    return _Reader(root, containers, take, enter).run(check_text(text))


class _Reader:
    def __init__(
        self,
        root: str,
        containers: Collection[str],
        take: Callable[[Element, str], None],
        enter: Callable[[Element], None],
    ) -> None:
        self._root, self._containers, self._take, self._enter = root, frozenset(containers), take, enter
        self._within: list[str] = []  # containers
        self._open: list[Element] = []  # from the record that is read down to the element that is
        self._n_elements = self._n_declared = 0
        self._parser = ParserCreate()

    def run(self, text: str) -> Place:
        parser = self._parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._entity
        parser.AttlistDeclHandler = self._declared
        try:
            parser.Parse(text, True)
        except ExpatError as e:
            at = place_text((e.lineno, e.offset + 1))
            raise ParseError(f"{at}: this is not well-formed XML ({ErrorString(e.code)}); correct it") from e
        except UnicodeEncodeError as e:
            raise ParseError(f"{text[e.start]!r} is not Unicode text; save the file as UTF-8") from e
        end = self._place()
        del (
            self._parser
        )  # it knows this reader, which would wait for a search for garbage, with all that was read
        return end

    def _place(self) -> Place:
        return self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1

    def _refuse(self, message: str) -> NoReturn:
        raise ParseError(f"{place_text(self._place())}: {message}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._within and tag != self._root:
            self._refuse(f"expected <{self._root}> as the first element, got <{shown(tag)[1:-1]}>")
        if len(self._within) + len(self._open) == MOST_NESTED:
            self._refuse(f"elements are nested more than {MOST_NESTED} deep; flatten them")
        element = Element(tag, attributes or _NONE, self._place())
        if self._open:
            self._n_elements += 1
            if self._n_elements > MOST_ELEMENTS:
                raise TooLargeError(
                    f"{place_text(self._place())}: <{shown(self._open[0].tag)[1:-1]}> holds more than "
                    f"{MOST_ELEMENTS:,} elements; leave some out"
                )
            self._open[-1].add(element)
        elif tag in self._containers:
            self._within.append(tag)
            self._enter(element)
            return
        self._open.append(element)

    def _end(self, tag: str) -> None:
        if not self._open:
            self._within.pop()
            return
        element = self._open.pop()
        if not self._open:
            self._n_elements = 0
            self._take(element, self._within[-1])

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].say(text)

    def _entity(self, name: str, *_: object) -> None:
        self._refuse(f"entities such as &{shown(name)[1:-1]}; are not read; write out what it stands for")

    def _declared(self, _element: str, _name: str, _kind: str, default: str | None, _required: bool) -> None:
        self._n_declared += 1
        if self._n_declared > _MOST_DECLARED or len(default or "") > _MOST_DECLARED:
            self._refuse("the document type declares too much about attributes; remove it")
