"""What the page says, read from the ``texts.md`` of a problem's folder.

A line ``# name`` begins a text.  Lines of a paragraph are joined, a blank line parts paragraphs, and the marks are
those of ``core.records.Text``.  ``<<name>>`` stands for a value, ``<<name:spec>>`` for a value formatted by
Python's rules.  A value that a text does not use, or that it misses, is an error, so that a text and the numbers
in it cannot drift apart.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from chainrule.core.figures import FigureData
from chainrule.core.forks import cached_property
from chainrule.core.records import Claim, Figure, Text, Verdict

__all__ = ["Texts"]

_PLACE = re.compile(r"<<(\w+)(?::([^>]+))?>>")


class Texts:
    """The texts of one package; read when the first is asked for.

    >>> Texts("chainrule.homework.masks")("rows", name="m", n=3)
    Traceback (most recent call last):
    KeyError: "chainrule.homework.masks has no text 'rows'"
    """

    def __init__(self, package: str) -> None:
        self.package = package

    @cached_property
    def by_name(self) -> dict[str, str]:
        """Each text with its places still open."""
        source = (files(self.package) / "texts.md").read_text("utf-8")
        _, *parts = re.split(r"^# (.+)$", source, flags=re.MULTILINE)
        return {name.strip(): _paragraphs(body) for name, body in zip(parts[::2], parts[1::2], strict=True)}

    def __call__(self, name: str, /, **values: Any) -> str:
        """The text ``name`` with ``values`` in their places."""
        return self._filled([name], values)[0]

    def block(self, name: str, **values: Any) -> Text:
        """The text as a block of a record."""
        return Text(self(name, **values))

    def claim(self, id: str, verdict: Verdict, **values: Any) -> Claim:
        """The claim ``id`` with its verdict, from the texts ``claim ID`` and ``evidence ID``."""
        claim, evidence = self._filled([f"claim {id}", f"evidence {id}"], values)
        return Claim(id, claim, verdict, evidence)

    def figure(self, name: str, data: FigureData, **values: Any) -> Figure:
        """The figure ``name`` of ``data``, from the texts ``caption NAME`` and ``alt NAME``."""
        caption, alt = self._filled([f"caption {name}", f"alt {name}"], values)
        return Figure(name, data, caption, alt)

    def _filled(self, names: list[str], values: dict[str, Any]) -> list[str]:
        used: set[str] = set()

        def value(place: re.Match[str]) -> str:
            used.add(place[1])
            if values.get(place[1]) is None:  # a setting that is left open is no value to print
                raise KeyError(f"the text {names[-1]!r} of {self.package} needs a value for {place[1]!r}")
            return format(values[place[1]], place[2] or "")

        for name in names:
            if name not in self.by_name:
                raise KeyError(f"{self.package} has no text {name!r}")
        filled = [_PLACE.sub(value, self.by_name[name]) for name in names]
        if set(values) - used:
            raise KeyError(f"the text {names[-1]!r} of {self.package} has no place for {set(values) - used}")
        return filled


def _paragraphs(body: str) -> str:
    parts = re.split(r"\n\s*\n", body.strip("\n"))
    return "\n\n".join(" ".join(line.strip(" ") for line in part.splitlines()) for part in parts)
