"""Numbers out, and how we know them: each module answers one question.

``enumeration`` does it sum to one, how far apart are two distributions; ``likelihood`` how well does it predict;
``draws`` do samples match ``log_prob``; ``factorization`` does it respect its graph; ``cyclic`` and ``tables`` what
does a product of factors sum to; ``independence_tests`` does a table respect a graph, with ``corrections`` for many
tests; ``cost`` what does a call take.  Loaded when first used.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.evaluate.corrections import benjamini_hochberg, correct, holm
    from chainrule.evaluate.independence_report import BlamedPair, IndependenceReport, IndependenceTest
    from chainrule.evaluate.independence_tests import check_independencies, conditional_independence_test

__all__ = [
    "BlamedPair",
    "IndependenceReport",
    "IndependenceTest",
    "benjamini_hochberg",
    "check_independencies",
    "conditional_independence_test",
    "correct",
    "holm",
]

__getattr__ = loader(
    __name__,
    {
        "BlamedPair": "chainrule.evaluate.independence_report",
        "IndependenceReport": "chainrule.evaluate.independence_report",
        "IndependenceTest": "chainrule.evaluate.independence_report",
        "benjamini_hochberg": "chainrule.evaluate.corrections",
        "check_independencies": "chainrule.evaluate.independence_tests",
        "conditional_independence_test": "chainrule.evaluate.independence_tests",
        "correct": "chainrule.evaluate.corrections",
        "holm": "chainrule.evaluate.corrections",
    },
)
