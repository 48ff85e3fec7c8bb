"""Bayesian networks whose conditional tables are decision trees, learned together with the graph.

Read ``estimator`` (the face), ``averaging`` (what stands at the leaves), ``edge_gains`` (what each edge is worth),
``inference`` and ``reduction`` (exact answers for rows with holes).  Growing is in ``shared/decision_tables``.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.tree_network.estimator import TreeNetwork

__all__ = ["TreeNetwork"]

__getattr__ = loader(
    __name__,
    {
        "TreeNetwork": "chainrule.models.tree_network.estimator",
    },
)
