"""What problem 4 measures: the sums of random tables along cyclic and acyclic graphs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from chainrule.evaluate.cyclic import Counterexample, cycle_mass, dependence
from chainrule.evaluate.tables import random_tables, total_mass
from chainrule.graphs import DAG, DirectedGraph
from chainrule.homework.context import StudyContext

__all__ = [
    "ACYCLIC",
    "LARGER",
    "LONG",
    "TRIANGLE",
    "RandomCycles",
    "coincidental_sum",
    "measure_acyclic",
    "measure_random_cycles",
    "numbers_of",
]

TRIANGLE = DirectedGraph.parse("A -> B -> C -> A")

LARGER = DirectedGraph.parse("S -> A -> B -> C -> D -> B; C -> E -> F -> E; D -> G; F -> G; S -> G")

LONG = DirectedGraph([(f"v{i}", f"v{(i + 1) % 1000}") for i in range(1000)])

ACYCLIC = DAG.parse("A -> B -> C; A -> C -> D; B -> D -> E")

_DRAWS = {"quick": 2_000, "full": 20_000}

_N_ACYCLIC = 100


@dataclass(frozen=True)
class RandomCycles:
    """Random tables on the triangle: their sums, and how they compare with the closed form.

    ``n_equal`` of the first ``n_checked`` sums were found equal, as fractions, by elimination.
    """

    masses: list[Fraction]
    n_checked: int
    n_equal: int

    @property
    def n_one(self) -> int:
        """How many sums are exactly one."""
        return sum(m == 1 for m in self.masses)


def measure_random_cycles(context: StudyContext) -> RandomCycles:
    """Sums of random tables on the triangle by the closed form, the first 200 also by elimination."""
    rng = np.random.default_rng([context.seed, 4, 1])
    masses, n_equal, n_checked = [], 0, 200
    for i in range(_DRAWS[context.preset]):
        tables = random_tables(TRIANGLE, rng, denominator=10_007)
        masses.append(1 + prod((dependence(t) for t in tables.values()), start=Fraction(1)))
        if i < n_checked:
            n_equal += total_mass(TRIANGLE, tables) == masses[-1]
    return RandomCycles(masses, n_checked, n_equal)


def measure_acyclic(seed: int) -> list[Fraction]:
    """Exact sums of random tables along an acyclic graph."""
    rng = np.random.default_rng([seed, 4, 2])
    return [total_mass(ACYCLIC, random_tables(ACYCLIC, rng)) for _ in range(_N_ACYCLIC)]


def coincidental_sum() -> Fraction:
    """The sum on a cycle of two nodes with three states: one copies, the other swaps two of the states."""
    copy = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    swap = [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    return cycle_mass([copy, swap])


def numbers_of(
    two: Counterexample,
    zero: Counterexample,
    larger: Counterexample,
    long: Counterexample,
    random: RandomCycles,
    acyclic: list[Fraction],
    coincidence: Fraction,
) -> dict[str, Any]:
    """Everything that was measured, by name."""
    return {
        "triangle_sum_when_all_copy": int(two.total),
        "triangle_sum_when_one_negates": int(zero.total),
        "larger_graph_sum": int(larger.total),
        "thousand_node_cycle_sum": int(long.total),
        "n_random_cycles": len(random.masses),
        "n_random_cycles_that_sum_to_one": random.n_one,
        "n_random_cycles_checked_exactly": random.n_checked,
        "n_random_cycles_equal_to_closed_form": random.n_equal,
        "least_random_cycle_sum": float(min(random.masses)),
        "greatest_random_cycle_sum": float(max(random.masses)),
        "standard_deviation_of_random_cycle_sums": float(np.std([float(m) for m in random.masses])),
        "n_random_acyclic": len(acyclic),
        "n_random_acyclic_that_sum_to_one": sum(m == 1 for m in acyclic),
        "three_state_two_cycle_sum": int(coincidence),
    }
