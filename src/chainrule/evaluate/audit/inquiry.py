"""What an audit has to ask with: the subject, rows, random numbers of each law's own, tolerances."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.subject import Codes, Scorer, Subject, as_numbers
from chainrule.models.shared.states import state_blocks

__all__ = ["FEW_STATES", "Inquiry", "are_states", "block_of", "difference"]

FEW_STATES = 2**16  # of which a whole table of log p is held
_PROBE_ROWS = 64  # drawn or of the data, and as many of any states
_EXACT, _SINGLE = 1e-9, 1e-5  # relative to what is compared: rounding of float64 and of float32


@dataclass(frozen=True, eq=False)
class Inquiry:
    """A ``subject`` and what it is examined with.

    ``data`` are rows it should fit, ``train`` those that it learned from, both codes (n, d) or ``None``; ``truth`` is
    the log-probability of what the data were drawn from, ``entropy_nats`` its entropy.  ``n_draws`` rows are drawn of
    a sampler; up to ``most_states`` rows are enumerated.
    """

    subject: Subject
    data: Codes | None = None
    train: Codes | None = None
    truth: Scorer | None = None
    entropy_nats: float | None = None
    n_draws: int = 20_000
    most_states: int = 2**22
    seed: int = 0

    def rng(self, what: str) -> np.random.Generator:
        """Random numbers for one use, by the seed and the name of the use."""
        return np.random.default_rng([self.seed, zlib.crc32(what.encode())])

    @cached_property
    def parameters(self) -> dict[str, NDArray[Any]]:
        """The subject's parameters when they were first asked for, copied."""
        found = self.subject.parameters
        return {} if found is None else {name: np.array(value) for name, value in found().items()}

    @cached_property
    def draws(self) -> Codes | None:
        """``n_draws`` rows of the subject's own; ``None`` without a sampler."""
        sample = self.subject.sample
        return None if sample is None else sample(self.n_draws, self.rng("draws"))

    @cached_property
    def probable(self) -> Codes:
        """Rows that are likely under the subject or in the data, (n, d), at most 64, complete; of any states else."""
        rows = self.data if self.data is not None else self.legal_draws
        rows = np.empty((0, self.subject.d), np.int64) if rows is None else rows[(rows >= 0).all(axis=1)]
        if not len(rows):
            return self.anyhow
        return rows[self.rng("probe").permutation(len(rows))[:_PROBE_ROWS]].astype(np.int64)

    @cached_property
    def anyhow(self) -> Codes:
        """64 rows of which each state is as likely as another, (64, d)."""
        return self.rng("any").integers(0, self.subject.sizes, (_PROBE_ROWS, self.subject.d))

    @cached_property
    def probe(self) -> Codes:
        """Rows to ask about: likely ones, and ones of any states."""
        return np.concatenate([self.probable, self.anyhow])

    @property
    def legal_draws(self) -> Codes | None:
        """``draws``, where all of them are rows of states; ``None`` else."""
        try:
            drawn = self.draws
        except Exception:  # that the sampler fails is told by the laws about it
            return None
        return drawn if drawn is not None and are_states(drawn, self.subject.sizes) else None

    @cached_property
    def table(self) -> NDArray[np.float64] | None:
        """log p of all states in counting order; ``None`` where they are more than 65,536."""
        if self.subject.n_states > min(FEW_STATES, self.most_states):
            return None
        return np.concatenate(
            [self.subject.scores(b.astype(np.int64)) for b in state_blocks(self.subject.sizes)]
        )

    @cached_property
    def is_single(self) -> bool:
        """Whether what the subject gives has the precision of float32."""
        if self.subject.is_single is not None:
            return self.subject.is_single
        raw = as_numbers(self.subject.log_prob(self.probe.copy()))
        finite = np.unique(raw[np.isfinite(raw)])
        return raw.dtype == np.float32 or (
            len(finite) > 8 and bool((finite == finite.astype(np.float32)).all())
        )

    @property
    def tolerance(self) -> float:
        """How far rounding may move a probability, or nats relative to their size."""
        return _SINGLE if self.is_single else _EXACT

    @property
    def within(self) -> str:
        """The tolerance in words."""
        return f"to {self.tolerance:g}" + (", the rounding of float32" if self.is_single else "")


def are_states(rows: Codes, sizes: tuple[int, ...]) -> bool:
    """Whether rows (n, d) are whole numbers from 0 to below the sizes."""
    if rows.ndim != 2 or rows.shape[1] != len(sizes) or rows.dtype.kind not in "biuf":
        return False
    return bool(((rows >= 0) & (rows < np.array(sizes)) & (rows == np.floor(rows))).all())


def difference(found: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """|found - expected| where they are log-probabilities, relative to their size above 1; ``inf`` for NaN.

    >>> difference(np.array([-1.0, -np.inf, -200.0]), np.array([-1.5, -np.inf, -202.0])).round(3).tolist()
    [0.333, 0.0, 0.01]
    """
    with np.errstate(invalid="ignore"):
        apart = np.abs(found - expected) / np.maximum(1.0, np.abs(expected))
    apart = np.where(found == expected, 0.0, apart)
    return np.where(np.isnan(apart), np.inf, apart)


def block_of(
    subject: Subject, rows: Codes, variables: NDArray[np.intp], states: Codes
) -> NDArray[np.float64]:
    """log p of ``variables`` in each of ``states`` (m, b) given all else in ``rows``, (n, m); NaN where undefined."""
    n, m = len(rows), len(states)
    filled = np.repeat(rows, m, axis=0)
    filled[:, variables] = np.tile(states, (n, 1))
    log_p = subject.scores(filled).reshape(n, m)
    with np.errstate(invalid="ignore"):
        return log_p - log_sum_exp(log_p, axis=1)[:, None]
