"""Every function that writes, where there is no room or no permission: told in one line, and all is as it was."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule.core.errors import OutputError
from tests.rooms import room_for
from tests.tasks.takers import FOLDERS, WRITERS, prepare

ENDS = sorted({end for end, _ in WRITERS.values()} | {".json"})
WAS = "what was there"


@contextmanager
def _small_files(place: Path) -> Iterator[None]:
    for end in ENDS:
        (place / f"old{end}").write_text(WAS)
    with room_for(4):
        yield


@contextmanager
def _mounted(place: Path, *options: str) -> Iterator[None]:
    """A file system of its own at ``place``, of 256 KiB."""
    mount = shutil.which("mount")
    told = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", ",".join(["size=256k", *options]), "tmpfs", str(place)],
        capture_output=True,
    )
    if not told or told.returncode:
        pytest.skip("no file system can be mounted here, which takes the superuser")
    try:
        for end in ENDS:
            (place / f"old{end}").write_text(WAS)
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@contextmanager
def _full(place: Path) -> Iterator[None]:
    with _mounted(place):
        with suppress(OSError), open(place / "filler", "wb", buffering=0) as stream:
            while True:
                stream.write(b"x" * 512)
        yield


@contextmanager
def _no_more_files(place: Path) -> Iterator[None]:
    with _mounted(place, "nr_inodes=40"):
        with suppress(OSError):
            for k in range(100):
                (place / f"file{k}").touch()
        yield


@contextmanager
def _read_only(place: Path) -> Iterator[None]:
    with _mounted(place):
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        yield


PLACES: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "a limit of files": _small_files,
    "a full disk": _full,
    "no more files": _no_more_files,
    "read-only": _read_only,
}


def _contents(place: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def _fault(call: Callable[[Any], Any], path: Path, place: Path) -> str | None:
    """What is wrong with what ``call`` does where it cannot write; ``None`` where nothing is."""
    before = _contents(place)
    try:
        call(path)
    except OutputError as e:
        if "\n" in str(e) or not str(e).startswith("cannot write "):
            return f"not in a line: {e}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"[:300]
    else:
        return "it was written"
    return None if _contents(place) == before else "what was there has changed"


@pytest.mark.parametrize("kind", PLACES)
def test_what_cannot_be_written_is_told_and_what_was_there_stays(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    prepare()
    place, faults = tmp_path / "place", {}
    place.mkdir()
    with cr.settings(verbose=False), PLACES[kind](place):
        for name, (end, call) in WRITERS.items():
            if name in ("check_page.out", "rebuild_page.out"):  # it writes nothing; another file before
                continue
            for stem in ("new", "old"):
                faults[name, stem] = _fault(call, place / f"{stem}{end}", place)
        for name, call in FOLDERS.items():
            faults[name, "folder"] = _fault(call, place, place)
        assert {key: fault for key, fault in faults.items() if fault is not None} == {}
