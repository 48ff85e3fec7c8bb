"""Every reader of files and texts, with small inputs that are right: what the mutations in ``fuzz`` start from."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from chainrule.datasets.readers import read_array, read_table
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, Independent, load_model
from chainrule.report.page import write_report
from chainrule.report.writing import rebuild_page
from chainrule.tables.table import Table
from chainrule.tasks.compression import compress_file, decompress_file
from tests.graphs.formats.network_texts import HANDWRITTEN

__all__ = ["READERS", "Reader"]


@dataclass(frozen=True)
class Reader:
    """``read`` takes a path of the name ``name``; ``seeds`` are contents that it reads, if it ``takes_seeds``."""

    name: str
    read: Callable[[Path], Any]
    seeds: Callable[[], list[bytes]]
    takes_seeds: bool = True


ROWS = b'age,smoker,town\n30,yes,Rome\n41,no,Oslo\n30,no,"Sa\xc3\xb5, P"\n41,yes,Oslo\n30,?,Rome\n'
FRAME = {"a": [0, 1, 1, 0], "b": ["x", "y", None, "x"], "c": [5, 15, 5, 25]}
BIF = b"""network n { property author x; }
variable A { type discrete [ 2 ] { yes, no }; }
variable B { type discrete [ 3 ] { u, v, w }; }
probability ( A ) { table 0.25, 0.75; }
probability ( B | A ) { (yes) 0.2, 0.3, 0.5; (no) 0.1, 0.1, 0.8; }
"""


def _texts() -> list[bytes]:
    return [ROWS, ROWS.replace(b",", b";"), ROWS.decode().encode("utf-16"), b"0,1\n1,0\n"]


def _columnar(write: str) -> list[bytes]:
    out = io.BytesIO()
    getattr(pd.DataFrame(FRAME), write)(out)
    return [out.getvalue()]


def _npy(a: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, a)
    return out.getvalue()


def _npz() -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, train=np.eye(4, dtype=np.uint8), test=np.ones((2, 4), np.uint8))
    return out.getvalue()


def _idx() -> bytes:
    return struct.pack(">HBBIII", 0, 8, 3, 2, 3, 3) + bytes(range(18))


@cache
def _fitted() -> tuple[Any, bytes, bytes]:
    """A model, the file that it compressed, and the file of the model."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(ROWS.replace(b"?", b"no"))
        model = Independent(pseudocount=1).fit(path)
        compress_file(model, path, Path(folder) / "a.cr")
        model.save(Path(folder) / "a.model")
        return model, (Path(folder) / "a.cr").read_bytes(), (Path(folder) / "a.model").read_bytes()


def _table(path: Path) -> None:
    Table.read(path, missing=["?", ""])


def _json_page() -> list[bytes]:
    return [b'{"format": "chainrule-description-1", "columns": [], "n_rows": 3}', b'{"format": 1}', b"[]"]


def _decompressed(path: Path) -> None:
    decompress_file(_fitted()[0], path, path.with_suffix(".out"))


def _results(path: Path) -> None:
    (path.parent / "results.json").write_bytes(path.read_bytes())
    write_report(path.parent)


READERS = {
    reader.name: reader
    for reader in (
        Reader("a.csv", _table, _texts),
        Reader("a.tsv", _table, lambda: [b"a\tb\n1\tx\n2\ty\n1\tx\n2\tx\n"]),
        Reader("a.csv.gz", _table, lambda: [gzip.compress(ROWS, mtime=0)]),
        Reader("a.parquet", _table, lambda: _columnar("to_parquet")),
        Reader("a.feather", _table, lambda: _columnar("to_feather")),
        Reader(
            "a.npy", read_array, lambda: [_npy(np.eye(3)), _npy(np.arange(6, dtype=np.uint8).reshape(2, 3))]
        ),
        Reader("a.npz", lambda path: read_array(path, key="train"), lambda: [_npz()]),
        Reader("a.idx", read_array, lambda: [_idx(), gzip.compress(_idx(), mtime=0)]),
        Reader("a.amat", read_table, lambda: [b"0 1 1 0\n1 1 0 0\n", b"0.5 1\n2 3\n"]),
        Reader("a.dagitty", DAG.read, lambda: [b'dag { A [pos="1,2"] B [latent] A -> {B C} ; C <-> D }']),
        Reader("a.dot", DAG.read, lambda: [b'digraph g { a [label="x y"]; a -> b -> { c d }; }']),
        Reader("a.txt", DAG.read, lambda: [b"A -> B <- C; D\n", b"A -> {B C}"]),
        Reader("a.bif", BayesianNetwork.read, lambda: [BIF, HANDWRITTEN["bif"].encode()]),
        Reader("a.xml", BayesianNetwork.read, lambda: [HANDWRITTEN["xmlbif"].encode()]),
        Reader("a.net", BayesianNetwork.read, lambda: [HANDWRITTEN["net"].encode()]),
        Reader("a.uai", BayesianNetwork.read, lambda: [HANDWRITTEN["uai"].encode()]),
        Reader("a.xdsl", BayesianNetwork.read, lambda: [HANDWRITTEN["xdsl"].encode()]),
        Reader("a.json", rebuild_page, _json_page, takes_seeds=False),
        Reader("results.part", _results, lambda: [b'{"format": 3, "problems": {}}'], takes_seeds=False),
        Reader("a.cr", _decompressed, lambda: [_fitted()[1]]),
        Reader("a.model", load_model, lambda: [_fitted()[2]]),
    )
}
