"""A made-up set of results that uses every block, every kind of figure and every mark at least once."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.figures import read_figure
from chainrule.core.records import (
    Claim,
    Figure,
    Formula,
    Heading,
    Step,
    Steps,
    StudyRecord,
    Table,
    Text,
    to_plain,
)

__all__ = ["figures", "results"]


def figures() -> list[Figure]:
    """At least one figure of each kind, with data of the size that the studies have."""
    rng = np.random.default_rng(5)
    return [
        _figure("pmf", "bars", _pmf()),
        _figure("seconds", "bars", _seconds()),
        _figure("curves", "lines", _curves(rng)),
        _figure("cost", "lines", _cost()),
        _figure("predicted", "scatter", _predicted(rng)),
        _figure("sums", "histogram", _sums(rng)),
        _figure("tiny_samples", "images", _tiny_samples(rng)),
        _figure("digits", "images", _digits(rng)),
        _figure("masks", "heatmap", _masks()),
        _figure("jacobian", "heatmap", _jacobian(rng)),
        _figure("big_mask", "heatmap", {"panels": [{"title": "Mask, 64 × 96", "values": _stairs(64, 96)}]}),
        _figure("cats_dogs", "graph", _cats_dogs()),
        _figure("cycle", "graph", _cycle()),
        _figure("made", "network", _made()),
        _figure("mlp", "network", _mlp()),
    ]


def results() -> dict[str, Any]:
    """What ``results.json`` would hold."""
    drawn = figures()
    first, second = _first(drawn[:8]), _second(drawn[8:])
    return {
        "format": "chainrule-results-1",
        "chainrule": "0.1.0",
        "settings": {"preset": "quick", "seed": 0, "data": "auto", "problems": ["1", "5", "6"]},
        "data": {
            "name": "digits",
            "rows": {"train": 1258, "valid": 180, "test": 359},
            "columns": 64,
            "reason": "auto took digits because binarized-mnist cannot be had (no network) and mnist cannot be had",
            "files": {"digits.csv.gz": "ab" * 32},
        },
        "machine": {"cpu": "A processor", "cores": 2, "system": "Linux", "machine": "x86_64"},
        "versions": {"python": "3.11.7", "numpy": "2.4.6"},
        "started": "2025-01-02T03:04:05+00:00",
        "seconds": 73.4,
        "claims": [to_plain(vars(c)) for c in (*first.claims, *second.claims)],
        "problems": {"6": second.to_plain(), "1": first.to_plain()},
        "unfinished": ["5"],
    }


def _first(drawn: list[Figure]) -> StudyRecord:
    return StudyRecord(
        "1",
        "Images in proportion to their ink",
        "Build a model whose probability grows with the number of black pixels, then see why it does not scale.",
        [
            Heading("1a Two readings"),
            Text(
                "The **first** reading is $p(x) = k / (D\\,2^{D-1})$ with `k` black pixels.\n\nThe second is not."
            ),
            Formula(
                r"\sum_{k=0}^{D} \binom{D}{k}\,\frac{k}{D\,2^{D-1}} = 1", "The first reading sums to one."
            ),
            *drawn,
            Table(
                ["$k$", "images", "exact", "$p$", "log"],
                [
                    [0, 1, "0", 0.0, "-inf"],
                    [4, 126, "4/45", 0.0888888888, -2.42],
                    [9, 306936, "9/45", 1.2e-236, -1.6],
                ],
                "Both readings.",
            ),
            Table(["long"], [[2**784]], ""),
        ],
        {"total": 1.0, "nested": {"kl_nats": 0.00123456, "many": list(range(40))}, "few": [1, 2.5]},
        [
            Claim(
                "1.labels",
                "The table over counts is $k/45$.",
                "holds",
                "It is, to `1e-4`: 0.0222 against 1/45.",
            ),
            Claim("1.space", "There are $28 \\cdot 28$ images.", "fails", "There are $2^{784}$."),
        ],
        {"seed": 0, "seconds": 3.2, "data": {"name": "none"}},
    )


def _second(drawn: list[Figure]) -> StudyRecord:
    return StudyRecord(
        "6",
        "Masks & <graphs>",
        "Find masks that make an autoencoder autoregressive.",
        [
            Heading("Steps"),
            Steps(
                "Derivation",
                [
                    Step(
                        "Take logs.",
                        r"\ell(\lambda) = n \log\lambda - \lambda \sum_i x_i",
                        "difference is $0$",
                    ),
                    Step(
                        "Set the score to zero.",
                        r"\begin{aligned} \ell'(\lambda) &= \frac{n}{\lambda} - \sum_i x_i \\ "
                        r"\hat\lambda &= \frac{n}{\sum_i x_i} \end{aligned}",
                    ),
                    Step("Only words."),
                ],
            ),
            Text(r"So $A \perp\!\!\!\perp B \mid C$ holds, `<script>alert(1)</script>` does not run."),
            *drawn,
        ],
        {},
        [
            Claim(
                "6.degrees",
                "Number hidden units below the number of inputs.",
                "holds in part",
                "Positions, not indices.",
            )
        ],
        {},
    )


def _figure(name: str, kind: str, data: dict[str, Any]) -> Figure:
    caption = f"A figure of kind `{kind}` with $x_1$ in it."
    return Figure(name, read_figure(kind, data), caption, f"What {name} shows & more.")


def _pmf() -> dict[str, Any]:
    k = list(range(10))
    return {
        "x": [str(i) for i in k],
        "series": [
            {
                "label": "reading one: image ∝ count",
                "y": [0, *np.random.default_rng(1).binomial(8, 0.5, 9) / 40],
            },
            {"label": "reading two: k/45", "y": [i / 45 for i in k]},
        ],
        "x_label": "black pixels $k$",
        "y_label": "probability",
    }


def _seconds() -> dict[str, Any]:
    return {
        "x": ["NADE, natural order", "MADE, natural order", "MADE, random order", "Independent Bernoulli"],
        "series": [
            {"label": "one image", "y": [0.012, 0.4, 0.41, 0.0]},
            {"label": "100 images", "y": [0.05, 0.9, 0.93, "inf"]},
        ],
        "x_label": "model",
        "y_label": "seconds to sample",
        "log_y": True,
    }


def _curves(rng: np.random.Generator) -> dict[str, Any]:
    epochs = np.arange(1, 31)
    fall = 88 + 60 * np.exp(-epochs / 4)
    return {
        "series": [
            {"label": "NADE, training", "x": epochs, "y": fall, "error": np.full(30, 1.5)},
            {"label": "NADE, validation", "x": epochs, "y": fall + 2, "style": "dashed"},
            {
                "label": "MADE, at checkpoints",
                "x": epochs[::5],
                "y": fall[::5] + 4,
                "error": [2.0] * 6,
                "style": "points",
            },
        ],
        "x_label": "epoch",
        "y_label": "mean negative log-likelihood (nats)",
        "references": [
            {"y": 88.33, "label": "NADE, published (2011)"},
            {"y": 88.9, "label": "MADE, published (2015)"},
            {"y": 206.0, "label": "independent pixels"},
        ],
        "marks": [{"x": 27, "y": float(fall[26] + 2), "label": "best epoch by validation"}],
        "vertical": [{"x": 12, "label": "learning rate halved"}],
    }


def _cost() -> dict[str, Any]:
    d = np.array([4, 9, 16, 25, 784])
    return {
        "series": [
            {"label": "measured", "x": d[:4], "y": [0, 1e-4, 0.02, 9.0], "style": "points"},
            {"label": "extrapolated", "x": d[2:], "y": [0.02, 9.0, 1e229], "style": "dashed"},
        ],
        "x_label": "pixels",
        "y_label": "seconds to sum over all images",
        "log_x": True,
        "log_y": True,
        "references": [{"y": 4.35e17, "label": "age of the universe"}],
    }


def _predicted(rng: np.random.Generator) -> dict[str, Any]:
    true = rng.binomial(9, 0.5, 512) / (9 * 2**8)
    return {
        "series": [
            {"label": "held out (312)", "x": true[:312], "y": true[:312] * rng.normal(1, 0.08, 312)},
            {"label": "trained on (200)", "x": true[312:], "y": true[312:] * rng.normal(1, 0.03, 200)},
        ],
        "x_label": "true probability",
        "y_label": "predicted probability",
        "diagonal": True,
        "bands": [{"label": "within 10 %", "factor_low": 0.9, "factor_high": 1.1}],
    }


def _sums(rng: np.random.Generator) -> dict[str, Any]:
    counts, edges = np.histogram(1 + rng.normal(0, 0.12, 2000), 40)
    one, edges_one = np.histogram(np.ones(2000), 40, (0.99, 1.01))
    return {
        "series": [
            {"label": "on the cycle", "edges": edges, "counts": counts},
            {"label": "acyclic", "edges": edges_one, "counts": one},
        ],
        "x_label": "sum of the product of factors over all states",
        "y_label": "random tables",
        "log_y": True,
    }


def _tiny_samples(rng: np.random.Generator) -> dict[str, Any]:
    def five() -> list[Any]:
        return list(rng.integers(0, 2, (5, 3, 3)))

    return {
        "rows": [
            {"label": "image ∝ count", "images": five(), "titles": [f"p = {i}/2304" for i in range(5)]},
            {"label": "count ∝ k", "images": five()},
        ],
        "scale": "binary",
    }


def _digits(rng: np.random.Generator) -> dict[str, Any]:
    y, x = np.mgrid[:28, :28]
    ring = np.exp(-((np.hypot(x - 14, y - 14) - 8) ** 2) / 6)
    return {
        "rows": [
            {"label": "Pixel means", "images": [ring]},
            {"label": "Samples", "images": list(rng.random((24, 28, 28)) < ring)},
        ],
        "scale": "probability",
        "columns": 12,
    }


def _stairs(n: int, m: int) -> Any:
    return (np.arange(n)[:, None] / n > np.arange(m)[None, :] / m).astype(int)


def _masks() -> dict[str, Any]:
    names = ["x1", "x2", "x3", "x4"]
    return {
        "panels": [
            {
                "title": "First mask",
                "values": _stairs(4, 4),
                "row_labels": ["h1 (1)", "h2 (1)", "h3 (2)", "h4 (3)"],
                "column_labels": names,
                "row_axis": "hidden unit (degree)",
                "column_axis": "input",
            },
            {
                "title": "Output mask",
                "values": _stairs(4, 4),
                "row_labels": names,
                "column_labels": ["h1", "h2", "h3", "h4"],
            },
            {
                "title": "Product: number of paths",
                "values": 3 * _stairs(4, 4),
                "row_labels": names,
                "column_labels": names,
            },
        ],
        "annotate": True,
    }


def _jacobian(rng: np.random.Generator) -> dict[str, Any]:
    names = ["season", "allergies", "umbrella", "rain", "pressure"]
    return {
        "panels": [
            {
                "title": "Jacobian at a random point",
                "values": np.tril(rng.normal(size=(5, 5)), -1),
                "row_labels": names,
                "column_labels": names,
                "row_axis": "output",
                "column_axis": "input",
            },
            {"title": "At another", "values": np.tril(rng.normal(size=(5, 5)), -1)},
        ]
    }


def _cats_dogs() -> dict[str, Any]:
    places = {
        "S": ("season", 0, 0),
        "AP": ("atmospheric pressure", 1, 0),
        "A": ("allergies", -0.5, 1),
        "R": ("rain", 1, 1),
        "U": ("umbrella", 0, 2),
        "G": ("wet grass", 1, 2),
        "DB": ("dog bark", 2, 2),
        "CM": ("cat mood", 3, 2),
        "CH": ("cat hides", 2.5, 3),
    }
    edges = ["S A", "S R", "S U", "AP R", "R G", "R U", "R DB", "R CM", "DB CH", "CM CH"]
    marks = {"R DB": "open", "R CM": "open", "DB CH": "blocked", "CM CH": "blocked"}
    return {
        "nodes": [
            {"id": k, "label": name, "x": x, "y": y, "mark": "highlight" if k == "R" else "normal"}
            for k, (name, x, y) in places.items()
        ],
        "edges": [
            {"source": e.split()[0], "target": e.split()[1], "mark": marks.get(e, "normal")}
            | ({"points": [[0, 0], [0.25, 1], [0, 2]]} if e == "S U" else {})
            for e in edges
        ],
    }


def _cycle() -> dict[str, Any]:
    return {
        "nodes": [
            {"id": "A", "label": "A", "x": 0, "y": 0},
            {"id": "B", "label": "B", "x": 1, "y": 1},
            {"id": "C", "label": "C", "x": 0, "y": 2},
            {"id": "D", "label": "D", "x": 2, "y": 2, "mark": "muted"},
        ],
        "edges": [
            {"source": "A", "target": "B", "mark": "cycle"},
            {"source": "B", "target": "C", "mark": "cycle"},
            {"source": "C", "target": "A", "mark": "cycle"},
            {"source": "B", "target": "D"},
            {"source": "D", "target": "B"},
            {"source": "D", "target": "D", "mark": "muted"},
        ],
    }


def _made() -> dict[str, Any]:
    kept = [[0, 2], [0, 3], [1, 0], [1, 1], [1, 2], [1, 3], [3, 1], [3, 2]]
    every = [[i, j] for i in range(4) for j in range(4)]
    names = ["x1", "x2", "x3", "x4"]
    return {
        "layers": [
            {"name": "input", "size": 4, "units": names, "detail": "by position"},
            {"name": "hidden 1", "size": 4, "units": ["1", "2", "3", "2"]},
            {"name": "hidden 2", "size": 4, "units": ["1", "3", "2", "2"]},
            {"name": "output", "size": 4, "units": [f"p({n} | before)" for n in names]},
        ],
        "edges": [kept, [[0, 0], [0, 1], [1, 2], [2, 1]], [[0, 0], [1, 2], [2, 3]]],
        "dropped": [[p for p in every if p not in kept], [], []],
    }


def _mlp() -> dict[str, Any]:
    hidden = [{"name": f"hidden {i}", "size": n, "detail": "ReLU"} for i, n in enumerate((512, 128, 4), 1)]
    ends = (
        {"name": "input", "size": 784, "detail": "28 × 28 pixels"},
        {"name": "output", "size": 1, "detail": "sigmoid"},
    )
    return {"layers": [ends[0], *hidden, ends[1]]}
