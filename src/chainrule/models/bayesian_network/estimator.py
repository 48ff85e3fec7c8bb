"""Bayesian networks over categorical variables: one table p(variable | parents) for each node of a DAG.

    p(x) = prod_i p(x_i | parents(x_i)),   p(k | j) = (n_jk + α) / (n_j + Kα)

n_jk counts the rows in which the variable has state k and its parents configuration j, K is the number of
states.  α = 0 is maximum likelihood; α > 0 is the posterior mean under a Dirichlet prior on each row of a table.

Every question is answered exactly (``chainrule.models.bayesian_network.inference``), at a cost that is known before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_integer, check_real
from chainrule.core.contract import DensityEstimator
from chainrule.core.errors import DataError, InputError, UnknownNameError
from chainrule.core.files import write_text
from chainrule.core.randomness import RandomState, as_generator
from chainrule.graphs import DAG
from chainrule.graphs.formats.bif import BIFNetwork, read_bif, write_bif
from chainrule.models.bayesian_network.conditional_tables import (
    Prior,
    Unseen,
    check_table_size,
    estimate_table,
    normalised_tables,
)
from chainrule.models.bayesian_network.family_counts import FamilyCounts, Missing, count_families
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.posterior import (
    ConditionalTable,
    InferenceCost,
    MostProbable,
    Posterior,
)
from chainrule.models.shared.categorical_rows import (
    categorical_rows,
    evidence_row,
    given_row,
    impossible_evidence,
    states_setting,
    variable_order,
)
from chainrule.tables.categorical import CategoricalTable

__all__ = ["BayesianNetwork"]


class BayesianNetwork(DensityEstimator):
    """A table p(variable | parents) for each node of ``dag``, a ``DAG`` or its text.

    ``pseudocount`` α and ``prior``: "cell" adds α to every cell, "bdeu" spreads an equivalent sample size of α
    over the cells of each table.  ``unseen`` says what a configuration of parents that no row has gets where
    α = 0: "uniform", the variable's "marginal", or "refuse".  ``missing`` says what a fit does with missing
    values: "refuse", or "complete_families", which counts a row for each family in which nothing is missing
    (sound where values are missing completely at random).  ``states`` names the states: a dict of lists (or
    numbers k for "0" … "k-1"), or one number for all; what it does not name is found in the rows.
    ``max_bytes`` bounds the tables of one answer; a larger one is a ``TooLargeError`` before it is allocated.

    Rows are tables with named columns (others are ignored), paths of such tables, or arrays of codes whose
    columns are ``variables_``: x1 … xd where these are the nodes, else the nodes in the DAG's order.

    >>> rows = {"rain": ["no", "no", "yes", "yes"], "grass": ["dry", "dry", "wet", "dry"]}
    >>> model = BayesianNetwork("rain -> grass").fit(rows)
    >>> print(model.query("rain", {"grass": "dry"}).text())
    P(rain | grass)  where grass=dry
      no   0.666667
      yes  0.333333
    """

    dag_: DAG
    variables_: tuple[str, ...]
    states_: dict[str, tuple[str, ...]]
    tables_: dict[str, NDArray[np.float64]]
    prior: Prior
    unseen: Unseen
    missing: Missing

    def __init__(
        self,
        dag: DAG | str,
        *,
        pseudocount: float = 0.0,
        prior: Prior = "cell",
        unseen: Unseen = "uniform",
        missing: Missing = "refuse",
        states: Any = None,
        max_bytes: int = 2**30,
    ) -> None:
        self.dag = dag
        self.pseudocount = pseudocount
        self.prior = prior
        self.unseen = unseen
        self.missing = missing
        self.states = states
        self.max_bytes = max_bytes

    def fit(self, X: Any, y: Any = None, *, valid: Any = None) -> Self:
        """Learn the tables from rows ``X``; a path is read in batches.  ``valid`` is checked, not needed."""
        counts = self.count(X)
        if valid is not None:
            for _ in categorical_rows(valid, list(counts.states), counts.states):
                pass
        return self.fit_counts(counts)

    def count(self, X: Any) -> FamilyCounts:
        """All that a fit needs to know of rows ``X``; counts of parts add up to those of the whole.

        >>> network = BayesianNetwork("x1 -> x2", states=2)
        >>> both = network.count([[0, 1], [1, 1]]) + network.count([[1, 0]])
        >>> network.fit_counts(both).tables_["x2"].tolist()
        [[0.0, 1.0], [0.5, 0.5]]
        """
        dag = self._checked()
        if dag.latent:
            raise InputError(
                f"{', '.join(dag.latent)} cannot be measured (latent), so no rows can be counted; fit a DAG of "
                "observed variables, or give all tables with BayesianNetwork.from_tables"
            )
        names = variable_order(dag)

        def parts() -> Iterator[FamilyCounts]:
            first_row = 0
            for table in categorical_rows(X, names, states_setting(self.states, names)):
                yield count_families(
                    dag, table, missing=self.missing, max_bytes=self.max_bytes, first_row=first_row
                )
                first_row += table.n_rows

        return reduce(add, parts())

    def fit_counts(self, counts: FamilyCounts) -> Self:
        """Learn the tables from counts, as ``fit`` does from rows."""
        dag = self._checked()
        if counts.dag != dag:
            raise InputError("the counts belong to another DAG; count the rows with this network's count")
        estimated = {
            v: estimate_table(n, node=v, pseudocount=self.pseudocount, prior=self.prior, unseen=self.unseen)
            for v, n in counts.tables.items()
        }
        self._take(dag, counts.states, {v: table for v, (table, _) in estimated.items()})
        unseen = {v: n for v, (_, n) in estimated.items() if n}
        self.fit_info_ = {
            "n_rows": counts.n_rows,
            "n_incomplete": counts.n_incomplete,
            "n_unseen_configurations": sum(unseen.values()),
            "unseen_configurations": unseen,
        }
        return self

    @classmethod
    def from_tables(
        cls,
        dag: DAG | str,
        states: Mapping[str, Sequence[str]],
        tables: Mapping[str, ArrayLike],
        **settings: Any,
    ) -> Self:
        """The network with these tables: axes are ``dag.parents(node)`` in that order, then the node.

        A row may miss one by the rounding of three decimals; each row is divided by its sum, once, unless it
        sums to one within float64 rounding.  ``fit_info_`` holds the largest such difference.

        >>> table = {"a": [0.2, 0.8], "b": [[0.9, 0.1], [0.5, 0.5]]}
        >>> model = BayesianNetwork.from_tables("a -> b", {"a": ["0", "1"], "b": ["no", "yes"]}, table)
        >>> round(model.query("b").probability(b="yes"), 3)
        0.42
        """
        listed = {v: s if isinstance(s, (str, int)) else list(s) for v, s in states.items()}
        model = cls(dag, states=listed, **settings)
        parsed = model._checked()
        names = variable_order(parsed)
        labels = states_setting(model.states, names)
        rows, off = normalised_tables(parsed, labels, tables)
        model._take(parsed, {v: labels[v] for v in names}, rows)
        model.fit_info_ = {"source": "tables", "largest_row_error": off}
        return model

    @classmethod
    def from_bif(cls, path: str | Path, **settings: Any) -> Self:
        """The network in a BIF file (plain or gzip); rows are normalised as ``from_tables`` does."""
        found = read_bif(path)
        dag = DAG(found.edges, found.variables)
        tables = {
            v: table.transpose([*(found.parents[v].index(u) for u in dag.parents(v)), table.ndim - 1])
            for v, table in found.tables.items()
        }
        return cls.from_tables(dag, found.variables, tables, **settings)

    def to_bif(self, path: str | Path) -> None:
        """Write the network to a BIF file, each number so that it comes back bit for bit."""
        check_is_fitted(self)
        parents = {v: self.dag_.parents(v) for v in self.variables_}
        write_text(path, write_bif(BIFNetwork("chainrule", self.states_, parents, self.tables_)))

    def log_prob(self, X: Any) -> NDArray[np.float64]:
        """Exact log-probability of each row in nats, (n,); missing values are summed out exactly.

        Rows with equal missing variables are answered together.  ``-inf`` for an impossible row; a category
        that is none of ``states_`` is an error.
        """
        network = self._fitted_network()
        tables = categorical_rows(X, self.variables_, self.states_)
        return np.concatenate([network.log_prob(table.codes) for table in tables])

    def sample(self, n: int = 1, *, given: Any = None, rng: RandomState = None) -> NDArray[np.int32]:
        """``n`` independent exact draws as codes (n, d); columns are ``variables_``.

        ``given`` fixes values: codes (d,) with NaN where values are drawn, or a dict of states by name.  What
        lies above them is drawn from its exact posterior, so no draw is ever thrown away.
        """
        network, n = self._fitted_network(), check_integer(n, "n", least=0)
        row = given_row(given, self.states_)
        draws = network.draw(row, n, as_generator(rng))
        if draws is None:
            raise impossible_evidence("given", self._labels(row))
        return draws

    def sample_table(self, n: int = 1, *, given: Any = None, rng: RandomState = None) -> CategoricalTable:
        """``sample`` with names: ``.decode()`` gives the labels of each column."""
        codes = self.sample(n, given=given, rng=rng)
        return CategoricalTable(self.variables_, tuple(self.states_.values()), codes)

    @property
    def factorization_(self) -> DAG:
        """The DAG."""
        check_is_fitted(self)
        return self.dag_

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Entries of all tables, and how many of them are free: rows sum to one."""
        check_is_fitted(self)
        tables = self.tables_.values()
        return {
            "allocated": sum(t.size for t in tables),
            "in_use": sum(t.size - t.size // t.shape[-1] for t in tables),
        }

    def query(self, variables: str | Iterable[str], evidence: Mapping[str, Any] | None = None) -> Posterior:
        """The joint posterior of one variable or several given states of others.

        Impossible evidence is an ``InputError``; so are variables that are in the evidence too.
        """
        network, row = self._fitted_network(), evidence_row(evidence, self.states_)
        wanted = self._indices(variables, unknown_in=row)
        table = network.posterior(row, wanted)
        if table is None:
            raise impossible_evidence("evidence", self._labels(row))
        return self._posterior(wanted, table, self._labels(row))

    def posterior_marginals(self, evidence: Mapping[str, Any] | None = None) -> dict[str, Posterior]:
        """p(v | evidence) of every variable v that is not in the evidence, from one calibrated junction tree."""
        network, row = self._fitted_network(), evidence_row(evidence, self.states_)
        marginals, log_mass = network.marginals(row)
        if log_mass == -np.inf:
            raise impossible_evidence("evidence", self._labels(row))
        labels = self._labels(row)
        return {self.variables_[v]: self._posterior([v], marginals[v], labels) for v in sorted(marginals)}

    def mpe(self, evidence: Mapping[str, Any] | None = None) -> MostProbable:
        """A most probable state of all variables given the evidence.

        Among rows that are equally probable the choice is deterministic, and ``unique`` is then false.
        """
        network, row = self._fitted_network(), evidence_row(evidence, self.states_)
        states, log_prob, unique = network.maximum(row)
        if log_prob == -np.inf:
            raise impossible_evidence("evidence", self._labels(row))
        return MostProbable(self._labels(states), log_prob, unique, self._labels(row))

    def inference_cost(
        self,
        variables: str | Iterable[str] | None = None,
        evidence: Mapping[str, Any] | Iterable[str] | None = None,
    ) -> InferenceCost:
        """What ``query(variables, evidence)`` would take, or all posterior marginals; nothing is allocated.

        The cost depends on which variables are in the evidence, so their names are enough.
        """
        network = self._fitted_network()
        row = np.full(len(self.variables_), -1, np.int32)
        row[self._indices(evidence or (), may_be_empty=True)] = 0
        if variables is None:
            plan = network.full_plan(row)
        else:
            plan = network.posterior_plan(row, self._indices(variables, unknown_in=row))
        order = tuple(self.variables_[v] for v in plan.order)
        return InferenceCost(order, plan.induced_width, plan.largest_entries, plan.total_entries)

    def cpt(self, node: str) -> ConditionalTable:
        """The table p(node | parents); ``.text()`` shows it."""
        check_is_fitted(self)
        self._indices(node)
        parents = self.dag_.parents(node)
        states = tuple(self.states_[v] for v in (*parents, node))
        return ConditionalTable(node, parents, states, self.tables_[node].copy())

    def _checked(self) -> DAG:
        """The settings, checked; returns the DAG."""
        check_real(self.pseudocount, "pseudocount")
        check_integer(self.max_bytes, "max_bytes")
        for name, choices in (("prior", Prior), ("unseen", Unseen), ("missing", Missing)):
            if getattr(self, name) not in get_args(choices):
                listed = ", ".join(map(repr, get_args(choices)))
                raise InputError(f"{name} must be one of {listed}; got {getattr(self, name)!r}")
        dag = DAG.parse(self.dag) if isinstance(self.dag, str) else self.dag
        if not isinstance(dag, DAG):
            raise InputError(f"dag must be a DAG or its text; got {dag!r}; write for example 'a -> b'")
        if not len(dag):
            raise InputError("dag has no nodes; name at least one variable")
        return dag

    def _take(
        self, dag: DAG, states: dict[str, tuple[str, ...]], tables: dict[str, NDArray[np.float64]]
    ) -> None:
        for v, table in tables.items():
            check_table_size(v, table.shape, self.max_bytes)
            table.setflags(write=False)  # what is answered is computed from these once
        self.dag_, self.states_, self.tables_ = dag, states, tables
        self.variables_ = tuple(states)
        self.n_features_in_ = len(states)
        column = {name: i for i, name in enumerate(states)}
        self._network = DiscreteNetwork(
            [[column[u] for u in dag.parents(v)] for v in states],
            [tables[v] for v in states],
            [column[v] for v in dag.topological_order()],
        )

    def _fitted_network(self) -> DiscreteNetwork:
        """The tables over integers, with the limit that is set now."""
        check_is_fitted(self)
        self._network.max_bytes = self.max_bytes
        return self._network

    def _indices(
        self,
        names: str | Iterable[str],
        *,
        unknown_in: NDArray[Any] | None = None,
        may_be_empty: bool = False,
    ) -> list[int]:
        """Places of variables by name; of what is asked for, nothing may be known already."""
        known = list(self.variables_)
        listed = [names] if isinstance(names, str) else list(names)
        for name in listed:
            if name not in self.states_:
                raise UnknownNameError.of("variable", name, known)
        if len(set(listed)) < len(listed) or not (listed or may_be_empty):
            raise InputError(f"variables must be named once each, and at least one; got {listed!r}")
        indices = [known.index(name) for name in listed]
        for v in indices:
            if unknown_in is not None and unknown_in[v] >= 0:
                raise InputError(f"{known[v]!r} is asked for and is in the evidence; leave it out of one")
        return indices

    def _posterior(
        self, wanted: list[int], table: NDArray[np.float64], evidence: dict[str, str]
    ) -> Posterior:
        names = tuple(self.variables_[v] for v in wanted)
        return Posterior(names, tuple(self.states_[v] for v in names), table, evidence)

    def _labels(self, row: NDArray[Any]) -> dict[str, str]:
        """What is known of ``row``, by name."""
        return {v: self.states_[v][s] for v, s in zip(self.variables_, row, strict=True) if s >= 0}

    def _settings(self) -> dict[str, Any]:
        settings = self.get_params(deep=False)
        if isinstance(self.dag, DAG):
            settings["dag"] = _plain_dag(self.dag)
        return settings

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {f"table {i}": self.tables_[v] for i, v in enumerate(self.variables_)}
        return arrays, {"dag": _plain_dag(self.dag_), "states": [[v, *s] for v, s in self.states_.items()]}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        if isinstance(self.dag, dict):
            self.dag = _dag_of(self.dag)
        states = {v: tuple(labels) for v, *labels in plain["states"]}
        dag = _dag_of(plain["dag"])
        tables = {v: arrays[f"table {i}"] for i, v in enumerate(states)}
        for v, table in tables.items():
            if table.shape != tuple(len(states[u]) for u in (*dag.parents(v), v)):
                raise DataError(f"the saved table of {v!r} does not fit its states; save the model again")
        self._take(dag, states, tables)


def _plain_dag(dag: DAG) -> dict[str, Any]:
    return {"nodes": dag.nodes, "edges": dag.edges, "latent": dag.latent}


def _dag_of(plain: dict[str, Any]) -> DAG:
    return DAG(map(tuple, plain["edges"]), plain["nodes"], latent=plain["latent"])
