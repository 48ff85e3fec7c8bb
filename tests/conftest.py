"""What all tests share.  Test folders are packages, so that two rooms may each have a ``test_masks.py``."""

from __future__ import annotations

from hypothesis import settings

# The same examples at each run, so that a failure is never a matter of luck; and no deadline, since how long
# an example takes on a busy machine says nothing about whether it is right.
settings.register_profile("chainrule", derandomize=True, deadline=None)
settings.load_profile("chainrule")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes name a test by their number: gzip's hold the time of day, and all workers must agree on the names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None
