"""One parser of hidden layers: what it takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.models.shared.hidden import LARGEST, parse_hidden


@pytest.mark.parametrize(
    ("hidden", "sizes"),
    [
        (3, [3]),
        (np.int32(3), [3]),
        (np.array(3), [3]),
        (np.array([3]), [3]),
        (np.array([3, 4], np.uint8), [3, 4]),
        ([3, np.int64(4)], [3, 4]),
        ((5,), [5]),
        (range(1, 4), [1, 2, 3]),
        (LARGEST, [LARGEST]),
    ],
)
def test_integers_sequences_and_arrays_of_every_kind_are_sizes(hidden: Any, sizes: list[int]) -> None:
    assert parse_hidden(hidden) == sizes
    assert all(type(size) is int for size in parse_hidden(hidden))


@pytest.mark.parametrize(
    "hidden",
    [
        True, [True], np.array([True]), "3", "4,4", b"3", ["3"], None, [], (), np.array([]), 2.5, 3.0, [2.0],
        np.array([3.0]), 0, -1, [4, 0], np.array([[3]]), {3: 4}, [[3]], float("nan"),
    ],
)  # fmt: skip
def test_what_is_no_positive_integer_is_refused_with_what_came(hidden: Any) -> None:
    with pytest.raises(InputError, match="hidden must be a positive integer") as caught:
        parse_hidden(hidden)
    assert f"got {hidden!r}" in str(caught.value)


def test_a_layer_too_large_for_any_machine_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(InputError, match="at most 10000000 are made"):
        parse_hidden([4, LARGEST + 1])


@pytest.mark.parametrize(("layers", "hidden"), [(1, [3, 3]), (2, 3), (2, [3, 3, 3]), (1, [])])
def test_a_fixed_number_of_layers_is_held_to(layers: int, hidden: Any) -> None:
    with pytest.raises(InputError, match="size"):
        parse_hidden(hidden, layers=layers)
    assert parse_hidden([7] * layers, layers=layers) == [7] * layers
