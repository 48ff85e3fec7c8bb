"""Pages of models and of a comparison, of tables as people have them and as they should not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chainrule.models import Independent, chow_liu
from chainrule.report import write_page
from chainrule.tasks import audit, compare, describe
from chainrule.tasks.reading import read_table
from tests.tasks.survey import write_survey

__all__ = ["EVIL", "evil_rows", "image_like_rows", "pages"]

EVIL = "<script>alert(1)</script>"


def pages(folder: Path) -> dict[str, Path]:
    """A page of each kind, written to ``folder``, by what it is of."""
    survey = read_table(write_survey(folder / "survey.csv", 300), fix=True).table
    forest = chow_liu(survey, missing="complete_families")
    images = image_like_rows(300, 12)
    evil = evil_rows()
    one = {"coin": ["heads", "tails", "heads"]}
    records = {
        "survey": describe(forest, survey, draws=2_000),
        "images": describe(chow_liu(images), images, draws=2_000),
        "one column": describe(Independent().fit(one), one, draws=200),
        "no rows": describe(forest, draws=500),
        "evil": describe(chow_liu(evil), evil, draws=500),
        "comparison": compare(survey, models=["independent", "chowliu"], seed=1),
        "audit": audit(chow_liu(images), images, draws=1_000),
        "evil audit": audit(Independent().fit(evil), evil, draws=500),
    }
    return {name: write_page(record, folder / f"{name}.html") for name, record in records.items()}


def image_like_rows(n: int, side: int) -> Any:
    """Rows of side² pixels, 0 or 1, that neighbours share."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(n, side + 2, side + 2))
    smooth = sum(noise[:, i : i + side, j : j + side] for i in range(3) for j in range(3))
    return (np.asarray(smooth) > 0).astype(np.uint8).reshape(n, side * side)


def evil_rows() -> dict[str, list[Any]]:
    """Names and states that are markup, marks of our texts, or cannot be drawn."""
    i = range(80)
    return {
        EVIL: [k % 2 for k in i],
        "a & b": [["<b>bold</b>", "<img src=x onerror=alert(1)>"][k % 2] for k in i],
        "$x$ costs `5` **$**": [["$", "`", "**", "\\"][k % 4] for k in i],
        "x" * 300: [["", " "][k // 2 % 2] for k in i],
        "日本語": [["😀", "two\nlines", "\u202eright to left"][k % 3] for k in i],
        "\"quoted' name": [["a" * 500, "-1"][k % 2] for k in i],
    }
