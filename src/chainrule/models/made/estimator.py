"""MADE as an estimator: see ``network`` for the model, ``masks`` for its masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_flag
from chainrule.core.errors import InputError
from chainrule.core.progress import note
from chainrule.graphs import DAG
from chainrule.models.contract import Turns
from chainrule.models.intervened.estimator import Intervened
from chainrule.models.made.mask_report import unreachable_parents
from chainrule.models.made.masks import Scheme, assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.made.orders_network import MADEOrdersNetwork
from chainrule.models.made.turns import made_turns
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.dag_setting import dag_of_plain, plain_dag
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.hidden import parse_hidden
from chainrule.models.shared.several_orders import SeveralOrders
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["MADE"]


class MADE(SeveralOrders):
    """Masked autoencoder for distribution estimation (Germain et al. 2015), of columns with any numbers of states.

    ``hidden`` is the size of the hidden layer, or a list of sizes.  What each variable depends on is an order or a
    graph: ``ordering`` is ``"natural"``, ``"random"`` or a permutation (columns or names), in which each variable
    depends on all before it; ``dag``, a ``DAG`` of the columns' names or its text, keeps exactly the independencies
    that it states.  ``degrees`` says how units are given to what they may see: ``"even"`` (spread evenly) or
    ``"random"``.  ``direct`` adds connections from each variable to those that depend on it: a linear term in the
    log-odds.  Without it a network with too few units leaves some parents without any way to matter; their number
    is in ``fit_info_["unreachable_parents"]``.  A graph wants at least as many units in each layer as its variables
    have different sets of parents: a variable for whose parents there is no unit has the linear term only.

    ``orders`` above 1 make it the average over so many orders, the first as ``ordering`` says and the others random:
    ``average_``, an ``Ensemble``.  They share all weights under masks of their own, which training takes in turn; with
    random ``degrees`` each has its own connectivity.  ``decay_epochs``, in place of ``weight_decay``, are the epochs in
    which weights fall by a factor e at the full learning rate.  ``dropout`` and ``input_dropout`` are the shares of
    hidden units and of variables that training leaves out, other ones in each row.

    On static binarized MNIST, in test nats and minutes of training on one 2.5 GHz core: the defaults 91.2
    in 3, ``MADE(2000, epochs=8, weight_decay=0.1)`` 88.1 in 2, ``MADE(8000, epochs=6, learning_rate=3e-3,
    weight_decay=0.2)`` 86.9 in 5 to 8.  The wider, the smaller the learning rate and the more decay.

    ``run_dir`` is a folder for the state of training, ``log_dir`` a folder for TensorBoard,
    ``image_shape`` (height, width) makes it log sample grids.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).integers(0, 3, (50, 3))
    >>> model = MADE(hidden=[4, 4], dag="x3 -> x1; x3 -> x2", epochs=2, random_state=0).fit(X)
    >>> model.n_parameters_["in_use"] < model.n_parameters_["allocated"]
    True
    >>> model.factorization_.is_d_separated("x1", "x2", given="x3")
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = 300,
        *,
        ordering: str | Sequence[int] | Sequence[str] = "natural",
        orders: int = 1,
        dag: DAG | str | None = None,
        degrees: Scheme = "even",
        direct: bool = True,
        epochs: int = 30,
        batch_size: int = 100,
        learning_rate: float = 4e-3,
        weight_decay: float = 0.05,
        decay_epochs: float | None = None,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        device: str = "cpu",
        random_state: int | None = None,
        run_dir: str | Path | None = None,
        log_dir: str | None = None,
        image_shape: tuple[int, int] | None = None,
        schema: Schema | None = None,
    ) -> None:
        self.hidden = hidden
        self.ordering = ordering
        self.orders = orders
        self.dag = dag
        self.degrees: Scheme = degrees
        self.direct = direct
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.decay_epochs = decay_epochs
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.device = device
        self.random_state = random_state
        self.run_dir = run_dir
        self.log_dir = log_dir
        self.image_shape = image_shape
        self.schema = schema

    degrees_: list[NDArray[np.intp]]
    _unreachable: int  # parents that can never matter

    def _factorize(self, names: tuple[str, ...], rng: np.random.Generator) -> Factorization:
        direct = check_flag(self.direct, "direct")
        if self.dag is None:
            found = Factorization.of_order(self.ordering, names, rng=rng)
        elif isinstance(self.ordering, str) and self.ordering.strip() == "natural":
            found = Factorization.of_dag(self.dag, names)
        else:
            raise InputError(
                "dag and ordering both say what a variable depends on; got both; leave one of them out"
            )
        self.degrees_ = assign_degrees(found, parse_hidden(self.hidden), rng=rng, scheme=self.degrees)
        report = unreachable_parents(found, self.degrees_, direct)
        if not report.is_complete:
            note(f"{report.text().splitlines()[-1]}; use more hidden units, or direct=True")
        self._unreachable = len(report.unreachable)
        return found

    def do(self, states: Mapping[str, Any]) -> Intervened:
        """The model in which these variables are set from outside, states by name; ``InputError`` without a ``dag``.

        See ``Intervened`` and ``BayesianNetwork.do``.
        """
        check_is_fitted(self)
        return Intervened.of(self, states)

    def _share(self, networks: Sequence[MADENetwork]) -> MADEOrdersNetwork:
        return MADEOrdersNetwork(networks)

    def _turns(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        return made_turns(self._double(), n, self._factorization.turns(order))  # type: ignore[arg-type]

    def _build(self, coding: Coding, mean_ones: float, generator: torch.Generator) -> MADENetwork:
        return MADENetwork(
            self._factorization,
            self.degrees_,
            sizes=coding.sizes,
            direct=bool(self.direct),
            generator=generator,
            mean_ones=mean_ones,
        )

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        if self.dag is not None and self.orders != 1:
            raise InputError(
                f"dag states one factorization, and orders={self.orders!r} asks for several; leave one of them out"
            )
        vars(self).pop("degrees_", None)
        super()._fit(table, valid, y)
        each: list[Any] = [self] if self.average_ is None else self.average_.models_
        self.fit_info_ |= {"unreachable_parents": sum(one._unreachable for one in each)}

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"dag": plain_dag(self.dag)}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        return super()._settings_of(plain) | {"dag": dag_of_plain(plain["dag"])}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, plain = super()._state()
        return arrays, plain if self.average_ is not None else plain | {"degrees": self.degrees_}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        if "degrees" in plain:
            self.degrees_ = [np.asarray(m, dtype=np.intp) for m in plain["degrees"]]
        super()._set_state(arrays, plain)

    def _count_parameters(self) -> dict[str, int]:
        """A weight is in use where some order reads it."""
        masks = self.network_.masks_in_use
        biases = sum(b.numel() for name, b in self.network_.named_parameters() if name.startswith("biases."))
        return {
            "allocated": biases + sum(m.numel() for m in masks),
            "in_use": biases + sum(int(m.sum()) for m in masks),
        }
