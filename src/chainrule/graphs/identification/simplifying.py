"""Products, quotients and sums of formulas, made short by what the laws of probability say and nothing else.

- Chain rule: P(a | b, c) P(b | c) = P(a, b | c), and back in a quotient.
- A sum over a variable goes to the only factor that reads it, and ∑_a P(a, b | c) = P(b | c).
- What a sum does not bind stands before it; equal factors above and below a line cancel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations

from chainrule.graphs.identification.formulas import ONE, Formula, Probability, Product, Quotient, Sum

__all__ = ["product", "quotient", "total"]


def product(factors: Iterable[Formula]) -> Formula:
    """The product of formulas.

    >>> product([Probability(("B",), ("C",)), Probability(("A",), ("B", "C"))])
    Probability(variables=('B', 'A'), given=('C',))
    """
    above, below = _parts(factors)
    above, below = _cancelled(_merged(above), _merged(below))
    numerator = above[0] if len(above) == 1 else Product(tuple(above))
    if not below:
        return numerator
    return Quotient(numerator, below[0] if len(below) == 1 else Product(tuple(below)))


def quotient(numerator: Formula, denominator: Formula) -> Formula:
    """The quotient of two formulas.

    >>> quotient(Probability(("A", "B"), ("C",)), Probability(("B",), ("C",)))
    Probability(variables=('A',), given=('B', 'C'))
    """
    return product([numerator, Quotient(ONE, denominator)])


def total(over: Sequence[str], formula: Formula) -> Formula:
    """The sum of a formula over variables that it reads.

    >>> total(["A", "B"], Product((Probability(("A",)), Probability(("B",), ("A",)), Probability(("C",), ("A",)))))
    Probability(variables=('C',), given=())
    """
    left, factors = list(over), list(_listed(formula))
    while found := _summed_in_one(left, factors):
        name, before, after = found
        left.remove(name)
        factors = [*(f for f in factors if f is not before), *_listed(after)]
    if not left:
        return product(factors)
    inside = [f for f in factors if not f.free.isdisjoint(left)]
    outside = [f for f in factors if f.free.isdisjoint(left)]
    merged = _merged(inside)
    if len(merged) < len(inside):  # a sum may now reach one factor alone
        return total(left, Product((*outside, *merged)))
    return product([*outside, Sum(tuple(left), product(inside))])


def _summed_in_one(names: Iterable[str], factors: list[Formula]) -> tuple[str, Formula, Formula] | None:
    """A name that one factor alone reads, that factor, and what it is summed over the name."""
    for name in names:
        readers = [f for f in factors if name in f.free]
        if len(readers) == 1 and (after := _summed(name, readers[0])) is not None:
            return name, readers[0], after
    return None


def _summed(name: str, formula: Formula) -> Formula | None:
    """The formula summed over ``name``, where that is simpler than to say so."""
    if isinstance(formula, Probability):
        if name not in formula.variables:
            return None
        rest = tuple(v for v in formula.variables if v != name)
        return Probability(rest, formula.given) if rest else ONE
    if isinstance(formula, Sum):
        return total([*formula.over, name], formula.term)
    if isinstance(formula, Quotient) and name not in formula.denominator.free:
        return quotient(total([name], formula.numerator), formula.denominator)
    return None


def _listed(formula: Formula) -> tuple[Formula, ...]:
    return formula.factors if isinstance(formula, Product) else (formula,)


def _parts(factors: Iterable[Formula]) -> tuple[list[Formula], list[Formula]]:
    """All factors above the line and all below it."""
    above: list[Formula] = []
    below: list[Formula] = []
    for f in factors:
        if isinstance(f, Quotient):
            for side, other, part in ((above, below, f.numerator), (below, above, f.denominator)):
                up, down = _parts([part])
                side += up
                other += down
        elif isinstance(f, Product):
            up, down = _parts(f.factors)
            above += up
            below += down
        else:
            above.append(f)
    return above, below


def _merged(factors: list[Formula]) -> list[Formula]:
    """The factors with P(a | b, c) P(b | c) as P(b, a | c)."""
    for a, b in permutations(factors, 2):
        if isinstance(a, Probability) and isinstance(b, Probability) and set(a.given) == b.free:
            joint = Probability((*b.variables, *a.variables), b.given)
            return _merged([joint if f is b else f for f in factors if f is not a])
    return factors


def _cancelled(above: list[Formula], below: list[Formula]) -> tuple[list[Formula], list[Formula]]:
    """Both sides without what stands in both, and P(a, b | c) over P(b | c) as P(a | b, c)."""
    for a in above:
        for b in below:
            rest = _conditional(a, b)
            if rest is not None:
                up = [rest if f is a else f for f in above]
                return _cancelled([f for f in up if f != ONE], [f for f in below if f is not b])
    return above, below


def _conditional(a: Formula, b: Formula) -> Formula | None:
    if a == b:
        return ONE
    if not (isinstance(a, Probability) and isinstance(b, Probability) and set(a.given) == set(b.given)):
        return None
    if not set(b.variables) < set(a.variables):
        return None
    rest = tuple(v for v in a.variables if v not in b.variables)
    return Probability(rest, (*b.variables, *a.given))
