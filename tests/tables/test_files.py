"""Files: encodings, separators, headers, lines in messages, damaged ones, and parts of any size."""

from __future__ import annotations

import csv
import gzip
import io
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, DataError, InputError, UnknownNameError
from chainrule.tables import Schema, Table, files
from chainrule.tables.door import rows
from chainrule.tables.problems import TableError, UnseenError
from chainrule.tables.text_files import TextFile

TEXT = "name;ort\nMüller;Köln\nAnna;Bonn\n"
NAMES = {"name": ("Anna", "Müller"), "ort": ("Bonn", "Köln")}


def _write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_unicode_is_told_by_its_mark(tmp_path, encoding, pack):
    table = rows(_write(tmp_path / "a.csv", pack(TEXT.encode(encoding))))
    assert table.schema.states == NAMES
    assert encoding.upper().removesuffix("-SIG") in str(table.schema)
    assert rows(tmp_path / "a.csv", table.schema).codes.tolist() == table.codes.tolist()


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_bytes_are_read_with_a_mark_and_by_name(tmp_path, mark):
    assert rows(_write(tmp_path / "a.csv", ("\ufeff" + TEXT).encode(mark))).schema.states == NAMES
    assert Table.read(_write(tmp_path / "a.csv", TEXT.encode(mark)), encoding=mark).schema.states == NAMES


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_other_encodings_are_read_by_name_only_and_the_schema_keeps_the_name(tmp_path, encoding):
    path = _write(tmp_path / "a.csv", TEXT.encode(encoding))
    with pytest.raises(
        DataError, match=r"line 2: the byte 0xfc is not UTF-8 text; name the encoding.*cp1252"
    ):
        rows(path)
    table = Table.read(path, encoding=encoding)
    assert table.schema.states == NAMES
    assert rows(path, Schema.from_plain(table.schema.to_plain())).codes.tolist() == table.codes.tolist()
    with pytest.raises(InputError, match="encoding must be the name of one"):
        Table.read(path, encoding="klingon")


def test_bytes_that_are_no_text_are_found_far_into_a_file(tmp_path):
    path = _write(tmp_path / "a.csv", b"a,b\n" + b"u,v\n" * 600_000 + b"u,\xff\n")
    with pytest.raises(DataError, match="line 600002: the byte 0xff"):
        rows(path)


@pytest.mark.parametrize(
    ("text", "names", "n_rows"),
    [
        ("0,1,0\n1,1,0\n0,0,0\n", ("x1", "x2", "x3"), 3),
        ("0,1\n1,1\n", ("x1", "x2"), 2),
        ("1\n0\n1\n", ("x1",), 3),
        ("0 1 0\n1 1 1\n", ("x1", "x2", "x3"), 2),
        ("0,0,1", ("x1", "x2", "x3"), 1),
        ("5,3,9\n1,2,9\n3,9,9\n", ("x1", "x2", "x3"), 3),
        ("2019,2020\n0,1\n", ("2019", "2020"), 1),
        ("0,1,2\n1,1,0\n", ("0", "1", "2"), 1),
        ("a,b\n0,1\n", ("a", "b"), 1),
        ("0,b\n0,1\n", ("0", "b"), 1),
        ("1,2\nx,y\n", ("1", "2"), 1),
    ],
)
def test_a_first_line_of_numbers_like_the_others_is_a_row(tmp_path, text, names, n_rows):
    table = rows(_write(tmp_path / "a.data", text))
    assert table.schema.names == names
    assert table.n_rows == n_rows
    assert ("no header line" in str(table.schema)) == (names[0] == "x1")


def test_the_setting_header_decides_where_the_guess_is_wrong(tmp_path):
    path = _write(tmp_path / "a.csv", "0,1\n0,1\n")
    assert Table.read(path, header=True).schema.names == ("0", "1")
    assert Table.read(path, header=False).n_rows == 2
    assert Table.read(_write(tmp_path / "a.csv", "u,v\nu,w\n"), header=False).schema.sizes == (1, 2)


def test_numbers_without_a_header_are_codes_like_those_of_an_array(tmp_path):
    path = _write(tmp_path / "a.data", "0,0,2\n0,1,-1\n")
    table = rows(path)
    assert table.schema.states == rows(np.array([[0, 0, 2], [0, 1, -1]])).schema.states
    assert table.codes.tolist() == [[0, 0, 2], [0, 1, -1]]
    assert rows(_write(tmp_path / "b.data", "1,1,1\n1,0,-1\n"), table.schema).codes.tolist() == [
        [1, 1, 1],
        [1, 0, -1],
    ]


def test_quotes_semicolons_and_line_ends_in_cells_are_read(tmp_path):
    path = _write(tmp_path / "q.txt", '\ufeff"a;1";b\r\n"x\ny";u\r\n"say ""z""";u\r\n')
    assert rows(path).schema.states == {"a;1": ('say "z"', "x\ny"), "b": ("u",)}


def test_an_empty_line_is_a_missing_cell_where_there_is_one_column(tmp_path):
    assert rows(_write(tmp_path / "a.csv", "a\nx\n\ny\n")).codes.tolist() == [[0], [-1], [1]]
    assert rows(_write(tmp_path / "a.csv", "a,b\nx,1\n\ny,2\n")).codes.tolist() == [[0, 0], [1, 1]]


def test_row_numbers_that_pandas_stores_are_no_column(tmp_path):
    pd.DataFrame({"a": ["u", "v"]}, index=[7, 3]).to_parquet(tmp_path / "t.parquet")
    assert rows(tmp_path / "t.parquet").schema.names == ("a",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,x\n2,x\n3,?\n", 4),
        ('a,b\n"1\n1",x\n2,"\n\n"\n3,?\n', 7),
        ("a,b\n\n\n1,x\n\n2,?\n", 6),
        ('"a\n\n",b\n1,?\n', 4),
        ("\n\na,b\n1,?\n", 4),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_messages_name_the_line_of_the_file(tmp_path, text, line, pack):
    path = _write(tmp_path / "a.csv", pack(text.encode()))
    states = [*{r["b"] for r in csv.DictReader(io.StringIO(text.lstrip("\n")))} - {"?"}] or ["x"]
    with pytest.raises(UnseenError, match=rf"^line {line}, column 'b': there is no category '\?'"):
        Table.read(path, schema={"b": states})
    with pytest.raises(UnseenError, match=rf"a.csv, line {line}, column 'b'"):
        Table.read([path, path], schema={"b": states})


def test_rows_of_parquet_files_are_counted(tmp_path):
    pd.DataFrame({"a": ["u", "v", "w"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(UnseenError, match="row 2, column 'a'"):
        rows(tmp_path / "a.parquet", Schema.of({"a": ["u", "v"]}))


@pytest.mark.parametrize("before", ["", "\n\r\n", "\ufeff\n"])
@pytest.mark.parametrize(("head", "names"), [(",a,b", ("x1", "a", "b")), ('a,"", ', ("a", "x2", "x3"))])
def test_columns_without_a_name_are_called_by_their_place(tmp_path, before, head, names):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{before}{head}\n0,u,1\n1,v,0\n".encode())
    table = Table.read(path)
    assert table.schema.names == names
    assert [cells.tolist() for cells in table.decode().values()] == [["0", "1"], ["u", "v"], ["1", "0"]]
    unnamed = [name for name in names if name.startswith("x")]
    assert f"called {', '.join(unnamed)}" in TextFile.open(path).note()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has no rows"),
        (b"a,b\n1,2\n1,2,3\n", "line 3: 3 cells, expected 2"),
        (b'a,b\n"1\n",2\n1\n', "line 4: 1 cells, expected 2"),
        (b"a,a\n1,2\n", "two columns are called 'a'"),
        (b"x2,\n1,2\n", "two columns are called 'x2'"),
        (b"sep=;\r\na;b\r\n1;2\r\n", "'sep=;', is for spreadsheets"),
        (b"a,b\n1,\xff\xff\n", "line 2: the byte 0xff"),
        (b"\xff\xfea\x00\x00", "(?i)utf-?16"),
        (b"a\x00b,c\n", "zero bytes"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-20], "cannot be read"),
        (b"\x1f\x8b and then rubbish", "cannot be read"),
        (b"\x28\xb5\x2f\xfd and then rubbish", "cannot be read"),
        (b"PAR1 and then rubbish PAR1", "cannot be read"),
        (b"ARROW1 and then rubbish", "cannot be read"),
        (b"a,b\n,1\n", "column 'a' has no states"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(ChainruleError, match=message) as caught:
        rows(_write(tmp_path / "bad.csv", content))
    assert "\n" not in str(caught.value)


@given(
    st.binary(max_size=60),
    st.sampled_from(
        [b"", b"a,b\n", b"PAR1", b"\x1f\x8b\x08", b"ARROW1", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b'"']
    ),
)
def test_any_bytes_end_in_a_table_or_in_our_error(tmp_path_factory, rubbish, start):
    path = _write(tmp_path_factory.mktemp("fuzz") / "f", start + rubbish)
    with suppress(ChainruleError):
        assert rows(path).n_rows


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=4)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5))
def test_any_cells_are_read_as_the_standard_library_wrote_them(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("cells") / "f.csv"
    with open(path, "w", encoding="utf-8", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([("a", "b"), *drawn])
    table = Table.read(path, missing=[], strip=False)
    assert list(zip(*(c.tolist() for c in table.decode().values()), strict=True)) == drawn


def test_a_missing_file_and_an_unlike_one_say_so(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        rows("no/such.csv")
    a, b = _write(tmp_path / "a.csv", "a,b\n1,2\n"), _write(tmp_path / "b.csv", "a,c\n1,2\n")
    with pytest.raises(DataError, match=r"b.csv has no column 'b', which .*a.csv has"):
        rows([a, b])
    with pytest.raises(UnknownNameError, match="lacks 1 of 2 columns: there is no column 'c'"):
        rows(a, Schema.of({"a": ["1"], "c": 2}))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_parts_of_any_size_together_are_the_whole(tmp_path, suffix, batch_rows):
    frame = pd.DataFrame({"a": ["u", "v", None, "w"] * 5, "n": range(20), "w": [0.5] * 20})
    path = tmp_path / f"t.{suffix}"
    {"csv": lambda p: frame.to_csv(p, index=False), "parquet": frame.to_parquet, "feather": frame.to_feather}[
        suffix
    ](path)
    whole = Table.read([path, path], weights="w")
    parts = list(Table.batches([path, path], weights="w", batch_rows=batch_rows))
    assert max(t.n_rows for t in parts) <= batch_rows
    assert all(t.schema == whole.schema for t in parts)
    assert np.concatenate([t.codes for t in parts]).tolist() == whole.codes.tolist()
    assert np.concatenate([t.weights for t in parts]).tolist() == whole.weights.tolist()
    under = list(Table.batches(path, schema=whole.schema, batch_rows=batch_rows))
    assert np.concatenate([t.codes for t in under]).tolist() == whole.codes[:20].tolist()


def test_tables_in_memory_come_in_parts_too():
    X = {"a": list("uvwuv")}
    for source in (X, pd.DataFrame(X), Table.read(X), np.array([[0], [1], [2], [0], [1]])):
        parts = list(Table.batches(source, batch_rows=2))
        assert [t.codes[:, 0].tolist() for t in parts] == [[0, 1], [2, 0], [1]]


def test_memory_does_not_grow_with_a_file(tmp_path):
    import pyarrow as pa

    path = tmp_path / "big.csv"
    with open(path, "w") as f:
        f.write("a,b,id\n")
        for i in range(40):
            f.writelines(f"u,{i % 7},row{i}-{j}\n" for j in range(10_000))
    before = pa.default_memory_pool().max_memory()
    n = sum(t.n_rows for t in Table.batches(path, ignore="id"))
    assert n == 400_000
    # about 32 blocks of a megabyte are read ahead; the file is 6 MB, so the law is weak but cheap
    assert pa.default_memory_pool().max_memory() - before < 100e6
    with pytest.raises(TableError, match=r"column 'id' has more than 1,024 categories.*is it an identifier"):
        next(Table.batches(path))


def test_batches_of_a_wide_parquet_file_are_shorter_and_its_counts_keep_no_cells(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_MOST_CELLS", 64)
    codes = np.random.default_rng(0).integers(0, 3, (100, 4), np.int8)
    pd.DataFrame(codes, columns=list("abcd")).to_parquet(tmp_path / "wide.parquet")
    assert max(t.n_rows for t in Table.batches(tmp_path / "wide.parquet")) == 16
    assert rows(tmp_path / "wide.parquet").codes.tolist() == codes.tolist()
    counts = Table.counts(tmp_path / "wide.parquet")
    assert all(c.column.indices.base is None for c in counts.columns.values())
