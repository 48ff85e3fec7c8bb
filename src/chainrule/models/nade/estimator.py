"""NADE as an estimator: see ``network`` for the model itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState
from chainrule.core.text import as_written
from chainrule.models.contract import Turns
from chainrule.models.nade.network import Activation, NADENetwork
from chainrule.models.nade.orders_network import NADEOrdersNetwork
from chainrule.models.nade.turns import nade_turns
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.hidden import parse_hidden
from chainrule.models.shared.several_orders import SeveralOrders
from chainrule.tables.schema import Schema

__all__ = ["NADE"]


class NADE(SeveralOrders):
    """Neural autoregressive distribution estimator (Larochelle & Murray 2011) of columns with any numbers of states.

    ``hidden`` units, one layer; ``ordering`` is ``"natural"``, ``"random"``, or the columns in the order of generation,
    by place or by name; ``activation`` is ``"relu"`` or ``"sigmoid"``.  ``batch_size`` is by default 100 rows, and with
    more than 50,000 rows a 500th of them, at most 1,000.  ``decay_epochs``, in place of ``weight_decay``, are the
    epochs in which weights fall by a factor e at the full learning rate: a decay that means the same for any number of
    rows and size of batches.  ``dropout`` and ``input_dropout`` are the shares of hidden units and of variables that a
    step of training leaves out.

    ``orders`` above 1 make it the average over so many orders, the first as ``ordering`` says and the others random:
    ``average_``, an ``Ensemble``.  They share the weights into the hidden units and are trained in turn.  That pays
    where rows are many; with few rows an ``Ensemble`` of NADEs that share nothing is better.

    ``run_dir`` is a folder for the state of training, ``log_dir`` a folder for TensorBoard, ``image_shape`` (height,
    width) makes it log sample grids.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).integers(0, 2, (50, 3))
    >>> model = NADE(hidden=4, epochs=2, random_state=0).fit(X)
    >>> bool(np.isfinite(model.log_prob(X)).all())
    True
    """

    def __init__(
        self,
        hidden: int = 300,
        *,
        ordering: str | Sequence[int] | Sequence[str] = "natural",
        orders: int = 1,
        activation: Activation = "relu",
        epochs: int = 30,
        batch_size: int | None = None,
        learning_rate: float = 5e-3,
        weight_decay: float = 0.05,
        decay_epochs: float | None = None,
        dropout: float = 0.0,
        input_dropout: float = 0.0,
        device: str = "cpu",
        random_state: RandomState = None,
        run_dir: str | Path | None = None,
        log_dir: str | None = None,
        image_shape: tuple[int, int] | None = None,
        schema: Schema | None = None,
    ) -> None:
        self.hidden = hidden
        self.ordering = ordering
        self.orders = orders
        self.activation = activation
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

    def _factorize(self, names: tuple[str, ...], rng: np.random.Generator) -> Factorization:
        return Factorization.of_order(self.ordering, names, rng=rng)

    def _share(self, networks: Sequence[NADENetwork]) -> NADEOrdersNetwork:
        return NADEOrdersNetwork(networks)

    def _turns(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        return nade_turns(self._double(), n)  # type: ignore[arg-type]

    def _build(self, coding: Coding, mean_ones: float, generator: torch.Generator) -> NADENetwork:
        if not isinstance(self.activation, str) or self.activation not in ("relu", "sigmoid"):
            raise InputError(f"activation must be 'relu' or 'sigmoid'; got {as_written(self.activation)}")
        return NADENetwork(
            coding.sizes,
            parse_hidden(self.hidden, layers=1)[0],
            self._factorization.order,
            activation=self.activation,
            generator=generator,
            mean_ones=mean_ones,
        )
