"""Directed graphs without probability: what a DAG says, asked and explained.

Imports nothing heavier than numpy.
"""

from chainrule.graphs.dag import DAG
from chainrule.graphs.digraph import DirectedGraph
from chainrule.graphs.factors import Factorization
from chainrule.graphs.independencies import Independence
from chainrule.graphs.layout import layout
from chainrule.graphs.separation import Junction, PathExplanation, SeparationExplanation

__all__ = [
    "DAG",
    "DirectedGraph",
    "Factorization",
    "Independence",
    "Junction",
    "PathExplanation",
    "SeparationExplanation",
    "layout",
]
