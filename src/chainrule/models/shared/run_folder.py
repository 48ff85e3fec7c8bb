"""A fit that is kept on the way: what it is of, what it has done, and the state to go on from, in one folder.

    run.json             what decides the result: every setting, digests of the rows and of the network as it starts,
                         how steps are made, the versions of the libraries; and the machine
    metrics.jsonl        a line for each epoch, as it ends
    state-*.safetensors  all that the next step depends on (``checkpoint``), by the number of steps taken; the last two

A fit goes on from the last state that is whole, and ends bit-equal to one that was not interrupted.  A folder of
another fit is refused with the settings that differ; they are compared as they are listed, so that one which is added
later cannot be forgotten.  One process works in a folder at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.core.errors import DataError, InputError
from chainrule.core.files import append_text, remove, replacing, shown_path, write_text
from chainrule.core.owned_folder import owned_folder
from chainrule.core.progress import note
from chainrule.core.records import dump_json, machine_info, to_plain, versions
from chainrule.core.text import one_line
from chainrule.models.shared.checkpoint import State, read_state, write_state

__all__ = ["RunFolder", "run_folder", "told_settings"]

_FORMAT = "chainrule-run-1"
_KEPT = 2  # states: should the last one be damaged, there is one before


@dataclass(frozen=True)
class RunFolder:
    """The folder ``path`` of a run that ``key`` stands for."""

    path: Path
    key: str

    def last_state(self) -> State | None:
        """The last state that is whole; ``None`` where there is none.  What is damaged or of another format is said."""
        for path in reversed(self._states()):
            try:
                state = read_state(path, self.key)
            except DataError as e:
                note(f"{e}; going on from the state before, if there is one")
                continue
            note(f"going on after epoch {state.history.epochs_done} from {shown_path(path)}")
            return state
        return None

    def save(self, state: State) -> None:
        """Keep ``state``, and of those before it the last one."""
        write_state(self.path / f"state-{state.steps_taken:012d}.safetensors", state, self.key)
        for path in self._states()[:-_KEPT]:
            remove(path)

    def cut_metrics(self, epochs: int) -> None:
        """Leave the lines of the first so many epochs, which are those that are not trained again."""
        path, kept = self.path / "metrics.jsonl", []
        with suppress(FileNotFoundError):
            for line in path.read_bytes().splitlines(keepends=True):
                with suppress(ValueError, TypeError, KeyError):  # a line that was cut short
                    if line.endswith(b"\n") and json.loads(line)["epoch"] == len(kept) + 1 <= epochs:
                        kept.append(line)
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(kept))

    def add_metrics(self, epoch: int, numbers: dict[str, float]) -> None:
        """One line: the epoch and its numbers."""
        append_text(self.path / "metrics.jsonl", dump_json(to_plain({"epoch": epoch, **numbers})))

    def _states(self) -> list[Path]:
        return sorted(self.path.glob("state-*.safetensors"))


@contextmanager
def run_folder(path: str | Path, parts: dict[str, Any]) -> Iterator[RunFolder]:
    """The folder of a run whose result ``parts``, plain data by name, decide; "settings" among them by name too.

    Raises ``OutputError`` where another process works in it or it cannot be written to, ``InputError`` where it is the
    folder of another run.
    """
    with owned_folder(path) as folder:
        parts = json.loads(dump_json(to_plain(parts)))
        found = _description(folder)
        if found is None:
            about = {"format": _FORMAT, "parts": parts, "machine": machine_info(), "versions": versions()}
            write_text(folder / "run.json", dump_json(about, indent=1))
        elif found != parts:
            raise InputError(
                f"{shown_path(folder)} is the folder of another run ({_differing(found, parts)}); choose another "
                "folder, or remove this one"
            )
        key = hashlib.sha256(dump_json(parts).encode()).hexdigest()
        yield RunFolder(folder, key)


def told_settings(settings: Mapping[str, Any], seed: int, of_no_number: Collection[str]) -> dict[str, Any]:
    """The ``settings`` of a model that may change what it learns, as plain data: all but those ``of_no_number``.

    >>> told_settings({"hidden": 4, "random_state": None, "device": "cpu"}, 7, {"device"})
    {'hidden': 4, 'random_state': 7}
    """
    told: dict[str, Any] = {k: v for k, v in settings.items() if k not in of_no_number} | {
        "random_state": seed
    }
    if told.get("schema") is not None:
        told["schema"] = told["schema"].to_plain()
    return told


def _description(folder: Path) -> dict[str, Any] | None:
    path = folder / "run.json"
    if not path.exists():
        if any(folder.glob("state-*.safetensors")):
            raise DataError(
                f"{shown_path(folder)} holds states of a run and no run.json; choose another folder"
            )
        return None
    try:
        about = json.loads(path.read_bytes())
        known, parts = about["format"] == _FORMAT, about["parts"]
        if not isinstance(parts, dict) or not isinstance(parts.get("settings"), dict):
            raise TypeError("it has no settings")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as e:
        raise DataError(
            f"{shown_path(path)} does not describe a run ({one_line(str(e))}); choose another folder"
        ) from e
    if not known:
        raise DataError(
            f"{shown_path(path)} is of another format, {one_line(repr(about['format']))}; choose another folder"
        )
    return parts


def _differing(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """What differs, settings with both values.

    >>> _differing({"settings": {"hidden": 4}, "rows": "a"}, {"settings": {"hidden": 5}, "rows": "b"})
    'hidden 4 there, 5 here; other rows'
    """
    there, here = found["settings"], wanted["settings"]
    names = [n for n in (*here, *(set(there) - set(here))) if there.get(n) != here.get(n)]
    told = [f"{n} {_short(there.get(n))} there, {_short(here.get(n))} here" for n in names]
    told += [f"other {n}" for n in wanted if n != "settings" and found.get(n) != wanted[n]]
    return "; ".join(told[:6]) + ("; …" if len(told) > 6 else "")


def _short(value: Any) -> str:
    return one_line(json.dumps(value, ensure_ascii=False), 40)
