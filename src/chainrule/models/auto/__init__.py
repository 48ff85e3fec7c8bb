"""``Auto``: the best of several families on validation rows, within a budget of time.

``estimator`` is the model, ``search`` tries the families, ``leaderboard`` says which is best and by how much.
"""

from chainrule.models.auto.estimator import Auto
from chainrule.models.auto.leaderboard import Entry, Leaderboard

__all__ = ["Auto", "Entry", "Leaderboard"]
