"""Whatever stands at the other end of a command's output, it ends in words and the right exit code."""

import errno
import io
import json
import os
import subprocess
import sys

import pytest

from chainrule import cli, settings
from tests.cli.every_command import every_command, names_of_all_commands

COMMANDS = names_of_all_commands()


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """Of every command; ``reproduce`` has run, so it goes on from there."""
    found = every_command(tmp_path_factory.mktemp("commands"))
    assert cli.main(found["reproduce"]) == 0
    return found


class _Failing(io.RawIOBase):
    """A place that takes nothing, until the test is over."""

    def __init__(self, number):
        self.number = number

    def writable(self):
        return True

    def write(self, content):
        if self.number:
            raise OSError(self.number, os.strerror(self.number))
        return len(content)


@pytest.fixture
def failing(monkeypatch):
    """Puts a place that fails with an error number in place of standard output."""
    places = []

    def put(number):
        places.append(_Failing(number))
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(places[0]), "utf-8"))

    yield put
    places[0].number = 0  # or the streams complain when they are collected


@pytest.fixture
def stderr(capsys):
    """What standard error was told."""

    def read():
        text = capsys.readouterr().err
        assert "Traceback" not in text
        return text

    return read


def test_every_command_is_tried(arguments):
    assert sorted(arguments) == sorted(COMMANDS)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_prints_in_any_encoding(monkeypatch, stderr, arguments, name, encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", out)
    assert cli.main(arguments[name]) == 0, stderr()
    printed = out.buffer.getvalue().decode(encoding)
    assert printed.strip()
    if encoding == "ascii":
        assert "\\u" not in printed  # each sign that the package uses has a name
    assert out.errors == "strict"  # as it was


@pytest.mark.parametrize("name", [n for n in COMMANDS if n != "data fetch"])
def test_json_means_the_same_in_any_encoding(monkeypatch, stderr, arguments, name):
    found = []
    for e in ("ascii", "utf-8"):
        out = io.TextIOWrapper(io.BytesIO(), e)
        monkeypatch.setattr(sys, "stdout", out)
        assert cli.main([*arguments[name], "--json"]) == 0, stderr()
        found.append(_untimed(json.loads(out.buffer.getvalue().decode(e))))
    assert found[0] == found[1]


def _untimed(plain):
    """The same without how long it took."""
    if isinstance(plain, dict):
        return {k: _untimed(v) for k, v in plain.items() if k != "seconds"}
    return [_untimed(v) for v in plain] if isinstance(plain, list) else plain


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_told_in_one_line(failing, stderr, arguments, name):
    failing(errno.ENOSPC)
    assert cli.main(arguments[name]) == 2
    assert "cannot write to standard output (No space left on device)" in stderr()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_closed_output_is_told_in_one_line(monkeypatch, stderr, arguments, name):
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.main(arguments[name]) == 2
    told = stderr()
    assert told.startswith("chainrule: standard output is closed")
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_goes_away_ends_a_command_without_a_word(failing, stderr, arguments, name):
    failing(errno.EPIPE)
    assert cli.main(arguments[name]) == 1
    assert "standard output" not in stderr()


@pytest.mark.parametrize("closed", [True, False])
def test_a_mistake_keeps_its_exit_code_where_it_cannot_be_told(monkeypatch, closed):
    full = _Failing(errno.ENOSPC)
    monkeypatch.setattr(sys, "stderr", None if closed else io.TextIOWrapper(io.BufferedWriter(full)))
    assert cli.main(["data", "info", "mnits"]) == 2
    full.number = 0


def test_the_command_line_keeps_freed_memory_only_while_it_runs(monkeypatch):
    seen = []
    monkeypatch.setattr(cli, "app", lambda *_, **__: seen.append(settings.keep_freed_memory))
    assert cli.main([]) == 0
    assert (seen, settings.keep_freed_memory) == ([True], False)


def _shell(command, **environment):
    return subprocess.run(
        ["bash", "-c", command.replace("chainrule", f"'{sys.executable}' -m chainrule")],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        errors="replace",
    )


@pytest.mark.parametrize(
    ("command", "environment", "code"),
    [
        ("chainrule dag independencies 'A->B->C'", {"PYTHONIOENCODING": "cp1252"}, 0),
        ("chainrule dag independencies 'A->Ä->C'", {"PYTHONIOENCODING": "ascii"}, 0),
        ("chainrule masks --order x2,x1", {"PYTHONIOENCODING": "cp1252"}, 0),
        (
            "chainrule derive exponential",
            {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
            0,
        ),
        ("chainrule data list >/dev/full", {}, 2),
        ("chainrule data list >&-", {}, 2),
        ("chainrule data list >/dev/full 2>&-", {}, 2),
        ("chainrule --help >/dev/full", {}, 2),
        ("chainrule --help >&-", {}, 2),
        ("chainrule data list --json >/dev/full", {"PYTHONUNBUFFERED": "1"}, 2),
        ("chainrule data list | true; exit ${PIPESTATUS[0]}", {}, 1),
        ("chainrule --version", {}, 0),
        ("chainrule fly 2>/dev/full", {}, 2),
    ],
)
def test_the_same_holds_in_a_shell(command, environment, code):
    done = _shell(command, **environment)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if code == 2 and "2>" not in command:
        assert done.stderr.startswith("chainrule: ")
        assert done.stderr.count("\n") == 1
