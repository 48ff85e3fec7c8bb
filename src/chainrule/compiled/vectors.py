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

The operations lie in files by theme, the types in ``vector_types``; loops import all of them from here.
"""

from __future__ import annotations

from chainrule.compiled.vector_math import (
    as_bits,
    at_most_zero,
    count_bits,
    exponent,
    fma,
    lowest_bit,
    nearest,
    nonzero,
    positive,
    power_of_two,
    relu,
    same,
    select,
    total,
)
from chainrule.compiled.vector_memory import (
    add_quarters,
    aligned,
    lanes,
    load,
    load_as,
    load_first,
    load_first_as,
    load_mask,
    load_shares,
    numbers_at,
    pointer,
    prefetch,
    spread,
    store,
    store_first,
)
from chainrule.compiled.vector_registers import (
    get,
    put,
    registers,
    sums,
    transpose,
)

__all__ = [
    "add_quarters",
    "aligned",
    "as_bits",
    "at_most_zero",
    "count_bits",
    "exponent",
    "fma",
    "get",
    "lanes",
    "load",
    "load_as",
    "load_first",
    "load_first_as",
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
