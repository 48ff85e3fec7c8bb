"""Who depends on whom, learned from rows, with the evidence for each edge.

The structure is the best forest (Chow and Liu 1968) under a price for each edge, learned from all but some held-out
rows; an edge shows what it gains on the rows that it was learned from, beyond its price, and what it gains on the rows
that it has not seen, with a standard error.  The tables of the network are then counted on all rows.

The arrows of a learned network say how the joint is written, not what causes what.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError
from chainrule.core.files import check_place
from chainrule.core.progress import note
from chainrule.core.records import to_plain
from chainrule.models.auto.leaderboard import weighted_mean
from chainrule.models.bayesian_network.dependence_tree import chow_liu, edge_prices
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.pair_counts import count_pairs
from chainrule.models.shared.holding_out import hold_out
from chainrule.tables.showing import text_table
from chainrule.tables.table import Table
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.reading import read_table

__all__ = ["EdgeEvidence", "Learned", "learn"]

_PENALTY = "ebic"
_GRAPHS = (".dot", ".gv", ".txt", ".csv", ".tsv", ".dagitty")


@dataclass(frozen=True)
class EdgeEvidence:
    """An edge: its mutual information, its gain over its price in all, and its gain a row on rows not learned from."""

    parent: str
    child: str
    mutual_information_nats: float
    gain_nats: float
    held_out_gain_nats: float | None
    held_out_standard_error: float | None
    held_out_rows: int

    @property
    def holds(self) -> bool:
        """Whether it gains on the held-out rows by more than two standard errors."""
        gain, error = self.held_out_gain_nats, self.held_out_standard_error
        return gain is not None and error is not None and gain > 2 * error


@dataclass(frozen=True, eq=False)
class Learned:
    """The ``network`` on all rows, and the evidence for each edge, strongest first."""

    network: BayesianNetwork
    edges: tuple[EdgeEvidence, ...]
    n_rows: int
    n_held_out: int
    seed: int
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """A line for each edge."""
        rows = [
            [
                f"{e.parent} -> {e.child}",
                f"{e.mutual_information_nats:.4f}",
                f"{e.gain_nats:.1f}",
                "none known"
                if e.held_out_gain_nats is None
                else f"{e.held_out_gain_nats:.4f} ± {e.held_out_standard_error or 0:.4f}",
                "yes" if e.holds else "not clearly",
            ]
            for e in self.edges
        ]
        d, isolated = len(self.network.schema_), self._isolated()
        headline = (
            f"{len(self.edges)} edges between {d} columns, learned from {self.n_rows - self.n_held_out:,} rows, tried "
            f"on {self.n_held_out:,} others (seed {self.seed})"
        )
        head = [
            "edge",
            "information (nats)",
            "gain over its price (nats)",
            "held-out gain (nats a row)",
            "holds",
        ]
        lines = [text_table(headline, head, rows)]
        if isolated:
            lines.append(f"no edge pays for {', '.join(isolated)}")
        lines.append(
            "arrows say how the joint is written, not what causes what: rows cannot tell a -> b from b -> a"
        )
        return "\n".join(lines)

    def _isolated(self) -> list[str]:
        ends = {name for e in self.edges for name in (e.parent, e.child)}
        return [name for name in self.network.schema_.names if name not in ends]

    def to_dict(self) -> dict[str, Any]:
        """The edges and their evidence as plain data."""
        return to_plain(
            {
                "columns": list(self.network.schema_.names),
                "edges": [asdict(e) | {"holds": e.holds} for e in self.edges],
                "isolated": self._isolated(),
                "rows": self.n_rows,
                "held_out_rows": self.n_held_out,
                "seed": self.seed,
                "notes": list(self.notes),
            }
        )

    def write(self, path: str | Path) -> None:
        """Write the network to a BIF file, or its graph to DOT, an edge list and other formats, by the name's end."""
        if _is_bif(path):
            self.network.to_bif(path)
        else:
            self.network.dag_.write(path)


def learn(
    X: Any,
    *,
    out: str | Path | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    fix: bool = False,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Learned:
    """The forest that the rows of ``X`` speak for; ``out`` also writes it (``.bif`` with its tables).

    Pairs are counted where both are known.  ``held_out`` of the rows, by ``seed``, try the edges.

    >>> rows = {"a": ["x", "y"] * 60, "b": ["u", "v"] * 60, "c": ["s", "s", "t"] * 40}
    >>> [(e.parent, e.child, e.holds) for e in learn(rows).edges]
    [('a', 'b', True)]
    """
    check_integer(seed, "seed", least=0)
    if out is not None:
        if not _is_bif(out) and Path(out).suffix.lower() not in _GRAPHS:
            raise InputError(
                f"a network is written to .bif, its graph to {', '.join(_GRAPHS)}; got {Path(out).name!r}"
            )
        check_place(out)
    found = read_table(X, fix=fix, dialect=dialect, **reading)
    for text in found.notes:
        note(text)
    split = hold_out(found.table, held_out, seed)
    learned = chow_liu(split.train, penalty=_PENALTY, missing="complete_families")
    edges = sorted(_evidence(learned, split.train, split.held_out), key=lambda e: -e.gain_nats)
    network = BayesianNetwork(
        learned.dag_, pseudocount=learned.pseudocount, prior=learned.prior, missing="complete_families"
    ).fit(found.table)
    network.fit_info_ |= {"graph": "learned"}
    record = Learned(network, tuple(edges), found.table.n_rows, split.held_out.n_rows, seed, found.notes)
    if out is not None:
        record.write(out)
    return record


def _evidence(model: BayesianNetwork, train: Table, judges: Table) -> Iterator[EdgeEvidence]:
    pairs = count_pairs(train, missing="complete_families")
    prices = edge_prices(pairs, _PENALTY)
    for parent, child in model.dag_.edges:
        i, j = train.schema.index(parent), train.schema.index(child)
        gain = float(pairs.weights[i, j] * pairs.information[i, j] - prices[i, j])
        known = (judges.codes[:, i].astype(int) >= 0) & (judges.codes[:, j].astype(int) >= 0)
        a, b = judges.codes[known, i], judges.codes[known, j]
        with np.errstate(divide="ignore"):
            gains = np.log(model.tables_[child][a, b]) - np.log(model.query(child).probabilities[b])
        weights = np.ones(len(a)) if judges.weights is None else judges.weights[known]
        mean, error = weighted_mean(gains, weights) if len(a) else (None, None)
        yield EdgeEvidence(parent, child, float(pairs.information[i, j]), gain, mean, error, len(a))


def _is_bif(path: str | Path) -> bool:
    return Path(path).suffix.lower() == ".bif"
