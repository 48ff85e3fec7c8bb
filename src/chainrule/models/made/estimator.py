"""MADE as an estimator: see ``networks/made.py`` for the model, ``networks/masks.py`` for its masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError
from chainrule.models.made.masks import Scheme, assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.autoregressive import AutoregressiveEstimator
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.factorization import Factorization
from chainrule.tables.schema import Schema

__all__ = ["MADE"]


class MADE(AutoregressiveEstimator):
    """Masked autoencoder for distribution estimation of binary variables (Germain et al. 2015).

    ``hidden`` is the size of the hidden layer, or a list of sizes; ``ordering`` is ``"natural"``,
    ``"random"`` or a permutation; ``degrees`` is ``"even"`` (spread evenly) or ``"random"``.  ``direct``
    adds connections from each variable to those after it: a linear term in the logits, (d, d) weights.
    On static binarized MNIST, in test nats and minutes of training on one 2.5 GHz core: the defaults 91.2
    in 3, ``MADE(2000, epochs=8, weight_decay=0.1)`` 88.1 in 2, ``MADE(8000, epochs=6, learning_rate=3e-3,
    weight_decay=0.2)`` 86.9 in 5 to 8.  The wider, the smaller the learning rate and the more decay.

    ``checkpoint`` is a file for the state of training, ``log_dir`` a folder for TensorBoard,
    ``image_shape`` (height, width) makes it log sample grids.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).integers(0, 2, (50, 3))
    >>> model = MADE(hidden=[4, 4], epochs=2, random_state=0).fit(X)
    >>> model.n_parameters_["in_use"] < model.n_parameters_["allocated"]
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = 300,
        *,
        ordering: str | Sequence[int] | Sequence[str] = "natural",
        degrees: Scheme = "even",
        direct: bool = True,
        epochs: int = 30,
        batch_size: int = 100,
        learning_rate: float = 4e-3,
        weight_decay: float = 0.05,
        device: str = "cpu",
        random_state: int | None = None,
        checkpoint: str | None = None,
        log_dir: str | None = None,
        image_shape: tuple[int, int] | None = None,
        schema: Schema | None = None,
    ) -> None:
        self.hidden = hidden
        self.ordering = ordering
        self.degrees: Scheme = degrees
        self.direct = direct
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.device = device
        self.random_state = random_state
        self.checkpoint = checkpoint
        self.log_dir = log_dir
        self.image_shape = image_shape
        self.schema = schema

    degrees_: list[NDArray[np.intp]]

    def _hidden_sizes(self) -> list[int]:
        sizes = [self.hidden] if isinstance(self.hidden, (int, np.integer)) else list(self.hidden)
        if not sizes:
            raise InputError("hidden must name at least one layer; got an empty list; pass for example [300]")
        return [check_integer(h, "hidden") for h in sizes]

    def _factorize(self, names: tuple[str, ...], rng: np.random.Generator) -> Factorization:
        found = Factorization.of_order(self.ordering, names, rng=rng)
        if not isinstance(self.direct, (bool, np.bool_)):
            raise InputError(f"direct must be True or False; got {self.direct!r}; choose one of the two")
        self.degrees_ = assign_degrees(len(names), self._hidden_sizes(), rng=rng, scheme=self.degrees)
        return found

    def _build(self, coding: Coding, mean_ones: float, generator: torch.Generator) -> MADENetwork:
        return MADENetwork(
            self._factorization.order,
            self.degrees_,
            direct=bool(self.direct),
            generator=generator,
            mean_ones=mean_ones,
        )

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, plain = super()._state()
        return arrays, plain | {"degrees": self.degrees_}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self.degrees_ = [np.asarray(m, dtype=np.intp) for m in plain["degrees"]]
        super()._set_state(arrays, plain)

    def _count_parameters(self) -> dict[str, int]:
        network = self.network_
        assert isinstance(network, MADENetwork)
        biases = sum(p.numel() for p in network.biases)
        return {
            "allocated": biases + sum(m.numel() for m in network.masks),
            "in_use": biases + sum(int(m.sum()) for m in network.masks),
        }
