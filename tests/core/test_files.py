import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrule.core.errors import InputError, OutputError
from chainrule.core.files import check_place, make_directory, replacing, write_text
from chainrule.core.owned_folder import owned_folder
from tests.rooms import room_for


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def interrupted():
        with replacing(target) as temporary:
            temporary.write_text("half of the new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_written_file_follows_the_umask(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    plain = tmp_path / "b.txt"
    plain.write_text("x")
    assert (tmp_path / "a.txt").stat().st_mode == plain.stat().st_mode


def test_a_file_that_its_writer_replaced_by_a_private_one_follows_the_umask_all_the_same(tmp_path):
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.unlink()
        temporary.touch(0o600)
    (tmp_path / "b.txt").write_text("x")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_writing_never_touches_the_umask_which_all_threads_share(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask was set"))
    write_text(tmp_path / "a.txt", "x")
    make_directory(tmp_path / "b")


def test_many_threads_writing_one_file_leave_one_whole_file(tmp_path):
    target = tmp_path / "a.txt"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: write_text(target, str(k) * 1000), range(10)))
    assert target.read_text() in {str(k) * 1000 for k in range(10)}
    assert os.listdir(tmp_path) == ["a.txt"]


def test_writing_where_there_is_no_folder_says_what_to_do(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*choose a place"):
        write_text(tmp_path / "missing" / "a.txt", "x")


def test_a_folder_that_is_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="choose a folder"):
        make_directory(tmp_path / "file")
    with pytest.raises(OutputError, match="choose a folder"):
        make_directory(tmp_path / "file" / "below")


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a.txt", tmp_path / "link"
    link.symlink_to(target)
    for text in ("new", "newer"):  # the first time the link leads to nothing yet
        write_text(link, text)
        assert link.is_symlink()
        assert target.read_text() == text
    assert os.listdir(tmp_path / "there") == ["a.txt"]


def test_a_link_that_leads_to_itself_is_refused(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "link")
    with pytest.raises(OutputError, match="symbolic links"):
        write_text(tmp_path / "link", "x")


def test_what_is_no_regular_file_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to null").symlink_to("/dev/null")
    for place, kind in (
        (tmp_path / "pipe", "a named pipe"),
        (tmp_path / "to null", "a device"),
        ("/dev/null", "a device"),
        ("/dev/full", "a device"),
        (tmp_path, "a folder"),
    ):
        before = os.stat(place)
        for write in (lambda place: write_text(place, "x"), check_place):
            with pytest.raises(OutputError, match=f"it is {kind}"):
                write(place)
        assert os.path.samestat(os.stat(place), before)


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    write_text(tmp_path / "a.txt", "x")
    (tmp_path / "a.txt").chmod(0o640)
    write_text(tmp_path / "a.txt", "y")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_a_name_as_long_as_a_file_system_takes_can_be_written(tmp_path):
    for name in ("x" * 255, "ä" * 127):
        write_text(tmp_path / name, "whole")
        assert (tmp_path / name).read_text() == "whole"


@pytest.mark.parametrize(
    ("place", "kind", "words"),
    [
        (3, InputError, "a path is a text"),
        (None, InputError, "a path is a text"),
        (b"a", InputError, "a path is a text"),
        ("a\0b", InputError, "NUL"),
        ("x" * 300, OutputError, "File name too long"),
        ("y/" * 4000 + "z", OutputError, "File name too long"),
        ("", InputError, "a file needs a name|it is a folder"),
    ],
)
def test_what_is_no_place_is_refused_in_one_line(place, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for write in (lambda place: write_text(place, "x"), check_place, make_directory):
        if write is make_directory and place == "":
            continue  # the folder that one is in
        with pytest.raises((kind, OutputError), match=words + "|is a folder") as caught:
            write(place)
        assert len(str(caught.value)) < 1000
        assert "\n" not in str(caught.value)


def test_what_goes_wrong_with_something_else_is_not_told_as_writing(tmp_path):
    def reads_too():
        with replacing(tmp_path / "a.txt"):
            (tmp_path / "not there").read_text()

    with pytest.raises(FileNotFoundError):
        reads_too()
    assert os.listdir(tmp_path) == []


def test_a_file_that_may_not_grow_is_told_and_what_was_there_stays(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with room_for(1000), pytest.raises(OutputError, match=r"cannot write .*make room there"):
        write_text(tmp_path / "a.txt", "x" * 5000)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_whatever_fails_is_told_in_one_line_and_what_was_there_stays(call, number, tmp_path, monkeypatch):
    write_text(tmp_path / "a.txt", "old")

    def fails(path, *more, **named):
        raise OSError(number, os.strerror(number), None if isinstance(path, int) else str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        with pytest.raises(OutputError, match=f"cannot write .*{os.strerror(number)}") as caught:
            write_text(tmp_path / "a.txt", "new")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_vanishes_on_the_way_is_told(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()

    def written_where_it_was():
        with replacing(folder / "a.txt") as temporary:
            shutil.rmtree(folder)
            temporary.write_text("x")

    with pytest.raises(OutputError, match=r"cannot write .*No such file or directory"):
        written_where_it_was()


def test_content_is_on_the_disk_before_it_takes_its_place_and_its_name_after(tmp_path, monkeypatch):
    done = []

    def watched(name):
        whole = getattr(os, name)

        def call(*arguments):
            done.append(name)
            return whole(*arguments)

        monkeypatch.setattr(os, name, call)

    watched("fsync")
    watched("replace")
    write_text(tmp_path / "a.txt", "x")
    assert done == ["fsync", "replace", "fsync"]


def test_leftovers_of_the_killed_are_removed_and_those_of_the_living_are_not(tmp_path):
    left = tmp_path / ".a.txt.0123abcd.chainrule.part"
    left.write_text("half")
    (tmp_path / ".mine.part").write_text("of another program")
    with replacing(tmp_path / "b.txt") as living:
        living.write_text("b")
        write_text(tmp_path / "a.txt", "a")
        assert living.exists()
        assert not left.exists()
    assert sorted(os.listdir(tmp_path)) == [".mine.part", "a.txt", "b.txt"]


def test_a_folder_has_one_owner_at_a_time_and_the_next_hears_who(tmp_path):
    program = (
        "import sys, time\nfrom chainrule.core.owned_folder import owned_folder\n"
        "with owned_folder(sys.argv[1]):\n    print(flush=True)\n    time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    other.stdout.readline()
    with pytest.raises(OutputError, match=f"in use by process {other.pid}; wait"), owned_folder(tmp_path):
        pass
    other.kill()  # -9: nothing of its own is run any more
    other.communicate()
    with owned_folder(tmp_path):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("call", ["ftruncate", "write"])
def test_a_folder_that_cannot_be_signed_is_told_at_once_and_left_empty(call, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, fails)
    with pytest.raises(OutputError, match=r"No space left on device\); make room"), owned_folder(tmp_path):
        pass
    assert os.listdir(tmp_path) == []
