"""Numbers out, and how we know them: each module answers one question.

``enumeration`` does it sum to one, how far apart are two distributions; ``likelihood`` how well does it predict;
``draws`` do samples match ``log_prob``; ``factorization`` does it respect its graph; ``cyclic`` and ``tables`` what
does a product of factors sum to; ``effects`` what does an intervention do; ``independence_tests`` does a table respect
a graph, with ``corrections`` for many tests; ``constraint_search`` which graph do tests leave; ``cost`` what does a
call take.  ``audit/`` asks all of them of any model.  Loaded when first used.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.evaluate.constraint_search import KeptEdge, PCResult, pc
    from chainrule.evaluate.corrections import benjamini_hochberg, correct, holm
    from chainrule.evaluate.cost import Cost, Timing, compare, measure, time_in_turns
    from chainrule.evaluate.cyclic import Counterexample, counterexample, cycle_mass, dependence
    from chainrule.evaluate.draws import ChiSquare, DrawsReport, chi_square, chi_square_draws
    from chainrule.evaluate.effects import EffectEstimate, estimate_effect
    from chainrule.evaluate.enumeration import (
        Scored,
        all_states,
        codes_of,
        exact_table,
        given_of,
        kl_divergence,
        rows_of,
        sizes_of,
        total_probability,
        total_variation,
    )
    from chainrule.evaluate.factorization import (
        FactorizationReport,
        allowed_dependence,
        check_factorization,
        jacobian_dependence,
        perturbation_dependence,
    )
    from chainrule.evaluate.independence_report import BlamedPair, IndependenceReport, IndependenceTest
    from chainrule.evaluate.independence_tests import check_independencies, conditional_independence_test
    from chainrule.evaluate.likelihood import (
        Likelihood,
        PairedDifference,
        paired_difference,
        summarize_log_prob,
    )
    from chainrule.evaluate.tables import BinaryTable, JointTable, joint_table, random_tables, total_mass

__all__ = [
    "BinaryTable",
    "BlamedPair",
    "ChiSquare",
    "Cost",
    "Counterexample",
    "DrawsReport",
    "EffectEstimate",
    "FactorizationReport",
    "IndependenceReport",
    "IndependenceTest",
    "JointTable",
    "KeptEdge",
    "Likelihood",
    "PCResult",
    "PairedDifference",
    "Scored",
    "Timing",
    "all_states",
    "allowed_dependence",
    "benjamini_hochberg",
    "check_factorization",
    "check_independencies",
    "chi_square",
    "chi_square_draws",
    "codes_of",
    "compare",
    "conditional_independence_test",
    "correct",
    "counterexample",
    "cycle_mass",
    "dependence",
    "estimate_effect",
    "exact_table",
    "given_of",
    "holm",
    "jacobian_dependence",
    "joint_table",
    "kl_divergence",
    "measure",
    "paired_difference",
    "pc",
    "perturbation_dependence",
    "random_tables",
    "rows_of",
    "sizes_of",
    "summarize_log_prob",
    "time_in_turns",
    "total_mass",
    "total_probability",
    "total_variation",
]

__getattr__ = loader(
    __name__,
    {
        "BinaryTable": "chainrule.evaluate.tables",
        "BlamedPair": "chainrule.evaluate.independence_report",
        "ChiSquare": "chainrule.evaluate.draws",
        "Cost": "chainrule.evaluate.cost",
        "Counterexample": "chainrule.evaluate.cyclic",
        "DrawsReport": "chainrule.evaluate.draws",
        "EffectEstimate": "chainrule.evaluate.effects",
        "FactorizationReport": "chainrule.evaluate.factorization",
        "IndependenceReport": "chainrule.evaluate.independence_report",
        "IndependenceTest": "chainrule.evaluate.independence_report",
        "JointTable": "chainrule.evaluate.tables",
        "KeptEdge": "chainrule.evaluate.constraint_search",
        "Likelihood": "chainrule.evaluate.likelihood",
        "PCResult": "chainrule.evaluate.constraint_search",
        "PairedDifference": "chainrule.evaluate.likelihood",
        "Scored": "chainrule.evaluate.enumeration",
        "Timing": "chainrule.evaluate.cost",
        "all_states": "chainrule.evaluate.enumeration",
        "allowed_dependence": "chainrule.evaluate.factorization",
        "benjamini_hochberg": "chainrule.evaluate.corrections",
        "check_factorization": "chainrule.evaluate.factorization",
        "check_independencies": "chainrule.evaluate.independence_tests",
        "chi_square": "chainrule.evaluate.draws",
        "chi_square_draws": "chainrule.evaluate.draws",
        "codes_of": "chainrule.evaluate.enumeration",
        "compare": "chainrule.evaluate.cost",
        "conditional_independence_test": "chainrule.evaluate.independence_tests",
        "correct": "chainrule.evaluate.corrections",
        "counterexample": "chainrule.evaluate.cyclic",
        "cycle_mass": "chainrule.evaluate.cyclic",
        "dependence": "chainrule.evaluate.cyclic",
        "estimate_effect": "chainrule.evaluate.effects",
        "exact_table": "chainrule.evaluate.enumeration",
        "given_of": "chainrule.evaluate.enumeration",
        "holm": "chainrule.evaluate.corrections",
        "jacobian_dependence": "chainrule.evaluate.factorization",
        "joint_table": "chainrule.evaluate.tables",
        "kl_divergence": "chainrule.evaluate.enumeration",
        "measure": "chainrule.evaluate.cost",
        "paired_difference": "chainrule.evaluate.likelihood",
        "pc": "chainrule.evaluate.constraint_search",
        "perturbation_dependence": "chainrule.evaluate.factorization",
        "random_tables": "chainrule.evaluate.tables",
        "rows_of": "chainrule.evaluate.enumeration",
        "sizes_of": "chainrule.evaluate.enumeration",
        "summarize_log_prob": "chainrule.evaluate.likelihood",
        "time_in_turns": "chainrule.evaluate.cost",
        "total_mass": "chainrule.evaluate.tables",
        "total_probability": "chainrule.evaluate.enumeration",
        "total_variation": "chainrule.evaluate.enumeration",
    },
)
