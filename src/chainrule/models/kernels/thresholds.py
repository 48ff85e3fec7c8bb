"""From uniforms to draws, for many rows at once.

    u < sigmoid(z)   where   z > log(u / (1 - u))

The right-hand side does not wait for the logit z, so all logarithms are taken before the walk through the
variables begins.  A draw is then a comparison, and one bit per row is all that is kept of it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types

from chainrule.models.kernels.vectors import (
    VectorType,
    _address,
    _ir,
    _power_of_two,
    _read,
    _terms,
    fma,
    intrinsic,
    positive,
    same,
    select,
)

__all__ = ["as_bits", "load_shares", "log_ratio"]

_LN2 = 0.6931471805599453


@intrinsic
def load_shares(typing: Any, array: Any, i: Any, like: Any) -> Any:
    """``(u, 1 - u)`` for as many of the float64 numbers ``u = array[i:]`` as a vector of the dtype of ``like`` holds.

    Both are rounded to that dtype: a share close to 0 or to 1 keeps its digits in one of them.
    """
    v = VectorType(like.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, array, args[0], args[1], i)
        t = ir.VectorType(ir.DoubleType(), v.lanes)
        u = _read(builder, address, t, 8)
        both = [u, builder.fsub(ir.Constant(t, [1.0] * v.lanes), u)]
        if v.dtype != types.float64:
            both = [builder.fptrunc(x, _ir(v)) for x in both]
        return context.make_tuple(builder, signature.return_type, both)

    return types.UniTuple(v, 2)(array, i, like), codegen


@intrinsic
def as_bits(typing: Any, m: Any) -> Any:
    """A mask as a number: bit k is lane k."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(m.lanes)), ir.IntType(64))

    return types.int64(m), codegen


@intrinsic
def _exponent(typing: Any, x: Any) -> Any:
    """The exponent of normal positive lanes, ``floor(log2(x))``, as numbers of the same type."""
    fraction, bias = (23, 127) if x.dtype == types.float32 else (52, 1023)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(ir.IntType(x.dtype.bitwidth), x.lanes)
        biased = builder.lshr(builder.bitcast(args[0], t), ir.Constant(t, [fraction] * x.lanes))
        return builder.sitofp(builder.sub(biased, ir.Constant(t, [bias] * x.lanes)), _ir(x))

    return x(x), codegen


@njit(forceinline=True)
def log_ratio(a, b, like):  # type: ignore[no-untyped-def]
    """``log(a / b)`` of lanes in [0, 1], within an absolute error of two roundings of a number below 2^7.

    ``like`` is any array of the same dtype.  With a / b = 2^n m the logarithm of m in (1/2, 2) is
    2 artanh(s), s = (m - 1) / (m + 1), as a series in s; |s| < 1/3.  No ratio is taken but this one.
    """
    n = _exponent(a) - _exponent(b)
    a = a * _power_of_two(same(like, 0.0) - n)
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
