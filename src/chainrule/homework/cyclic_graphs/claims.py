"""The claims about cyclic graphs, each judged by what problem 4 found."""

from __future__ import annotations

from fractions import Fraction

from chainrule.core.records import Claim
from chainrule.evaluate.cyclic import Counterexample
from chainrule.evaluate.tables import joint_table
from chainrule.homework.cyclic_graphs import TEXTS
from chainrule.homework.cyclic_graphs.numbers import RandomCycles

__all__ = ["claims"]


def claims(
    two: Counterexample, random: RandomCycles, acyclic: list[Fraction], coincidence: Fraction
) -> list[Claim]:
    """The homework's claims, each with its verdict and what decides it."""
    states = joint_table(two.graph, two.tables).states()
    n_zero = sum(mass == 0 for _, mass in states)
    n_one = sum(mass == 1 for _, mass in states)
    n_acyclic = sum(m == 1 for m in acyclic)
    return [
        TEXTS.claim("4.counterexample", "holds in part", n_zero=n_zero, n_one=n_one, total=two.total),
        TEXTS.claim("4.two-restrictions", "holds in part"),
        TEXTS.claim(
            "4.cycle-is-not-legal",
            "holds in part",
            n_masses=len(random.masses),
            n_one=random.n_one,
            coincidence=coincidence,
            n_acyclic_one=n_acyclic,
            n_acyclic=len(acyclic),
        ),
    ]
