"""Problem 3: what "Cats, dogs, and DAGs" implies."""

from chainrule.homework.texts import Texts

__all__ = ["TEXTS"]

TEXTS = Texts(__name__)
