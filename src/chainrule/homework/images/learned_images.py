"""Problem 1b: a network learns the distribution of 3 × 3 images from 200 labels, and is normalised exactly.

The truth is the first reading, p(image) ∝ count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.files import make_directory
from chainrule.core.records import Block, Claim, Figure, Formula, Heading, Table, Text
from chainrule.evaluate.enumeration import all_states, exact_table, kl_divergence, total_variation
from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.mlp_network import Loss

__all__ = ["learned_images"]

_SIDE, _PIXELS, _N_STATES, _N_TRAIN = 3, 9, 512, 200
_HIDDEN, _EPOCHS = (64, 32), 500
_TOLERANCE = 0.1  # the homework's: accept where the prediction is within 10 % of the truth


@dataclass(frozen=True)
class _Fit:
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


def learned_images(context: StudyContext) -> tuple[list[Block], dict[str, Any], list[Claim]]:
    """An MLP from 200 labels, normalised exactly, and what the 10 % rule does instead."""
    states = all_states(_PIXELS)
    truth = exact_table(CountProportional(_SIDE, _SIDE), _PIXELS)
    by_count = exact_table(CountProportional(_SIDE, _SIDE, "count"), _PIXELS)
    chosen = np.random.default_rng([context.seed, 1, 2]).choice(_N_STATES, _N_TRAIN, replace=False)
    train = np.zeros(_N_STATES, bool)
    train[chosen] = True
    seed = int(np.random.default_rng([context.seed, 1, 3]).integers(2**31))

    def fitted(
        name: str,
        labels: NDArray[np.float64],
        *,
        target: NDArray[np.float64] = truth,
        loss: Loss = "cross_entropy",
        label_peak: float | None = None,
        centre: bool = True,
    ) -> _Fit:
        model = MLPDensity(
            _HIDDEN, epochs=_EPOCHS, loss=loss, label_peak=label_peak, centre=centre, random_state=seed
        )
        return _compare(name, model.fit(states[train], labels[train]), states, train, labels, target)

    p = np.exp(truth)
    fits = [
        fitted("cross-entropy, labels as they are", p),
        fitted("cross-entropy, labels rescaled to a largest of ½", p, label_peak=0.5),
        fitted("squared error, labels as they are", p, loss="squared_error"),
        fitted("cross-entropy, labels as they are, f starting near ½", p, centre=False),
        fitted("squared error, labels as they are, f starting near ½", p, loss="squared_error", centre=False),
        fitted("cross-entropy, the homework's labels k/45", states.sum(1) / 45.0),
        fitted("cross-entropy, labels of reading two", np.exp(by_count), target=by_count),
    ]
    main = fits[0]
    if context.workspace is not None:
        main.model.save(make_directory(context.workspace / "checkpoints") / "p1-mlp-density.safetensors")
    rule = _ten_percent_rule(main, truth, train)
    samples = {
        "normalised": main.model.sample(5, rng=np.random.default_rng([context.seed, 1, 4])),
        "accepted": _accepted_images(main, states, train, np.random.default_rng([context.seed, 1, 5])),
    }
    numbers = {
        "n_train": _N_TRAIN,
        "n_held_out": int((~train).sum()),
        "parameters": sum(w.numel() for w in main.model.network_.parameters()),
        "seconds_training": main.model.fit_info_["seconds"],
        "sum_f": main.sum_f,
        "kl_nats": main.kl_nats,
        "total_variation": main.total_variation,
        "r2_held_out": main.r2_held_out,
        "p_all_white": float(np.exp(main.model.log_prob(states[:1])[0])),
        "ten_percent_rule": rule,
        "variants": [_variant(f, train) for f in fits],
    }
    return _learned_blocks(main, train, samples, numbers), numbers, _learned_claims(numbers)


def _compare(
    name: str,
    model: MLPDensity,
    states: NDArray[np.uint8],
    train: NDArray[np.bool_],
    labels: NDArray[np.float64],
    log_target: NDArray[np.float64],
) -> _Fit:
    predicted = model.unnormalized(states) / model.label_scale_
    log_q = exact_table(model)
    held_out = labels[~train]
    error = np.mean((predicted[~train] - held_out) ** 2)
    return _Fit(
        name=name,
        model=model,
        predicted=predicted,
        labels=labels,
        kl_nats=kl_divergence(log_target, log_q),
        total_variation=total_variation(log_target, log_q),
        r2_held_out=float(1.0 - error / held_out.var()),
        accepted=np.abs(predicted - labels) <= _TOLERANCE * labels,
    )


def _ten_percent_rule(main: _Fit, truth: NDArray[np.float64], train: NDArray[np.bool_]) -> dict[str, Any]:
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
    }


def _distance_of_uniform(truth: NDArray[np.float64], chosen: NDArray[np.bool_]) -> float:
    """Total variation between the truth and a uniform draw from the chosen images."""
    return total_variation(truth, np.where(chosen, -np.log(chosen.sum()), -np.inf))


def _accepted_images(
    main: _Fit, states: NDArray[np.uint8], train: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Up to five of the held-out images that the 10 % rule accepts, each equally likely."""
    pool = states[main.accepted & ~train]
    return pool[rng.choice(len(pool), min(5, len(pool)), replace=False)]


def _variant(fit: _Fit, train: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "name": fit.name,
        "sum_f": fit.sum_f,
        "kl_nats": fit.kl_nats,
        "total_variation": fit.total_variation,
        "r2_held_out": fit.r2_held_out,
        "acceptance_rate_held_out": float(fit.accepted[~train].mean()),
    }


def _learned_blocks(
    main: _Fit, train: NDArray[np.bool_], samples: dict[str, NDArray[np.uint8]], numbers: dict[str, Any]
) -> list[Block]:
    rule = numbers["ten_percent_rule"]
    return [
        Heading("1b  A network that learns the distribution from 200 labelled images"),
        Text(
            f"{_N_TRAIN} unique images are drawn from the 512, labelled with their true probabilities under "
            "reading one, and a network with three layers of weights and a sigmoid at the end is trained "
            f"for {_EPOCHS} epochs to give the label, $f(x) \\approx p(x)$. The other "
            f"{numbers['n_held_out']} images are held out.\n\n"
            "The loss is the cross-entropy between label and output, from the logit, so that the sigmoid "
            "is applied once. The output starts at the mean label. Why this matters is in the table below: "
            "labels of about 0.002 are far from the one half at which a sigmoid starts.\n\n"
            "A sigmoid makes each $f(x)$ a number between 0 and 1; nothing makes the 512 numbers sum to "
            "one. With 512 images the sum is computed, and dividing by it is exact:"
        ),
        Formula(r"p_\theta(x) = \frac{f_\theta(x)}{Z}, \qquad Z = \sum_{x' \in \{0,1\}^9} f_\theta(x')"),
        Figure(
            "p1b-network",
            "network",
            {
                "layers": [
                    {"name": "pixels", "size": _PIXELS},
                    *({"name": f"hidden {i}", "size": h, "detail": "relu"} for i, h in enumerate(_HIDDEN, 1)),
                    {"name": "f(x)", "size": 1, "detail": "sigmoid"},
                ]
            },
            f"The network: three layers of weights, {numbers['parameters']} parameters.",
            "A network of 9 inputs, hidden layers of 64 and 32 units, one output.",
        ),
        _scatter(main, train, held_out_only=True),
        _scatter(main, train, held_out_only=False),
        Table(
            ["measure", "value"],
            [
                ["Σf over all 512 images, before normalising", main.sum_f],
                ["KL divergence from the truth, nats", main.kl_nats],
                ["total variation to the truth", main.total_variation],
                ["R² of f on held-out images", main.r2_held_out],
                ["probability given to the all-white image (truth: 0)", numbers["p_all_white"]],
                ["total variation of the uniform distribution to the truth", rule["total_variation_uniform"]],
            ],
            "The model after normalising, against the truth.",
        ),
        Figure(
            "p1b-samples",
            "images",
            {
                "rows": [
                    {
                        "label": label,
                        "images": _pictures(rows),
                        "titles": [f"k = {k}" for k in rows.sum(1).tolist()],
                    }
                    for label, rows in (
                        ("drawn from p = f/Z", samples["normalised"]),
                        ("passed the 10 % rule", samples["accepted"]),
                    )
                ],
                "scale": "binary",
            },
            "Five independent draws from the normalised model, and five images that pass the homework's rule.",
            "Two rows of five 3 by 3 images.",
        ),
        Text(_about_the_rule(rule, numbers["n_held_out"])),
        Table(
            ["trained with", "Σf", "KL, nats", "total variation", "R² held out", "within 10 %, held out"],
            [
                [
                    v["name"],
                    v["sum_f"],
                    v["kl_nats"],
                    v["total_variation"],
                    v["r2_held_out"],
                    v["acceptance_rate_held_out"],
                ]
                for v in numbers["variants"]
            ],
            "The scale of the labels and the start of the sigmoid. Σf, R² and the 10 % rule compare f with "
            "the labels (rescaling undone), KL and total variation compare f/Z with reading one (the last "
            "row: reading two).",
        ),
    ]


def _scatter(main: _Fit, train: NDArray[np.bool_], *, held_out_only: bool) -> Figure:
    """Predicted against true probability; normalised where all 512 are shown."""
    values = main.predicted if held_out_only else main.predicted / main.sum_f
    groups = [("held out", ~train)] if held_out_only else [("held out", ~train), ("trained on", train)]
    data: dict[str, Any] = {
        "series": [
            {"label": f"{name} ({m.sum()})", "x": main.labels[m], "y": values[m]} for name, m in groups
        ],
        "x_label": "true probability",
        "y_label": "f(x)" if held_out_only else "f(x) / Z",
        "diagonal": True,
    }
    if held_out_only:
        data["bands"] = [{"label": "± 10 %", "factor_low": 1 - _TOLERANCE, "factor_high": 1 + _TOLERANCE}]
        caption = "Predicted against true probability on the held-out images, before normalising, with the 10 % band."
    else:
        caption = "The normalised model against the truth on all 512 images."
    return Figure(
        f"p1b-predicted-{'held-out' if held_out_only else 'all'}",
        "scatter",
        data,
        caption,
        "Points in ten columns, one for each count, close to the diagonal.",
    )


def _about_the_rule(rule: dict[str, Any], n_held_out: int) -> str:
    return (
        "**Why the 10 % rule is not a sampler.** The homework accepts a test image when its prediction is "
        f"within 10 % of its true probability. Here it accepts {rule['accepted_held_out']} of the "
        f"{n_held_out} held-out images ({rule['acceptance_rate_held_out']:.1%}) and {rule['accepted_all']} "
        "of all 512. It filters a list of images; the images come from the list, not from the model. Each "
        "accepted image is equally likely to come out, whatever its probability, so what comes out is "
        f"uniform over the accepted ones, at a total variation of {rule['total_variation_accepted_held_out']:.3f} "
        f"from the truth ({rule['total_variation_accepted_all']:.3f} when all 512 are filtered). "
        "A perfect model would accept all images of positive probability alike: the better "
        f"the model, the closer to uniform ({rule['total_variation_uniform']:.3f}). And it needs the true "
        "probability of each image, the very thing that the model is there to replace."
    )


def _learned_claims(numbers: dict[str, Any]) -> list[Claim]:
    rule = numbers["ten_percent_rule"]
    homework = next(v for v in numbers["variants"] if "homework" in v["name"])
    return [
        Claim(
            "1.sigmoid",
            "The final sigmoid makes the network's output a probability.",
            "holds in part",
            f"Each output is a number in (0, 1), but the 512 outputs sum to {numbers['sum_f']:.4f} when "
            f"trained on the true probabilities and to {homework['sum_f']:.2f} when trained on the "
            f"homework's labels. Only f/Z is a distribution (KL {numbers['kl_nats']:.4f} nats, total "
            f"variation {numbers['total_variation']:.4f}).",
        ),
        Claim(
            "1.rejection",
            "Images whose predicted probability is within 10 % of the true one are images generated by the model.",
            "fails",
            f"The rule accepts {rule['accepted_held_out']} of {numbers['n_held_out']} held-out images, each "
            f"equally likely: total variation to the truth {rule['total_variation_accepted_held_out']:.3f} (over the "
            f"{rule['accepted_all']} it accepts of all 512: {rule['total_variation_accepted_all']:.3f}; over all 512: "
            f"{rule['total_variation_uniform']:.3f}; the normalised model: "
            f"{numbers['total_variation']:.3f}). It needs the true probabilities.",
        ),
    ]


def _pictures(rows: NDArray[np.uint8]) -> list[Any]:
    return rows.reshape(-1, _SIDE, _SIDE).tolist()
