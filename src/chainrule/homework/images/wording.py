"""How problem 1 writes numbers far beyond any float, and what beats a constant."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["against_constant", "coverage", "scientific"]


def scientific(log10: float) -> str:
    """A number given by its log10, in LaTeX, with three digits.

    >>> scientific(-236.004)
    '9.91 \\\\times 10^{-237}'
    """
    power = math.floor(log10)
    mantissa = round(10.0 ** (log10 - power), 2)
    if mantissa >= 10.0:
        mantissa, power = 1.0, power + 1
    return f"{mantissa:.2f} \\times 10^{{{power}}}"


def coverage(space: dict[str, Any]) -> str:
    """The share of all images that the training images are."""
    return f"${scientific(space['log10_coverage_of_200'])}$"


def against_constant(r2: float) -> str:
    """How a predictor with that R² compares with always saying the mean."""
    return "worse than" if r2 < 0 else "better than"
