"""NADE and MADE over several orders: the average of what one network says in each.

With ``orders=K`` one network is trained in K orders in turn (``orders_network``).  Read in one of them it is a model of
its own, and all answers are those of an ``Ensemble`` of the K: averages of probabilities, exact.  K networks that share
nothing are an ``Ensemble`` that the user makes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.contract import packed, unpacked
from chainrule.core.errors import DataError
from chainrule.models.contract import Codes, Marginalises, Turns
from chainrule.models.ensemble.estimator import Ensemble
from chainrule.models.shared.autoregressive import AutoregressiveEstimator
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.members import fresh
from chainrule.models.shared.network import AutoregressiveNetwork
from chainrule.models.shared.orders_network import OrdersNetwork
from chainrule.tables.table import Table

__all__ = ["SeveralOrders"]

_COMMON = "common."  # arrays that all orders share, in a saved model


class SeveralOrders(AutoregressiveEstimator):
    """Base of ``NADE`` and ``MADE``: a network in one order, or with ``orders`` K the average over K of them.

    ``average_`` is ``None`` in one order; in several it is an ``Ensemble`` whose ``models_`` have an order each, the
    first as ``ordering`` says and the others random, and whose ``weights_`` maximise the likelihood of validation rows,
    or are equal without.
    """

    orders: int
    average_: Ensemble | None = None

    @abstractmethod
    def _share(self, networks: Sequence[Any]) -> OrdersNetwork:
        """One network that has the order of each of ``networks``, which share what is learned."""

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        vars(self).pop("average_", None)
        if check_integer(self.orders, "orders") == 1:
            super()._fit(table, valid, y)
            return
        self._need_complete(table, valid)
        plan = self._plan(table)
        rng = np.random.default_rng(plan.streams[0])
        members = [self._beginning(k, rng).fit(table) for k in range(self.orders)]
        self.network_ = network = self._share([one.network_ for one in members])
        self._train(network, table, valid, plan)
        for k, one in enumerate(members):
            one.set_params(epochs=self.epochs).network_ = network.in_order(k).cpu()
        weights = np.ones(len(members)) if valid is None else None
        self.average_ = average = Ensemble(members, weights=weights).fit(table, valid=valid)
        self.fit_info_["order_weights"] = average.weights_.tolist()

    def _beginning(self, k: int, rng: np.random.Generator) -> Any:
        """The model in the order k, to be fitted without any training."""
        alone = {"orders": 1, "epochs": 0, "device": "cpu", "run_dir": None, "log_dir": None}
        ordering = self.ordering if k == 0 else "random"
        return fresh(self).set_params(**alone, ordering=ordering, random_state=int(rng.integers(2**31)))

    @property
    def marginalises_(self) -> Marginalises:  # type: ignore[override]  # of a class elsewhere, of its orders here
        """ "suffix" in one order; over several, what these have in common."""
        return "suffix" if self.average_ is None else self.average_.marginalises_

    def _factors(self) -> Factorization | None:
        return self._answering._factors()

    @property
    def _answering(self) -> Any:
        """Who answers: the model of one order, or the average."""
        return super() if self.average_ is None else self.average_

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._answering._log_prob(codes)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return self._answering._conditionals(codes)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        return self._answering._state_log_probs(codes)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        return self._turns(n, order) if self.average_ is None else self.average_._states_in_turn(n, order)

    @abstractmethod
    def _turns(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        """``states_in_turn`` in one order."""

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        return self._answering._draw(codes, generator)

    def _most_probable(self, codes: Codes) -> Codes:
        return self._answering._most_probable(codes)

    def _query(self, known: NDArray[np.int32], wanted: list[int]) -> NDArray[np.float64] | None:
        return self._answering._query(known, wanted)

    @property
    def _network_in_one_order(self) -> AutoregressiveNetwork:
        """What TensorBoard draws from while several orders are trained: the first."""
        return self.network_.in_order(0) if isinstance(self.network_, OrdersNetwork) else self.network_

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        if self.average_ is None:
            return super()._state()
        arrays, plain = packed(self.average_)
        return _common_once(arrays, len(self.average_.models_)), {"average": plain}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        if "average" not in plain:
            super()._set_state(arrays, plain)
            return
        everywhere = range(len(arrays["weights"]))
        for name in [n for n in arrays if n.startswith(_COMMON)]:
            arrays |= {f"{k}.{name.removeprefix(_COMMON)}": arrays[name] for k in everywhere}
        average = unpacked(arrays, plain["average"], "the saved model")
        if not isinstance(average, Ensemble) or {type(m) for m in average.models_} != {type(self)}:
            raise DataError("the orders of the file are not models of this class; save the model again")
        self.average_, models = average, cast(list[Any], average.models_)
        self.network_ = self._share([one.network_ for one in models])


def _common_once(arrays: dict[str, NDArray[Any]], k: int) -> dict[str, NDArray[Any]]:
    """``arrays`` of ``k`` members, of which those that all have alike are there once."""
    out = dict(arrays)
    for name in [n.removeprefix("0.") for n in arrays if n.startswith("0.")]:
        each = [f"{i}.{name}" for i in range(k)]
        if all(np.array_equal(arrays[each[0]], arrays[other]) for other in each[1:]):
            out[_COMMON + name] = arrays[each[0]]
            for own in each:
                del out[own]
    return out
