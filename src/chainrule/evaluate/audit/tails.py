"""How probable a sum of indicators is that far from its mean, for any number of them: Bennett's inequality (1962).

For independent terms with mean zero that are at most 1, and variances that sum to V,

    P(sum >= t) <= exp(-V h(t / V)),     h(u) = (1 + u) log(1 + u) - u.

It holds where the normal approximation does not, far out in the tail of rare states, and costs little power elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["bennett"]


def bennett(total: ArrayLike, variance: ArrayLike) -> NDArray[np.float64]:
    """At most how probable |sum| >= |total| is, where the terms' variances sum to ``variance``; elementwise.

    >>> bennett([0.0, 30.0, 3.0], [100.0, 100.0, 0.0]).round(4).tolist()
    [1.0, 0.0329, 0.0]
    """
    t, v = np.broadcast_arrays(np.abs(np.asarray(total, np.float64)), np.asarray(variance, np.float64))
    safe = np.where(v > 0, v, 1.0)
    u = t / safe
    out = np.minimum(1.0, 2 * np.exp(-safe * ((1 + u) * np.log1p(u) - u)))
    return np.where(v > 0, out, np.where(t > 1e-6, 0.0, 1.0))
