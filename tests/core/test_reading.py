"""Packed files: read whole, up to a limit, or refused in one line."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, DataError, InputError, TooLargeError
from chainrule.core.reading import read_bytes, unzip


@given(st.binary(max_size=50).filter(lambda b: b[:2] != b"\x1f\x8b"), st.integers(0, 60))
def test_content_comes_back_whole_up_to_the_limit(content, limit):
    for packed in (content, gzip.compress(content)):
        if len(content) <= limit:
            assert unzip(packed, "a", limit=limit) == content
        else:
            with pytest.raises(TooLargeError, match=f"a holds more than {limit} bytes"):
                unzip(packed, "a", limit=limit)


@given(st.binary(max_size=40), st.integers(0, 30))
def test_any_bytes_after_the_mark_of_gzip_end_in_content_or_in_our_error(rubbish, cut):
    for packed in (b"\x1f\x8b" + rubbish, gzip.compress(b"some rows")[:cut] + rubbish):
        try:
            unzip(packed, "a", limit=1000)
        except ChainruleError as e:
            assert "\n" not in str(e)  # noqa: PT017


def test_files_are_told_by_their_first_bytes_and_say_what_they_should_be(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(gzip.compress(b"rows"))
    assert read_bytes(path, limit=4) == b"rows"
    with pytest.raises(TooLargeError, match="more than 3 bytes; pass edges"):
        read_bytes(path, limit=3, instead="pass edges")
    with pytest.raises(DataError, match=f"there is no file {path}x; give the path of a graph"):
        read_bytes(f"{path}x", limit=3, what="a graph")
    with pytest.raises(DataError, match="cannot read"):
        read_bytes(tmp_path, limit=3)
    for bad, words in (("a\0b", "NUL"), ("a\ud800", "no bytes")):
        with pytest.raises(InputError, match=words):
            read_bytes(bad, limit=3)
