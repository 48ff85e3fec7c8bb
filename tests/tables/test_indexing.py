"""Rows of a table by a slice, a mask or places, and what is none of these."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError
from chainrule.tables import Table

TABLE = Table.read({"a": ["x", "y", "y"]}, weights=[1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "rows", [slice(1, 10**30), np.array([False, True, True]), [1, 2], np.array([-2, -1])]
)
def test_rows_come_with_their_weights(rows: Any) -> None:
    found = TABLE[rows]
    assert found.codes.tolist() == [[1], [1]]
    assert found.weights is not None
    assert found.weights.tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "rows",
    [None, "a", 0, 10**30, [5], (0, 0), np.array([0.5]), [True, False], object(), {}, slice("a", None), 1.5],
)
def test_what_is_no_row_is_refused(rows: Any) -> None:
    with pytest.raises(ChainruleError):
        TABLE[rows]


@pytest.mark.parametrize("name", [None, 1, ["a"], {}, "b", np.zeros(2)])
def test_what_is_no_column_is_not_in_a_schema(name: Any) -> None:
    assert name not in TABLE.schema
    assert "a" in TABLE.schema
