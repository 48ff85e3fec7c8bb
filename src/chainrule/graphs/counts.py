"""Numbers that grow like 2**n, as text and as plain data: Python refuses to print integers of over 4,300 digits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

__all__ = ["count_text", "product_of_counts", "shown_exactly"]

MOST_DIGITS = 15  # that anybody reads; above, a power of ten says it
_EXACT = 2**53  # up to here every reader of JSON gets the very integer


def count_text(n: int) -> str:
    """An integer with commas up to 15 digits, and as a power of ten above.

    >>> count_text(2**10), count_text(2**784), count_text(2**20_000)
    ('1,024', 'about 1.02e+236', 'about 3.98e+6020')
    """
    if abs(n) < 10**MOST_DIGITS:
        return f"{n:,}"
    exponent = math.log10(abs(n))  # exact enough for integers of any size
    power = math.floor(exponent)
    digits = f"{10 ** (exponent - power):.2f}"
    if digits == "10.00":
        power, digits = power + 1, "1.00"
    return f"about {'-' if n < 0 else ''}{digits}e+{power}"


def shown_exactly(n: int) -> int | None:
    """``n`` for JSON, or ``None`` above 2**53, where readers of JSON round it or refuse it.

    >>> shown_exactly(2**20), shown_exactly(2**20_000)
    (1048576, None)
    """
    return n if abs(n) <= _EXACT else None


def product_of_counts(counts: Iterable[int]) -> int:
    """The product of many integers of which few differ, at the cost of a few powers.

    >>> product_of_counts([2, 3, 2])
    12
    """
    return math.prod(n**k for n, k in Counter(counts).items())
