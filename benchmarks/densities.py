"""The density-estimation sets: test nats of every family and of "auto", fitted once, judged once.

    python -m benchmarks densities [--sets nltcs,dna] [--models chowliu,auto] [--budget 10m] [--keep DIR]

A model learns from the training rows, chooses by the validation rows, and scores the test rows once.  "auto", and a
family that can be cut short, gets ``--budget`` (ten minutes).  Each result lies in a file of its own under ``--keep``,
with log p of each test row: a run that was interrupted goes on, and a result with another budget or seed is made anew.
Results do not know of changes to the code: give another folder, or delete the file.
When a set is done its best single model is known, so its lines come then: "behind" is the paired difference to that.

Sets: Lowd & Davis 2010, Van Haaren & Davis 2012, and nips of Larochelle & Murray 2011.  Published, in nats: Chow-Liu
trees (beside "chowliu") and the best exact value of any kind of model (beside "auto"); of kdd and baudio that is MADE
with 8 orderings (Peharz et al. 2020), of nips EoNADE with 16 (Uria et al. 2014).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.showing import Benchmark, Options, duration, with_error
from chainrule.core.errors import ChainruleError
from chainrule.core.files import write_text
from chainrule.datasets import Dataset, load
from chainrule.models.auto.estimator import Auto
from chainrule.models.auto.leaderboard import weighted_mean
from chainrule.models.families import FAMILIES, Request, working_seconds
from chainrule.models.shared.scoring_parts import log_prob_in_parts
from chainrule.tables.door import rows

__all__ = ["DENSITIES", "PUBLISHED", "Density", "Result", "densities", "result_of"]

PUBLISHED: dict[str, tuple[float | None, float]] = {  # Chow-Liu, best exact
    "nltcs": (6.76, 5.99),
    "msnbc": (6.54, 6.03),
    "kdd": (2.29, 2.07),
    "plants": (16.52, 11.99),
    "baudio": (44.37, 38.95),
    "accidents": (33.19, 26.32),
    "dna": (87.73, 79.05),
    "kosarek": (11.49, 10.56),
    "book": (37.84, 33.46),
    "cr52": (94.43, 81.17),
    "nips": (None, 272.38),
}
_AUTO = "auto"
_BUDGET, _SEED = 600.0, 0
_DIGITS = 9  # that log p of a row is kept with


@dataclass(frozen=True)
class Result:
    """What is kept of one model of one set; without ``log_prob`` it could not be fitted, and ``note`` says why."""

    set: str
    model: str
    seed: int
    budget: float
    log_prob: list[float] | None
    seconds: float
    n_parameters: int
    note: str = ""


@dataclass(frozen=True)
class Density:
    """Test nats a row of one model of one set, and how far it is behind the best single model, with paired errors."""

    set: str
    model: str
    nats: float | None
    standard_error: float | None
    behind: float | None
    behind_error: float | None
    seconds: float
    n_parameters: int
    published: str
    note: str

    def cells(self) -> list[str]:
        """By column of the table."""
        nats = "" if self.nats is None else with_error(self.nats, self.standard_error)
        behind = "" if self.behind is None else with_error(self.behind, self.behind_error)
        numbers = [duration(self.seconds), f"{self.n_parameters:,}"]
        return [self.set, self.model, nats, behind, *numbers, self.published, self.note]


def densities(options: Options) -> Iterator[Density]:
    """Every set that can be had, a set after the other."""
    budget = options.budget or _BUDGET
    families = [f.name for f in FAMILIES.values() if not f.needs_dag]
    models = options.chosen(options.models, [*families, _AUTO], "model")
    sets = options.chosen(options.sets, list(PUBLISHED), "set")
    for name in sets[:1] if options.quick else sets:
        try:
            data = load(name)
        except ChainruleError as e:
            yield Density(name, "", None, None, None, None, 0.0, 0, "", str(e))
            continue
        yield from _compared([result_of(data, model, budget, options.keep) for model in models])


def result_of(data: Dataset, model: str, budget: float, keep: Path) -> Result:
    """The result of ``model`` on ``data`` that lies in ``keep``, or a new one, which is then put there."""
    path = keep / "densities" / data.name / f"{model}.json"
    if path.is_file():
        kept = Result(**json.loads(path.read_text(encoding="utf-8")))
        if (kept.seed, kept.budget) == (_SEED, budget):
            return kept
    found = _fitted(data, model, budget)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(found)) + "\n")
    return found


def _fitted(data: Dataset, name: str, budget: float) -> Result:
    train = rows(data.train)
    valid, test = (rows(part, train.schema) for part in (data.valid, data.test))
    began = working_seconds()
    try:
        if name == _AUTO:
            model = Auto(budget=budget, random_state=_SEED).fit(train, valid=valid)
        else:
            model = FAMILIES[name].fit(Request(train, valid, _SEED, budget))
        seconds = working_seconds() - began
        log_p = log_prob_in_parts(model, test)
    except ChainruleError as e:
        return Result(data.name, name, _SEED, budget, None, working_seconds() - began, 0, str(e))
    note = f"chose {model.chosen_}" if isinstance(model, Auto) else ""
    n = int(model.n_parameters_["in_use"])  # type: ignore[attr-defined]  # every family has them
    return Result(
        data.name, name, _SEED, budget, [float(f"{x:.{_DIGITS}g}") for x in log_p], seconds, n, note
    )


def _compared(results: list[Result]) -> Iterator[Density]:
    """A line for each, behind the best that is no "auto"."""
    scored = {r.model: -np.array(r.log_prob) for r in results if r.log_prob is not None}
    singles = [nll for model, nll in scored.items() if model != _AUTO]
    best: NDArray[np.float64] | None = min(singles, key=np.mean, default=None)
    for r in results:
        nats = error = behind = behind_error = None
        if r.model in scored:
            nll = scored[r.model]
            nats, error = weighted_mean(nll, np.ones(len(nll)))
            if best is not None:
                behind, behind_error = weighted_mean(nll - best, np.ones(len(nll)))
        tree, exact = PUBLISHED[r.set]
        published = {"chowliu": tree, _AUTO: exact}.get(r.model)
        text = "" if published is None else f"{published:.2f}"
        yield Density(
            r.set, r.model, nats, error, behind, behind_error, r.seconds, r.n_parameters, text, r.note
        )  # fmt: skip


DENSITIES = Benchmark(
    "densities",
    "test nats of every family and of auto on the density-estimation sets, hours; goes on from --keep",
    ("set", "model", "test nats a row", "behind the best single", "fit", "parameters", "published", "note"),
    densities,
    by_name=True,
)
