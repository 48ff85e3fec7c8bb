"""What is kept of rows of evidence, so that several questions about one share what they can.

Questions about the same evidence cost entries of tables.  Once they have cost half of what a calibration takes, the row
is calibrated, so all of them together cost at most a few times what would have been best (the ski rental problem).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.models.bayesian_network.inference.sweeps import Calibration

__all__ = ["KeptRows"]

_MOST_SPENT = 2**12  # rows whose cost is remembered


class KeptRows:
    """Calibrations, the one that was asked last at the end, and what was spent on rows without one, by their bytes."""

    def __init__(self) -> None:
        self._calibrations: dict[bytes, Calibration] = {}
        self._spent: dict[bytes, float] = {}
        self.n_bytes = 0  # of all that is kept

    def calibration(self, row: bytes) -> Calibration | None:
        """That of ``row``, where it is kept."""
        found = self._calibrations.pop(row, None)
        if found is not None:
            self._calibrations[row] = found
        return found

    def keep(self, row: bytes, calibration: Calibration, most_bytes: int) -> None:
        """Keep it, if it has at most ``most_bytes``; what was not asked for longest gives way."""
        if calibration.n_bytes <= most_bytes:
            self._calibrations[row] = calibration
            self.n_bytes += calibration.n_bytes
            self.shrink(most_bytes)

    def shrink(self, most_bytes: int) -> None:
        """Forget calibrations until at most ``most_bytes`` are kept."""
        if self.n_bytes <= most_bytes:
            return
        left = sum(kept.n_bytes for kept in list(self._calibrations.values()))
        for row in list(self._calibrations):  # which other threads may change
            if left <= most_bytes:
                break
            gone = self._calibrations.pop(row, None)
            left -= 0 if gone is None else gone.n_bytes
        self.n_bytes = left

    def spent(self, row: bytes) -> float:
        """Entries of tables that questions about ``row`` have cost."""
        return self._spent.get(row, 0.0)

    def spend(self, row: bytes, entries: float) -> None:
        """Add to what is spent."""
        if len(self._spent) >= _MOST_SPENT:
            self._spent.clear()
        self._spent[row] = self.spent(row) + entries
