"""The k most probable states of some variables or of all, with names: the record, and how ties are ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.records import to_plain
from chainrule.graphs.notation import probability_text
from chainrule.models.shared.posterior import Posterior, assignment_text, soft_texts

__all__ = ["RankedStates", "first_of_ties", "ranked_of_table"]

_TIE = 1e-9  # nats: sums of the same logarithms in another order differ by less, alternatives rarely do
_MOST_TIED = 1000  # states beyond those asked for that are looked at to order ties


@dataclass(frozen=True, eq=False)
class RankedStates:
    """The most probable states of ``variables`` together given what is known, most probable first.

    ``states`` (m of them, fewer than asked for where no others are possible) name a state for each variable;
    ``log_probs`` (m,) are log p(states | evidence) in nats.  ``log_evidence`` is the log-probability of the evidence in
    nats, a likelihood averaged over (``None`` where it is not known, as under ``jeffrey``); the sum of both is that of
    states and evidence together.
    States that are equally probable (within 1e-9 nats) come in the order of their states, first variable first;
    ``tied`` says that states which are left out are as probable as the last one.

    >>> found = RankedStates(("a",), ({"a": "no"}, {"a": "yes"}), np.log([0.75, 0.25]), {}, 0.0, False)
    >>> print(found.text())
    the 2 most probable states of P(a): together 1 of the probability
      1  0.75  a=no
      2  0.25  a=yes
    """

    variables: tuple[str, ...]
    states: tuple[dict[str, str], ...]
    log_probs: NDArray[np.float64]
    evidence: dict[str, str]
    log_evidence: float | None
    tied: bool
    likelihood: dict[str, dict[str, float]] = field(default_factory=dict)
    jeffrey: dict[str, dict[str, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.states)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """p(states | evidence), (m,)."""
        return np.exp(self.log_probs)

    def text(self) -> str:
        """A line for each; of the second and later ones what differs from the first."""
        known = [assignment_text(self.evidence)] if self.evidence else []
        known += soft_texts("likelihood", self.likelihood) + soft_texts("jeffrey", self.jeffrey)
        head = "the most probable state" if len(self) == 1 else f"the {len(self):,} most probable states"
        head += f" of {probability_text(self.variables, self.evidence)}"
        head += f" where {'; '.join(known)}" if known else ""
        together = "" if len(self) == 1 else f" together {self.probabilities.sum():.6g} of the probability"
        lines = [f"{head}:{together}"]
        first, shown = self.states[0], [f"{p:.6g}" for p in self.probabilities]
        for i, (states, p) in enumerate(zip(self.states, shown, strict=True)):
            other = {v: s for v, s in states.items() if not i or s != first[v]}
            rest = "" if len(other) == len(states) else ", else as 1"
            lines.append(
                f"  {i + 1:>{len(str(len(self)))}}  {p.ljust(max(map(len, shown)))}  {assignment_text(other)}{rest}"
            )
        if self.tied:
            lines.append("  others are as probable as the last one; ask for more to see them")
        return "\n".join(lines)

    def to_plain(self) -> dict[str, Any]:
        """The list as plain data."""
        return to_plain(
            {
                "variables": self.variables,
                "states": self.states,
                "log_probs_nats": self.log_probs,
                "probabilities": self.probabilities,
                "evidence": self.evidence,
                "likelihood": self.likelihood,
                "jeffrey": self.jeffrey,
                "log_evidence_nats": self.log_evidence,
                "tied": self.tied,
            }
        )


def ranked_of_table(posterior: Posterior, k: int) -> RankedStates:
    """The ``k`` most probable states of the variables of a posterior that is at hand."""
    table = posterior.probabilities
    n = check_integer(k, "k")
    best = np.argsort(-table, axis=None, kind="stable")[: n + _MOST_TIED]
    rows = np.stack(np.unravel_index(best, table.shape), axis=1).astype(np.int32)
    log_p = np.log(table.ravel()[best], where=table.ravel()[best] > 0, out=np.full(len(best), -np.inf))
    ranked = ((float(x), row) for x, row in zip(log_p, rows, strict=True) if x > -np.inf)
    states, values, tied = first_of_ties(ranked, n, range(table.ndim))
    named = [
        {v: labels[i] for v, labels, i in zip(posterior.variables, posterior.states, row, strict=True)}
        for row in states
    ]
    soft: Any = {"likelihood": posterior.likelihood, "jeffrey": posterior.jeffrey}
    return RankedStates(
        posterior.variables, tuple(named), np.array(values), posterior.evidence, None, tied, **soft
    )


def first_of_ties(
    ranked: Iterator[tuple[float, NDArray[np.int32]]], k: int, over: Sequence[int]
) -> tuple[list[NDArray[np.int32]], list[float], bool]:
    """The first ``k`` rows of ``ranked`` with ties in the order of their states of ``over``; whether others are tied.

    Where more than 1,000 rows beyond the first k are as good as the last, the order is that of those looked at.

    >>> rows = [(0.0, np.array([1, 0])), (0.0, np.array([0, 1])), (-1.0, np.array([0, 0]))]
    >>> states, values, tied = first_of_ties(iter(rows), 1, [0, 1])
    >>> states[0].tolist(), values, tied
    ([0, 1], [0.0], True)
    """
    found: list[tuple[float, NDArray[np.int32]]] = []
    for value, states in ranked:
        if len(found) >= k and (value < found[k - 1][0] - _TIE or len(found) >= k + _MOST_TIED):
            break
        found.append((value, states))
    group, keys = 0, []
    for i, (value, states) in enumerate(found):
        group += i > 0 and value < found[i - 1][0] - _TIE
        keys.append((group, tuple(states[list(over)].tolist())))
    order = sorted(range(len(found)), key=keys.__getitem__)[:k]
    return [found[i][1] for i in order], [found[i][0] for i in order], len(found) > k
