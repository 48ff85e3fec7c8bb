"""Elementary functions of vectors: exponential, sigmoid, logarithms.

    u < sigmoid(z)   where   z > log(u / (1 - u))

so a sampler can take all logarithms before the walk through the variables begins: the right-hand side does
not wait for the logit z.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit, types

from chainrule.compiled.vector_types import intrinsic
from chainrule.compiled.vectors import (
    exponent,
    fma,
    nearest,
    nonzero,
    positive,
    power_of_two,
    relu,
    same,
    select,
)

__all__ = ["bernoulli_parts", "exp_of_negative", "log_ratio", "sigmoid", "softplus_parts"]

_FACTORIALS = tuple(float(math.factorial(k)) for k in range(15))
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 0.693359375  # ln 2 in two pieces: the first has so few digits that its multiples are exact
_LN2_LOW = -2.12194440054690583e-4
_LN2 = 0.6931471805599453


@intrinsic(prefer_literal=True)
def _terms(typing: Any, array: Any, single: Any, double: Any) -> Any:
    """One of two constants: how long a series must be for float32, and for float64."""
    choose = single if array.dtype == types.float32 else double
    number = choose.literal_value
    return types.intp(array, single, double), lambda context, *_: context.get_constant(types.intp, number)


@njit(forceinline=True)
def exp_of_negative(x, like):
    """``e ** x`` of lanes at most 0, within 3 units in the last place; below -87 it is taken as e ** -87.

    ``like`` is any array of the same dtype.  x = n ln 2 + r with |r| <= ln(2)/2, and Taylor's series in r.
    """
    low = same(like, -87.0)
    x = select(positive(low - x), low, x)  # NaN stays NaN
    n = nearest(x * same(like, _LOG2_E))
    r = fma(n, same(like, -_LN2_HIGH), x)
    r = fma(n, same(like, -_LN2_LOW), r)
    most = _terms(like, 7, 13)
    y = same(like, 1.0 / _FACTORIALS[most])
    for k in range(most - 1, -1, -1):
        y = fma(y, r, same(like, 1.0 / _FACTORIALS[k]))
    return y * power_of_two(n)


@njit(forceinline=True)
def sigmoid(x, like):
    """``1 / (1 + e ** -x)`` of lanes, without overflow anywhere."""
    zero, one = same(like, 0.0), same(like, 1.0)
    e = exp_of_negative(zero - select(positive(x), x, zero - x), like)
    larger = one / (one + e)
    return select(positive(x), larger, e * larger)


@njit(forceinline=True)
def softplus_parts(t, like):
    """``log(1 + t)`` and ``1 / (1 + t)`` of lanes in [0, 1], with one division for both.

    The logarithm is 2 artanh(s) with s = t / (2 + t), as a series in s.
    """
    above, twice = t + same(like, 1.0), t + same(like, 2.0)
    inverse = same(like, 1.0) / (above * twice)
    s = t * above * inverse
    z = s * s
    most = _terms(like, 6, 16)
    y = same(like, 2.0 / (2 * most + 1))
    for k in range(most - 1, -1, -1):
        y = fma(y, z, same(like, 2.0 / (2 * k + 1)))
    return y * s, twice * inverse


@njit(forceinline=True)
def bernoulli_parts(x, z, like):
    """``log(1 + e^z) - x z``, which is -log p(x) in nats, and ``x - p(1)``, of lanes with log-odds ``z``.

    The first is max(z, 0) - x z + log(1 + e^-|z|); its first part is max(z, 0) for x = 0 and max(-z, 0) for x = 1,
    also where z is infinite.
    """
    zero = same(like, 0.0)
    over, under = relu(z), relu(zero - z)
    part = select(nonzero(x), over - x * z, over)
    part = select(nonzero(x - same(like, 1.0)), part, under)
    e = exp_of_negative(zero - over - under, like)
    log_part, larger = softplus_parts(e, like)
    return part + log_part, x - select(positive(z), larger, e * larger)


@njit(forceinline=True)
def log_ratio(a, b, like):
    """``log(a / b)`` of lanes in [0, 1], within an absolute error of two roundings of a number below 2^7.

    ``like`` is any array of the same dtype.  With a / b = 2^n m the logarithm of m in (1/2, 2) is
    2 artanh(s), s = (m - 1) / (m + 1), as a series in s; |s| < 1/3.  No ratio is taken but this one.
    """
    n = exponent(a) - exponent(b)
    a = a * power_of_two(same(like, 0.0) - n)
    s = (a - b) / (a + b)
    z = s * s
    most = _terms(like, 7, 17)
    y = same(like, 2.0 / (2 * most + 1))
    for k in range(most - 1, -1, -1):
        y = fma(y, z, same(like, 2.0 / (2 * k + 1)))
    y = fma(n, same(like, _LN2), y * s)
    # 0 has no exponent: log 0 = -inf, and log(1 / 0) = inf
    y = select(positive(a), y, same(like, -float("inf")))
    return select(positive(b), y, same(like, float("inf")))
