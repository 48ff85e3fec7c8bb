"""Whatever is given where a command reads a file: one line and exit code 2, at once."""

import os
import signal

import pytest

from chainrule import cli
from tests.cli.every_command import GRAPH, every_command

ODD = (
    "x" * 300,
    "",
    "folder",
    "pipe",
    "/dev/zero",
    "/dev/full",
    "loop",
    "to-nothing",
    "rows.csv/x",
    "3",
    "caf\udcff",
)
PLACES = ("-o", "--out", "--page", "--svg")


def _waits(*_):
    pytest.fail("it waits for a pipe, or reads without end")


def test_no_command_reads_what_is_no_file(tmp_path, monkeypatch, capsys):
    commands = every_command(tmp_path)
    monkeypatch.chdir(tmp_path)
    os.mkdir("folder")
    os.mkfifo("pipe")
    os.symlink("loop", "loop")
    os.symlink("nothing", "to-nothing")
    faults = []
    before = signal.signal(signal.SIGALRM, _waits)
    signal.alarm(300)
    try:
        for name, arguments in commands.items():
            for k, argument in enumerate(arguments):
                is_file = os.path.exists(argument) and arguments[k - 1] not in PLACES
                if not is_file and argument != GRAPH:
                    continue
                for odd in ODD:
                    code = cli.main([*arguments[:k], odd, *arguments[k + 1 :]])
                    told = capsys.readouterr().err.splitlines()[-1:]
                    is_word = argument == GRAPH and code == 0  # any word is a graph of one node
                    if not is_word and (code != 2 or not told or not told[0].startswith("chainrule: ")):
                        faults.append((name, k, odd, code, told))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert faults == []
