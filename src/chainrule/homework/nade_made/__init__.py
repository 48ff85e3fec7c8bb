"""Problem 5: NADE and MADE on binarized MNIST."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
