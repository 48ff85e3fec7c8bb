"""What occurs in the parts of a table adds up to what occurs in the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.tables import Table
from chainrule.tables.problems import TableError

values = st.one_of(
    st.lists(st.none() | st.integers(-5, 5), min_size=2, max_size=9),
    st.lists(st.none() | st.sampled_from(["a", "b", "c", "1"]), min_size=2, max_size=9),
    st.lists(st.none() | st.booleans(), min_size=2, max_size=9),
)


@given(values.filter(lambda v: any(x is not None for x in v)), st.data())
def test_the_schema_of_a_sum_is_the_schema_of_the_whole(cells, data):
    cut = data.draw(st.integers(1, len(cells) - 1))
    whole = Table.counts({"a": cells})
    parts = [Table.counts({"a": cells[:cut]}), Table.counts({"a": cells[cut:]})]
    for total in (parts[0] + parts[1], parts[1] + parts[0]):
        assert total.schema() == whole.schema()
        assert total.n_rows == len(cells)
        assert total.columns["a"].n_missing == sum(x is None for x in cells)
        assert total.columns["a"].counts == whole.columns["a"].counts


@given(st.lists(st.floats(-9, 9), min_size=3, max_size=30), st.integers(1, 4))
def test_cuts_found_in_parts_are_those_of_the_whole(cells, k):
    settings = {"bins": {"a": k}}
    parts = [Table.counts({"a": part}, **settings) for part in (cells[:1], cells[1:2], cells[2:])]
    whole = Table.read({"a": cells}, **settings).schema
    assert (parts[0] + parts[1] + parts[2]).schema() == whole
    assert (parts[0] + (parts[1] + parts[2])).schema() == whole


def test_counts_of_files_and_of_tables_in_memory_add_up(tmp_path):
    pd.DataFrame({"a": ["u", "v"], "n": [1, 2]}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"a": ["w", None], "n": [3, 2]}).to_parquet(tmp_path / "b.parquet")
    total = Table.counts(tmp_path / "a.csv") + Table.counts(tmp_path / "b.parquet")
    assert total.schema().states == {"a": ("u", "v", "w"), "n": ("1", "2", "3")}
    assert total.n_rows == 4


def test_counts_that_do_not_belong_together_are_refused():
    a = Table.counts({"a": ["u"]})
    with pytest.raises(UnknownNameError, match="no column 'b'"):
        a + Table.counts({"a": ["u"], "b": ["v"]})
    with pytest.raises(InputError, match="different settings"):
        a + Table.counts({"a": ["u"]}, max_states=3)
    with pytest.raises(TableError, match="holds integer here and text there"):
        (a + Table.counts({"a": [1]})).schema()


def test_whole_numbers_and_fractions_of_parts_are_numbers():
    total = Table.counts({"a": [1]}) + Table.counts({"a": [2.0]})
    assert total.schema().states == {"a": ("1", "2")}


def test_cuts_of_more_distinct_numbers_than_are_kept_are_near_and_called_approximate(tmp_path):
    x = np.random.default_rng(0).permutation(300_000) / 7
    pd.DataFrame({"x": x}).to_parquet(tmp_path / "x.parquet")
    schema = next(Table.batches(tmp_path / "x.parquet", bins={"x": 4})).schema
    assert "the cuts of x are approximate" in str(schema)
    shares = [np.mean(x <= cut) for cut in schema["x"].cuts]
    # at least 65,536 values stand for all, so a cut is off by a few of their shares at most
    assert shares == pytest.approx([0.25, 0.5, 0.75], abs=1e-4)
    assert "approximate" not in str(Table.read(tmp_path / "x.parquet", bins={"x": 4}).schema)
