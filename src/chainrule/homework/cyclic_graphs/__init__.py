"""Problem 4: why a directed cycle is no factorisation."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
