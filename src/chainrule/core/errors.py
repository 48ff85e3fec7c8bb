"""What can go wrong through a user's hands, and how we say it.

Every message is one line that says what was expected, what came, and what to do.  The command line
prints it and exits with 2; nothing that a user can cause ends in a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from chainrule.core.text import as_written, one_line, visible

__all__ = [
    "ChainruleError",
    "CycleError",
    "DataError",
    "InputError",
    "NoExtensionError",
    "OutputError",
    "ParseError",
    "ShapeError",
    "TooLargeError",
    "UnknownNameError",
    "ValuesError",
]

_LONGEST_COMPARED, _MOST_COMPARED = (
    80,
    5_000,
)  # signs of a name, and names, among which near matches are looked for


_MOST_SHOWN = 10  # nodes or triples that a message lists
_LONGEST_SHOWN = 40  # signs of a name in a list of several


class ChainruleError(Exception):
    """Base of every error that chainrule raises on purpose.

    A message is one line of at most ``most`` signs, whatever it quotes: what is too long lacks its middle, and what
    cannot be seen is made visible.

    >>> issubclass(ShapeError, ChainruleError) and issubclass(ShapeError, ValueError)
    True
    >>> len(str(InputError("got " + "x" * 5000 + "; pass less")))
    999
    """

    most: ClassVar[int] = 999

    def __str__(self) -> str:
        text = super().__str__()
        if "\n" in text:
            text = " ".join(text.split())
        text = visible(text)
        if len(text) <= self.most:
            return text
        half = (self.most - 3) // 2
        return f"{text[:half]} … {text[-half:]}"


class InputError(ChainruleError, ValueError):
    """An argument or a setting that cannot be used."""


class ShapeError(InputError):
    """An array of the wrong rank or width."""


class ValuesError(InputError):
    """An array of the right shape that holds values the model does not accept."""


class UnknownNameError(InputError):
    """A name (of a node, a data set, a family) that does not exist; the message lists near matches."""

    @classmethod
    def of(cls, what: str, name: object, known: list[str]) -> UnknownNameError:
        """The error for ``name``, which is none of ``known``.

        >>> print(UnknownNameError.of("data set", "mnits", ["digits", "mnist"]))
        there is no data set 'mnits'; did you mean 'mnist'? (known: digits, mnist)
        """
        from difflib import get_close_matches

        text = name if isinstance(name, str) else as_written(name)
        known = [k if isinstance(k, str) else as_written(k) for k in known]
        like = [k for k in known if len(k) <= 2.4 * len(text) <= 5.8 * len(k)][:_MOST_COMPARED]
        near = get_close_matches(text, like, n=3) if len(text) <= _LONGEST_COMPARED else []
        hint = f"; did you mean {' or '.join(map(_quoted, near))}?" if near else ""
        shown = ", ".join(one_line(k) for k in known[:20])
        more = f", … {len(known)} in all" if len(known) > 20 else ""
        return cls(f"there is no {what} {_quoted(text)}{hint} (known: {shown}{more})")


def _quoted(name: str) -> str:
    """A name as Python writes it, where that is not too long."""
    return repr(name) if len(name) <= _LONGEST_COMPARED else repr(name[:_LONGEST_COMPARED] + "…")


class ParseError(InputError):
    """Text that does not follow its format; the message names the line and the column."""


class CycleError(InputError):
    """A directed cycle where an acyclic graph was needed; ``cycle`` holds its nodes in order."""

    def __init__(self, cycle: list[str]) -> None:
        self.cycle = list(cycle)
        super().__init__(
            f"the graph has a directed cycle: {_path(self.cycle)}; remove one of these edges to get a DAG"
        )


class NoExtensionError(InputError):
    """A partially directed graph that no DAG extends.

    Either ``cycle`` holds the nodes of a directed cycle in order, or ``colliders`` triples (a, c, b), one for each c of
    the nodes ``among`` that no directed edge leaves: were it the last of these, a -> c <- b would be a new v-structure.
    """

    def __init__(
        self, among: Iterable[str], cycle: Iterable[str], colliders: Iterable[tuple[str, ...]]
    ) -> None:
        self.among, self.cycle, self.colliders = tuple(among), tuple(cycle), tuple(colliders)
        if self.cycle:
            why = f"{_path(self.cycle)} is a directed cycle; turn one of its edges"
        else:
            triples = [[one_line(name, _LONGEST_SHOWN) for name in t] for t in self.colliders[:_MOST_SHOWN]]
            shown = [f"{a} -> {c} <- {b}" for a, c, b in triples]
            more = len(self.colliders) - len(shown)
            listed = "; ".join(shown) + (f"; and {more:,} more" if more else "")
            why = (
                f"whichever of {_shown(self.among)} comes last has an edge to another of them, or becomes a new "
                f"v-structure ({listed}); take an edge out, or direct the edges of one of these"
            )
        super().__init__(f"no DAG extends the graph: {why}")


def _shown(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_SHOWN
    listed = ", ".join(one_line(name, _LONGEST_SHOWN) for name in names[:_MOST_SHOWN])
    return listed + (f", … {len(names)} in all" if more > 0 else "")


def _path(cycle: Sequence[str]) -> str:
    """A cycle round to its first node; of a long one the first nodes and the last."""
    nodes = [one_line(name, _LONGEST_SHOWN) for name in (*cycle, cycle[0])]
    if len(nodes) <= 2 * _MOST_SHOWN:
        return " -> ".join(nodes)
    head, tail = nodes[:_MOST_SHOWN], nodes[-_MOST_SHOWN:]
    return " -> ".join([*head, "…", *tail]) + f" ({len(cycle):,} nodes)"


class TooLargeError(InputError):
    """An exact answer that would cost more than is sensible; the message says how much."""


class DataError(ChainruleError):
    """A data file that is missing, damaged, or not what it claims to be."""


class OutputError(ChainruleError, OSError):
    """A place that cannot be written to."""
