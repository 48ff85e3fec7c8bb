"""What each cell of a row costs in nats; where there are factors, the cells of a row sum to -log p of what is known.

In a complete row these are the model's own factors, -log p(x_i | its parents), where it has any.  Otherwise the chain
rule is followed over what is known, parents first: the cost of a cell is the difference of two exact marginals,

    -log p(x_i | known cells before it) = log p(known before it) - log p(known before it, x_i).

An average of models with different orders has neither factors nor such marginals.  There a cell costs what it costs
each member, weighted by how probable it is that the row is that member's; the cells then sum to no more than the row,
and fall short by what it says of the member (the divergence of these weights from those of the average).
Of any other model without an order it is -log p(x_i | all other cells), and so it is of rows with holes where the steps
of the chain rule are refused: a dense graph may sum out few holes, but not all that comes later.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.progress import track
from chainrule.models.auto.estimator import Auto
from chainrule.models.contract import DiscreteModel
from chainrule.models.ensemble.estimator import Ensemble
from chainrule.tables.missing import MISSING
from chainrule.tables.table import Table

__all__ = ["answering", "cell_nats"]


def cell_nats(model: DiscreteModel, table: Table) -> NDArray[np.float64]:
    """The nats of each cell, (n, d): NaN in a hole, ``inf`` in a cell that makes its row impossible.

    >>> from chainrule.models import Independent
    >>> rows = [[0, 0], [1, 0], [0, 1], [1, 1]]
    >>> model = Independent().fit(rows)
    >>> cell_nats(model, Table(model.schema_, [[0, 1], [0, -1]])).round(3).tolist()
    [[0.693, 0.693], [0.693, nan]]
    """
    out = np.full(table.shape, np.nan)
    for answerer, rows in answering(model, table):
        complete = ~table.missing[rows].any(axis=1)
        whole, holed = rows[complete], rows[~complete]
        if len(whole):
            out[whole] = _factors(answerer, table[whole])
        if len(holed):
            try:
                out[holed] = _steps(answerer, table[holed])
            except TooLargeError:
                out[holed] = _given_the_rest(answerer, table[holed])
    return out


def answering(model: DiscreteModel, table: Table) -> list[tuple[DiscreteModel, NDArray[np.intp]]]:
    """Which model answers which rows: of ``Auto`` there may be two."""
    if isinstance(model, Auto):
        return [pair for part, rows in model.answers(table) for pair in _below(part, table, rows)]
    return [(model, np.arange(table.n_rows))]


def _below(
    model: DiscreteModel, table: Table, rows: NDArray[np.intp]
) -> list[tuple[DiscreteModel, NDArray[np.intp]]]:
    return [(part, rows[places]) for part, places in answering(model, table[rows])]


def _factors(model: DiscreteModel, table: Table) -> NDArray[np.float64]:
    try:
        return -model.conditionals(table)
    except InputError:  # a model without an order of factors
        average = model if isinstance(model, Ensemble) else getattr(model, "average_", None)
        if average is not None:
            return _by_members(average, table)
        return _steps(model, table) if model.marginalises_ == "any" else _given_the_rest(model, table)


def _by_members(model: Ensemble, table: Table) -> NDArray[np.float64]:
    """The members' own costs of the cells of complete rows, weighted by the posterior of the member."""
    costs, log_p = [], []
    for member, weight in zip(model.models_, model.weights_, strict=True):
        if weight > 0:
            own = _as_seen_by(member, table)
            costs.append(_factors(member, own)[:, [member.schema_.index(v) for v in table.schema.names]])
            log_p.append(np.log(weight) + member.log_prob(own))
    share = np.exp(np.array(log_p) - log_sum_exp(np.array(log_p), axis=0))
    return (np.nan_to_num(share)[:, :, None] * np.array(costs)).sum(axis=0)


def _as_seen_by(member: DiscreteModel, table: Table) -> Table:
    """``table`` with its columns in the member's order."""
    names = member.schema_.names
    return Table(member.schema_, table.codes[:, [table.schema.index(v) for v in names]])


def _given_the_rest(model: DiscreteModel, table: Table) -> NDArray[np.float64]:
    """-log p(x_i | all other known cells), from the probabilities of the row with each state of x_i; NaN in holes."""
    out = np.full(table.shape, np.nan)
    now = model.log_prob(table)
    for j, size in enumerate(track(table.schema.sizes, "scoring cells")):
        there = ~table.missing[:, j]
        if not there.any():
            continue
        every = []
        for k in range(size):
            codes = table.codes[there]
            codes[:, j] = k
            every.append(model.log_prob(Table(table.schema, codes)))
        total = log_sum_exp(np.stack(every, axis=1), axis=1)
        with np.errstate(invalid="ignore"):
            out[there, j] = np.where(np.isneginf(total), np.inf, total - now[there])
    return out


def _steps(model: DiscreteModel, table: Table) -> NDArray[np.float64]:
    """The chain rule over what is known, one column after another."""
    names = table.schema.names
    dag = model.factorization_
    order = [table.schema.index(v) for v in dag.topological_order()] if dag is not None else range(len(names))
    known = np.full(table.shape, MISSING, np.int32)
    out = np.full(table.shape, np.nan)
    before = np.zeros(table.n_rows)
    for j in track(list(order), "scoring cells"):
        known[:, j] = table.codes[:, j]
        there = known[:, j] >= 0
        if not there.any():
            continue
        now = before.copy()
        now[there] = model.log_prob(Table(table.schema, known[there]))
        with np.errstate(invalid="ignore"):
            out[there, j] = np.where(np.isneginf(before[there]), 0.0, before[there] - now[there])
        before = now
    return out
