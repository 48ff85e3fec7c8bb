"""A slice of ``fuzz`` for each reader: ``make stress`` has the rest.

Files of models are broken in ``tests/contract/test_broken_files``, where the models are.
"""

from __future__ import annotations

import pytest

from tests.stress.fuzz import faults
from tests.stress.readers import READERS


@pytest.mark.parametrize("name", [name for name in READERS if name != "a.model"])
def test_broken_inputs_are_read_or_refused(name: str) -> None:
    reader = READERS[name]
    n = len(reader.seeds()) + max(5, round(150 * reader.share))
    assert [(fault.what, fault.content[:200]) for fault in faults(reader, n, 1)] == []
