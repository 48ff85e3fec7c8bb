"""Tables for a fit: large files are read in parts to the same rows, and advice is written as it is typed."""

import shlex

import numpy as np
import pytest

from chainrule.cli.reading import reads_table
from chainrule.core.errors import ChainruleError
from chainrule.tables import Table
from chainrule.tasks import reading as room
from chainrule.tasks.dialects import PYTHON, SHELL
from chainrule.tasks.reading import RefusedTableError, read_known, read_table
from tests.tasks.survey import write_survey


@pytest.fixture
def in_parts(monkeypatch):
    """Every file counts as large, and parts are small."""
    monkeypatch.setattr(room, "_LARGE", 0)
    monkeypatch.setattr(room, "_BATCH", 64)


def _file(path, n=200):
    rng = np.random.default_rng(0)
    lines = [
        f"{i % 3},{'' if i % 11 == 0 else 'uvw'[i % 3]},{rng.random():.3f},{1 + i % 4}" for i in range(n)
    ]
    path.write_text("\n".join(["a,b,pay,w", *lines]) + "\n")
    return path


@pytest.mark.parametrize("hole", [None, 0, 150])
def test_a_hole_in_any_part_gives_the_table_room_for_it(tmp_path, in_parts, hole):
    rows = [["" if i == hole else f"{i % 3}", f"{i % 2}"] for i in range(200)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(",".join(row) for row in [["a", "b"], *rows]) + "\n")
    whole, found = Table.read(path), read_table(path).table
    assert found.is_complete == (hole is None)
    assert found.codes.dtype == whole.codes.dtype
    assert found.codes.tolist() == whole.codes.tolist()


@pytest.mark.parametrize("weights", [None, "w"])
def test_a_file_read_in_parts_is_the_same_table(tmp_path, in_parts, weights):
    path = _file(tmp_path / "rows.csv")
    settings = {"bins": {"pay": 4}, "weights": weights}
    whole = Table.read(path, **settings)
    found = read_table(path, **settings).table
    assert found.schema == whole.schema
    assert found.codes.dtype == whole.codes.dtype
    assert (found.codes == whole.codes).all()
    assert (found.weights is None) if weights is None else (found.weights == whole.weights).all()
    again = read_known(path, whole.schema, "X", weights=weights)
    assert (again.codes == whole.codes).all()


def test_refusals_and_mending_are_the_same_in_parts(tmp_path, in_parts, monkeypatch):
    path = write_survey(tmp_path / "survey.csv", 300)
    with pytest.raises(RefusedTableError) as in_parts_error:
        read_table(path, dialect=SHELL)
    parts = read_table(path, fix=True)
    monkeypatch.setattr(room, "_LARGE", 10**9)
    with pytest.raises(RefusedTableError) as whole_error:
        read_table(path, dialect=SHELL)
    assert in_parts_error.value.settings == whole_error.value.settings
    assert read_table(path, fix=True).settings == parts.settings


def test_a_file_without_rows_is_refused(tmp_path, in_parts):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n")
    with pytest.raises(ChainruleError, match="has no rows"):
        read_table(path)


def test_advice_in_a_shell_is_what_the_options_read(tmp_path):
    settings = {
        "encoding": "cp1252",
        "ignore": ["id", "a, b", 'c="d"'],
        "bins": {"pay (EUR)": 5, "x=y": 5},
        "missing": ["", "NA", "N/A", "n/a", "NaN", "nan", "NaT", "NULL", "null", "<NA>", "?", "n. a."],
        "max_states": 300,
    }
    given = {}

    def command(reading=None):
        given.update(reading)

    import typer

    app = typer.Typer()
    app.command()(reads_table(command))
    app(shlex.split(SHELL.write(settings)), standalone_mode=False)
    assert given == settings


def test_advice_in_python_is_python():
    settings = {"ignore": ["id"], "bins": {"age": 5}}
    assert eval(f"dict({PYTHON.write(settings)})") == settings


def test_a_user_s_own_settings_stay_and_are_not_repeated(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("id,age,pay\n" + "".join(f"i{i},{i % 70},{i / 7:.2f}\n" for i in range(300)))
    found = read_table(path, fix=True, bins={"age": [18, 40]}, ignore=["id"])
    assert found.settings == {"bins": {"age": [18, 40], "pay": 5}}
    assert found.table.schema["age"].cuts == (18.0, 40.0)
    assert found.notes[-1] == "read by bins={'age': [18, 40], 'pay': 5}"


def test_what_no_setting_mends_is_told_as_it_is(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(ChainruleError, match="line 3: 1 cells, expected 2"):
        read_table(path, fix=True)
    with pytest.raises(ChainruleError, match="no column"):
        read_table({"a": [1, 2]}, ignore=["z"], fix=True)


def test_a_table_of_which_nothing_would_be_left_says_what_is_wrong_with_its_columns(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text("day,id\n" + "".join(f"2020-01-01 {i}:00,u{i:05d}\n" for i in range(300)))
    for fix in (False, True):
        with pytest.raises(ChainruleError, match=r"(?s)'day' has 300 categories.*'id' has 300 categories"):
            read_table(path, fix=fix)
