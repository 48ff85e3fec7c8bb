"""No number depends on how many threads a machine has: a fit, a likelihood and a draw are the same bits with any."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule.compiled import threads
from chainrule.core.settings import settings
from chainrule.models.nade import binary_packing
from tests.contract.cases import CASES, Case, every_case


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


def test_eight_threads_that_fit_score_and_sample_at_once_get_the_numbers_of_one() -> None:
    one_of_each = list({case.kind: case for case in reversed(CASES)}.values())

    def asked(model: Any, case: Case) -> list[NDArray[Any]]:
        return [model.log_prob(case.states()), model.sample(50, rng=3)]

    def fitted(case: Case) -> list[NDArray[Any]]:
        return asked(case.fit(), case)

    models = {case.name: case.fit() for case in one_of_each}
    alone = {case.name: asked(models[case.name], case) for case in one_of_each}
    with ThreadPoolExecutor(8) as pool:
        works = [(case, pool.submit(fitted, case)) for case in one_of_each * 2]
        works += [(case, pool.submit(asked, models[case.name], case)) for case in one_of_each * 3]
        for case, work in works:
            for expected, found in zip(alone[case.name], work.result(timeout=600), strict=True):
                np.testing.assert_array_equal(expected, found, err_msg=case.name)
