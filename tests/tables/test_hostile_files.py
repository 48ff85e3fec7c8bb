"""Files that claim more than they hold, or hold what they may not: one line of ours, in time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from chainrule.core.errors import ChainruleError, DataError, InputError, UnknownNameError
from chainrule.tables.table import Table

WRITERS: dict[str, Callable[[pa.Table, str], None]] = {
    "a.parquet": parquet.write_table,
    "a.feather": feather.write_feather,
}


@pytest.mark.parametrize("name", WRITERS)
def test_text_that_is_no_utf8_is_refused_by_file_and_column(name: str, tmp_path: Path) -> None:
    ends = pa.py_buffer(np.array([0, 2, 4], np.int32))
    cells = pa.Array.from_buffers(pa.string(), 2, [None, ends, pa.py_buffer(b"\xff\xfeab")])
    WRITERS[name](pa.table({"town": cells, "b": ["x", "y"]}), str(tmp_path / name))
    with pytest.raises(DataError, match=rf"{name}, column town: .*correct or save it again"):
        Table.read(tmp_path / name)


@pytest.mark.parametrize("name", WRITERS)
def test_a_name_that_is_no_utf8_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](pa.table({"town": ["x", "y"], "b": ["x", "y"]}), str(path))
    path.write_bytes(path.read_bytes().replace(b"town", b"tow\xe9"))
    with pytest.raises(DataError, match=rf"{name} cannot be read as a table: .*correct or save it again"):
        Table.read(path)


def test_a_first_line_of_more_than_a_megabyte_names_all_its_columns(tmp_path: Path) -> None:
    names = [f"{'column' * 40}{i}" for i in range(5_000)]  # 1.2 MB
    path = tmp_path / "wide.csv"
    path.write_text(
        "\n".join([",".join(names), *(",".join("01"[(i + k) % 2] for i in range(5_000)) for k in (0, 1))])
    )
    table = Table.read(path)
    assert table.schema.names == tuple(names)
    assert table.codes[:, :3].tolist() == [[0, 1, 0], [1, 0, 1]]


def test_messages_are_short_whatever_they_quote() -> None:
    names = ["x" * 5_000 + str(i) for i in range(50)]
    found = UnknownNameError.of("column", "y" * 100_000, names)
    assert len(str(found)) < 1_000
    assert str(InputError("got " + "x" * 100_000 + "; pass less")).endswith("; pass less")
    assert len(str(ChainruleError("x" * 100_000))) < 1_000
