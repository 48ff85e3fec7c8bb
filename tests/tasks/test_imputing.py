"""Holes are filled from the exact conditional; every other cell of the file stays byte for byte."""

import csv
import gzip
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from scipy.stats import chisquare

from chainrule import cli
from chainrule.core.errors import InputError, OutputError
from chainrule.models import chow_liu
from chainrule.tasks import fit, impute
from tests.tasks.survey import write_survey


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 500)
    rows = {
        "town": np.array(["Köln", "a, b"])[z],
        "wet": np.array(["no", "yes"])[(z + (rng.random(500) < 0.3)) % 2],
        "n": rng.integers(1, 4, 500),
    }
    return chow_liu(rows)


TEXT = (
    "id;n;wet;note;town\r\n"
    '1; 2 ;no;"a ""quoted""; text";"Köln"\r\n'
    '2;NA;"yes";two lines: "kept";a, b\r\n'
    '3;"";;"over\r\nlines";\r\n'
    "\r\n"
    '4;3;no;5" pipe;Köln'
)


def _cells(text, separator=";"):
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-be"])
def test_only_holes_change_whatever_the_file_is_like(model, tmp_path, encoding):
    path, out = tmp_path / "holes.csv", tmp_path / "filled.csv"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(mark + TEXT.encode(encoding))
    stated = encoding if encoding == "latin-1" else None
    found = impute(model, path, out=out, encoding=stated)
    assert found.n_holes == 4
    after = out.read_bytes()
    text = after.removeprefix(mark).decode(encoding)
    before = TEXT.split("\r\n")
    lines = text.split("\r\n")
    assert len(lines) == len(before)
    for i in (0, 1, 5, 6):  # lines without a hole
        assert lines[i] == before[i]
    assert lines[4] in ('lines";Köln', 'lines";a, b')
    assert lines[2].startswith("2;")
    assert lines[2].endswith(';"yes";two lines: "kept";a, b')
    assert lines[3].endswith(';"over')
    assert lines[2].split(";")[1] in ("1", "2", "3")
    cells = lines[3].split(";")
    assert cells[1] in ("1", "2", "3")
    assert cells[2] in ("no", "yes")
    assert after[: len(mark)] == mark


def test_a_filled_cell_has_quotes_where_it_needs_them(model, tmp_path):
    path, out = tmp_path / "holes.csv", tmp_path / "filled.csv"
    path.write_text("town,wet,n\n" + ",yes,1\n" * 200, encoding="utf-8")
    impute(model, path, out=out)
    rows = _cells(out.read_text("utf-8"), ",")[1:]
    assert {row[0] for row in rows} == {"Köln", "a, b"}
    assert all(len(row) == 3 for row in rows)


def test_draws_follow_the_exact_conditional(model, tmp_path):
    path, out = tmp_path / "holes.csv", tmp_path / "filled.csv"
    path.write_text("town,wet,n\n" + ",yes,\n" * 4000)
    impute(model, path, out=out, seed=1)
    towns = [row[0] for row in _cells(out.read_text("utf-8"), ",")[1:]]
    p = model.query("town", {"wet": "yes"}).probability(town="Köln")
    seen = towns.count("Köln")
    assert chisquare([seen, 4000 - seen], [4000 * p, 4000 * (1 - p)]).pvalue > 1e-4


def test_the_mode_is_a_most_probable_completion(model, tmp_path):
    path, out = tmp_path / "holes.csv", tmp_path / "filled.csv"
    path.write_text("town,wet,n\n,yes,1\n,no,1\n")
    impute(model, path, out=out, how="mode")
    best = []
    for wet in ("yes", "no"):
        posterior = model.query("town", {"wet": wet})
        best.append(posterior.states[0][int(posterior.probabilities.argmax())])
    assert [row[0] for row in _cells(out.read_text("utf-8"), ",")[1:]] == best


def test_several_draws_are_several_files_and_differ(model, tmp_path, capsys):
    path = tmp_path / "holes.csv"
    path.write_text("town,wet,n\n" + ",,\n" * 50)
    model.save(tmp_path / "m")
    out = tmp_path / "filled.csv.gz"
    assert cli.main(["impute", str(tmp_path / "m"), str(path), "-o", str(out), "--draws", "3"]) == 0
    written = [tmp_path / f"filled-{k}.csv.gz" for k in (1, 2, 3)]
    assert not out.exists()
    texts = [gzip.decompress(p.read_bytes()) for p in written]
    assert len(set(texts)) == 3
    told = capsys.readouterr().out
    assert all(str(p) in told for p in written)
    assert [len(_cells(t.decode(), ",")) for t in texts] == [51, 51, 51]


def test_a_cell_that_is_no_state_is_not_a_hole(model, tmp_path):
    path, out = tmp_path / "holes.csv", tmp_path / "filled.csv"
    path.write_text("town,wet,n\nBonn,,1\n")
    assert impute(model, path, out=out, unseen="missing").n_holes == 1
    assert out.read_text().splitlines()[1].startswith("Bonn,")


def test_columns_of_a_typed_file_keep_their_types_and_ignored_ones_stay(tmp_path):
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, 300)
    rows = {"age": age, "old": np.where(age > 50, "yes", "no"), "flag": age > 30}
    fitted = fit(rows, model="chowliu", bins={"age": [30, 50, 70]}).model
    holes = pa.table(
        {
            "key": pa.array(["k1", "k2", "k3"]),
            "age": pa.array([20, None, None], pa.int16()),
            "old": pa.array(["no", "yes", None]).dictionary_encode(),
            "flag": pa.array([None, True, True]),
        }
    )
    path, out = tmp_path / "holes.parquet", tmp_path / "filled.parquet"
    parquet.write_table(holes, path)
    found = impute(fitted, path, out=out)
    back = parquet.read_table(out)
    assert found.n_holes == 4
    assert back.schema.names == holes.schema.names
    assert back.schema.field("age").type == pa.int16()
    assert back.column("key").to_pylist() == ["k1", "k2", "k3"]
    assert back.column("age").to_pylist()[0] == 20
    assert set(back.column("age").to_pylist()[1:]) <= {20, 40, 60, 80}  # the middles of the bins
    assert all(column.null_count == 0 for column in back.columns)


def test_a_file_may_be_given_back_in_another_format(model, tmp_path):
    path, out = tmp_path / "holes.csv", tmp_path / "filled.parquet"
    path.write_text("town,wet,n,more\n,yes,1,x\n")
    impute(model, path, out=out)
    back = parquet.read_table(out).to_pydict()
    assert back["more"] == ["x"]
    assert back["town"][0] in ("Köln", "a, b")


def test_a_survey_keeps_all_that_was_answered(tmp_path):
    path, out = write_survey(tmp_path / "survey.csv", 300), tmp_path / "filled.csv"
    fitted = fit(path, model="chowliu", fix=True).model
    found = impute(fitted, path, out=out)
    before, after = (_cells(p.read_bytes().decode("latin-1")) for p in (path, out))
    names = before[0]
    differ = 0
    for a, b in zip(before, after, strict=True):
        for name, x, y in zip(names, a, b, strict=True):
            if x != y:
                assert x in ("", "NA", "?")
                assert name in fitted.schema_
                differ += 1
    assert differ == found.n_holes > 100


def test_rows_in_memory_come_back_as_tables(model):
    found = impute(model, {"town": [None], "wet": ["yes"], "n": [1]}, draws=2)
    assert [t.is_complete for t in found.tables] == [True, True]
    assert found.to_dict()["holes"] == 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"out": "nowhere/x.csv"}, OutputError, "there is no folder nowhere"),
        ({"out": "x.xlsx"}, InputError, "told by its end"),
        ({"how": "mean"}, InputError, "how must be"),
        ({"how": "mode", "draws": 2}, InputError, "has one answer"),
        ({"draws": 0}, InputError, "draws"),
    ],
)
def test_mistakes_are_refused_before_anything_is_written(
    model, tmp_path, monkeypatch, settings, error, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holes.csv").write_text("town,wet,n\n,yes,1\n")
    with pytest.raises(error, match=message):
        impute(model, "holes.csv", **settings)
    assert [p.name for p in tmp_path.iterdir()] == ["holes.csv"]
