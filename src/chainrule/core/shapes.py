"""Shapes in signatures: ``Float64[np.ndarray, "n d"]`` is an array of n rows of d numbers.

The types are jaxtyping's where that is loaded, as the tests do to check every call (``tests/conftest.py``).  Elsewhere
they are the array's own type, so that nobody who uses the package needs jaxtyping or waits for it.  A letter that
occurs twice in one signature must be one number there; ``...`` is any number of axes, ``*s`` a shape that may occur
again, ``_`` an axis that is not named.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

__all__ = ["Bool", "Float", "Float64", "Int64", "Integer", "Num", "Shaped", "UInt8"]

if TYPE_CHECKING:  # a type checker reads the array's own type, and leaves the shape alone
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Float64
    from typing import Annotated as Int64
    from typing import Annotated as Integer
    from typing import Annotated as Num
    from typing import Annotated as Shaped
    from typing import Annotated as UInt8
elif "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float64, Int64, Integer, Num, Shaped, UInt8
else:

    class _Unchecked:
        """``_Unchecked[array_type, shape]`` is ``array_type``."""

        def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
            return item[0]

    Bool = Float = Float64 = Int64 = Integer = Num = Shaped = UInt8 = _Unchecked
