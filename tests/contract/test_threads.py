"""No number depends on how many threads a machine has: a fit, a likelihood and a draw are the same bits with any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.compiled import threads
from chainrule.core.settings import settings
from chainrule.models.nade import binary_packing
from tests.contract.cases import Case, every_case


def _fitted_with(n: int, case: Case) -> tuple[NDArray[Any], NDArray[Any]]:
    with settings(threads=n):
        model = case.fit()
        return model.log_prob(case.states()), model.sample(300, rng=3)


@every_case
def test_one_thread_and_two_give_the_same_numbers(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (threads, binary_packing):  # small work is worth a second thread here
        monkeypatch.setattr(module, "WORTH_TWO", 0)
    for one, two in zip(_fitted_with(1, case), _fitted_with(2, case), strict=True):
        np.testing.assert_array_equal(one, two)
