"""What problem 7 measures: simulated columns, slopes of the log-likelihood, bias, coverage, SciPy's fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.exponential_family.estimator import ExponentialFamily, SimulatedFits, simulate_fits

__all__ = [
    "LEVEL",
    "RATE",
    "ROWS",
    "SIZES",
    "TRUTHS",
    "flat",
    "labels",
    "measured",
    "simulated",
    "simulated_columns",
    "slopes_of",
]

RATE = 1.5
ROWS = 200
LEVEL = 0.95
SIZES = (3, 5, 10, 20, 50, 200)
TRUTHS: dict[str, dict[str, Any]] = {
    "bernoulli": {"probability": 0.3},
    "categorical": {"probabilities": np.array([0.2, 0.5, 0.3])},
    "geometric": {"probability": 0.25},
    "poisson": {"rate": 4.0},
    "exponential": {"rate": RATE},
    "normal": {"mean": -1.0, "variance": 4.0},
}


def simulated_columns(seed: int) -> dict[str, NDArray[Any]]:
    """One column of data per family, drawn by NumPy at the true parameters."""
    rng = {f: np.random.default_rng([seed, 7, 0, k]) for k, f in enumerate(TRUTHS)}
    draw = {
        "bernoulli": lambda g: (g.random(ROWS) < TRUTHS["bernoulli"]["probability"]).astype(np.int64),
        "categorical": lambda g: g.choice(3, ROWS, p=TRUTHS["categorical"]["probabilities"]),
        "geometric": lambda g: g.geometric(TRUTHS["geometric"]["probability"], ROWS),
        "poisson": lambda g: g.poisson(TRUTHS["poisson"]["rate"], ROWS),
        "exponential": lambda g: g.exponential(1 / RATE, ROWS),
        "normal": lambda g: g.normal(TRUTHS["normal"]["mean"], np.sqrt(TRUTHS["normal"]["variance"]), ROWS),
    }
    return {family: draw[family](rng[family]) for family in TRUTHS}


def slopes_of(model: ExponentialFamily) -> dict[str, NDArray[np.float64]]:
    """The true derivative, the one the homework wrote, and differences of the log-likelihood itself."""
    n, total = model.n_rows_, model.n_rows_ / model.estimates_["rate"]
    rate = np.linspace(0.5, 3.0, 101)
    points, step = np.linspace(0.5, 3.0, 11), 1e-5
    above, below = (model.log_likelihood(rate=points + sign * step) for sign in (1, -1))
    return {
        "rate": rate,
        "true": n / rate - total,
        "written": n - total * rate,
        "points": points,
        "measured": (above - below) / (2 * step),
        "true_at_points": n / points - total,
        "written_at_points": n - total * points,
    }


def simulated(seed: int, repeats: int) -> list[SimulatedFits]:
    """Fits to simulated data sets, for each sample size."""
    return [
        simulate_fits(
            "exponential",
            {"rate": RATE},
            n_rows=n,
            n_repeats=repeats,
            level=LEVEL,
            rng=np.random.default_rng([seed, 7, 1, n]),
        )
        for n in SIZES
    ]


def measured(
    model: ExponentialFamily,
    models: dict[str, ExponentialFamily],
    scipy: dict[str, NDArray[np.float64]],
    fits: list[SimulatedFits],
    slopes: dict[str, NDArray[np.float64]],
) -> dict[str, Any]:
    """Everything that was measured, by name."""
    return {
        **_of_the_fit(model),
        **_of_the_slopes(slopes),
        **_of_the_simulation(fits),
        "families": {family: _of_a_family(m, scipy[family]) for family, m in models.items()},
    }


def _of_the_fit(model: ExponentialFamily) -> dict[str, Any]:
    n, rate = model.n_rows_, model.estimates_["rate"]
    return {
        "n_rows": n,
        "true_rate": RATE,
        "rate": rate,
        "standard_error": model.standard_errors_["rate"],
        "standard_error_from_written_slope": float(np.sqrt(rate / n)),
        "bias_corrected_rate": model.bias_corrected_["rate"],
        "level": LEVEL,
        "exact_interval": model.confidence_intervals(LEVEL)["rate"],
        "wald_interval": model.confidence_intervals(LEVEL, method="wald")["rate"],
        "log_likelihood_nats": model.log_likelihood_,
        "log_likelihood_at_truth_nats": float(model.log_likelihood(rate=RATE)),
    }


def _of_the_slopes(slopes: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    measured, true, written = (slopes[k] for k in ("measured", "true_at_points", "written_at_points"))
    return {
        "largest_gap_true_slope": float(np.max(np.abs(measured - true))),
        "largest_gap_written_slope": float(np.max(np.abs(measured - written))),
        "slope_at_half": {
            "measured": float(measured[0]),
            "true": float(true[0]),
            "written": float(written[0]),
        },
    }


def _of_the_simulation(fits: list[SimulatedFits]) -> dict[str, Any]:
    repeats = fits[0].estimates.shape[0]
    return {
        "sizes": list(SIZES),
        "repeats": repeats,
        "mean_estimate_over_truth": [float(f.estimates.mean() / RATE) for f in fits],
        "derived_mean_over_truth": [s / (s - 1) for s in SIZES],
        "derived_standard_error_of_mean": [
            float(np.sqrt(s**2 / ((s - 1) ** 2 * (s - 2)) / repeats)) for s in SIZES
        ],
        "mean_corrected_over_truth": [float(f.corrected.mean() / RATE) for f in fits],
        "coverage_exact": [float(f.coverage("exact")[0]) for f in fits],
        "coverage_wald": [float(f.coverage("wald")[0]) for f in fits],
        "misses": {
            f"{method}_{side}": [float(f.misses(method)[k][0]) for f in fits]
            for method in ("exact", "wald")
            for k, side in enumerate(("below", "above"))
        },
        "wald_with_negative_rates": [float((f.wald[:, 0, 0] < 0).mean()) for f in fits],
    }


def _of_a_family(model: ExponentialFamily, scipy: NDArray[np.float64]) -> dict[str, Any]:
    ours = flat(model.estimates_)
    return {
        "estimate": ours,
        "standard_error": flat(model.standard_errors_),
        "scipy": scipy,
        "largest_difference": float(np.max(np.abs(ours - scipy))),
    }


def flat(values: dict[str, Any]) -> NDArray[np.float64]:
    """Parameters by name as one array (k,)."""
    return np.concatenate([np.atleast_1d(v) for v in values.values()]).astype(np.float64)


def labels(model: ExponentialFamily) -> list[str]:
    """A name for each entry of ``flat``."""
    return [
        name if np.ndim(value) == 0 else f"{name}[{k}]"
        for name, value in model.estimates_.items()
        for k in range(np.size(value))
    ]
