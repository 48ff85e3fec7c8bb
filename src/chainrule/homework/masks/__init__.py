"""Problem 6: MADE's masks for any ordering, every step shown."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
