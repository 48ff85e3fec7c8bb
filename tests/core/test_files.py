import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from chainrule.core.errors import OutputError
from chainrule.core.files import make_directory, replacing, write_text


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
