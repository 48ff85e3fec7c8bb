"""Directed and partially directed graphs without probability: what a DAG says, asked and explained.

Imports nothing heavier than numpy.
"""

from chainrule.graphs.adjustment import AdjustmentExplanation
from chainrule.graphs.comparison import Agreement, GraphComparison, compare_graphs
from chainrule.graphs.condensation import Condensation
from chainrule.graphs.dag import DAG, PDAG, DirectedGraph
from chainrule.graphs.explanation import Junction, PathExplanation, SeparationExplanation
from chainrule.graphs.factors import Factorization
from chainrule.graphs.identification.effect import Effect
from chainrule.graphs.identification.hedge import CForest, Hedge
from chainrule.graphs.identification.instruments import Instrument
from chainrule.graphs.independencies import Independence
from chainrule.graphs.partially_directed.completeness import CompletenessExplanation
from chainrule.graphs.structure import Structure

__all__ = [
    "DAG",
    "PDAG",
    "AdjustmentExplanation",
    "Agreement",
    "CForest",
    "CompletenessExplanation",
    "Condensation",
    "DirectedGraph",
    "Effect",
    "Factorization",
    "GraphComparison",
    "Hedge",
    "Independence",
    "Instrument",
    "Junction",
    "PathExplanation",
    "SeparationExplanation",
    "Structure",
    "compare_graphs",
]
