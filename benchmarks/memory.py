"""How much memory a fit to a large table takes, each in a process of its own.

The table has random columns of two states to five.  Two ways in are measured: a Parquet file, as ``fit`` is given it,
and an array of int8 codes that is already there.  "Peak" is the largest resident memory of the whole process (Python,
libraries, table and all), "above" what was added to that of a process which has imported the package and, where an
array is given, holds it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["Memory", "fits_in_processes"]

_STATES, _BLOCK = (2, 5), 50_000


@dataclass(frozen=True)
class Memory:
    """Peak bytes of a process that fits ``model`` to rows that come as ``source``, and seconds of the fit."""

    model: str
    source: str
    peak_bytes: int
    added_bytes: int
    seconds: float


def fits_in_processes(n: int, d: int, models: tuple[str, ...]) -> Iterator[Memory]:
    """Each of ``models`` fitted to the same ``n`` rows of ``d`` columns, from a file and from an array."""
    with tempfile.TemporaryDirectory() as folder:
        file, array = Path(folder) / "rows.parquet", Path(folder) / "rows.npy"
        _write(n, d, file, array)
        for model in models:
            for path in (file, array):
                command = [sys.executable, "-m", "benchmarks.memory", model, str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                peak, added, seconds = done.stdout.split()[-3:]
                source = "Parquet file" if path is file else "int8 array"
                yield Memory(model, source, int(peak), int(added), float(seconds))


def _write(n: int, d: int, file: Path, array: Path) -> None:
    """The rows as Parquet and as an array on disk, in blocks; columns follow each other, so that there is an edge."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    sizes = rng.integers(_STATES[0], _STATES[1] + 1, d)
    names = [f"c{j}" for j in range(d)]
    out = np.lib.format.open_memmap(array, mode="w+", dtype=np.int8, shape=(n, d))
    with pq.ParquetWriter(file, pa.schema([(name, pa.int8()) for name in names])) as writer:
        for begin in range(0, n, _BLOCK):
            m = min(_BLOCK, n - begin)
            codes = rng.integers(0, sizes, (m, d), dtype=np.int8)
            keep = rng.random((m, d - 1)) < 0.5
            codes[:, 1:][keep] = (codes[:, :-1] % sizes[1:].astype(np.int8))[keep]
            writer.write_table(pa.table({name: codes[:, j] for j, name in enumerate(names)}))
            out[begin : begin + m] = codes
    out.flush()


def _peak() -> int:
    """Largest resident memory so far; not ``getrusage``'s, which begins at what the parent had when it started us."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) * 1024


def _fit(model: str, path: Path) -> None:
    """What a process of its own does; prints peak bytes, added bytes and seconds."""
    import time

    import chainrule as cr

    cr.fit([[0, 1], [1, 0]] * 10, model=model)  # whatever is imported on first use
    rows: Any = path if path.suffix == ".parquet" else np.load(path)
    before, began = _peak(), time.perf_counter()
    cr.fit(rows, model=model)
    print(_peak(), _peak() - before, time.perf_counter() - began)


if __name__ == "__main__":
    _fit(sys.argv[1], Path(sys.argv[2]))
