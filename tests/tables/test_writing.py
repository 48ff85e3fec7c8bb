"""Tables are written in the format that the name ends in, and read back as they were."""

import csv
import gzip

import pandas as pd
import pyarrow as pa
import pytest

from chainrule.core.errors import InputError, OutputError
from chainrule.tables import Table
from chainrule.tables.raw_files import raw_table
from chainrule.tables.writing import check_end, write_table

PLAIN = {
    "town": ["Köln", "Essen", None],
    "n": [1, None, 3],
    "pay": [0.1, 2.5, None],
    "car": [True, None, False],
}
AWKWARD = {"a": ["x, y", 'say "no"', "two\nlines", "tab\there", ""], "b": ["u", "v", None, "", "w"]}
ENDS = [".csv", ".tsv", ".csv.gz", ".tsv.zst", ".parquet", ".feather"]


@pytest.mark.parametrize("end", ENDS)
def test_what_is_written_is_read_back(tmp_path, end):
    path = tmp_path / f"rows{end}"
    write_table(path, pa.table(PLAIN))
    read = Table.read(path, bins={"pay": [1]}, missing=["", "NA"])
    assert read.schema["town"].states == ("Essen", "Köln")
    assert read.codes[:, 0].tolist() == [1, 0, -1]
    assert read.codes[:, 3].tolist() == [1, -1, 0]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("separator", [",", "\t"])
def test_cells_that_need_quotes_have_them_and_no_others(tmp_path, separator):
    path = tmp_path / ("rows.csv" if separator == "," else "rows.tsv")
    write_table(path, pa.table(AWKWARD))
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.reader(f, delimiter=separator))
    assert rows == [["a", "b"], *([a, b or ""] for a, b in zip(*AWKWARD.values(), strict=True))]
    assert raw_table(path).column("a").to_pylist() == AWKWARD["a"]
    write_table(path, pa.table({"a": ["x"], "b": ["u"]}))
    assert '"' not in path.read_text()


def test_pandas_reads_the_same(tmp_path):
    frame = pd.DataFrame({"a": ["x", "y,z"] * 3, "n": range(6)})
    write_table(tmp_path / "rows.csv.gz", pa.Table.from_pandas(frame, preserve_index=False))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "rows.csv.gz"), frame)
    assert gzip.decompress((tmp_path / "rows.csv.gz").read_bytes()).startswith(b"a,n\n")


def test_a_single_column_with_an_empty_cell_keeps_its_rows(tmp_path):
    write_table(tmp_path / "rows.csv", pa.table({"a": ["x", None, "y"]}))
    assert Table.read(tmp_path / "rows.csv").codes[:, 0].tolist() == [0, -1, 1]


@pytest.mark.parametrize("name", ["rows", "rows.xlsx", "rows.gz", "csv"])
def test_an_end_that_says_no_format_is_refused(name):
    with pytest.raises(InputError, match=r"is told by its end: \.csv"):
        check_end(name)


def test_a_place_that_cannot_be_written_keeps_what_it_had(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_table(tmp_path / "nowhere" / "rows.csv", pa.table(PLAIN))
    path = tmp_path / "rows.csv"
    path.write_text("before")
    with pytest.raises(pa.ArrowException):
        write_table(path, pa.table({"a": pa.array([[1]])}).slice(0, 1).cast(pa.schema([("a", pa.int8())])))
    assert path.read_text() == "before"


def test_a_raw_table_has_every_cell_as_it_is(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes("a;b\r\n 1 ;NA\r\n;Köln\r\n".encode("latin-1"))
    assert raw_table(path, "latin-1").to_pydict() == {"a": [" 1 ", ""], "b": ["NA", "Köln"]}
    empty = tmp_path / "none.csv"
    empty.write_text("a,b\n")
    assert raw_table(empty).num_rows == 0
