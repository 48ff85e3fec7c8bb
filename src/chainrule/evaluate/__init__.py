"""Numbers out, and how we know them: each module answers one question.

``enumeration`` does it sum to one, how far apart are two distributions; ``likelihood`` how well does it predict;
``draws`` do samples match ``log_prob``; ``factorization`` does it respect its graph; ``cyclic`` and ``tables`` what
does a product of factors sum to; ``independence_tests`` does a table respect a graph; ``cost`` what does a call take.

Names load when they are first used.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.evaluate.cost import Cost, Timing, compare, measure, time_in_turns
    from chainrule.evaluate.cyclic import Counterexample, counterexample, cycle_mass, dependence
    from chainrule.evaluate.draws import DrawsReport, chi_square_draws
    from chainrule.evaluate.enumeration import (
        Scored,
        all_states,
        exact_table,
        kl_divergence,
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
    from chainrule.evaluate.likelihood import (
        Likelihood,
        PairedDifference,
        paired_difference,
        summarize_log_prob,
    )
    from chainrule.evaluate.tables import BinaryTable, JointTable, joint_table, random_tables, total_mass

__all__ = [
    "BinaryTable",
    "Cost",
    "Counterexample",
    "DrawsReport",
    "FactorizationReport",
    "JointTable",
    "Likelihood",
    "PairedDifference",
    "Scored",
    "Timing",
    "all_states",
    "allowed_dependence",
    "check_factorization",
    "chi_square_draws",
    "compare",
    "counterexample",
    "cycle_mass",
    "dependence",
    "exact_table",
    "jacobian_dependence",
    "joint_table",
    "kl_divergence",
    "measure",
    "paired_difference",
    "perturbation_dependence",
    "random_tables",
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
        "Cost": "chainrule.evaluate.cost",
        "Counterexample": "chainrule.evaluate.cyclic",
        "DrawsReport": "chainrule.evaluate.draws",
        "FactorizationReport": "chainrule.evaluate.factorization",
        "JointTable": "chainrule.evaluate.tables",
        "Likelihood": "chainrule.evaluate.likelihood",
        "PairedDifference": "chainrule.evaluate.likelihood",
        "Scored": "chainrule.evaluate.enumeration",
        "Timing": "chainrule.evaluate.cost",
        "all_states": "chainrule.evaluate.enumeration",
        "allowed_dependence": "chainrule.evaluate.factorization",
        "check_factorization": "chainrule.evaluate.factorization",
        "chi_square_draws": "chainrule.evaluate.draws",
        "compare": "chainrule.evaluate.cost",
        "counterexample": "chainrule.evaluate.cyclic",
        "cycle_mass": "chainrule.evaluate.cyclic",
        "dependence": "chainrule.evaluate.cyclic",
        "exact_table": "chainrule.evaluate.enumeration",
        "jacobian_dependence": "chainrule.evaluate.factorization",
        "joint_table": "chainrule.evaluate.tables",
        "kl_divergence": "chainrule.evaluate.enumeration",
        "measure": "chainrule.evaluate.cost",
        "paired_difference": "chainrule.evaluate.likelihood",
        "perturbation_dependence": "chainrule.evaluate.factorization",
        "random_tables": "chainrule.evaluate.tables",
        "sizes_of": "chainrule.evaluate.enumeration",
        "summarize_log_prob": "chainrule.evaluate.likelihood",
        "time_in_turns": "chainrule.evaluate.cost",
        "total_mass": "chainrule.evaluate.tables",
        "total_probability": "chainrule.evaluate.enumeration",
        "total_variation": "chainrule.evaluate.enumeration",
    },
)
