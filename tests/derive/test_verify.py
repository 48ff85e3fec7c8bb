"""A check that cannot fail proves nothing: each one is shown something false."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp

from chainrule.core.errors import InputError
from chainrule.derive.derivation import DerivationError, derived
from chainrule.derive.exponential_form import _one_parameter
from chainrule.derive.families import ONE_PARAMETER, S, n, t
from chainrule.derive.notation import formula
from chainrule.derive.one_parameter import derive_one_parameter
from chainrule.derive.verify import all_equal, different, equal, negative, only_root, positive, tends

x = sp.Symbol("x", positive=True)
y = sp.Symbol("y", real=True)
p = sp.Symbol("p", positive=True)


@pytest.mark.parametrize(
    "claim",
    [
        lambda: equal(x, x + 1, "x = x + 1"),
        lambda: equal(sp.Matrix([x, 1]), sp.Matrix([x, 2]), "two vectors"),
        lambda: equal(sp.sqrt(y**2), y, "the root of a square is the number, also below zero"),
        lambda: all_equal([(x, x), (x, 2 * x)], "the second pair differs"),
        lambda: different(x, 2 * x - 1, "they meet at 1", at={x: 1}),
        lambda: different((x + 1) ** 2, x**2 + 2 * x + 1, "the same function", at={x: 3}),
        lambda: negative(x, "a positive number"),
        lambda: negative(y, "a number of either sign"),
        lambda: positive(1 - p, "1 − p without saying that p is below 1"),
        lambda: positive(sp.Integer(0), "zero"),
        lambda: only_root(x - 2, x, 3, "a wrong root"),
        lambda: only_root(y**2 - 1, y, 1, "one of two roots"),
        lambda: tends(1 / x, x, 0, 0, "1/x at 0"),
        lambda: tends(sp.log(x), x, 0, sp.oo, "log x at 0"),
    ],
)
def test_a_false_claim_is_refused(claim):
    with pytest.raises(DerivationError, match=r"not (confirmed|refuted)"):
        claim()


def test_a_chart_makes_the_unit_interval_known():
    chart = {p: 1 / (1 + t)}
    assert positive(1 - p, "1 − p on the unit interval", where=chart).statement
    with pytest.raises(DerivationError):
        positive(sp.Rational(1, 2) - p, "one half minus p changes sign on the unit interval", where=chart)


def test_a_step_without_a_check_cannot_be_made():
    with pytest.raises(InputError, match="has no check"):
        derived("Just believe me.", formula("x", x))


@pytest.mark.parametrize("family", sorted(ONE_PARAMETER))
@pytest.mark.parametrize("field", ["density", "likelihood", "log_likelihood", "curvature", "information"])
def test_a_mistake_planted_in_a_family_stops_its_derivation(family, field):
    right = ONE_PARAMETER[family]
    extra = {"density": 2, "likelihood": right.parameter}.get(field)
    value = getattr(right, field)
    wrong = value * extra if extra is not None else value + right.parameter * n
    with pytest.raises(DerivationError):
        derive_one_parameter(replace(right, **{field: wrong}))


@pytest.mark.parametrize("family", sorted(ONE_PARAMETER))
@pytest.mark.parametrize("field", ["natural", "log_partition", "carrier"])
def test_a_mistake_planted_in_the_exponential_form_is_found(family, field):
    right = ONE_PARAMETER[family]
    wrong = replace(right, **{field: 3 * getattr(right, field)})
    with pytest.raises(DerivationError):
        _one_parameter(wrong)


def test_an_edge_that_is_not_where_the_likelihood_climbs_is_refused():
    right = ONE_PARAMETER["poisson"]
    turned = replace(right.edges[0], to=sp.oo, side="-")
    with pytest.raises(DerivationError):
        derive_one_parameter(replace(right, edges=(turned,)))


def test_the_sum_of_a_divergent_series_is_not_taken_for_its_formula():
    geometric = ONE_PARAMETER["geometric"]
    wider = replace(geometric, domain=sp.Interval.open(0, 3))
    with pytest.raises(DerivationError, match="converges only where"):
        wider.expectation(geometric.x)


def test_the_names_of_the_statistics_are_free_of_the_data():
    for family in ONE_PARAMETER.values():
        assert family.log_likelihood.free_symbols == {family.parameter, n, S}
