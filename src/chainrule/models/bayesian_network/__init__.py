"""Bayesian networks: a table p(variable | parents) for each node of a DAG.

Read ``estimator`` (the face: where the tables come from), ``node_rows``, ``family_counts`` and ``conditional_tables``
(the fit), ``em``, ``em_fit`` and ``incomplete_counts`` (the fit to rows with holes and to latent nodes),
``standard_errors`` and ``table_posteriors`` (how sure the tables are), ``answering`` (what the tables answer),
``inference`` (exact answers), ``questions`` (the same with names, and soft evidence), ``ranked_states`` and
``sensitivity`` (further answers; ``term_lines`` and ``term_weights`` with new marginals too), ``answer_posteriors``
(how sure answers are), ``pair_counts`` and ``dependence_tree`` (the best tree), ``tree_estimator`` (the same as an
estimator), ``structure`` (graphs of any shape, learned).
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.bayesian_network.dependence_tree import chow_liu
    from chainrule.models.bayesian_network.estimator import BayesianNetwork
    from chainrule.models.bayesian_network.structure.learners import exact_search, hill_climb
    from chainrule.models.bayesian_network.tree_estimator import ChowLiu

__all__ = ["BayesianNetwork", "ChowLiu", "chow_liu", "exact_search", "hill_climb"]

__getattr__ = loader(
    __name__,
    {
        "BayesianNetwork": "chainrule.models.bayesian_network.estimator",
        "ChowLiu": "chainrule.models.bayesian_network.tree_estimator",
        "chow_liu": "chainrule.models.bayesian_network.dependence_tree",
        "exact_search": "chainrule.models.bayesian_network.structure.learners",
        "hill_climb": "chainrule.models.bayesian_network.structure.learners",
    },
)
