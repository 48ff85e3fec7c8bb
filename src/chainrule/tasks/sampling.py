"""Synthetic rows: exact draws of a model, also given some values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from chainrule.core.checks import check_integer
from chainrule.core.files import check_place
from chainrule.core.records import to_plain
from chainrule.tables.table import Table
from chainrule.tables.writing import check_end, write_table
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.questions import parse_states

__all__ = ["Sample", "sample"]


@dataclass(frozen=True, eq=False)
class Sample:
    """``rows`` as the kind of table that the model was fitted on, ``table`` the same as codes; all have ``given``."""

    rows: Any
    table: Table
    given: dict[str, str]
    seed: int

    def text(self) -> str:
        """The first rows."""
        return repr(self.table)

    def to_arrow(self) -> pa.Table:
        """The rows as an Arrow table."""
        return self.table.to_arrow()

    def to_labels(self) -> pa.Table:
        """The rows as text where they come from text files: each cell as these write it; else as ``to_arrow``."""
        if any(v.dtype != "text" for v in self.table.schema.variables):
            return self.to_arrow()
        return pa.table({name: pa.array(cells, pa.string()) for name, cells in self.table.decode().items()})

    def write(self, path: str | Path) -> None:
        """Write the rows to CSV, TSV, Parquet or Feather, by the end of the name."""
        is_text = check_end(path) in (".csv", ".tsv")
        write_table(path, self.to_labels() if is_text else self.to_arrow())

    def to_dict(self) -> dict[str, Any]:
        """What was drawn, as plain data, without the rows."""
        names = list(self.table.schema.names)
        return to_plain({"rows": self.table.n_rows, "columns": names, "given": self.given, "seed": self.seed})


def sample(
    model: ModelOrPath,
    n: int = 1000,
    *,
    given: Mapping[str, Any] | str | None = None,
    seed: int = 0,
    out: str | Path | None = None,
) -> Sample:
    """``n`` exact draws of ``model``, or of the model in that file; ``out`` also writes them.

    ``given`` fixes states by name, as a dict or as text "age=30-39,smoker=yes": the rest is drawn from its exact
    conditional distribution.

    >>> from chainrule.models import chow_liu
    >>> model = chow_liu({"a": ["x", "y"] * 40, "b": ["u", "v"] * 40})
    >>> set(sample(model, 20, given="a=y").rows["a"])
    {'y'}
    """
    check_integer(n, "n", least=0)
    check_integer(seed, "seed", least=0)
    if out is not None:
        check_end(out)
        check_place(out)
    fitted = loaded(model)
    schema = fitted.schema_
    known = schema.known(parse_states(given, schema) if isinstance(given, str) else given)
    labels = schema.labels(known)
    rows = fitted.sample(n, given=labels or None, rng=seed)
    found = Sample(rows, Table.read(rows, schema=schema, min_rows=0), labels, seed)
    if out is not None:
        found.write(out)
    return found
