"""A slice of ``fuzz`` for each reader: ``make stress`` has the rest."""

from __future__ import annotations

import pytest

from tests.stress.fuzz import faults
from tests.stress.readers import READERS


@pytest.mark.parametrize("name", READERS)
def test_broken_inputs_are_read_or_refused(name: str) -> None:
    assert [(fault.what, fault.content[:200]) for fault in faults(READERS[name], 150, 1)] == []
