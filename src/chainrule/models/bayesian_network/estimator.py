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
from typing import Any, ClassVar, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import DataError, InputError
from chainrule.core.files import write_text
from chainrule.graphs import DAG
from chainrule.graphs.formats.bif import BIFNetwork, read_bif, write_bif
from chainrule.models.bayesian_network.answers import ConditionalTable, InferenceCost, MostProbable
from chainrule.models.bayesian_network.conditional_tables import (
    Prior,
    Unseen,
    check_table_size,
    estimate_table,
    normalised_tables,
)
from chainrule.models.bayesian_network.family_counts import FamilyCounts, Missing, count_families
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.node_rows import node_rows, states_ahead, variable_order
from chainrule.models.contract import Codes, DiscreteModel, Marginalises
from chainrule.models.shared.dag_setting import dag_of_plain, parsed_dag, plain_dag
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.interventions import actions, done_info
from chainrule.models.shared.posterior import Posterior, impossible, places
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["BayesianNetwork"]


class BayesianNetwork(DiscreteModel):
    """A table p(variable | parents) for each node of ``dag``, a ``DAG`` or its text.

    ``pseudocount`` α and ``prior``: "cell" adds α to every cell, "bdeu" spreads an equivalent sample size of α
    over the cells of each table.  ``unseen`` says what a configuration of parents that no row has gets where
    α = 0: "uniform", the variable's "marginal", or "refuse".  ``missing`` says what a fit does with missing
    values: "refuse", or "complete_families", which counts a row for each family in which nothing is missing
    (sound where values are missing completely at random).  ``schema`` names states ahead, those of all variables
    or of some; the others are found in the rows.  ``max_bytes`` bounds the tables of one answer; a larger one is
    a ``TooLargeError`` before it is allocated.

    Rows are tables with named columns (others are ignored), paths of such tables, or arrays of codes.  ``variables_``
    are the columns in the order of the table that was fitted; of an array, x1 … xd where these are the nodes, else
    the nodes in the DAG's order.

    >>> rows = {"rain": ["no", "no", "yes", "yes"], "grass": ["dry", "dry", "wet", "dry"]}
    >>> model = BayesianNetwork("rain -> grass").fit(rows)
    >>> print(model.query("rain", {"grass": "dry"}).text())
    P(rain | grass)  where grass=dry
      no   0.666667
      yes  0.333333
    """

    marginalises_: ClassVar[Marginalises] = "any"
    dag_: DAG
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
        schema: Schema | None = None,
        max_bytes: int = 2**30,
    ) -> None:
        self.dag = dag
        self.pseudocount = pseudocount
        self.prior = prior
        self.unseen = unseen
        self.missing = missing
        self.schema = schema
        self.max_bytes = max_bytes

    def fit(
        self, X: Any, y: Any = None, *, valid: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn the tables from rows ``X``; a path, or a list of paths, is read in batches.

        Each row counts ``sample_weight`` times.  ``valid`` is checked, not needed.
        """
        counts = self.count(X, sample_weight=sample_weight)
        if valid is not None:
            known = {v.name: v for v in counts.schema.variables}
            for _ in node_rows(valid, counts.schema.names, known, name="valid"):
                pass
        return self.fit_counts(counts)

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        # ``fit`` counts part by part; here are rows that someone holds as codes of all nodes already
        self.fit_counts(self._count(self._checked(), [table]))

    def count(self, X: Any, *, sample_weight: ArrayLike | None = None) -> FamilyCounts:
        """All that a fit needs to know of rows ``X``; counts of parts add up to those of the whole.

        >>> network = BayesianNetwork("x1 -> x2", schema=Schema.of_sizes([2, 2]))
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
        ahead = states_ahead(self.schema, names)
        return self._count(dag, node_rows(X, names, ahead, sample_weight=sample_weight))

    def _count(self, dag: DAG, tables: Iterable[Table]) -> FamilyCounts:
        def parts() -> Iterator[FamilyCounts]:
            first_row = 0
            for table in tables:
                yield count_families(
                    dag, table, missing=self.missing, max_bytes=self.max_bytes, first_row=first_row
                )
                first_row += table.n_rows

        return reduce(add, parts())

    def fit_counts(self, counts: FamilyCounts) -> Self:
        """Learn the tables from counts, as ``fit`` does from rows."""
        dag = self._checked()
        if not isinstance(counts, FamilyCounts):
            raise InputError(f"counts must be what BayesianNetwork.count gives; got {counts!r}")
        if counts.dag != dag:
            raise InputError("the counts belong to another DAG; count the rows with this network's count")
        estimated = {
            v: estimate_table(n, node=v, pseudocount=self.pseudocount, prior=self.prior, unseen=self.unseen)
            for v, n in counts.tables.items()
        }
        self._take(dag, counts.schema, {v: table for v, (table, _) in estimated.items()})
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
        states: Schema | Mapping[str, Sequence[str] | int],
        tables: Mapping[str, ArrayLike],
        **settings: Any,
    ) -> Self:
        """The network with these tables: axes are ``dag.parents(node)`` in that order, then the node.

        ``states`` lists the states of each node, or says how many: k stands for "0" … "k-1"; a ``Schema`` of the nodes
        says besides how rows are read and given back.
        A row may miss one by the rounding of three decimals; each row is divided by its sum, once, unless it
        sums to one within float64 rounding.  ``fit_info_`` holds the largest such difference.

        >>> table = {"a": [0.2, 0.8], "b": [[0.9, 0.1], [0.5, 0.5]]}
        >>> model = BayesianNetwork.from_tables("a -> b", {"a": ["0", "1"], "b": ["no", "yes"]}, table)
        >>> round(model.query("b").probability(b="yes"), 3)
        0.42
        """
        schema = _schema_of(states)
        model = cls(dag, schema=schema, **settings)
        parsed = model._checked()
        rows, off = normalised_tables(parsed, schema.states, tables)
        model._take(parsed, schema.select(variable_order(parsed)), rows)
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

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted_network().log_prob(codes)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted_network().log_conditionals(codes)

    def _factors(self) -> Factorization:
        network = self._fitted_network()
        return Factorization(self.schema_.names, np.array(network.order, np.intp), self.dag_)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted_network().log_states(codes)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        drawn, bad = self._fitted_network().draw(codes, generator)
        if bad.any():
            raise impossible("given", self.schema_.labels(codes[bad.argmax()]))
        return drawn

    def _most_probable(self, codes: Codes) -> Codes:
        states, log_prob, _ = self._fitted_network().maximum(codes)
        bad = log_prob == -np.inf
        if bad.any():
            raise impossible("given", self.schema_.labels(codes[bad.argmax()]))
        return states

    @property
    def variables_(self) -> tuple[str, ...]:
        """The names of the variables, in the order of an array's columns."""
        check_is_fitted(self)
        return self.schema_.names

    @property
    def states_(self) -> dict[str, tuple[str, ...]]:
        """The states of each variable."""
        check_is_fitted(self)
        return self.schema_.states

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
        network, row = self._fitted_network(), self.schema_.known(evidence)
        wanted = places(self.schema_, variables, unknown_in=row)
        table = network.posterior(row, wanted)
        if table is None:
            raise impossible("evidence", self.schema_.labels(row))
        return self._posterior(wanted, table, self.schema_.labels(row))

    def posterior_marginals(self, evidence: Mapping[str, Any] | None = None) -> dict[str, Posterior]:
        """p(v | evidence) of every variable v that is not in the evidence, from one calibrated junction tree."""
        network, row = self._fitted_network(), self.schema_.known(evidence)
        marginals, log_mass = network.marginals(row)
        if log_mass == -np.inf:
            raise impossible("evidence", self.schema_.labels(row))
        names, labels = self.schema_.names, self.schema_.labels(row)
        return {names[v]: self._posterior([v], marginals[v], labels) for v in sorted(marginals)}

    def mpe(self, evidence: Mapping[str, Any] | None = None) -> MostProbable:
        """A most probable state of all variables given the evidence.

        Among rows that are equally probable the choice is deterministic, and ``unique`` is then false.
        """
        network, row = self._fitted_network(), self.schema_.known(evidence)
        states, log_prob, unique = network.maximum(row[None])
        if log_prob[0] == -np.inf:
            raise impossible("evidence", self.schema_.labels(row))
        labels = self.schema_.labels
        return MostProbable(labels(states[0]), float(log_prob[0]), bool(unique[0]), labels(row))

    def do(self, states: Mapping[str, Any]) -> Self:
        """The network in which these variables are set from outside, states by name: the edges into them are cut.

        Every question works on it, with evidence too.  It says what happens in the world where the arrows do; a
        graph that was learned from rows answers with a note that they need not.

        >>> tables = {"rain": [0.7, 0.3], "wet": [[1, 0], [0, 1]]}
        >>> model = BayesianNetwork.from_tables("rain -> wet", {"rain": ["no", "yes"], "wet": 2}, tables)
        >>> model.do({"wet": 1}).query("rain").probability(rain="yes")  # to wet the grass makes no rain
        0.3
        """
        check_is_fitted(self)
        done = actions(self.schema_, states)
        cut = self.dag_.intervened([self.schema_.names[i] for i in done])
        set_rows = {self.schema_.names[i]: np.eye(self.schema_.sizes[i])[code] for i, code in done.items()}
        model = self._under_same_schema(dag=cut)
        model._take(cut, self.schema_, self.tables_ | set_rows)
        model.fit_info_ = done_info(self.fit_info_, self.schema_, done)
        return model

    def inference_cost(
        self,
        variables: str | Iterable[str] | None = None,
        evidence: Mapping[str, Any] | Iterable[str] | None = None,
    ) -> InferenceCost:
        """What ``query(variables, evidence)`` would take, or all posterior marginals; nothing is allocated.

        The cost depends on which variables are in the evidence, so their names are enough.
        """
        network = self._fitted_network()
        row = np.full(self.n_features_in_, -1, np.int32)
        if evidence is not None:
            row[places(self.schema_, evidence, "evidence")] = 0
        if variables is None:
            plan = network.full_plan(row)
        else:
            plan = network.posterior_plan(row, places(self.schema_, variables, unknown_in=row))
        order = tuple(self.schema_.names[v] for v in plan.order)
        return InferenceCost(order, plan.induced_width, plan.largest_entries, plan.total_entries)

    def cpt(self, node: str) -> ConditionalTable:
        """The table p(node | parents); ``.text()`` shows it."""
        check_is_fitted(self)
        self.schema_.index(node)
        parents = self.dag_.parents(node)
        states = tuple(self.schema_[v].states for v in (*parents, node))
        return ConditionalTable(node, parents, states, self.tables_[node].copy())

    def _checked(self) -> DAG:
        """The settings, checked; returns the DAG."""
        check_real(self.pseudocount, "pseudocount")
        check_integer(self.max_bytes, "max_bytes")
        for name, words in (("prior", Prior), ("unseen", Unseen), ("missing", Missing)):
            check_choice(getattr(self, name), name, get_args(words))
        return parsed_dag(self.dag)

    def _take(self, dag: DAG, schema: Schema, tables: dict[str, NDArray[np.float64]]) -> None:
        for v, table in tables.items():
            check_table_size(v, table.shape, self.max_bytes)
            table.setflags(write=False)  # what is answered is computed from these once
        self._take_schema(schema)
        self.dag_, self.tables_ = dag, tables
        self._network = DiscreteNetwork(
            [[schema.index(u) for u in dag.parents(v)] for v in schema.names],
            [tables[v] for v in schema.names],
            [schema.index(v) for v in dag.topological_order()],
        )

    def _fitted_network(self) -> DiscreteNetwork:
        """The tables over integers, with the limit that is set now."""
        check_is_fitted(self)
        self._network.max_bytes = check_integer(self.max_bytes, "max_bytes")
        return self._network

    def _posterior(
        self, wanted: list[int], table: NDArray[np.float64], evidence: dict[str, str]
    ) -> Posterior:
        asked = [self.schema_.variables[v] for v in wanted]
        return Posterior(tuple(v.name for v in asked), tuple(v.states for v in asked), table, evidence)

    def _settings(self) -> dict[str, Any]:
        plain = super()._settings()
        return plain | {"dag": plain_dag(self.dag)}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        settings = super()._settings_of(plain)
        dag = settings["dag"]
        return settings | {"dag": dag_of_plain(dag)}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {f"table {i}": self.tables_[v] for i, v in enumerate(self.variables_)}
        return arrays, {"dag": plain_dag(self.dag_)}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        dag, schema = dag_of_plain(plain["dag"]), self.schema_
        tables = {v: arrays[f"table {i}"] for i, v in enumerate(schema.names)}
        for v, table in tables.items():
            if table.shape != tuple(schema[u].size for u in (*dag.parents(v), v)):
                raise DataError(f"the saved table of {v!r} does not fit its states; save the model again")
        self._take(dag, schema, tables)


def _schema_of(states: Any) -> Schema:
    """The schema that ``from_tables`` is given, or that of states by name; rows leave that one as a table."""
    if isinstance(states, Schema):
        return states
    if not isinstance(states, Mapping):
        raise InputError(
            f"states must map each node to a list of its states, or to their number; got {states!r}"
        )
    for v, listed in states.items():
        if not isinstance(listed, (int, np.integer)):
            try:
                iter(listed)
            except TypeError as e:
                raise InputError(
                    f"the states of {v!r} must be a list of texts or a number; got {listed!r}"
                ) from e
    return Schema.of(states, container="table")
