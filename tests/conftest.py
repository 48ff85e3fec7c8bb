"""What all tests share.  Test folders are packages, so that two rooms may each have a ``test_masks.py``."""

from __future__ import annotations

import gc
from collections.abc import Generator
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import settings

# Shapes and types in the signatures of these modules are checked at each call of any test.  Only functions that take
# what is checked already: where a user's mistake has an error of ours, this check would come before it.  The hook
# must be there before they are imported; where the two libraries are missing, which serve nothing else, it is not.
SHAPES_CHECKED = [
    "chainrule.core.checks",
    "chainrule.core.numerics",
    "chainrule.datasets.decoded",
    "chainrule.datasets.text_tables",
    "chainrule.models.shared.completion",
    "chainrule.models.shared.counts",
    "chainrule.tables.coding",
    "chainrule.tables.giving",
    "chainrule.tables.weights",
]
if find_spec("jaxtyping") and find_spec("beartype"):
    from jaxtyping import install_import_hook

    import tests.checker  # noqa: F401  # the hook finds it by its name

    install_import_hook(SHAPES_CHECKED, "tests.checker.check")

# The same examples at each run, so that a failure is never a matter of luck; and no deadline, since how long
# an example takes on a busy machine says nothing about whether it is right.
settings.register_profile("chainrule", derandomize=True, deadline=None)
settings.load_profile("chainrule")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes name a test by their number: gzip's hold the time of day, and all workers must agree on the names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is imported and collected stays to the end: no search for garbage, then and later, goes through it.

    Later ones are rarer than by default, since compiling makes many objects that are no garbage.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The workers of ``--dist loadfile`` begin at different ends; nothing else is changed."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.scheduling import FromBothEnds

    return FromBothEnds(config, log)
