"""A survey as people have them: 28 columns, semicolons, Latin-1, ids, dates, free text, ages, ``NA`` and ``?``.

Its answers depend on each other through age, smoking and a latent mood, so there is something to learn.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["COLUMNS", "survey_rows", "write_survey"]

_TOWNS = ["Köln", "Münster", "Saarbrücken", "Bad Tölz", "Würzburg", "Essen"]
_TEXTS = [
    "gar nicht; nie",
    'sagte "vielleicht"',
    "schön, aber teuer",
    "weiß nicht",
    "zu früh",
    "Übung macht's",
]
_LIKERT = ["stimmt nicht", "stimmt eher nicht", "teils, teils", "stimmt eher", "stimmt"]
COLUMNS = (
    *(
        "id",
        "date",
        "interviewer",
        "town",
        "sex",
        "age",
        "weight_kg",
        "income",
        "children",
        "smoker",
        "sport",
        "advice",
    ),
    *(f"q{j}" for j in range(1, 13)),
    *("owns_car", "shoe_size", "plz", "remarks"),
)


def survey_rows(n: int = 800, seed: int = 0) -> list[list[str]]:
    """The cells as they are written, without the line of names."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(48, 17, n), 18, 94).astype(int)
    mood = rng.normal(size=n)
    smoker = rng.random(n) < 1 / (1 + np.exp(0.05 * (age - 40)))
    rows = []
    for i in range(n):
        likert = [
            _LIKERT[int(np.clip(round(2 + (1 if j % 3 else -1) * 1.2 * mood[i] + rng.normal(0, 0.7)), 0, 4))]
            for j in range(12)
        ]
        row: list[Any] = [
            f"R{10_000 + 7 * i}",
            f"{1 + i % 28:02d}.{1 + i // 28 % 12:02d}.2023",
            f"int{rng.integers(1, 9)}",
            _TOWNS[int(rng.integers(6))],
            "mwd"[int(rng.choice(3, p=[0.48, 0.5, 0.02]))],
            age[i],
            f"{rng.normal(60 + 12 * (i % 2), 11):.1f}",
            int(rng.gamma(3, 900)),
            int(rng.poisson(1.2 if age[i] > 30 else 0.2)),
            "ja" if smoker[i] else "nein",
            ["nie", "selten", "oft"][
                int(np.clip(round(1 - smoker[i] + mood[i] * 0.5 + rng.normal(0, 0.5)), 0, 2))
            ],
            int(rng.random() < (0.7 if smoker[i] else 0.2)),
            *likert,
            "TRUE" if rng.random() < 0.3 + 0.005 * age[i] else "FALSE",
            int(rng.integers(36, 47)),
            f"{rng.integers(10_000, 99_999):05d}",
            f"{_TEXTS[int(rng.integers(6))]} ({i})" if rng.random() < 0.8 else "",
        ]
        rows.append([_with_gaps(name, str(cell), rng) for name, cell in zip(COLUMNS, row, strict=True)])
    return rows


def write_survey(path: Path, n: int = 800, seed: int = 0) -> Path:
    """The survey as a file: semicolons, Latin-1, lines that end in CR LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(survey_rows(n, seed))
    path.write_bytes(text.getvalue().encode("latin-1"))
    return path


def _with_gaps(name: str, cell: str, rng: np.random.Generator) -> str:
    """Some answers are not given, written as this file's makers chose to."""
    u = rng.random()
    if name in ("id", "date", "interviewer"):
        return cell
    if name in ("age", "income", "smoker"):
        return "?" if u < 0.03 else cell
    return "NA" if u < 0.015 else "" if u < 0.02 else cell
