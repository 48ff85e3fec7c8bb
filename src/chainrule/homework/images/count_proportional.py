"""Binary images whose probability grows with their number of black pixels: exact at any size.

Black is 1.  An image of D = height · width pixels has count k, its number of black pixels.  "Probability
proportional to the count" can be read in two ways:

    rule "image":  p(x) = k / (D 2^{D-1})                 every image proportional to its own count
    rule "count":  p(x) = k / (D (D+1)/2) / C(D, k)       p(count = k) ∝ k, images of a count equally likely

Both depend on x through k only, so nothing is ever enumerated.  The probability that r given pixels hold
one pattern with c of them black (the other D - r summed out) is closed as well:

    rule "image":  (2c + D - r) / (D 2^r)
    rule "count":  2 ((D+2)(c+1) - (r+2)) / (D (r+1) (r+2) C(r, c))

The first is the binomial sum of c + j.  For the second write p(x) as a mixture of coin flips: k k!(D-k)! =
(k+1)! (D-k)! - k! (D-k)! is a difference of two Beta integrals, and integrals over r flips stay Beta.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import comb
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.models.contract import Codes, DiscreteModel, Marginalises
from chainrule.tables.door import known
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["CountProportional", "Rule"]

Rule = Literal["image", "count"]
_RULES = ("image", "count")


class CountProportional(DiscreteModel):
    """Binary images, black = 1, with probability proportional to the number of black pixels.

    ``rule`` is ``"image"`` or ``"count"``, see the module.  Rows are images flattened to height · width
    columns.  Nothing is learned: ``log_prob`` and ``sample`` work with or without ``fit``.
    A missing pixel is marginalised in closed form, at no cost; an all-white image is impossible.

    >>> model = CountProportional(3, 3, rule="image")
    >>> model.exact_prob([1, 1, 1, 1, 1, 1, 1, 1, 1]), model.exact_prob([0, 1, 0, 0, 0, 0, 0, 0, 0])
    (Fraction(1, 256), Fraction(1, 2304))
    >>> CountProportional(28, 28).sample(2, rng=0).shape
    (2, 784)
    """

    marginalises_: ClassVar[Marginalises] = "any"
    _is_binary: ClassVar[bool] = True

    def __init__(self, height: int, width: int, rule: Rule = "image") -> None:
        self.height = height
        self.width = width
        self.rule = rule

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Check that the rows are such images; there is nothing to learn."""
        self._refuse_missing(table, "rows to fit are whole images")
        self.fit_info_ = {"n_rows": table.n_rows, "epochs": 0}

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._log_marginal((codes >= 0).sum(1), (codes == 1).sum(1))

    def exact_prob(self, x: ArrayLike) -> Fraction:
        """The probability of one image ``x`` (D,) as a fraction; NaN marks a pixel that is summed out."""
        d, rule = self._parsed()
        row = known(x, _pixels(d))
        return _marginal(rule, d, int((row >= 0).sum()), int((row == 1).sum()))

    def count_pmf(self) -> NDArray[np.float64]:
        """``p(count = k)`` for k = 0 … D, (D+1,)."""
        d, _ = self._parsed()
        return np.exp(self._log_count_weights(d, 0))

    def exact_count_pmf(self) -> list[Fraction]:
        """``p(count = k)`` for k = 0 … D in exact fractions.

        >>> [str(p) for p in CountProportional(2, 1, rule="count").exact_count_pmf()]
        ['0', '1/3', '2/3']
        """
        d, rule = self._parsed()
        return [comb(d, k) * _marginal(rule, d, d, k) for k in range(d + 1)]

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        """The number of further black pixels is drawn from its exact law, then their places uniformly."""
        self._refuse_white(codes)
        out = codes.copy()
        free, black = codes < 0, (codes == 1).sum(1)
        numbers = np.stack([free.sum(1), black], axis=1)
        for m, c in np.unique(numbers, axis=0):
            members = np.flatnonzero((numbers == (m, c)).all(1))
            weights = np.exp(self._log_count_weights(int(m), int(c)))
            further = generator.choice(m + 1, len(members), p=weights / weights.sum())
            fills = generator.permuted(np.arange(m) < further[:, None], axis=1)
            rows, columns = np.nonzero(free[members])
            out[members[rows], columns] = fills.ravel()
        return out

    def _most_probable(self, codes: Codes) -> Codes:
        """Of one count all completions are equally probable: the first pixels that are free become black."""
        self._refuse_white(codes)
        out = codes.copy()
        for row in out:
            free = np.flatnonzero(row < 0)
            j = np.arange(len(free) + 1)
            d, black = len(row), int((row == 1).sum())
            k = int(self._log_marginal(np.full(len(j), d), black + j).argmax())
            row[free] = np.arange(len(free)) < k
        return out

    def _refuse_white(self, codes: Codes) -> None:
        if (codes == 0).all(axis=1).any():
            raise ValuesError(
                "an all-white image is given, which has probability zero; leave at least one pixel out (NaN)"
            )

    def _log_count_weights(self, m: int, black: int) -> NDArray[np.float64]:
        """Log of the joint probability of the D - m given pixels (``black`` of them black) and of j = 0 … m
        black ones among the rest, (m+1,)."""
        d, _ = self._parsed()
        j = np.arange(m + 1)
        return _log_comb(np.full(m + 1, m), j) + self._log_marginal(np.full(m + 1, d), black + j)

    def _log_marginal(self, r: NDArray[Any], c: NDArray[Any]) -> NDArray[np.float64]:
        """``_marginal`` in nats, elementwise."""
        d, rule = self._parsed()
        with np.errstate(divide="ignore"):  # log 0 = -inf is the all-white image
            if rule == "image":
                return np.log(2 * c + d - r) - np.log(d) - r * np.log(2.0)
            weight = np.log((d + 2) * (c + 1) - (r + 2)) + np.log(2 / d)
        return weight - np.log(r + 1) - np.log(r + 2) - _log_comb(r, c)

    def _parsed(self) -> tuple[int, Rule]:
        """The number of pixels and the rule, checked."""
        d = check_integer(self.height, "height") * check_integer(self.width, "width")
        if self.rule not in _RULES:
            raise InputError(f"rule must be 'image' or 'count'; got {self.rule!r}")
        return d, self.rule

    def _check_schema(self, schema: Schema) -> None:
        d, _ = self._parsed()
        if len(schema) != d:
            raise ShapeError(
                f"X has {len(schema)} columns, an image of {self.height} × {self.width} has {d} pixels; flatten each "
                "image into one row"
            )
        super()._check_schema(schema)

    def _known_schema(self) -> Schema:
        """Nothing is learned, so without a fit the columns are x1 … xD."""
        return getattr(self, "schema_", None) or _pixels(self._parsed()[0])

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {}, {}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self._parsed()


@lru_cache(maxsize=1)  # a large image's takes megabytes
def _pixels(d: int) -> Schema:
    return Schema.of_sizes((2,) * d)


def _marginal(rule: Rule, d: int, r: int, c: int) -> Fraction:
    """Probability that r given pixels of d hold one pattern with c black ones (derived at the top)."""
    if rule == "image":
        return Fraction(2 * c + d - r, d * 2**r)
    return Fraction(2 * ((d + 2) * (c + 1) - (r + 2)), d * (r + 1) * (r + 2) * comb(r, c))


def _log_comb(n: NDArray[Any], k: NDArray[Any]) -> NDArray[np.float64]:
    """``log C(n, k)`` elementwise."""
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
