"""Models on the same held-out rows, best first, each with its distance to the best and the error of that distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.records import to_plain
from chainrule.core.typed import Typed
from chainrule.tables.showing import text_table

__all__ = ["Entry", "Leaderboard", "Trial", "weighted_mean"]


@dataclass(frozen=True, eq=False)
class Trial:
    """A fitted model with its log-probabilities (n,) of the rows that judge it, NaN where it was not asked.

    ``weighing`` are those of the validation rows, where others judge.
    """

    name: str
    model: Any
    log_prob: NDArray[np.float64]
    seconds: float
    weighing: NDArray[np.float64] | None = None

    @property
    def n_parameters(self) -> int:
        """The free parameters of the model."""
        return int(self.model.n_parameters_["in_use"])


@dataclass(frozen=True)
class Entry(Typed):
    """A line: nats a row and their standard error, how far behind the best and the paired error of that."""

    name: str
    mean_nll_nats: float
    standard_error: float | None
    behind_nats: float
    behind_standard_error: float | None
    n_parameters: int
    seconds: float


@dataclass(frozen=True)
class Leaderboard:
    """``entries``, best first, on ``n_rows`` rows that no model has learned from; ``skipped`` says what was not tried.

    Of the held-out rows ``n_left_out`` more lack cells that not every model sums out, so that they judge nobody.

    >>> trials = [Trial("a", _Sized(9), np.log([0.5, 0.5]), 0.1), Trial("b", _Sized(2), np.log([0.5, 0.25]), 0.2)]
    >>> [(e.name, round(e.behind_nats, 4)) for e in Leaderboard.of(trials).entries]
    [('a', 0.0), ('b', 0.3466)]
    >>> trials[1].log_prob[0] = np.nan  # a row that b was not asked
    >>> board = Leaderboard.of(trials)
    >>> board.n_rows, board.n_left_out, Leaderboard.from_dict(board.to_dict()) == board
    (1, 1, True)
    """

    entries: tuple[Entry, ...]
    n_rows: int
    skipped: tuple[tuple[str, str], ...] = ()
    n_left_out: int = 0

    @classmethod
    def of(
        cls,
        trials: Sequence[Trial],
        weights: NDArray[np.float64] | None = None,
        skipped: Sequence[tuple[str, str]] = (),
    ) -> Leaderboard:
        """The trials on the rows that all of them were asked."""
        asked = ~np.any([np.isnan(t.log_prob) for t in trials], axis=0)
        w = np.ones(int(asked.sum())) if weights is None else weights[asked]
        nll = {t.name: 0.0 - t.log_prob[asked] for t in trials}
        ranked = sorted(trials, key=lambda t: weighted_mean(nll[t.name], w)[0])
        best = nll[ranked[0].name]
        entries = []
        for t in ranked:
            mean, error = weighted_mean(nll[t.name], w)
            with np.errstate(invalid="ignore"):
                apart = np.where(nll[t.name] == best, 0.0, nll[t.name] - best)
            behind, paired = weighted_mean(apart, w)
            entries.append(Entry(t.name, mean, error, behind, paired, t.n_parameters, t.seconds))
        n = int(asked.sum())
        return cls(tuple(entries), n, tuple(skipped), len(asked) - n)

    @property
    def best(self) -> Entry:
        """The first line."""
        return self.entries[0]

    def smallest_within_an_error(self) -> Entry:
        """The entry with fewest parameters that is at most one paired standard error behind the best."""
        near = [e for e in self.entries if e.behind_nats <= (e.behind_standard_error or 0.0)]
        return min(near, key=lambda e: (e.n_parameters, e.behind_nats))

    def text(self, judges: str = "rows that no model has learned from") -> str:
        """The table, and what was not tried; ``judges`` says what the rows are."""
        rows = [
            [
                e.name,
                _with_error(e.mean_nll_nats, e.standard_error),
                "" if i == 0 else _with_error(e.behind_nats, e.behind_standard_error),
                f"{e.n_parameters:,}",
                f"{e.seconds:.1f}",
            ]
            for i, e in enumerate(self.entries)
        ]
        head = ["model", "nats a row", "behind the best", "parameters", "seconds"]
        headline = f"{self.n_rows:,} {judges} (± standard error, paired for differences)"
        lines = [text_table(headline, head, rows)]
        if self.n_left_out:
            lines.append(self.left_out_text())
        return "\n".join([*lines, *(f"{name} is left out: {why}" for name, why in self.skipped)])

    def left_out_text(self) -> str:
        """What is said of held-out rows that judge nobody."""
        return f"{self.n_left_out:,} more rows were held out: they lack cells, and not every model sums these out"

    def to_dict(self) -> dict[str, Any]:
        """The leaderboard as plain data."""
        plain = {
            "n_rows": self.n_rows,
            "rows_left_out": self.n_left_out,
            "entries": [asdict(e) for e in self.entries],
            "skipped": [{"name": name, "why": why} for name, why in self.skipped],
        }
        return to_plain(plain)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Leaderboard:
        """The leaderboard that ``to_dict`` gave; ``InputError`` and kinds of ``LookupError`` where it is none."""
        entries = tuple(Entry.from_plain(e) for e in plain["entries"])
        skipped = tuple((str(s["name"]), str(s["why"])) for s in plain["skipped"])
        n_rows, n_left_out = (check_integer(plain[k], k, least=0) for k in ("n_rows", "rows_left_out"))
        return cls(entries, n_rows, skipped, n_left_out)


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float | None]:
    """The mean of ``values`` (n,) by ``weights`` (n,) and its standard error, ``None`` where there is none to be had.

    With weights w the error is sqrt(sum w² (v - mean)²) / sum w, times sqrt(n / (n - 1)).

    >>> weighted_mean(np.array([1.0, 3.0]), np.ones(2))[0], weighted_mean(np.array([1.0]), np.ones(1))
    (2.0, (1.0, None))
    """
    total, n = weights.sum(), int(np.count_nonzero(weights))
    if not n:
        return 0.0, None
    used = weights > 0
    values, weights = values[used], weights[used]
    mean = float((weights * values).sum() / total)
    if n < 2 or not np.isfinite(mean):
        return mean, None
    error = np.sqrt((weights**2 * (values - mean) ** 2).sum()) / total * np.sqrt(n / (n - 1))
    return mean, float(error)


@dataclass(frozen=True)
class _Sized:
    """A model that has nothing but a number of parameters, for the examples above."""

    n: int

    @property
    def n_parameters_(self) -> dict[str, int]:
        return {"in_use": self.n}


def _with_error(value: float, error: float | None) -> str:
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"
