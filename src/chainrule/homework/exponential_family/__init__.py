"""Problem 7: maximum likelihood for the exponential family."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
