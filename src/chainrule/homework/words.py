"""Numbers in sentences, so that a sentence stays true whatever the number turns out to be."""

from __future__ import annotations

import math

__all__ = ["apart", "nats", "with_error"]

_ROUNDING = (
    1e-9  # nats; sums of a few thousand float64 terms round below it, and a real difference lies far above
)


def nats(value: float) -> str:
    """A size in nats that ought to be zero, and what it is if it is not.

    >>> nats(0.0), nats(-3e-17), nats(0.25)
    ('exactly 0 nats', '3e-17 nats, which is rounding', '0.25 nats')
    """
    if value == 0:
        return "exactly 0 nats"
    size = abs(value)
    return f"{size:.0e} nats, which is rounding" if size < _ROUNDING else f"{size:.3g} nats"


def apart(difference: float, unit: str = "") -> str:
    """What a difference that ought to be zero says of the two numbers.

    >>> apart(0.0, "nats"), apart(2e-13, "nats"), apart(0.5)
    ('are equal bit for bit', 'differ by 2e-13 nats, which is rounding', 'differ by 0.5')
    """
    if difference == 0:
        return "are equal bit for bit"
    size, unit = abs(difference), f" {unit}" if unit else ""
    return (
        f"differ by {size:.0e}{unit}, which is rounding"
        if size < _ROUNDING
        else f"differ by {size:.3g}{unit}"
    )


def with_error(value: float, standard_error: float) -> str:
    """``value ± error`` with two significant digits of the error, and the value to the same place.

    >>> with_error(0.13571, 0.00042), with_error(87.126, 0.228), with_error(1234.5, 210.0)
    ('0.13571 ± 0.00042', '87.13 ± 0.23', '1230 ± 210')
    """
    if not standard_error > 0:
        return f"{value:.6g} ± {standard_error:g}"
    places = 1 - math.floor(math.log10(float(f"{standard_error:.1e}")))
    shown = max(places, 0)
    return f"{round(value, places):.{shown}f} ± {round(standard_error, places):.{shown}f}"
