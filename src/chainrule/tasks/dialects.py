"""How settings are written where the user is: in Python or in a shell.  A refusal speaks the user's dialect."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.tables.missing import MISSING_TEXTS
from chainrule.tables.problems import IN_PYTHON, Options

__all__ = ["PYTHON", "SHELL", "Dialect"]


@dataclass(frozen=True)
class Dialect:
    """``options`` as one setting is advised, ``write`` for several together, ``fix`` for "do it all"."""

    options: Options
    write: Callable[[Mapping[str, Any]], str]
    add: str
    fix: str


def _in_python(settings: Mapping[str, Any]) -> str:
    """
    >>> _in_python({"ignore": ["id"], "bins": {"age": 5}})
    "ignore=['id'], bins={'age': 5}"
    """
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def _in_shell(settings: Mapping[str, Any]) -> str:
    """
    >>> _in_shell({"ignore": ["id", "a, b"], "bins": {"age": 5}, "missing": ["", "?"], "max_states": 300})
    '--ignore \\'id,"a, b"\\' --bins age=5 --missing \\'?\\' --max-states 300'
    """
    out = []
    for name, value in settings.items():
        option = "--" + name.replace("_", "-")
        if name == "missing":  # the usual texts always count in a shell
            out += [f"{option} {shlex.quote(text)}" for text in value if text not in MISSING_TEXTS]
        elif isinstance(value, Mapping):
            out += [f"{option} {shlex.quote(f'{_name(k)}={v}')}" for k, v in value.items()]
        elif isinstance(value, list):
            out.append(f"{option} {shlex.quote(','.join(map(_name, value)))}")
        else:
            out.append(f"{option} {shlex.quote(str(value))}")
    return " ".join(out)


def _name(text: Any) -> str:
    """A name in a list: between double quotes where it holds what stands between names."""
    found = str(text)
    if any(c in found for c in ',="') or found != found.strip():
        return '"' + found.replace('"', '""') + '"'
    return found


_SHELL_OPTIONS: Options = {
    "bins": "--bins '{column}=5'",
    "ignore": "--ignore '{column}'",
    "max_states": "--max-states {size}",
    "schema": "--states '{column}=A,B'",
    "missing": "--missing {text}",
    "unseen": "--unseen missing",
    "encoding": "--encoding cp1252",
    "header": "--header",
}

PYTHON = Dialect(IN_PYTHON, _in_python, "pass", "fix=True")
SHELL = Dialect(_SHELL_OPTIONS, _in_shell, "add to the command:", "--fix")
