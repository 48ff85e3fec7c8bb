"""The exact test of conditional independence: y shuffled within each stratum of the given variables.

Shuffling changes the cells of a stratum and keeps its margins, and every table with these margins comes with its
hypergeometric probability.  So tables are drawn directly (Patefield 1981, by SciPy), which is the same as
shuffling rows and far cheaper.  With the margins fixed, the likelihood ratio statistic is 2 Σ O log O plus a
constant, so that is what is compared.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import random_table

from chainrule.core.numerics import xlogy
from chainrule.evaluate.contingency import StratifiedTable

__all__ = ["permutation_p_value"]

_CELLS = 1 << 20  # drawn at a time
_TIE = 1e-9  # relative: sums of the same terms in another order differ by rounding, and count as ties


def permutation_p_value(table: StratifiedTable, n_permutations: int, rng: np.random.Generator) -> float:
    """(1 + the number of shuffles at least as dependent as the rows) / (1 + ``n_permutations``).

    Under independence it is at most α with probability at most α, for any number of rows (Phipson and Smyth
    2010).  Costs time in proportion to the cells, not to the rows.

    >>> zeros, half = np.zeros(8, np.int64), np.repeat([0, 1], 4)
    >>> permutation_p_value(StratifiedTable.of(half, half, zeros), 999, np.random.default_rng(0)) < 0.05
    True
    """
    k = np.arange(table.total.max() + 1)
    n_log_n = xlogy(k, k)
    varies = np.flatnonzero(table.dof > 0)
    observed = n_log_n[table.count[np.isin(table.stratum, varies)]].sum()
    row_margins = np.split(table.row_total, np.cumsum(table.n_rows)[:-1])
    column_margins = np.split(table.column_total, np.cumsum(table.n_columns)[:-1])
    drawn = np.zeros(n_permutations)
    for s in varies:
        law = random_table(row_margins[s], column_margins[s])
        step = max(1, _CELLS // (len(row_margins[s]) * len(column_margins[s])))
        for start in range(0, n_permutations, step):
            some = drawn[start : start + step]
            cells = law.rvs(len(some), random_state=rng).astype(np.int64)
            some += n_log_n[cells].sum((1, 2))
    at_least = int(np.count_nonzero(drawn >= observed * (1 - _TIE)))
    return (1 + at_least) / (1 + n_permutations)
