"""Arithmetic, comparisons and bits of vector registers, lane by lane, and the sum over the lanes."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import overload

from chainrule.compiled.vector_types import (
    MaskType,
    VectorType,
    in_every_lane,
    indices,
    intrinsic,
    ir_type,
    llvm_suffix,
)

__all__ = [
    "as_bits",
    "at_most_zero",
    "count_bits",
    "exponent",
    "fma",
    "lowest_bit",
    "nearest",
    "nonzero",
    "positive",
    "power_of_two",
    "relu",
    "same",
    "select",
    "total",
]


@intrinsic
def same(typing: Any, array: Any, x: Any) -> Any:
    """The number ``x`` in every lane, in the element type of ``array``."""
    v = VectorType(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return in_every_lane(builder, context.cast(builder, args[1], x, array.dtype), ir_type(v))

    return v(array, x), codegen


@intrinsic
def as_bits(typing: Any, m: Any) -> Any:
    """A mask as a number: bit k is lane k."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(m.lanes)), ir.IntType(64))

    return types.int64(m), codegen


@intrinsic
def lowest_bit(typing: Any, bits: Any) -> Any:
    """Which is the lowest bit that is set in an int64; 64 if none is."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.int64), codegen


@intrinsic
def count_bits(typing: Any, bits: Any) -> Any:
    """How many bits are set in an int64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.int64), codegen


def _binary(instruction: str) -> Any:
    @intrinsic
    def apply(typing: Any, x: Any, y: Any) -> Any:
        return x(x, y), lambda context, builder, signature, args: getattr(builder, instruction)(*args)

    return apply


def _operator(symbol: Any, instruction: str) -> None:
    apply = _binary(instruction)

    @overload(symbol, inline="always")
    def implement(x, y):
        if isinstance(x, VectorType) and x == y:
            return lambda x, y: apply(x, y)
        return None


_operator(operator.add, "fadd")
_operator(operator.sub, "fsub")
_operator(operator.mul, "fmul")
_operator(operator.truediv, "fdiv")


def _of_llvm(name: str, builder: Any, arguments: Any) -> Any:
    """A call of an LLVM function that exists for every vector type."""
    t = arguments[0].type
    f = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(t, [t] * len(arguments)), f"llvm.{name}.{llvm_suffix(t)}"
    )
    return builder.call(f, arguments)


@intrinsic
def fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """``x * y + z``, rounded once."""
    return x(x, y, z), lambda context, builder, signature, args: _of_llvm("fma", builder, args)


@intrinsic
def nearest(typing: Any, x: Any) -> Any:
    """The nearest whole numbers, halves to even."""
    return x(x), lambda context, builder, signature, args: _of_llvm("rint", builder, args)


@intrinsic
def relu(typing: Any, x: Any) -> Any:
    """``max(x, 0)``; NaN stays NaN, so that it is noticed where it comes out."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(ir_type(x), None)
        return builder.select(builder.fcmp_ordered("<", args[0], zero), zero, args[0])

    return x(x), codegen


@intrinsic
def positive(typing: Any, x: Any) -> Any:
    """Where ``x > 0``; NaN is not."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fcmp_ordered(">", args[0], ir.Constant(ir_type(x), None))

    return MaskType(x.lanes)(x), codegen


@intrinsic
def at_most_zero(typing: Any, x: Any) -> Any:
    """Where ``x <= 0``; NaN is not."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fcmp_ordered("<=", args[0], ir.Constant(ir_type(x), None))

    return MaskType(x.lanes)(x), codegen


@intrinsic
def nonzero(typing: Any, x: Any) -> Any:
    """Where ``x`` is not 0; NaN is not."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fcmp_unordered("!=", args[0], ir.Constant(ir_type(x), None))

    return MaskType(x.lanes)(x), codegen


@intrinsic
def select(typing: Any, m: Any, x: Any, y: Any) -> Any:
    """``x`` where the mask ``m`` holds, ``y`` elsewhere."""
    return x(m, x, y), lambda context, builder, signature, args: builder.select(*args)


@intrinsic
def total(typing: Any, x: Any) -> Any:
    """The sum over the lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        s = args[0]
        while s.type.count > 1:  # halves, so that the order of the sum is fixed
            n = s.type.count // 2
            low = builder.shuffle_vector(s, s, indices(list(range(n))))
            s = builder.fadd(low, builder.shuffle_vector(s, s, indices(list(range(n, 2 * n)))))
        return builder.extract_element(s, ir.Constant(ir.IntType(32), 0))

    return x.dtype(x), codegen


@intrinsic
def power_of_two(typing: Any, x: Any) -> Any:
    """``2 ** x`` for lanes that hold whole numbers in the range of the exponent, whose bits they become."""
    whole = ir.IntType(x.dtype.bitwidth)
    fraction, bias = (23, 127) if x.dtype == types.float32 else (52, 1023)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(whole, x.lanes)
        biased = builder.add(builder.fptosi(args[0], t), ir.Constant(t, [bias] * x.lanes))
        return builder.bitcast(builder.shl(biased, ir.Constant(t, [fraction] * x.lanes)), ir_type(x))

    return x(x), codegen


@intrinsic
def exponent(typing: Any, x: Any) -> Any:
    """The exponent of normal positive lanes, ``floor(log2(x))``, as numbers of the same type."""
    fraction, bias = (23, 127) if x.dtype == types.float32 else (52, 1023)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(ir.IntType(x.dtype.bitwidth), x.lanes)
        biased = builder.lshr(builder.bitcast(args[0], t), ir.Constant(t, [fraction] * x.lanes))
        return builder.sitofp(builder.sub(biased, ir.Constant(t, [bias] * x.lanes)), ir_type(x))

    return x(x), codegen
