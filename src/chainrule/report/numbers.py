"""How a number is written for a reader: significant digits, thin thousands separators, true minus signs."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["counted", "format_value", "is_number"]

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_THIN = "\u202f"  # narrow, and no line break there
_INFINITE = {"inf": "∞", "-inf": "−∞"}  # as records write them


def format_value(value: Any, digits: int = 5) -> str:
    """``value`` as a reader expects it; a float has ``digits`` significant digits, a string stays as it is.

    Numbers of five and more integer digits are grouped by thin spaces; floats below 10⁻⁴ or from 10⁷ on are
    written with a power of ten; records' ``"inf"`` and ``"-inf"`` become signs.

    >>> format_value(306936).replace(_THIN, " "), format_value(-0.022222222), format_value(1.5e-236)
    ('306 936', '−0.022222', '1.5×10⁻²³⁶')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _signed(_grouped(str(abs(value))), value)
    if isinstance(value, float):
        return _format_float(value, digits)
    return _INFINITE.get(str(value), str(value))


def counted(n: int, what: str) -> str:
    """So many of something, in words.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def is_number(value: Any) -> bool:
    """Whether ``value`` is a number or one of the infinities as records write them."""
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (
        isinstance(value, str) and value in _INFINITE
    )


def _format_float(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return _INFINITE.get(str(value), "not a number")
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value):.{digits - 1}e}".split("e")
    power = int(exponent)
    if -4 <= power < 7:
        whole, _, fraction = f"{abs(value):.{max(digits - 1 - power, 0)}f}".partition(".")
        fraction = fraction.rstrip("0")
        return _signed(_grouped(whole) + (f".{fraction}" if fraction else ""), value)
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return _signed(f"{mantissa}×10{str(power).translate(_SUPERSCRIPT)}", value)


def _grouped(digits: str) -> str:
    return digits if len(digits) < 5 else f"{int(digits):,}".replace(",", _THIN)


def _signed(text: str, value: float) -> str:
    return f"−{text}" if value < 0 else text
