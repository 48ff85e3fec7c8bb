"""Directed graphs without probability: what a DAG says, asked and explained.

Imports nothing heavier than numpy.
"""

from chainrule.graphs.dag import DAG
from chainrule.graphs.digraph import DirectedGraph
from chainrule.graphs.explanation import Junction, PathExplanation, SeparationExplanation
from chainrule.graphs.factors import Factorization
from chainrule.graphs.independencies import Independence
from chainrule.graphs.layout import layout

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
