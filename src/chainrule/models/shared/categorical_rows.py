"""Rows and evidence as codes, for models of named categorical variables.

Tables with named columns are read by name, other columns are ignored; their categories are matched by label.
An array has no names: its columns are the model's variables in order, its values are codes from 0 on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_matrix, check_integer
from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.graphs import DAG
from chainrule.models.shared.ordering import variable_names
from chainrule.tables.categorical import CategoricalTable, checked_states
from chainrule.tables.categorical_input import MAX_STATES, as_categorical, iter_categorical
from chainrule.tables.table_files import TableFile

__all__ = [
    "States",
    "categorical_rows",
    "column_names",
    "evidence_row",
    "given_row",
    "impossible_evidence",
    "state_code",
    "states_setting",
    "variable_order",
]

_MOST_SHOWN = 8  # names in a message

States = Mapping[str, tuple[str, ...]]


def states_setting(states: Any, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The setting ``states`` as labels by name: an integer k stands for "0" … "k-1", of all or of one variable.

    >>> states_setting({"a": 2, "b": ["no", "yes"]}, ["a", "b", "c"])
    {'a': ('0', '1'), 'b': ('no', 'yes')}
    """
    if states is None:
        return {}
    if not isinstance(states, Mapping):
        states = dict.fromkeys(names, check_integer(states, "states"))
    out = {}
    for name, labels in states.items():
        if name not in names:
            raise UnknownNameError.of("variable", name, list(names))
        if isinstance(labels, (int, np.integer)):
            labels = [str(k) for k in range(check_integer(labels, f"states[{name!r}]"))]
        out[name] = checked_states(name, labels)
    return out


def categorical_rows(X: Any, names: Sequence[str], states: States) -> Iterator[CategoricalTable]:
    """The rows of ``X`` in tables of the columns ``names``, all with the same states.

    ``states`` are those that are known; the others are found in ``X``.  A path is read in batches, so memory
    does not grow with the file.  Raises ``ShapeError``, ``ValuesError``, ``UnknownNameError`` or ``DataError``.

    >>> [t.codes.tolist() for t in categorical_rows([[0, 1], [1, np.nan]], ["a", "b"], {})]
    [[[0, 1], [1, -1]]]
    """
    known = {name: labels for name, labels in states.items() if name in names}
    if isinstance(X, (str, os.PathLike)):
        found = False
        for table in iter_categorical(str(X), columns=names, schema=known):
            found = True
            yield table
        if not found:
            raise ShapeError(f"{X} has no rows; at least one is needed")
    elif _has_names(X):
        yield as_categorical(X, columns=names, schema=known)
    else:
        yield _from_array(X, tuple(names), known)


def variable_order(dag: DAG) -> list[str]:
    """x1 … xd where these are the nodes, as columns of an array are called; else the nodes as they come."""
    numbered = variable_names(len(dag))
    return numbered if set(numbered) == set(dag.nodes) else list(dag.nodes)


def column_names(X: Any) -> list[str]:
    """The columns of a table, x1 … xd for an array.

    >>> column_names({"a": [0], "b": [1]}), column_names([[0, 1, 0]])
    (['a', 'b'], ['x1', 'x2', 'x3'])
    """
    if isinstance(X, (str, os.PathLike)):
        return list(TableFile.open(str(X)).names)
    if isinstance(X, CategoricalTable):
        return list(X.names)
    if not _has_names(X):
        return variable_names(as_matrix(X).shape[1])
    names = X if isinstance(X, Mapping) else X.columns if hasattr(X, "iloc") else _arrow_names(X)
    return list(map(str, names))


def _arrow_names(X: Any) -> list[str]:
    import pyarrow as pa

    return pa.table(X).column_names


def _has_names(X: Any) -> bool:
    """Whether ``X`` names its columns: a dict, a data frame, an Arrow table, a ``CategoricalTable``."""
    return (
        isinstance(X, (Mapping, CategoricalTable))
        or (hasattr(X, "iloc") and hasattr(X, "columns"))
        or hasattr(X, "__arrow_c_stream__")
    )


def _from_array(X: Any, names: tuple[str, ...], known: States) -> CategoricalTable:
    a = as_matrix(X)
    if a.shape[1] != len(names):
        raise ShapeError(
            f"X has {a.shape[1]} columns, the network has {len(names)} variables; pass the columns "
            f"{', '.join(names[:6])}{', …' * (len(names) > 6)} in this order, or a table that names its columns"
        )
    missing = np.isnan(a) if a.dtype.kind == "f" else np.zeros(a.shape, bool)
    sizes = np.array([len(known[name]) if name in known else MAX_STATES for name in names])
    bad = ~missing & ~((a >= 0) & (a < sizes) & (a == np.floor(a)))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        which = _codes_text(int(sizes[j])) if names[j] in known else f"whole numbers below {MAX_STATES}"
        raise ValuesError(
            f"X must hold codes of states, but row {i}, column {j} ({names[j]!r}) is {a[i, j]:g}; its codes "
            f"are {which}"
        )
    codes = np.where(missing, -1, a).astype(np.int32)
    top = np.maximum(codes.max(axis=0), 0)
    states = tuple(known.get(name) or tuple(map(str, range(top[j] + 1))) for j, name in enumerate(names))
    return CategoricalTable(names, states, codes)


def _codes_text(k: int) -> str:
    return ("0", "0 and 1")[k - 1] if k < 3 else f"0 to {k - 1}"


def state_code(name: str, value: Any, labels: Sequence[str]) -> int:
    """The code of a state that is given by its label; 1 and 1.0 stand for "1", True for "True".

    >>> state_code("rain", "yes", ["no", "yes"]), state_code("x1", 1, ["0", "1"])
    (1, 1)
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    label = str(value)
    if label not in labels:
        raise UnknownNameError.of(f"state of {name!r}", label, list(labels))
    return list(labels).index(label)


def evidence_row(evidence: Mapping[str, Any] | None, states: States) -> NDArray[np.int32]:
    """Evidence by name as codes (d,), -1 where nothing is known; ``UnknownNameError`` lists near matches.

    >>> evidence_row({"b": "yes"}, {"a": ("0", "1"), "b": ("no", "yes")}).tolist()
    [-1, 1]
    """
    names = list(states)
    if evidence is not None and not isinstance(evidence, Mapping):
        raise InputError(
            f"evidence must map variables to states, as in {{{names[0]!r}: …}}; got {evidence!r}"
        )
    row = np.full(len(names), -1, np.int32)
    for name, value in (evidence or {}).items():
        if name not in states:
            raise UnknownNameError.of("variable", name, names)
        row[names.index(name)] = state_code(name, value, states[name])
    return row


def given_row(given: Any, states: States) -> NDArray[np.int32]:
    """``given`` of a ``sample``: evidence by name, or codes (d,) with NaN where values are drawn.

    >>> given_row([np.nan, 1], {"a": ("0", "1"), "b": ("no", "yes")}).tolist()
    [-1, 1]
    """
    if given is None or isinstance(given, Mapping):
        return evidence_row(given, states)
    values = np.asarray(given)
    if values.ndim != 1:
        raise ShapeError(
            f"given must be one row ({len(states)},) with NaN where values are to be drawn, or a dict of "
            f"states; its shape is {values.shape}"
        )
    return _from_array(values[None], tuple(states), states).codes[0]


def impossible_evidence(what: str, known: Mapping[str, str]) -> InputError:
    """The error for states that cannot come together; ``what`` says which argument holds them.

    >>> print(impossible_evidence("evidence", {"rain": "no", "roof": "wet"}))
    evidence rain=no, roof=wet has probability zero under the model; leave some of it out, or fit with a \
pseudocount above 0
    """
    shown = [f"{v}={s}" for v, s in known.items()]
    more = f", … {len(shown)} in all" if len(shown) > _MOST_SHOWN else ""
    return InputError(
        f"{what} {', '.join(shown[:_MOST_SHOWN])}{more} has probability zero under the model; leave some of it "
        "out, or fit with a pseudocount above 0"
    )
