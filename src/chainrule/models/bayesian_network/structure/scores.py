"""What a family, a variable x with its parents S, adds to the score of a graph.

x has K states, S has q joint states; n_jk rows have configuration j of S and state k of x, n_j = sum_k n_jk, and n
rows are counted in all (by weight, where rows have weights).  With log-likelihood L = sum_jk n_jk log(n_jk / n_j),

    bic    L - (K - 1) q log(n) / 2     (Schwarz 1978)
    aic    L - (K - 1) q                (Akaike 1974)
    bdeu   log p(column of x | columns of S), each row of the table Dirichlet(a / (q K), …) a priori, with the
           equivalent sample size a     (Buntine 1991; Heckerman, Geiger and Chickering 1995)
    k2     the same, each row of the table Dirichlet(1, …, 1) a priori     (Cooper and Herskovits 1992)
    held-out    the log-likelihood of rows by tables that were counted on other rows     (``held_out``)

In bic and aic, K and q count the states that occur in the rows, since no row speaks for the others; the priors of bdeu
and k2, and what is added to the counts by which held-out rows are judged, are over all states that the schema names.
All scores are in nats, larger is better.

Each is joint(S and x) - margin(S) - price, where joint and margin are sums over the joint states that occur: so a set
of variables is counted once for all the families that it is, or is the parents, of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from chainrule.core.checks import check_real
from chainrule.core.choices import check_choice

__all__ = ["LIKELIHOOD", "Score", "ScoreName"]

ScoreName = Literal["bic", "aic", "bdeu", "k2", "held-out"]


@dataclass(frozen=True)
class Score:
    """A score by ``name``; ``sample_size`` is the a of "bdeu".  "likelihood" is L alone, which no search should use.

    Of "held-out", it is what is added to the counts of a table, in all or, where it is ``per_cell``, to each; counts
    are (m, G) then, by groups of rows of which the first judges none.
    """

    name: Literal["bic", "aic", "bdeu", "k2", "held-out", "likelihood"]
    sample_size: float = 1.0
    per_cell: bool = False

    @classmethod
    def of(cls, name: Any, sample_size: Any) -> Score:
        """The score, checked; ``InputError``."""
        check_choice(name, "score", get_args(ScoreName))
        return cls(name, check_real(sample_size, "equivalent_sample_size", strictly=True))

    @property
    def is_penalised(self) -> bool:
        """Whether it is a likelihood at its maximum less a price; else the probability of the rows under a prior."""
        return self.name in ("bic", "aic", "likelihood")

    @property
    def adds_to_cells(self) -> bool:
        """Whether as much is added to each cell of a table: then what parents are worth depends on their child's size.

        >>> Score("k2").adds_to_cells, Score("bdeu").adds_to_cells
        (True, False)
        """
        return self.name == "k2" or self.per_cell

    def joint(self, counts: NDArray[Any], n_states: float) -> float:
        """Of a family with ``n_states`` joint states; ``counts`` (m,) of those that occur."""
        return self._worth(counts, n_states, 1)

    def margin(self, counts: NDArray[Any], n_states: float, size: int) -> float:
        """Of the parents, with ``n_states`` joint states, of a variable with ``size`` states."""
        return self._worth(counts, n_states, size)

    def _worth(self, counts: NDArray[Any], n_states: float, cells: int) -> float:
        """Of joint states with so many cells of the table each."""
        if self.is_penalised:
            return float(xlogy(counts, counts).sum())
        a = 1.0 if self.name == "k2" else self.sample_size
        start = a * cells if self.adds_to_cells else a / n_states
        return _judged(counts, start) if self.name == "held-out" else _rising(counts, start)

    def price(self, n_parameters: Any, weight: float) -> Any:
        """What so many free parameters cost where the rows weigh ``weight``.

        >>> Score("bic").price(3, np.e**4), Score("bdeu").price(3, 100.0)
        (6.0, 0.0)
        """
        each = {"bic": 0.5 * float(np.log(max(weight, 1.0))), "aic": 1.0}.get(self.name, 0.0)
        return each * n_parameters


LIKELIHOOD = Score("likelihood")


def _judged(counts: NDArray[Any], start: float) -> float:
    """Sum of n log(start + N) over all groups but the first, with n in the group and N in the others."""
    here = counts[:, 1:]
    others = np.maximum(counts.sum(axis=1, keepdims=True) - here, 0.0)  # rounding, of weights
    return float(xlogy(here, others + start).sum())


def _rising(counts: NDArray[Any], start: float) -> float:
    """Sum of log Γ(start + n) - log Γ(start): the logarithm of start (start + 1) … (start + n - 1)."""
    return float((gammaln(counts + start)).sum() - len(counts) * gammaln(start))
