"""Problem 1: images by their ink, learned images, and why learning whole images cannot scale."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
