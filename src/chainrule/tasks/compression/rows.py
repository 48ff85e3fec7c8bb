"""Rows of codes as a stream of bits, column after column, by asymmetric numeral systems (Duda 2009) and the model.

A cell costs -log2 p(its state | the columns before) bits, so a table costs what its likelihood says.  Missing cells
are marked beside the stream; the model is asked as if they held its most probable state.

The stream begins with 22 to 25 bytes: who wrote it, a checksum of the rest, the first 6 bytes of the SHA-256 of the
model and of the codes, how many rows there are.  Damage, another model, or a machine on which the model's floats differ
in a bit, is an error and not other rows.  Threads count as another machine where they change the order of a sum
(``chainrule.settings.threads``).
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_size
from chainrule.core.contract import packed
from chainrule.core.errors import DataError
from chainrule.core.progress import track
from chainrule.core.records import to_plain
from chainrule.models.contract import DiscreteModel
from chainrule.tables.door import give_back, rows
from chainrule.tasks.compression.bits import categorical, stack, stack_bytes
from chainrule.tasks.compression.numbers import Reader, varint
from chainrule.tasks.compression.predictor import Predictor, predictor_of, probabilities

__all__ = ["compress", "decode_rows", "decompress", "encode_rows", "fingerprint"]

_MAGIC = b"CR\x01"  # and the version of what follows
_DIGEST = 6  # bytes of a SHA-256 that are kept
_CELLS = 2**21  # probabilities that are formed together
_MOST_ROWS = 2**13

Codes = NDArray[np.integer[Any]]
Take = Callable[[int, NDArray[np.float64], NDArray[np.bool_]], Codes]


def compress(model: DiscreteModel, X: Any) -> bytes:
    """Rows ``X`` (anything that the model reads) as bytes; ``decompress`` with the same model gives them back.

    Their number is that of the bits of ``-log2 p(X)`` by the model's factors, and about 32 bytes; weights are not kept.
    A row that is impossible under the model costs some 24 bits for each impossible cell.

    >>> from chainrule.models import Independent
    >>> model = Independent().fit([[0, 1]] * 9 + [[1, 1]])
    >>> decompress(model, compress(model, [[0, 1], [1, 1], [0, 1]])).tolist()
    [[0, 1], [1, 1], [0, 1]]
    """
    return encode_rows(model, rows(X, model.schema_).codes)


def decompress(model: DiscreteModel, compressed: bytes) -> Any:
    """The rows that ``compress`` took, as the kind of table that the model was fitted on.

    Raises ``DataError`` where ``compressed`` is damaged, or written with another model or other floats.
    """
    return give_back(decode_rows(model, compressed), model.schema_)


def encode_rows(model: DiscreteModel, codes: Codes) -> bytes:
    """Rows of codes (n, d), -1 where missing, as bytes."""
    predictor = predictor_of(model)
    missing = codes < 0
    coder, family, step = stack(), categorical(), _block_rows(model.schema_.sizes)
    for start in track(range(0, len(codes), step)[::-1], "compressing"):  # a stack gives back the last first
        part, holes = codes[start : start + step], missing[start : start + step]
        pushed: list[tuple[Codes, NDArray[np.float64]]] = []

        def take(i: int, p: NDArray[np.float64], there: NDArray[np.bool_]) -> Codes:
            pushed.append((part[there, i].astype(np.int32), p[there]))  # noqa: B023  # called in this turn only
            return part[there, i]  # noqa: B023

        _walk(predictor, holes, take)
        for symbols, p in reversed(pushed):
            if len(symbols) and p.shape[1] > 1:
                coder.encode_reverse(symbols, family, p)
    head = fingerprint(model) + _digest(codes) + varint(len(codes)) + _packed_mask(missing)
    content = head + stack_bytes(coder)
    return _MAGIC + zlib.crc32(content).to_bytes(4, "little") + content


def decode_rows(model: DiscreteModel, compressed: bytes) -> NDArray[np.int32]:
    """The rows of codes (n, d) that ``encode_rows`` took; ``DataError`` where they cannot be had."""
    reader = Reader(compressed)
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise DataError("these bytes are no rows that chainrule compressed (or by another version of it)")
    if int.from_bytes(reader.take(4), "little") != zlib.crc32(compressed[len(_MAGIC) + 4 :]):
        raise DataError("the compressed rows are damaged or cut off; compress them again")
    if reader.take(_DIGEST) != fingerprint(model):
        raise DataError("the rows were compressed with another model; decompress them with that one")
    digest, n, d = reader.take(_DIGEST), reader.varint(), len(model.schema_)
    missing = _unpacked_mask(reader, n, d)
    predictor, family = predictor_of(model), categorical()
    check_size(16 * n * d, f"decompressing {n:,} rows", instead="compress fewer rows at a time")
    words = reader.words()
    out, step = np.empty((n, d), np.int32), _block_rows(model.schema_.sizes)
    try:
        coder = stack(words)

        def take(i: int, p: NDArray[np.float64], there: NDArray[np.bool_]) -> Codes:
            if p.shape[1] == 1 or not there.any():
                return np.zeros(int(there.sum()), np.int32)
            return coder.decode(family, p[there])

        for start in track(range(0, n, step), "decompressing"):
            holes = missing[start : start + step]
            out[start : start + step] = np.where(holes, -1, _walk(predictor, holes, take))
    except ValueError as e:
        raise DataError(f"the compressed rows are damaged ({e}); compress them again") from e
    if _digest(out) != digest:
        raise DataError(
            "what was decompressed is not what was compressed: the bytes are damaged, or this machine computes the "
            "model's probabilities differently; decompress on the machine, and with the threads, that compressed"
        )
    return out


def fingerprint(model: DiscreteModel) -> bytes:
    """Six bytes that tell fitted models apart: of all that their answers depend on, not of how long a fit took."""
    arrays, plain = packed(model)
    digest = hashlib.sha256(json.dumps(to_plain(plain | {"fit_info": None}), sort_keys=True).encode())
    for name in sorted(arrays):
        a = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {a.dtype.str} {a.shape}".encode())
        digest.update(a.tobytes())
    return digest.digest()[:_DIGEST]


def _walk(predictor: Predictor, holes: NDArray[np.bool_], take: Take) -> NDArray[np.int32]:
    """Rows (n, d) column by column: what is there by ``take``, what is not as the model finds most probable."""
    out = np.zeros(holes.shape, np.int32)
    turns = predictor(len(holes))
    columns, found = next(turns)
    while True:
        for i, log_p in zip(columns.tolist(), found, strict=True):
            p, there = probabilities(log_p), ~holes[:, i]
            out[there, i] = take(i, p, there)
            if not there.all():
                out[~there, i] = p[~there].argmax(axis=1)
        try:
            columns, found = turns.send(out[:, columns])
        except StopIteration:
            return out


def _block_rows(sizes: tuple[int, ...]) -> int:
    """Rows that are coded together: part of the format, since a product of another shape may round otherwise."""
    return min(_MOST_ROWS, max(1, _CELLS // sum(sizes)))


def _digest(codes: Codes) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(codes, "<i4").tobytes()).digest()[:_DIGEST]


def _packed_mask(missing: NDArray[np.bool_]) -> bytes:
    """Which cells are missing; one byte where none is."""
    if not missing.any():
        return varint(0)
    packed_bits = zlib.compress(np.packbits(missing.T).tobytes(), 9)
    return varint(len(packed_bits)) + packed_bits


def _unpacked_mask(reader: Reader, n: int, d: int) -> NDArray[np.bool_]:
    size = reader.varint()
    if size == 0:
        return np.zeros((n, d), bool)
    bits = np.frombuffer(reader.inflated(size, n * d // 8 + 1), np.uint8)
    if len(bits) != (n * d + 7) // 8:
        raise DataError("the compressed rows are damaged; compress them again")
    return np.unpackbits(bits, count=n * d).reshape(d, n).T.astype(bool)
