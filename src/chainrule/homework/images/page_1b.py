"""What the page shows of problem 1b: the network, how well it learned, and what the 10 % rule does."""

from __future__ import annotations

from chainrule.core.figures import Band, Cloud, ImageGrid, ImageRow, Layer, NetworkDrawing, ScatterPlot
from chainrule.core.records import Block, Figure, Formula, Heading, Table
from chainrule.homework.images import TEXTS
from chainrule.homework.images.numbers_1b import (
    HIDDEN,
    N_TRAIN,
    PIXELS,
    SIDE,
    TOLERANCE,
    LearnedImages,
)

__all__ = ["learned_part"]


def learned_part(learned: LearnedImages) -> list[Block]:
    """The network from 200 labels against the truth, and the 10 % rule against both."""
    numbers = learned.numbers
    return [
        Heading("1b  A network that learns the distribution from 200 labelled images"),
        TEXTS.block(
            "learned", n_train=N_TRAIN, epochs=learned.main.model.epochs, n_held_out=numbers["n_held_out"]
        ),
        Formula(r"p_\theta(x) = \frac{f_\theta(x)}{Z}, \qquad Z = \sum_{x' \in \{0,1\}^9} f_\theta(x')"),
        TEXTS.figure("p1b-network", _network(), parameters=numbers["parameters"]),
        _before_normalising(learned),
        _normalised(learned),
        _measures(learned),
        TEXTS.figure("p1b-samples", _samples(learned)),
        TEXTS.block("rule", n_held_out=numbers["n_held_out"], **numbers["ten_percent_rule"]),
        _variants(learned),
    ]


def _network() -> NetworkDrawing:
    hidden = [Layer(f"hidden {i}", h, "relu") for i, h in enumerate(HIDDEN, 1)]
    return NetworkDrawing([Layer("pixels", PIXELS), *hidden, Layer("f(x)", 1, "sigmoid")])


def _before_normalising(learned: LearnedImages) -> Figure:
    main, held_out = learned.main, ~learned.train
    cloud = Cloud(f"held out ({held_out.sum()})", main.labels[held_out], main.predicted[held_out])
    band = Band("± 10 %", 1 - TOLERANCE, 1 + TOLERANCE)
    plot = ScatterPlot([cloud], "true probability", "f(x)", diagonal=True, bands=[band])
    return TEXTS.figure("p1b-predicted-held-out", plot)


def _normalised(learned: LearnedImages) -> Figure:
    main = learned.main
    clouds = [
        Cloud(f"{name} ({chosen.sum()})", main.labels[chosen], main.predicted[chosen] / main.sum_f)
        for name, chosen in (("held out", ~learned.train), ("trained on", learned.train))
    ]
    plot = ScatterPlot(clouds, "true probability", "f(x) / Z", diagonal=True)
    return TEXTS.figure("p1b-predicted-all", plot)


def _measures(learned: LearnedImages) -> Table:
    numbers = learned.numbers
    uniform = numbers["ten_percent_rule"]["total_variation_uniform"]
    rows = [
        ["Σf over all 512 images, before normalising", numbers["sum_f"]],
        ["KL divergence from the truth, nats", numbers["kl_nats"]],
        ["total variation to the truth", numbers["total_variation"]],
        ["R² of f on held-out images", numbers["r2_held_out"]],
        ["probability given to the all-white image (truth: 0)", numbers["p_all_white"]],
        ["total variation of the uniform distribution to the truth", uniform],
    ]
    return Table(["measure", "value"], rows, "The model after normalising, against the truth.")


def _samples(learned: LearnedImages) -> ImageGrid:
    rows = [
        ImageRow(label, images.reshape(-1, SIDE, SIDE), [f"k = {k}" for k in images.sum(1).tolist()])
        for label, images in learned.samples.items()
    ]
    return ImageGrid(rows, "binary")


def _variants(learned: LearnedImages) -> Table:
    keys = ("name", "sum_f", "kl_nats", "total_variation", "r2_held_out", "acceptance_rate_held_out")
    columns = ["trained with", "Σf", "KL, nats", "total variation", "R² held out", "within 10 %, held out"]
    rows = [[v[key] for key in keys] for v in learned.numbers["variants"]]
    return Table(columns, rows, TEXTS("variants"))
