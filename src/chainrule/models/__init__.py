"""Models, simplest first.  Each is a scikit-learn estimator with an exact ``log_prob``."""

from chainrule.models.bernoulli import IndependentBernoulli
from chainrule.models.made import MADE
from chainrule.models.nade import NADE

__all__ = ["MADE", "NADE", "IndependentBernoulli"]
