"""Whatever is given where a path belongs is taken or refused in one line, at once, and nothing else is touched."""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import chainrule as cr
from chainrule.core.contract import DensityEstimator
from chainrule.core.errors import ChainruleError
from chainrule.datasets import fetch, info, list_datasets
from tests.tasks.takers import FOLDERS, READERS, WRITERS, prepare


class _InBytes:
    """A path that says what it is in bytes."""

    def __fspath__(self) -> bytes:
        return b"rows"


# what is no place of a file, whatever is done with it
NO_PATHS: dict[str, Any] = {
    "a number": 3,
    "a fraction": 2.5,
    "truth": True,
    "bytes": b"rows.csv",
    "a path of bytes": _InBytes(),
    "a NUL sign": "a\0b",
    "half a sign": "\ud800",
}
NO_FILES: dict[str, str] = {
    "300 letters": "x" * 300,
    "8000 letters": "y/" * 4000 + "z",
    "nothing": "",
    "a folder": "folder",
    "a named pipe": "pipe",
    "a link to a pipe": "to-pipe",
    "a device": "/dev/full",
    "a device without end": "/dev/zero",
    "a link to itself": "loop",
    "below a file": "rows.csv/below",
    "below nothing": "nowhere/below",
}
NOT_THERE = {
    "a link to nothing": "to-nothing",
    "no bytes of UTF-8": os.fsdecode(b"caf\xe9"),
    "home": "~/none",
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a table, a model, and what is no file."""
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    home.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    prepare()
    os.mkdir("folder")
    os.mkfifo("pipe")
    for name, target in (("to-pipe", "pipe"), ("loop", "loop"), ("to-nothing", "nothing")):
        os.symlink(target, name)
    with cr.settings(verbose=False):
        yield tmp_path


def _tree(place: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.lstat().st_mode, p.lstat().st_size) for p in place.rglob("*")}


@contextmanager
def _at_once(seconds: float = 30.0) -> Iterator[None]:
    """A test that waits for a pipe fails instead."""

    def late(*_: Any) -> None:
        pytest.fail("it waits for a pipe, or reads without end")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _refused(call: Callable[[Any], Any], path: Any, place: Path) -> str | None:
    """What is wrong with how ``path`` is refused; ``None`` where nothing is."""
    before = _tree(place)
    try:
        call(path)
    except ChainruleError as e:
        said = str(e)
        if "\n" in said or "\0" in said or len(said) > 999:
            return f"no line: {said!r}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"[:300]
    else:
        return "it was taken"
    return None if _tree(place) == before else "files were changed"


def _faults(call: Callable[[Any], Any], paths: dict[str, Any], place: Path) -> dict[str, str]:
    with _at_once():
        found = {name: _refused(call, path, place) for name, path in paths.items()}
    return {name: fault for name, fault in found.items() if fault is not None}


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_not_read(name: str, place: Path) -> None:
    # what is no path is no argument of these to the checks of types, which run in tests alone
    no_paths = {} if name in ("read_array.path", "read_table.path", "read_idx.path") else NO_PATHS
    assert _faults(READERS[name], no_paths | NO_FILES | NOT_THERE, place) == {}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_no_place_is_not_written_to(name: str, place: Path) -> None:
    end, call = WRITERS[name]
    paths = dict(NO_PATHS)
    for k, (what, path) in enumerate(NO_FILES.items()):
        if os.path.lexists(path):  # by a link whose name ends as it must
            os.symlink(os.path.abspath(path), f"link{k}{end}")
            path = f"link{k}{end}"
        elif path:
            path += end
        paths[what] = path
    assert _faults(call, paths, place) == {}


@pytest.mark.parametrize("name", WRITERS)
def test_a_place_is_a_text_or_a_path_home_or_any_bytes(name: str, place: Path) -> None:
    end, call = WRITERS[name]
    for path in (f"a{end}", Path(f"b{end}"), f"~/c{end}", os.fsdecode(b"caf\xe9") + end):
        call(path)
        assert name == "check_page.out" or Path(path).expanduser().stat().st_size > 0
    assert not Path("~").exists()


@pytest.mark.parametrize("name", FOLDERS)
def test_what_is_no_folder_is_not_worked_in(name: str, place: Path) -> None:
    no_folders = {k: v for k, v in NO_FILES.items() if k not in ("nothing", "a folder", "below nothing")}
    assert _faults(FOLDERS[name], NO_PATHS | no_folders, place) == {}
    FOLDERS[name]("~/run")
    assert not Path("~").exists()
    assert (place / "home" / "run").is_dir()


def test_a_cache_is_a_path(place: Path) -> None:
    for call in (cr.load_data, fetch, info):
        assert _faults(lambda path, call=call: call("digits", cache=path), NO_PATHS, place) == {}
    assert _faults(lambda path: list_datasets(cache=path), NO_PATHS, place) == {}


def test_every_function_that_takes_a_path_is_tried() -> None:
    tried = {name.partition(",")[0] for name in (*READERS, *WRITERS, *FOLDERS)}
    caches = {f"{name}.cache" for name in ("load", "load_data", "fetch", "info", "list_datasets")}
    drawn = {"render.out"}  # which draws all before it looks, and is the end of ``write_report``
    assert _takers() - tried == caches | drawn


def _takers() -> set[str]:
    """Every parameter of a public function or method that is a path by its type, inherited ones once."""
    found = set()
    for room in (
        "",
        ".tasks",
        ".tasks.compression",
        ".models",
        ".graphs",
        ".report",
        ".datasets",
        ".homework",
    ):
        module = import_module(f"chainrule{room}")
        for name in module.__all__:
            what = getattr(module, name)
            if inspect.isclass(what):
                methods = inspect.getmembers(what, lambda m: inspect.isfunction(m) or inspect.ismethod(m))
                functions = {f"{name}.{n}": m for n, m in methods if not n.startswith("_")}
                if not is_dataclass(what):  # a record holds paths that were checked
                    functions[name] = what.__init__
            else:
                functions = {name: what} if inspect.isfunction(what) else {}
            for called, function in functions.items():
                if is_inherited(what, called):
                    continue
                for p in inspect.signature(function).parameters.values():
                    if "Path" in str(p.annotation):
                        found.add(f"{called}.{p.name}")
    return found


def is_inherited(what: Any, called: str) -> bool:
    """Whether it is a model's ``save`` or ``load``, which all have of one class."""
    method = called.rpartition(".")[2]
    return (
        inspect.isclass(what)
        and what is not DensityEstimator
        and issubclass(what, DensityEstimator)
        and method in ("save", "load")
        and method not in vars(what)
    )
