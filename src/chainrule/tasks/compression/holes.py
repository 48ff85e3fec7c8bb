"""Which cells of a table are missing, in few bits: columns have holes together, and that is what is told.

The holes of a column are coded by how often they come with those of one earlier column, and without (Chow and Liu
1968): n H(hole here | hole there) bits for n rows, H the entropy of the frequencies, and the counts beside them.  Where
zlib makes less of all bits, as where holes come in runs, its bytes are taken.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from chainrule.core.errors import DataError
from chainrule.tasks.compression.bits import categorical
from chainrule.tasks.compression.numbers import Reader, varint

__all__ = ["HolesCode"]

_NONE, _PACKED, _COUNTED = range(3)
_HEAD = 4.0  # bytes, about, for the counts of a column
_TOGETHER = 2**16  # rows whose holes are multiplied together


@dataclass(frozen=True, eq=False)
class HolesCode:
    """How the holes of a table (n, d) are coded: not at all, by zlib, or by columns.

    Of each of the ``columns`` (m,) that have any, ``above`` (m,) is the place of an earlier one among them or -1, and
    ``counts`` its number of holes in the rows where that one has no hole and where it has one; all rows for -1.
    """

    shape: tuple[int, int]
    columns: NDArray[np.intp]
    above: NDArray[np.intp]
    counts: list[list[int]]
    packed: bytes = b""

    @classmethod
    def of(cls, missing: NDArray[np.bool_]) -> Self:
        """The shorter code of the two."""
        n, d = missing.shape
        columns = np.flatnonzero(missing.any(axis=0))
        above, n_bits = _best_above(missing[:, columns])
        code = cls((n, d), columns, above, [[] for _ in columns])
        found = missing[:, columns]
        counts = [[int(found[rows, j].sum()) for rows in code._beside(j, found)] for j in range(len(columns))]
        packed = zlib.compress(np.packbits(missing.T).tobytes(), 9) if len(columns) else b""
        if len(packed) > n_bits / 8 + d / 8 + _HEAD * len(columns):
            packed = b""
        return cls((n, d), columns, above, counts, packed)

    def head(self) -> bytes:
        """What is written before the bits."""
        if not len(self.columns):
            return varint(_NONE)
        if self.packed:
            return varint(_PACKED) + varint(len(self.packed)) + self.packed
        there = np.zeros(self.shape[1], np.bool_)
        there[self.columns] = True
        told = [
            varint(int(a) + 1) + b"".join(map(varint, c))
            for a, c in zip(self.above, self.counts, strict=True)
        ]
        return varint(_COUNTED) + np.packbits(there).tobytes() + b"".join(told)

    @classmethod
    def read(cls, reader: Reader, n: int, d: int) -> Self:
        """The code that ``head`` wrote; ``DataError`` where it is none."""
        kind = reader.varint()
        none = np.empty(0, np.intp)
        if kind == _NONE:
            return cls((n, d), none, none, [])
        if kind == _PACKED:
            return cls((n, d), np.arange(d), none, [], reader.part())
        there = np.unpackbits(np.frombuffer(reader.take((d + 7) // 8), np.uint8), count=d)
        columns = np.flatnonzero(there)
        above, counts = np.full(len(columns), -1, np.intp), []
        for j in range(len(columns)):
            above[j] = reader.varint() - 1
            counts.append([reader.varint() for _ in range(1 if above[j] < 0 else 2)])
        if kind != _COUNTED or (above >= np.arange(len(columns))).any():
            raise DataError("the compressed rows are damaged; compress them again")
        return cls((n, d), columns, above, counts)

    def push(self, coder: Any, missing: NDArray[np.bool_]) -> None:
        """Put the holes onto a stack of bits."""
        found = missing[:, self.columns]
        for j in range(len(self.counts) if not self.packed else 0)[::-1]:
            for rows, count in reversed(list(zip(self._beside(j, found), self.counts[j], strict=True))):
                if 0 < count < len(rows):
                    coder.encode_reverse(found[rows, j].astype(np.int32), _coin(count, len(rows)))

    def pop(self, coder: Any) -> NDArray[np.bool_]:
        """Take the holes (n, d) from a stack of bits."""
        n, d = self.shape
        if self.packed:
            return self._unpacked()
        out = np.zeros((n, d), np.bool_)
        found = np.zeros((n, len(self.columns)), np.bool_)
        for j in range(len(self.columns)):
            for rows, count in zip(self._beside(j, found), self.counts[j], strict=True):
                coded = 0 < count < len(rows)
                found[rows, j] = coder.decode(_coin(count, len(rows)), len(rows)) if coded else count > 0
        out[:, self.columns] = found
        return out

    def _beside(self, j: int, found: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
        """The rows without and with a hole in the column above; all rows where there is none."""
        if self.above[j] < 0:
            return [np.arange(len(found))]
        other = found[:, self.above[j]]
        return [np.flatnonzero(~other), np.flatnonzero(other)]

    def _unpacked(self) -> NDArray[np.bool_]:
        n, d = self.shape
        try:
            bits = zlib.decompressobj().decompress(self.packed, n * d // 8 + 1)
        except zlib.error as e:
            raise DataError("the compressed rows are damaged; compress them again") from e
        if len(bits) != (n * d + 7) // 8:
            raise DataError("the compressed rows are damaged; compress them again")
        return np.unpackbits(np.frombuffer(bits, np.uint8), count=n * d).reshape(d, n).T.astype(np.bool_)


def _coin(count: int, n: int) -> Any:
    return categorical(np.array([n - count, count]) / n)


def _best_above(found: NDArray[np.bool_]) -> tuple[NDArray[np.intp], float]:
    """For each column the earlier one that says most of its holes, -1 where none says anything; all bits it takes."""
    n, m = found.shape
    both = np.zeros((m, m))
    for start in range(0, n, _TOGETHER):
        seen = found[start : start + _TOGETHER].astype(np.float32)
        both += seen.T @ seen
    alone = both.diagonal()
    given = _bits(both, alone[:, None]) + _bits(
        alone[None] - both, n - alone[:, None]
    )  # of the column, above the row
    given[np.tril_indices(m)] = np.inf
    least = given.min(axis=0, initial=np.inf)
    plain = _bits(alone, np.full(m, float(n)))
    helps = least < plain - 8 * _HEAD
    above = np.where(helps, given.argmin(axis=0) if m else 0, -1)
    return above.astype(np.intp), float(np.where(helps, least, plain).sum())


def _bits(count: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """n H(count / n) in bits."""
    left = n - count
    return (xlogy(n, n) - xlogy(count, count) - xlogy(left, left)) / np.log(2)
