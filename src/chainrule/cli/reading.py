"""How a table is read, as options: those of ``Table.read`` under the names of a shell, once for all commands.

``reads_table`` gives them to a command, which gets what they say as ``reading``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from chainrule.cli.arguments import split_names, split_setting
from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["reads_more_rows", "reads_table"]

_Texts = list[str] | None
_NAMES = "with commas between, or the option several times"

_UNSEEN = Annotated[
    _Texts,
    typer.Option(help="What an unknown category becomes: error, missing or most_frequent; or NAME=…."),
]
_ENCODING = Annotated[
    str | None, typer.Option(help="Of text files, such as cp1252 or latin-1; default UTF-8.")
]
_HEADER = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first line has names; default: it is seen."),
]
_WEIGHTS = Annotated[str | None, typer.Option(help="A column of numbers that says how much each row counts.")]

_MORE_ROWS: dict[str, Any] = {
    "unseen": _UNSEEN,
    "encoding": _ENCODING,
    "header": _HEADER,
    "weights": _WEIGHTS,
}
_ALL: dict[str, Any] = {
    "ignore": Annotated[_Texts, typer.Option(help=f"Columns to leave out, {_NAMES}.")],
    "columns": Annotated[_Texts, typer.Option(help=f"Columns to keep, {_NAMES}; default all.")],
    "bins": Annotated[
        _Texts,
        typer.Option(
            help="Measurements to cut: age=5 (bins of equally many rows), age=5:width, age=18,65 (cuts)."
        ),
    ],
    "ordinal": Annotated[
        _Texts, typer.Option(help="Columns whose states have an order: pay, or pay=low,middle,high.")
    ],
    "states": Annotated[
        _Texts, typer.Option(help="The states of a column, where they are known: land=DE,NA.")
    ],
    "missing": Annotated[
        _Texts,
        typer.Option(help="A text that means 'not known', beside the usual ones; age=99 for one column."),
    ],
    "max_states": Annotated[
        int | None,
        typer.Option(help="More different values than this are a problem, not states; default 256."),
    ],
    "fix": Annotated[
        bool,
        typer.Option(
            "--fix", help="Read what would be refused as the refusal advises, and say how it was read."
        ),
    ],
} | _MORE_ROWS


def reads_table(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` with all options of reading, which come to it as the dict ``reading``."""
    return _with_options(command, _ALL)


def reads_more_rows(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` with the options of reading rows under a schema that is known."""
    return _with_options(command, _MORE_ROWS)


def _with_options(command: Callable[..., Any], options: dict[str, Any]) -> Callable[..., Any]:
    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "reading"]
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=False if name == "fix" else None, annotation=kind
        )
        for name, kind in options.items()
    ]

    @wraps(command)
    def wrapped(**arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in options}
        return command(**arguments, reading=_settings(given))

    signature = inspect.Signature([p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + added)
    wrapped.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
    wrapped.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return wrapped


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """The settings of ``Table.read`` that options say."""
    out = {k: given[k] for k in ("max_states", "encoding", "header", "weights") if given.get(k) is not None}
    for name in ("ignore", "columns"):
        if given.get(name):
            out[name] = [n for text in given[name] for n in split_names(text)]
    if given.get("bins"):
        out["bins"] = dict(map(_bins, given["bins"]))
    if given.get("ordinal"):
        out["ordinal"] = dict(_order(text) for text in given["ordinal"])
    if given.get("states"):
        out["schema"] = dict(_stated(text) for text in given["states"])
    if given.get("missing"):
        out["missing"] = _missing(given["missing"])
    if given.get("unseen"):
        out["unseen"] = _unseen(given["unseen"])
    if given.get("fix"):
        out["fix"] = True
    return out


def _bins(text: str) -> tuple[str, Any]:
    """
    >>> _bins("age=5"), _bins("age=18,65"), _bins("pay=4:width")
    (('age', 5), ('age', [18.0, 65.0]), ('pay', {'k': 4, 'by': 'width'}))
    """
    name, rule = split_setting(text)
    head, _, by = (rule or "").partition(":")
    try:
        if by:
            return name, {"k": int(head), "by": by.strip()}
        return name, [float(c) for c in head.split(",") if c.strip()] if "," in head else int(head)
    except ValueError:
        raise InputError(
            f"--bins is NAME=5, NAME=5:width or NAME=18,65 (a single cut is NAME=18,), for example age=5; "
            f"got {as_written(text)}"
        ) from None


def _order(text: str) -> tuple[str, Any]:
    name, states = split_setting(text)
    return name, True if states is None else split_names(states)


def _stated(text: str) -> tuple[str, list[str]]:
    name, states = split_setting(text)
    if not states:
        raise InputError(f"--states is NAME=STATE,STATE, for example land=DE,NA; got {as_written(text)}")
    return name, split_names(states)


def _missing(texts: list[str]) -> Any:
    from chainrule.tables.missing import MISSING_TEXTS

    by_column: dict[str, list[str]] = {}
    everywhere: list[str] = []
    for text in texts:
        name, value = split_setting(text)
        if value is None:
            everywhere.append(text)
        else:
            by_column.setdefault(name, list(MISSING_TEXTS)).append(value)
    if by_column and everywhere:
        raise InputError(
            f"--missing is given for all columns ({everywhere[0]!r}) and for {next(iter(by_column))!r}; name the "
            "column each time, or never"
        )
    return by_column or [*MISSING_TEXTS, *everywhere]


def _unseen(texts: list[str]) -> Any:
    pairs = [split_setting(text) for text in texts]
    if len(pairs) == 1 and pairs[0][1] is None:
        return pairs[0][0]
    if any(policy is None for _, policy in pairs):
        raise InputError(
            f"--unseen is one word for all columns, or NAME=word for some; got {' '.join(texts)}"
        )
    return dict(pairs)
