"""How a column writes each state: the codes say which state a cell has, this says which of its spellings.

Where a state is written in one way only, that costs nothing.  Else the place of the spelling among those of its state,
the most frequent first, is coded by the frequencies.  Missing values, states that the model has never seen, numbers
that fall into one interval: all are spellings of a code, so whatever a cell says comes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import DataError
from chainrule.tasks.compression.bits import categorical

__all__ = ["Spellings"]

Code = Callable[[str], int]


@dataclass(frozen=True)
class Spellings:
    """``of_code`` lists the spellings of each code from -1 on with their numbers of cells, most frequent first."""

    of_code: list[list[tuple[str, int]]]

    @classmethod
    def found(
        cls, cells: list[str], code: Code, size: int
    ) -> tuple[Spellings, NDArray[np.int32], NDArray[np.int64]]:
        """The spellings in a column, and the code and the place of the spelling of each cell, (n,) both.

        >>> column = Spellings.found(["no", "NO", "no", "?"], lambda t: {"no": 0, "NO": 0}.get(t, -1), 2)
        >>> column[0].of_code, column[1].tolist(), column[2].tolist()
        ([[('?', 1)], [('no', 2), ('NO', 1)], []], [0, 0, 0, -1], [0, 1, 0, 0])
        """
        of_code: list[list[tuple[str, int]]] = [[] for _ in range(size + 1)]
        where: dict[str, tuple[int, int]] = {}
        for cell, n in Counter(cells).most_common():
            k = code(cell)
            where[cell] = (k, len(of_code[k + 1]))
            of_code[k + 1].append((cell, n))
        pairs = np.array([where[cell] for cell in cells], np.int64).reshape(len(cells), 2)
        return cls(of_code), pairs[:, 0].astype(np.int32), pairs[:, 1]

    def cells(self, codes: NDArray[np.integer[Any]], places: NDArray[np.integer[Any]]) -> list[str]:
        """The cells with these codes and places."""
        try:
            return [self.of_code[k + 1][p][0] for k, p in zip(codes.tolist(), places.tolist(), strict=True)]
        except IndexError as e:
            raise DataError("the compressed file is damaged; compress it again") from e

    def push(self, coder: Any, codes: NDArray[Any], places: NDArray[np.int64]) -> None:
        """Put the places onto a stack of bits."""
        for k in range(len(self.of_code))[::-1]:
            if len(self.of_code[k]) > 1:
                there = codes == k - 1
                coder.encode_reverse(places[there].astype(np.int32), categorical(self._shares(k)))

    def pop(self, coder: Any, codes: NDArray[Any]) -> NDArray[np.int64]:
        """Take the places from a stack of bits, for cells with these codes."""
        out = np.zeros(len(codes), np.int64)
        for k in range(len(self.of_code)):
            if len(self.of_code[k]) > 1:
                there = codes == k - 1
                out[there] = coder.decode(categorical(self._shares(k)), int(there.sum()))
        return out

    def _shares(self, k: int) -> NDArray[np.float64]:
        counts = np.array([n for _, n in self.of_code[k]], np.float64)
        return counts / counts.sum()
