"""Between arrays and vector registers: whole vectors, some lanes, masks, single numbers, and where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from chainrule.compiled.vector_types import (
    MaskType,
    VectorType,
    address_of,
    in_every_lane,
    indices,
    intrinsic,
    ir_type,
    llvm_suffix,
    read_at,
    write_at,
)

__all__ = [
    "add_quarters",
    "aligned",
    "lanes",
    "load",
    "load_as",
    "load_first",
    "load_first_as",
    "load_mask",
    "load_shares",
    "numbers_at",
    "pointer",
    "prefetch",
    "spread",
    "store",
    "store_first",
]


@intrinsic
def lanes(typing: Any, array: Any) -> Any:
    """How many elements of ``array`` a vector holds, as a constant."""
    n = VectorType(array.dtype).lanes
    return types.intp(array), lambda context, *_: context.get_constant(types.intp, n)


@intrinsic
def pointer(typing: Any, array: Any, i: Any) -> Any:
    """Where element ``i`` of ``array`` is, to be used like an array that begins there.

    An array that is handed on has its references counted, which costs more than a short loop: inner
    functions take pointers.  The array must outlive them.
    """
    p = types.CPointer(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return address_of(context, builder, array, args[0], args[1], i)

    return p(array, i), codegen


@intrinsic
def numbers_at(typing: Any, address: Any, like: Any) -> Any:
    """The numbers, of the dtype of ``like``, that begin at an address, as a ``pointer``."""
    p = types.CPointer(like.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(p))

    return p(address, like), codegen


@intrinsic
def load(typing: Any, array: Any, i: Any) -> Any:
    """``array[i : i + lanes]``."""
    v = VectorType(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = address_of(context, builder, array, args[0], args[1], i)
        return read_at(builder, address, ir_type(v), array.dtype.bitwidth // 8)

    return v(array, i), codegen


@intrinsic
def load_as(typing: Any, array: Any, i: Any, like: Any) -> Any:
    """As many of ``array[i:]`` as a vector of the dtype of ``like`` holds, in that dtype; widening alone, so exact."""
    v = VectorType(like.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = address_of(context, builder, array, args[0], args[1], i)
        narrow = ir_type(VectorType(array.dtype)).element
        values = read_at(builder, address, ir.VectorType(narrow, v.lanes), array.dtype.bitwidth // 8)
        return _widened(builder, values, v)

    return v(array, i, like), codegen


@intrinsic
def store(typing: Any, array: Any, i: Any, v: Any) -> Any:
    """``array[i : i + lanes] = v``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = address_of(context, builder, array, args[0], args[1], i)
        write_at(builder, address, args[2], array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, i, v), codegen


def _first_lanes(context: Any, builder: Any, n: Any, n_type: Any, count: int) -> Any:
    """Which of ``count`` lanes are among the first ``n``."""
    numbers = indices(list(range(count)))
    n = in_every_lane(builder, context.cast(builder, n, n_type, types.int32), numbers.type)
    return builder.icmp_signed("<", numbers, n)


def _masked(name: str, builder: Any, t: Any, result: Any, arguments: list[Any]) -> Any:
    """A call of one of LLVM's two functions that read or write some lanes of a ``t`` and leave the others alone."""
    f = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(result, [a.type for a in arguments]),
        f"llvm.masked.{name}.{llvm_suffix(t)}.p0",
    )
    return builder.call(f, arguments)


@intrinsic
def load_first(typing: Any, array: Any, i: Any, n: Any) -> Any:
    """``array[i : i + n]`` in the first lanes and zero in the others; nothing else is read.  Any ``n`` will do."""
    v = VectorType(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, size = ir_type(v), ir.IntType(32)(array.dtype.bitwidth // 8)
        address = address_of(context, builder, array, args[0], args[1], i)
        wanted = _first_lanes(context, builder, args[2], n, v.lanes)
        return _masked("load", builder, t, t, [address, size, wanted, ir.Constant(t, None)])

    return v(array, i, n), codegen


@intrinsic
def load_first_as(typing: Any, array: Any, i: Any, n: Any, like: Any) -> Any:
    """``array[i : i + n]`` in the first lanes of a vector of the dtype of ``like``, the others being zero."""
    v = VectorType(like.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(ir_type(VectorType(array.dtype)).element, v.lanes)
        size = ir.IntType(32)(array.dtype.bitwidth // 8)
        address = address_of(context, builder, array, args[0], args[1], i)
        wanted = _first_lanes(context, builder, args[2], n, v.lanes)
        values = _masked("load", builder, t, t, [address, size, wanted, ir.Constant(t, None)])
        return _widened(builder, values, v)

    return v(array, i, n, like), codegen


def _widened(builder: Any, values: Any, v: VectorType) -> Any:
    return values if values.type == ir_type(v) else builder.fpext(values, ir_type(v))


@intrinsic
def store_first(typing: Any, array: Any, i: Any, v: Any, n: Any) -> Any:
    """``array[i : i + n] = v[:n]``; nothing else is written.  Any ``n`` will do."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = ir.IntType(32)(array.dtype.bitwidth // 8)
        address = address_of(context, builder, array, args[0], args[1], i)
        wanted = _first_lanes(context, builder, args[3], n, v.lanes)
        _masked("store", builder, ir_type(v), ir.VoidType(), [args[2], address, size, wanted])
        return context.get_dummy_value()

    return types.void(array, i, v, n), codegen


@intrinsic
def prefetch(typing: Any, array: Any, i: Any) -> Any:
    """Begin to bring the cache line of ``array[i]`` near; nothing happens where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i8, i32 = ir.IntType(8), ir.IntType(32)
        address = address_of(context, builder, array, args[0], args[1], i)
        t = ir.FunctionType(ir.VoidType(), [i8.as_pointer(), i32, i32, i32])
        f = cgutils.get_or_insert_function(builder.module, t, "llvm.prefetch.p0")
        # to read, to be kept in all levels, data
        builder.call(f, [builder.bitcast(address, i8.as_pointer()), i32(0), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, i), codegen


@intrinsic
def spread(typing: Any, array: Any, i: Any) -> Any:
    """``array[i]`` in every lane."""
    v = VectorType(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return in_every_lane(
            builder, builder.load(address_of(context, builder, array, args[0], args[1], i)), ir_type(v)
        )

    return v(array, i), codegen


@intrinsic(prefer_literal=True)
def load_mask(typing: Any, array: Any, i: Any, bit: Any, v: Any) -> Any:
    """Which of the bytes ``array[i : i + lanes]`` have ``bit`` (a constant) set, for vectors like ``v``."""
    m = MaskType(v.lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(ir.IntType(8), m.lanes)
        address = address_of(context, builder, array, args[0], args[1], i)
        bits = builder.and_(read_at(builder, address, t, 1), ir.Constant(t, [bit.literal_value] * m.lanes))
        return builder.icmp_unsigned("!=", bits, ir.Constant(t, None))

    return m(array, i, bit, v), codegen


@intrinsic
def load_shares(typing: Any, array: Any, i: Any, like: Any) -> Any:
    """``(u, 1 - u)`` for as many of the float64 numbers ``u = array[i:]`` as a vector of the dtype of ``like`` holds.

    Both are rounded to that dtype: a share close to 0 or to 1 keeps its digits in one of them.
    """
    v = VectorType(like.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = address_of(context, builder, array, args[0], args[1], i)
        t = ir.VectorType(ir.DoubleType(), v.lanes)
        u = read_at(builder, address, t, 8)
        both = [u, builder.fsub(ir.Constant(t, [1.0] * v.lanes), u)]
        if v.dtype != types.float64:
            both = [builder.fptrunc(x, ir_type(v)) for x in both]
        return context.make_tuple(builder, signature.return_type, both)

    return types.UniTuple(v, 2)(array, i, like), codegen


@intrinsic
def add_quarters(typing: Any, out: Any, array: Any, v: Any, i0: Any, i1: Any, i2: Any, i3: Any) -> Any:
    """What ``array`` holds from index ``iq`` on, plus quarter q of ``v``, is put there in ``out``."""
    quarter = v.lanes // 4

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = array.dtype.bitwidth // 8
        t = ir.VectorType(ir_type(v).element, quarter)
        for q, (index, index_type) in enumerate(zip(args[3:], (i0, i1, i2, i3), strict=True)):
            before = read_at(
                builder, address_of(context, builder, array, args[1], index, index_type), t, size
            )
            lanes_of_q = indices(list(range(q * quarter, (q + 1) * quarter)))
            part = builder.shuffle_vector(args[2], args[2], lanes_of_q)
            target = address_of(context, builder, out, args[0], index, index_type)
            write_at(builder, target, builder.fadd(before, part), size)
        return context.get_dummy_value()

    return types.void(out, array, v, i0, i1, i2, i3), codegen


@njit
def aligned(size, like):
    """``size`` numbers in the dtype of ``like``, not set to anything, that start on a cache line."""
    spare = lanes(like)
    a = np.empty(size + spare, like.dtype)
    start = (-(a.ctypes.data // a.itemsize)) % spare
    return a[start : start + size]
