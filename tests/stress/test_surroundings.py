"""No answer depends on what surrounds a program; what cannot work there says so in one line."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# tests are run by the superuser too, whom no permission stops: folders that cannot be are in place of forbidden ones
NOWHERE = {"XDG_CACHE_HOME": "/dev/null/x", "NUMBA_CACHE_DIR": "/dev/null/y", "MPLCONFIGDIR": "/dev/null/z"}


@dataclass(frozen=True)
class Surroundings:
    """What is set, by which options Python runs, and how rows lie in memory."""

    layout: str = "usual"
    options: tuple[str, ...] = ()
    locale: tuple[str, str] | None = None
    stdin: bool = True
    environment: dict[str, str] = field(default_factory=dict)


USUAL = Surroundings(environment={"PYTHONHASHSEED": "0"})
ODD = {
    "German decimals, ASCII, a narrow terminal, no asserts nor docstrings, warnings are errors": Surroundings(
        "strided",
        ("-OO", "-W", "error"),
        ("de_DE", "ISO-8859-1"),
        environment={
            **{"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
            **{"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1", "PYTHONHASHSEED": "1"},
            **{"MPLBACKEND": "nonsense", "TZ": "Pacific/Kiritimati", "TMPDIR": "/dev/null"},
        },
    ),
    "Turkish, Latin-1, no home, no caches, no standard input": Surroundings(
        "read-only, columns first, backwards",
        (),
        ("tr_TR", "UTF-8"),
        stdin=False,
        environment={"PYTHONIOENCODING": "latin-1", "HOME": "/nonexistent", "PYTHONHASHSEED": "random"}
        | NOWHERE,
    ),
}


def _run(where: Surroundings, folder: Path) -> dict[str, str]:
    """The digest of each answer."""
    environment = {k: os.environ[k] for k in ("PATH", "CHAINRULE_DATA") if k in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]), "HOME": str(folder)}
    environment |= {"CHAINRULE_PLAIN": "1", "OMP_NUM_THREADS": "1"} | where.environment
    if where.locale is not None:
        environment |= _locale(*where.locale, folder)
    here = folder / "here"
    here.mkdir()
    command = [sys.executable, *where.options, "-m", "tests.stress.surroundings", str(here), where.layout]
    closed: Callable[[], None] | None = None if where.stdin else lambda: os.close(0)
    done = subprocess.run(
        command, env=environment, capture_output=True, cwd=folder, preexec_fn=closed, timeout=600
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    return json.loads(done.stdout)


def _locale(language: str, encoding: str, folder: Path) -> dict[str, str]:
    """The environment of a locale, which is made in ``folder``: few systems have any but English ones."""
    maker = shutil.which("localedef")
    if maker is None:
        pytest.skip("there is no localedef to make a locale with")
    name = f"{language}.{encoding}"
    made = subprocess.run([maker, "-i", language, "-f", encoding, str(folder / name)], capture_output=True)
    if not (folder / name).is_dir():
        pytest.skip(
            f"there are no sources of the locale {name}: {made.stderr.decode(errors='replace')[:200]}"
        )
    return {"LOCPATH": str(folder), "LC_ALL": name}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The answers where nothing is odd."""
    return _run(USUAL, tmp_path_factory.mktemp("usual"))


@pytest.mark.slow
@pytest.mark.parametrize("where", ODD)
def test_no_answer_depends_on_its_surroundings(where: str, usual: dict[str, str], tmp_path: Path) -> None:
    found = _run(ODD[where], tmp_path)
    assert {name for name in usual if found.get(name) != usual[name]} == set()


def _command(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A shell's script in which ``chainrule`` is the command line."""
    program = f"chainrule() {{ '{sys.executable}' -m chainrule \"$@\"; }}\n{script}"
    known = os.environ | {"CHAINRULE_PLAIN": "1", "PYTHONPATH": str(ROOT / "src")} | environment
    return subprocess.run(["bash", "-c", program], env=known, cwd=folder, capture_output=True, text=True)


def test_a_folder_that_was_removed_under_a_program_is_told(tmp_path: Path) -> None:
    done = _command('mkdir gone; cd gone; rmdir "$PWD"; chainrule data list', tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "chainrule: the folder that this runs in has been removed; change to another one\n"
    )


def test_a_machine_that_nothing_may_be_written_to_fits_and_says_what_torch_lacks(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if shutil.which("unshare") is None or not memory.is_dir() or memory in ROOT.parents:
        pytest.skip("no folder can be made read-only here")
    with tempfile.TemporaryDirectory(dir=memory) as name:
        folder = Path(name)
        (folder / "rows.csv").write_text("a,b\n" + "0,1\n1,1\n0,0\n" * 10)
        script = (
            "for f in /tmp /var/tmp; do mount --bind $f $f && mount -o remount,bind,ro $f || exit 77; done\ncd /proc\n"
            f"chainrule fit {folder}/rows.csv --model chowliu -o {folder}/m && "
            f"chainrule report {folder}/m -o {folder}/m.html && "
            f"chainrule fit {folder}/rows.csv --model nade -o {folder}/n"
        )
        command = f"export -f chainrule; unshare -m bash -c {shlex.quote(script)}"
        done = _command(command, folder, HOME="/nonexistent", TMPDIR="/tmp")
        if done.returncode in (1, 77) and "chainrule" not in done.stderr:
            pytest.skip(f"no folder can be made read-only here: {done.stderr}")
        written = {p.name for p in folder.iterdir()}
        assert written - {"n"} == {"rows.csv", "m", "m.html", "m.json"}, done.stderr
        if "n" in written:  # torch finds what it needs where it was left before
            assert done.returncode == 0
        else:
            assert done.returncode == 2, done.stderr
            assert "TMPDIR" in done.stderr.splitlines()[-1]
