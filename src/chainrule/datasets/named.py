"""Named data sets: ``load`` one, ``fetch`` its files, or ask what there is.

``auto`` takes static binarized MNIST; where it cannot be had, MNIST binarized with a fixed seed; where
that cannot be had either, the digits that scikit-learn ships, which are always there.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.folders import cache_folder
from chainrule.datasets.dataset import Dataset, split_rows
from chainrule.datasets.decoded import decoded_path, keep_decoded, read_decoded
from chainrule.datasets.readers import parse_idx
from chainrule.datasets.registry import DATASETS, Entry, RawFile
from chainrule.datasets.sources import UnavailableError, locate, obtain
from chainrule.datasets.text_tables import parse_table

__all__ = ["Binarize", "fetch", "info", "list_datasets", "load"]

Binarize = Literal["threshold", "dynamic"]

_AUTO = ("binarized-mnist", "mnist", "digits")
_BINARIZE = ("threshold", "dynamic")
_VALID_ROWS = 10_000  # of MNIST: the last of the training file
# Streams of their own, so that no draw here repeats one that a model makes from the same seed.
_SPLIT_STREAM, _INK_STREAM = 0x5B117, 0x1A4


def load(
    name: str = "auto", *, binarize: Binarize | None = None, seed: int = 0, cache: str | Path | None = None
) -> Dataset:
    """The data set ``name`` as binary rows in three splits, every file checked against its SHA-256.

    ``binarize`` says how grey becomes 0 and 1: "threshold" (on above half of full ink) or "dynamic"
    (on with a probability equal to the ink, drawn once from ``seed``); the default is "dynamic" for
    ``mnist`` and "threshold" for ``digits``.  ``cache`` replaces the folder for downloads.

    Raises ``UnknownNameError``; ``InputError`` for a ``binarize`` that does not fit; ``DataError`` where
    no source has a file (the message says why for each) or a file is damaged.

    >>> load("digits")
    Dataset('digits': 1258 train, 180 valid and 359 test rows of 64 columns)
    """
    if binarize is not None and (not isinstance(binarize, str) or binarize not in _BINARIZE):
        raise UnknownNameError.of("binarization", binarize, list(_BINARIZE))
    seed, folder = check_integer(seed, "seed", least=0), cache_folder(cache)
    if not isinstance(name, str) or name != "auto":
        return _load(_entry(name), binarize, seed, folder, reason=f"{name} was asked for")
    why = ""
    for entry in map(_entry, _AUTO[:-1]):
        how = binarize if entry.kind == "grey" else None
        try:
            return _load(entry, how, seed, folder, reason=f"auto took {entry.name}{why or ' first'}")
        except UnavailableError as e:
            why += f"{' and' if why else ' because'} {entry.name} cannot be had ({e.why})"
    last = _entry(_AUTO[-1])
    return _load(last, binarize, seed, folder, reason=f"auto took {last.name}{why}")


def fetch(name: str, *, cache: str | Path | None = None) -> dict[str, Any]:
    """Make ``name`` ready for ``load`` without a network, and say (plain data) what was found where.

    >>> fetch("digits")["source"].split()[0]
    'scikit-learn'
    """
    return load(name, cache=cache).describe()


def info(name: str, *, cache: str | Path | None = None) -> dict[str, Any]:
    """What is known of a data set, as plain data; ``available`` says where its files are on this machine.

    >>> {k: info("digits")[k] for k in ("columns", "rows", "available")}
    {'columns': 64, 'rows': {'train': 1258, 'valid': 180, 'test': 359}, 'available': 'scikit-learn'}
    """
    entry, folder = _entry(name), cache_folder(cache)
    files = [
        {
            "file": file.name,
            "bytes": file.size,
            "sha256": file.sha256,
            "available": _where(file, folder),
            "addresses": [*file.urls, *([f"npm:{file.npm}"] if file.npm else [])],
        }
        for file in entry.files
    ]
    places = {"scikit-learn"} if not files else {file["available"] for file in files}
    return {
        "name": entry.name,
        "what": entry.what,
        "rows": dict(zip(("train", "valid", "test"), entry.rows, strict=True)),
        "columns": entry.columns,
        "shape": None if entry.shape is None else list(entry.shape),
        "values": "0 and 1" if entry.kind == "binary" else "grey, binarized on loading",
        "available": None if None in places else " and ".join(sorted(map(str, places))),
        "files": files,
        "licence": entry.licence,
        "citation": entry.citation,
    }


def list_datasets(*, cache: str | Path | None = None) -> list[dict[str, Any]]:
    """``info`` of every named data set, in the order of the registry.

    >>> [d["name"] for d in list_datasets()][:4]
    ['binarized-mnist', 'mnist', 'digits', 'nltcs']
    """
    return [info(name, cache=cache) for name in DATASETS]


def _entry(name: str) -> Entry:
    if not isinstance(name, str) or name not in DATASETS:
        raise UnknownNameError.of("data set", name, ["auto", *DATASETS])
    return DATASETS[name]


def _load(entry: Entry, binarize: Binarize | None, seed: int, cache: Path, *, reason: str) -> Dataset:
    if entry.kind == "binary":
        if binarize is not None:
            raise InputError(f"{entry.name} is binary as published; leave binarize out, or load mnist")
        splits, source = _published_splits(entry, cache)
        binarization, files = "as published", {file.name: file.sha256 for file in entry.files}
    elif entry.name == "mnist":
        grey, source = _mnist_splits(entry, cache)
        splits, binarization = _binarized(grey, 255, binarize or "dynamic", seed)
        files = {file.name: file.sha256 for file in entry.files}
    else:
        grey, source, files = _digits_splits()
        splits, binarization = _binarized(grey, 16, binarize or "threshold", seed)
    return Dataset(
        entry.name,
        *splits,
        shape=entry.shape,
        binarization=binarization,
        source=source,
        reason=reason,
        files=files,
        description=entry.what,
        licence=entry.licence,
        citation=entry.citation,
    )


def _published_splits(entry: Entry, cache: Path) -> tuple[list[NDArray[Any]], str]:
    """The tables of a binary data set, from the parsed copy where there is one."""
    splits, places = [], []
    for file in entry.files:
        rows, place = read_decoded(file.sha256, cache), f"the cache {cache}"
        if rows is None:
            found = obtain(file, cache)
            rows, place = parse_table(found.content, file.name).values, found.place
            keep_decoded(file.sha256, rows, cache)
        splits.append(rows)
        places.append(place)
    return splits, _in_words(entry.files, places)


def _mnist_splits(entry: Entry, cache: Path) -> tuple[list[NDArray[Any]], str]:
    found = [obtain(file, cache) for file in entry.files]
    train, test = (
        parse_idx(f.content, file.name).reshape(-1, entry.columns)
        for f, file in zip(found, entry.files, strict=True)
    )
    source = _in_words(entry.files, [f.place for f in found])
    return [train[:-_VALID_ROWS], train[-_VALID_ROWS:], test], source


def _digits_splits() -> tuple[list[NDArray[Any]], str, dict[str, str]]:
    """70, 10 and 20 percent of scikit-learn's digits, always the same rows whatever the seed of a run."""
    import sklearn
    from sklearn.datasets import load_digits

    grey = load_digits().data.astype(np.uint8)  # type: ignore[union-attr]  # a Bunch
    splits = split_rows(grey, [0.7, 0.1, 0.2], np.random.default_rng([0, _SPLIT_STREAM]))
    files = {"sklearn.datasets.load_digits": hashlib.sha256(grey.tobytes()).hexdigest()}
    return splits, f"scikit-learn {sklearn.__version__} ships it", files


def _binarized(
    grey: list[NDArray[Any]], full: int, how: Binarize, seed: int
) -> tuple[list[NDArray[np.uint8]], str]:
    """Splits of 0 and 1 from splits of ink 0..``full``, and in words how."""
    if how == "threshold":
        return [
            (2 * v.astype(np.int16) > full).astype(np.uint8) for v in grey
        ], f"on where ink > {full / 2:g}"
    splits = []
    for k, v in enumerate(grey):
        # Uniform on 0..full-1, so that P(draw < v) is v / full exactly.
        draws = np.random.default_rng([seed, _INK_STREAM, k]).integers(full, size=v.shape, dtype=np.uint8)
        splits.append((draws < v).astype(np.uint8))
    return splits, f"on with probability ink / {full}, drawn once with seed {seed}"


def _where(file: RawFile, cache: Path) -> str | None:
    return "cache" if os.path.isfile(decoded_path(file.sha256, cache)) else locate(file, cache)


def _in_words(files: tuple[RawFile, ...], places: list[str]) -> str:
    if len(set(places)) == 1:
        return f"{', '.join(file.name for file in files)} from {places[0]}"
    return "; ".join(f"{file.name} from {place}" for file, place in zip(files, places, strict=True))
