"""Any scikit-learn classifier as the conditionals of an exact joint distribution.

Read ``estimator`` (the face), ``factors`` (one variable given those before it), ``plain_state`` (what can be saved).
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.chain_classifier.estimator import ChainClassifier

__all__ = ["ChainClassifier"]

__getattr__ = loader(
    __name__,
    {
        "ChainClassifier": "chainrule.models.chain_classifier.estimator",
    },
)
