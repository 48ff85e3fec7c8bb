"""What a network answers once it has tables: rows by row inference, questions by name, all of it exactly.

Where the tables come from, rows, a file or the hand, is ``estimator``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_flag, check_integer
from chainrule.core.errors import InputError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.answers import ConditionalTable, InferenceCost, MostProbable
from chainrule.models.bayesian_network.inference.components import Families
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.latent_conditionals import log_conditionals_in_order
from chainrule.models.bayesian_network.questions import Questions
from chainrule.models.bayesian_network.ranked_states import RankedStates
from chainrule.models.bayesian_network.row_inference.answers import RowInference
from chainrule.models.bayesian_network.sensitivity import Sensitivity
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.column_turns import column_turns
from chainrule.models.shared.completion import best_completions
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.posterior import Posterior, impossible
from chainrule.tables.schema import Schema

__all__ = ["AnsweringNetwork"]


class AnsweringNetwork(DiscreteModel):
    """A network with a table for each node of ``dag_``; whoever extends it brings the tables, by ``_answer_from``."""

    marginalises_: ClassVar[Marginalises] = "any"
    dag_: DAG
    tables_: dict[str, NDArray[np.float64]]
    max_bytes: int

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

        >>> from chainrule.models import BayesianNetwork
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

        >>> from chainrule.models import BayesianNetwork
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

        >>> from chainrule.models import BayesianNetwork
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

    def _answer_from(self, dag: DAG, nodes: Schema, tables: dict[str, NDArray[np.float64]]) -> None:
        """Take the tables of ``nodes``, of which the latent ones come last."""
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
