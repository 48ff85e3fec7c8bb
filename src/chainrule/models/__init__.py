"""Models, simplest first.  Each is a scikit-learn estimator with an exact ``log_prob``.

Loaded when first used: what needs no network does not wait for torch.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.core.estimator import DensityEstimator
    from chainrule.models.bayesian_network import BayesianNetwork
    from chainrule.models.bernoulli import IndependentBernoulli
    from chainrule.models.count_proportional import CountProportional
    from chainrule.models.dependence_tree import chow_liu
    from chainrule.models.exponential_family import ExponentialFamily
    from chainrule.models.loading import load_model
    from chainrule.models.made import MADE
    from chainrule.models.mlp_density import MLPDensity
    from chainrule.models.nade import NADE

__all__ = [
    "MADE",
    "NADE",
    "BayesianNetwork",
    "CountProportional",
    "DensityEstimator",
    "ExponentialFamily",
    "IndependentBernoulli",
    "MLPDensity",
    "chow_liu",
    "load_model",
]

__getattr__ = loader(
    __name__,
    {
        "BayesianNetwork": "chainrule.models.bayesian_network",
        "CountProportional": "chainrule.models.count_proportional",
        "DensityEstimator": "chainrule.core.estimator",
        "ExponentialFamily": "chainrule.models.exponential_family",
        "IndependentBernoulli": "chainrule.models.bernoulli",
        "MADE": "chainrule.models.made",
        "MLPDensity": "chainrule.models.mlp_density",
        "NADE": "chainrule.models.nade",
        "chow_liu": "chainrule.models.dependence_tree",
        "load_model": "chainrule.models.loading",
    },
)
