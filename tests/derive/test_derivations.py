"""What the derivations arrive at, against numerical work that shares nothing with them."""

from __future__ import annotations

import json
import re
from functools import cache

import numpy as np
import pytest
import sympy as sp
from math_core import LatexToMathML
from scipy import integrate, optimize, stats

from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.core.records import dump_json
from chainrule.derive import (
    derive_and_fit,
    derive_independent_bernoulli,
    derive_mle,
    exponential_family_form,
    list_families,
)
from chainrule.derive.families import ONE_PARAMETER, S, n
from chainrule.derive.notation import formula, plain_text
from chainrule.derive.one_parameter import estimator
from chainrule.homework import refute_exponential_score

SCIPY = {
    "bernoulli": lambda theta: stats.bernoulli(theta),
    "geometric": lambda theta: stats.geom(theta),
    "poisson": lambda theta: stats.poisson(theta),
    "exponential": lambda theta: stats.expon(scale=1 / theta),
}
ROWS = {
    "bernoulli": [0, 1, 1, 0, 0, 1, 0],
    "geometric": [1, 4, 2, 7, 1],
    "poisson": [3, 0, 5, 2, 2],
    "exponential": [0.3, 1.7, 0.2, 2.9],
}
UPPER = {"bernoulli": 1.0, "geometric": 1.0, "poisson": 30.0, "exponential": 30.0}


def log_prob(family, theta, x):
    law = SCIPY[family](theta)
    return law.logpdf(x) if family == "exponential" else law.logpmf(x)


def parameter(family):
    return ONE_PARAMETER[family].parameter


derivation = cache(derive_mle)
form = cache(exponential_family_form)


@cache
def all_derivations():
    return [
        *(derivation(f) for f in list_families()),
        *(form(f).derivation for f in list_families()),
        derive_independent_bernoulli(),
        refute_exponential_score(),
    ]


def test_every_step_of_every_derivation_says_what_was_checked():
    for d in all_derivations():
        assert len(d.steps) >= 3
        for step in d.steps:
            assert all((step.text, step.latex, step.plain))
            assert len(step.check) > 8


def test_every_formula_becomes_mathml():
    converter = LatexToMathML()
    for d in all_derivations():
        for step in d.steps:
            inline = re.findall(r"\$([^$]+)\$", step.text)
            for latex in [step.latex, *inline]:
                assert converter.convert_with_local_state(latex, displaystyle=True).startswith("<math")


def test_the_terminal_form_has_no_latex_left():
    for d in all_derivations():
        text = d.to_text()
        assert "\\" not in re.sub(r"[╲\s]", "", text)
        assert "$" not in text
        assert not re.search(r"[{}]", text)


@pytest.mark.parametrize("family", sorted(SCIPY))
def test_the_root_is_where_a_numerical_search_finds_the_maximum(family):
    x = np.array(ROWS[family], float)
    root = float(estimator(ONE_PARAMETER[family]).subs({n: x.size, S: x.sum()}))
    found = optimize.minimize_scalar(
        lambda theta: -log_prob(family, theta, x).sum(),
        bounds=(1e-6, UPPER[family] - 1e-6),
        options={"xatol": 1e-11},
    )
    # a search on function values alone is good to the square root of the rounding error
    assert root == pytest.approx(found.x, abs=1e-6)


@pytest.mark.parametrize("family", sorted(SCIPY))
@pytest.mark.parametrize("theta", [0.2, 0.45, 0.8])
def test_the_information_is_the_mean_square_of_the_score(family, theta):
    information = float(ONE_PARAMETER[family].information.subs(parameter(family), theta))
    step = 1e-5

    def square(x):
        return ((log_prob(family, theta + step, x) - log_prob(family, theta - step, x)) / (2 * step)) ** 2

    if family == "exponential":
        law = SCIPY[family](theta)
        mean, _ = integrate.quad(lambda v: square(v) * law.pdf(v), 0, 200, limit=200)
    else:
        values = np.arange(0 if family != "geometric" else 1, 2 if family == "bernoulli" else 400)
        weights = SCIPY[family](theta).pmf(values)
        mean = float(weights[weights > 0] @ square(values[weights > 0]))
    assert mean == pytest.approx(information, rel=1e-6)


@pytest.mark.parametrize("family", sorted(SCIPY))
def test_the_log_likelihood_is_the_sum_of_scipys_log_probabilities(family):
    x = np.array(ROWS[family], float)
    f = ONE_PARAMETER[family]
    carriers = sum(float(sp.log(f.carrier.subs(f.x, int(v) if f.is_discrete else v))) for v in x)
    for theta in (0.2, 0.6):
        value = float(f.log_likelihood.subs({n: x.size, S: x.sum(), f.parameter: theta})) + carriers
        assert value == pytest.approx(log_prob(family, theta, x).sum(), abs=1e-12)


@pytest.mark.parametrize("rows", [2, 3, 10])
def test_the_exponential_estimate_is_biased_by_the_derived_factor(rows):
    rate = 1.7
    law = stats.gamma(rows, scale=1 / rate)
    mean, _ = integrate.quad(lambda s: rows / s * law.pdf(s), 0, np.inf)
    assert mean == pytest.approx(rate * rows / (rows - 1), rel=1e-7)
    shown = next(s.latex for s in derivation("exponential").steps if "biased" in s.text)
    assert shown == r"\mathrm{E}[\hat{\lambda}] = \frac{\lambda n}{n - 1}"


def test_the_exponential_variance_is_that_of_the_inverse_gamma_law():
    rows, rate = 5, 1.7
    variance = stats.invgamma(rows, scale=rate * rows).var()
    shown = next(s for s in derivation("exponential").steps if "exact variance" in s.text)
    formula_text = (
        r"\mathrm{Var}[\hat{\lambda}] = \frac{\lambda^{2} n^{2}}{\left(n - 2\right) \left(n - 1\right)^{2}}"
    )
    assert shown.latex == formula_text
    assert variance == pytest.approx(rate**2 * rows**2 / ((rows - 2) * (rows - 1) ** 2), rel=1e-12)


def test_the_geometric_bias_shrinks_as_the_first_order_term_says():
    p = 0.3
    gaps = []
    for rows in (50, 100, 200):
        failures = np.arange(0, 20_000)
        weights = stats.nbinom(rows, p).pmf(failures)
        bias = float(weights @ (rows / (rows + failures))) - p
        gaps.append(abs(bias - p * (1 - p) / rows) * rows**2)
        corrected = float(weights @ ((rows - 1) / (rows + failures - 1)))
        assert corrected == pytest.approx(p, abs=1e-12)
    # what the first-order term leaves out is of order 1/n²: its multiple of 1/n² settles
    assert gaps[2] == pytest.approx(gaps[1], rel=0.05)


@pytest.mark.parametrize("family", sorted(SCIPY))
def test_the_exponential_form_is_scipys_density(family):
    f = form(family)
    theta = 0.35
    natural = float(f.natural.subs(parameter(family), theta))
    (eta,) = f.log_partition.free_symbols
    symbol = ONE_PARAMETER[family].x
    for x in ROWS[family]:
        exact = sp.Integer(x) if isinstance(x, int) else x
        carrier = float(sp.sympify(f.carrier).subs(symbol, exact))
        value = np.log(carrier) + natural * x - float(f.log_partition.subs(eta, natural))
        assert value == pytest.approx(float(log_prob(family, theta, x)), abs=1e-12)


def test_the_normal_form_is_scipys_density():
    f = form("normal")
    mean, variance = 0.7, 2.5
    symbols = {s.name: s for s in f.natural.free_symbols}
    natural = [float(e.subs({symbols["mu"]: mean, symbols["v"]: variance})) for e in f.natural]
    etas = sorted(f.log_partition.free_symbols, key=lambda s: s.name)
    for x in (-1.3, 0.0, 4.2):
        partition = float(f.log_partition.subs(dict(zip(etas, natural, strict=True))))
        value = np.log(float(f.carrier)) + natural[0] * x + natural[1] * x**2 - partition
        assert value == pytest.approx(stats.norm(mean, np.sqrt(variance)).logpdf(x), abs=1e-12)


def test_the_categorical_form_is_the_softmax():
    f = form("categorical")
    etas = sorted(f.log_partition.free_symbols, key=lambda s: s.name)
    values = dict(zip(etas, np.log([0.2, 0.5, 0.3]) + 1.234, strict=True))
    softmax = [float(sp.diff(f.log_partition, e).subs(values)) for e in etas]
    assert softmax == pytest.approx([0.2, 0.5, 0.3], abs=1e-12)


def test_the_normal_derivation_says_that_one_row_has_no_maximum():
    texts = [s.text for s in derivation("normal").steps]
    assert any("there is no maximum" in text and "one row" in text for text in texts)


def test_the_written_score_has_the_right_root_and_the_wrong_slope():
    x = np.array([0.5, 1.5, 1.0, 3.0])
    root = x.size / x.sum()

    def value(rate):
        return stats.expon(scale=1 / rate).logpdf(x).sum()

    def slope(rate):
        return (value(rate + 1e-6) - value(rate - 1e-6)) / 2e-6

    assert slope(2.0) == pytest.approx(x.size / 2.0 - x.sum(), abs=1e-6)
    assert abs(slope(2.0) - (x.size - 2.0 * x.sum())) > 1
    assert slope(root) == pytest.approx(0, abs=1e-6)
    curvature = (slope(root + 1e-4) - slope(root - 1e-4)) / 2e-4
    assert 1 / np.sqrt(-curvature) == pytest.approx(root / np.sqrt(x.size), rel=1e-4)
    steps = refute_exponential_score().steps
    assert "It is not." in steps[0].text
    assert steps[2].latex == r"\hat{\lambda} = \frac{n}{S}"
    assert r"\frac{\hat{\lambda}}{\sqrt{n}}" in steps[4].latex


def test_independent_pixels_come_to_the_mean_the_pseudocount_and_the_edges():
    steps = derive_independent_bernoulli().steps
    latex = [s.latex for s in steps]
    assert r"\hat{p}_j = \frac{{s}_{j}}{n}" in latex
    assert r"\hat{p}_j = \frac{\alpha + {s}_{j}}{n + 2 \alpha}" in latex
    cleared = next(s for s in steps if "becomes" in s.text)
    assert "$s_j - p_j s_j = p_j (n - s_j)$" in cleared.text
    assert "p(1 − p) times the score" in cleared.check
    edge = next(s for s in steps if "never on" in s.text)
    assert "−∞" in edge.check


def test_the_families_are_the_six_of_the_exponential_family_model():
    from chainrule.models.exponential_family.laws import LAWS

    assert list_families() == list(LAWS)


@pytest.mark.parametrize("call", [derive_mle, exponential_family_form, derive_and_fit])
def test_an_unknown_family_is_named_with_its_neighbours(call):
    with pytest.raises(UnknownNameError, match=r"no family 'poison'; did you mean 'poisson'"):
        call("poison")
    for array in (np.array(["poisson", "normal"]), np.zeros(3)):
        with pytest.raises(UnknownNameError, match="no family"):
            call(array)


def test_derive_and_fit_gives_plain_data_and_text():
    found = derive_and_fit("geometric", [[1], [3], [2]], level=0.9)
    plain = found.to_plain()
    assert json.loads(dump_json(plain))["fit"]["estimates"] == {"probability": 0.5}
    assert plain["fit"]["level"] == 0.9
    text = found.to_text()
    assert "Fit to 3 rows" in text
    assert "90 % exact interval" in text
    assert "probability without bias: 0.4" in text
    assert derive_and_fit("geometric").to_plain()["fit"] is None
    assert "Fit to" not in derive_and_fit("geometric").to_text()


def test_derive_and_fit_shows_each_state_and_each_note():
    text = derive_and_fit("categorical", [0, 2, 2]).to_text()
    assert "probabilities[1]" in text
    assert "note: never seen" in text


@pytest.mark.parametrize(
    ("x", "options", "error"),
    [
        ([-1.0, 2.0], {}, ValuesError),
        ([[1.0, 2.0]], {}, ShapeError),
        ([1.0, 2.0], {"level": 1.0}, InputError),
        ([0.0, 0.0], {}, ValuesError),
    ],
)
def test_derive_and_fit_looks_at_the_data_first(x, options, error, monkeypatch):
    import chainrule.derive.maximum_likelihood as module

    def never(family):
        raise AssertionError("derived before the data were looked at")

    monkeypatch.setattr(module, "derive_mle", never)
    with pytest.raises(error):
        derive_and_fit("exponential", x, **options)


def test_simple_latex_becomes_readable_text():
    assert plain_text(r"$\sqrt{\hat{\lambda}/n}$ for $x \ge 0$") == "√(λ̂/n) for x ≥ 0"
    assert plain_text(r"$\eta \cdot T(x)$, $\ell''(\lambda)$, $\sigma^2$") == "η · T(x), ℓ''(λ), σ²"


def test_terms_with_a_minus_sign_come_last():
    a, b = sp.symbols("a b", positive=True)
    assert formula("y", -a + b).latex == "y = b - a"
