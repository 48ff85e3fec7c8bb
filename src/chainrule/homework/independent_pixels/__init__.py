"""Problem 2: independent pixels, derived, fitted, and what they cannot see."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
