"""A slice of ``arguments``: ``make stress`` has the rest; and that no public function is left out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError
from chainrule.core.settings import settings
from tests.stress.arguments import faults, in_a_folder, tries, untold
from tests.stress.right_calls import CALLS

SLOW = (
    "derive",
    "write_page",
    "rebuild_page",
    "exponential_family_form",
    "load_data",
    "fetch",
    "audit",
    "measure",
)
N_TRIES = 2_000


@pytest.fixture(scope="module", autouse=True)
def _place() -> Iterator[None]:
    with settings(plain=True, verbose=False), in_a_folder():
        yield


def test_every_public_function_has_a_right_call_with_all_its_arguments() -> None:
    assert untold() == []


@pytest.mark.parametrize("name", [name for name in CALLS if not name.startswith(SLOW)])
def test_a_right_call_is_right(name: str) -> None:
    function, arguments = CALLS[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function(**arguments)


def test_hostile_arguments_are_taken_or_refused() -> None:
    every = [t for t in tries() if not t[0].startswith(SLOW)]
    chosen = np.random.default_rng(4).choice(len(every), N_TRIES, replace=False)
    assert list(faults([every[k] for k in chosen])) == []


def test_a_message_can_be_printed_whatever_it_quotes() -> None:
    message = str(ChainruleError("a\x1b[2J\ud800\0b" + "x" * 2_000))
    assert message.isprintable()
    assert len(message) < 1_000
