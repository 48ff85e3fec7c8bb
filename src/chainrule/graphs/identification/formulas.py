"""Formulas of conditional probabilities: sums, products and quotients, as values that are written and computed.

A name stands for the value of its variable.  A sum binds its names: the same name outside of it is another value, and
is told apart with a prime where it is written, as in ∑_M P(M | X) ∑_X' P(Y | X', M) P(X').
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.graphs.notation import names_latex, probability_latex, probability_text

__all__ = [
    "ONE",
    "Formula",
    "Marginal",
    "Probability",
    "Product",
    "Quotient",
    "Sum",
    "computed",
    "latex",
    "names_in",
    "text",
]

Marginal = Callable[
    [tuple[str, ...]], NDArray[np.float64]
]  # the joint distribution of names, an axis for each

_MOST_CELLS = 2**27  # of one array, 1 GiB
_MOST_AXES = 64  # of a numpy array


@dataclass(frozen=True)
class Probability:
    """P(variables | given)."""

    variables: tuple[str, ...]
    given: tuple[str, ...] = ()

    @property
    def free(self) -> frozenset[str]:
        """The names that the value depends on."""
        return frozenset((*self.variables, *self.given))


@dataclass(frozen=True)
class Product:
    """The product of ``factors``; without any it is 1."""

    factors: tuple[Formula, ...]

    @property
    def free(self) -> frozenset[str]:
        """The names that the value depends on."""
        return frozenset().union(*(f.free for f in self.factors))


@dataclass(frozen=True)
class Quotient:
    """``numerator`` divided by ``denominator``."""

    numerator: Formula
    denominator: Formula

    @property
    def free(self) -> frozenset[str]:
        """The names that the value depends on."""
        return self.numerator.free | self.denominator.free


@dataclass(frozen=True)
class Sum:
    """``term``, summed over all states of the variables ``over``."""

    over: tuple[str, ...]
    term: Formula

    @property
    def free(self) -> frozenset[str]:
        """The names that the value depends on."""
        return self.term.free.difference(self.over)


Formula = Probability | Product | Quotient | Sum
ONE = Product(())


def text(formula: Formula, names: Iterable[str] = ()) -> str:
    """The formula in plain text; ``names`` are in use outside of it.

    >>> inner = Sum(("X",), Product((Probability(("Y",), ("X", "M")), Probability(("X",)))))
    >>> text(Sum(("M",), Product((Probability(("M",), ("X",)), inner))), ["X"])
    "∑_M P(M | X) ∑_X' P(Y | X', M) P(X')"
    """
    return _Text().write(formula, {name: name for name in (*names, *formula.free)})


def latex(formula: Formula, names: Iterable[str] = ()) -> str:
    """The formula in LaTeX; ``names`` are in use outside of it.

    >>> print(latex(Quotient(Probability(("X", "Y")), Probability(("X",)))))
    \\frac{P(X, Y)}{P(X)}
    """
    return _Latex().write(formula, {name: name for name in (*names, *formula.free)})


class _Text:
    """How a formula is written: recursion here, signs in a few methods."""

    def write(self, formula: Formula, shown: dict[str, str]) -> str:
        """``shown`` says how each name in scope is written."""
        if isinstance(formula, Probability):
            return self.probability(
                *([shown[n] for n in some] for some in (formula.variables, formula.given))
            )
        if isinstance(formula, Quotient):
            return self.quotient(self.write(formula.numerator, shown), self.write(formula.denominator, shown))
        if isinstance(formula, Sum):
            inner = shown | {name: _unused(name, shown.values()) for name in formula.over}
            return self.sum(
                [inner[name] for name in formula.over], self._factor(formula.term, inner, last=True)
            )
        ordered = sorted(
            formula.factors, key=lambda f: isinstance(f, Sum)
        )  # a sum ends where its product does
        last = len(ordered) - 1
        return self.between.join(self._factor(f, shown, last=i == last) for i, f in enumerate(ordered)) or "1"

    def _factor(self, formula: Formula, shown: dict[str, str], *, last: bool) -> str:
        written = self.write(formula, shown)
        alone = isinstance(formula, Probability | Product) or (last and isinstance(formula, Sum))
        return written if alone else self.grouped(written, formula)

    between = " "

    def probability(self, variables: list[str], given: list[str]) -> str:
        return probability_text(variables, given)

    def quotient(self, above: str, below: str) -> str:
        return f"[{above}] / [{below}]"

    def sum(self, over: list[str], term: str) -> str:
        return f"∑_{over[0] if len(over) == 1 else '{' + ', '.join(over) + '}'} {term}"

    def grouped(self, written: str, formula: Formula) -> str:
        return f"({written})"


class _Latex(_Text):
    between = r" \, "

    def probability(self, variables: list[str], given: list[str]) -> str:
        return probability_latex(variables, given)

    def quotient(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def sum(self, over: list[str], term: str) -> str:
        return rf"\sum_{{{names_latex(over)}}} {term}"

    def grouped(self, written: str, formula: Formula) -> str:
        return written if isinstance(formula, Quotient) else rf"\Big( {written} \Big)"


def _unused(name: str, taken: Iterable[str]) -> str:
    taken = set(taken)
    while name in taken:
        name += "'"
    return name


def computed(formula: Formula, marginal: Marginal, names: Sequence[str]) -> NDArray[np.float64]:
    """The values of the formula, an axis for each of ``names``, of one place where it does not depend on it.

    ``names`` hold all that is free in it.  What has probability zero to be conditioned on is NaN, unless it counts
    zero times.  Raises ``TooLargeError``.

    >>> joint = np.array([[0.1, 0.4], [0.3, 0.2]])
    >>> def marginal(names):
    ...     return joint if names == ("Y", "X") else joint.sum(0)
    >>> computed(Probability(("Y",), ("X",)), marginal, ["X", "Y"]).round(3).tolist()
    [[0.25, 0.75], [0.667, 0.333]]
    """
    bound = sorted(names_in(formula).difference(names))
    axes = {name: i for i, name in enumerate((*names, *bound))}
    if len(axes) > _MOST_AXES:
        raise TooLargeError(
            f"the formula has {len(axes)} variables, at most {_MOST_AXES} are computed with; ask for another set of "
            "treatments, outcomes or given nodes"
        )
    values = _computed(formula, marginal, axes)
    return values.reshape(values.shape[: len(names)])


def _computed(formula: Formula, marginal: Marginal, axes: dict[str, int]) -> NDArray[np.float64]:
    """The values with an axis for each of ``axes``; one that is summed over, or absent, has a single place."""
    if isinstance(formula, Probability):
        scope = (*formula.variables, *formula.given)
        joint = np.transpose(marginal(scope), np.argsort([axes[name] for name in scope]))
        joint = np.expand_dims(joint, [i for name, i in axes.items() if name not in scope])
        return _divided(joint, joint.sum(axis=_places(formula.variables, axes), keepdims=True))
    if isinstance(formula, Quotient):
        return _divided(*(_computed(f, marginal, axes) for f in (formula.numerator, formula.denominator)))
    if isinstance(formula, Sum):
        return _computed(formula.term, marginal, axes).sum(axis=_places(formula.over, axes), keepdims=True)
    parts = (_computed(f, marginal, axes) for f in formula.factors)
    return reduce(_multiplied, parts, np.ones((1,) * len(axes)))


def _places(names: Iterable[str], axes: dict[str, int]) -> tuple[int, ...]:
    return tuple(axes[name] for name in names)


def _multiplied(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product, in which zero times what is not known is zero."""
    _check_cells(a, b)
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _divided(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The quotient; NaN where it has no value."""
    _check_cells(a, b)
    a, b = np.broadcast_arrays(a, b)
    return np.divide(a, b, out=np.full(a.shape, np.nan), where=b != 0)


def _check_cells(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    n = prod(np.broadcast_shapes(a.shape, b.shape))
    if n > _MOST_CELLS:
        raise TooLargeError(
            f"a part of the formula has {n:,} joint states, at most {_MOST_CELLS:,} are computed with; give the "
            "variables fewer states"
        )


def names_in(formula: Formula) -> frozenset[str]:
    """All names of a formula, free or bound."""
    if isinstance(formula, Sum):
        return names_in(formula.term)
    if isinstance(formula, Quotient):
        return names_in(formula.numerator) | names_in(formula.denominator)
    return (
        frozenset().union(*map(names_in, formula.factors)) if isinstance(formula, Product) else formula.free
    )
