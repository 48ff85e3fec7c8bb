"""Any saved model, whatever its class: this file knows them all."""

from __future__ import annotations

from pathlib import Path

from chainrule.core.estimator import DensityEstimator
from chainrule.models.bayesian_network import BayesianNetwork
from chainrule.models.bernoulli import IndependentBernoulli
from chainrule.models.count_proportional import CountProportional
from chainrule.models.exponential_family import ExponentialFamily
from chainrule.models.made import MADE
from chainrule.models.mlp_density import MLPDensity
from chainrule.models.nade import NADE

__all__ = ["CLASSES", "load_model"]

CLASSES = (
    BayesianNetwork,
    CountProportional,
    ExponentialFamily,
    IndependentBernoulli,
    MADE,
    MLPDensity,
    NADE,
)


def load_model(path: str | Path) -> DensityEstimator:
    """The model that ``save`` wrote to ``path``, by the class its file names; ``DataError`` if damaged."""
    return DensityEstimator.load(path)
