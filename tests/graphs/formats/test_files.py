"""Files that are missing, damaged, huge or something else."""

from __future__ import annotations

import gzip

import pytest

from chainrule.core.errors import DataError, InputError, TooLargeError
from chainrule.graphs import DAG
from chainrule.graphs.formats import files, scanner


def test_gzip_is_told_by_its_first_bytes_whatever_the_suffix(tmp_path):
    path = tmp_path / "graph.txt"
    path.write_bytes(gzip.compress(b"dag { A -> B }", mtime=0))
    assert DAG.read(str(path)) == DAG.parse("A -> B")


def test_a_byte_order_mark_and_windows_lines_are_no_obstacle(tmp_path):
    path = tmp_path / "graph.txt"
    path.write_bytes("\ufeffA -> B\r\nB -> é\r\n".encode())
    assert DAG.read(path) == DAG.parse("A -> B -> é")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8 text"),
        (b"A -> \0B", "is a binary file"),
        ("A -> B".encode("utf-16"), "is not UTF-8 text"),
        (gzip.compress(b"A -> B", mtime=0)[:-6], "is a damaged gzip file"),
        (gzip.compress(b"A -> B" * 9, mtime=0)[:12] + b"junk" * 9, "is a damaged gzip file"),
        (b"\x1f\x8bjunk and more junk", "is a damaged gzip file"),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, message):
    path = tmp_path / "graph.dag"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        DAG.read(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        DAG.read(tmp_path / "none.bif")
    with pytest.raises(DataError, match="cannot read"):
        DAG.read(tmp_path)
    with pytest.raises(InputError, match="NUL"):
        DAG.read("a\0b")
    with pytest.raises(InputError, match="a path is a text"):
        DAG.read(3)  # type: ignore[arg-type]


def test_a_huge_file_is_refused_before_more_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_CHARACTERS", 1000)
    path = tmp_path / "graph.txt.gz"
    path.write_bytes(gzip.compress(b" " * 10**6))
    with pytest.raises(TooLargeError, match="more than 1,000 bytes"):
        DAG.read(path)
    monkeypatch.setattr(scanner, "MOST_CHARACTERS", 10)
    with pytest.raises(TooLargeError, match="at most 10 are read"):
        DAG.parse("A -> B -> C -> D")


def test_a_format_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="format must be one of chainrule, dagitty"):
        DAG.parse("A -> B", format="svg")  # type: ignore[arg-type]


def test_names_that_open_other_formats_are_still_names_in_bare_text():
    for name in ("graph", "digraph", "dag", "network", "strict"):
        assert DAG.parse(f"{name} -> {{A B}}; C -> {name}").parents(name) == ("C",)
        assert DAG.parse(f"{name} <- A").parents(name) == ("A",)
