"""Readers give back what was written, and refuse everything else in one line."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.core.errors import ChainruleError, DataError, InputError, TooLargeError, UnknownNameError
from chainrule.core.reading import read_bytes, unzip
from chainrule.datasets import read_array, read_idx, read_table
from chainrule.datasets.text_tables import parse_table

BITS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 1))
SEPARATORS = st.sampled_from([",", ";", "\t", " "])
NUMBERS = [np.uint8, np.int8, np.int16, np.int32, np.int64, np.float32, np.float64, np.bool_]
IDX_CODES = {8: "u1", 9: "i1", 11: "i2", 12: "i4", 13: "f4", 14: "f8"}


def text(rows: np.ndarray, separator: str, end: str = "\n") -> str:
    return "".join(separator.join(map(repr, row)) + end for row in rows.tolist())


def idx(array: np.ndarray, code: int) -> bytes:
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(">" + IDX_CODES[code]).tobytes()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def read(content: bytes, name: str, **options):
    """``read_array`` on a file of this content and name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read_array(path, **options)


# -- what was written comes back --------------------------------------------------------------------------


@given(BITS, SEPARATORS, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_table_of_bits_comes_back_however_it_is_separated_ended_and_packed(rows, sep, packed, end, last):
    content = text(rows, sep, end)
    content = (content if last else content.removesuffix(end)).encode()
    name = "rows.amat" + (".gz" if packed else "")
    back = read(gzip.compress(content) if packed else content, name)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, rows)


@given(hnp.arrays(np.float64, (3, 2), elements=st.floats(allow_infinity=False)), SEPARATORS)
@example(np.array([[0.5, np.nan]]), ",")
def test_a_table_of_floats_comes_back_bit_by_bit(rows, sep):
    back = read(text(rows, sep).encode(), "rows.csv")
    np.testing.assert_array_equal(back.astype(np.float64), rows)


@given(hnp.arrays(np.int64, (2, 3), elements=st.integers(-(2**53), 2**53)))
def test_whole_numbers_come_back_as_integers(rows):
    back = read(text(rows, ",").encode(), "rows.csv")
    assert back.dtype == (np.uint8 if np.isin(rows, (0, 1)).all() else np.int64)
    np.testing.assert_array_equal(back, rows)


@given(BITS, SEPARATORS)
def test_the_fast_path_for_bits_agrees_with_the_general_one(rows, sep):
    fast = parse_table(text(rows, sep).encode(), "fast").values
    general = parse_table(text(rows, sep, "\r\n").encode(), "general").values
    assert fast.dtype == general.dtype
    np.testing.assert_array_equal(fast, general)


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ("a,b\n1,0\n", ("a", "b"), [[1, 0]]),
        ('"a, the first","b"\n1,2\n', ("a, the first", "b"), [[1, 2]]),
        ("\ufeffx y\n1.5 2\n", ("x", "y"), [[1.5, 2.0]]),
        (",b\n0,1\n\n\n", ("", "b"), [[0, 1]]),
        ("1,0\n0,1\n", None, [[1, 0], [0, 1]]),
        ("nan,1\n2,3\n", None, [[np.nan, 1], [2, 3]]),
        ("7\n", None, [[7]]),
    ],
)
def test_a_first_line_without_numbers_names_the_columns(tmp_path, content, names, rows):
    path = tmp_path / "rows.csv"
    path.write_text(content, encoding="utf-8")
    table = read_table(path)
    assert table.names == names
    np.testing.assert_array_equal(table.values, rows)
    np.testing.assert_array_equal(read_array(path), rows)


@given(st.data())
def test_numpy_files_come_back_in_native_byte_order_whatever_order_they_were_saved_in(data):
    dtype = np.dtype(data.draw(st.sampled_from(NUMBERS))).newbyteorder(data.draw(st.sampled_from("<>")))
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=4)))
    array = np.asarray(array, order=data.draw(st.sampled_from("CF")))
    packed = data.draw(st.booleans())
    plain = npy(array)
    for back in (
        read(gzip.compress(plain) if packed else plain, "a.npy" + ".gz" * packed),
        read(npz(only=array), "a.npz"),
        read(npz(first=np.zeros(2), second=array), "a.npz", key="second"),
    ):
        assert back.dtype.isnative
        np.testing.assert_array_equal(back, array)


@given(st.data())
def test_idx_files_of_every_type_come_back(data):
    code = data.draw(st.sampled_from(sorted(IDX_CODES)))
    array = data.draw(hnp.arrays(np.dtype(IDX_CODES[code]), hnp.array_shapes(max_dims=4, max_side=3)))
    back = read(idx(array, code), "images-idx3-ubyte")
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_a_file_without_a_telling_suffix_is_told_by_its_first_bytes(tmp_path):
    rows = np.array([[0, 1], [1, 1]], np.uint8)
    for content in (npy(rows), npz(only=rows), idx(rows, 8), b"0,1\n1,1\n"):
        path = tmp_path / "rows"
        for packed in (content, gzip.compress(content)):
            path.write_bytes(packed)
            np.testing.assert_array_equal(read_array(path), rows)


def test_gzip_is_told_by_its_first_bytes_and_not_by_the_name():
    np.testing.assert_array_equal(read(gzip.compress(b"1 2\n"), "rows.csv"), [[1, 2]])
    np.testing.assert_array_equal(read(b"1 2\n", "rows.csv.gz"), [[1, 2]])


# -- everything else is refused in one line ---------------------------------------------------------------

ROWS = np.array([[0, 1], [1, 1]], np.uint8)


def _pointing_back(content: bytes) -> bytes:
    """The zip file with its directory said to lie later than it does, so that entries start below zero."""
    at = content.rindex(b"PK\5\6") + 16
    (start,) = struct.unpack_from("<I", content, at)
    return content[:at] + struct.pack("<I", start + 1000) + content[at + 4 :]


REFUSED = {
    "an empty table": ("a.csv", b"", "is empty"),
    "an empty gzipped table": ("a.csv.gz", gzip.compress(b""), "is empty"),
    "blank lines alone": ("a.csv", b"\n \n", "is empty"),
    "a header and no rows": ("a.csv", b"a,b\n", "no rows"),
    "a short row": ("a.csv", b"1,2\n3,4\n5\n", "line 3: 1 values, but line 1 has 2"),
    "a long row of bits": ("a.amat", b"0 1\n0 1 1\n", "line 2: 3 values, but line 1 has 2"),
    "a word": ("a.csv", b"1,2\n3,cat\n", "line 2, column 2: 'cat' is not a finite number"),
    "a word in the first line": ("a.csv", b"1,cat\n", "line 1, column 2: 'cat'"),
    "a word below a header": ("a.csv", b"a,b\n1,2\nx,3\n", "line 3, column 1: 'x'"),
    "an infinity": ("a.csv", b"1,2\n3,inf\n", "line 2, column 2: 'inf' is not a finite number"),
    "an overflow": ("a.csv", b"1\n1e999\n", "line 2, column 1: '1e999'"),
    "a number as Python writes it": ("a.csv", b"1\n1_000\n", "line 2, column 1: '1_000'"),
    "an empty cell": ("a.csv", b"1,2\n3,\n", "line 2, column 2 is empty; write nan"),
    "a blank line": ("a.csv", b"1\n\n2\n", "line 2: the line is empty"),
    "open quotes": ("a.csv", b'1,2\n"3,4\n', "line 2: quotes"),
    "bytes that are no text": ("a.csv", b"1,2\n\xff\xfe\n", "line 2: not text (byte 0xff)"),
    "zero bytes": ("a.csv", b"1,2\n\0\n", "zero bytes"),
    "a cut gzip": ("a.csv.gz", gzip.compress(b"1,2\n" * 99)[:-9], "damaged gzip"),
    "a wrong gzip checksum": (
        "a.csv.gz",
        gzip.compress(b"1,2\n")[:-8] + bytes(8),
        "damaged gzip",
    ),
    "gzip and rubbish": ("a.csv.gz", gzip.compress(b"1,2\n") + b"rubbish", "damaged gzip"),
    "an empty idx": ("a.idx", b"", "is not an idx file: its first bytes are missing"),
    "text as idx": ("a.idx", b"1,2\n", "is not an idx file: its first bytes are 312c320a"),
    "an unknown idx type": ("a.idx", bytes([0, 0, 10, 1, 0, 0, 0, 0]), "is not an idx file"),
    "an idx of rank 0": ("a.idx", bytes([0, 0, 8, 0, 1]), "is not an idx file"),
    "a cut idx header": ("a.idx", bytes([0, 0, 8, 3, 0, 0]), "header needs 16 bytes, it has 6"),
    "a cut idx": ("a.idx", idx(ROWS, 8)[:-1], "is truncated: shape (2, 2) needs 4 bytes of values, it has 3"),
    "an idx with a tail": ("a.idx", idx(ROWS, 8) + b"\0", "has bytes left over"),
    "a huge idx": ("a.idx", bytes([0, 0, 14, 4]) + b"\xff" * 16, "is truncated"),
    "an idx of no rows": ("a.idx", bytes([0, 0, 8, 1, 0, 0, 0, 0]), "holds no values"),
    "an idx of many ranks": ("a.idx", bytes([0, 0, 8, 255]) + b"\0\0\0\1" * 255 + b"\0", "at most 32"),
    "an empty npy": ("a.npy", b"", "is not a NumPy array file"),
    "text as npy": ("a.npy", b"1,2\n", "is not a NumPy array file"),
    "a cut npy": ("a.npy", npy(ROWS)[:-1], "is truncated"),
    "an npy of text": ("a.npy", npy(np.array(["a"])), "must hold numbers"),
    "an npy of complex numbers": ("a.npy", npy(np.array([1j])), "must hold numbers"),
    "an npy of no rows": ("a.npy", npy(np.zeros((0, 3))), "holds no values"),
    "a lying npy header": ("a.npy", npy(ROWS).replace(b"(2, 2)", b"(-2,2)"), "holds no values"),
    "an npy header with open brackets": ("a.npy", npy(ROWS).replace(b"(2, 2)", b"((2, 2"), "is not a NumPy"),
    "an npz that points before its start": (
        "a.npz",
        _pointing_back(npz(only=ROWS)),
        "is a damaged .npz file",
    ),
    "an npz with a line break in a name": ("a.npz", npz(**{"a\nb": ROWS}), "a name in it is not text"),
    "text as npz": ("a.npz", b"1,2\n", "is a damaged .npz file"),
    "a cut npz": ("a.npz", npz(only=ROWS)[:-9], "is a damaged .npz file"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_in_one_line_that_names_it(tmp_path, case):
    name, content, expected = REFUSED[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_array(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message
    assert "\n" not in message


@pytest.mark.parametrize("size", [b"(2L,2)", b"(0b2,)", b"(2if 2)"])
def test_what_a_header_makes_python_warn_of_is_read_or_refused_also_where_warnings_are_errors(tmp_path, size):
    path = tmp_path / "a.npy"
    path.write_bytes(npy(ROWS).replace(b"(2, 2)", size))
    for action in ("ignore", "error"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            if size == b"(2L,2)" and action == "ignore":  # as Python 2 wrote it
                np.testing.assert_array_equal(read_array(path), ROWS)
                continue
            with pytest.raises(DataError, match="save it again"):
                read_array(path)


def test_a_missing_file_and_a_folder_are_refused_in_one_line(tmp_path):
    with pytest.raises(DataError, match=r"^there is no file .*absent\.csv; give the path"):
        read_array(tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"^cannot read .* \(it is a folder\)"):
        read_array(tmp_path)


def test_an_npz_of_several_arrays_wants_to_know_which():
    content = npz(train=ROWS, test=ROWS)
    with pytest.raises(InputError, match=r"holds 2 arrays \(test, train\); say which with key="):
        read(content, "a.npz")
    with pytest.raises(UnknownNameError, match=r"no array 'tran'; did you mean 'train'\?"):
        read(content, "a.npz", key="tran")
    with pytest.raises(InputError, match="is not one; leave key out"):
        read(b"0,1\n", "a.csv", key="train")


class _Trap:
    """Unpickling one makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("wrap", [lambda a: ("a.npy", npy(a)), lambda a: ("a.npz", npz(only=a))])
def test_a_pickle_inside_a_numpy_file_is_refused_and_never_run(tmp_path, wrap):
    sprung = tmp_path / "sprung"
    trap = np.empty(1, object)
    trap[0] = _Trap(sprung)
    name, content = wrap(trap)
    with pytest.raises(DataError, match="must hold numbers, it holds object"):
        read(content, name)
    with pytest.raises(DataError, match="is not a NumPy array file"):
        read(pickle.dumps(_Trap(sprung)), "a.npy")
    assert not sprung.exists()


def test_a_compression_that_numpy_never_writes_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("only.npy", npy(ROWS))
    with pytest.raises(DataError, match="compressed in a way that NumPy never uses"):
        read(out.getvalue(), "a.npz")


def test_a_small_file_that_unpacks_to_a_huge_one_is_stopped_at_the_limit(tmp_path):
    bomb = gzip.compress(bytes(1_000_000))
    assert len(bomb) < 2_000
    with pytest.raises(TooLargeError, match="holds more than 2,000 bytes"):
        unzip(bomb, "bomb.gz", limit=2_000)
    path = tmp_path / "long.csv"
    path.write_bytes(bytes(3_000))
    with pytest.raises(TooLargeError, match="holds more than 2,000 bytes"):
        read_bytes(path, limit=2_000)


WHOLE = {
    "a.csv.gz": gzip.compress(b"0,1\n1,1\n"),
    "a.npy": npy(ROWS),
    "a.npz": npz(only=ROWS),
    "a.idx": idx(ROWS, 8),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_binary_file_cut_anywhere_is_refused(tmp_path, name):
    path = tmp_path / name
    for length in range(len(WHOLE[name])):
        path.write_bytes(WHOLE[name][:length])
        with pytest.raises(DataError):
            read_array(path)


def assert_numbers_or_one_line(reading):
    """``reading`` gives an array of numbers, or raises an error of ours whose message is one line."""
    message, values = "", np.zeros(1)
    try:
        values = reading()
    except ChainruleError as e:
        message = str(e)
    assert "\n" not in message
    assert values.dtype.kind in "biuf"
    assert values.size


@settings(max_examples=500)
@given(st.data())
def test_any_bytes_under_any_name_give_numbers_or_one_line_of_ours(data):
    name = data.draw(st.sampled_from(["a.csv", "a.npy", "a.npz", "a.idx", "a", "a.gz"]))
    content = bytearray(data.draw(st.sampled_from([*WHOLE.values(), b"1,2\n3,4\n", b"a b\n1 2\n"])))
    new = st.one_of(st.integers(0, 255), st.sampled_from(list(b"0123456789,()-'\n")))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(new)
    assert_numbers_or_one_line(lambda: read(bytes(content), name))


@given(st.binary(max_size=40))
def test_any_bytes_as_a_table_give_numbers_or_one_line_of_ours(content):
    assert_numbers_or_one_line(lambda: parse_table(content, "any.csv").values)


def test_read_idx_gives_the_shape_that_the_header_states(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "x-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images, 8)))
    np.testing.assert_array_equal(read_idx(tmp_path / "x-idx3-ubyte.gz"), images)
