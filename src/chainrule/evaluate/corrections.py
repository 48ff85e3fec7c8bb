"""p values of many tests, corrected for their number."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import false_discovery_control

from chainrule.core.checks import as_floats
from chainrule.core.choices import check_choice
from chainrule.core.errors import ValuesError

__all__ = ["Correction", "benjamini_hochberg", "correct", "holm"]

Correction = Literal["holm", "bh"]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's corrected p values (m,): rejecting those up to α errs anywhere with probability at most α.

    The k-th smallest is multiplied by m − k + 1, and none is below a smaller one (Holm 1979).  It holds
    whatever the tests have to do with each other.  Raises ``ValuesError`` for what is no p value.

    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    out = np.empty(len(p))
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return out


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Benjamini and Hochberg's corrected p values (m,): of those up to α, a share of α is expected to be wrong.

    The k-th smallest is multiplied by m / k, and none is above a larger one (1995).  It holds for independent
    and for positively dependent tests (Benjamini and Yekutieli 2001).  Raises ``ValuesError``.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.04, 0.04]
    """
    p = _checked(p_values)
    return false_discovery_control(p) if len(p) else p  # SciPy's takes no empty list


def correct(p_values: ArrayLike, correction: Correction | None) -> NDArray[np.float64]:
    """The p values corrected by name; as they are for ``None``.

    >>> correct([0.01, 0.5], "holm").tolist(), correct([0.01, 0.5], None).tolist()
    ([0.02, 0.5], [0.01, 0.5])
    """
    if correction is not None:
        check_choice(correction, "correction", get_args(Correction))
    if correction is None:
        return _checked(p_values)
    return holm(p_values) if correction == "holm" else benjamini_hochberg(p_values)


def _checked(p_values: ArrayLike) -> NDArray[np.float64]:
    p = as_floats(p_values, "p_values")
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValuesError("p values must be a list of numbers from 0 to 1; leave out tests that have none")
    return p
