"""Who depends on whom, learned from rows, with the evidence for each edge.

A graph is learned from all but some held-out rows, by one of the methods of ``graph_methods``: the best forest under a
price for each edge (Chow and Liu 1968), hill climbing or an exact search by the score of a Bayesian network, or a
network of decision trees.  The evidence for its edges is in ``edge_evidence``.  The tables of a network of tables are
then counted on all rows; decision trees stay as they were learned.

The arrows of a learned network say how the joint is written, not what causes what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.files import as_path, check_place
from chainrule.core.progress import note
from chainrule.core.randomness import as_generator
from chainrule.core.records import to_plain
from chainrule.core.text import as_written
from chainrule.graphs.formats.networks import NETWORK_SUFFIXES, check_names
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.structure.edge_rules import Edges
from chainrule.models.contract import DiscreteModel
from chainrule.models.families import filled
from chainrule.models.shared.holding_out import hold_out
from chainrule.tables.showing import text_table
from chainrule.tables.table import Table
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.edge_evidence import EdgeEvidence, edge_evidence
from chainrule.tasks.edge_strengths import EdgeStrengths, edge_strengths
from chainrule.tasks.graph_methods import Wanted
from chainrule.tasks.reading import read_table

__all__ = ["EdgeEvidence", "Learned", "learn"]

_GRAPHS = (".dot", ".gv", ".txt", ".csv", ".tsv", ".dagitty")
_MOST_ENTRIES = 2**22  # of the tables that decision trees become in a file


@dataclass(frozen=True, eq=False)
class Learned:
    """The ``network``, and the evidence for each edge, strongest first; ``others`` are often found and not in it."""

    network: DiscreteModel
    edges: tuple[EdgeEvidence, ...]
    n_rows: int
    n_held_out: int
    seed: int
    notes: tuple[str, ...] = ()
    method: str = "forest"
    score: str = "ebic"
    n_resamples: int = 0
    others: tuple[tuple[str, str, float], ...] = ()

    def text(self) -> str:
        """A line for each edge."""
        d, isolated = len(self.network.schema_), self._isolated()
        headline = (
            f"{len(self.edges)} edges between {d} columns by {self.method} ({self.score}), learned from "
            f"{self.n_rows - self.n_held_out:,} rows, tried on {self.n_held_out:,} others (seed {self.seed})"
        )
        head = ["edge", "information (nats)", self._gain(), "held-out gain (nats a row)", "holds"]
        if self.n_resamples:
            head += [f"of {self.n_resamples} resamples", "this way"]
        lines = [text_table(headline, head, [self._line(e) for e in self.edges])]
        if isolated:
            lines.append(f"no edge pays for {', '.join(isolated)}")
        if self.others:
            found = ", ".join(f"{a} -- {b} ({share:.0%})" for a, b, share in self.others)
            lines.append(f"in half of the resamples or more, and not here: {found}")
        tells = (
            "rows cannot tell a -> b from b -> a"
            if self.method == "forest"
            else "rows cannot tell graphs of one CPDAG apart"
        )
        lines.append(f"arrows say how the joint is written, not what causes what: {tells}")
        return "\n".join(lines)

    def _gain(self) -> str:
        return {"forest": "gain over its price (nats)", "trees": "gain (nats)"}.get(
            self.method, f"gain in {self.score} (nats)"
        )

    def _line(self, e: EdgeEvidence) -> list[str]:
        cells = [
            f"{e.parent} -> {e.child}",
            f"{e.mutual_information_nats:.4f}",
            f"{e.gain_nats:.1f}",
            "none known"
            if e.held_out_gain_nats is None
            else f"{e.held_out_gain_nats:.4f} ± {e.held_out_standard_error or 0:.4f}",
            "yes" if e.holds else "not clearly",
        ]
        if e.strength is not None:
            cells += [f"{e.strength:.0%}", "–" if e.direction is None else f"{e.direction:.0%}"]
        return cells

    def _isolated(self) -> list[str]:
        ends = {name for e in self.edges for name in (e.parent, e.child)}
        return [name for name in self.network.schema_.names if name not in ends]

    def to_dict(self) -> dict[str, Any]:
        """The edges and their evidence as plain data."""
        return to_plain(
            {
                "columns": list(self.network.schema_.names),
                "method": self.method,
                "score": self.score,
                "edges": [asdict(e) | {"holds": e.holds} for e in self.edges],
                "isolated": self._isolated(),
                "resamples": self.n_resamples,
                "often_found_besides": [
                    {"between": [a, b], "strength": share} for a, b, share in self.others
                ],
                "rows": self.n_rows,
                "held_out_rows": self.n_held_out,
                "seed": self.seed,
                "notes": list(self.notes),
            }
        )

    def write(self, path: str | Path) -> None:
        """Write the network to a BIF, XMLBIF, NET, UAI or XDSL file, or its graph to DOT and others, by the name's end.

        Decision trees become full tables in a file of a network: ``TooLargeError`` above 2^22 entries in all.
        """
        if _has_tables(path):
            _as_tables(self.network).write(path)
        else:
            self.network.factorization_.write(path)


def learn(
    X: Any,
    *,
    method: str = "forest",
    score: str | None = None,
    equivalent_sample_size: float = 1.0,
    forbidden: Edges = (),
    required: Edges = (),
    tiers: Iterable[Iterable[str]] = (),
    max_parents: int | None = None,
    bootstrap: int = 0,
    out: str | Path | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    workers: int = 1,
    fix: bool = False,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Learned:
    """The graph that the rows of ``X`` speak for; ``out`` also writes it, ``.bif`` and the like with its tables.

    ``method`` "forest" goes by the ``score`` "ebic" (or "bic", "aic"), "hill-climb" and "exact" by "bic" ("aic",
    "bdeu" with ``equivalent_sample_size``, "k2", "held-out" in five folds), "trees" by "bayes" ("dirichlet", "ebic",
    "bic", "aic").  ``hill_climb`` says what ``forbidden``, ``required``, ``tiers`` and ``max_parents`` are.  Families
    are counted where all of them is known; for "trees" holes are drawn from a forest.  ``held_out`` of the rows, by
    ``seed``, try the edges; ``bootstrap`` resamples of the others say how often each is found again.  ``workers`` above
    1 are processes among which a long list of files is shared to be read.

    >>> rows = {"a": ["x", "y"] * 60, "b": ["u", "v"] * 60, "c": ["s", "s", "t"] * 40}
    >>> [(e.parent, e.child, e.holds) for e in learn(rows).edges]
    [('a', 'b', True)]
    >>> [(e.parent, e.child) for e in learn(rows, method="exact", forbidden="a -> b").edges]
    [('b', 'a')]
    """
    check_integer(seed, "seed", least=0)
    n_resamples = check_integer(bootstrap, "bootstrap", least=0)
    wanted = Wanted.of(
        method,
        score,
        equivalent_sample_size=equivalent_sample_size,
        forbidden=forbidden,
        required=required,
        tiers=tiers,
        max_parents=max_parents,
        seed=seed,
    )
    _check_out(out)
    found = read_table(X, fix=fix, dialect=dialect, workers=workers, **reading)
    for text in found.notes:
        note(text)
    if out is not None and _has_tables(out):
        check_names({v.name: v.states for v in found.table.schema.variables}, out)
    split = hold_out(found.table, held_out, seed)
    learned = wanted.learn(split.train)
    strengths = _strengths(wanted, split.train, n_resamples) if n_resamples else None
    edges = edge_evidence(learned, wanted, split.train, split.held_out, strengths)
    record = Learned(
        _on_all(learned, found.table),
        tuple(edges),
        found.table.n_rows,
        split.held_out.n_rows,
        seed,
        found.notes,
        wanted.method,
        wanted.score,
        n_resamples,
        () if strengths is None else tuple(strengths.others(learned.factorization_)),
    )
    if out is not None:
        record.write(out)
    return record


def _check_out(out: str | Path | None) -> None:
    if out is None:
        return
    place = as_path(out, "out")
    if not _has_tables(place) and place.suffix.lower() not in _GRAPHS:
        raise InputError(
            f"a network is written to {', '.join(NETWORK_SUFFIXES)}, its graph to {', '.join(_GRAPHS)}; "
            f"got {as_written(place.name)}"
        )
    check_place(place)


def _strengths(wanted: Wanted, train: Table, n: int) -> EdgeStrengths:
    table = filled(train, wanted.seed) if wanted.method == "trees" else train  # once, not for each resample
    rng = as_generator(wanted.seed).spawn(1)[0]
    return edge_strengths(
        table, lambda rows: wanted.learn(rows).factorization_, wanted.rules(table.schema.names), n, rng
    )


def _on_all(learned: DiscreteModel, table: Table) -> DiscreteModel:
    """The graph of a network of tables with the tables of all rows; decision trees as they are."""
    if not isinstance(learned, BayesianNetwork):
        return learned
    network = BayesianNetwork(
        learned.dag_, pseudocount=learned.pseudocount, prior=learned.prior, missing="complete_families"
    ).fit(table)
    network.fit_info_ |= {"graph": "learned"}
    return network


def _as_tables(network: Any) -> BayesianNetwork:
    """The network with full tables; ``TooLargeError`` where decision trees would need too many entries."""
    if isinstance(network, BayesianNetwork):
        return network
    dag, schema = network.factorization_, network.schema_
    entries = sum(prod(schema[u].size for u in (*dag.parents(v), v)) for v in schema.names)
    if entries > _MOST_ENTRIES:
        raise TooLargeError(
            f"as full tables these decision trees have {entries:,} entries, at most {_MOST_ENTRIES:,} are written to a "
            f"file; write the graph ({', '.join(_GRAPHS)}), or learn with the method hill-climb"
        )
    return network.to_bayesian_network()


def _has_tables(path: str | Path) -> bool:
    return as_path(path).suffix.lower() in NETWORK_SUFFIXES
