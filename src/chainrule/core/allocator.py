"""Whether the allocator of glibc keeps at hand what is freed."""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_KEPT = {
    _TRIM_THRESHOLD: 256 << 20,
    _MMAP_THRESHOLD: 32 << 20,
}  # bytes: larger arrays go back at once, as ever
_OF_GLIBC = {_TRIM_THRESHOLD: 128 << 10, _MMAP_THRESHOLD: 128 << 10}  # as its manual gives them


def keep_freed_memory(keep: bool) -> None:
    """Let glibc keep what the arrays of one step leave free for those of the next; no effect elsewhere.

    By default it hands back to the system what exceeds a threshold that depends on the history of the process, and
    the system gives it out again page by page, each filled with zeros: in some processes a step of a NADE with
    8,000 units then took twice as long.  Whoever has set the thresholds keeps theirs.
    """
    is_set = "malloc" in os.environ.get("GLIBC_TUNABLES", "") or any(
        k.startswith("MALLOC_") for k in os.environ
    )
    if platform.libc_ver()[0] == "glibc" and not is_set:
        libc = ctypes.CDLL(None)
        for threshold, n_bytes in (_KEPT if keep else _OF_GLIBC).items():
            libc.mallopt(threshold, n_bytes)
