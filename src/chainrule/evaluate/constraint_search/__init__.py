"""A graph from tests of independence: the PC algorithm (Spirtes and Glymour 1991), whatever the order of the columns.

Two variables are joined unless some set separates them, that is, unless the rows are consistent with their independence
given the set.  Read ``skeleton`` (who is joined, tested level by level), ``orientation`` (which way edges lead, from
what separates whom), ``result`` (the record) and ``search`` (the face).

Nothing depends on the order of the columns: edges leave the graph at the end of a level only (Colombo and Maathuis
2014), of several separating sets the one with the largest p value counts (as in PC-Max, Ramsey 2016), and directions
are found in rounds, where those that contradict each other are left open and listed.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.evaluate.constraint_search.result import KeptEdge, PCResult
    from chainrule.evaluate.constraint_search.search import pc

__all__ = ["KeptEdge", "PCResult", "pc"]

__getattr__ = loader(
    __name__,
    {
        "KeptEdge": "chainrule.evaluate.constraint_search.result",
        "PCResult": "chainrule.evaluate.constraint_search.result",
        "pc": "chainrule.evaluate.constraint_search.search",
    },
)
