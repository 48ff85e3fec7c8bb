"""Rows of codes as a stream of bits, column after column, by asymmetric numeral systems (Duda 2009) and the model.

A cell costs -log2 p(its state | the known cells before) bits, so a table costs what its likelihood says, -log2 p of
what is known of each row.  Of rows with holes that is the marginal, exact where the model sums out the holes or has
few completions of them, else an estimate of it that is a code all the same (``copies``); where the holes are comes
before, in bits of its own (``holes``).

The stream begins with 21 to 25 bytes: who wrote it, a checksum of the rest, the first 6 bytes of the SHA-256 of the
model and of the codes, how many rows there are; it ends with a word that is not full.  Damage, another model, or a
machine on which the model's floats differ in a bit, is an error and not other rows.  Threads count as another machine
where they change the order of a sum (``chainrule.settings.threads``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_instance, check_size
from chainrule.core.contract import packed
from chainrule.core.errors import DataError
from chainrule.core.progress import track
from chainrule.core.records import to_plain
from chainrule.models.contract import Codes, DiscreteModel, Turns
from chainrule.tables.door import give_back, rows
from chainrule.tasks.compression.bits import pop, push, stack, stack_bytes
from chainrule.tasks.compression.holes import HolesCode
from chainrule.tasks.compression.numbers import Reader, checked, sealed, varint
from chainrule.tasks.compression.predictor import predictor_of, probabilities

__all__ = ["FLOATS_DIFFER", "compress", "decode_rows", "decompress", "encode_rows", "fingerprint"]

FLOATS_DIFFER = (
    "what was decompressed is not what was compressed: this machine computes the model's probabilities differently; "
    "decompress on the machine, and with the threads, that compressed"
)
_MAGIC = b"CR\x02"  # and the version of what follows
_DIGEST = 6  # bytes of a SHA-256 that are kept

Take = Callable[[int, NDArray[np.float64], NDArray[np.bool_]], Codes]


def compress(model: DiscreteModel, X: Any) -> bytes:
    """Rows ``X`` (anything that the model reads) as bytes; ``decompress`` with the same model gives them back.

    Their number is that of the bits of ``-log2 p(X)``, and at most 32 bytes.  Rows with holes cost their marginal
    (where a chain of factors has more completions of a row than are gone through, a little more), and where the holes
    are costs its own bits.  Weights are not kept.  A row that is impossible under the model costs some 24 bits for each
    impossible cell.

    >>> from chainrule.models import Independent
    >>> model = Independent().fit([[0, 1]] * 9 + [[1, 1]])
    >>> decompress(model, compress(model, [[0, 1], [1, 1], [0, 1]])).tolist()
    [[0, 1], [1, 1], [0, 1]]
    """
    codes = rows(X, checked_model(model).schema_).codes
    return sealed(_MAGIC, fingerprint(model) + _digest(codes) + encode_rows(model, codes))


def decompress(model: DiscreteModel, compressed: bytes) -> Any:
    """The rows that ``compress`` took, as the kind of table that the model was fitted on.

    Raises ``DataError`` where ``compressed`` is damaged, or written with another model or other floats.
    """
    checked_model(model)
    check_instance(compressed, bytes | bytearray, "compressed", like="bytes that compress gave")
    reader = checked(_MAGIC, compressed, "these bytes are no rows that chainrule compressed")
    if reader.take(_DIGEST) != fingerprint(model):
        raise DataError("the rows were compressed with another model; decompress them with that one")
    digest, out = reader.take(_DIGEST), decode_rows(model, reader)
    if _digest(out) != digest:
        raise DataError(FLOATS_DIFFER)
    return give_back(out, model.schema_)


def checked_model(model: Any) -> DiscreteModel:
    """``model`` if it is a fitted model of tables; ``InputError``."""
    check_instance(model, DiscreteModel, "model", like="a fitted model of tables")
    check_is_fitted(model)
    return model


def encode_rows(model: DiscreteModel, codes: Codes) -> bytes:
    """Rows of codes (n, d), -1 where missing, as bytes, without anything that would tell damage."""
    missing = codes < 0
    predictor, holes = predictor_of(model, missing), HolesCode.of(missing)
    coder = stack()
    for part in track(list(predictor.parts())[::-1], "compressing"):  # a stack gives back the last first
        pushed: list[tuple[Codes, NDArray[np.float64]]] = []

        def take(i: int, p: NDArray[np.float64], there: NDArray[np.bool_]) -> Codes:
            symbols = codes[part][there, i]  # noqa: B023  # called in this turn only
            pushed.append((symbols, p[there]))  # noqa: B023
            return symbols

        _walk(predictor.turns(part), missing[part], take)
        for symbols, p in reversed(pushed):
            if len(symbols) and p.shape[1] > 1:
                push(coder, symbols, p)
    holes.push(coder, missing)
    return varint(len(codes)) + holes.head() + stack_bytes(coder)


def decode_rows(model: DiscreteModel, reader: Reader) -> NDArray[np.int32]:
    """The rows of codes (n, d) that ``encode_rows`` took; ``DataError`` where they cannot be had."""
    n, d = reader.varint(), len(model.schema_)
    check_size(16 * n * d, f"decompressing {n:,} rows", instead="compress fewer rows at a time")
    holes = HolesCode.read(reader, n, d)
    out = np.empty((n, d), np.int32)
    try:
        coder = stack(reader.words())
        missing = holes.pop(coder)
        predictor = predictor_of(model, missing)

        def take(i: int, p: NDArray[np.float64], there: NDArray[np.bool_]) -> Codes:
            if p.shape[1] == 1 or not there.any():
                return np.zeros(int(there.sum()), np.int32)
            return pop(coder, p[there])

        for part in track(list(predictor.parts()), "decompressing"):
            out[part] = _walk(predictor.turns(part), missing[part], take)
    except ValueError as e:
        raise DataError(f"the compressed rows are damaged ({e}); compress them again") from e
    out[missing] = -1
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


def _walk(turns: Turns, holes: NDArray[np.bool_], take: Take) -> NDArray[np.int32]:
    """Rows (n, d) column by column, what is there by ``take``; 0 in holes."""
    out = np.zeros(holes.shape, np.int32)
    columns, found = next(turns)
    while True:
        for i, log_p in zip(columns.tolist(), found, strict=True):
            there = ~holes[:, i]
            out[there, i] = take(i, probabilities(log_p), there)
        try:
            columns, found = turns.send(out[:, columns])
        except StopIteration:
            return out


def _digest(codes: Codes) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(codes, "<i4").tobytes()).digest()[:_DIGEST]
