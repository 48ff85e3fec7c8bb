"""How a table is to be read: the settings of ``Table.read``, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from chainrule.core.checks import as_list, check_instance, check_integer
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.text import as_written
from chainrule.tables.bins import BinRule, checked_bins
from chainrule.tables.encodings import checked_encoding
from chainrule.tables.missing import checked_missing
from chainrule.tables.problems import IN_PYTHON, Options
from chainrule.tables.schema import Schema, Unseen, Variable

__all__ = ["MAX_STATES", "Reading"]

MAX_STATES = 256  # a table for more values than this is a measurement or an identifier


@dataclass(frozen=True)
class Reading:
    """The settings by which a table is read; ``Table.read`` says what each means.

    >>> Reading(bins={"age": 5}, ignore="id").ignore
    ('id',)
    """

    schema: Mapping[str, Variable] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    bins: Mapping[str, BinRule] = field(default_factory=dict)
    ordinal: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] | tuple[str, ...] | None = None
    strip: bool | None = None
    unseen: Mapping[str, Unseen] | Unseen = "error"
    max_states: int = MAX_STATES
    encoding: str | None = None
    header: bool | None = None
    options: Options = field(default_factory=lambda: IN_PYTHON)

    def __post_init__(self) -> None:
        checked: dict[str, Any] = {
            "schema": _variables(self.schema),
            "columns": None if self.columns is None else _names(self.columns, "columns"),
            "ignore": _names(self.ignore, "ignore"),
            "bins": checked_bins(self.bins),
            "ordinal": _ordinal(self.ordinal),
            "missing": checked_missing(self.missing),
            "strip": _truth(self.strip, "strip"),
            "unseen": _unseen(self.unseen),
            "max_states": check_integer(self.max_states, "max_states"),
            "encoding": checked_encoding(self.encoding),
            "header": _truth(self.header, "header"),
            "options": check_instance(self.options, Mapping, "options", like="a dict of texts"),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def names_columns(self) -> bool:
        """Whether a setting asks something of single columns, or of how values are read."""
        plain = Reading(max_states=self.max_states, options=self.options)
        return any(
            getattr(self, f.name) != getattr(plain, f.name) for f in fields(self) if f.name != "encoding"
        )

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns that are wanted; ``UnknownNameError`` for one that is asked for and is not there."""
        there = set(names)
        asked = [*(self.columns or ()), *self.ignore, *self.schema, *self.bins, *self.ordinal]
        for setting in (self.missing, self.unseen):
            asked += list(setting) if isinstance(setting, Mapping) else []
        for name in asked:
            if name not in there:
                raise UnknownNameError.of("column", name, list(names))
        left_out = set(self.ignore)
        return tuple(name for name in self.columns or names if name not in left_out)

    def unseen_in(self, name: str) -> Unseen:
        """What an unseen category of this column becomes."""
        return self.unseen.get(name, "error") if isinstance(self.unseen, Mapping) else self.unseen


def _variables(schema: Any) -> dict[str, Variable]:
    """The stated variables; a list of states, or their number, stands for one."""
    if not isinstance(schema, Mapping):
        raise InputError(f"schema must map column names to lists of states; got a {type(schema).__name__}")
    stated = {str(name): s for name, s in schema.items()}
    lists = {name: s for name, s in stated.items() if not isinstance(s, Variable)}
    made = {v.name: v for v in Schema.of(lists).variables} if lists else {}
    return {name: s if isinstance(s, Variable) else made[name] for name, s in stated.items()}


def _names(names: Any, setting: str) -> tuple[str, ...]:
    if isinstance(names, str):
        return (names,)
    listed = as_list(names, setting, of="column names")
    return tuple(as_written(name, write=str) if not isinstance(name, str) else name for name in listed)


def _ordinal(ordinal: Any) -> dict[str, tuple[str, ...] | None]:
    """Columns with an order, and their states in it where they are stated."""
    if not isinstance(ordinal, Mapping):
        return dict.fromkeys(_names(ordinal, "ordinal"))
    out: dict[str, tuple[str, ...] | None] = {}
    for name, states in ordinal.items():
        if states is not None and states is not True:
            if isinstance(states, str) or not isinstance(states, Iterable):
                raise InputError(
                    f"ordinal[{name!r}] must list the states in order, or be True; got {as_written(states)}"
                )
            states = Variable(str(name), tuple(map(str, states))).states
        out[str(name)] = None if states is True else states
    return out


def _truth(value: Any, name: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{name} must be True, False or None; got {as_written(value)}")
    return value


def _unseen(unseen: Any) -> Any:
    policies = list(unseen.values()) if isinstance(unseen, Mapping) else [unseen]
    for policy in policies:
        check_choice(policy, "unseen", get_args(Unseen))
    return {str(name): p for name, p in unseen.items()} if isinstance(unseen, Mapping) else unseen
