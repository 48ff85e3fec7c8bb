"""Models, simplest first.  Each is a scikit-learn estimator with an exact ``log_prob``."""

from chainrule.core.estimator import DensityEstimator, load_model
from chainrule.models.bernoulli import IndependentBernoulli
from chainrule.models.count_proportional import CountProportional
from chainrule.models.exponential_family import ExponentialFamily
from chainrule.models.made import MADE
from chainrule.models.mlp_density import MLPDensity
from chainrule.models.nade import NADE

__all__ = [
    "MADE",
    "NADE",
    "CountProportional",
    "DensityEstimator",
    "ExponentialFamily",
    "IndependentBernoulli",
    "MLPDensity",
    "load_model",
]
