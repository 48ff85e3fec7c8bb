"""A table file as it is: every column, every cell, nothing read as a state.

For outputs that give a user's table back with more columns, or with its holes filled.  A text file is text in every
cell; cells of Parquet and Feather keep their types.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pyarrow as pa

from chainrule.tables.files import TableFiles

__all__ = ["raw_table"]


def raw_table(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    encoding: str | None = None,
    header: bool | None = None,
) -> pa.Table:
    """All columns of a file, or of several below each other; raises ``DataError``.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rows.csv"
    >>> _ = path.write_text("a,b\\n1,?\\n")
    >>> raw_table(path).to_pydict()
    {'a': ['1'], 'b': ['?']}
    """
    files = TableFiles.open(paths, encoding, header)
    found = [list(file.batches(files.names)) for file in files.files]
    parts = [pa.Table.from_batches(batches) for batches in found if batches]
    if not parts:
        return pa.table({name: pa.array([], pa.string()) for name in files.names})
    return pa.concat_tables(parts, promote_options="permissive")
