"""A survey from file to scored rows as a new user goes: what is refused says what to add, and two commands suffice."""

from __future__ import annotations

import csv
import re
import shlex

import pyarrow.csv as arrow_csv
import pytest

from chainrule import cli
from chainrule.tasks import fit, score
from chainrule.tasks.reading import RefusedTableError
from tests.tasks.survey import COLUMNS, write_survey

FAST = ["--model", "chowliu"]


@pytest.fixture
def survey(tmp_path):
    return write_survey(tmp_path / "survey.csv", n=600)


def _run(capsys, *arguments):
    code = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_survey_is_what_people_have(survey):
    text = survey.read_bytes()
    assert len(COLUMNS) == 28
    with pytest.raises(UnicodeDecodeError):
        text.decode("utf-8")
    assert text.count(b"\r\n") == 601
    assert b";NA;" in text
    assert b";?;" in text


def test_one_refusal_names_everything_to_add_and_then_two_commands_do(survey, tmp_path, capsys):
    model, scored = tmp_path / "survey.model", tmp_path / "scored.csv"
    code, out, err = _run(capsys, "fit", survey, "-o", model, *FAST)
    assert (code, out) == (2, "")
    assert not model.exists()
    added = re.search(r"add to the command: (.*) \(or --fix", err)
    assert added is not None
    options = shlex.split(added[1])
    assert {"--encoding", "--missing", "--ignore", "--bins"} <= set(options)
    code, out, err = _run(capsys, "fit", survey, "-o", model, *FAST, *options)
    assert code == 0, err
    code, out, err = _run(capsys, "score", model, survey, "-o", scored)
    assert code == 0, err
    with open(scored, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 600
    assert list(rows[0])[:28] == list(COLUMNS)
    assert all(float(row[".nats"]) > 0 for row in rows)


def test_fix_does_what_the_refusal_advises_and_says_so(survey, tmp_path, capsys):
    code, _, err = _run(capsys, "fit", survey, "-o", tmp_path / "m", *FAST, "--fix")
    assert code == 0, err
    told = " ".join(err.split())
    assert "read by --encoding cp1252 --missing '?' --ignore" in told
    code, _, err = _run(capsys, "score", tmp_path / "m", survey, "-o", tmp_path / "scored.parquet")
    assert code == 0, err


def test_the_settings_of_a_refusal_read_the_table_as_fix_does(survey):
    with pytest.raises(RefusedTableError) as caught:
        fit(survey, model="chowliu")
    assert "\n" not in str(caught.value)
    plain = fit(survey, model="chowliu", **caught.value.settings)
    fixed = fit(survey, model="chowliu", fix=True)
    doubted = set(plain.model.schema_.names) - set(fixed.model.schema_.names)
    assert set(fixed.model.schema_.names) <= set(plain.model.schema_.names)
    assert any("age" in text for text in plain.notes)  # 70 ages are readable, and doubtful
    assert doubted <= {text.split("'")[1] for text in plain.notes}
    assert fixed.model.schema_["age"].kind == "interval"


def test_cells_of_each_row_sum_to_its_nats(survey, tmp_path):
    found = fit(survey, model="chowliu", fix=True)
    scores = score(found.model, survey, out=tmp_path / "s.csv")
    back = arrow_csv.read_csv(tmp_path / "s.csv")
    cells = [name for name in back.column_names if name.startswith(".nats.")]
    assert len(cells) == len(found.model.schema_)
    for i in range(0, 600, 37):
        total = sum(back[name][i].as_py() or 0.0 for name in cells)
        assert total == pytest.approx(scores.nats[i], abs=1e-9)
        assert back[".nats"][i].as_py() == pytest.approx(scores.nats[i])
