"""Problem 1b: a network learns the distribution of 3 × 3 images from 200 labels, and is normalised exactly.

The truth is the first reading, p(image) ∝ count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.files import make_directory
from chainrule.evaluate.enumeration import all_states, exact_table, kl_divergence, total_variation
from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.homework.images.mlp_density import MLPDensity

__all__ = [
    "HIDDEN",
    "N_TRAIN",
    "PIXELS",
    "SIDE",
    "TOLERANCE",
    "Fit",
    "LearnedImages",
    "learned_images",
]

SIDE, PIXELS, _N_STATES, N_TRAIN = 3, 9, 512, 200

HIDDEN, _EPOCHS = (64, 32), 500

TOLERANCE = 0.1  # the homework's: accept where the prediction is within 10 % of the truth


@dataclass(frozen=True)
class Fit:
    """A network trained on 200 labelled images, and how it compares with its truth."""

    name: str
    model: MLPDensity
    predicted: NDArray[np.float64]  # f in units of the labels, before normalising, (512,)
    labels: NDArray[np.float64]  # (512,)
    kl_nats: float
    total_variation: float
    r2_held_out: float
    accepted: NDArray[np.bool_]  # by the 10 % rule, (512,)

    @property
    def sum_f(self) -> float:
        return float(self.predicted.sum())


@dataclass(frozen=True)
class LearnedImages:
    """The network that the page is about, what it was trained on (512,), draws by origin, and all numbers by name."""

    main: Fit
    train: NDArray[np.bool_]
    samples: dict[str, NDArray[np.uint8]]
    numbers: dict[str, Any]


def learned_images(context: StudyContext) -> LearnedImages:
    """An MLP from 200 labels, normalised exactly, and what the 10 % rule does instead."""
    states = all_states(PIXELS)
    truth = exact_table(CountProportional(SIDE, SIDE), PIXELS)
    chosen = np.random.default_rng([context.seed, 1, 2]).choice(_N_STATES, N_TRAIN, replace=False)
    train = np.zeros(_N_STATES, bool)
    train[chosen] = True
    fits = _fits(states, truth, train, int(np.random.default_rng([context.seed, 1, 3]).integers(2**31)))
    main = fits[0]
    if context.workspace is not None:
        main.model.save(make_directory(context.workspace / "checkpoints") / "p1-mlp-density.safetensors")
    samples = {
        "drawn from p = f/Z": main.model.sample(5, rng=np.random.default_rng([context.seed, 1, 4])),
        "passed the 10 % rule": _accepted_images(
            main, states, train, np.random.default_rng([context.seed, 1, 5])
        ),
    }
    numbers = {
        "n_train": N_TRAIN,
        "n_held_out": int((~train).sum()),
        "parameters": sum(w.numel() for w in main.model.network_.parameters()),
        "seconds_training": main.model.fit_info_["seconds"],
        "sum_f": main.sum_f,
        "kl_nats": main.kl_nats,
        "total_variation": main.total_variation,
        "r2_held_out": main.r2_held_out,
        "p_all_white": float(np.exp(main.model.log_prob(states[:1])[0])),
        "ten_percent_rule": _ten_percent_rule(main, truth, train),
        "variants": [_variant(f, train) for f in fits],
    }
    return LearnedImages(main, train, samples, numbers)


def _fits(
    states: NDArray[np.uint8], truth: NDArray[np.float64], train: NDArray[np.bool_], seed: int
) -> list[Fit]:
    """The network of the page first, then what another loss, start or label makes of it."""
    by_count = exact_table(CountProportional(SIDE, SIDE, "count"), PIXELS)

    def fitted(
        name: str, labels: NDArray[np.float64], target: NDArray[np.float64] = truth, **settings: Any
    ) -> Fit:
        recipe = {"label_peak": None, "random_state": seed, **settings}
        model = MLPDensity(HIDDEN, epochs=_EPOCHS, **recipe).fit(states[train], labels[train])
        return _compare(name, model, states, train, labels, target)

    p = np.exp(truth)
    return [
        fitted("cross-entropy, labels as they are", p),
        fitted("cross-entropy, labels rescaled to a largest of ½", p, label_peak=0.5),
        fitted("squared error, labels as they are", p, loss="squared_error"),
        fitted("cross-entropy, labels as they are, f starting near ½", p, centre=False),
        fitted("squared error, labels as they are, f starting near ½", p, loss="squared_error", centre=False),
        fitted("cross-entropy, the homework's labels k/45", states.sum(1) / 45.0),
        fitted("cross-entropy, labels of reading two", np.exp(by_count), by_count),
    ]


def _compare(
    name: str,
    model: MLPDensity,
    states: NDArray[np.uint8],
    train: NDArray[np.bool_],
    labels: NDArray[np.float64],
    log_target: NDArray[np.float64],
) -> Fit:
    predicted = model.unnormalized(states) / model.label_scale_
    log_q = exact_table(model)
    held_out = labels[~train]
    error = np.mean((predicted[~train] - held_out) ** 2)
    return Fit(
        name=name,
        model=model,
        predicted=predicted,
        labels=labels,
        kl_nats=kl_divergence(log_target, log_q),
        total_variation=total_variation(log_target, log_q),
        r2_held_out=float(1.0 - error / held_out.var()),
        accepted=np.abs(predicted - labels) <= TOLERANCE * labels,
    )


def _ten_percent_rule(main: Fit, truth: NDArray[np.float64], train: NDArray[np.bool_]) -> dict[str, Any]:
    """What is accepted, and how far the outcome is from the truth: it is uniform over the accepted images."""
    n = int(main.accepted.sum())
    return {
        "accepted_held_out": int(main.accepted[~train].sum()),
        "acceptance_rate_held_out": float(main.accepted[~train].mean()),
        "accepted_all": n,
        "acceptance_rate_all": float(main.accepted.mean()),
        "total_variation_accepted_held_out": _distance_of_uniform(truth, main.accepted & ~train),
        "total_variation_accepted_all": _distance_of_uniform(truth, main.accepted),
        "total_variation_uniform": _distance_of_uniform(truth, np.ones(_N_STATES, bool)),
        # no model's positive f lies within 10 % of the all-white image's 0, so a perfect one is refused that image
        "accepted_by_a_perfect_model": int((truth > -np.inf).sum()),
        "total_variation_perfect": _distance_of_uniform(truth, truth > -np.inf),
    }


def _distance_of_uniform(truth: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Total variation between the truth and a uniform draw from the chosen images."""
    return total_variation(truth, np.where(chosen, -np.log(chosen.sum()), -np.inf))


def _accepted_images(
    main: Fit, states: NDArray[np.uint8], train: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Up to five of the held-out images that the 10 % rule accepts, each equally likely."""
    pool = states[main.accepted & ~train]
    return pool[rng.choice(len(pool), min(5, len(pool)), replace=False)]


def _variant(fit: Fit, train: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "name": fit.name,
        "sum_f": fit.sum_f,
        "kl_nats": fit.kl_nats,
        "total_variation": fit.total_variation,
        "r2_held_out": fit.r2_held_out,
        "acceptance_rate_held_out": float(fit.accepted[~train].mean()),
    }
