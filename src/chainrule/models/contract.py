"""The contract of every model of discrete tables: public methods here, a few hooks over codes in each model.

A model's file knows codes (n, d) and nothing of tables: what comes in passes ``chainrule.tables`` once, by the
schema that the model was fitted under, and what goes out is of the kind that came in; rows of files, of any format,
are a ``Table``, which becomes a data frame by ``to_pandas``, ``to_polars`` or ``to_arrow``.

A model is a factorisation (``factorization_``: which variable has which parents) and a conditional (how
p(x_i | parents) is parametrised).  ``marginalises_`` says which missing values it sums out exactly: those of
"any" variables, those of a "suffix" of its order without limit, or "none".
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from math import prod
from typing import Any, ClassVar, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_integer, check_size
from chainrule.core.contract import DensityEstimator
from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.graphs import DAG
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.posterior import Posterior, answer_shape, impossible, places
from chainrule.models.shared.row_weights import sample_weights
from chainrule.models.shared.soft_evidence import SoftEvidence, weighed
from chainrule.models.shared.state_columns import picked, state_begins
from chainrule.models.shared.states import states_between
from chainrule.tables.door import give_back, known, rows
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Codes", "DiscreteModel", "Marginalises", "Turns"]

_MOST_STATES = 2**20  # joint states of one answer
_BYTES_A_DRAW = 12  # of a cell: what is known, what is drawn, and a copy of one of them, in int32

Codes = NDArray[np.integer[Any]]  # (n, d); -1 where a value is missing
Marginalises = Literal["any", "suffix", "none"]
Turns = Generator[tuple[NDArray[np.intp], list[NDArray[np.float64]]], Codes, None]


class DiscreteModel(DensityEstimator):
    """Base of all models of discrete variables.

    A subclass implements ``_fit``, ``_log_prob``, ``_draw``, ``_state`` and ``_set_state``, and where it can
    ``_factors`` with ``_state_log_probs``, ``_most_probable``, ``_query`` and ``factorization_``.
    """

    marginalises_: ClassVar[Marginalises] = "none"
    _is_binary: ClassVar[bool] = False  # whether every variable must have two states

    schema: Schema | None
    schema_: Schema

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        valid: Any = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from rows ``X``: anything that ``chainrule.tables`` reads; each counts ``sample_weight`` times.

        ``valid`` (rows of the same variables) chooses between candidates where a model has any.  Sets
        ``schema_``, ``n_features_in_``, ``feature_names_in_`` where columns have names, and ``fit_info_``.
        """
        table = _weighted(rows(X, self._schema_ahead()), sample_weight)
        self._check_schema(table.schema)
        held_out = None if valid is None else rows(valid, table.schema, name="valid")
        before = dict(vars(self))
        try:
            self._take_schema(table.schema)
            with self._at_work():
                self._fit(table, held_out, y)
        except BaseException:  # a fit that failed leaves nothing half fitted behind
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def log_prob(self, X: Any) -> NDArray[np.float64]:
        """Exact log-probability of each row in nats, (n,) float64; ``-inf`` for an impossible row.

        Missing values are marginalised exactly, or refused with the name of a model that can.
        """
        codes = self._rows(X).codes
        with self._at_work():
            return self._log_prob(codes)

    def conditionals(self, X: Any) -> NDArray[np.float64]:
        """``log p(x_i | its parents)`` in nats of each cell, (n, d): who is to blame for a low score.

        Rows sum to ``log_prob``.  Raises ``ValuesError`` where a value is missing.
        """
        table = self._rows(X)
        self._refuse_missing(table, "conditionals are of complete rows")
        with self._at_work():
            return self._conditionals(table.codes)

    def state_log_probs(self, X: Any) -> NDArray[np.float64]:
        """``log p(x_i = k | what comes before x_i)`` in nats of every state k of every variable i, (n, Σ K_i).

        "Before" is in ``ordering_``; the values that a row has there are taken as known.  The columns of the variable
        i come after those of the variables before it in ``schema_`` and are its states in order; their exp sums to
        one.  The states that a row has make up ``conditionals``, and ``log_prob`` is their sum.  Raises
        ``ValuesError`` where a value is missing, ``InputError`` where the model has no order of factors.
        """
        table = self._rows(X)
        self._refuse_missing(table, "the probabilities of states are of complete rows")
        n_bytes = 8 * table.n_rows * sum(table.schema.sizes)
        check_size(n_bytes, f"state_log_probs of {table.n_rows:,} rows", instead="pass fewer rows at a time")
        with self._at_work():
            return self._state_log_probs(table.codes)

    def states_in_turn(self, n: int, order: ArrayLike | None = None) -> Turns:
        """The factors of n rows that are decided on the way: what draws, codes and games with rows are made of.

        Yields columns that do not wait for each other, and for each of them ``log p`` of its states (n, K_i) given the
        columns before; wants to be sent the codes (n, number of columns) that the rows have there.  ``order`` (d,) asks
        for one column at a time, in an order in which all that a factor reads comes before its variable (else
        ``InputError``).  Equal calls that are sent equal codes give equal bits.

        >>> from chainrule.models import BayesianNetwork
        >>> turns = BayesianNetwork("x1 -> x2", pseudocount=1).fit([[0, 0], [1, 1], [0, 0]]).states_in_turn(2)
        >>> columns, log_p = next(turns)
        >>> columns.tolist(), np.exp(log_p[0]).tolist()
        ([0], [[0.6, 0.4], [0.6, 0.4]])
        >>> np.exp(turns.send(np.array([[0], [1]]))[1][0]).round(3).tolist()
        [[0.75, 0.25], [0.333, 0.667]]
        """
        factors = self._factors()
        if factors is None:
            raise InputError(f"{type(self).__name__} has no order of factors, so there are no turns to take")
        wanted = None if order is None else factors.checked_order(order)
        n = check_integer(n, "n")
        check_size(
            8 * n * sum(self._known_schema().sizes),
            f"states_in_turn({n:,})",
            instead="take fewer rows at a time",
        )
        return self._states_in_turn(n, wanted)

    @property
    def nodes_(self) -> Schema:
        """The variables that ``query`` and ``do`` may name: those of rows, then latent ones, where there are any."""
        return self._known_schema()

    @property
    def ordering_(self) -> NDArray[np.intp] | None:
        """The columns (d,) so that all that a factor reads comes before its variable; ``None`` without factors."""
        factors = self._factors()
        return None if factors is None else factors.order

    @property
    def factors_(self) -> Factorization | None:
        """What the factor of each variable reads, by column: parents, order, levels; ``None`` without factors."""
        return self._factors()

    def sample(self, n: int = 1, *, given: Any = None, rng: RandomState = None) -> Any:
        """``n`` independent exact draws, as the kind of table that the model was fitted on (files: a ``Table``).

        ``given`` fixes values: states by name, or one row with NaN where values are drawn.  What comes before
        them is drawn from its exact posterior, never by rejection.  An integer ``rng`` gives the same draws at
        each call; a generator goes on from where it is.
        """
        schema, n = self._known_schema(), check_integer(n, "n", least=0)
        check_size(_BYTES_A_DRAW * n * len(schema), f"sample({n:,})", instead="draw fewer rows at a time")
        row = known(given, schema)
        with self._at_work():
            codes = self._draw(np.repeat(row[None], n, axis=0), as_generator(rng))
        return give_back(codes, schema)

    def impute(self, X: Any, *, how: Literal["draw", "mode"] = "draw", rng: RandomState = None) -> Any:
        """``X`` with its missing cells filled, as the kind of table that the model was fitted on (files: a ``Table``).

        "draw" draws the missing cells of a row from their exact joint posterior, "mode" takes a most probable
        completion.
        """
        table = self._rows(X)
        if not isinstance(how, str) or how not in ("draw", "mode"):
            raise InputError(f"how must be 'draw' or 'mode'; got {as_written(how)}")
        generator = as_generator(rng)
        filled = table.codes.copy()
        holes = table.missing.any(axis=1)
        if holes.any():
            part = table.codes[holes].astype(np.int32)
            with self._at_work():
                filled[holes] = self._draw(part, generator) if how == "draw" else self._most_probable(part)
        return give_back(filled, table.schema)

    def query(
        self,
        variables: str | Iterable[str],
        evidence: Mapping[str, Any] | None = None,
        *,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> Posterior:
        """The exact joint posterior of ``variables`` given ``evidence``, states by name.

        Soft evidence gives a variable a number for each state, in order or by name: ``likelihood`` that of what was
        observed of it, ``jeffrey`` its new marginal (``models.shared.soft_evidence``).  Impossible evidence is an
        ``InputError``; so are variables that are in the evidence too.
        """
        schema = self._known_schema()
        known = schema.known(evidence)
        soft = SoftEvidence.of(schema, known, likelihood, jeffrey)
        wanted = places(schema, variables, unknown_in=known)
        with self._at_work():
            table = weighed(schema, soft, lambda several: self._query(known, several), wanted)
        if table is None:
            raise impossible("evidence", schema.labels(known))
        chosen = [schema.variables[i] for i in wanted]
        return Posterior(
            tuple(v.name for v in chosen),
            tuple(v.states for v in chosen),
            table,
            schema.labels(known),
            **soft.named(schema),
        )

    @property
    def factorization_(self) -> DAG:
        """The DAG whose factors the model promises to respect; by default every variable on all before it."""
        factors = self._factors()
        return DAG.fully_connected(self.schema_.names) if factors is None else factors.to_dag()

    def _at_work(self) -> AbstractContextManager[object]:
        """What the hooks run in; a model that uses torch keeps out what its user has set there."""
        return nullcontext()

    @abstractmethod
    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Learn from rows; ``schema_`` is set.  Sets ``fit_info_``."""

    @abstractmethod
    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """``log_prob`` of codes (n, d): unsigned where nothing is missing, else with -1."""

    @abstractmethod
    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        """``codes`` (n, d) with each -1 drawn from its exact conditional given the rest of its row.

        Raises ``InputError`` where what is known of a row has probability zero.
        """

    def _factors(self) -> Factorization | None:
        """What the factor of each variable reads of the others, with an order in which that comes before it.

        ``None`` where the model is no product of factors p(x_i | some of the others), or where they are not to be
        had one by one.  Raises ``NotFittedError``.
        """
        check_is_fitted(self)
        return None

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        """``conditionals`` of complete rows of codes."""
        return picked(self._state_log_probs(codes), codes, self._known_schema().sizes)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        """``state_log_probs`` of complete rows of codes (n, d), (n, Σ K_i) as ``shared.state_columns`` says.

        The states of a variable may depend on what ``_factors`` says it reads, and on nothing else.
        """
        raise InputError(f"{type(self).__name__} has no order of factors, so it has no conditionals")

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        """``states_in_turn``; by default from the probabilities of all states, asked for when a factor reads news."""
        factors, sizes = self._factors(), self._known_schema().sizes
        assert factors is not None
        found, begins = np.empty((n, 0)), state_begins(sizes)
        decided, read = np.zeros((2, len(sizes)), np.bool_)
        rows = np.zeros((n, len(sizes)), np.uint8 if max(sizes) <= 2**8 else np.uint32)
        for columns in factors.turns(order):
            if not found.size or factors.parents[columns][:, decided & ~read].any():
                found, read = self._state_log_probs(rows), decided.copy()
            rows[:, columns] = yield columns, [found[:, begins[i] : begins[i + 1]] for i in columns]
            decided[columns] = True

    def _most_probable(self, codes: Codes) -> Codes:
        raise InputError(
            f"{type(self).__name__} cannot find a most probable completion exactly; impute with how='draw'"
        )

    def _query(self, known: NDArray[np.int32], wanted: list[int]) -> NDArray[np.float64] | None:
        """p(wanted | known) in the shape that ``answer_shape`` says; ``None`` where what is known is impossible.

        By default from the marginals of all their joint states, where the model sums out what is missing.
        """
        schema = self._known_schema()
        sizes = [schema.sizes[i] for i in wanted]
        n = prod(sizes)
        if n > _MOST_STATES:
            raise TooLargeError(
                f"the answer has {n:,} joint states, at most {_MOST_STATES:,} are formed; ask for fewer variables"
            )
        filled = np.repeat(known[None], n, axis=0)
        filled[:, wanted] = states_between(0, n, sizes)
        log_p = self._log_prob(Table(schema, filled).codes)
        total = log_sum_exp(log_p)
        return None if total == -np.inf else np.exp(log_p - total).reshape(answer_shape(sizes))

    def _schema_ahead(self) -> Schema | None:
        """The schema to read the rows of a fit by; ``None`` where it is to be found in them."""
        return getattr(self, "schema", None)

    def _rows(self, X: Any) -> Table:
        """``X`` under the schema of the fit."""
        return rows(X, self._known_schema())

    def _known_schema(self) -> Schema:
        """The schema of the fit."""
        schema = getattr(self, "schema_", None)
        if schema is None:  # asked here only: it takes a tenth of the time of one draw
            check_is_fitted(self)
        return cast("Schema", schema)

    def _under_same_schema(self, **settings: Any) -> Self:
        """A model with the settings of this one, but for those given, and the schema of its fit; no more is known."""
        changed: dict[str, Any] = {**self.get_params(deep=False), **settings}
        model = type(self)(**changed)
        model._take_schema(self._known_schema())
        return model

    def _check_schema(self, schema: Schema) -> None:
        """Raise ``InputError`` where the model cannot take such variables."""
        if self._is_binary and not schema.is_binary:
            odd = next(v for v in schema.variables if v.size != 2)
            raise ValuesError(
                f"{type(self).__name__} takes variables of two states, such as 0 and 1; {odd.name!r} has {odd.size}"
            )

    def _take_schema(self, schema: Schema) -> None:
        self.schema_ = schema
        self.n_features_in_ = len(schema)
        if schema.container == "array":
            vars(self).pop("feature_names_in_", None)
        else:
            self.feature_names_in_ = np.array(schema.names, dtype=object)

    def _settings(self) -> dict[str, Any]:
        settings = super()._settings()
        found = settings.get("schema")
        return settings if found is None else settings | {"schema": found.to_plain()}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        found = plain.get("schema")
        return plain if found is None else plain | {"schema": Schema.from_plain(found)}

    def _plain_variables(self) -> Any:
        return self.schema_.to_plain()

    def _take_variables(self, plain: Any) -> None:
        schema = Schema.from_plain(plain)
        self._check_schema(schema)
        self._take_schema(schema)

    def _need_complete(self, table: Table, valid: Table | None) -> None:
        """Raise ``ValuesError`` where a row to learn from or to choose by has a hole."""
        self._refuse_missing(table, "training needs complete rows")
        if valid is not None:
            self._refuse_missing(valid, "validation needs complete rows")

    def _refuse_missing(self, table: Table, why: str) -> None:
        if not table.is_complete:
            i, j = np.argwhere(table.missing)[0]
            raise ValuesError(
                f"X has a missing value in row {i}, column {j} ({table.schema.names[j]!r}), and {why}; drop or "
                "fill such rows"
            )


def _weighted(table: Table, sample_weight: ArrayLike | None) -> Table:
    if sample_weight is None:
        if table.weights is not None and not table.weights.any():
            raise ValuesError(
                "every row of X has the weight 0, so there is nothing to learn from; leave weights out"
            )
        return table
    return Table(table.schema, table.codes, sample_weights(sample_weight, table.n_rows))
