"""What ensembles and mixtures share: p(x) = Σ_k w_k p_k(x), an average of probabilities, answering exactly.

Every answer follows from one fact: given what is known of a row, member k has the weight w_k p_k(known) over their
sum.  A draw takes a member by that weight and lets it draw; a posterior is the average of the members' posteriors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.numerics import log_sum_exp
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.completion import best_completions
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.joint_turns import joint_turns
from chainrule.models.shared.loaded import check_probabilities, loaded_array
from chainrule.models.shared.members import (
    Member,
    joint_factors,
    members_of_plain,
    plain_members,
    weakest,
)
from chainrule.models.shared.mixing import averaged_states, choices, log_posterior, log_weights
from chainrule.models.shared.posterior import answer_shape, impossible

__all__ = ["AveragedModel"]


class AveragedModel(DiscreteModel):
    """Base of ``Ensemble`` and ``Mixture``: fitted members and weights, however they were found."""

    weights_: NDArray[np.float64]
    _members: list[Member]

    @property
    def marginalises_(self) -> Marginalises:  # type: ignore[override]  # of a class elsewhere, of its members here
        """What the weakest of the members promises; "suffix" only where all have one order."""
        members = getattr(self, "_members", None)
        return "none" if members is None else weakest(members)

    @property
    def models_(self) -> list[DiscreteModel]:
        """The fitted members, in the order of ``weights_``."""
        self._known_schema()
        return [member.model for member in self._members]

    def responsibilities(self, X: Any) -> NDArray[np.float64]:
        """The probability (n, K) that each row, as far as it is known, came from each member.

        Of a row that is impossible under all of them, the weights.
        """
        return np.exp(self._log_posterior(self._rows(X).codes))

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Parameters of all members, and the weights, of which one follows from the others."""
        found = [getattr(m, "n_parameters_", {"allocated": 0, "in_use": 0}) for m in self.models_]
        total = {key: sum(n[key] for n in found) for key in ("allocated", "in_use")}
        return {
            "allocated": total["allocated"] + len(found),
            "in_use": total["in_use"] + len(found) - 1,
        }

    def _factors(self) -> Factorization | None:
        """Every variable on all before it, in an order that fits all members; averages keep no independence."""
        self._known_schema()
        found = joint_factors(self._members)
        return None if found is None else Factorization(found.names, found.order)

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return log_sum_exp(self._log_joint(codes), axis=1)

    def _log_joint(self, codes: Codes) -> NDArray[np.float64]:
        """``log w_k p_k(x)`` in nats, (n, K)."""
        out = np.full((len(codes), len(self._members)), -np.inf)
        log_w = log_weights(self.weights_)
        for k in np.flatnonzero(self.weights_ > 0):
            out[:, k] = log_w[k] + self._members[k].log_prob(codes)
        return out

    def _log_posterior(self, codes: Codes) -> NDArray[np.float64]:
        distinct, which = np.unique(codes, axis=0, return_inverse=True)
        found = log_posterior(self._log_joint(distinct), log_weights(self.weights_))
        return found[which.reshape(-1)]

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        factors = self._factors()
        if factors is None:
            raise InputError(
                f"there is no order that fits all members of this {type(self).__name__}, so it has no conditionals; "
                "give its members the same ordering, or ask the members in models_ one by one"
            )
        states = [m.state_log_probs(codes) for m in self._members]
        return averaged_states(states, codes, factors.order, log_weights(self.weights_), self.schema_.sizes)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        factors = self._factors()
        assert factors is not None
        log_w = log_weights(self.weights_)
        running = np.repeat(log_w[None], n, axis=0)  # log w_k p_k(what has been sent)
        turns = joint_turns(self._members, factors.order, n)
        i, found = next(turns)
        while True:
            share = log_posterior(running, log_w)
            weighed = [share[:, k, None] + log_p for k, log_p in enumerate(found)]
            sent: Any = yield np.array([i]), [log_sum_exp(np.stack(weighed), axis=0)]
            own = [np.take_along_axis(log_p, sent.astype(np.intp), axis=1) for log_p in found]
            running = running + np.concatenate(own, axis=1)
            try:
                i, found = turns.send(sent[:, 0])
            except StopIteration:
                return

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        self._refuse_impossible(codes)
        which = choices(self._log_posterior(codes), generator)
        out = codes.copy()
        for k, member in enumerate(self._members):
            rows = np.flatnonzero(which == k)
            if len(rows):
                out[rows] = member.filled(codes[rows], generator)
        return out

    def _most_probable(self, codes: Codes) -> Codes:
        """By enumeration of all completions, at most 16,384 a row, else ``TooLargeError``."""
        self._refuse_impossible(codes)
        if len(self._members) == 1:
            return self._members[0].filled(codes, np.random.default_rng(0), "mode")
        return best_completions(codes, self.schema_.sizes, self._log_prob)[0]

    def _query(self, known: NDArray[np.int32], wanted: list[int]) -> NDArray[np.float64] | None:
        log_joint = self._log_joint(known[None])[0]
        total = log_sum_exp(log_joint)
        if total == -np.inf:
            return None
        names, evidence = [self.schema_.names[i] for i in wanted], self.schema_.labels(known)
        out = np.zeros(answer_shape([self.schema_.sizes[i] for i in wanted]))
        for k in np.flatnonzero(log_joint > -np.inf):
            found = self._members[k].model.query(names, evidence).probabilities
            out += np.exp(log_joint[k] - total) * found
        return out

    def _refuse_impossible(self, codes: Codes) -> None:
        """Raise ``InputError`` where no member allows what is known of a row."""
        distinct = np.unique(codes, axis=0)
        bad = self._log_prob(distinct) == -np.inf
        if bad.any():
            raise impossible("given", self.schema_.labels(distinct[bad.argmax()]))

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, plain = plain_members(self._members)
        return arrays | {"weights": self.weights_}, {"members": plain}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self._members = members_of_plain(arrays, plain["members"], self.schema_)
        self.weights_ = loaded_array(arrays, "weights", (len(self._members),))
        check_probabilities(self.weights_, "weights")
