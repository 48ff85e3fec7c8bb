"""Sets of registers that are indexed like an array, and what is done with all of them at once."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from chainrule.compiled.vector_types import (
    RegistersType,
    VectorType,
    indices,
    intrinsic,
    ir_type,
)

__all__ = ["get", "put", "registers", "sums", "transpose"]


@intrinsic(prefer_literal=True)
def registers(typing: Any, array: Any, count: Any) -> Any:
    """``count`` (a constant) vectors in the element type of ``array``, not set to anything."""
    r = RegistersType(VectorType(array.dtype), count.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return cgutils.alloca_once(builder, ir.ArrayType(ir_type(r.vector), r.count))

    return r(array, count), codegen


def _register(context: Any, builder: Any, r: Any, j: Any, j_type: Any) -> Any:
    zero = ir.Constant(ir.IntType(64), 0)
    return builder.gep(r, [zero, context.cast(builder, j, j_type, types.intp)], inbounds=True)


@intrinsic
def get(typing: Any, r: Any, j: Any) -> Any:
    """``r[j]``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_register(context, builder, args[0], args[1], j))

    return r.vector(r, j), codegen


@intrinsic
def put(typing: Any, r: Any, j: Any, v: Any) -> Any:
    """``r[j] = v``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _register(context, builder, args[0], args[1], j))
        return context.get_dummy_value()

    return types.void(r, j, v), codegen


@intrinsic
def sums(typing: Any, r: Any, first: Any) -> Any:
    """The sums over the lanes of ``lanes`` registers, all in one vector.

    A quarter of the vector belongs to each remainder: quarter q holds the sums of registers
    ``first + q``, ``first + q + 4``, ``first + q + 8`` ...  Two vectors are folded into one by adding their
    halves, then quarters, and so on: lanes - 1 additions in all, where one sum at a time takes four each.
    """
    n = r.vector.lanes

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = context.cast(builder, args[1], first, types.intp)
        vectors = [
            builder.load(
                _register(
                    context, builder, args[0], builder.add(start, ir.Constant(start.type, k)), types.intp
                )
            )
            for k in range(n)
        ]
        for low in _folds(n):
            width = low[1]
            pick = low[0]
            high = [k + width for k in pick]
            vectors = [
                builder.fadd(
                    builder.shuffle_vector(x, y, indices(pick)), builder.shuffle_vector(x, y, indices(high))
                )
                for x, y in zip(vectors[::2], vectors[1::2], strict=True)
            ]
        return vectors[0]

    return r.vector(r, first), codegen


def _folds(n: int) -> list[tuple[list[int], int]]:
    """For each round of ``sums``: the lanes (of two vectors) to keep, and how far off their partners are."""
    quarter = n // 4
    halves = [v * n + k for v in range(2) for k in range(n // 2)]
    quarters = [v * n + g + k for v in range(2) for g in (0, n // 2) for k in range(quarter)]
    rounds = [(halves, n // 2), (quarters, quarter)]
    width = quarter // 2
    while width:
        # within each quarter: the first of every pair of pieces, of the one vector and then of the other
        pick = [
            v * n + q + g + k
            for q in range(0, n, quarter)
            for v in range(2)
            for g in range(0, quarter, 2 * width)
            for k in range(width)
        ]
        rounds.append((pick, width))
        width //= 2
    return rounds


@intrinsic
def transpose(typing: Any, r: Any) -> Any:
    """Exchange rows and columns of ``lanes`` registers: lane k of register j becomes lane j of register k.

    Blocks of 2 x 2 lanes first, then 2 x 2 of these blocks, and so on.
    """
    n = r.vector.lanes

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        places = [
            _register(context, builder, args[0], ir.Constant(ir.IntType(64), k), types.intp) for k in range(n)
        ]
        rows = [builder.load(place) for place in places]
        width = 1
        while width < n:
            for k in range(n):
                if k & width:
                    continue
                x, y = rows[k], rows[k + width]
                upper = [j + n - width if j & width else j for j in range(n)]
                lower = [j + n if j & width else j + width for j in range(n)]
                rows[k] = builder.shuffle_vector(x, y, indices(upper))
                rows[k + width] = builder.shuffle_vector(x, y, indices(lower))
            width *= 2
        for place, row in zip(places, rows, strict=True):
            builder.store(row, place)
        return context.get_dummy_value()

    return types.void(r), codegen
