"""Maximum likelihood for one variable: fit, intervals, the likelihood curve, and the derivation behind them.

    python examples/maximum_likelihood.py

Takes a few seconds; the estimate printed first is near 1.5.
"""

from __future__ import annotations

import numpy as np

from chainrule.derive import derive_mle
from chainrule.homework import refute_exponential_score
from chainrule.models.exponential_family.estimator import fit_mle, simulate_fits


def main() -> None:
    waiting_times = np.random.default_rng(0).exponential(1 / 1.5, size=200)
    model = fit_mle("exponential", waiting_times)
    low, high = model.confidence_intervals(0.95)["rate"]
    print(f"rate {model.estimates_['rate']:.4f} ± {model.standard_errors_['rate']:.4f}")
    print(f"95 % interval {low:.4f} … {high:.4f} ({model.interval_method_})")

    rates = np.array([1.0, model.estimates_["rate"], 2.0])
    for rate, value in zip(rates, model.log_likelihood(rate=rates), strict=True):
        print(f"log-likelihood at rate {rate:.4f}: {value:.3f} nats")

    few = simulate_fits("exponential", {"rate": 1.5}, n_rows=5, n_repeats=2000, rng=1)
    print(
        f"five rows, 2000 times: mean estimate {few.estimates.mean():.3f} (derived {1.5 * 5 / 4:.3f}), ",
        end="",
    )
    print(f"without bias {few.corrected.mean():.3f}, interval covers {few.coverage()[0]:.3f}")

    print()
    print(derive_mle("exponential").to_text())
    print()
    print(refute_exponential_score().to_text())


if __name__ == "__main__":
    main()
