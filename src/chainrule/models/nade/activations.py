"""The activations of NADE's hidden units, inside compiled loops, and their slopes."""

from __future__ import annotations

from numba import njit

from chainrule.compiled.elementary import sigmoid
from chainrule.compiled.vectors import at_most_zero, fma, relu, same, select

__all__ = ["KINDS", "RELU", "SIGMOID", "activate", "add_activated", "through"]

# the length of a tuple is part of its type, so each activation gets loops of its own, compiled when needed
RELU, SIGMOID = (0,), (0, 0)
KINDS = {"relu": RELU, "sigmoid": SIGMOID}


@njit(forceinline=True)
def activate(s, like, kind):
    return relu(s) if len(kind) == len(RELU) else sigmoid(s, like)


@njit(forceinline=True)
def add_activated(sum, s, h, e, kind):
    """``sum + h * e``; with relu lanes where s is at most 0 add nothing, which spares one operation; NaN adds NaN."""
    if len(kind) == len(RELU):
        return select(at_most_zero(s), sum, fma(s, e, sum))
    return fma(h, e, sum)


@njit(forceinline=True)
def through(dh, s, h, like, kind):
    """The derivative with respect to the state ``s`` from that with respect to ``h``, its activation."""
    if len(kind) == len(RELU):
        return select(at_most_zero(s), same(like, 0.0), dh)
    return dh * h * (same(like, 1.0) - h)
