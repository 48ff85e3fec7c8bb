"""Effects of interventions as numbers: the formula that a graph gives, computed from rows or from a fitted model.

The formula is exact for the distribution that it is computed from: that of the model, or the relative frequencies of
the rows.  Where it conditions on what never occurs, it has no value there (the assumption of *positivity* fails).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_instance, check_size
from chainrule.core.errors import InputError, ValuesError
from chainrule.core.records import to_plain
from chainrule.graphs import Effect
from chainrule.graphs.identification.formulas import Marginal, computed, names_in
from chainrule.graphs.notation import probability_text
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.posterior import table_lines
from chainrule.tables.door import rows
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["EffectEstimate", "estimate_effect"]

_BYTES = 8


@dataclass(frozen=True, eq=False)
class EffectEstimate:
    """P(outcomes | do(treatments), given): an axis for each treatment, each given node, then each outcome.

    NaN stands where the formula has no value.  ``n_rows`` rows were used, ``n_incomplete`` left out since they miss a
    value that the formula reads; ``None`` where a model was asked.
    """

    effect: Effect
    states: dict[str, tuple[str, ...]]
    probabilities: NDArray[np.float64]
    n_rows: int | None = None
    n_incomplete: int | None = None

    @property
    def n_undefined(self) -> int:
        """Combinations of treatments and given states for which the formula has no value."""
        n = int(np.prod(self.probabilities.shape[: -len(self.effect.outcomes)], dtype=np.int64))
        return int(np.isnan(self.probabilities).reshape(n, -1).any(axis=1).sum())

    def probability(self, **assignment: Any) -> float:
        """The probability of these outcomes: a state of each treatment and given node; other outcomes are summed.

        Raises ``InputError`` where one is left out, ``UnknownNameError``.
        """
        schema = Schema.of(self.states)
        found = schema.known(assignment)
        for name in (*self.effect.treatments, *self.effect.given):
            if found[schema.index(name)] < 0:
                raise InputError(f"{name!r} needs a state, such as {name}={self.states[name][0]}")
        index = tuple(slice(None) if code < 0 else int(code) for code in found)
        return float(self.probabilities[index].sum())

    def text(self) -> str:
        """The equation, then a line for each state of treatments and given nodes, a column for each outcome."""
        effect = self.effect
        known = [self.states[name] for name in (*effect.treatments, *effect.given)]
        outcomes = [self.states[name] for name in effect.outcomes]
        columns = ["/".join(labels) for labels in _combinations(outcomes)]
        head = f"{probability_text(effect.outcomes, effect.given, effect.treatments)}  columns: {', '.join(columns)}"
        lines = [effect.text(), head, *table_lines(tuple(known), self.probabilities)]
        if self.n_rows is not None:
            left_out = f", {self.n_incomplete:,} left out for missing values" if self.n_incomplete else ""
            lines.append(f"from {self.n_rows:,} rows{left_out}")
        if self.n_undefined:
            lines.append(
                f"nan in {self.n_undefined:,} lines: the formula conditions there on what never occurs; join rare "
                "states, or estimate from a model with a pseudocount above 0"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain data, ``None`` where there is none."""
        known = self.probabilities.astype(object)
        known[np.isnan(self.probabilities)] = None
        return self.effect.to_plain() | to_plain(
            {
                "states": self.states,
                "probabilities": known.tolist(),
                "n_rows": self.n_rows,
                "n_incomplete": self.n_incomplete,
            }
        )


def estimate_effect(effect: Effect, source: Any) -> EffectEstimate:
    """The numbers of ``effect`` (from ``DAG.identify``) from ``source``: rows of any kind, or a fitted exact model.

    Rows that miss a value which the formula reads are left out; weights count.  What a formula depends on only in
    appearance (``Effect.arbitrary``) is averaged over, where it has a value.  Raises ``InputError`` where the effect
    is not identifiable, ``UnknownNameError`` for a variable that ``source`` does not have, ``TooLargeError``.

    >>> from chainrule.graphs import DAG
    >>> table = {"Z": [0, 0, 0, 1, 1, 1, 1, 0], "X": [0, 0, 1, 1, 1, 0, 1, 1], "Y": [0, 1, 1, 1, 0, 1, 1, 1]}
    >>> found = estimate_effect(DAG.parse("X <- Z -> Y; X -> Y").identify("X", "Y"), table)
    >>> found.probabilities.round(3).tolist(), round(found.probability(X=1, Y=1), 3)
    ([[0.25, 0.75], [0.167, 0.833]], 0.833)
    """
    check_instance(effect, Effect, "effect", like="what DAG.identify gives")
    if effect.formula is None:
        asked_for = probability_text(effect.outcomes, effect.given, effect.treatments)
        raise InputError(
            f"{asked_for} is not identifiable, so no rows tell it (its hedge, in Effect.text() or without a table, "
            "says why); measure one of the latent nodes, or look for an instrument"
        )
    asked = (*effect.treatments, *effect.given, *effect.outcomes)
    needed = list(dict.fromkeys((*asked, *sorted(names_in(effect.formula)))))
    n_rows = n_incomplete = None
    if isinstance(source, DiscreteModel):
        schema = source.schema_.select(needed)
        marginal = _of_model(source)
    else:
        table = rows(source, columns=needed, name="source")
        complete = table[np.flatnonzero(~table.missing.any(axis=1))]
        n_rows, n_incomplete = complete.n_rows, table.n_rows - complete.n_rows
        schema, marginal = table.schema, _of_rows(complete)
    values = _without_appearances(
        computed(effect.formula, marginal, (*asked, *effect.arbitrary)), effect.arbitrary, marginal
    )
    shape = tuple(schema[name].size for name in asked)
    states = {name: schema[name].states for name in asked}
    return EffectEstimate(effect, states, np.broadcast_to(values, shape).copy(), n_rows, n_incomplete)


def _of_model(model: DiscreteModel) -> Marginal:
    return lambda names: model.query(names).probabilities


def _of_rows(table: Table) -> Marginal:
    """Relative frequencies, by weight."""
    weights = np.ones(table.n_rows) if table.weights is None else table.weights
    if not weights.sum() > 0:
        raise ValuesError(
            "no row knows all variables that the formula reads; pass rows with fewer missing values"
        )

    def marginal(names: tuple[str, ...]) -> NDArray[np.float64]:
        sizes = [table.schema[name].size for name in names]
        n = int(np.prod(sizes, dtype=object))
        check_size(
            _BYTES * n, f"the joint frequencies of {len(names)} variables", instead="give them fewer states"
        )
        columns = [table.column(name).astype(np.intp) for name in names]
        counts = np.bincount(np.ravel_multi_index(columns, sizes), weights, minlength=n)
        return counts.reshape(sizes) / counts.sum()

    return marginal


def _without_appearances(
    values: NDArray[np.float64], names: tuple[str, ...], marginal: Marginal
) -> NDArray[np.float64]:
    """``values`` without their last axes, ``names``, on which they depend only in appearance: their mean over them."""
    if not names:
        return values
    axes = tuple(range(values.ndim - len(names), values.ndim))
    weights = np.where(np.isnan(values), 0.0, marginal(names))
    sums = (np.nan_to_num(values) * weights).sum(axis=axes)
    mass = weights.sum(axis=axes)
    return np.divide(sums, mass, out=np.full(sums.shape, np.nan), where=mass > 0)


def _combinations(states: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    index = np.ndindex(*map(len, states))
    return [tuple(labels[i] for labels, i in zip(states, place, strict=True)) for place in index]
