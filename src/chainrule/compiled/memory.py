"""Whether stretches of memory hold the same bits.

One thread: to wake another takes as long as to read a few megabytes, or far longer where the machine is busy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vector_types import intrinsic

__all__ = ["same_bits"]


@intrinsic
def _words_at(typing: Any, address: Any) -> Any:
    """The 4-byte words that begin at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(32).as_pointer())

    return types.CPointer(types.int32)(address), codegen


@kernel
@loop
def same_bits(addresses, others, words):
    """Whether ``words[i]`` 4-byte words at ``addresses[i]`` equal those at ``others[i]``, for every i.

    All are int64 (stretches,).  Whatever lies at the addresses must live on until this returns.
    """
    for i in range(words.shape[0]):
        a, b = _words_at(addresses[i]), _words_at(others[i])
        different = np.int32(0)
        for k in range(words[i]):
            different |= a[k] ^ b[k]
        if different:
            return False
    return True
