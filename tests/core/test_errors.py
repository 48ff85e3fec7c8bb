"""Messages: one line of fewer than 1,000 signs that still says what to do, whatever they quote."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chainrule.core.errors import ChainruleError, CycleError, NoExtensionError, UnknownNameError
from chainrule.core.text import as_written

LONG = [f"node {k}" for k in range(5_000)]
LETTERS = ["x" * 100_000, "y\n" * 1_000, "z\x1b[2J\ud800"]
ERRORS: dict[str, tuple[Callable[[list[str]], ChainruleError], str]] = {
    "a cycle": (CycleError, "remove one of these edges to get a DAG"),
    "a cycle that no DAG extends": (lambda v: NoExtensionError(v, v, ()), "turn one of its edges"),
    "no order": (lambda v: NoExtensionError(v, (), [(a, v[0], a) for a in v]), "take an edge out"),
    "a name": (lambda v: UnknownNameError.of("node", v[0], v), "known: "),
    "a number as a name": (lambda v: UnknownNameError.of("node", 10**5000, v), "known: "),
    "any": (lambda v: ChainruleError(f"{v[0]}; do this"), "; do this"),
}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    "names", [LONG, LETTERS, LETTERS[1:], LETTERS[2:]], ids=["many", "long", "lines", "odd"]
)
def test_a_message_is_short_and_says_what_to_do(kind: str, names: list[str]) -> None:
    make, advice = ERRORS[kind]
    message = str(make(names))
    assert len(message) < 1_000
    assert message.isprintable()
    assert advice in message


def test_a_long_cycle_is_told_by_its_ends() -> None:
    error = CycleError(LONG)
    assert "node 0 -> node 1 -> " in str(error)
    assert " -> node 4999 -> node 0 (5,000 nodes); remove one" in str(error)
    assert error.cycle == LONG


def test_any_value_can_be_written_into_a_message() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    class Broken:
        def __repr__(self) -> str:
            raise OSError("no")

    assert as_written(deep) == "a list that cannot be written"
    assert as_written(10**5000) == "an int that cannot be written"
    assert as_written(Broken()) == "a Broken that cannot be written (OSError)"
    assert as_written("a\nb") == repr("a\nb")
    assert len(as_written("x" * 1_000)) == 200
