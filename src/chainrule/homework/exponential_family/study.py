"""Problem 7: maximum likelihood for the exponential distribution, and for its whole family.

The derivation is checked step by step, a slip in the written one is refuted, and what the algebra says
about error, bias and intervals is measured on simulated data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.records import Block, Claim, Figure, Heading, StudyRecord, Table, Text
from chainrule.derive import derive_mle, exponential_family_form, list_families
from chainrule.derive.notation import formula
from chainrule.homework.context import StudyContext
from chainrule.homework.exponential_family.numbers import (
    LEVEL,
    RATE,
    ROWS,
    SIZES,
    TRUTHS,
    flat,
    labels,
    measured,
    simulated_columns,
    slopes_of,
)
from chainrule.homework.exponential_family.scipy_fits import scipy_estimate
from chainrule.homework.exponential_family.slips import refute_exponential_score
from chainrule.models.exponential_family.estimator import (
    ExponentialFamily,
    SimulatedFits,
    fit_mle,
    simulate_fits,
)

__all__ = ["study"]

_REPEATS = {"quick": 2000, "full": 20000}


def study(context: StudyContext) -> StudyRecord:
    """Derive, fit, and measure bias and coverage by simulation."""
    columns = simulated_columns(context.seed)
    models = {family: fit_mle(family, x) for family, x in columns.items()}
    model = models["exponential"]
    scipy = {family: scipy_estimate(family, x) for family, x in columns.items()}
    fits = [
        simulate_fits(
            "exponential",
            {"rate": RATE},
            n_rows=n,
            n_repeats=_REPEATS[context.preset],
            level=LEVEL,
            rng=np.random.default_rng([context.seed, 7, 1, n]),
        )
        for n in SIZES
    ]
    slopes = slopes_of(model)
    numbers = measured(model, models, scipy, fits, slopes)
    return StudyRecord(
        problem="7",
        title="Maximum likelihood on the exponential family",
        asks="Given independent draws from an exponential distribution, form the likelihood and estimate its rate.",
        blocks=[
            *_derivation_blocks(slopes, model),
            *_fit_blocks(model, numbers),
            *_simulation_blocks(fits, numbers),
            *_family_blocks(models, scipy, numbers),
            *_missing_blocks(numbers),
        ],
        numbers=numbers,
        claims=_claims(numbers),
        provenance={
            "data": {
                "name": "simulated",
                "rows": ROWS,
                "true_rate": RATE,
                "streams": "numpy default_rng([seed, 7, …])",
            }
        },
    )


def _derivation_blocks(slopes: dict[str, NDArray[np.float64]], model: ExponentialFamily) -> list[Block]:
    rate = model.estimates_["rate"]
    curves = [
        {"label": "true derivative n/λ − S", "x": slopes["rate"], "y": slopes["true"]},
        {"label": "as written: n − λS", "x": slopes["rate"], "y": slopes["written"], "style": "dashed"},
        {
            "label": "measured: differences of ℓ",
            "x": slopes["points"],
            "y": slopes["measured"],
            "style": "points",
        },
    ]
    return [
        Heading("The derivation, every step checked"),
        Text(
            "Each step below was confirmed by computer algebra when this page was made; what was confirmed stands "
            "beside it. $S = \\sum_i x_i$ is the sum of the $n$ rows."
        ),
        derive_mle("exponential").to_steps(),
        Heading("A slip in the homework"),
        Text(
            "The homework writes the derivative of $n \\ln \\lambda - \\lambda \\sum_i x_i$ as $n - \\lambda \\sum_i "
            "x_i$. That is $\\lambda$ times the true derivative: it happens to have the same root, so the estimate "
            "survives, but anything else taken from it does not."
        ),
        refute_exponential_score().to_steps(),
        Figure(
            "p7-slopes",
            "lines",
            {
                "series": curves,
                "x_label": "rate λ",
                "y_label": "slope of the log-likelihood, nats per unit of λ",
                "marks": [{"x": rate, "y": 0.0, "label": f"root n/S = {rate:.4f}"}],
                "references": [{"y": 0.0, "label": "0"}],
            },
            f"The slope of the log-likelihood on the {model.n_rows_} simulated rows. Central differences of the "
            "log-likelihood itself lie on the true derivative; the written one meets it only at the root and at λ = 1.",
            "Two curves that cross zero at the same rate; measured points follow the steeper, true one.",
        ),
    ]


def _fit_blocks(model: ExponentialFamily, numbers: dict[str, Any]) -> list[Block]:
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
        Text(
            f"The homework names no data, so these are **simulated**: {model.n_rows_} draws from an exponential "
            f"distribution with the known rate {RATE:g}. A rate other than 1 makes the slip above visible."
        ),
        Table(["", "value"], rows, f"The fit to {model.n_rows_} simulated rows; the true rate is {RATE:g}."),
        Figure(
            "p7-log-likelihood",
            "lines",
            {
                "series": [{"label": "ℓ(λ)", "x": grid, "y": model.log_likelihood(rate=grid)}],
                "x_label": "rate λ",
                "y_label": "log-likelihood, nats",
                "marks": [
                    {"x": rate, "y": numbers["log_likelihood_nats"], "label": f"maximum at {rate:.4f}"}
                ],
                "vertical": [
                    {"x": RATE, "label": f"true rate {RATE:g}"},
                    {"x": exact[0], "label": f"{percent} from"},
                    {"x": exact[1], "label": f"{percent} to"},
                ],
            },
            "The log-likelihood over the rate, with its maximum and the exact interval.",
            "A single hump whose top lies at the estimate, near the true rate.",
        ),
    ]


def _simulation_blocks(fits: list[SimulatedFits], numbers: dict[str, Any]) -> list[Block]:
    repeats = numbers["repeats"]
    n = np.array(SIZES, float)
    smooth = np.geomspace(SIZES[0], SIZES[-1], 100)
    mean_error = 2 * np.array(numbers["derived_standard_error_of_mean"])
    corrected_error = mean_error * (n - 1) / n
    bias = [
        {"label": "derived: n/(n − 1)", "x": smooth, "y": smooth / (smooth - 1)},
        {
            "label": "measured: mean of the estimates / λ",
            "x": n,
            "y": numbers["mean_estimate_over_truth"],
            "error": mean_error,
            "style": "points",
        },
        {
            "label": "measured: mean of (n − 1)/S / λ",
            "x": n,
            "y": numbers["mean_corrected_over_truth"],
            "error": corrected_error,
            "style": "points",
        },
    ]
    misses = [
        {
            "label": f"{method} interval wholly {side} the truth",
            "x": n,
            "y": share,
            "error": 2 * np.sqrt(share * (1 - share) / repeats),
            "style": style,
        }
        for method, style in (("exact", "line"), ("Wald", "dashed"))
        for side in ("below", "above")
        for share in [np.array(numbers["misses"][f"{method.lower()}_{side}"])]
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
    return [
        Heading("Bias and intervals, measured"),
        Text(
            f"For each sample size, {repeats} data sets were drawn at the rate {RATE:g} and fitted. The estimate "
            "comes out too large by the derived factor; $(n-1)/S$ does not. Both intervals cover about as often as "
            "they say, but the exact one misses equally often on either side, while the Wald interval misses on one "
            f"side: at n = {SIZES[0]} it lay wholly below the true rate in "
            f"{100 * numbers['misses']['wald_below'][0]:.1f} % of the repeats and wholly above in "
            f"{100 * numbers['misses']['wald_above'][0]:.1f} %, and reached into negative rates, which are impossible, "
            f"in {100 * numbers['wald_with_negative_rates'][0]:.0f} %."
        ),
        Table(
            [
                "n",
                "mean of $n/S$, over λ",
                "derived $n/(n-1)$",
                "mean of $(n-1)/S$, over λ",
                "exact covers",
                "Wald covers",
            ],
            rows,
            f"Means over {repeats} simulated data sets per size; ± is two standard errors from the derived variance.",
        ),
        Figure(
            "p7-bias",
            "lines",
            {
                "series": bias,
                "x_label": "rows n",
                "y_label": "mean estimate over true rate",
                "log_x": True,
                "references": [{"y": 1.0, "label": "no bias"}],
            },
            "The measured bias lies on the derived curve; error bars are two standard errors.",
            "Measured means fall from about one and a half at three rows towards one, along the derived curve.",
        ),
        Figure(
            "p7-misses",
            "lines",
            {
                "series": misses,
                "x_label": "rows n",
                "y_label": "share of intervals that miss the true rate",
                "log_x": True,
                "references": [{"y": (1 - LEVEL) / 2, "label": f"nominal {(1 - LEVEL) / 2:g} on each side"}],
            },
            f"Where the nominal {100 * LEVEL:g} % intervals miss; error bars are two standard errors.",
            "The exact interval misses equally on both sides at each size; the Wald interval at small sizes almost "
            "only on one side.",
        ),
    ]


def _family_blocks(
    models: dict[str, ExponentialFamily], scipy: dict[str, NDArray[np.float64]], numbers: dict[str, Any]
) -> list[Block]:
    forms, fits = [], []
    for family in list_families():
        form = exponential_family_form(family)
        parts = (form.natural, form.statistic, form.log_partition, form.carrier)
        forms.append([family, *(f"${formula('', part, '').latex.strip()}$" for part in parts)])
        model, record, truth = models[family], numbers["families"][family], flat(TRUTHS[family])
        rules = list(form.estimate) if hasattr(form.estimate, "shape") else [form.estimate]
        for k, name in enumerate(labels(model)):
            ours, theirs = record["estimate"][k], scipy[family][k]
            fits.append(
                [
                    family,
                    name,
                    f"${formula('', rules[k], '').latex.strip()}$",
                    f"{truth[k]:g}",
                    f"{ours:.5f}",
                    f"{record['standard_error'][k]:.5f}",
                    f"{theirs:.5f}",
                    abs(ours - theirs),
                ]
            )
    return [
        Heading("The whole family"),
        Text(
            "The exponential distribution is one member of the exponential family, densities of the form $h(x) "
            "\\exp(\\eta \\cdot T(x) - A(\\eta))$. For every member the slope of $A$ is the mean of $T$, and maximum "
            "likelihood sets that mean equal to its average over the rows. `fit_mle(family, x)` does it in one line."
        ),
        Table(
            ["family", "$\\eta$", "$T(x)$", "$A(\\eta)$", "$h(x)$"],
            forms,
            "Natural parameter, statistic, log-partition and base measure. Each form is checked: same density, slope "
            "of $A$ is the mean of $T$, curvature its variance. The geometric law counts trials from 1.",
        ),
        Table(
            ["family", "parameter", "rule", "true", "estimate", "error", "SciPy", "difference"],
            fits,
            "$S$ is the sum of the $n$ rows, $m$ their mean, $M$ their squared deviations from it, $c_k$ the rows in "
            f"state $k$. One fit per family to {ROWS} simulated rows, with its standard error, beside SciPy's: closed "
            "forms for exponential and normal, numerical maximisation of SciPy's own log-probability for the others.",
        ),
    ]


def _missing_blocks(numbers: dict[str, Any]) -> list[Block]:
    rows = [
        ["that the root is a maximum", "the second derivative $-n/\\lambda^2$ is negative everywhere"],
        ["when there is no maximum", "all rows 0: the likelihood grows without bound"],
        [
            "how far off the estimate may be",
            f"standard error {numbers['standard_error']:.4f}, exact interval",
        ],
        ["that it is biased", "upwards by $n/(n-1)$; infinite expectation for one row"],
        ["data", f"{numbers['rows']} simulated rows, true rate known"],
        ["the exponential family", "the title names it, only one member is treated: six here"],
    ]
    return [
        Heading("What the homework leaves out"),
        Table(["missing there", "found here"], rows, "None of these makes its estimate wrong."),
    ]


def _claims(numbers: dict[str, Any]) -> list[Claim]:
    half = numbers["slope_at_half"]
    one = numbers["families"]["exponential"]
    return [
        Claim(
            "7.likelihood",
            "The likelihood of n independent rows is λ to the power n times exp(−λ times their sum), and its logarithm "
            "is n ln λ minus λ times the sum.",
            "holds",
            "Computer algebra: equal to the product of the densities written out for n = 1 to 4, and the logarithm for "
            "a symbolic number of rows.",
        ),
        Claim(
            "7.derivative",
            "The derivative of the log-likelihood by λ is n minus λ times the sum of the rows.",
            "fails",
            f"It is n/λ minus the sum; the written one is λ times that. On the data at λ = 0.5: measured "
            f"{half['measured']:.3f}, true derivative {half['true']:.3f}, written one {half['written']:.3f}. Its slope "
            f"at the root would give a standard error of {numbers['standard_error_from_written_slope']:.4f} instead of "
            f"{numbers['standard_error']:.4f}.",
        ),
        Claim(
            "7.maximum",
            "Setting the derivative to zero finds the maximum of the likelihood.",
            "holds in part",
            "The root is the only maximum because the second derivative −n/λ² is negative for every λ > 0, which the "
            "homework does not check; where every row is 0 there is no maximum at all.",
        ),
        Claim(
            "7.estimate",
            "The maximum-likelihood estimate of λ is n divided by the sum of the rows.",
            "holds",
            f"The only root of the true derivative (the written one shares it). On {numbers['rows']} simulated rows "
            f"with rate {numbers['true_rate']:g}: {numbers['rate']:.6f} ± {numbers['standard_error']:.6f}, SciPy's fit "
            f"differs by {one['largest_difference']:.1g}. It is biased by n/(n−1): measured "
            f"{numbers['mean_estimate_over_truth'][0]:.3f} at n = {numbers['sizes'][0]}, derived "
            f"{numbers['derived_mean_over_truth'][0]:.3f}.",
        ),
    ]
