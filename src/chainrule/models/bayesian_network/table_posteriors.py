"""How sure rows make us of the entries of a table: its Dirichlet posterior.

With a Dirichlet prior on each row of a table and complete rows of data, each row of the table has a Dirichlet posterior
of its own, whose parameters are counts plus pseudocounts (Heckerman, Geiger and Chickering 1995), and an entry has the
beta distribution of its parameter against the sum of the others'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.records import to_plain
from chainrule.core.text import as_written
from chainrule.graphs.notation import probability_text
from chainrule.models.bayesian_network.conditional_tables import Prior
from chainrule.models.bayesian_network.family_counts import FamilyCounts
from chainrule.models.shared.posterior import table_lines
from chainrule.tables.schema import Variable

__all__ = ["EntryPosterior", "TablePosterior", "checked_level", "posteriors_of"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class EntryPosterior:
    """The posterior Beta(``a``, ``b``) of one entry of a table.

    >>> entry = EntryPosterior(3.0, 1.0)
    >>> entry.mean, [round(x, 3) for x in entry.interval(0.9)], round(entry.probability_above(0.5), 3)
    (0.75, [0.368, 0.983], 0.875)
    """

    a: float
    b: float

    @property
    def mean(self) -> float:
        """The posterior mean."""
        return self.a / (self.a + self.b)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The equal-tailed credible interval: the entry is in it with probability ``level``."""
        lower, upper = _interval(np.array(self.a), np.array(self.b), checked_level(level))
        return float(lower), float(upper)

    def probability_above(self, p: float) -> float:
        """The probability that the entry is above ``p``."""
        from scipy.stats import beta

        return 1.0 if self.b == 0 and p < 1 else float(beta.sf(p, self.a, self.b))


@dataclass(frozen=True, eq=False)
class TablePosterior:
    """``concentration`` α > 0 with the axes of the table of ``node``: ``parents``, then the node.

    The posterior of the table's row j is Dirichlet(α_j), that of its entry Beta(α_jk, Σ α_j - α_jk).
    """

    node: Variable
    parents: tuple[Variable, ...]
    concentration: Numbers

    @property
    def mean(self) -> Numbers:
        """The posterior mean of each entry: the table itself."""
        return self.concentration / self.concentration.sum(axis=-1, keepdims=True)

    @property
    def standard_deviation(self) -> Numbers:
        """That of each entry."""
        total = self.concentration.sum(axis=-1, keepdims=True)
        return np.sqrt(self.mean * (1 - self.mean) / (total + 1))

    def interval(self, level: float = 0.95) -> tuple[Numbers, Numbers]:
        """The lower and the upper end of the equal-tailed credible interval of each entry."""
        total = self.concentration.sum(axis=-1, keepdims=True)
        return _interval(self.concentration, total - self.concentration, checked_level(level))

    def entry(self, state: Any, parents: Mapping[str, Any] | None = None) -> EntryPosterior:
        """The posterior of the entry of ``state`` given a state of each of the parents."""
        given = {} if parents is None else parents
        if not isinstance(given, Mapping) or set(given) != {v.name for v in self.parents}:
            raise InputError(
                f"an entry of the table of {self.node.name!r} is named by a state of each of its parents "
                f"({', '.join(v.name for v in self.parents) or 'it has none'}); got {as_written(parents)}"
            )
        row = self.concentration[tuple(v.code(given[v.name]) for v in self.parents)]
        k = self.node.code(state)
        return EntryPosterior(float(row[k]), float(np.delete(row, k).sum()))

    def text(self, level: float = 0.95) -> str:
        """Mean and interval of each entry."""
        lower, upper = self.interval(level)
        states = (*(v.states for v in self.parents), self.node.states)
        head = probability_text([self.node.name], [v.name for v in self.parents])
        return "\n".join(
            [
                f"{head}  columns: mean, {100 * level:g} % credible interval",
                *table_lines(states, np.stack([self.mean, lower, upper], axis=-1)),
            ]
        )

    def to_plain(self, level: float = 0.95) -> dict[str, Any]:
        """The posterior as plain data."""
        lower, upper = self.interval(level)
        return to_plain(
            {
                "node": self.node.name,
                "states": {v.name: v.states for v in (*self.parents, self.node)},
                "concentration": self.concentration,
                "mean": self.mean,
                "level": level,
                "lower": lower,
                "upper": upper,
            }
        )


def posteriors_of(counts: FamilyCounts, pseudocount: float, prior: Prior) -> dict[str, TablePosterior]:
    """The posterior of each table, by node; the prior is that of ``estimate_table``, ``pseudocount`` above 0."""
    schema, found = counts.schema, {}
    for v, table in counts.tables.items():
        parents = tuple(schema[u] for u in counts.dag.parents(v))
        added = pseudocount if prior == "cell" else pseudocount / table.size
        found[v] = TablePosterior(schema[v], parents, np.asarray(table + added, np.float64))
    return found


def checked_level(level: Any) -> float:
    """``level`` as a float strictly between 0 and 1; ``InputError``."""
    number = isinstance(level, (int, float, np.integer, np.floating)) and not isinstance(level, bool)
    if not (number and 0 < level < 1):
        raise InputError(f"level must be a probability strictly between 0 and 1; got {as_written(level)}")
    return float(level)


def _interval(a: Numbers, b: Numbers, level: float) -> tuple[Numbers, Numbers]:
    """Quantiles of Beta(a, b); an entry without alternatives (b = 0) is 1."""
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    has_others = np.where(b > 0, b, 1.0)
    lower, upper = (np.where(b > 0, betaincinv(a, has_others, share), 1.0) for share in (tail, 1 - tail))
    return lower, upper
