"""Chains of boosted trees: the log-odds of each variable given those before it are a sum of small trees.

Read ``estimator`` (the face), ``boosting`` (how trees are found), ``boosting_plain`` (the same from the definition),
``rounds`` (how many of them), ``trees`` (what a fitted chain is).  ``*_loops`` are compiled.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.boosted_chain.estimator import BoostedChain

__all__ = ["BoostedChain"]

__getattr__ = loader(
    __name__,
    {
        "BoostedChain": "chainrule.models.boosted_chain.estimator",
    },
)
