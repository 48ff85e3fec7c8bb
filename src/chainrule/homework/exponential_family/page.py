"""What the page shows of problem 7."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.figures import Level, Line, LineChart, LineStyle, Place, Point
from chainrule.core.records import Block, Heading, Table
from chainrule.derive import derive_mle, exponential_family_form, list_families
from chainrule.derive.exponential_form import ExponentialForm
from chainrule.derive.notation import formula
from chainrule.homework.derivations import as_steps
from chainrule.homework.exponential_family import TEXTS
from chainrule.homework.exponential_family.numbers import (
    LEVEL,
    RATE,
    ROWS,
    SIZES,
    TRUTHS,
    flat,
    labels,
)
from chainrule.homework.exponential_family.slips import refute_exponential_score
from chainrule.models.exponential_family.estimator import (
    ExponentialFamily,
)

__all__ = ["derivation_part", "family_part", "fit_part", "missing_part", "simulation_part"]


def derivation_part(slopes: dict[str, NDArray[np.float64]], model: ExponentialFamily) -> list[Block]:
    """The derivation, and the slip in the written one."""
    rate = model.estimates_["rate"]
    curves = [
        Line("true derivative n/λ − S", slopes["rate"], slopes["true"]),
        Line("as written: n − λS", slopes["rate"], slopes["written"], style="dashed"),
        Line("measured: differences of ℓ", slopes["points"], slopes["measured"], style="points"),
    ]
    return [
        Heading("The derivation, every step checked"),
        TEXTS.block("derivation"),
        as_steps(derive_mle("exponential")),
        Heading("A slip in the homework"),
        TEXTS.block("slip"),
        as_steps(refute_exponential_score()),
        TEXTS.figure(
            "p7-slopes",
            LineChart(
                series=curves,
                x_label="rate λ",
                y_label="slope of the log-likelihood, nats per unit of λ",
                marks=[Point(x=rate, y=0.0, label=f"root n/S = {rate:.4f}")],
                references=[Level(y=0.0, label="0")],
            ),
            n_rows=model.n_rows_,
        ),
    ]


def fit_part(model: ExponentialFamily, numbers: dict[str, Any]) -> list[Block]:
    """The fit to simulated rows, with its intervals."""
    rate, error = numbers["rate"], numbers["standard_error"]
    exact, wald = numbers["exact_interval"], numbers["wald_interval"]
    grid = np.linspace(rate - 5 * error, rate + 5 * error, 201)
    percent = f"{100 * LEVEL:g} %"
    rows = [
        ["estimate $n/S$", f"{rate:.6f}"],
        ["standard error $\\hat{\\lambda}/\\sqrt{n}$", f"{error:.6f}"],
        [f"exact {percent} interval (Gamma pivot)", f"{exact[0]:.4f} … {exact[1]:.4f}"],
        [f"Wald {percent} interval (approximate)", f"{wald[0]:.4f} … {wald[1]:.4f}"],
        ["estimate without bias $(n-1)/S$", f"{numbers['bias_corrected_rate']:.6f}"],
        ["log-likelihood at the estimate, nats", f"{numbers['log_likelihood_nats']:.4f}"],
        ["log-likelihood at the true rate, nats", f"{numbers['log_likelihood_at_truth_nats']:.4f}"],
    ]
    return [
        Heading("The fit"),
        TEXTS.block("fit", n_rows=model.n_rows_, rate=RATE),
        Table(["", "value"], rows, f"The fit to {model.n_rows_} simulated rows; the true rate is {RATE:g}."),
        TEXTS.figure(
            "p7-log-likelihood",
            LineChart(
                series=[Line(label="ℓ(λ)", x=grid, y=model.log_likelihood(rate=grid))],
                x_label="rate λ",
                y_label="log-likelihood, nats",
                marks=[Point(x=rate, y=numbers["log_likelihood_nats"], label=f"maximum at {rate:.4f}")],
                vertical=[
                    Place(x=RATE, label=f"true rate {RATE:g}"),
                    Place(x=exact[0], label=f"{percent} from"),
                    Place(x=exact[1], label=f"{percent} to"),
                ],
            ),
        ),
    ]


def simulation_part(numbers: dict[str, Any]) -> list[Block]:
    """Bias and coverage at several sample sizes, measured beside what is derived."""
    return [
        Heading("Bias and intervals, measured"),
        TEXTS.block(
            "simulation",
            repeats=numbers["repeats"],
            rate=RATE,
            size=SIZES[0],
            wald_below=100 * numbers["misses"]["wald_below"][0],
            wald_above=100 * numbers["misses"]["wald_above"][0],
            negative=100 * numbers["wald_with_negative_rates"][0],
        ),
        _simulation_table(numbers),
        TEXTS.figure("p7-bias", _bias(numbers)),
        TEXTS.figure("p7-misses", _misses(numbers), level=100 * LEVEL),
    ]


def _errors(numbers: dict[str, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two standard errors of the mean estimate and of the mean corrected one, by sample size."""
    mean = 2 * np.array(numbers["derived_standard_error_of_mean"])
    n = np.array(SIZES, np.float64)
    return mean, mean * (n - 1) / n


def _simulation_table(numbers: dict[str, Any]) -> Table:
    mean_error, corrected_error = _errors(numbers)
    columns = [
        "n",
        "mean of $n/S$, over λ",
        "derived $n/(n-1)$",
        "mean of $(n-1)/S$, over λ",
        "exact covers",
        "Wald covers",
    ]
    rows = [
        [
            size,
            f"{numbers['mean_estimate_over_truth'][k]:.4f} ± {mean_error[k]:.4f}",
            f"{numbers['derived_mean_over_truth'][k]:.4f}",
            f"{numbers['mean_corrected_over_truth'][k]:.4f} ± {corrected_error[k]:.4f}",
            f"{numbers['coverage_exact'][k]:.4f}",
            f"{numbers['coverage_wald'][k]:.4f}",
        ]
        for k, size in enumerate(SIZES)
    ]
    return Table(columns, rows, TEXTS("simulated means", repeats=numbers["repeats"]))


def _bias(numbers: dict[str, Any]) -> LineChart:
    smooth = np.geomspace(SIZES[0], SIZES[-1], 100)
    measured, corrected = numbers["mean_estimate_over_truth"], numbers["mean_corrected_over_truth"]
    mean_error, corrected_error = _errors(numbers)
    series = [
        Line("derived: n/(n − 1)", smooth, smooth / (smooth - 1)),
        Line("measured: mean of the estimates / λ", SIZES, measured, "points", mean_error),
        Line("measured: mean of (n − 1)/S / λ", SIZES, corrected, "points", corrected_error),
    ]
    level = Level(1.0, "no bias")
    return LineChart(series, "rows n", "mean estimate over true rate", log_x=True, references=[level])


def _misses(numbers: dict[str, Any]) -> LineChart:
    series = []
    styles: dict[str, LineStyle] = {"exact": "line", "Wald": "dashed"}
    for method, style in styles.items():
        for side in ("below", "above"):
            share = np.array(numbers["misses"][f"{method.lower()}_{side}"])
            error = 2 * np.sqrt(share * (1 - share) / numbers["repeats"])
            series.append(Line(f"{method} interval wholly {side} the truth", SIZES, share, style, error))
    tail = (1 - LEVEL) / 2
    return LineChart(
        series,
        "rows n",
        "share of intervals that miss the true rate",
        log_x=True,
        references=[Level(tail, f"nominal {tail:g} on each side")],
    )


def family_part(
    models: dict[str, ExponentialFamily], scipy: dict[str, NDArray[np.float64]], numbers: dict[str, Any]
) -> list[Block]:
    """The six families: their forms, and one fit of each beside SciPy's."""
    forms = {family: exponential_family_form(family) for family in list_families()}
    parts = [
        [family, *map(_latex, (form.natural, form.statistic, form.log_partition, form.carrier))]
        for family, form in forms.items()
    ]
    fits = [
        row
        for family, form in forms.items()
        for row in _fit_rows(form, models[family], numbers["families"][family], scipy[family])
    ]
    columns = ["family", "parameter", "rule", "true", "estimate", "error", "SciPy", "difference"]
    return [
        Heading("The whole family"),
        TEXTS.block("family"),
        Table(["family", "$\\eta$", "$T(x)$", "$A(\\eta)$", "$h(x)$"], parts, TEXTS("forms")),
        Table(columns, fits, TEXTS("fits", rows=ROWS)),
    ]


def _fit_rows(
    form: ExponentialForm, model: ExponentialFamily, record: dict[str, Any], scipy: NDArray[np.float64]
) -> list[list[Any]]:
    """A row for each parameter of a family."""
    truth = flat(TRUTHS[form.family])
    rules = list(form.estimate) if hasattr(form.estimate, "shape") else [form.estimate]
    return [
        [
            form.family,
            name,
            _latex(rules[k]),
            f"{truth[k]:g}",
            f"{record['estimate'][k]:.5f}",
            f"{record['standard_error'][k]:.5f}",
            f"{scipy[k]:.5f}",
            abs(record["estimate"][k] - scipy[k]),
        ]
        for k, name in enumerate(labels(model))
    ]


def _latex(expression: Any) -> str:
    return f"${formula('', expression, '').latex.strip()}$"


def missing_part(numbers: dict[str, Any]) -> list[Block]:
    """What the homework does not say."""
    rows = [
        ["that the root is a maximum", "the second derivative $-n/\\lambda^2$ is negative everywhere"],
        ["when there is no maximum", "all rows 0: the likelihood grows without bound"],
        [
            "how far off the estimate may be",
            f"standard error {numbers['standard_error']:.4f}, exact interval",
        ],
        ["that it is biased", "upwards by $n/(n-1)$; infinite expectation for one row"],
        ["data", f"{numbers['n_rows']} simulated rows, true rate known"],
        ["the exponential family", "the title names it, only one member is treated: six here"],
    ]
    return [
        Heading("What the homework leaves out"),
        Table(["missing there", "found here"], rows, "None of these makes its estimate wrong."),
    ]
