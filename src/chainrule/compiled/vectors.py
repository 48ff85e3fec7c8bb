"""A vector register as a value inside compiled loops.

numba vectorises simple loops, but it cannot be told to keep a tile of partial sums in registers across a
loop, which is what makes matrix multiplication fast.  The types here say exactly that:

``vector``     64 bytes of float32 (16 lanes) or float64 (8 lanes).  On a machine with narrower registers
               LLVM splits each operation, so the same code runs everywhere.
``mask``       one truth value per lane.
``registers``  a fixed number of vectors, indexed like an array.  Indices must be constants once loops of
               constant length are unrolled (LLVM does that); then no memory is left, only registers.

    s = registers(a, 4)                     # 4 vectors of the element type of the array a
    for j in range(4):
        put(s, j, load(a, j * lanes(a)))    # s[j] = a[j*lanes : (j+1)*lanes]
        put(s, j, relu(get(s, j)))

Arrays are flat and contiguous, or a ``pointer`` into one; indices count elements and are not checked.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import models, overload, register_model

__all__ = [
    "add_quarters",
    "aligned",
    "as_bits",
    "count_bits",
    "exponent",
    "fma",
    "get",
    "lanes",
    "load",
    "load_first",
    "load_mask",
    "load_shares",
    "lowest_bit",
    "nearest",
    "nonzero",
    "numbers_at",
    "pointer",
    "positive",
    "power_of_two",
    "prefetch",
    "put",
    "registers",
    "relu",
    "same",
    "select",
    "spread",
    "store",
    "store_first",
    "sums",
    "total",
    "transpose",
]

intrinsic: Any = extending.intrinsic  # what it makes is called with fewer arguments than it is written with

_BYTES = 64  # one cache line, and the widest register there is


class VectorType(types.Type):
    """``lanes`` numbers of one dtype."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.lanes = _BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"vector({dtype})")


class MaskType(types.Type):
    """``lanes`` truth values."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"mask({lanes})")


class RegistersType(types.Type):
    """``count`` vectors on the stack, which unrolling turns into registers."""

    def __init__(self, vector: VectorType, count: int) -> None:
        self.vector, self.count = vector, count
        super().__init__(name=f"registers({vector}, {count})")


def _ir(t: Any) -> ir.VectorType:
    if isinstance(t, MaskType):
        return ir.VectorType(ir.IntType(1), t.lanes)
    return ir.VectorType(ir.FloatType() if t.dtype == types.float32 else ir.DoubleType(), t.lanes)


@register_model(VectorType)
@register_model(MaskType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, t: Any) -> None:
        super().__init__(manager, t, _ir(t))


@register_model(RegistersType)
class _RegistersModel(models.PrimitiveModel):
    def __init__(self, manager: Any, t: RegistersType) -> None:
        super().__init__(manager, t, ir.ArrayType(_ir(t.vector), t.count).as_pointer())


def _suffix(t: Any) -> str:
    """Of the names of LLVM's functions for a vector type."""
    return f"v{t.count}{'f32' if isinstance(t.element, ir.FloatType) else 'f64'}"


def _indices(numbers: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any, index_type: Any) -> Any:
    if isinstance(array_type, types.CPointer):
        data = array
    else:
        data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [context.cast(builder, index, index_type, types.intp)], inbounds=True)


def _read(builder: Any, address: Any, t: Any, element_bytes: int) -> Any:
    value = builder.load(builder.bitcast(address, t.as_pointer()))
    value.align = element_bytes  # rows may start anywhere; where they do start on a line, it costs nothing
    return value


def _write(builder: Any, address: Any, value: Any, element_bytes: int) -> None:
    builder.store(value, builder.bitcast(address, value.type.as_pointer())).align = element_bytes


def _in_every_lane(builder: Any, scalar: Any, t: Any) -> Any:
    undefined = ir.Constant(t, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, _indices([0] * t.count))


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
        return _address(context, builder, array, args[0], args[1], i)

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
        address = _address(context, builder, array, args[0], args[1], i)
        return _read(builder, address, _ir(v), array.dtype.bitwidth // 8)

    return v(array, i), codegen


@intrinsic
def store(typing: Any, array: Any, i: Any, v: Any) -> Any:
    """``array[i : i + lanes] = v``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, array, args[0], args[1], i)
        _write(builder, address, args[2], array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, i, v), codegen


def _first_lanes(context: Any, builder: Any, n: Any, n_type: Any, count: int) -> Any:
    """Which of ``count`` lanes are among the first ``n``."""
    numbers = _indices(list(range(count)))
    n = _in_every_lane(builder, context.cast(builder, n, n_type, types.int32), numbers.type)
    return builder.icmp_signed("<", numbers, n)


def _masked(name: str, builder: Any, t: Any, result: Any, arguments: list[Any]) -> Any:
    """A call of one of LLVM's two functions that read or write some lanes of a ``t`` and leave the others alone."""
    f = cgutils.get_or_insert_function(
        builder.module,
        ir.FunctionType(result, [a.type for a in arguments]),
        f"llvm.masked.{name}.{_suffix(t)}.p0",
    )
    return builder.call(f, arguments)


@intrinsic
def load_first(typing: Any, array: Any, i: Any, n: Any) -> Any:
    """``array[i : i + n]`` in the first lanes and zero in the others; nothing else is read.  Any ``n`` will do."""
    v = VectorType(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t, size = _ir(v), ir.IntType(32)(array.dtype.bitwidth // 8)
        address = _address(context, builder, array, args[0], args[1], i)
        wanted = _first_lanes(context, builder, args[2], n, v.lanes)
        return _masked("load", builder, t, t, [address, size, wanted, ir.Constant(t, None)])

    return v(array, i, n), codegen


@intrinsic
def store_first(typing: Any, array: Any, i: Any, v: Any, n: Any) -> Any:
    """``array[i : i + n] = v[:n]``; nothing else is written.  Any ``n`` will do."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = ir.IntType(32)(array.dtype.bitwidth // 8)
        address = _address(context, builder, array, args[0], args[1], i)
        wanted = _first_lanes(context, builder, args[3], n, v.lanes)
        _masked("store", builder, _ir(v), ir.VoidType(), [args[2], address, size, wanted])
        return context.get_dummy_value()

    return types.void(array, i, v, n), codegen


@intrinsic
def prefetch(typing: Any, array: Any, i: Any) -> Any:
    """Begin to bring the cache line of ``array[i]`` near; nothing happens where there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i8, i32 = ir.IntType(8), ir.IntType(32)
        address = _address(context, builder, array, args[0], args[1], i)
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
        return _in_every_lane(
            builder, builder.load(_address(context, builder, array, args[0], args[1], i)), _ir(v)
        )

    return v(array, i), codegen


@intrinsic
def same(typing: Any, array: Any, x: Any) -> Any:
    """The number ``x`` in every lane, in the element type of ``array``."""
    v = VectorType(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _in_every_lane(builder, context.cast(builder, args[1], x, array.dtype), _ir(v))

    return v(array, x), codegen


@intrinsic(prefer_literal=True)
def load_mask(typing: Any, array: Any, i: Any, bit: Any, v: Any) -> Any:
    """Which of the bytes ``array[i : i + lanes]`` have ``bit`` (a constant) set, for vectors like ``v``."""
    m = MaskType(v.lanes)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(ir.IntType(8), m.lanes)
        address = _address(context, builder, array, args[0], args[1], i)
        bits = builder.and_(_read(builder, address, t, 1), ir.Constant(t, [bit.literal_value] * m.lanes))
        return builder.icmp_unsigned("!=", bits, ir.Constant(t, None))

    return m(array, i, bit, v), codegen


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
        builder.module, ir.FunctionType(t, [t] * len(arguments)), f"llvm.{name}.{_suffix(t)}"
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
    """``max(x, 0)``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        zero = ir.Constant(_ir(x), None)
        return builder.select(builder.fcmp_ordered(">", args[0], zero), args[0], zero)

    return x(x), codegen


@intrinsic
def positive(typing: Any, x: Any) -> Any:
    """Where ``x > 0``."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fcmp_ordered(">", args[0], ir.Constant(_ir(x), None))

    return MaskType(x.lanes)(x), codegen


@intrinsic
def nonzero(typing: Any, x: Any) -> Any:
    """Where ``x`` is not 0; NaN is not."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fcmp_unordered("!=", args[0], ir.Constant(_ir(x), None))

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
            low = builder.shuffle_vector(s, s, _indices(list(range(n))))
            s = builder.fadd(low, builder.shuffle_vector(s, s, _indices(list(range(n, 2 * n)))))
        return builder.extract_element(s, ir.Constant(ir.IntType(32), 0))

    return x.dtype(x), codegen


@intrinsic(prefer_literal=True)
def registers(typing: Any, array: Any, count: Any) -> Any:
    """``count`` (a constant) vectors in the element type of ``array``, not set to anything."""
    r = RegistersType(VectorType(array.dtype), count.literal_value)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return cgutils.alloca_once(builder, ir.ArrayType(_ir(r.vector), r.count))

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
                    builder.shuffle_vector(x, y, _indices(pick)), builder.shuffle_vector(x, y, _indices(high))
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
                rows[k] = builder.shuffle_vector(x, y, _indices(upper))
                rows[k + width] = builder.shuffle_vector(x, y, _indices(lower))
            width *= 2
        for place, row in zip(places, rows, strict=True):
            builder.store(row, place)
        return context.get_dummy_value()

    return types.void(r), codegen


@intrinsic
def add_quarters(typing: Any, out: Any, array: Any, v: Any, i0: Any, i1: Any, i2: Any, i3: Any) -> Any:
    """What ``array`` holds from index ``iq`` on, plus quarter q of ``v``, is put there in ``out``."""
    quarter = v.lanes // 4

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        size = array.dtype.bitwidth // 8
        t = ir.VectorType(_ir(v).element, quarter)
        for q, (index, index_type) in enumerate(zip(args[3:], (i0, i1, i2, i3), strict=True)):
            before = _read(builder, _address(context, builder, array, args[1], index, index_type), t, size)
            lanes_of_q = _indices(list(range(q * quarter, (q + 1) * quarter)))
            part = builder.shuffle_vector(args[2], args[2], lanes_of_q)
            target = _address(context, builder, out, args[0], index, index_type)
            _write(builder, target, builder.fadd(before, part), size)
        return context.get_dummy_value()

    return types.void(out, array, v, i0, i1, i2, i3), codegen


@intrinsic
def power_of_two(typing: Any, x: Any) -> Any:
    """``2 ** x`` for lanes that hold whole numbers in the range of the exponent, whose bits they become."""
    whole = ir.IntType(x.dtype.bitwidth)
    fraction, bias = (23, 127) if x.dtype == types.float32 else (52, 1023)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(whole, x.lanes)
        biased = builder.add(builder.fptosi(args[0], t), ir.Constant(t, [bias] * x.lanes))
        return builder.bitcast(builder.shl(biased, ir.Constant(t, [fraction] * x.lanes)), _ir(x))

    return x(x), codegen


@intrinsic
def exponent(typing: Any, x: Any) -> Any:
    """The exponent of normal positive lanes, ``floor(log2(x))``, as numbers of the same type."""
    fraction, bias = (23, 127) if x.dtype == types.float32 else (52, 1023)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        t = ir.VectorType(ir.IntType(x.dtype.bitwidth), x.lanes)
        biased = builder.lshr(builder.bitcast(args[0], t), ir.Constant(t, [fraction] * x.lanes))
        return builder.sitofp(builder.sub(biased, ir.Constant(t, [bias] * x.lanes)), _ir(x))

    return x(x), codegen


@njit
def aligned(size, like):
    """``size`` numbers in the dtype of ``like``, not set to anything, that start on a cache line."""
    spare = lanes(like)
    a = np.empty(size + spare, like.dtype)
    start = (-(a.ctypes.data // a.itemsize)) % spare
    return a[start : start + size]
