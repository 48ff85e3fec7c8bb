"""Models, a folder each, its face first.  Each is a scikit-learn estimator with an exact ``log_prob``.

Loaded when first used: what needs no network does not wait for torch.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.core.contract import DensityEstimator, load_model
    from chainrule.models.auto import Auto
    from chainrule.models.bayesian_network import BayesianNetwork, ChowLiu, chow_liu, exact_search, hill_climb
    from chainrule.models.boosted_chain import BoostedChain
    from chainrule.models.chain_classifier import ChainClassifier
    from chainrule.models.ensemble import Ensemble
    from chainrule.models.exponential_family import ExponentialFamily
    from chainrule.models.independent import Independent
    from chainrule.models.intervened import Intervened
    from chainrule.models.latent_mixture import LatentMixture
    from chainrule.models.made import MADE
    from chainrule.models.mixture import Mixture
    from chainrule.models.nade import NADE
    from chainrule.models.stack import Stack
    from chainrule.models.tree_network import TreeNetwork

__all__ = [
    "MADE",
    "NADE",
    "Auto",
    "BayesianNetwork",
    "BoostedChain",
    "ChainClassifier",
    "ChowLiu",
    "DensityEstimator",
    "Ensemble",
    "ExponentialFamily",
    "Independent",
    "Intervened",
    "LatentMixture",
    "Mixture",
    "Stack",
    "TreeNetwork",
    "chow_liu",
    "exact_search",
    "hill_climb",
    "load_model",
]

__getattr__ = loader(
    __name__,
    {
        "Auto": "chainrule.models.auto",
        "BayesianNetwork": "chainrule.models.bayesian_network",
        "ChowLiu": "chainrule.models.bayesian_network",
        "BoostedChain": "chainrule.models.boosted_chain",
        "ChainClassifier": "chainrule.models.chain_classifier",
        "DensityEstimator": "chainrule.core.contract",
        "Ensemble": "chainrule.models.ensemble",
        "ExponentialFamily": "chainrule.models.exponential_family",
        "Independent": "chainrule.models.independent",
        "Intervened": "chainrule.models.intervened",
        "LatentMixture": "chainrule.models.latent_mixture",
        "MADE": "chainrule.models.made",
        "Mixture": "chainrule.models.mixture",
        "NADE": "chainrule.models.nade",
        "Stack": "chainrule.models.stack",
        "TreeNetwork": "chainrule.models.tree_network",
        "chow_liu": "chainrule.models.bayesian_network",
        "exact_search": "chainrule.models.bayesian_network",
        "hill_climb": "chainrule.models.bayesian_network",
        "load_model": "chainrule.core.contract",
    },
)
