"""Compiled loops are kept while, and only while, they are what the sources would give."""

import ast
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import chainrule
from chainrule.core.files import write_bytes
from chainrule.core.locks import lock
from tests.compiled.processes import run

PACKAGE = Path(chainrule.__file__).parent
HOLDS_LOOPS = "from numba import"
LOOPS = [p for p in PACKAGE.rglob("*.py") if p.parent.name == "compiled" or HOLDS_LOOPS in p.read_text()]

WHAT_HAPPENS = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from chainrule.core.progress import listening
class Listener:
    def note(self, text):
        if not text.startswith("compiling the fast loops"):  # what a busy machine makes us say
            print(text.split("; ")[-1])
with listening(Listener()):
    from toy_loops import total
    import numpy as np
    print(total(np.ones(3)), sum(total.stats.cache_hits.values()))
    total.inspect = None
"""
HELPER = "from chainrule.compiled.caching import loop\n@loop(forceinline=True)\ndef weight(x):\n    return {} * x\n"
TOTAL = """
from chainrule.compiled.caching import loop
from helper_loops import weight

@loop
def total(x):
    s = 0.0
    for i in range(x.shape[0]):
        s += weight(x[i])
    return s
"""


@pytest.fixture
def toy(tmp_path):
    """A folder of two files of loops, of which one inlines the other's; and what a new process makes of it."""
    folder = tmp_path / "toys"
    folder.mkdir()
    (folder / "helper_loops.py").write_text(HELPER.format(2))
    (folder / "toy_loops.py").write_text(TOTAL)

    class Toy:
        path = folder

        def kept(self):
            return sorted(folder.glob("__pycache__/toy_loops.*.loop"))

        def run(self, **environment):
            program = WHAT_HAPPENS.format(folder=str(folder)).replace("    total.inspect = None\n", "")
            return run(program, NUMBA_CACHE_DIR=environment.pop("NUMBA_CACHE_DIR", None), **environment)

    return Toy()


def test_a_second_process_loads_what_the_first_compiled(toy):
    assert toy.run() == ["6.0 0"]
    assert toy.run() == ["6.0 1"]


def test_a_helper_that_changed_in_another_file_is_compiled_into_what_uses_it_and_the_old_is_removed(toy):
    toy.run()
    (old,) = toy.kept()
    (toy.path / "helper_loops.py").write_text(HELPER.format(5))
    assert toy.run() == ["15.0 0"]
    (new,) = toy.kept()
    assert new != old


@pytest.fixture
def claimed(toy):
    """The file of a loop that is gone, with what was in it, while another process has claimed to make it."""
    toy.run()
    (kept,) = toy.kept()
    content = kept.read_bytes()
    kept.unlink()
    with open(f"{kept}.lock", "w") as stream:
        assert lock(stream.fileno()) == "held"
        yield kept, content, stream


@pytest.mark.parametrize("ends", ["with the file", "without it"])
def test_what_another_process_compiles_is_waited_for_and_compiled_where_none_comes(toy, claimed, ends):
    kept, content, stream = claimed
    with ThreadPoolExecutor() as pool:
        result = pool.submit(toy.run)
        with pytest.raises(TimeoutError):
            result.result(timeout=4)
        if ends == "with the file":
            write_bytes(kept, content)
        else:
            stream.close()
        assert result.result() == ["6.0 1" if ends == "with the file" else "6.0 0"]
    assert toy.kept() == [kept]


def test_processes_that_begin_at_once_compile_a_loop_once(toy):
    helper = toy.path / "helper_loops.py"
    begin = f"import time\ntime.sleep(max(0, {time.time() + 3} - time.time()))\n"
    helper.write_text(begin + helper.read_text())
    with ThreadPoolExecutor() as pool:
        results = [pool.submit(toy.run) for _ in range(4)]
    assert sorted(r.result() for r in results) == [["6.0 0"], ["6.0 1"], ["6.0 1"], ["6.0 1"]]
    assert [p.suffix for p in toy.path.glob("__pycache__/toy_loops.*loop*")] == [".loop"]


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b[:32]],
    ids=["half", "empty", "a wrong bit", "only a digest"],
)
def test_a_damaged_file_is_compiled_again(toy, damage):
    toy.run()
    (path,) = toy.kept()
    path.write_bytes(damage(path.read_bytes()))
    assert toy.run() == ["compiling it again", "6.0 0"]
    assert toy.run() == ["6.0 1"]


def test_a_file_that_may_not_be_read_is_compiled_again(toy):
    toy.run()
    (path,) = toy.kept()
    path.unlink()
    path.mkdir()  # root may read any file, but no folder as a file
    assert toy.run()[-1] == "6.0 0"


def _not_a_folder(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")  # even root can write no file below a file


def test_where_the_package_cannot_be_written_our_cache_folder_keeps_the_loops(toy, tmp_path):
    _not_a_folder(toy.path / "__pycache__")
    for hits in (0, 1):
        assert toy.run(CHAINRULE_CACHE=tmp_path / "cache") == [f"6.0 {hits}"]


def test_where_nothing_can_be_written_the_loops_work_and_it_is_said_once(toy, tmp_path):
    _not_a_folder(toy.path / "__pycache__")
    _not_a_folder(tmp_path / "file")
    said = "set CHAINRULE_CACHE to a folder that you may write to"
    for environment in ({"CHAINRULE_CACHE": tmp_path / "file"}, {"HOME": tmp_path / "file"}):
        assert toy.run(**({"XDG_CACHE_HOME": None, "CHAINRULE_CACHE": None} | environment)) == [said, "6.0 0"]


def test_numba_s_own_variable_says_where(toy, tmp_path):
    toy.run(NUMBA_CACHE_DIR=tmp_path / "numba")
    assert toy.kept() == []
    assert list((tmp_path / "numba").glob("*/toy_loops.*.loop"))
    assert toy.run(NUMBA_CACHE_DIR=tmp_path / "numba") == ["6.0 1"]


@pytest.mark.parametrize("path", LOOPS, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_loops_are_compiled_from_nothing_but_the_files_that_their_digest_reads(path):
    own = f"chainrule.{path.parent.relative_to(PACKAGE).as_posix().replace('/', '.')}."
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chainrule"):
            beside = path.parent / f"{node.module.rpartition('.')[2]}.py"
            helper = node.module.startswith(own) and beside in LOOPS
            plain = node.module == "chainrule.models.shared.coding"  # what Python does around the loops
            room = plain or node.module.split(".")[1] in ("compiled", "core")
            assert helper or room, f"{path.name} uses {node.module}"


@pytest.mark.parametrize("path", LOOPS, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_is_kept_by_numba_s_own_cache(path):
    decorators = [
        ast.unparse(d)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for d in node.decorator_list
    ]
    assert not [d for d in decorators if "cache=True" in d]


def test_a_kept_loop_is_readable_by_whoever_may_read_the_package(toy):
    toy.run()
    (path,) = toy.kept()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
