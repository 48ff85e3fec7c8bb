"""The best of several families on validation rows; beside it one that answers what the best cannot.

A network gives the best likelihood and sums out few holes; a tree sums out any.  ``Auto`` holds both where it must:
``model_`` answers all that it can, and ``stand_in_`` the rows and questions that it refuses.  Each answer is an exact
one of one of the two, and the user hears when it is the second's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import as_list, check_flag, check_integer, check_real
from chainrule.core.contract import packed, unpacked
from chainrule.core.errors import DataError, InputError, TooLargeError
from chainrule.core.progress import note
from chainrule.graphs import DAG
from chainrule.models.auto.leaderboard import Leaderboard, Trial
from chainrule.models.auto.search import search
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.families import FAMILIES, known_families
from chainrule.models.shared.chain import unsigned
from chainrule.models.shared.dag_setting import dag_of_plain, plain_dag
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.holding_out import LEAST_ROWS, hold_out
from chainrule.models.shared.posterior import Posterior
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Auto"]


class Auto(DiscreteModel):
    """Tries the families ``models`` (names of ``chainrule.models.families``) and keeps the best.

    By default it tries all but those that are tried by name only, fits chains in other orders as well, stacks chains of
    one order and averages everything; what is named is compared as it is.  Families are tried in the order given, small
    ones first by default, until ``budget`` seconds are over (``None``: no limit); each is judged on validation rows,
    which are ``held_out`` of the rows where ``fit`` gets none.  ``simple`` takes the smallest model within one paired
    standard error of the best.  ``dag`` is a graph that the user states for the families that need one.  Rows with
    holes are learned from and answered.

    ``model_`` is the chosen model, ``stand_in_`` the best that sums out any holes where ``model_`` does not (else
    ``None``), ``leaderboard_`` what was tried.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.integers(0, 2, (300, 1))
    >>> auto = Auto(models=["independent", "chowliu"]).fit(np.hstack([x, x, rng.integers(0, 2, (300, 1))]))
    >>> auto.chosen_, [e.name for e in auto.leaderboard_.entries]
    ('chowliu', ['chowliu', 'independent'])
    """

    model_: DiscreteModel
    stand_in_: DiscreteModel | None

    def __init__(
        self,
        *,
        models: Sequence[str] | None = None,
        budget: float | None = 600.0,
        simple: bool = False,
        held_out: float = 0.1,
        dag: DAG | str | None = None,
        random_state: int = 0,
        schema: Schema | None = None,
    ) -> None:
        self.models = models
        self.budget = budget
        self.simple = simple
        self.held_out = held_out
        self.dag = dag
        self.random_state = random_state
        self.schema = schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        seed = check_integer(self.random_state, "random_state", least=0)
        simple = check_flag(self.simple, "simple")
        budget = None if self.budget is None else check_real(self.budget, "budget", strictly=True)
        families = known_families(self.models, self.dag)
        places: list[int] | None = None
        train, judges = table, valid
        if judges is None and table.n_rows >= LEAST_ROWS:
            split = hold_out(table, self.held_out, seed)
            train, judges, places = split.train, split.held_out, split.places.tolist()
        if judges is None:  # too few rows to spare any: they judge the smallest model alone
            families, judges = families[:1], table
        combine = self.models is None and len(families) > 1
        found = search(families, train, judges, seed=seed, budget=budget, dag=self.dag, combine=combine)
        board = Leaderboard.of(found.trials, judges.weights, found.skipped)
        chosen = board.smallest_within_an_error() if simple else board.best
        by_name = {t.name: t for t in found.trials}
        self.model_ = by_name[chosen.name].model
        stand_in = None if self.model_.marginalises_ == "any" else _stand_in(found.trials, judges)
        self.stand_in_ = None if stand_in is None else stand_in.model
        self.fit_info_ = {
            "chosen": chosen.name,
            "stand_in": None if stand_in is None else stand_in.name,
            "why": _why(board, chosen.name, simple),
            "leaderboard": board.to_dict(),
            "n_rows": table.n_rows,
            "held_out_rows": places,
            "seed": seed,
            "stopped": found.stopped,
        }

    @property
    def marginalises_(self) -> Marginalises:  # pyright: ignore[reportIncompatibleVariableOverride]  # the fit decides
        """What ``model_`` sums out."""
        check_is_fitted(self)
        return self.model_.marginalises_

    @property
    def chosen_(self) -> str:
        """The name of the family of ``model_``."""
        check_is_fitted(self)
        return self.fit_info_["chosen"]

    @property
    def leaderboard_(self) -> Leaderboard:
        """What was tried, best first."""
        check_is_fitted(self)
        return Leaderboard.from_dict(self.fit_info_["leaderboard"])

    @property
    def factorization_(self) -> DAG:
        """That of ``model_``."""
        check_is_fitted(self)
        return self.model_.factorization_

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Those of ``model_``."""
        check_is_fitted(self)
        return self.model_.n_parameters_  # pyright: ignore[reportAttributeAccessIssue]  # every family has them

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        ask: Any = lambda model, part: model._log_prob(part)  # noqa: E731
        out = np.empty(len(codes))
        if not self._leaves_holes or codes.dtype.kind == "u":
            return self._answer(codes, out, ask, TooLargeError)
        refused = self._refused(codes)
        if not refused.all():
            out[~refused] = ask(self.model_, unsigned(codes[~refused]))
        return self._hand_over(codes, out, refused, ask)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return self.model_._conditionals(codes)

    def _factors(self) -> Factorization | None:
        check_is_fitted(self)
        return self.model_.factors_

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        return self.model_._state_log_probs(codes)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        return self.model_._states_in_turn(n, order)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        draw: Any = lambda model, part: model._draw(part, generator)  # noqa: E731
        return self._answer(codes, codes.copy(), draw, TooLargeError)

    def _most_probable(self, codes: Codes) -> Codes:
        return self._answer(codes, codes.copy(), lambda model, part: model._most_probable(part), InputError)

    def answers(self, X: Any) -> list[tuple[DiscreteModel, NDArray[np.intp]]]:
        """Which model answers which rows of ``X``: pairs of a model and the places (from 0) of its rows."""
        codes = self._rows(X).codes
        refused = self._refused(codes)
        parts = [(self.model_, np.flatnonzero(~refused)), (self.stand_in_, np.flatnonzero(refused))]
        return [(model, rows) for model, rows in parts if model is not None and len(rows)]

    @property
    def _leaves_holes(self) -> bool:
        """Whether all rows with holes are the stand-in's: ``model_`` promises none, it would go through completions."""
        return self.stand_in_ is not None and self.model_.marginalises_ == "none"

    def _refused(self, codes: Codes) -> NDArray[np.bool_]:
        """The rows whose holes ``model_`` does not sum out: that depends on where they are, not on what is known."""
        refused = np.zeros(len(codes), bool)
        if self.stand_in_ is None or codes.dtype.kind == "u":
            return refused
        if self._leaves_holes:
            return np.logical_or.reduce(codes < 0, axis=1)
        patterns, first, which = np.unique(codes < 0, axis=0, return_index=True, return_inverse=True)
        for r in range(len(patterns)):
            try:
                self.model_._log_prob(codes[first[r] : first[r] + 1])
            except TooLargeError:
                refused |= which.reshape(-1) == r
        return refused

    def query(
        self,
        variables: str | Iterable[str],
        evidence: Mapping[str, Any] | None = None,
        *,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> Posterior:
        """The exact joint posterior of ``variables`` given ``evidence``, by ``model_`` or else by ``stand_in_``."""
        check_is_fitted(self)
        soft: Any = {"likelihood": likelihood, "jeffrey": jeffrey}
        names = [variables] if isinstance(variables, str) else as_list(variables, "variables", of="names")
        try:
            return self.model_.query(names, evidence, **soft)
        except TooLargeError:
            if self.stand_in_ is None:
                raise
        note(
            f"{self.fit_info_['chosen']} does not sum out what is unknown: {self.fit_info_['stand_in']} answered"
        )
        return self.stand_in_.query(names, evidence, **soft)

    def _answer(
        self, codes: Codes, out: Any, ask: Callable[[Any, Codes], Any], refusal: type[Exception]
    ) -> Any:
        """``ask`` of ``model_``, and of ``stand_in_`` for the patterns of holes that ``model_`` refuses."""
        try:
            return ask(self.model_, codes)
        except refusal:
            if self.stand_in_ is None:
                raise
        patterns, which = np.unique(codes < 0, axis=0, return_inverse=True)
        refused = np.zeros(len(codes), bool)
        for r in range(len(patterns)):
            members = which.reshape(-1) == r
            try:
                out[members] = ask(self.model_, codes[members])
            except refusal:
                refused |= members
        return self._hand_over(codes, out, refused, ask)

    def _hand_over(
        self, codes: Codes, out: Any, refused: NDArray[np.bool_], ask: Callable[[Any, Codes], Any]
    ) -> Any:
        """``out`` with what ``stand_in_`` says of the rows ``refused``, of which the user hears."""
        if refused.any():
            out[refused] = ask(self.stand_in_, codes[refused])
            names = self.fit_info_
            note(
                f"{refused.sum():,} of {len(codes):,} rows lack more than {names['chosen']} sums out: "
                f"{names['stand_in']} answered them"
            )
        return out

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"dag": plain_dag(self.dag)}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        return super()._settings_of(plain) | {"dag": dag_of_plain(plain["dag"])}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays: dict[str, NDArray[Any]] = {}
        plain: dict[str, Any] = {"model": None, "stand_in": None}
        for role, model in (("model", self.model_), ("stand_in", self.stand_in_)):
            if model is not None:
                found, plain[role] = packed(model)
                arrays |= {f"{role}/{name}": a for name, a in found.items()}
        return arrays, plain

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        def part(role: str) -> Any:
            own = {k.removeprefix(f"{role}/"): a for k, a in arrays.items() if k.startswith(f"{role}/")}
            if plain[role] is None:
                return None
            found = unpacked(own, plain[role], "the saved model")
            if not isinstance(found, DiscreteModel) or found.schema_ != self.schema_:
                raise DataError(f"the {role} of the file has other columns; save the model again")
            return found

        self.model_, self.stand_in_ = part("model"), part("stand_in")
        if self.model_ is None:
            raise DataError("the file holds no model that was chosen; save the model again")


def _stand_in(trials: Sequence[Trial], judges: Table) -> Trial | None:
    """The best of the trials that sum out any holes, and soon, by all rows."""
    soon = {name for name, one in FAMILIES.items() if one.sums_out == "any"}
    able = [t for t in trials if t.name in soon and t.model.marginalises_ == "any"]
    if not able:
        return None
    best = Leaderboard.of(able, judges.weights).best.name
    return next(t for t in able if t.name == best)


def _why(board: Leaderboard, chosen: str, simple: bool) -> str:
    if len(board.entries) == 1:
        return f"{chosen} is the only one that was tried"
    if simple and chosen != board.best.name:
        entry = next(e for e in board.entries if e.name == chosen)
        return (
            f"{chosen} is the smallest within one standard error of {board.best.name} "
            f"({entry.behind_nats:.4f} ± {entry.behind_standard_error or 0:.4f} nats behind)"
        )
    second = next(e for e in board.entries if e.name != chosen)
    error = "" if second.behind_standard_error is None else f" ± {second.behind_standard_error:.4f}"
    return f"{chosen} has the fewest nats on validation rows; {second.name} is {second.behind_nats:.4f}{error} behind"
