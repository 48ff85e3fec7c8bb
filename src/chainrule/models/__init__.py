"""Models, a folder each, its face first.  Each is a scikit-learn estimator with an exact ``log_prob``.

Loaded when first used: what needs no network does not wait for torch.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.core.contract import DensityEstimator, load_model
    from chainrule.models.bayesian_network import BayesianNetwork, chow_liu
    from chainrule.models.boosted_chain import BoostedChain
    from chainrule.models.chain_classifier import ChainClassifier
    from chainrule.models.exponential_family import ExponentialFamily
    from chainrule.models.independent import Independent
    from chainrule.models.made import MADE
    from chainrule.models.nade import NADE
    from chainrule.models.tree_network import TreeNetwork

__all__ = [
    "MADE",
    "NADE",
    "BayesianNetwork",
    "BoostedChain",
    "ChainClassifier",
    "DensityEstimator",
    "ExponentialFamily",
    "Independent",
    "TreeNetwork",
    "chow_liu",
    "load_model",
]

__getattr__ = loader(
    __name__,
    {
        "BayesianNetwork": "chainrule.models.bayesian_network",
        "BoostedChain": "chainrule.models.boosted_chain",
        "ChainClassifier": "chainrule.models.chain_classifier",
        "DensityEstimator": "chainrule.core.contract",
        "ExponentialFamily": "chainrule.models.exponential_family",
        "Independent": "chainrule.models.independent",
        "MADE": "chainrule.models.made",
        "NADE": "chainrule.models.nade",
        "TreeNetwork": "chainrule.models.tree_network",
        "chow_liu": "chainrule.models.bayesian_network",
        "load_model": "chainrule.core.contract",
    },
)
