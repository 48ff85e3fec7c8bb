"""What a table is about: named variables, each with its states in order, how its cells are read and given back.

A model is fitted under a ``Schema`` and keeps it: rows that come later are read by it, draws leave by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING as _NO_DEFAULT
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from operator import lt
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_floats, as_list, check_instance, check_integer, is_listing
from chainrule.core.choices import check_choice
from chainrule.core.errors import DataError, InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.core.forks import cached_property
from chainrule.core.text import as_written, one_line
from chainrule.tables.bins import bin_of
from chainrule.tables.intervals import interval_label, interval_of
from chainrule.tables.missing import MISSING, MISSING_TEXTS
from chainrule.tables.showing import html_table, schema_line, schema_rows, text_table
from chainrule.tables.values import Kind, label_of, number_of

__all__ = ["Kind", "Schema", "Unseen", "Variable"]

Unseen = Literal["error", "missing", "most_frequent"]

_ARRAY = "array"
_FEW_STATES = 16
_KINDS, _UNSEEN = get_args(Kind), get_args(Unseen)


@dataclass(frozen=True)
class Variable:
    """One variable: its ``name``, its ``states`` in order, as text, and how cells become states and states cells.

    ``kind`` says what a state turns into where rows are given back: an integer, a number, a truth value, a
    text, or an interval.  ``ordered`` states have a meaningful order.  ``cuts`` put numbers into the states,
    which are then intervals (see ``bins``).  The rest is how later cells are read: ``missing`` texts (``None`` for
    the defaults), whether to ``strip`` the space around texts (``None``: in files), what an ``unseen`` category
    becomes ("error", "missing", or "most_frequent", which is the state number ``usual``); and how columns are
    given back: ``dtype`` names a type of a library, ``closed`` the ends that intervals hold, ``label`` a column
    name that is a number.

    >>> Variable("wet", ("no", "yes")).size
    2
    """

    name: str
    states: tuple[str, ...]
    kind: Kind = "text"
    ordered: bool = False
    cuts: tuple[float, ...] | None = None
    closed: str = "right"
    missing: tuple[str, ...] | None = field(default=None, compare=False)
    strip: bool | None = field(default=None, compare=False)
    unseen: Unseen = field(default="error", compare=False)
    usual: int | None = field(default=None, compare=False)
    dtype: str | None = field(default=None, compare=False)
    label: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", _checked_states(self.name, self.states))
        check_choice(self.kind, "kind", _KINDS)
        check_choice(self.unseen, "unseen", _UNSEEN)
        if self.cuts is not None:
            n = len(as_floats(self.cuts, f"cuts of {self.name!r}", ndim=1))
            if n + 1 != self.size:
                raise InputError(f"{n} cuts of {self.name!r} make {n + 1} states")
        if self.missing is not None:
            texts = as_list(self.missing, "missing", of="texts")
            object.__setattr__(
                self, "missing", tuple(check_instance(t, str, "missing", like="texts") for t in texts)
            )

    @property
    def size(self) -> int:
        """The number of states."""
        return len(self.states)

    @cached_property
    def codes(self) -> dict[str, int]:
        """The code of each state."""
        return {label: k for k, label in enumerate(self.states)}

    def find(self, text: str, *, in_file: bool = False) -> int | None:
        """The code of the state that a cell's text means; -1 where it means missing, ``None`` where neither.

        A state as it is written comes first; then the text without the space around it, the texts that mean
        missing, and numbers and truth values that are written in another way ("1.0", "TRUE").

        >>> wet = Variable("wet", ("False", "True"), "boolean", missing=("?",))
        >>> wet.find("True"), wet.find("true"), wet.find("?"), wet.find("wet")
        (1, 1, -1, None)
        """
        if check_instance(text, str, "text", like="a text") in self.codes:
            return self.codes[text]
        if in_file if self.strip is None else self.strip:
            text = text.strip()
        default = MISSING_TEXTS if in_file else ()
        if text in self.codes:
            return self.codes[text]
        if text in (default if self.missing is None else self.missing):
            return MISSING
        return self._respelled(text)

    def _respelled(self, text: str) -> int | None:
        if self.kind == "boolean":
            truth = {"1": "true", "0": "false"}.get(text, text.lower())
            return next((k for state, k in self.codes.items() if state.lower() == truth), None)
        if self.kind == "interval" and (ends := interval_of(text)) is not None:
            return self.codes.get(interval_label(*ends, self.closed))
        if text in ("False", "True"):
            return self.codes.get(str(int(text == "True")))
        number = number_of(text) if self.kind != "text" else None
        if number is None:
            return None
        return self._interval_with(number) if self.kind == "interval" else self._numbers.get(number)

    @cached_property
    def _numbers(self) -> dict[float | None, int]:
        """The code of each state of numbers by its value, however it is written."""
        return {number_of(state): k for k, state in enumerate(self.states)}

    def _interval_with(self, number: float) -> int | None:
        if self.cuts is not None:
            return int(bin_of(np.array([number]), self.cuts)[0])
        for k, state in enumerate(self.states):
            left, right = interval_of(state) or (np.nan, np.nan)
            if left < number < right:
                return k
            if (number == left and self.closed in ("left", "both")) or (
                number == right and self.closed in ("right", "both")
            ):
                return k
        return None

    def code(self, value: Any) -> int:
        """The code of the state that ``value`` names: its label, or a number or truth value that reads like it.

        Raises ``UnknownNameError`` with near matches.

        >>> Variable("rain", ("no", "yes")).code("yes"), Variable("n", ("0", "1"), "integer").code(1.0)
        (1, 1)
        """
        if isinstance(value, str):
            if len(self.states) <= _FEW_STATES:  # sooner found than looked up, where few questions are asked
                if value in self.states:
                    return self.states.index(value)
            elif value in self.codes:
                return self.codes[value]
        label = label_of(value)
        found = None if label is None else self.find(label)
        if found is None or found == MISSING:
            raise UnknownNameError.of(f"state of {self.name!r}", value, list(self.states))
        return found


@dataclass(frozen=True, repr=False)
class Schema:
    """The variables of a table, in order; equal schemas mean the same codes.

    ``container`` is the kind of table that rows come back as, ``encoding`` the stated one of text files (``None``
    where it is detected), ``notes`` what was decided when the table was read.  ``print`` shows it all.

    >>> schema = Schema.of({"rain": ["no", "yes"], "mm": 3})
    >>> schema.names, schema.sizes, schema.is_binary
    (('rain', 'mm'), (2, 3), False)
    >>> schema
    Schema(rain: no, yes; mm: 0, 1, 2)
    >>> print(schema)
    2 variables, given back as array
    name  kind     states
    rain  text     2: no, yes
    mm    integer  3: 0, 1, 2
    """

    variables: tuple[Variable, ...]
    container: str = field(default=_ARRAY, compare=False)  # what rows come back as; see ``tables.giving``
    encoding: str | None = field(default=None, compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        listed = as_list(self.variables, "variables")
        variables = tuple(check_instance(v, Variable, "each of variables", like="a Variable") for v in listed)
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "notes", tuple(as_list(self.notes, "notes", of="texts")))
        _check_names([v.name for v in self.variables])

    @classmethod
    def of(cls, states: Mapping[str, Sequence[str] | int], **settings: Any) -> Self:
        """The schema of these states by name; a number k stands for the states "0" … "k-1"."""
        stated = check_instance(states, Mapping, "states", like="a dict of lists of states by name")
        return cls(tuple(_stated(name, s) for name, s in stated.items()), **settings)

    @classmethod
    def of_sizes(cls, sizes: Iterable[int], names: Sequence[str] | None = None) -> Self:
        """The schema of an array of codes: columns x1 … xd (or ``names``) with so many states each.

        >>> Schema.of_sizes([2, 3]).states
        {'x1': ('0', '1'), 'x2': ('0', '1', '2')}
        """
        listed = as_list(sizes, "sizes", of="numbers of states")
        found = (
            [f"x{j + 1}" for j in range(len(listed))]
            if names is None
            else as_list(names, "names", of="texts")
        )
        if len(found) != len(listed):
            raise ShapeError(f"{len(found)} names for {len(listed)} sizes; pass one for each")
        _check_names(found)
        return cls.of(dict(zip(found, listed, strict=True)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the variables."""
        return tuple(v.name for v in self.variables)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of states of each variable."""
        return tuple(v.size for v in self.variables)

    @cached_property
    def most_states(self) -> int:
        """The number of states of the variable that has most of them."""
        return max(self.sizes)

    @cached_property
    def states(self) -> dict[str, tuple[str, ...]]:
        """The states of each variable by its name."""
        return {v.name: v.states for v in self.variables}

    @cached_property
    def is_binary(self) -> bool:
        """Whether every variable has two states."""
        return all(size == 2 for size in self.sizes)

    @cached_property
    def holds_codes(self) -> bool:
        """Whether rows are arrays of codes, in which -1 is missing."""
        return self.container == _ARRAY and all(
            v.kind == "integer" and v.cuts is None for v in self.variables
        )

    @cached_property
    def states_are_codes(self) -> bool:
        """Whether the states of every variable are the whole numbers 0, 1, …"""
        return all(
            v.kind == "integer" and v.cuts is None and (v.states[0], v.states[-1]) == ("0", str(v.size - 1))
            for v in self.variables
        )

    @cached_property
    def cuts_numbers(self) -> bool:
        """Whether a variable's states are intervals of numbers: those in an array are measurements then, not codes."""
        return any(v.cuts is not None for v in self.variables)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.variables)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._places

    def __getitem__(self, name: str) -> Variable:
        return self.variables[self.index(name)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({schema_line(self.states)})"

    def __str__(self) -> str:
        return text_table(self._headline(), *schema_rows(self.variables))

    def _repr_html_(self) -> str:
        return html_table(self._headline(), *schema_rows(self.variables))

    def _headline(self) -> str:
        n = len(self)
        parts = [f"{n:,} variable{'s' * (n != 1)}", f"given back as {self.container}", *self.notes]
        return ", ".join(parts)

    def index(self, name: str) -> int:
        """The position of the variable ``name``; ``UnknownNameError`` where there is none."""
        try:
            return self._places[name]
        except (KeyError, TypeError):
            raise UnknownNameError.of("variable", name, list(self.names)) from None

    def select(self, names: Iterable[str]) -> Schema:
        """The schema of these variables, in this order."""
        listed = names if isinstance(names, str) else as_list(names, "names", of="variables")
        return replace(self, variables=tuple(self[name] for name in listed))

    def known(self, given: Mapping[str, Any] | None) -> NDArray[np.int32]:
        """States by name as codes (d,), -1 where nothing is known; ``UnknownNameError`` lists near matches.

        >>> Schema.of({"a": 2, "b": ["no", "yes"]}).known({"b": "yes"}).tolist()
        [-1, 1]
        """
        row = np.full(len(self), MISSING, np.int32)
        if given is not None and not isinstance(given, Mapping):
            raise InputError(
                f"states must be given by name, as in {{{self.names[0]!r}: {self.variables[0].states[0]!r}}}; "
                f"got {as_written(given)}"
            )
        for name, value in (given or {}).items():
            place = self.index(name)
            row[place] = self.variables[place].code(value)
        return row

    def labels(self, codes: Sequence[int] | NDArray[np.integer[Any]]) -> dict[str, str]:
        """What is known of one row of codes, by name: the inverse of ``known``."""
        whole = isinstance(codes, np.ndarray) and codes.dtype.kind == "i" and codes.ndim == 1
        row = np.asarray(codes) if whole else as_floats(codes, "codes", ndim=1)
        if len(row) != len(self) or not all(map(lt, row.tolist(), self.sizes)):
            raise ValuesError(
                f"codes must be those of one row of {len(self)} variables; got {as_written(codes)}"
            )
        known = ((self.variables[i], int(k)) for i, k in enumerate(row.tolist()) if k >= 0)
        return {v.name: v.states[k] for v, k in known}

    def to_plain(self) -> dict[str, Any]:
        """The schema as plain data, for JSON; settings that have their default are left out."""
        return {
            "container": self.container,
            "encoding": self.encoding,
            "notes": list(self.notes),
            "variables": [_plain(v) for v in self.variables],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The schema that ``to_plain`` gave; ``DataError`` where it is none."""
        if not isinstance(plain, Mapping):
            raise DataError(f"not a schema: got {as_written(plain)}; save it again")
        try:
            variables = [Variable(**{k: _tuples(x) for k, x in v.items()}) for v in plain["variables"]]
            return cls(
                tuple(variables), plain["container"], plain.get("encoding"), tuple(plain.get("notes", ()))
            )
        except (AttributeError, LookupError, TypeError, ValueError) as e:
            raise DataError(f"not a schema ({one_line(str(e), 300)}); save it again") from e


_DEFAULTS = {f.name: f.default for f in fields(Variable) if f.default is not _NO_DEFAULT}


def _plain(variable: Variable) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": variable.name, "states": list(variable.states), "kind": variable.kind}
    for name, default in _DEFAULTS.items():
        value = getattr(variable, name)
        if name != "kind" and value != default:
            plain[name] = list(value) if isinstance(value, tuple) else value
    return plain


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _stated(name: str, states: Sequence[str] | int) -> Variable:
    if isinstance(states, (int, np.integer)):
        return Variable(
            name, _numbered(check_integer(states, f"the number of states of {name!r}")), "integer"
        )
    if not isinstance(states, Iterable):
        raise InputError(
            f"the states of {name!r} must be a list of texts, or their number; got {as_written(states)}"
        )
    return Variable(name, states if isinstance(states, str) else tuple(states))  # type: ignore[arg-type]


@lru_cache(maxsize=512)
def _numbered(k: int) -> tuple[str, ...]:
    """The states "0" … "k-1", the same object each time: an array may have 40,000 columns of them."""
    return tuple(map(str, range(k)))


def _check_names(names: list[Any]) -> None:
    if not names:
        raise ShapeError("the table has no columns; pass at least one")
    seen: set[str] = set()
    for j, name in enumerate(names):
        if not isinstance(name, str) or not name:
            raise InputError(f"column {j} has no name; give each column a name")
        if name in seen:
            raise InputError(f"two columns are called {name!r}; give each column a name of its own")
        seen.add(name)


def _checked_states(name: str, states: Any) -> tuple[str, ...]:
    if not isinstance(name, str):
        raise InputError(f"the name of a variable must be a text; got {as_written(name)}")
    if not is_listing(states) or not all(isinstance(label, str) for label in states):
        raise InputError(f"the states of column {name!r} must be a list of texts; got {as_written(states)}")
    if not len(states):
        raise InputError(
            f"column {name!r} has no states (no value is given); name its states or leave it out"
        )
    if len(set(states)) < len(states):
        twice = next(label for i, label in enumerate(states) if label in states[:i])
        raise InputError(f"column {name!r} has the state {twice!r} twice; name each state once")
    return tuple(states)
