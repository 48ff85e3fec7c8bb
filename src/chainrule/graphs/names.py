"""The names of a graph's nodes: outside a node is its name, inside it is its index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.forks import cached_property
from chainrule.core.text import as_written

__all__ = ["Names", "NodeNames"]

Names = str | Iterable[str]  # one name or several


@dataclass(frozen=True)
class NodeNames:
    """``all`` names in order, and the way from names to indices and back.

    >>> names = NodeNames(("A", "B", "C"))
    >>> names.id("B"), names.of([2, 0])
    (1, ('C', 'A'))
    """

    all: tuple[str, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """The index of each name."""
        return {name: i for i, name in enumerate(self.all)}

    def id(self, node: str) -> int:
        """The index of one name; ``UnknownNameError`` for what is none."""
        try:
            return self.index[node]
        except (KeyError, TypeError):
            raise UnknownNameError.of("node", node, list(self.all)) from None

    def ids(self, what: str, names: Names, *, may_be_empty: bool = False) -> set[int]:
        """One name or several as indices; ``what`` names the argument in errors.

        Raises ``UnknownNameError``, and ``InputError`` where no names came, or not even a list.
        """
        if isinstance(names, str):
            return {self.id(names)}
        try:
            ids = {self.id(name) for name in iter(names)}
        except TypeError:
            raise InputError(f"{what} must be a node name or several; got {as_written(names)}") from None
        if not ids and not may_be_empty:
            raise InputError(f"{what} is empty; name at least one node")
        return ids

    def of(self, ids: Iterable[int]) -> tuple[str, ...]:
        """The names of some indices."""
        names = self.all
        return tuple([names[i] for i in ids])
