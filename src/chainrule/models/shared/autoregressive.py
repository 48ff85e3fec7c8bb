"""What NADE and MADE share: one network for all conditionals, trained by likelihood, answering exactly."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import ChainruleError, InputError, OutputError, ValuesError
from chainrule.core.files import as_path, shown_path
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.models.contract import Codes
from chainrule.models.shared.chain import ChainModel, unsigned
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.counts import state_counts
from chainrule.models.shared.dag_setting import dag_of_plain, plain_dag
from chainrule.models.shared.devices import parse_device
from chainrule.models.shared.dropout import Dropout
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.loaded import loaded_factorization
from chainrule.models.shared.loaded_network import check_hidden, load_weights
from chainrule.models.shared.network import AutoregressiveNetwork, LikelihoodNetwork
from chainrule.models.shared.own_torch import own_torch, rows_to_torch
from chainrule.models.shared.remembered import Remembered
from chainrule.models.shared.run_folder import told_settings
from chainrule.models.shared.training import Recipe, batch_size_for, decay_in_epochs, train
from chainrule.tables.table import Table

__all__ = ["AutoregressiveEstimator", "Plan"]

_BATCH, _CELLS = (
    2048,
    2**24,
)  # most rows scored together, and most numbers for all states of all their variables
_PRIOR = (
    0.5  # added to the count of each state before training starts: a constant column keeps a finite start
)
# settings that change nothing that is learned
_OF_NO_NUMBER = {"run_dir", "log_dir", "image_shape", "device"}


def _widened(network: AutoregressiveNetwork) -> AutoregressiveNetwork:
    """A float64 copy on the CPU; ``ValuesError`` where a weight is no finite number, so that no answer is one."""
    for name, p in network.named_parameters():
        if not bool(p.isfinite().all()):
            raise ValuesError(f"the network's {name} holds what is no finite number; fit the model again")
    return copy.deepcopy(network).cpu().double()


_in_float64 = Remembered(_widened)


@dataclass(frozen=True, eq=False)
class Plan:
    """How a fit is trained, and its seed with the streams drawn from it: of order, first weights, batches, dropout."""

    recipe: Recipe
    dropout: Dropout | None
    device: torch.device
    seed: int
    streams: NDArray[Any]


class AutoregressiveEstimator(ChainModel):
    """Base of ``NADE`` and ``MADE``: training, exact likelihood, sampling, missing values, saving.

    A model is a factorization times a conditional: ``_factorize`` says which graph, ``_build`` makes the network.
    The network gives log-odds in float32 while it trains; every likelihood and every draw is computed in float64.
    """

    hidden: Any
    ordering: Any
    epochs: int
    batch_size: int | None
    learning_rate: float
    weight_decay: float
    decay_epochs: float | None
    dropout: float
    input_dropout: float
    device: str
    random_state: RandomState
    run_dir: str | Path | None
    log_dir: str | None
    image_shape: tuple[int, int] | None

    network_: Any  # an AutoregressiveNetwork; of several orders an OrdersNetwork

    @abstractmethod
    def _factorize(self, names: tuple[str, ...], rng: np.random.Generator) -> Factorization:
        """The graph, from the settings; what they leave to chance comes from ``rng``."""

    @abstractmethod
    def _build(self, coding: Coding, mean_ones: float, generator: torch.Generator) -> AutoregressiveNetwork:
        """A fresh network of the graph in ``_factorization``; ``mean_ones`` of its indicators are expected on."""

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Maximise the likelihood of the rows.

        With ``valid`` the parameters of the epoch with the best validation likelihood are kept.  ``fit_info_``
        holds the mean negative log-likelihoods by epoch in nats, the best epoch, the seconds of training and the
        seed.  With ``run_dir`` an interrupted fit goes on where it was.
        """
        self._need_complete(table, valid)
        plan = self._plan(table)
        self._factorization = self._factorize(table.schema.names, np.random.default_rng(plan.streams[0]))
        coding, counts = Coding(table.schema.sizes), state_counts(table)
        on = counts[coding.owner, coding.state]
        mean_ones = float((on / counts[coding.owner].sum(1)).mean()) if len(on) else 0.0
        self.network_ = self._build(coding, mean_ones, torch.Generator().manual_seed(int(plan.streams[1])))
        with torch.no_grad():
            self.network_.output_bias.copy_(torch.from_numpy(coding.log_odds(counts + _PRIOR)))
        self._train(self.network_, table, valid, plan)

    def _train(self, network: LikelihoodNetwork, table: Table, valid: Table | None, plan: Plan) -> None:
        """Train ``network`` from where it is, and set ``fit_info_``."""
        network.to(plan.device)
        network.dropout = plan.dropout
        with _board(self) as on_epoch:
            info = train(
                network,
                table.codes,
                None if valid is None else valid.codes,
                plan.recipe,
                weights=table.weights,
                valid_weights=None if valid is None else valid.weights,
                on_epoch=on_epoch,
            )
        self.fit_info_ = info | {"seed": plan.seed, "n_rows": table.n_rows, "device": str(plan.device)}

    def _plan(self, table: Table) -> Plan:
        """The settings of training, checked."""
        _check_image_shape(self.image_shape, len(table.schema))
        seed = int(as_generator(self.random_state).integers(2**31))
        streams = np.random.SeedSequence(seed).generate_state(4)
        n = table.n_rows if table.weights is None else int(np.count_nonzero(table.weights))
        chosen = self.batch_size
        batch_size = batch_size_for(n) if chosen is None else check_integer(chosen, "batch_size")
        learning_rate = check_real(self.learning_rate, "learning_rate", strictly=True)
        weight_decay = check_real(self.weight_decay, "weight_decay")
        if self.decay_epochs is not None:
            epochs = check_real(self.decay_epochs, "decay_epochs", strictly=True)
            weight_decay = decay_in_epochs(epochs, learning_rate, n / batch_size)
        recipe = Recipe(
            epochs=check_integer(self.epochs, "epochs", least=0),
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            seed=int(streams[2]),
            run_dir=None if self.run_dir is None else as_path(self.run_dir, "run_dir"),
            settings={} if self.run_dir is None else self._told_settings(seed),
        )
        dropout = Dropout.of(self.input_dropout, self.dropout, int(streams[3]))
        return Plan(recipe, dropout, parse_device(self.device), seed, streams)

    def _told_settings(self, seed: int) -> dict[str, Any]:
        """All settings that may change what is learned, as plain data, for the folder of a run."""
        told = told_settings(self.get_params(deep=False), seed, _OF_NO_NUMBER)
        return told | ({"dag": plain_dag(told["dag"])} if "dag" in told else {})

    def _complete_log_prob(self, codes: Codes) -> NDArray[np.float64]:
        network = self._double()
        with torch.no_grad():
            return torch.cat([network(rows_to_torch(part)) for part in self._parts(codes)]).numpy()

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        network = self._double()
        with torch.no_grad():
            parts = [network.logits(rows_to_torch(part)).numpy() for part in self._parts(unsigned(codes))]
        logits = np.concatenate(parts)
        return network.coding.terms(codes, logits)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        network = self._double()
        with torch.no_grad():
            parts = [
                network.coding.state_log_probs(network.logits(rows_to_torch(part)).numpy())
                for part in self._parts(unsigned(codes))
            ]
        return np.concatenate(parts)

    def _at_work(self) -> AbstractContextManager[object]:
        return own_torch()

    def _follow(self, uniforms: NDArray[np.float64], known: Codes | None) -> Codes:
        drawn = self._network_in_one_order.sample_few(uniforms, known)
        return self._double().sample(uniforms, known) if drawn is None else drawn

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Parameters ``allocated``, and those ``in_use`` (not cut off by a mask)."""
        check_is_fitted(self)
        return self._count_parameters()

    def _count_parameters(self) -> dict[str, int]:
        n = sum(p.numel() for p in self.network_.parameters())
        return {"allocated": n, "in_use": n}

    def _parts(self, rows: Codes) -> list[Codes]:
        sizes = self.schema_.sizes
        together = min(_BATCH, max(1, _CELLS // (len(sizes) * max(sizes))))
        return [rows[i : i + together] for i in range(0, max(len(rows), 1), together)]

    def _double(self) -> AutoregressiveNetwork:
        """The network in float64 on the CPU, so that sums over states are exact to rounding."""
        return _in_float64(self._network_in_one_order)

    @property
    def _network_in_one_order(self) -> AutoregressiveNetwork:
        return self.network_

    def _settings(self) -> dict[str, Any]:
        """Settings that mean something elsewhere: paths on this machine do not travel."""
        return super()._settings() | {"run_dir": None, "log_dir": None}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {k: v.cpu().numpy() for k, v in self.network_.state_dict().items()}
        graph = self._factorization.graph
        return arrays, {
            "order": self._factorization.order,
            "dag": plain_dag(graph),
        }

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        found = plain["dag"]
        graph = None if found is None else dag_of_plain(found)
        self._factorization = loaded_factorization(self.schema_.names, plain["order"], graph)
        check_hidden(self.hidden, arrays.values())
        with own_torch():
            self.network_ = self._build(Coding(self.schema_.sizes), 0.5, torch.Generator().manual_seed(0))
            load_weights(self.network_, arrays)


def _check_image_shape(shape: Any, d: int) -> None:
    if shape is None:
        return
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        raise InputError(f"image_shape must be (height, width) of one row, or None; got {as_written(shape)}")
    height, width = (check_integer(n, "a side of image_shape") for n in shape)
    if height * width != d:
        raise InputError(
            f"image_shape {shape} has {height * width} pixels, X has {d} columns; "
            "pass (height, width) of one row, or None"
        )


class _board:
    """Scalars and sample grids to TensorBoard after each epoch, if the model has a ``log_dir``."""

    def __init__(self, model: AutoregressiveEstimator) -> None:
        self.model, self.writer = model, None

    def __enter__(self) -> Callable[[int, dict[str, float]], None] | None:
        if self.model.log_dir is None:
            return None
        from torch.utils.tensorboard import SummaryWriter

        with self._telling():
            self.writer = SummaryWriter(as_path(self.model.log_dir, "log_dir"))
        return self.log

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            if isinstance(e, ChainruleError):
                raise
            raise OutputError(
                f"cannot write TensorBoard logs to {shown_path(str(self.model.log_dir))} ({e.strerror or e}); "
                "choose another log_dir"
            ) from e

    def __exit__(self, *exception: object) -> None:
        if self.writer is not None:
            with self._telling():
                self.writer.close()

    def log(self, epoch: int, numbers: dict[str, float]) -> None:
        """One epoch: its numbers, and 25 draws from a fixed stream so that epochs can be compared."""
        with self._telling():
            self._log(epoch, numbers)

    def _log(self, epoch: int, numbers: dict[str, float]) -> None:
        assert self.writer is not None
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, epoch)
        shape = self.model.image_shape
        if shape is not None:
            uniforms = as_generator(0).random((25, math.prod(shape)))
            draws = self.model._follow(uniforms, None).reshape(5, 5, *shape)
            grid = 1.0 - np.pad(draws, ((0, 0), (0, 0), (1, 1), (1, 1)))
            h, w = grid.shape[2:]
            self.writer.add_image("samples", grid.transpose(0, 2, 1, 3).reshape(1, 5 * h, 5 * w), epoch)
