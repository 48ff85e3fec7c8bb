"""A Bayesian network whose tables are decision trees, learned from rows together with its graph.

    p(x) = prod_i p(x_i | the leaf of tree i to which the row comes)

A tree asks for the states of a few other variables, and only on some of its branches: it needs a table neither for
all configurations of its parents nor a small number of parents (Friedman and Goldszmidt 1996; Chickering, Heckerman
and Meek 1997).  All trees are grown together, best split first, under one acyclic graph (``shared/decision_tables``);
what stands at the leaves is averaged over all prunings (``averaging``).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.compiled.compiling import seconds_compiling
from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import DataError, TooLargeError
from chainrule.core.randomness import as_generator
from chainrule.graphs import DAG
from chainrule.models.bayesian_network import BayesianNetwork
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.column_turns import column_turns
from chainrule.models.shared.decision_tables import DecisionTables, Penalty, grow_tables, loaded_tables
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.interventions import actions, done_info
from chainrule.models.shared.loaded import check_padded, loaded_array
from chainrule.models.shared.ordering import Ordering, parse_ordering, positions
from chainrule.models.shared.posterior import impossible
from chainrule.models.tree_network.averaging import PRUNINGS, SHRINKAGES, averaged, choose, ending, shrunk
from chainrule.models.tree_network.edge_gains import EdgeGain, EdgeGains, gains_by_edge
from chainrule.models.tree_network.inference import TreeInference, full_table
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["TreeNetwork"]

_SHRINKAGE = 4.0  # where no validation rows choose


class TreeNetwork(DiscreteModel):
    """A Bayesian network of decision trees, its graph learned; for tables of any numbers of states.

    ``penalty`` is what a split must gain: "bayes" (the probability of the rows under a Dirichlet prior rises by more
    than chance, with so many splits to choose from, would make it), "dirichlet" (it rises at all: larger trees, better
    where rows are very many), "bic", "ebic", "aic", "none", or nats for each parameter.  ``ordering`` makes
    every variable depend on earlier ones only ("natural", "random" by ``random_state``, columns or names); without it
    the graph is free.  Trees split on one state against the rest; where states have an order (also integers, numbers
    and intervals), on two ranges as well.  Each side of a split holds ``least_rows`` rows or more.  Growing stops after
    ``max_splits`` splits, or ``max_seconds`` (which makes the result depend on the machine); the best come first.

    ``shrinkage`` is how many rows the estimate of the node above counts in that of a node, ``pruning`` the prior
    log-odds in nats that a tree ends where it has a split.  ``None`` chooses both on ``valid``; without, it takes 4
    rows, and the logarithm of how many states there are to ask for.
    ``pseudocount`` is added to the count of each state of each variable as a whole; it is above 0, so that no
    row of known states is impossible.  ``max_bytes`` bounds the tables of one answer about rows with missing values.

    ``edge_gains_`` says what each edge of ``factorization_`` is worth.

    >>> rows = {"a": [0, 0, 1, 1] * 9, "b": [0, 0, 1, 1] * 9, "c": [0, 1, 1, 1] * 9}
    >>> model = TreeNetwork().fit(rows)
    >>> model.factorization_.edges
    (('b', 'a'), ('c', 'b'))
    >>> print(model.edge_gains_.text())
    2 edges, by what each gains in nats a row
      b -> a  0.5978
      c -> b  0.1719
    """

    marginalises_: ClassVar[Marginalises] = "any"
    edge_gains_: EdgeGains
    _tables: DecisionTables
    _probabilities: NDArray[np.float64]  # (T, K) of each node, were its tree to end there
    _inference: TreeInference

    def __init__(
        self,
        *,
        penalty: Penalty | float = "bayes",
        ordering: Ordering | None = None,
        shrinkage: float | None = None,
        pruning: float | None = None,
        pseudocount: float = 0.5,
        least_rows: float = 1.0,
        max_splits: int | None = None,
        max_seconds: float | None = None,
        random_state: int | None = None,
        schema: Schema | None = None,
        max_bytes: int = 2**30,
    ) -> None:
        self.penalty: Penalty | float = penalty
        self.ordering = ordering
        self.shrinkage = shrinkage
        self.pruning = pruning
        self.pseudocount = pseudocount
        self.least_rows = least_rows
        self.max_splits = max_splits
        self.max_seconds = max_seconds
        self.random_state = random_state
        self.schema = schema
        self.max_bytes = max_bytes

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Grow the trees, choose how they are averaged.

        ``fit_info_`` holds ``train_nll_nats`` and ``valid_nll_nats`` a row, numbers of splits and edges, what was
        chosen, and seconds without compiling.
        """
        self._need_complete(table, valid)
        pseudocount = check_real(self.pseudocount, "pseudocount", strictly=True)
        began, compiling = time.perf_counter(), seconds_compiling()
        tables = self._grown(table)
        counts = tables.counts(table.codes, table.weights)
        held_out = None if valid is None else tables.counts(valid.codes, valid.weights)
        shrinkage, pruning = self._chosen(tables, counts, held_out, pseudocount)
        probabilities = averaged(
            tables, shrunk(tables, counts, shrinkage, pseudocount), ending(tables, counts, pruning)
        )
        gains = [gains_by_edge(tables, probabilities, c) for c in (counts, held_out) if c is not None]
        edges = np.argwhere(tables.parents)
        edges = edges[np.argsort(-gains[0][tuple(edges.T)], kind="stable")]
        self._take(tables, probabilities, edges, np.stack([g[tuple(edges.T)] for g in gains], axis=1))
        self.fit_info_ = {
            "n_rows": table.n_rows,
            "n_splits": int((~tables.is_leaf).sum()),
            "n_edges": len(edges),
            "shrinkage": shrinkage,
            "pruning_nats": pruning,
            "train_nll_nats": _mean_nll(tables, probabilities, counts),
            "valid_nll_nats": None if held_out is None else _mean_nll(tables, probabilities, held_out),
            "seconds": time.perf_counter() - began - (seconds_compiling() - compiling),
        }

    def _grown(self, table: Table) -> DecisionTables:
        place = None
        if self.ordering is not None:
            rng = as_generator(self.random_state)
            place = positions(parse_ordering(self.ordering, names=table.schema.names, rng=rng))
        return grow_tables(
            table.codes,
            table.schema.sizes,
            weights=table.weights,
            penalty=self.penalty,
            place=place,
            ordered=[
                v.ordered or v.kind in ("integer", "number", "interval") for v in table.schema.variables
            ],
            least_rows=check_real(self.least_rows, "least_rows"),
            max_splits=None
            if self.max_splits is None
            else check_integer(self.max_splits, "max_splits", least=0),
            max_seconds=None if self.max_seconds is None else check_real(self.max_seconds, "max_seconds"),
        )

    def _chosen(
        self,
        tables: DecisionTables,
        counts: NDArray[np.float64],
        held_out: NDArray[np.float64] | None,
        pseudocount: float,
    ) -> tuple[float, float]:
        """Shrinkage and pruning: as set, by validation rows, or the defaults."""
        shrinkages, prunings = SHRINKAGES, PRUNINGS
        if self.shrinkage is not None:
            shrinkages = (check_real(self.shrinkage, "shrinkage", strictly=True),)
        if self.pruning is not None:
            prunings = (check_real(self.pruning, "pruning", least=-np.inf),)
        if held_out is not None:
            return choose(tables, counts, held_out, pseudocount, shrinkages, prunings)
        return (
            shrinkages[0] if self.shrinkage is not None else _SHRINKAGE,
            prunings[0] if self.pruning is not None else self._default_pruning(),
        )

    def _default_pruning(self) -> float:
        """As much as it takes to choose one of the states that may be asked for."""
        return float(np.log(max(sum(k - 1 for k in self.schema_.sizes), 1)))

    def _take(
        self,
        tables: DecisionTables,
        probabilities: NDArray[np.float64],
        edges: NDArray[np.intp],
        gains: NDArray[np.float64],
    ) -> None:
        """Take over trees, what stands at them, and edges (child, parent) with their gains, (E, 1 or 2)."""
        names = self.schema_.names
        self._tables, self._probabilities, self._edges, self._gains = tables, probabilities, edges, gains
        self.edge_gains_ = EdgeGains(
            tuple(
                EdgeGain(names[j], names[i], *map(float, gain))
                for (i, j), gain in zip(edges, gains, strict=True)
            )
        )
        self._dag = DAG([(names[j], names[i]) for i, j in np.argwhere(tables.parents)], names)
        order = np.array([self.schema_.index(v) for v in self._dag.topological_order()], np.intp)
        with np.errstate(divide="ignore"):  # of states that a variable does not have
            log_p = np.log(probabilities)
        self._inference = TreeInference(tables, log_p, order, self.max_bytes)

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """Missing values are summed out exactly; ``TooLargeError`` where that needs more than ``max_bytes``."""
        if codes.dtype.kind == "u":
            return self._tables.totals(self._inference.log_p, codes)
        out = np.empty(len(codes))
        complete = ~(codes < 0).any(axis=1)
        out[complete] = self._tables.totals(self._inference.log_p, codes[complete])
        if not complete.all():
            out[~complete] = self._answering().log_prob(codes[~complete])
        return out

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return self._tables.terms(self._inference.log_p, codes)

    def _factors(self) -> Factorization:
        check_is_fitted(self)
        return Factorization(self.schema_.names, self._inference.order, self._dag)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        return self._tables.states(self._inference.log_p, codes)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        sizes = self.schema_.sizes

        def states_of(i: int, rows: Codes) -> NDArray[np.float64]:
            return self._inference.log_p[self._tables.leaves_of(i, rows), : sizes[i]]

        return column_turns(self._factors(), sizes, n, order, states_of)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        drawn, bad = self._answering().draw(codes, generator)
        self._need_possible(codes, bad)
        return drawn

    def _most_probable(self, codes: Codes) -> Codes:
        states, log_prob = self._answering().maximum(codes)
        self._need_possible(codes, log_prob == -np.inf)
        return states

    def _need_possible(self, codes: Codes, bad: NDArray[np.bool_]) -> None:
        """Raise ``InputError`` for the first ``bad`` row: under ``do`` not all rows are possible."""
        if bad.any():
            raise impossible("given", self.schema_.labels(codes[bad.argmax()]))

    def _query(self, known: NDArray[np.int32], wanted: list[int]) -> NDArray[np.float64] | None:
        return self._answering().posterior(known, wanted)

    def do(self, states: Mapping[str, Any]) -> Self:
        """The network in which these variables are set from outside; a note says that its arrows were learned.

        See ``BayesianNetwork.do``.  The trees of these variables ask nothing, and ``edge_gains_`` has no edge to them.
        """
        check_is_fitted(self)
        done = actions(self.schema_, states)
        tables, kept = self._tables.pruned(list(done))
        probabilities = self._probabilities[kept]
        for i, code in done.items():
            probabilities[i] = np.arange(probabilities.shape[1]) == code
        stay = ~np.isin(self._edges[:, 0], list(done))
        model = self._under_same_schema()
        model._take(tables, probabilities, self._edges[stay], self._gains[stay])
        model.fit_info_ = done_info({**self.fit_info_, "graph": "learned"}, self.schema_, done)
        return model

    def _answering(self) -> TreeInference:
        """The inference with the limit that is set now."""
        limit = check_integer(self.max_bytes, "max_bytes")
        if limit != self._inference.max_bytes:
            before = self._inference
            self._inference = TreeInference(before.tables, before.log_p, before.order, limit)
        return self._inference

    @property
    def factorization_(self) -> DAG:
        """The DAG: a variable's parents are what its tree asks for."""
        check_is_fitted(self)
        return self._dag

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Probabilities at all leaves, and how many of them are free: those of a leaf sum to one."""
        check_is_fitted(self)
        sizes = np.array(self._tables.sizes)[self._tables.variable[self._tables.is_leaf]]
        return {"allocated": int(sizes.sum()), "in_use": int((sizes - 1).sum())}

    def to_bayesian_network(self) -> BayesianNetwork:
        """The same distribution with a full table for each variable; ``TooLargeError`` above ``max_bytes``."""
        check_is_fitted(self)
        schema, limit = self.schema_, check_integer(self.max_bytes, "max_bytes")
        found = {}
        for v in schema.names:
            parents = [schema.index(u) for u in self._dag.parents(v)]
            entries = float(np.prod([schema.sizes[u] for u in (*parents, schema.index(v))], dtype=np.float64))
            if 8 * entries > limit:
                raise TooLargeError(
                    f"the table of {v!r} has {entries:,.0f} entries for its {len(parents)} parents, more than "
                    f"{limit:,} bytes; keep the TreeNetwork, raise max_bytes, or fit with a larger penalty"
                )
            found[v] = full_table(self._tables, self._probabilities, schema.index(v), parents)
        network = BayesianNetwork.from_tables(self._dag, schema, found, max_bytes=limit)
        network.fit_info_["graph"] = "learned"  # no arrow of it is anybody's claim
        return network

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {
            "nodes": self._tables.nodes,
            "probabilities": self._probabilities,
            "edges": self._edges.astype(np.int64),
            "gains": self._gains,
        }, {}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        tables = loaded_tables(arrays["nodes"], self.schema_.sizes)
        p = loaded_array(arrays, "probabilities", (len(tables), max(tables.sizes)))
        check_padded(p, np.array(tables.sizes)[tables.variable], "a leaf")
        edges = loaded_array(arrays, "edges", (None, 2), np.int64)
        if not ((edges >= 0) & (edges < len(tables.sizes))).all():
            raise DataError("an edge is between columns that are not there; save the model again")
        gains = loaded_array(arrays, "gains", (len(edges), None))
        self._take(tables, p, edges.astype(np.intp), gains)

    def _settings(self) -> dict[str, Any]:
        plain = super()._settings()
        order = plain["ordering"]
        return plain | {"ordering": order if order is None or isinstance(order, str) else list(order)}


def _mean_nll(
    tables: DecisionTables, probabilities: NDArray[np.float64], counts: NDArray[np.float64]
) -> float:
    """Mean negative log-probability in nats of the rows that ``counts`` (T, K) are of, by weight."""
    used = tables.is_leaf[:, None] & (counts > 0)
    return -float((counts[used] * np.log(probabilities[used])).sum() / counts[0].sum())
