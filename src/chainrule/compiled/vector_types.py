"""The types of a vector register, a mask and a set of registers, and the words of LLVM that all their operations use.

``vectors`` says what they are for.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.extending import models, register_model

__all__ = [
    "MaskType",
    "RegistersType",
    "VectorType",
    "address_of",
    "in_every_lane",
    "indices",
    "intrinsic",
    "ir_type",
    "llvm_suffix",
    "read_at",
    "write_at",
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


def ir_type(t: Any) -> ir.VectorType:
    """What LLVM calls a vector or a mask."""
    if isinstance(t, MaskType):
        return ir.VectorType(ir.IntType(1), t.lanes)
    return ir.VectorType(ir.FloatType() if t.dtype == types.float32 else ir.DoubleType(), t.lanes)


@register_model(VectorType)
@register_model(MaskType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, t: Any) -> None:
        super().__init__(manager, t, ir_type(t))


@register_model(RegistersType)
class _RegistersModel(models.PrimitiveModel):
    def __init__(self, manager: Any, t: RegistersType) -> None:
        super().__init__(manager, t, ir.ArrayType(ir_type(t.vector), t.count).as_pointer())


def llvm_suffix(t: Any) -> str:
    """Of the names of LLVM's functions for a vector type."""
    return f"v{t.count}{'f32' if isinstance(t.element, ir.FloatType) else 'f64'}"


def indices(numbers: list[int]) -> ir.Constant:
    """Numbers of lanes, for LLVM's shuffles."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), numbers)


def address_of(context: Any, builder: Any, array_type: Any, array: Any, index: Any, index_type: Any) -> Any:
    """Where an element of an array, or of what a pointer points to, is."""
    if isinstance(array_type, types.CPointer):
        data = array
    else:
        data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [context.cast(builder, index, index_type, types.intp)], inbounds=True)


def read_at(builder: Any, address: Any, t: Any, element_bytes: int) -> Any:
    """The ``t`` at an address that is a multiple of an element's size."""
    value = builder.load(builder.bitcast(address, t.as_pointer()))
    value.align = element_bytes  # rows may start anywhere; where they do start on a line, it costs nothing
    return value


def write_at(builder: Any, address: Any, value: Any, element_bytes: int) -> None:
    """Put a vector at an address that is a multiple of an element's size."""
    builder.store(value, builder.bitcast(address, value.type.as_pointer())).align = element_bytes


def in_every_lane(builder: Any, scalar: Any, t: Any) -> Any:
    """A ``t`` whose lanes all hold ``scalar``."""
    undefined = ir.Constant(t, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, indices([0] * t.count))
