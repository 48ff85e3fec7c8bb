"""A chain of boosted trees: p(x) = prod_i p(x_i | x_before i), each factor a softmax of sums of small trees.

Every factor is a distribution whatever its trees are, so the joint sums to one.  See ``boosting`` for how trees are
found, ``rounds`` for how many of them a variable keeps.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.compiled.compiling import seconds_compiling
from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.models.boosted_chain.boosting import Boosted, Problem, assembled, boost, different_rows
from chainrule.models.boosted_chain.boosting_loops import Limits
from chainrule.models.boosted_chain.rounds import rounds_to_keep
from chainrule.models.boosted_chain.trees import BoostedTrees
from chainrule.models.contract import Codes, Turns
from chainrule.models.shared.chain import ChainModel, unsigned
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.column_turns import column_turns
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.loaded import loaded_factorization
from chainrule.models.shared.ordering import Ordering
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["BoostedChain"]

_CELLS = 2**22  # numbers for all states that are held at once


class BoostedChain(ChainModel):
    """Boosted trees for each variable given all before it in ``ordering``; for tables of any numbers of states.

    ``ordering`` is ``"natural"``, ``"random"`` or a permutation (columns or names).  A variable gets at most ``rounds``
    trees (for each of its states but one) of at most ``leaves`` leaves, each a step of ``learning_rate`` with
    ``ridge`` added to the second derivative; a tree sees a ``column_share`` of the variables before, and both sides
    of a split have at least ``least_hessian`` (rows times p (1 - p)).  A variable stops after ``patience`` rounds
    without gain on validation rows, and keeps the rounds at which its own validation loss and ``borrow`` times the
    mean of all variables are least.

    Validation rows are ``valid``.  Without them a ``validation_share`` of the rows, drawn by ``random_state``, chooses
    the rounds, and the trees are then grown anew on all rows; ``fit_info_["validation"]`` says which.  With a share of
    0 all ``rounds`` are kept.

    The settings were chosen on validation rows of eleven binary data sets.  Few columns and very many rows may want
    ``leaves=64, rounds=400``.

    >>> rows = {"a": [0, 0, 1, 1] * 9, "b": [0, 0, 1, 1] * 9, "c": ["x", "y", "y", "z"] * 9}
    >>> model = BoostedChain(random_state=0).fit(rows)
    >>> bool(model.log_prob({"a": [1], "b": [1], "c": ["z"]})[0] > model.log_prob({"a": [1], "b": [1], "c": ["x"]})[0])
    True
    """

    _trees: BoostedTrees

    def __init__(
        self,
        *,
        ordering: Ordering = "natural",
        rounds: int = 250,
        leaves: int = 16,
        learning_rate: float = 0.1,
        ridge: float = 2.0,
        column_share: float = 0.6,
        least_hessian: float = 0.01,
        patience: int = 25,
        borrow: float = 3.0,
        validation_share: float = 0.1,
        random_state: RandomState = None,
        schema: Schema | None = None,
    ) -> None:
        self.ordering = ordering
        self.rounds = rounds
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.ridge = ridge
        self.column_share = column_share
        self.least_hessian = least_hessian
        self.patience = patience
        self.borrow = borrow
        self.validation_share = validation_share
        self.random_state = random_state
        self.schema = schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Boost each variable; ``fit_info_`` has ``valid_nll_nats`` a row, rounds, trees, seed, seconds."""
        self._need_complete(table, valid)
        limits, borrow = self._limits(len(table.schema)), check_real(self.borrow, "borrow")
        seed = int(as_generator(self.random_state).integers(2**31))
        rng = np.random.default_rng(seed)
        self._factorization = Factorization.of_order(self.ordering, table.schema.names, rng=rng)
        began, compiling = time.perf_counter(), seconds_compiling()
        whole = self._problem(table, None, seed)
        if valid is not None:
            held_out, how = different_rows(valid.codes, valid.weights), "valid"
            found = boost(whole, limits, *held_out, "boosting")
            keep = rounds_to_keep([f.curve for f in found], borrow)
            nll = _nll(found, keep) / held_out[1].sum()
        else:
            keep, nll, how = self._rounds_by_share(table, limits, borrow, rng, seed)
            found = boost(
                whole, self._limits(len(keep), keep), whole.codes[:0], np.empty(0), "boosting all rows"
            )
        keep = np.minimum(keep, [len(f.nodes) for f in found])  # the first variable has no trees
        self._trees = assembled(whole, found, keep)
        self.fit_info_ = {
            "n_rows": table.n_rows,
            "validation": how,
            "valid_nll_nats": nll,
            "rounds": keep[self._factorization.place].tolist(),
            "n_trees": len(self._trees.roots),
            "seed": seed,
            "seconds": time.perf_counter() - began - (seconds_compiling() - compiling),
        }

    def _rounds_by_share(
        self, table: Table, limits: Limits, borrow: float, rng: np.random.Generator, seed: int
    ) -> tuple[NDArray[np.int64], float | None, str]:
        """Rounds of each variable by rows that are held out, their loss in nats a row, and a word for that."""
        share = check_real(self.validation_share, "validation_share")
        if share >= 1:
            raise InputError(
                f"validation_share must be below 1; got {as_written(share)}; pass for example 0.1"
            )
        rows = np.arange(table.n_rows) if table.weights is None else np.flatnonzero(table.weights)
        if not share:
            return limits.rounds, None, "none"
        if len(rows) < 2:
            return np.zeros_like(limits.rounds), None, "none: one row"
        rows = rng.permutation(rows)
        n = min(max(round(share * len(rows)), 1), len(rows) - 1)
        weights = None if table.weights is None else table.weights[rows[:n]]
        held_out = different_rows(table.codes[rows[:n]], weights)
        found = boost(self._problem(table, rows[n:], seed), limits, *held_out, "boosting")
        keep = rounds_to_keep([f.curve for f in found], borrow)
        return keep, _nll(found, keep) / float(held_out[1].sum()), f"{n} of {len(rows)} rows held out"

    def _problem(self, table: Table, rows: NDArray[np.intp] | None, seed: int) -> Problem:
        """Some rows of ``table`` (all by default) with the settings of boosting that are no limits."""
        share = check_real(self.column_share, "column_share", strictly=True)
        part = slice(None) if rows is None else rows
        weights = None if table.weights is None else table.weights[part]
        codes, each = different_rows(table.codes[part], weights)
        ordered = [v.ordered or v.kind in ("integer", "number", "interval") for v in table.schema.variables]
        return Problem(
            table.schema.sizes, self._factorization.order, np.array(ordered), codes, each, seed, share
        )

    def _limits(self, d: int, rounds: NDArray[np.int64] | None = None) -> Limits:
        most = np.full(d, check_integer(self.rounds, "rounds", least=0), np.int64)
        return Limits(
            rounds=most if rounds is None else rounds,
            leaves=check_integer(self.leaves, "leaves", least=2),
            rate=check_real(self.learning_rate, "learning_rate", strictly=True),
            ridge=check_real(self.ridge, "ridge", strictly=True),
            least_hessian=check_real(self.least_hessian, "least_hessian"),
            patience=check_integer(self.patience, "patience"),
        )

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        parts = [self._trees.coding.terms(part, self._trees.log_odds(part)) for part in self._parts(codes)]
        return np.concatenate(parts)

    def _complete_log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return np.concatenate([self._conditionals(part).sum(axis=1) for part in self._parts(codes)])

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        parts = [
            self._trees.coding.state_log_probs(self._trees.log_odds(part)) for part in self._parts(codes)
        ]
        return np.concatenate(parts)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        sizes = self.schema_.sizes

        def states_of(i: int, rows: Codes) -> NDArray[np.float64]:
            return Coding((sizes[i],)).log_probabilities(self._trees.log_odds(rows, i))[:, 0]

        return column_turns(self._factorization, sizes, n, order, states_of)

    def _parts(self, codes: Codes) -> list[Codes]:
        rows = unsigned(codes)
        together = max(1, _CELLS // (len(self.schema_) * self.schema_.most_states))
        return [rows[i : i + together] for i in range(0, max(len(rows), 1), together)]

    def _follow(self, uniforms: NDArray[np.float64], known: Codes | None) -> Codes:
        return self._trees.draw(self._factorization.order, uniforms, known)

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Numbers at leaves and biases."""
        check_is_fitted(self)
        leaves = int((self._trees.nodes[:, 0] < 0).sum()) + self._trees.coding.width
        return {"allocated": leaves, "in_use": leaves}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        trees = self._trees
        names = ("nodes", "values", "roots", "ends", "bias")
        return {name: getattr(trees, name) for name in names}, {"order": self._factorization.order}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self._factorization = loaded_factorization(self.schema_.names, plain["order"])
        trees = BoostedTrees(Coding(self.schema_.sizes), **arrays)
        trees.check(self._factorization.place)
        self._trees = trees

    def _settings(self) -> dict[str, Any]:
        plain = super()._settings()
        order = plain["ordering"]
        return plain | {"ordering": order if isinstance(order, str) else list(order)}


def _nll(found: list[Boosted], keep: NDArray[np.int64]) -> float:
    """The loss of held-out rows, all variables together, at the rounds that are kept."""
    return float(sum(f.curve[k] for f, k in zip(found, keep, strict=True)))
