"""Every reader of files and texts, with small inputs that are right: what the mutations in ``fuzz`` start from."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from chainrule.core.records import dump_json
from chainrule.datasets.readers import read_array, read_table
from chainrule.graphs import DAG, PDAG
from chainrule.models import NADE, BayesianNetwork, Independent, load_model
from chainrule.report.page import write_report
from chainrule.report.writing import rebuild_page
from chainrule.tables.table import Table
from chainrule.tasks import audit, compare, describe
from chainrule.tasks.compression import compress_file, decompress_file
from tests.contract.cases import CASES, fitted
from tests.graphs.formats.network_texts import HANDWRITTEN
from tests.report.samples import figures, results

__all__ = ["READERS", "Reader"]


@dataclass(frozen=True)
class Reader:
    """``read`` takes a path of the name ``name``; ``seeds`` are contents that it reads, if it ``takes_seeds``.

    ``seal`` packs or signs such a content, where the format does; ``share`` is small where ``read`` takes long.
    """

    name: str
    read: Callable[[Path], Any]
    seeds: Callable[[], list[bytes]]
    takes_seeds: bool = True
    seal: Callable[[bytes], bytes] | None = None
    share: float = 1


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


def _npz(train: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.npy", train)
        archive.writestr("test.npy", _npy(np.ones((2, 4), np.uint8)))
    return out.getvalue()


def _idx() -> bytes:
    return struct.pack(">HBBIII", 0, 8, 3, 2, 3, 3) + bytes(range(18))


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


_DIGEST = re.compile(rb'\\\\"sha256\\\\": \\\\"([0-9a-f]{64})\\\\"')


def _signed(content: bytes) -> bytes:
    """``content`` of a model or a state with the checksum that it should have."""
    found = _DIGEST.search(content)
    if found is None:
        return content
    begin, end = found.span(1)
    head, tail = content[:begin], content[end:]
    return head + hashlib.sha256(head + b"0" * 64 + tail).hexdigest().encode() + tail


def _checked(content: bytes) -> bytes:
    """``content`` of a packed file, behind its mark and the checksum that it should have."""
    return b"CRF\x02" + zlib.crc32(content).to_bytes(4, "little") + content


@cache
def _fitted() -> tuple[Any, bytes]:
    """A model, and what is behind the checksum of the file that it compressed."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(ROWS.replace(b"?", b"no"))
        model = Independent(pseudocount=1).fit(path)
        compress_file(model, path, Path(folder) / "a.cr")
        return model, (Path(folder) / "a.cr").read_bytes()[8:]


def _models() -> list[bytes]:
    """A file of every kind of model."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.model"
        return [_saved(fitted(case), path) for case in CASES]


def _saved(model: Any, path: Path) -> bytes:
    model.save(path)
    return path.read_bytes()


def _run(path: Path) -> NADE:
    rows = np.random.default_rng(0).integers(0, 2, (30, 4))
    return NADE(hidden=3, epochs=2, batch_size=10, random_state=1, run_dir=path).fit(rows)


@cache
def _run_files() -> dict[str, bytes]:
    """The files of a fit's folder by their names."""
    with TemporaryDirectory() as folder:
        _run(Path(folder) / "run")
        return {path.name: path.read_bytes() for path in sorted((Path(folder) / "run").iterdir())}


def _gone_on(path: Path) -> None:
    """A fit that finds ``path`` in its folder, in place of the file of that name, or of the last state."""
    with TemporaryDirectory(dir=path.parent) as folder:
        for name, content in _run_files().items():
            (Path(folder) / name).write_bytes(content)
        (Path(folder) / (path.name if path.name in _run_files() else _state())).write_bytes(path.read_bytes())
        _run(Path(folder))


def _state() -> str:
    return max(name for name in _run_files() if name.startswith("state-"))


@cache
def _records() -> list[bytes]:
    """What pages are drawn from: a description, an audit, a comparison."""
    rows = np.random.default_rng(0).integers(0, 2, (30, 2))
    model = BayesianNetwork("x1 -> x2").fit(rows)
    found = [describe(model, rows), audit(model, rows), compare(rows, models=["independent", "chowliu"])]
    return [dump_json(record.to_dict()).encode() for record in found]


def _all_results() -> list[bytes]:
    """The results of a run with one picture each, of every kind."""
    whole = results()
    problem = whole["problems"]["1"]
    others = [block for block in problem["blocks"] if block["type"] != "figure"]
    alone = [{"1": problem | {"blocks": [*others, {"type": "figure"} | f.to_plain()]}} for f in figures()]
    return [dump_json(whole | {"problems": problems, "unfinished": []}).encode() for problems in alone]


def _table(path: Path) -> None:
    Table.read(path, missing=["?", ""])


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
        Reader("a.csv.gz", _table, _texts, seal=_gzipped),
        Reader("a.parquet", _table, lambda: _columnar("to_parquet")),
        Reader("a.feather", _table, lambda: _columnar("to_feather")),
        Reader(
            "a.npy", read_array, lambda: [_npy(np.eye(3)), _npy(np.arange(6, dtype=np.uint8).reshape(2, 3))]
        ),
        Reader(
            "a.npz",
            lambda path: read_array(path, key="train"),
            lambda: [_npy(np.eye(4, dtype=np.uint8))],
            seal=_npz,
        ),
        Reader("a.idx", read_array, lambda: [_idx()]),
        Reader("a.idx.gz", read_array, lambda: [_idx()], seal=_gzipped),
        Reader("a.amat", read_table, lambda: [b"0 1 1 0\n1 1 0 0\n", b"0.5 1\n2 3\n"]),
        Reader("a.dagitty", DAG.read, lambda: [b'dag { A [pos="1,2"] B [latent] A -> {B C} ; C <-> D }']),
        Reader("a.dot", DAG.read, lambda: [b'digraph g { a [label="x y"]; a -> b -> { c d }; }']),
        Reader("a.txt", DAG.read, lambda: [b"A -> B <- C; D\n", b"A -> {B C}"]),
        Reader("pdag.txt", PDAG.read, lambda: [b"pdag { 1 -- 2  1 -> 3 }", b"A -> B -- C"]),
        Reader("a.bif", BayesianNetwork.read, lambda: [BIF, HANDWRITTEN["bif"].encode()]),
        Reader("a.xml", BayesianNetwork.read, lambda: [HANDWRITTEN["xmlbif"].encode()]),
        Reader("a.net", BayesianNetwork.read, lambda: [HANDWRITTEN["net"].encode()]),
        Reader("a.uai", BayesianNetwork.read, lambda: [HANDWRITTEN["uai"].encode()]),
        Reader("a.xdsl", BayesianNetwork.read, lambda: [HANDWRITTEN["xdsl"].encode()]),
        Reader("a.json", rebuild_page, _records, share=0.001),
        Reader("results.part", _results, _all_results, share=0.002),
        Reader("a.cr", _decompressed, lambda: [_fitted()[1]], seal=_checked),
        Reader("a.model", load_model, _models, seal=_signed),
        Reader("state", _gone_on, lambda: [_run_files()[_state()]], seal=_signed, share=0.02),
        Reader("run.json", _gone_on, lambda: [_run_files()["run.json"]], share=0.02),
        Reader("metrics.jsonl", _gone_on, lambda: [_run_files()["metrics.jsonl"]], share=0.02),
    )
}
