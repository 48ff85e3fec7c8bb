"""How times and differences of problem 5 are written, and from when on two times are called different."""

from __future__ import annotations

from chainrule.evaluate.cost import Timing, compare

__all__ = ["SIMILAR", "plus_minus", "ratio_range", "trains_in_words", "written_time"]

SIMILAR = 1.5  # times within this factor of each other are called similar


def plus_minus(gap: dict[str, float]) -> str:
    """A mean difference with its standard error."""
    return f"{gap['mean_nats']:+.2f} ± {gap['standard_error_nats']:.2f}"


def written_time(t: Timing) -> str:
    """The median, and the quartiles in brackets, in one unit.

    >>> written_time(Timing(0.012, 0.0115, 0.0131, 7)), written_time(Timing(2.5, 2.4, 2.75, 7))
    ('12 (12–13) ms', '2.5 (2.4–2.8) s')
    """
    unit, scale = ("s", 1.0) if t.median_seconds >= 0.1 else ("ms", 1e3)
    middle, low, high = (
        _two_digits(scale * v) for v in (t.median_seconds, t.lower_quartile_seconds, t.upper_quartile_seconds)
    )
    return f"{middle} ({low}–{high}) {unit}"


def ratio_range(a: Timing, b: Timing) -> str:
    """How many times as long ``a`` takes as ``b``: of the medians, and between the quartiles.

    >>> ratio_range(Timing(2, 1.8, 2.2, 7), Timing(1, 0.9, 1.1, 7))
    '2.0 (1.6–2.4)'
    """
    low = a.lower_quartile_seconds / b.upper_quartile_seconds
    high = a.upper_quartile_seconds / b.lower_quartile_seconds
    return f"{_two_digits(a.median_seconds / b.median_seconds)} ({_two_digits(low)}–{_two_digits(high)})"


def trains_in_words(epoch: dict[str, Timing]) -> str:
    """Which of NADE and MADE trains faster, or that the clocks cannot tell."""
    nade, made = epoch["NADE"], epoch["MADE, natural order"]
    for slower, faster, names in ((nade, made, ("MADE", "NADE")), (made, nade, ("NADE", "MADE"))):
        if compare(slower, faster, factor=SIMILAR) == "longer":
            ratio = slower.median_seconds / faster.median_seconds
            return f"{names[0]} trains {_two_digits(ratio)} times as fast as {names[1]} here"
    if {compare(nade, made, factor=SIMILAR), compare(made, nade, factor=SIMILAR)} == {"not longer"}:
        return f"Both train about equally fast here (within a factor of {SIMILAR:g})"
    return "Which of the two trains faster, the clocks of this machine could not tell"


def _two_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:#.2g}"
