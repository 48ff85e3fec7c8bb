"""What one does with a table, in one line each: fit, score, sample, impute, query, learn, compare, describe,
audit.

Each takes whatever holds a table, a path or a model, and returns a small frozen record with ``text()`` and
``to_dict()``.  The command line has the same words.  Loaded when first used.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.tasks.answer_intervals import AnswerIntervals, credible_intervals
    from chainrule.tasks.auditing import Audit, audit
    from chainrule.tasks.comparing import Comparison, compare
    from chainrule.tasks.describing import Description, describe
    from chainrule.tasks.fitting import Fit, fit
    from chainrule.tasks.imputing import Imputed, impute
    from chainrule.tasks.learning import Learned, learn
    from chainrule.tasks.learning_by_tests import LearnedByTests, learn_by_tests
    from chainrule.tasks.querying import Answer, most_probable, query, sensitivity
    from chainrule.tasks.sampling import Sample, sample
    from chainrule.tasks.scoring import Scores, score

_HOMES = {
    "Answer": "chainrule.tasks.querying",
    "AnswerIntervals": "chainrule.tasks.answer_intervals",
    "Audit": "chainrule.tasks.auditing",
    "Comparison": "chainrule.tasks.comparing",
    "Description": "chainrule.tasks.describing",
    "Fit": "chainrule.tasks.fitting",
    "Imputed": "chainrule.tasks.imputing",
    "Learned": "chainrule.tasks.learning",
    "LearnedByTests": "chainrule.tasks.learning_by_tests",
    "Sample": "chainrule.tasks.sampling",
    "Scores": "chainrule.tasks.scoring",
    "audit": "chainrule.tasks.auditing",
    "compare": "chainrule.tasks.comparing",
    "credible_intervals": "chainrule.tasks.answer_intervals",
    "describe": "chainrule.tasks.describing",
    "fit": "chainrule.tasks.fitting",
    "impute": "chainrule.tasks.imputing",
    "learn": "chainrule.tasks.learning",
    "most_probable": "chainrule.tasks.querying",
    "learn_by_tests": "chainrule.tasks.learning_by_tests",
    "query": "chainrule.tasks.querying",
    "sample": "chainrule.tasks.sampling",
    "score": "chainrule.tasks.scoring",
    "sensitivity": "chainrule.tasks.querying",
}

__all__ = [
    "Answer",
    "AnswerIntervals",
    "Audit",
    "Comparison",
    "Description",
    "Fit",
    "Imputed",
    "Learned",
    "LearnedByTests",
    "Sample",
    "Scores",
    "audit",
    "compare",
    "credible_intervals",
    "describe",
    "fit",
    "impute",
    "learn",
    "learn_by_tests",
    "most_probable",
    "query",
    "sample",
    "score",
    "sensitivity",
]

__getattr__ = loader(__name__, _HOMES)
