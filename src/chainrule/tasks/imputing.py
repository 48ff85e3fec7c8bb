"""Holes filled from their exact conditional distribution, everything else left as it is.

Several draws are several tables, a file each: ``filled-1.csv``, ``filled-2.csv``, …, as analyses of multiple
imputation want them.  One draw alone, and the mode, is one file of the name that was given.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chainrule.core.checks import check_integer, check_size
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.core.files import as_path, check_place
from chainrule.core.progress import track
from chainrule.core.randomness import as_generator
from chainrule.core.records import to_plain
from chainrule.models.contract import DiscreteModel
from chainrule.tables.files import TableFiles
from chainrule.tables.filling import fill_columns, fill_text
from chainrule.tables.raw_files import raw_table
from chainrule.tables.reading import is_files
from chainrule.tables.table import Table
from chainrule.tables.text_files import TextFile
from chainrule.tables.writing import check_end, write_table
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.reading import read_known

__all__ = ["Imputed", "impute", "places_of"]

_TOGETHER = 2_000  # rows between two words of progress
_MOST_DRAWS = 10_000  # tables, which are kept


@dataclass(frozen=True, eq=False)
class Imputed:
    """``tables`` of the model's columns, one for each draw, and the ``files`` that were written.

    ``n_holes`` is how many cells were filled in each.
    """

    tables: tuple[Table, ...]
    files: tuple[Path, ...]
    n_rows: int
    n_rows_with_holes: int
    n_holes: int
    how: str
    seed: int

    def text(self) -> str:
        """What was filled, and where it is."""
        what = (
            "drawn from their exact posterior" if self.how == "draw" else "in a most probable state together"
        )
        lines = [
            f"{self.n_holes:,} holes in {self.n_rows_with_holes:,} of {self.n_rows:,} rows filled, {what}",
            *map(str, self.files),
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The numbers and the files as plain data."""
        return to_plain(
            {
                "rows": self.n_rows,
                "rows_with_holes": self.n_rows_with_holes,
                "holes": self.n_holes,
                "how": self.how,
                "draws": len(self.tables),
                "seed": self.seed,
                "files": [str(path) for path in self.files],
            }
        )


def impute(
    model: ModelOrPath,
    X: Any,
    *,
    how: Literal["draw", "mode"] = "draw",
    draws: int = 1,
    seed: int = 0,
    out: str | Path | None = None,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Imputed:
    """Fill the holes of ``X`` by ``model``, or by the model in that file.

    Where ``X`` is a file, ``out`` gets all its columns with the holes of the model's columns filled and every other
    cell as it is written (byte for byte, if ``out`` has the same format; see ``chainrule.tables.filling``).  ``draws``
    above 1, at most 10,000, writes so many files, numbered before the end of the name.  ``how="mode"`` takes a most
    probable completion.

    >>> from chainrule.models import chow_liu
    >>> model = chow_liu({"a": ["x", "y"] * 40, "b": ["u", "v"] * 40})
    >>> impute(model, {"a": ["x", None], "b": [None, "v"]}, how="mode").tables[0].decode()["b"].tolist()
    ['u', 'v']
    """
    paths = places_of(out, check_integer(draws, "draws", most=_MOST_DRAWS))
    if check_choice(how, "how", ("draw", "mode")) == "mode" and draws > 1:
        raise InputError("how='mode' has one answer; leave draws at 1, or draw")
    fitted = loaded(model)
    options = {k: v for k, v in reading.items() if v is not None}
    if out is not None:
        if not is_files(X):
            raise InputError("out is for rows of a file; tables in memory come back in .tables")
        _check_out(X, out)
    table = read_known(X, fitted.schema_, "X", dialect, **options)
    check_size(draws * table.codes.nbytes, f"{draws:,} filled tables", instead="take fewer draws")
    generator = as_generator(check_integer(seed, "seed", least=0))
    encoding = options.get("encoding") or fitted.schema_.encoding
    tables, n_filled = [], int(table.missing.sum())
    for k in range(draws):
        tables.append(_completed(fitted, table, how, generator))
        if paths:
            n_filled = _write(X, paths[k], table, tables[-1], encoding, options)
    holed = int(table.missing.any(axis=1).sum())
    return Imputed(tuple(tables), tuple(paths), table.n_rows, holed, n_filled, how, seed)


def places_of(out: str | Path | None, draws: int) -> list[Path]:
    """The files that ``draws`` tables go to; ``OutputError`` where one could not be written.

    >>> [path.name for path in places_of("/tmp/filled.csv.gz", 2)]
    ['filled-1.csv.gz', 'filled-2.csv.gz']
    """
    if out is None:
        return []
    path = as_path(out, "out")
    if draws == 1 or not path.name:
        return [check_place(path)]
    stem, dot, ends = path.name.partition(".")
    return [check_place(path.with_name(f"{stem}-{k + 1}{dot}{ends}")) for k in range(draws)]


def _completed(model: DiscreteModel, table: Table, how: Any, generator: np.random.Generator) -> Table:
    """``table`` with its holes filled, some rows at a time."""
    codes = table.codes.astype(np.int32)
    holed = np.flatnonzero(table.missing.any(axis=1))
    parts = np.array_split(holed, max(1, -(-len(holed) // _TOGETHER)))
    for part in track(parts, "filling holes"):
        if len(part):
            rows = model.impute(table[part], how=how, rng=generator)
            codes[part] = Table.read(rows, schema=model.schema_).codes
    return Table(table.schema, codes, table.weights)


def _write(
    X: Any, out: Path, before: Table, after: Table, encoding: str | None, options: dict[str, Any]
) -> int:
    files = TableFiles.open(X, encoding, options.get("header")).files
    if len(files) == 1 and isinstance(files[0], TextFile) and _is_alike(files[0].path, out):
        return fill_text(files[0], before, after, out)
    table, n = fill_columns(raw_table(X, encoding, options.get("header")), before, after)
    write_table(out, table)
    return n


def _check_out(X: Any, out: str | Path) -> None:
    if not (isinstance(X, (str, os.PathLike)) and _is_alike(as_path(X), as_path(out, "out"))):
        check_end(out)


def _is_alike(a: Path, b: Path) -> bool:
    """Whether two names end in the same format, packed or not."""
    ends = [[e.lower() for e in path.suffixes if e.lower() not in (".gz", ".zst")][-1:] for path in (a, b)]
    return ends[0] == ends[1]
