"""Someone who presses Ctrl-C after so many epochs, and hears what is said: for several test files."""

from __future__ import annotations

__all__ = ["StopAfter"]


class StopAfter:
    """A listener that interrupts once so many epochs are over."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs
        self.notes: list[str] = []

    def start(self, label: str, total: int | None) -> int:
        return 0

    def advance(self, task: int, detail: str) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt

    def stop(self, task: int) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)
