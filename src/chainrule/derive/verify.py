"""The checks: each asks SymPy one question and raises ``DerivationError`` unless the answer is yes.

A sign over an open domain is decided from assumptions, so the domain has to be one that SymPy knows.
The unit interval is reached by the chart ``p = 1/(1 + t)``, ``t > 0``: one-to-one and smooth, hence an
identity or a sign that holds for all ``t > 0`` holds for all ``0 < p < 1``.  ``where`` takes such charts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy as sp

from chainrule.derive.derivation import DerivationError, Verified

__all__ = ["all_equal", "different", "equal", "negative", "only_root", "positive", "tends"]

Where = Mapping[Any, Any]


def equal(left: Any, right: Any, statement: str, *, where: Where | None = None) -> Verified:
    """``left - right`` simplifies to zero (entry by entry for matrices).

    >>> x = sp.Symbol("x")
    >>> equal((x + 1) ** 2, x**2 + 2 * x + 1, "square").statement
    'square'
    """
    difference = _placed(left, where) - _placed(right, where)
    if isinstance(difference, sp.MatrixBase):
        left_over = [entry for entry in difference if not _is_zero(entry)]
    else:
        left_over = [] if _is_zero(difference) else [difference]
    if left_over:
        raise DerivationError(f"not confirmed: {statement} (the sides differ by {left_over[0]})")
    return Verified(statement)


def all_equal(pairs: Iterable[tuple[Any, Any]], statement: str, *, where: Where | None = None) -> Verified:
    """Every pair is equal in the sense of ``equal``.

    >>> all_equal([(sp.sin(0), 0), (sp.cos(0), 1)], "two values").statement
    'two values'
    """
    for left, right in pairs:
        equal(left, right, statement, where=where)
    return Verified(statement)


def different(left: Any, right: Any, statement: str, *, at: Where) -> Verified:
    """``left`` and ``right`` are not the same function: exact values at the point ``at`` differ.

    >>> x = sp.Symbol("x")
    >>> different(x, x**2, "x is not its square", at={x: 2}).statement
    'x is not its square'
    """
    difference = sp.nsimplify(_placed(left, at) - _placed(right, at))
    if difference.is_zero is not False:
        raise DerivationError(f"not refuted: {statement} (the difference at the point is {difference})")
    return Verified(statement)


def negative(expression: Any, statement: str, *, where: Where | None = None) -> Verified:
    """``expression`` is below zero over the whole domain of its symbols.

    >>> negative(-1 / sp.Symbol("x", positive=True), "minus one over x").statement
    'minus one over x'
    """
    placed = _placed(expression, where)
    if not any(form(placed).is_negative for form in _FORMS):
        raise DerivationError(f"not confirmed: {statement} ({placed} is not known to be negative)")
    return Verified(statement)


def positive(expression: Any, statement: str, *, where: Where | None = None) -> Verified:
    """``expression`` is above zero over the whole domain of its symbols.

    >>> positive(sp.Symbol("x", positive=True) + 1, "x + 1").statement
    'x + 1'
    """
    return negative(-_placed(expression, where), statement)


def only_root(
    expression: Any, symbol: sp.Symbol, root: Any, statement: str, *, where: Where | None = None
) -> Verified:
    """``root`` makes ``expression`` zero and SymPy's solver finds no other root.

    >>> x = sp.Symbol("x", positive=True)
    >>> only_root(2 - x, x, 2, "x = 2").statement
    'x = 2'
    """
    equal(sp.sympify(expression).subs(symbol, root), 0, f"{statement}: substituted back", where=where)
    roots = sp.solve(expression, symbol)
    if len(roots) != 1:
        raise DerivationError(f"not confirmed: {statement} (the solver finds {roots})")
    equal(roots[0], root, statement, where=where)
    return Verified(statement)


def tends(
    expression: Any, symbol: sp.Symbol, point: Any, to: Any, statement: str, *, side: str = "+"
) -> Verified:
    """The limit of ``expression`` as ``symbol`` goes to ``point`` (from ``side``) is ``to``.

    >>> x = sp.Symbol("x", positive=True)
    >>> tends(sp.log(x), x, 0, -sp.oo, "log x falls without bound").statement
    'log x falls without bound'
    """
    limit = sp.limit(expression, symbol, point, side)
    if limit != to and not (sp.sympify(to).is_finite and _is_zero(limit - to)):
        raise DerivationError(f"not confirmed: {statement} (the limit is {limit}, not {to})")
    return Verified(statement)


def _placed(expression: Any, where: Where | None) -> Any:
    expression = expression if isinstance(expression, sp.MatrixBase) else sp.sympify(expression)
    return expression.subs(where, simultaneous=True) if where else expression


def _is_zero(expression: Any) -> bool:
    """Whether some sound rewriting turns ``expression`` into exactly 0."""
    return any(form(expression) == 0 for form in _FORMS)


# cheapest first; each keeps the value under the symbols' assumptions (no ``force``)
_FORMS = (
    lambda e: e,
    lambda e: sp.expand(sp.expand_log(e)),
    sp.factor,
    sp.simplify,
    lambda e: sp.simplify(sp.expand(sp.expand_log(sp.simplify(e)))),
    lambda e: sp.gammasimp(sp.combsimp(e)),
)
