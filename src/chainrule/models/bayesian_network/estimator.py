"""Bayesian networks over categorical variables: one table p(variable | parents) for each node of a DAG.

    p(x) = prod_i p(x_i | parents(x_i)),   p(k | j) = (n_jk + α) / (n_j + Kα)

n_jk counts the rows in which the variable has state k and its parents configuration j, K is the number of
states.  α = 0 is maximum likelihood; α > 0 is the posterior mean under a Dirichlet prior on each row of a table.

Every question is answered exactly (``chainrule.models.bayesian_network.inference``), at a cost that is known before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_flag, check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import DataError, InputError, ShapeError
from chainrule.core.progress import note
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.sums import Client, added
from chainrule.core.text import as_written, one_line
from chainrule.graphs import DAG
from chainrule.graphs.formats.network_description import NetworkDescription
from chainrule.graphs.formats.networks import NetworkFormat, read_network, write_network
from chainrule.models.bayesian_network.answers import ConditionalTable, InferenceCost, MostProbable
from chainrule.models.bayesian_network.conditional_tables import (
    Prior,
    Unseen,
    check_table_size,
    estimate_table,
    normalised_tables,
)
from chainrule.models.bayesian_network.em import Ascent
from chainrule.models.bayesian_network.em_fit import Climbs, EMSettings, tables_to_go_on_from
from chainrule.models.bayesian_network.family_counts import FamilyCounts, Missing, info_of_counts
from chainrule.models.bayesian_network.incomplete_counts import IncompleteCounts, count_part, count_tables
from chainrule.models.bayesian_network.inference.components import Families
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.latent_conditionals import log_conditionals_in_order
from chainrule.models.bayesian_network.node_rows import (
    node_parts,
    node_rows,
    node_states,
    stated_schema,
    variable_order,
)
from chainrule.models.bayesian_network.questions import Questions
from chainrule.models.bayesian_network.ranked_states import RankedStates
from chainrule.models.bayesian_network.row_inference.answers import RowInference
from chainrule.models.bayesian_network.sensitivity import Sensitivity
from chainrule.models.bayesian_network.standard_errors import bootstrap_errors, information_errors
from chainrule.models.bayesian_network.table_posteriors import TablePosterior, posteriors_of
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.column_turns import column_turns
from chainrule.models.shared.completion import best_completions
from chainrule.models.shared.dag_setting import dag_of_plain, parsed_dag, plain_dag
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.interventions import actions, done_info
from chainrule.models.shared.loaded import check_probabilities, loaded_array
from chainrule.models.shared.posterior import Posterior, impossible
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["BayesianNetwork"]


class BayesianNetwork(DiscreteModel):
    """A table p(variable | parents) for each node of ``dag``, a ``DAG`` or its text.

    ``pseudocount`` α and ``prior``: "cell" adds α to every cell, "bdeu" spreads an equivalent sample size of α
    over the cells of each table.  ``unseen`` says what a configuration of parents that no row has gets where
    α = 0: "uniform", the variable's "marginal", or "refuse".  ``missing`` says what a fit does with missing
    values: "refuse"; "complete_families", which counts a row for each family in which nothing is missing (sound
    where values are missing completely at random); or "em", the maximum of the likelihood of all that is known, of the
    posterior where α > 0 (sound where values are missing at random, see ``em``).  ``schema`` names states ahead, those
    of all variables or of some; the others are found in the rows.  ``max_bytes`` bounds the tables of one answer; a
    larger one is a ``TooLargeError`` before it is allocated.

    EM also fits *latent* nodes, which no row has: ``latent_states`` says how many states each has, as in {"H": 3}.
    Rows, ``log_prob``, draws and ``variables_`` are of the observed nodes; questions may name latent ones.  EM climbs
    to the nearest top, so it starts ``n_starts`` times (by ``random_state``), and the highest is kept; a climb ends
    when a step gains at most ``tolerance`` nats a row, or after ``max_steps``, which is noted.  Ctrl-C leaves the best
    tables so far in the model; with ``warm_start`` a fit goes on from the tables that the model has.

    Rows are tables with named columns (others are ignored), paths of such tables, or arrays of codes.  ``variables_``
    are the columns in the order of the table that was fitted; of an array, x1 … xd where these are the nodes, else
    the nodes in the DAG's order.

    >>> rows = {"rain": ["no", "no", "yes", "yes"], "grass": ["dry", "dry", "wet", "dry"]}
    >>> model = BayesianNetwork("rain -> grass").fit(rows)
    >>> print(model.query("rain", {"grass": "dry"}).text())
    P(rain | grass)  where grass=dry
      no   0.666667
      yes  0.333333
    >>> X = [[0, 0, 0], [0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, None], [1, 1, 1]]
    >>> classes = BayesianNetwork("H [latent]; H -> {x1 x2 x3}", missing="em", latent_states={"H": 2}, random_state=0)
    >>> sorted(classes.fit(X).query("H", {"x1": 1}).probabilities.round(3).tolist())
    [0.0, 1.0]
    """

    marginalises_: ClassVar[Marginalises] = "any"
    dag_: DAG
    tables_: dict[str, NDArray[np.float64]]
    prior: Prior
    unseen: Unseen
    missing: Missing | Literal["em"]

    def __init__(
        self,
        dag: DAG | str,
        *,
        pseudocount: float = 0.0,
        prior: Prior = "cell",
        unseen: Unseen = "uniform",
        missing: Missing | Literal["em"] = "refuse",
        latent_states: Mapping[str, int | Sequence[str]] | None = None,
        n_starts: int = 3,
        max_steps: int = 1000,
        tolerance: float = 1e-8,
        warm_start: bool = False,
        random_state: RandomState = None,
        schema: Schema | None = None,
        max_bytes: int = 2**30,
    ) -> None:
        self.dag = dag
        self.pseudocount = pseudocount
        self.prior = prior
        self.unseen = unseen
        self.missing = missing
        self.latent_states = latent_states
        self.n_starts = n_starts
        self.max_steps = max_steps
        self.tolerance = tolerance
        self.warm_start = warm_start
        self.random_state: RandomState = random_state
        self.schema = schema
        self.max_bytes = max_bytes

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        valid: Any = None,
        sample_weight: ArrayLike | None = None,
        client: Client | None = None,
    ) -> Self:
        """Learn the tables from rows ``X``; a path, or a list of paths, is read in batches.

        Each row counts ``sample_weight`` times.  ``valid`` is checked, not needed.  ``client``, such as a
        ``dask.distributed.Client`` or a ``ProcessPoolExecutor``, counts each file of a list where it runs; the tables
        are the same bit for bit (see ``chainrule.core.sums``).
        """
        counts = self.count(X, sample_weight=sample_weight, client=client)
        if valid is not None:
            known = {v.name: v for v in counts.schema.variables if v.name not in counts.dag.latent}
            for _ in node_rows(valid, list(known), known, name="valid"):
                pass
        return self.fit_counts(counts)

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        # ``fit`` counts part by part; here are rows that someone holds as codes of all nodes already
        dag = self._checked()
        _, latent = node_states(dag, self.schema, self.latent_states, missing=self.missing)
        self.fit_counts(count_tables(dag, [table], latent, missing=self.missing, max_bytes=self.max_bytes))

    def count(
        self, X: Any, *, sample_weight: ArrayLike | None = None, client: Client | None = None
    ) -> FamilyCounts | IncompleteCounts:
        """All that a fit needs to know of rows ``X``; counts of parts add up to those of the whole.

        >>> network = BayesianNetwork("x1 -> x2", schema=Schema.of_sizes([2, 2]))
        >>> both = network.count([[0, 1], [1, 1]]) + network.count([[1, 0]])
        >>> network.fit_counts(both).tables_["x2"].tolist()
        [[0.0, 1.0], [0.5, 0.5]]
        """
        dag = self._checked()
        ahead, latent = node_states(dag, self.schema, self.latent_states, missing=self.missing)
        parts = node_parts(X, variable_order(dag), ahead, sample_weight=sample_weight, client=client)
        counting = partial(count_part, dag=dag, latent=latent, missing=self.missing, max_bytes=self.max_bytes)
        return added(counting, parts, client, "counting rows")

    def fit_counts(self, counts: FamilyCounts | IncompleteCounts) -> Self:
        """Learn the tables from counts, as ``fit`` does from rows."""
        dag = self._checked()
        if not isinstance(counts, (FamilyCounts, IncompleteCounts)):
            raise InputError(f"counts must be what BayesianNetwork.count gives; got {as_written(counts)}")
        if counts.dag != dag:
            raise InputError("the counts belong to another DAG; count the rows with this network's count")
        if counts.n_rows == 0:
            raise ShapeError("there are no rows to learn from; pass at least one")
        if isinstance(counts, IncompleteCounts):
            return self._fit_by_em(dag, counts)
        estimated = {
            v: estimate_table(n, node=v, pseudocount=self.pseudocount, prior=self.prior, unseen=self.unseen)
            for v, n in counts.tables.items()
        }
        self._take(dag, counts.schema, {v: table for v, (table, _) in estimated.items()})
        self.fit_info_ = info_of_counts(counts, {v: n for v, (_, n) in estimated.items() if n})
        return self

    def _fit_by_em(self, dag: DAG, counts: IncompleteCounts) -> Self:
        settings = EMSettings.checked(self.n_starts, self.max_steps, self.tolerance, self.random_state)
        warm = None
        if check_flag(self.warm_start, "warm_start") and hasattr(self, "tables_"):
            warm = tables_to_go_on_from(self.dag_, self.states_, self.tables_, dag, counts.schema)
        climbs = Climbs(self._ascent(counts), settings, warm)
        try:
            climbs.climb_all()
        except KeyboardInterrupt:
            if climbs.best is not None:
                self._take_best(dag, counts, climbs)
                note("EM was stopped; the model keeps its best tables, and goes on with warm_start=True")
            raise
        self._take_best(dag, counts, climbs)
        if not self.fit_info_["converged"]:
            note(f"EM has not converged in {self.max_steps:,} steps; raise max_steps, or tolerance")
        return self

    def _ascent(self, counts: IncompleteCounts) -> Ascent:
        return Ascent(
            counts,
            pseudocount=self.pseudocount,
            prior=self.prior,
            unseen=self.unseen,
            max_bytes=self.max_bytes,
        )

    def _take_best(self, dag: DAG, counts: IncompleteCounts, climbs: Climbs) -> None:
        tables, info = climbs.result()
        self._take(dag, counts.schema, dict(zip(counts.schema.names, tables, strict=True)))
        self.fit_info_ = info

    def standard_errors(
        self,
        X: Any,
        *,
        method: Literal["information", "bootstrap"] = "information",
        n_resamples: int = 200,
        sample_weight: ArrayLike | None = None,
        rng: RandomState = None,
    ) -> dict[str, NDArray[np.float64]]:
        """The standard error of each entry of ``tables_``, from the rows that they were fitted to, by node.

        "information" inverts the curvature of the log-posterior of all that rows know (so a fit that dropped some of it
        has none), and is NaN for entries that are 0; "bootstrap" fits ``n_resamples`` resamples of the rows.  See
        ``standard_errors``.  Raises ``InputError`` where there is no curvature.

        >>> X = [[0, 0]] * 30 + [[0, 1]] * 10 + [[1, 0]] * 20 + [[1, 1]] * 40
        >>> BayesianNetwork("x1 -> x2").fit(X).standard_errors(X)["x1"].round(4).tolist()  # √(0.4 · 0.6 / 100)
        [0.049, 0.049]
        """
        check_choice(method, "method", ["information", "bootstrap"])
        tables = [self.tables_[v] for v in self._fitted_nodes().names]
        latent, rows = self._nodes.variables[len(self.schema_) :], self._parts(X, sample_weight)

        def ascent(parts: Iterable[Table]) -> Ascent:
            counted = count_tables(self.dag_, parts, latent, missing="em", max_bytes=self.max_bytes)
            assert isinstance(counted, IncompleteCounts)
            return self._ascent(counted)

        if method == "information":
            errors = information_errors(ascent(rows), tables)
        else:
            settings = EMSettings.checked(1, self.max_steps, self.tolerance, None)
            n = check_integer(n_resamples, "n_resamples", least=2)
            errors = bootstrap_errors(list(rows), ascent, tables, settings, n, as_generator(rng))
        return dict(zip(self._nodes.names, errors, strict=True))

    def table_posteriors(
        self, X: Any, *, sample_weight: ArrayLike | None = None
    ) -> dict[str, TablePosterior]:
        """The Dirichlet posterior of each table given the rows that it was fitted to, or their ``count``, by node.

        The prior is that of the fit, so ``pseudocount`` must be above 0; ``mean`` is the table.  Credible intervals and
        the marginal posterior of an entry follow.  Raises ``InputError`` where the posterior is no Dirichlet: of rows
        with missing values that EM was fitted to.  Nodes that were set by ``do`` are left out.

        >>> X = [[0, 0]] * 3 + [[1, 0]] * 1
        >>> posterior = BayesianNetwork("x1; x2", pseudocount=1).fit(X).table_posteriors(X)["x1"]
        >>> posterior.mean.round(3).tolist(), [end.round(3).tolist() for end in posterior.interval(0.9)]
        ([0.667, 0.333], [[0.343, 0.076], [0.924, 0.657]])
        """
        self._fitted_nodes()
        if self.missing == "em" or self.dag_.latent:
            raise InputError(
                "with missing='em' the posterior of a table is no Dirichlet distribution; standard_errors(X) says how "
                "sure its entries are"
            )
        if check_real(self.pseudocount, "pseudocount") == 0:
            raise InputError(
                "a posterior needs a prior, and pseudocount=0 is none; fit with a pseudocount above 0, such as "
                "pseudocount=1 (uniform) or pseudocount=0.5 (Jeffreys, of tables with two states)"
            )
        done = self.fit_info_.get("do", {})
        found = posteriors_of(self._counts_of(X, sample_weight), self.pseudocount, self.prior)
        return {v: posterior for v, posterior in found.items() if v not in done}

    def _counts_of(self, X: Any, sample_weight: ArrayLike | None) -> FamilyCounts:
        """Counts of rows ``X`` under the schema of the fit, or ``X`` where it holds such counts."""
        if not isinstance(X, FamilyCounts):
            rows = self._parts(X, sample_weight)
            found = count_tables(self.dag_, rows, (), missing=self.missing, max_bytes=self.max_bytes)
            assert isinstance(found, FamilyCounts)  # of a network that EM does not fit
            return found
        if X.dag != self.dag_ or X.schema.states != self.schema_.states:
            raise InputError(
                "the counts belong to another DAG or other states; count the rows with this network's count"
            )
        return X

    def _parts(self, X: Any, sample_weight: ArrayLike | None) -> Iterator[Table]:
        """Rows ``X`` part by part under the schema of the fit, without other columns."""
        names, ahead = self.schema_.names, {v.name: v for v in self.schema_.variables}
        return (part.select(names) for part in node_rows(X, names, ahead, sample_weight=sample_weight))

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
        schema = stated_schema(states)
        model = cls(dag, schema=schema, **settings)
        parsed = model._checked()
        rows, off = normalised_tables(parsed, schema.states, tables)
        model._take(parsed, schema.select([*variable_order(parsed), *parsed.latent]), rows)
        model.fit_info_ = {"source": "tables", "largest_row_error": off}
        return model

    @classmethod
    def read(cls, path: str | Path, format: NetworkFormat | None = None, **settings: Any) -> Self:
        """The network in a file: BIF, XMLBIF, NET (Hugin), UAI or XDSL (GeNIe), plain or gzip.

        Without ``format`` the suffix or how the text opens tells which; rows are normalised as ``from_tables`` does.
        """
        found = read_network(path, format)
        dag = DAG(found.edges, found.variables, positions=found.positions)
        tables = {
            v: table.transpose([*(found.parents[v].index(u) for u in dag.parents(v)), table.ndim - 1])
            for v, table in found.tables.items()
        }
        return cls.from_tables(dag, found.variables, tables, **settings)

    def write(self, path: str | Path, format: NetworkFormat | None = None) -> None:
        """Write the network to a file that ``read`` reads, each number so that it comes back bit for bit.

        The suffix tells the format: ``.bif``, ``.xml`` (XMLBIF), ``.net``, ``.uai`` or ``.xdsl``, also with ``.gz``.
        ``InputError`` for names that it cannot hold.
        """
        check_is_fitted(self)
        parents = {v: self.dag_.parents(v) for v in self.states_}
        network = NetworkDescription(
            "chainrule", self.states_, parents, self.tables_, positions=self.dag_.positions
        )
        write_network(network, path, format)

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted_rows().log_prob(self._with_latent(codes))

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        """Where nodes are latent, each column is given those before it."""
        network = self._fitted_network()
        if self.dag_.latent:
            return log_conditionals_in_order(network, self._with_latent(codes), codes.shape[1])
        return network.log_conditionals(codes)

    def _factors(self) -> Factorization | None:
        network = self._fitted_network()
        if self.dag_.latent:  # summed out, they join what depends on them
            return None
        return Factorization(self.schema_.names, np.array(network.order, np.intp), self.dag_)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        self._refuse_latent()
        return self._fitted_network().log_states(codes)

    def states_in_turn(self, n: int, order: ArrayLike | None = None) -> Turns:
        """See ``DiscreteModel.states_in_turn``; ``InputError`` where nodes are latent."""
        self._refuse_latent()
        return super().states_in_turn(n, order)

    def _refuse_latent(self) -> None:
        check_is_fitted(self)
        if self.dag_.latent:
            raise InputError(
                f"{', '.join(self.dag_.latent)} cannot be measured (latent) and joins what depends on it, so columns "
                "have no factors of their own; conditionals(X) has each column given those before it, "
                "query(name, evidence) any posterior"
            )

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        states_of, factors = self._fitted_network().log_states_of, self._factors()
        assert factors is not None  # asked for before
        return column_turns(factors, self.schema_.sizes, n, order, states_of)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        drawn, bad = self._fitted_rows().draw(self._with_latent(codes), generator)
        if bad.any():
            raise impossible("given", self.schema_.labels(codes[bad.argmax()]))
        return drawn[:, : codes.shape[1]]

    def _with_latent(self, codes: Codes) -> Codes:
        """``codes`` with a column of -1 for each latent node."""
        n = len(self._nodes) - codes.shape[1]
        return np.pad(codes.astype(np.int32), ((0, 0), (0, n)), constant_values=-1) if n else codes

    def _most_probable(self, codes: Codes) -> Codes:
        rows = self._fitted_rows()
        if self.dag_.latent:  # a maximum of sums is not found by elimination in any order
            draw = "impute with how='draw'"
            states, log_prob = best_completions(codes, self.schema_.sizes, self._log_prob, instead=draw)
        else:
            states, log_prob = rows.maximum(codes)
        bad = log_prob == -np.inf
        if bad.any():
            raise impossible("given", self.schema_.labels(codes[bad.argmax()]))
        return states

    @property
    def nodes_(self) -> Schema:
        """The observed variables, then the latent nodes."""
        return self._fitted_nodes()

    @property
    def variables_(self) -> tuple[str, ...]:
        """The names of the variables, in the order of an array's columns."""
        check_is_fitted(self)
        return self.schema_.names

    @property
    def states_(self) -> dict[str, tuple[str, ...]]:
        """The states of each variable, latent ones last."""
        return self._fitted_nodes().states

    @property
    def factorization_(self) -> DAG:
        """The DAG; where nodes of it are latent, every observed one on all before it."""
        check_is_fitted(self)
        return super().factorization_ if self.dag_.latent else self.dag_

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Entries of all tables, and how many of them are free: rows sum to one."""
        check_is_fitted(self)
        tables = self.tables_.values()
        return {
            "allocated": sum(t.size for t in tables),
            "in_use": sum(t.size - t.size // t.shape[-1] for t in tables),
        }

    def query(
        self,
        variables: str | Iterable[str],
        evidence: Mapping[str, Any] | None = None,
        *,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> Posterior:
        """The joint posterior of one variable or several given states of others.

        Soft evidence gives a variable a number for each state, in order or by name: ``likelihood`` that of what was
        observed of it (virtual evidence, Pearl 1988), ``jeffrey`` its new marginal (Jeffrey's rule); see
        ``models.shared.soft_evidence``.  Impossible evidence is an ``InputError``; so are variables that are in the
        evidence too, and marginals that no distribution has.

        >>> tables = {"burglary": [0.99, 0.01], "alarm": [[0.95, 0.05], [0.1, 0.9]]}
        >>> states = dict.fromkeys(tables, ["no", "yes"])
        >>> model = BayesianNetwork.from_tables("burglary -> alarm", states, tables)
        >>> heard = model.query("burglary", likelihood={"alarm": [1, 4]})  # four times as likely to hear it if it rings
        >>> believed = model.query("burglary", jeffrey={"alarm": [0.2, 0.8]})
        >>> round(heard.probability(burglary="yes"), 4), round(believed.probability(burglary="yes"), 4)
        (0.0315, 0.1233)
        """
        questions = self._questions()
        return questions.posterior(variables, questions.known(evidence, likelihood, jeffrey))

    def posterior_marginals(
        self,
        evidence: Mapping[str, Any] | None = None,
        *,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> dict[str, Posterior]:
        """p(v | evidence) of every variable v that is not in the evidence, from one calibrated junction tree."""
        questions = self._questions()
        return questions.marginals(questions.known(evidence, likelihood, jeffrey))

    def mpe(self, evidence: Mapping[str, Any] | None = None) -> MostProbable:
        """A most probable state of all variables given the evidence; ``most_probable`` lists the next ones, too.

        Among rows that are equally probable the choice is deterministic, and ``unique`` is then false.
        """
        questions = self._questions()
        return questions.maximum(questions.known(evidence))

    def most_probable(
        self,
        evidence: Mapping[str, Any] | None = None,
        *,
        k: int = 1,
        over: str | Iterable[str] | None = None,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> RankedStates:
        """The ``k`` most probable states of the variables ``over`` given the evidence, exact, the most probable first.

        Of all variables that are not in the evidence by default (most probable explanations, MPE), which costs as much
        as all marginals; ``over`` some, the others are summed out before (marginal MAP), which may cost far more:
        ``inference_cost(over, evidence, most_probable=True)`` says how much, and above ``max_bytes`` it is a
        ``TooLargeError``.  Soft evidence as in ``query``.

        >>> tables = {"a": [0.4, 0.6], "b": [[0.1, 0.9], [0.45, 0.55]]}
        >>> model = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, tables)
        >>> print(model.most_probable(k=2).text())
        the 2 most probable states of P(a, b): together 0.69 of the probability
          1  0.36  a=0, b=1
          2  0.33  a=1, else as 1
        >>> model.most_probable(over="a").states  # not as in the most probable state of both
        ({'a': '1'},)
        """
        questions = self._questions()
        return questions.ranked(questions.known(evidence, likelihood, jeffrey), k, over)

    def sensitivity(
        self,
        states: Mapping[str, Any],
        evidence: Mapping[str, Any] | None = None,
        *,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> Sensitivity:
        """How P(states | evidence) depends on each entry of each table: exact functions, derivatives, needed changes.

        Of one entry at a time, t, the others of its row keeping their proportions, it is (a + b t) / (c + d t).  Two
        passes give the coefficients of all entries.  With ``jeffrey`` it is a sum of such ratios, one for each state of
        the variable that has a new marginal; of several variables one for each joint state, with shares that follow by
        iterative proportional fitting, which is differentiated implicitly (no needed changes then).  Latent nodes may
        be named; tables that were set by ``do`` do not count.

        >>> tables = {"ill": [0.99, 0.01], "test": [[0.95, 0.05], [0.1, 0.9]]}
        >>> model = BayesianNetwork.from_tables("ill -> test", dict.fromkeys(tables, ["no", "yes"]), tables)
        >>> found = model.sensitivity({"ill": "yes"}, {"test": "yes"})
        >>> round(found.probability, 3), found.ranked(1)[0].name()
        (0.154, 'P(ill=yes)')
        >>> round(found.entry("test", "yes", {"ill": "no"}).needed(0.5), 4)  # how sure a test must be for an even bet
        0.0091
        """
        questions = self._questions()
        known = questions.known(evidence, likelihood, jeffrey)
        return questions.sensitivity(states, known, self.fit_info_.get("do", ()))

    def do(self, states: Mapping[str, Any]) -> Self:
        """The network in which these variables are set from outside, states by name: the edges into them are cut.

        Every question works on it, with evidence too.  It says what happens in the world where the arrows do; a
        graph that was learned from rows answers with a note that they need not.

        >>> tables = {"rain": [0.7, 0.3], "wet": [[1, 0], [0, 1]]}
        >>> model = BayesianNetwork.from_tables("rain -> wet", {"rain": ["no", "yes"], "wet": 2}, tables)
        >>> model.do({"wet": 1}).query("rain").probability(rain="yes")  # to wet the grass makes no rain
        0.3
        """
        nodes = self._fitted_nodes()
        done = actions(nodes, states)
        cut = self.dag_.intervened([nodes.names[i] for i in done])
        set_rows = {nodes.names[i]: np.eye(nodes.sizes[i])[code] for i, code in done.items()}
        model = self._under_same_schema(dag=cut)
        model._take(cut, nodes, self.tables_ | set_rows)
        model.fit_info_ = done_info(self.fit_info_, nodes, done)
        return model

    def inference_cost(
        self,
        variables: str | Iterable[str] | None = None,
        evidence: Mapping[str, Any] | Iterable[str] | None = None,
        *,
        most_probable: bool = False,
    ) -> InferenceCost:
        """What ``query(variables, evidence)`` would take, or all posterior marginals; nothing is allocated.

        With ``most_probable`` what ``most_probable(evidence, over=variables)`` would.  The cost depends on which
        variables are in the evidence, so their names are enough.
        """
        flag = check_flag(most_probable, "most_probable")
        return self._questions().cost(variables, () if evidence is None else evidence, most_probable=flag)

    def cpt(self, node: str) -> ConditionalTable:
        """The table p(node | parents); ``.text()`` shows it."""
        check_is_fitted(self)
        self._nodes.index(node)
        parents = self.dag_.parents(node)
        states = tuple(self._nodes[v].states for v in (*parents, node))
        return ConditionalTable(node, parents, states, self.tables_[node].copy())

    def _checked(self) -> DAG:
        """The settings, checked; returns the DAG."""
        check_real(self.pseudocount, "pseudocount")
        check_integer(self.max_bytes, "max_bytes")
        for name, words in (
            ("prior", get_args(Prior)),
            ("unseen", get_args(Unseen)),
            ("missing", (*get_args(Missing), "em")),
        ):
            check_choice(getattr(self, name), name, words)
        return parsed_dag(self.dag)

    def _take(self, dag: DAG, nodes: Schema, tables: dict[str, NDArray[np.float64]]) -> None:
        """Take tables of ``nodes``, of which the latent ones come last."""
        for v, table in tables.items():
            check_table_size(v, table.shape, self.max_bytes)
        self._take_schema(nodes.select([v for v in nodes.names if v not in dag.latent]))
        families = Families.of(dag, nodes)
        self._network = DiscreteNetwork(families.parents, [tables[v] for v in nodes.names], families.order)
        parts = dict(zip(nodes.names, self._network.tables, strict=True))
        for table in parts.values():
            table.setflags(write=False)  # what is answered is computed from these once
        self.dag_, self.tables_, self._nodes = dag, {v: parts[v] for v in tables}, nodes
        self._row_inference = RowInference(self._network)

    def _fitted_nodes(self) -> Schema:
        """The observed variables, then the latent ones."""
        check_is_fitted(self)
        return self._nodes

    def _fitted_network(self) -> DiscreteNetwork:
        """The tables over integers, with the limit that is set now."""
        if not hasattr(self, "_network"):  # which takes a tenth of the time of the rest of a short question
            check_is_fitted(self)
        self._network.max_bytes = check_integer(self.max_bytes, "max_bytes")
        return self._network

    def _questions(self) -> Questions:
        return Questions(self._fitted_network(), self._nodes)

    def _fitted_rows(self) -> RowInference:
        """The same for rows."""
        self._fitted_network()
        return self._row_inference

    def _settings(self) -> dict[str, Any]:
        plain = super()._settings()
        return plain | {"dag": plain_dag(self.dag)}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        settings = super()._settings_of(plain)
        dag = settings["dag"]
        return settings | {"dag": dag_of_plain(dag)}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {f"table {i}": self.tables_[v] for i, v in enumerate(self._nodes.names)}
        plain = {"dag": plain_dag(self.dag_)}
        if self.dag_.latent:
            plain["latent"] = self._nodes.select(self.dag_.latent).to_plain()
        return arrays, plain

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        dag, nodes = dag_of_plain(plain["dag"]), self.schema_
        if dag.latent:
            latent = Schema.from_plain(plain["latent"]).variables
            nodes = replace(nodes, variables=(*nodes.variables, *latent))
        if set(dag.nodes) != set(nodes.names):
            raise DataError("the nodes of the dag are not the variables of the tables; save the model again")
        tables = {}
        for i, v in enumerate(nodes.names):
            shape = tuple(nodes[u].size for u in (*dag.parents(v), v))
            tables[v] = loaded_array(arrays, f"table {i}", shape)
            check_probabilities(tables[v], f"the table of {one_line(v)}")
        self._take(dag, nodes, tables)
