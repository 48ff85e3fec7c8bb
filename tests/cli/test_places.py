"""A command that cannot write its file says so in one line, and what was there stays what it was."""

import os
import shutil

import pytest

from chainrule import cli
from tests.cli.every_command import every_command
from tests.rooms import room_for

PLACES = ("-o", "--svg", "--page", "--out")
WRITING = [
    "fit",
    "score",
    "impute",
    "audit",
    "compress",
    "decompress",
    "learn",
    "compare",
    "reproduce",
    "report",
    "dag show",
]


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    return every_command(tmp_path_factory.mktemp("commands"))


def _with_place(arguments, place):
    at = next(k for k, a in enumerate(arguments) if a in PLACES) + 1
    return [*arguments[:at], str(place), *arguments[at + 1 :]]


def _told(capsys):
    text = capsys.readouterr().err
    assert "Traceback" not in text
    last = text.splitlines()[-1]
    assert last.startswith("chainrule: cannot write ")
    assert len(last) < 1000
    return last


def test_every_command_that_writes_a_file_is_tried(arguments):
    assert [name for name, found in arguments.items() if set(found) & set(PLACES)] == WRITING


@pytest.mark.parametrize("name", [n for n in WRITING if n != "decompress"])
def test_a_full_disk_is_told_and_leaves_all_as_it_was(name, arguments, tmp_path, capsys):
    ends = {"compare": ".html", "report": ".html", "dag show": ".svg", "learn": ".bif"}.get(name, ".csv")
    place = tmp_path / f"out{ends}"
    if name != "reproduce":
        place.write_text("what was there")
    with room_for(16):
        assert cli.main(_with_place(arguments[name], place)) == 2
    assert "make room" in _told(capsys)
    if name == "reproduce":
        assert [p.name for p in place.rglob("*")] == []
    else:
        assert place.read_text() == "what was there"
        assert os.listdir(tmp_path) == [place.name]


@pytest.mark.parametrize("name", [n for n in WRITING if n not in ("decompress", "reproduce")])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/dev/full", "it is a device"),
        ("{}/nowhere/out", "there is no folder|No such file"),
        ("{}/" + "x" * 300, "File name too long"),
    ],
)
def test_a_place_where_no_file_can_be_is_told(name, place, words, arguments, tmp_path, capsys):
    ends = {"compare": ".html", "report": ".html", "dag show": ".svg", "learn": ".bif"}.get(name, ".csv")
    place = place.format(tmp_path) + ("" if place.startswith("/dev") else ends)
    if place == "/dev/full" and name in ("compare", "report", "dag show", "learn", "score", "impute"):
        (tmp_path / f"full{ends}").symlink_to(place)  # the format is told by the end of a name
        place = tmp_path / f"full{ends}"
    assert cli.main(_with_place(arguments[name], place)) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert any(word in last for word in words.split("|")), last
    assert len(last) < 1000


def test_a_folder_that_another_process_works_in_is_told(arguments, tmp_path, capsys):
    from chainrule.core.owned_folder import owned_folder

    with owned_folder(tmp_path / "out"):
        assert cli.main(_with_place(arguments["reproduce"], tmp_path / "out")) == 2
    assert f"in use by process {os.getpid()}; wait" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "out")
