"""``sample``: draws are the model's, as the kind of table it knows, and files hold them."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from chainrule import cli
from chainrule.core.errors import ChainruleError
from chainrule.models import chow_liu
from chainrule.tables import Table
from chainrule.tasks import fit, sample


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, 400)
    return pd.DataFrame(
        {
            "age": age,
            "old": np.where(age + rng.normal(0, 8, 400) > 55, "yes", "no"),
            "n": rng.integers(1, 4, 400),
        }
    )


@pytest.fixture(scope="module")
def model(frame):
    return fit(frame, model="chowliu", bins={"age": [30, 50, 70]}).model


def test_draws_are_those_of_the_model_and_of_its_kind(model):
    found = sample(model, 50, seed=3)
    assert isinstance(found.rows, pd.DataFrame)
    pd.testing.assert_frame_equal(found.rows, model.sample(50, rng=3))
    assert found.table.n_rows == 50


def test_given_states_are_those_of_every_row_by_text_as_by_name(model):
    text, by_name = (sample(model, 30, given=g) for g in ("age=(30, 50], old=no", {"age": 40, "old": "no"}))
    pd.testing.assert_frame_equal(text.rows, by_name.rows)
    assert (text.rows["old"] == "no").all()
    assert text.given == {"age": "(30, 50]", "old": "no"}


@pytest.mark.parametrize("name", ["s.csv", "s.tsv.gz", "s.parquet", "s.feather"])
def test_written_draws_are_read_back_as_the_same_rows(model, tmp_path, name):
    found = sample(model, 40, out=tmp_path / name)
    assert (Table.read(tmp_path / name, schema=model.schema_).codes == found.table.codes).all()


def test_cells_are_written_as_the_file_writes_them(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("car,size,flag\n" + "TRUE,01,yes\nFALSE,10,no\n" * 30)
    found = sample(chow_liu(path), 50, out=tmp_path / "s.csv")
    rows = list(csv.reader((tmp_path / "s.csv").read_text().splitlines()))[1:]
    assert {row[0] for row in rows} == {"TRUE", "FALSE"}
    assert {row[1] for row in rows} == {"01", "10"}
    assert found.to_arrow().column("car").type == pa.bool_()


def test_no_rows_are_a_file_with_names(model, tmp_path):
    sample(model, 0, out=tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text() == "age,old,n\n"


def test_the_command_writes_csv_or_json_where_no_file_is_named(model, tmp_path, capsys):
    model.save(tmp_path / "m")
    assert cli.main(["sample", str(tmp_path / "m"), "-n", "7", "--given", "old=yes"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == 7
    assert {row["old"] for row in rows} == {"yes"}
    assert cli.main(["sample", str(tmp_path / "m"), "-n", "7", "--given", "old=yes", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["table"]["n"] == [int(row["n"]) for row in rows]
    assert (
        cli.main(["sample", str(tmp_path / "m"), "-n", "7", "-o", str(tmp_path / "s.csv"), "--seed", "1"])
        == 0
    )
    assert "7 rows written to" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"given": "old"}, "name=state"),
        ({"given": "old=maybe"}, "there is no state"),
        ({"given": {"olf": "yes"}}, "did you mean 'old'"),
        ({"n": -1}, "n must be"),
        ({"out": "x.xls"}, "told by its end"),
    ],
)
def test_what_makes_no_sense_is_refused(model, settings, message):
    with pytest.raises(ChainruleError, match=message):
        sample(model, **({"n": 3} | settings))


def test_rows_of_arrays_are_drawn_as_codes():
    X = np.random.default_rng(0).integers(0, 2, (50, 3))
    found = sample(chow_liu(X), 5)
    assert found.rows.shape == (5, 3)
    assert found.to_arrow().column_names == ["x1", "x2", "x3"]
