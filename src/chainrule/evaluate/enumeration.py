"""Exact answers by enumeration: tables of all states, their sum, and distances between two tables.

``sizes`` says how many states each variable has; an integer d means d binary variables, and what is left out is
read from the fitted model.  Tables hold log-probabilities in nats, so that no probability underflows on the
way; states come in counting order, the last variable fastest.  Everything here costs the product of the
sizes, and is refused where that is too much.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import as_floats
from chainrule.core.errors import InputError, ShapeError, TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.text import as_written
from chainrule.models.shared.states import Sizes, n_states, parse_sizes, state_blocks, states_between
from chainrule.tables.door import rows as read_rows
from chainrule.tables.missing import MISSING
from chainrule.tables.table import Table

__all__ = [
    "LARGEST",
    "Scored",
    "all_states",
    "codes_of",
    "exact_table",
    "given_of",
    "kl_divergence",
    "rows_of",
    "sizes_of",
    "total_probability",
    "total_variation",
]

LARGEST = 2**24  # states, 16.8 million: those of 24 binary variables
_TOLERANCE = 1e-6  # how far from one a table may sum before it is taken for a mistake


class Scored(Protocol):
    """Anything that gives the log-probability of rows of codes."""

    def log_prob(self, X: ArrayLike, /) -> NDArray[np.float64]:
        """Log-probability of each row in nats, (n,)."""
        ...


def all_states(sizes: Sizes) -> NDArray[Any]:
    """All states in counting order, (number of states, d): uint8 where all variables are binary, else int32.

    Raises ``TooLargeError`` above 2^24 states.

    >>> all_states(2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> all_states([3, 1]).tolist()
    [[0, 0], [1, 0], [2, 0]]
    """
    parsed = _small_enough(sizes)
    return states_between(0, n_states(parsed), parsed)


def exact_table(model: Scored, sizes: Sizes | None = None) -> NDArray[np.float64]:
    """``log p`` of all states in nats, (number of states,); reshaped to the sizes it is the joint table.

    Raises ``TooLargeError`` above 2^24 states, ``InputError`` where the model is not fitted and ``sizes`` is missing.

    >>> from chainrule.models import BayesianNetwork
    >>> model = BayesianNetwork("x1 -> x2").fit([[0, 0], [0, 1], [1, 2], [1, 2]])
    >>> np.exp(exact_table(model)).reshape(2, 3).round(6).tolist()
    [[0.25, 0.25, 0.0], [0.0, 0.0, 0.5]]
    """
    parsed = _small_enough(sizes_of(_scored(model), sizes))
    return np.concatenate([_scores(model, block) for block in state_blocks(parsed)])


def total_probability(model: Scored, sizes: Sizes | None = None) -> float:
    """The sum of ``p`` over all states: one, for a distribution.  Summed in float64, block by block.

    Raises as ``exact_table``.

    >>> from chainrule.models import Independent
    >>> round(total_probability(Independent().fit([[0, 1], [1, 1]])), 9)
    1.0
    """
    parsed = _small_enough(sizes_of(_scored(model), sizes))
    sums = [log_sum_exp(_scores(model, block)) for block in state_blocks(parsed)]
    return float(np.exp(log_sum_exp(sums)))


def kl_divergence(log_p: ArrayLike, log_q: ArrayLike) -> float:
    """``KL(p || q) = sum p log(p / q)`` in nats from two tables; ``inf`` where q misses a state of p.

    Raises ``ShapeError`` or ``InputError`` where the tables differ in size or do not sum to one.

    >>> with np.errstate(divide="ignore"):
    ...     round(kl_divergence(np.log([0.5, 0.5, 0.0]), np.log([0.25, 0.5, 0.25])), 6)
    0.346574
    """
    log_p, log_q = _tables(log_p, log_q)
    some = log_p > -np.inf
    return float(np.sum(np.exp(log_p[some]) * (log_p[some] - log_q[some])))


def total_variation(log_p: ArrayLike, log_q: ArrayLike) -> float:
    """Total variation ``½ sum |p - q|`` in [0, 1]: the largest difference over all events.

    >>> round(total_variation(np.log([0.5, 0.5]), np.log([0.25, 0.75])), 6)
    0.25
    """
    log_p, log_q = _tables(log_p, log_q)
    return 0.5 * float(np.sum(np.abs(np.exp(log_p) - np.exp(log_q))))


def codes_of(model: Any, rows: Any) -> NDArray[Any]:
    """Rows that ``model`` has drawn as codes (n, d), whatever kind of table it was fitted on.

    >>> from chainrule.models import BayesianNetwork
    >>> model = BayesianNetwork("a").fit({"a": ["no", "yes"]})
    >>> codes_of(model, {"a": ["yes"]}).tolist()
    [[1]]
    """
    schema = getattr(model, "schema_", None)
    if schema is None or (isinstance(rows, np.ndarray) and not schema.cuts_numbers):
        return np.asarray(rows)
    return read_rows(rows, schema).codes


def rows_of(model: Any, codes: NDArray[Any]) -> Any:
    """Rows of codes (n, d), -1 where missing, as ``model`` reads them, whatever kind of table it was fitted on.

    They are the array itself, but where ``model`` would take its numbers for measurements, to be cut into intervals.

    >>> from chainrule.models import Independent
    >>> from chainrule.tables import Table
    >>> model = Independent().fit(Table.read({"age": [31, 45, 62, 70]}, bins={"age": 2}))
    >>> model.log_prob(rows_of(model, np.array([[0], [1]]))).round(3).tolist()
    [-0.693, -0.693]
    """
    schema = getattr(model, "schema_", None)
    return codes if schema is None or not schema.cuts_numbers else Table(schema, codes)


def given_of(model: Any, row: ArrayLike) -> Any:
    """What is known of a row of codes (d,), NaN or -1 where nothing is, as ``model`` reads it: see ``rows_of``."""
    schema = getattr(model, "schema_", None)
    if schema is None or not schema.cuts_numbers:
        return row
    known = as_floats(row, "row", ndim=1)
    return schema.labels(np.where(np.isnan(known), MISSING, known))


def sizes_of(model: Any, sizes: Sizes | None = None) -> tuple[int, ...]:
    """``sizes`` where they are given, else the number of states of each variable that ``model`` was fitted on.

    A model with a schema (``schema_``) is asked for them, any other fitted one is taken for binary.
    Raises ``InputError`` for an unfitted model.

    >>> from chainrule.models import BayesianNetwork
    >>> sizes_of(BayesianNetwork("x1 -> x2").fit([[0, 0], [1, 2]]))
    (2, 3)
    """
    if sizes is not None:
        return parse_sizes(sizes)
    schema = getattr(model, "schema_", None)
    if schema is not None:
        return tuple(schema.sizes)
    width = getattr(model, "n_features_in_", None)
    if width is None:
        raise InputError(
            f"{type(model).__name__} is not fitted and has no width; pass sizes, the number of states of each "
            "variable, or the number of variables if they are binary"
        )
    return parse_sizes(int(width))


def _scored(model: Any) -> Scored:
    if not callable(getattr(model, "log_prob", None)):
        raise InputError(f"model must have a method log_prob of rows; got {as_written(model)}")
    return model


def _small_enough(sizes: Sizes) -> tuple[int, ...]:
    parsed = parse_sizes(sizes)
    if not parsed:
        raise InputError(
            f"d must be an integer of at least 1, or sizes of at least one variable; got {as_written(sizes)}"
        )
    total = n_states(parsed)
    if total > LARGEST:
        product = f"2^{len(parsed)}" if set(parsed) == {2} else f"{total:,}" if total < 10**15 else "too many"
        raise TooLargeError(
            f"{len(parsed)} variables have {product} states (about 10^{math.log10(total):.0f}); enumeration stops "
            f"at 2^{LARGEST.bit_length() - 1}; estimate from samples instead"
        )
    return parsed


def _tables(log_p: ArrayLike, log_q: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p, q = as_floats(log_p, "log_p"), as_floats(log_q, "log_q")
    if p.ndim != 1 or p.shape != q.shape:
        raise ShapeError(
            f"two tables of log-probabilities over the same states are needed, of one dimension each; "
            f"their shapes are {p.shape} and {q.shape}"
        )
    for name, table in (("log_p", p), ("log_q", q)):
        with np.errstate(over="ignore"):  # an infinite sum is told below
            total = float(np.exp(log_sum_exp(table)))
        if not abs(total - 1.0) <= _TOLERANCE:
            raise InputError(
                f"{name} must hold log-probabilities in nats that sum to one, its sum is {total:g}; "
                "subtract log_sum_exp of it first"
            )
    return p, q


def _scores(model: Scored, codes: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(model.log_prob(rows_of(model, codes)), np.float64)
