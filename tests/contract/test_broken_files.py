"""A file that is not what was saved says so: by its checksum, and if that was made to fit, by what it holds.

The first half flips bits and cuts.  The second makes files that ``save`` never wrote, whose checksum is right: these
are either refused in one line of ours, or they are models, with probabilities that sum to one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.core.contract import packed
from chainrule.core.errors import ChainruleError, DataError, ValuesError
from chainrule.core.sealed import read_sealed, write_sealed
from chainrule.models import NADE, BayesianNetwork, Independent, load_model
from tests.contract.cases import CASES, Case, every_case, fitted

FLIPS, MUTANTS = 24, 24  # of each case: in all some 2,500 of either


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        load_model(path)
    message = str(caught.value)
    assert len(message) < 1000
    assert "\n" not in message
    return message


@every_case
def test_a_flipped_bit_anywhere_is_noticed(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "model"
    fitted(case).save(path)
    whole, rng = bytearray(path.read_bytes()), np.random.default_rng(len(str(case)))
    in_head = rng.integers(0, 8 * (8 + int.from_bytes(whole[:8], "little")), FLIPS // 2)
    for bit in [*in_head.tolist(), *rng.integers(0, 8 * len(whole), FLIPS // 2).tolist(), 8 * len(whole) - 1]:
        whole[bit // 8] ^= 1 << bit % 8
        path.write_bytes(whole)
        refused(path)
        whole[bit // 8] ^= 1 << bit % 8
    path.write_bytes(whole)
    load_model(path)


@every_case
def test_a_file_that_was_never_saved_is_refused_or_sums_to_one(case: Case, tmp_path: Path) -> None:
    path, rng = tmp_path / "model", np.random.default_rng(7)
    arrays, plain = packed(fitted(case))
    plain = json.loads(json.dumps(plain, default=np.ndarray.tolist))
    longest = 0
    for _ in range(MUTANTS):
        other_arrays, other_plain = mutant(arrays, plain, rng)
        write_sealed(path, "model", 2, other_arrays, other_plain)
        try:
            log_p = load_model(path).log_prob(case.states())
        except ChainruleError as e:  # also what is read when it is asked for, such as max_bytes
            longest = max(longest, len(str(e)))
            continue
        assert abs(np.exp(log_p).sum() - 1) < 1e-5
    assert longest < 1000


def mutant(
    arrays: dict[str, NDArray[Any]], plain: dict[str, Any], rng: np.random.Generator
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What ``packed`` gave with one thing changed: an array, or a value somewhere in the plain data."""
    if arrays and rng.random() < 0.5:
        name = str(rng.choice(sorted(arrays)))
        changed = dict(arrays)
        found = list(_broken_arrays(arrays[name], rng))
        chosen = found[rng.integers(len(found))]
        if chosen is None:
            del changed[name]
        else:
            changed[name] = chosen
        return changed, plain
    plain = json.loads(json.dumps(plain))
    places = list(_places(plain))
    holder, key = places[rng.integers(len(places))]
    values: list[Any] = [None, -1, 0, 1, 2**40, 1e300, "x", [], {}, [[]], True, [0, 0], "inf", 10**30]
    if rng.random() < 0.2 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = values[rng.integers(len(values))]
    return arrays, plain


def _places(plain: Any) -> Iterator[tuple[Any, Any]]:
    for key in plain if isinstance(plain, dict) else range(len(plain)):
        yield plain, key
        if isinstance(plain[key], (dict, list)):
            yield from _places(plain[key])


def _broken_arrays(a: NDArray[Any], rng: np.random.Generator) -> Iterator[NDArray[Any] | None]:
    yield None
    yield a[:-1] if a.ndim else a[None]
    yield a[None]
    yield np.concatenate([a, a]) if a.ndim else a[None]
    yield a.astype(np.float16 if a.dtype.kind == "f" else np.int16)
    if a.size:
        for value in (np.nan, np.inf, -1, 2, 2**40, 0, -(2**31)):
            changed = a.copy().ravel()
            with np.errstate(all="ignore"):
                changed[rng.integers(a.size)] = np.array(value).astype(a.dtype)
            yield changed.reshape(a.shape)
        with np.errstate(over="ignore"):
            yield a * np.array(2, a.dtype)
        yield np.roll(a, 1)
        yield np.zeros_like(a)


def _order(arrays: Any, plain: Any) -> None:
    arrays["ordering"] = arrays["ordering"].copy()
    arrays["ordering"][5] = 2**40


def _twice(arrays: Any, plain: Any) -> None:
    plain["fitted"]["order"] = [0, 0, 2, 3, 4, 5]


def _not_a_number(arrays: Any, plain: Any) -> None:
    arrays["W"] = np.full_like(arrays["W"], np.nan)


def _vast(arrays: Any, plain: Any) -> None:
    plain["settings"]["hidden"] = 10**6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_order, "ordering does not follow"),
        (_twice, "the order does not list each of 6 columns once"),
        (_not_a_number, "W holds what is no finite number"),
        (_vast, "do not fit"),
    ],
)
def test_a_nade_that_would_end_the_process_or_lie_is_refused(
    change: Callable[[Any, Any], None], words: str, tmp_path: Path
) -> None:
    model = NADE(4, epochs=1, random_state=0).fit(np.random.default_rng(0).integers(0, 2, (30, 6)))
    arrays, plain = packed(model)
    change(arrays, plain)
    write_sealed(tmp_path / "m", "model", 2, arrays, plain)
    assert words in refused(tmp_path / "m")


def test_tables_that_do_not_sum_to_one_are_refused(tmp_path: Path) -> None:
    for model, name in (
        (Independent().fit([[0, 1], [1, 1]]), "probabilities"),
        (BayesianNetwork("a -> b", pseudocount=1).fit({"a": [0, 1], "b": [0, 1]}), "table 1"),
    ):
        arrays, plain = packed(model)
        write_sealed(tmp_path / "m", "model", 2, {**arrays, name: 2 * arrays[name]}, plain)
        assert "sum to one" in refused(tmp_path / "m")


def test_a_network_whose_weights_are_lost_neither_answers_nor_is_saved(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 2, (30, 6))
    model = NADE(4, epochs=1, random_state=0).fit(rows)
    model.network_.W.data[0, 0] = np.nan
    with pytest.raises(ValuesError, match="W holds what is no finite number; fit the model again"):
        model.log_prob(rows)
    with pytest.raises(
        ValuesError, match="W of this NADE holds what is no finite number, so it is not saved"
    ):
        model.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_another_format_is_told_apart_from_damage(tmp_path: Path) -> None:
    path = tmp_path / "m"
    arrays, plain = packed(Independent().fit([[0, 1]]))
    for number, words in (
        (1, "an older format, 1.*make the model again"),
        (3, "a newer format, 3.*update chainrule"),
    ):
        write_sealed(path, "model", number, arrays, plain)
        with pytest.raises(DataError, match=words):
            load_model(path)
    write_sealed(path, "checkpoint", 2, arrays, plain)
    with pytest.raises(DataError, match=r"not a chainrule model \(format 'chainrule-checkpoint-2'\)"):
        load_model(path)


def test_a_header_that_lies_about_its_length_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m"
    for length in (0, 1, 10**10, 2**63, 2**64 - 1):
        path.write_bytes(length.to_bytes(8, "little") + b"{" + b" " * 1000)
        refused(path)
    with path.open("wb") as stream:  # a sparse file of 10 GB, which has no header
        stream.write((10**10 - 8).to_bytes(8, "little") + b"{")
        stream.truncate(10**10)
    refused(path)


def test_a_header_nested_deeply_is_refused(tmp_path: Path) -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    (tmp_path / "m").write_bytes(len(deep).to_bytes(8, "little") + deep)
    refused(tmp_path / "m")


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path / "pipe", "a named pipe"),
        (Path("/dev/zero"), "a device"),
        (tmp_path, "a folder"),
    ):
        assert words in refused(path)


def test_reading_back_gives_what_was_written(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6.0).reshape(2, 3).T,
        "b": np.zeros((0, 2), np.int32),
        "c": np.array(1.5, np.float32),
    }
    write_sealed(tmp_path / "f", "thing", 1, arrays, {"words": 'ü "sha256": "' + "0" * 64})
    plain, found = read_sealed(tmp_path / "f", "thing", 1)
    assert plain["words"] == 'ü "sha256": "' + "0" * 64
    for name, a in arrays.items():
        assert found[name].dtype == a.dtype
        np.testing.assert_array_equal(found[name], a)
        found[name][...] = 0  # it may be written to


def test_there_are_enough_of_them() -> None:
    assert len(CASES) * FLIPS >= 2000
