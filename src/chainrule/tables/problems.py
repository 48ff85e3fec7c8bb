"""What stands in the way of a table, all of it at once, each with the setting that solves it.

A message that advises a setting names it as it is called where the user is: ``bins={'age': 5}`` in Python,
``--bins age=5`` in a shell.  Whoever reads a table for someone passes those names (``Options``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.core.errors import UnknownNameError, ValuesError

__all__ = ["IN_PYTHON", "THROUGH_READ", "Options", "Problem", "TableError", "UnseenError", "listed"]

# How a setting is written: by its name, a template with {column} (as text), {name} (quoted), {size}, {text} (a cell).
Options = Mapping[str, str]

IN_PYTHON: Options = {
    "bins": "bins={{{name}: 5}}",
    "ignore": "ignore=[{name}]",
    "max_states": "max_states={size}",
    "schema": "schema={{{name}: [its states]}}",
    "missing": "missing=[texts that mean missing]",
    "unseen": "unseen='missing'",
    "encoding": "encoding='cp1252'",
    "header": "header=True",
}
# Where rows go straight into a model there is no such setting; a table that was read by it goes in all the same.
THROUGH_READ: Options = {name: f"Table.read(X, {text})" for name, text in IN_PYTHON.items()} | {
    "unseen": "Table.read(X, schema=the model's schema_, unseen='missing')"
}

_MOST_CHARACTERS = 900


@dataclass(frozen=True)
class Problem:
    """What is wrong with one ``column``, and the names of the settings that solve it, best first.

    ``texts`` are the cells that the setting "missing" would list; a problem of the whole table has no column.

    >>> print(Problem("age", "looks continuous (it holds 1.5)", ("bins", "ignore")).text())
    column 'age' looks continuous (it holds 1.5): bins={'age': 5} or ignore=['age']
    """

    column: str
    reason: str
    settings: tuple[str, ...] = ()
    size: int = 0
    texts: tuple[str, ...] = ()

    def text(self, options: Options = IN_PYTHON) -> str:
        """The problem and what solves it, with settings as they are written at the user's place."""
        shown = repr(self.texts[0] if self.texts else "?")
        ways = [
            options[s].format(column=self.column, name=repr(self.column), size=self.size, text=shown)
            for s in self.settings
            if s in options
        ]
        head = f"column {self.column!r} {self.reason}" if self.column else self.reason
        return head + (f": {' or '.join(ways)}" if ways else "")


class TableError(ValuesError):
    """A table that cannot be read as states; ``problems`` lists every reason."""

    def __init__(self, problems: Sequence[Problem], options: Options = IN_PYTHON) -> None:
        self.problems = tuple(problems)
        self.options = options
        super().__init__(listed(self.problems, lambda p: p.text(options)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems, self.options)


class UnseenError(UnknownNameError, ValuesError):
    """Categories that the schema does not have; ``problems`` lists one for each column."""

    def __init__(self, problems: Sequence[Problem], options: Options = IN_PYTHON) -> None:
        self.problems = tuple(problems)
        self.options = options
        way = options.get("unseen", "").format(column="", name="", size=0, text="")
        text = listed(self.problems, lambda p: p.reason)
        super().__init__(text + (f"; correct them, or read by {way}" if way else ""))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems, self.options)


def listed(problems: Sequence[Problem], text: Callable[[Problem], str]) -> str:
    """The problems in one line of at most 1,000 characters.

    >>> listed([Problem(f"c{i}", "is empty") for i in range(99)], lambda p: p.text())[-23:]
    '; … and 60 more columns'
    """
    shown: list[str] = []
    length = 0
    for p in problems:
        line = " ".join(text(p).split())
        line = line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"
        if shown and length + len(line) > _MOST_CHARACTERS:
            break
        shown.append(line)
        length += len(line) + 2
    more = len(problems) - len(shown)
    return "; ".join(shown) + (f"; … and {more} more column{'s' * (more > 1)}" if more else "")
