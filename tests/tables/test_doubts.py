"""What can be read and looks like a mistake is told, with the setting that would mend it."""

import numpy as np
import pytest

from chainrule.tables import Table
from chainrule.tables.doubts import doubts_of, odd_texts

N = 200
RNG = np.random.default_rng(0)


def _doubts(columns, **settings):
    table = Table.read(columns, **settings)
    return {p.column: p for p in doubts_of(table, settings)}


def test_identifiers_dates_and_measurements_with_few_rows_are_doubted():
    found = _doubts(
        {
            "row": list(range(N)),
            "name": [f"n{i}" for i in range(N)],
            "day": [f"2023-01-{1 + i % 28:02d}" for i in range(N)],
            "age": RNG.integers(18, 90, N).tolist(),
            "street": [f"s{i % 40}" for i in range(N)],
            "pay": [f"{i % 20},5" for i in range(N)],
            "fine": ["a", "b"] * (N // 2),
            "year": [2000 + i % 20 for i in range(N)],
        }
    )
    assert {name: p.settings[0] for name, p in found.items()} == {
        "row": "ignore",
        "name": "ignore",
        "day": "ignore",
        "age": "bins",
        "street": "ignore",
        "pay": "ignore",
    }
    assert "decimal commas" in found["pay"].reason
    assert "identifier" in found["name"].reason
    assert "28 dates" in found["day"].reason


def test_what_the_user_has_decided_is_not_doubted():
    rows = {"age": RNG.integers(18, 90, N).tolist(), "row": list(range(N))}
    assert _doubts(rows, bins={"age": 5}).keys() == {"row"}
    assert _doubts(rows, bins={"age": 5}, ordinal=["row"]) == {}


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (["1", "2", "?"], ("?",)),
        (["1", "2", "-", "."], ("-", ".")),
        (["no", "yes", "?"], ("?",)),
        (["no", "yes", "-"], None),  # among words a dash may be an answer
        (["no", "yes"], None),
        (["?", "?"], None),
    ],
)
def test_texts_that_often_mean_missing_are_doubted_in_files_only(tmp_path, cells, texts):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{c},{i % 2}\n" for i, c in enumerate(cells)))
    found = doubts_of(Table.read(path), {})
    assert [p.texts for p in found] == ([] if texts is None else [texts])
    assert [p.texts for p in odd_texts(path, {})] == ([] if texts is None else [texts])
    assert doubts_of(Table.read({"a": cells}), {}) == []
