"""torch as our models know it, whatever the user has set in it: numbers are to depend on a model and its seed alone.

Of a thread: gradients may be off, autocast or inference mode on, new tensors on another device than the CPU
(``torch.set_default_device``).  The default dtype is that of the whole process, so it is not touched: who makes
parameters says ``PARAMETERS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["PARAMETERS", "own_torch", "rows_to_torch"]

PARAMETERS = torch.float32  # the dtype of what is trained


def own_torch() -> AbstractContextManager[object]:
    """Within the block gradients are on, autocast and inference mode off, and new tensors on the CPU.

    >>> with torch.no_grad(), own_torch():
    ...     torch.is_grad_enabled()
    True
    """
    usual = (
        torch.is_grad_enabled()
        and not torch.is_inference_mode_enabled()
        and not torch.is_autocast_enabled("cpu")
        and not torch.is_autocast_enabled("cuda")
        and torch.get_default_device().type == "cpu"
    )
    return nullcontext() if usual else _own_torch()


@contextmanager
def _own_torch() -> Iterator[None]:
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
        torch.device("cpu"),
    ):
        yield


def rows_to_torch(a: NDArray[Any]) -> Tensor:
    """Rows as they are where torch takes them: it warns of what may not be written to, and indexes by no uint16."""
    if a.dtype.kind == "u" and a.itemsize > 1:
        return torch.from_numpy(a.astype(np.int64))
    return torch.from_numpy(a if a.flags.writeable else a.copy())
