"""Rows and files come back as they were, in as many bits as the likelihood says; what cannot come back is an error."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather, parquet
from scipy.stats import entropy

from chainrule import cli, compress, compress_file, decompress, decompress_file
from chainrule.core.errors import DataError, InputError, UnknownNameError
from chainrule.models import NADE, BayesianNetwork, ChowLiu, Ensemble, Independent, load_model
from chainrule.tables import Table
from chainrule.tasks.compression import files
from chainrule.tasks.compression.bits import pop, push, stack, stack_bytes
from chainrule.tasks.compression.text import Pieces
from tests.contract.cases import Case, every_case, fitted

DAMAGED = "damaged|cut off|not what was|another model|no rows|no file|another version"


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


def _bits(model: Any, X: Any) -> float:
    return -float(model.log_prob(X).sum()) / np.log(2)


@every_case
def test_rows_of_every_model_come_back_in_the_bits_of_their_likelihood(case: Case) -> None:
    model = fitted(case)
    if model.factors_ is None and model.marginalises_ != "any":
        with pytest.raises(InputError, match="neither an order"):
            compress(model, case.data())
        return
    X = model.sample(600, rng=4)
    compressed = compress(model, X)
    assert np.array_equal(decompress(model, compressed), X)
    assert len(compressed) <= 1.005 * _bits(model, X) / 8 + 32


@every_case
def test_any_rows_come_back_also_with_missing_values(case: Case) -> None:
    model, rng = fitted(case), np.random.default_rng(1)
    if model.factors_ is None and model.marginalises_ != "any":
        return
    for n, share in ((1, 0.0), (9, 1.0), (70, 0.3)):
        X = np.stack([rng.integers(0, k, n) for k in case.sizes], axis=1)
        X[rng.random(X.shape) < share] = -1
        back = decompress(model, compress(model, X))
        assert np.array_equal(np.where(np.isnan(back), -1, back) if back.dtype.kind == "f" else back, X)


def _with_holes(X: np.ndarray, share: float, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(X.shape) < share, -1, X.astype(int))


def _entropy_bits(missing: np.ndarray) -> float:
    """What it takes to tell the holes of each column by their number."""
    n, k = len(missing), missing.sum(axis=0)
    return float(np.sum([n * entropy([c / n, 1 - c / n], base=2) for c in k]))


@every_case
def test_rows_with_holes_take_the_bits_of_what_is_known_and_of_where_the_holes_are(case: Case) -> None:
    model = fitted(case)
    if model.factors_ is None and model.marginalises_ != "any":
        return
    X = _with_holes(model.sample(800, rng=5), 0.3, 6)
    compressed = compress(model, X)
    bits = _bits(model, X) + _entropy_bits(X < 0)
    assert len(compressed) <= 1.005 * bits / 8 + 32 + 6 * case.d  # a column's number of holes
    back = decompress(model, compressed)
    assert np.array_equal(np.where(np.isnan(back), -1, back), X)


@pytest.mark.parametrize("n", [1, 20, 3000])
def test_holes_with_more_completions_than_are_gone_through_take_little_more(n: int) -> None:
    rng = np.random.default_rng(1)
    z = rng.integers(0, 3, (2000, 1))
    rows = np.where(rng.random((2000, 14)) < 0.3, rng.integers(0, 3, (2000, 14)), z)
    edges = "; ".join(f"x{i} -> x{j}" for j in range(2, 15) for i in range(max(1, j - 2), j))
    model = BayesianNetwork(edges, pseudocount=1).fit(rows)
    X = _with_holes(model.sample(n, rng=2), 0.5, 3)  # 3^7 completions of a row
    compressed = compress(model, X)
    back = decompress(model, compressed)
    assert np.array_equal(np.where(np.isnan(back), -1, back), X)
    assert len(compressed) <= 1.01 * (_bits(model, X) + _entropy_bits(X < 0)) / 8 + 32 + 3 * 14


def test_holes_that_come_together_or_in_runs_are_told_in_few_bytes() -> None:
    model, n = Independent().fit([[0] * 8, [1] * 8]), 4000
    X = model.sample(n, rng=0).astype(int)
    plain = len(compress(model, X))
    together, runs = X.copy(), X.copy()
    together[np.random.default_rng(0).random(n) < 0.3] = -1  # rows that nobody filled in
    runs[n // 2 :, 3] = -1  # a column that was given up half way
    one = n * entropy([0.3, 0.7], base=2) / 8
    assert len(compress(model, together)) <= 1.02 * (0.7 * plain + one) + 60
    assert len(compress(model, runs)) <= plain * 15 / 16 + 60
    for X in (together, runs, np.full((3, 8), -1), np.where(np.eye(8) > 0, -1, 0)):
        back = decompress(model, compress(model, X))
        assert np.array_equal(np.where(np.isnan(back), -1, back), X)


def test_a_long_table_takes_its_entropy() -> None:
    model = Independent().fit([[0, 0]] * 7 + [[1, 0]] * 2 + [[0, 1]])
    X = model.sample(200_000, rng=0)
    assert len(compress(model, X)) <= 1.0005 * _bits(model, X) / 8 + 32


def test_impossible_rows_come_back_too() -> None:
    model = Independent().fit([[0, 1]] * 5)
    X = np.array([[0, 1], [1, 0], [0, 1], [1, 1]])
    assert np.array_equal(decompress(model, compress(model, X)), X)
    network = BayesianNetwork("x1 -> x2").fit([[0, 0], [1, 1]])
    assert np.array_equal(decompress(network, compress(network, X)), X)


def test_frames_come_back_as_frames() -> None:
    rows = {"a": ["u", "v", "u"] * 5, "b": [3, 5, 3] * 5}
    model = ChowLiu().fit(rows)
    assert decompress(model, compress(model, rows)) == rows


@cache
def _network() -> NADE:
    X = np.random.default_rng(0).integers(0, 3, (80, 4))
    return NADE(hidden=5, epochs=2, batch_size=40, random_state=0).fit(X)


def test_another_model_is_told_from_the_one_that_compressed(tmp_path: Path) -> None:
    X = np.random.default_rng(1).integers(0, 3, (50, 4))
    compressed = compress(_network(), X)
    _network().save(tmp_path / "model")
    assert np.array_equal(decompress(load_model(tmp_path / "model"), compressed), X)  # pyright: ignore
    other = NADE(hidden=5, epochs=2, batch_size=40, random_state=1).fit(X)
    with pytest.raises(DataError, match="another model"):
        decompress(other, compressed)


def test_floats_that_differ_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Independent(pseudocount=1).fit([[0, 1], [1, 1], [0, 0]])
    X = model.sample(400, rng=0)
    compressed = compress(model, X)
    plain = Independent._state_log_probs
    monkeypatch.setattr(Independent, "_state_log_probs", lambda self, X: plain(self, X)[:, [1, 0, 2, 3]])
    with pytest.raises(DataError, match="computes the model's probabilities differently"):
        decompress(model, compressed)


def test_damage_is_noticed_wherever_it_is() -> None:
    X = np.random.default_rng(2).integers(0, 3, (40, 4))
    compressed = compress(_network(), X)
    for at in range(len(compressed)):
        flipped = bytearray(compressed)
        flipped[at] ^= 1 << (at % 8)
        with pytest.raises(DataError, match=DAMAGED):
            decompress(_network(), bytes(flipped))
    for end in range(len(compressed)):
        with pytest.raises(DataError, match=DAMAGED):
            decompress(_network(), compressed[:end])


def test_a_model_without_order_and_marginals_is_refused() -> None:
    X = np.random.default_rng(0).integers(0, 2, (30, 3))
    nades = [NADE(hidden=3, epochs=1, ordering=o, random_state=0) for o in ([0, 1, 2], [2, 1, 0])]
    with pytest.raises(InputError, match="neither an order"):
        compress(Ensemble(nades).fit(X), X)


@pytest.mark.parametrize(
    "laid_out", [np.asfortranarray, lambda p: np.repeat(p, 2, axis=1)[:, ::2], lambda p: p[::-1].copy()[::-1]]
)
def test_symbols_take_the_bits_of_their_probabilities_however_these_lie_in_memory(laid_out: Any) -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.3] * 4, 1000)
    symbols = (rng.random((1000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    wanted, coder = stack(), stack()
    push(wanted, symbols, p)
    push(coder, np.repeat(symbols, 2)[::2], laid_out(p))
    assert stack_bytes(coder) == stack_bytes(wanted)
    assert (pop(coder, laid_out(p)) == symbols).all()


# files

SURVEY = {
    "smoker": ["yes", "no", "no", "yes", "no", None] * 8,
    "age": [31, 58, 44, 17, 20, 44] * 8,
    "city": ["Köln", "Bern", "Bern", "Köln", "a, b", 'the "old" one'] * 8,
}


@cache
def _survey_model() -> ChowLiu:
    table = Table.read(SURVEY, bins={"age": 3})
    return ChowLiu(missing="complete_families").fit(table)


def _back(model: Any, content: bytes, folder: Path) -> tuple[bytes, int]:
    source, packed, out = folder / "source.csv", folder / "packed", folder / "out.csv"
    source.write_bytes(content)
    record = compress_file(model, source, packed)
    assert record.compressed_bytes == packed.stat().st_size
    assert record.original_bytes == len(content)
    decompress_file(model, packed, out)
    return out.read_bytes(), record.compressed_bytes


def _is_text(content: bytes) -> bool:
    """Whether the bytes are what their mark says, the last character may be cut; any are, without a mark."""
    marks = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16"}
    encoding = next((e for mark, e in marks.items() if content.startswith(mark)), "latin-1")
    try:
        codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    return True


_CELL = st.one_of(
    st.sampled_from(
        ["yes", "no", "31", "58", "44.0", "Köln", "Bern", "", "NA", " yes", "YES", "-1", "?", "17,5"]
    ),
    st.text(alphabet='ab",;\t \r\né\ufeff1', max_size=6),
)


@st.composite
def _files(draw: Any) -> bytes:
    names = draw(st.permutations(["smoker", "age", "city", "id", "other"]))
    separator, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerow(names)
    for row in draw(st.lists(st.lists(_CELL, min_size=5, max_size=5), max_size=8)):
        writer.writerow(row)
        out.write(draw(st.sampled_from(["", "", "", end, "ragged" + separator + end, "\n", '"'])))
    text = out.getvalue()
    if draw(st.booleans()):
        text = text[: len(text) - len(end)]
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    content = text.replace("\ufeff", "" if encoding == "latin-1" else "\ufeff").encode(encoding)
    if end not in text:  # what follows would belong to a column's name
        return content
    return content + draw(st.sampled_from([b"", b"", b"", b"\xff\xfe\xfa", b"\xc3"]))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=_files())
def test_any_file_with_the_columns_comes_back_byte_by_byte(content: bytes, tmp_path: Path) -> None:
    if not _is_text(content):  # a mark says what it is, and it is not
        with pytest.raises(DataError, match="encoding"):
            _back(_survey_model(), content, tmp_path)
        return
    back, _ = _back(_survey_model(), content, tmp_path)
    assert back == content


@settings(max_examples=400, deadline=None)
@given(
    text=st.text(alphabet='a,";\r\n\t 1\ufeff', max_size=40),
    separator=st.sampled_from(",;\t "),
    n_columns=st.integers(1, 3),
    n_headers=st.integers(0, 1),
)
def test_pieces_make_up_their_text_again(text: str, separator: str, n_columns: int, n_headers: int) -> None:
    pieces = Pieces.of(text, separator, n_columns, n_headers)
    assert pieces.text() == text
    assert all(len(column) == pieces.n_records for column in pieces.columns)


def test_records_are_those_that_a_csv_reader_finds() -> None:
    out = io.StringIO(newline="")
    rows = [["a", 'say "no"', "x, y"], ["", "two\r\nlines", "é"], ["1", "2", "3"]]
    csv.writer(out).writerows(rows)
    pieces = Pieces.of(out.getvalue(), ",", 3)
    assert pieces.n_records == 3
    assert pieces.columns[1] == ['"say ""no"""', '"two\r\nlines"', "2"]
    assert pieces.odd == []


def test_a_long_file_is_cut_into_segments_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SEGMENT", 500)
    monkeypatch.setattr(files, "_READ", 64)
    lines = [f'{i},yes,"Bern ""{i}""\n",{20 + i % 40}' for i in range(200)]
    content = "\r\n".join(["id,smoker,city,age", *lines]).encode("utf-16")
    assert _back(_survey_model(), content, tmp_path)[0] == content
    monkeypatch.setattr("chainrule.tables.text_files._START", 400)  # what is wrong is seen later only
    broken = content[: len(content) // 2 * 2] + b"\x00\xd8" + content[2:900]  # half a surrogate on the way
    assert _back(_survey_model(), broken, tmp_path)[0] == broken


def test_a_plain_file_takes_the_bits_of_its_rows_and_little_more(tmp_path: Path) -> None:
    model = ChowLiu().fit({"a": ["u", "v", "u", "u"] * 50, "b": ["x", "y", "x", "y"] * 50})
    rows = model.sample(20_000, rng=0)
    lines = ["b,a", *(f"{b},{a}" for a, b in zip(rows["a"], rows["b"], strict=True))]
    content = ("\n".join(lines) + "\n").encode()
    back, size = _back(model, content, tmp_path)
    assert back == content
    assert size <= 1.005 * _bits(model, rows) / 8 + 160  # the rest: names, spellings, line ends, the digest


@pytest.mark.parametrize(("pack", "packer"), [(gzip.compress, "gzip"), (zstd, "zstd")])
def test_of_a_packed_file_the_text_inside_comes_back(pack: Any, packer: str, tmp_path: Path) -> None:
    content = "id;smoker;age;city\r\n1;yes;31;Köln\r\n2;;?;".encode() + b"\xff\r\n"
    source, packed, out = tmp_path / "a.csv.packed", tmp_path / "a.cr", tmp_path / "back.csv"
    source.write_bytes(pack(content))
    record = compress_file(_survey_model(), source, packed)
    assert (record.packer, record.original_bytes) == (packer, len(content))
    assert f"of the text that {packer} had packed" in record.text()
    decompress_file(_survey_model(), packed, out)
    assert out.read_bytes() == content
    with pytest.raises(InputError, match="write it plain"):
        decompress_file(_survey_model(), packed, tmp_path / "back.csv.gz")


def test_a_columnar_file_is_refused_and_its_values_are_kept_by_name(tmp_path: Path) -> None:
    rows = {"smoker": ["no", None], "age": [44, 17], "city": ["Bern", "Köln"], "more": [1.5, 2.5]}
    for write, name in ((parquet.write_table, "a.parquet"), (feather.write_feather, "a.feather")):
        write(pa.table(rows), tmp_path / name)
        with pytest.raises(InputError, match=r"write it as CSV.*chainrule\.compress"):
            compress_file(_survey_model(), tmp_path / name, tmp_path / "out")
        back = decompress(_survey_model(), compress(_survey_model(), tmp_path / name))
        assert back["city"] == rows["city"]
        assert [v is None for v in back["smoker"]] == [False, True]


def test_a_file_of_zeros_and_ones_without_header_comes_back(tmp_path: Path) -> None:
    X = np.random.default_rng(0).integers(0, 2, (300, 5))
    content = "".join(",".join(map(str, row)) + "\n" for row in X).encode()
    model = Independent(pseudocount=1).fit(X)
    assert _back(model, content, tmp_path)[0] == content


def test_a_record_says_what_the_parts_take() -> None:
    from chainrule import tasks
    from chainrule.tasks.compression import CompressedFile

    record = CompressedFile(10_000, 500, 100, 300, 50, 150)
    assert record.to_dict()["ratio"] == 20.0
    assert "20.0 times smaller" in record.text()
    assert tasks.__doc__


def test_damage_of_a_file_is_noticed_and_what_was_there_stays(tmp_path: Path) -> None:
    content = b"smoker,age,city,id\nyes,31,Bern,1\nno,58,x,2\n"
    source, packed, out = (tmp_path / name for name in ("a.csv", "packed", "out"))
    source.write_bytes(content)
    compress_file(_survey_model(), source, packed)
    out.write_bytes(b"before")
    whole = packed.read_bytes()
    for at in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        packed.write_bytes(bytes(flipped))
        with pytest.raises((DataError, InputError)):
            decompress_file(_survey_model(), packed, out)
        assert out.read_bytes() == b"before"
    packed.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError):
        decompress_file(_survey_model(), packed, out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "out", "packed"]


@pytest.mark.parametrize(
    "lie",
    [
        {"n_columns": 10**12},
        {"n_columns": 3},
        {"n_columns": "4"},
        {"places": [0, 1, 7]},
        {"places": [0, 0, 1]},
        {"places": [0]},
        {"separator": None},
        {"encoding": "morse"},
        {"encoding": 8},
        {"ends": [["\n", 10**12]]},
        {"ends": [["\n", 2 - 10**12], ["\n", 10**12]]},
        {"ends": [["\n", 1]]},
        {"ends": 2},
        {"odd": [["x", "y"]]},
        {"others": [["1"]]},
        {"others": {}},
        {"spellings": []},
    ],
    ids=str,
)
def test_a_file_that_lies_about_itself_behind_a_right_checksum_is_refused_at_no_cost(
    lie: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, packed, out = (tmp_path / name for name in ("a.csv", "packed", "out"))
    source.write_bytes(b"smoker,age,city,id\nyes,31,Bern,1\nno,58,x,2\n")
    pack = files._packed

    def lying(plain: Any) -> bytes:
        if isinstance(plain, dict):
            return pack(plain | {k: v for k, v in lie.items() if k in plain})
        fields = dict(zip(("encoding", "separator", "n_columns", "has_header", "places"), plain, strict=True))
        return pack([lie.get(name, value) for name, value in fields.items()])

    monkeypatch.setattr(files, "_packed", lying)
    compress_file(_survey_model(), source, packed)
    tracemalloc.start()
    with pytest.raises(DataError, match="damaged"):
        decompress_file(_survey_model(), packed, out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert not out.exists()


def test_files_that_cannot_be_taken_are_refused_with_a_reason(tmp_path: Path) -> None:
    model, out = _survey_model(), tmp_path / "out"
    (tmp_path / "a.csv").write_text("smoker,age\nyes,3\n")
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(UnknownNameError, match="city"):
        compress_file(model, tmp_path / "a.csv", out)
    with pytest.raises(DataError, match=r"a\.gz cannot be read"):
        compress_file(model, tmp_path / "a.gz", out)
    with pytest.raises(InputError, match="archive"):
        compress_file(model, tmp_path / "a.zip", out)
    for use in (compress_file, decompress_file):
        with pytest.raises(DataError, match=r"cannot be read|there is no file .*nothing\.csv"):
            use(model, tmp_path / "nothing.csv", out)
    with pytest.raises(DataError, match="no file that chainrule compressed"):
        decompress_file(model, tmp_path / "a.csv", out)
    assert not out.exists()


def test_the_commands_give_back_each_byte_and_refuse_another_model(tmp_path, capsys):
    content = b'b,id,a\r\n1,x9,0\r\n"0",x8,1\r\n1,x7,1'
    (tmp_path / "rows.csv").write_bytes(content)
    frame = {"a": ["0", "1", "1"], "b": ["1", "0", "1"]}
    files = {name: str(tmp_path / name) for name in ("rows.csv", "rows.cr", "again.csv", "m", "other")}
    Independent(pseudocount=1).fit(frame).save(files["m"])
    Independent(pseudocount=2).fit(frame).save(files["other"])
    assert cli.main(["compress", files["m"], files["rows.csv"], "-o", files["rows.cr"], "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["original_bytes"] == len(content)
    assert told["compressed_bytes"] == (tmp_path / "rows.cr").stat().st_size
    assert cli.main(["decompress", files["other"], files["rows.cr"], "-o", files["again.csv"]]) == 2
    assert "compressed with another model" in capsys.readouterr().err
    assert not (tmp_path / "again.csv").exists()
    assert cli.main(["decompress", files["m"], files["rows.cr"], "-o", files["again.csv"]]) == 0
    assert (tmp_path / "again.csv").read_bytes() == content
