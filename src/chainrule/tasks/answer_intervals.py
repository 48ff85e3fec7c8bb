"""How sure the rows that a network was fitted to make one of its answers: credible intervals.

Each row of a table has a Dirichlet posterior; what an answer gets of them is said by
``models/bayesian_network/answer_posteriors.py``: exactly where it is an entry of a table, to first order else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import DataError
from chainrule.core.progress import track
from chainrule.core.records import to_plain
from chainrule.models.auto.estimator import Auto
from chainrule.models.bayesian_network.answer_posteriors import answer_posterior
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.table_posteriors import TablePosterior, checked_level
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.posterior import table_lines
from chainrule.tables.table import Table
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.querying import Answer, Asked, query
from chainrule.tasks.questions import Question
from chainrule.tasks.reading import read_known

__all__ = ["AnswerIntervals", "credible_intervals"]

_SAME = 1e-6  # by how much an entry may differ from that of the rows: files keep sixteen digits, sums fewer

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AnswerIntervals:
    """``answer``, and for each of its probabilities the equal-tailed credible interval of that ``level``.

    ``lower``, ``upper`` and ``standard_deviation`` have the shape of the answer's probabilities, or none where it is a
    single one.  ``is_exact`` says where they are no approximation.
    """

    answer: Answer
    level: float
    lower: Numbers
    upper: Numbers
    standard_deviation: Numbers
    is_exact: NDArray[np.bool_]

    def text(self) -> str:
        """The answer, each probability with its interval."""
        interval = (
            f"{100 * self.level:g} % credible interval{'' if self.is_exact.all() else ' (to first order)'}"
        )
        if self.answer.probability is not None:
            return f"{self.answer.text()}\n  {interval}: {float(self.lower):.6g} to {float(self.upper):.6g}"
        found = self.answer.posterior
        head = f"{self.answer.question}{found.condition_text()}  columns: probability, {interval}"
        cells = np.stack([found.probabilities, self.lower, self.upper], axis=-1)
        return "\n".join([head, *table_lines(found.states, cells)])

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data, and ``interval``."""
        interval = {
            "level": self.level,
            "lower": self.lower,
            "upper": self.upper,
            "standard_deviation": self.standard_deviation,
            "is_exact": self.is_exact,
        }
        return self.answer.to_dict() | {"interval": to_plain(interval)}


def credible_intervals(
    model: ModelOrPath,
    question: str | Question,
    X: Any,
    evidence: Mapping[str, Any] | None = None,
    *,
    level: float = 0.95,
    likelihood: Mapping[str, Any] | None = None,
    jeffrey: Mapping[str, Any] | None = None,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> AnswerIntervals:
    """The answer to a ``question``, as ``query`` gives it, with credible intervals given the rows ``X`` of the fit.

    Of a Bayesian network with a pseudocount above 0; the posteriors of its tables are those of ``table_posteriors``.
    An interval is exact where the answer is an entry of a table (a state given one of each parent), or a sum of entries
    of one row.  Else it is that of a beta distribution with the answer as its mean and the variance to first order,
    which is close where rows are many.  ``reading``: the settings of ``Table.read`` that do not contradict the model's
    schema, such as ``weights``.  Raises ``InputError`` for a model without tables or without a prior, ``DataError``
    where the tables are not those of the rows.

    >>> rows = {"rain": ["no"] * 30 + ["yes"] * 10}
    >>> network = BayesianNetwork("rain", pseudocount=1).fit(rows)
    >>> print(credible_intervals(network, "P(rain=yes)", rows).text())  # Beta(11, 31)
    P(rain=yes) = 0.261905
      95 % credible interval: 0.142213 to 0.403046
    """
    checked_level(level)
    fitted = loaded(model)
    asked = Asked.of(fitted, question, evidence)
    network = asked.network("credible intervals come of the posteriors of a network's tables")
    soft: dict[str, Any] = {"likelihood": likelihood, "jeffrey": jeffrey}
    answer = query(fitted, question, evidence, **soft)
    options = {k: v for k, v in reading.items() if v is not None}
    rows = _rows_of_the_fit(fitted, read_known(X, fitted.schema_, "X", dialect, **options))
    posteriors = network.table_posteriors(rows)
    _check_tables(network, posteriors)
    states = answer.posterior.states
    found = []
    for combination in (
        track(list(product(*states)), "credible intervals") if answer.probability is None else [()]
    ):
        named = asked.states | dict(zip(answer.posterior.variables, combination, strict=bool(combination)))
        sensitivity = network.sensitivity(named, asked.known, **soft)
        posterior = answer_posterior(sensitivity, posteriors)
        found.append((*posterior.interval(level), posterior.standard_deviation, posterior.is_exact))
    shape = () if answer.probability is not None else answer.posterior.probabilities.shape
    lower, upper, deviation, exact = (np.reshape(column, shape) for column in zip(*found, strict=True))
    return AnswerIntervals(answer, float(level), lower, upper, deviation, exact)


def _rows_of_the_fit(model: DiscreteModel, table: Table) -> Table:
    """``table`` without the rows that ``model`` was chosen by rather than fitted to."""
    if isinstance(model, Auto) and table.n_rows == model.fit_info_["n_rows"]:
        held_out = model.fit_info_["held_out_rows"] or []
        return table[np.setdiff1d(np.arange(table.n_rows), held_out)]
    return table


def _check_tables(network: BayesianNetwork, posteriors: Mapping[str, TablePosterior]) -> None:
    """``DataError`` where an entry is not the posterior mean by the rows."""
    for v, posterior in posteriors.items():
        table = network.tables_[v]
        off = np.abs(posterior.mean - table)
        if off.max() > _SAME:
            worst = np.unravel_index(off.argmax(), off.shape)
            family = (*posterior.parents, posterior.node)
            *given, state = (f"{u.name}={u.states[k]}" for u, k in zip(family, worst, strict=True))
            raise DataError(
                f"the rows are not those that the model was fitted to: P({state}{' | ' if given else ''}"
                f"{', '.join(given)}) is {table[worst]:.6g} in the model and {posterior.mean[worst]:.6g} by the rows; "
                "give the rows, and weights, of the fit"
            )
