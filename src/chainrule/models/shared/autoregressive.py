"""What NADE and MADE share: one network for all conditionals of binary variables in a fixed order."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_binary, check_integer, check_real
from chainrule.core.contract import DensityEstimator
from chainrule.core.errors import InputError, OutputError
from chainrule.core.numerics import bernoulli_log_prob, sigmoid
from chainrule.core.randomness import RandomState, as_generator
from chainrule.graphs import DAG
from chainrule.models.shared.completion import completions, log_prob_with_missing
from chainrule.models.shared.conditioning import check_given
from chainrule.models.shared.devices import parse_device
from chainrule.models.shared.ordering import parse_ordering, variable_names
from chainrule.models.shared.remembered import Remembered
from chainrule.models.shared.training import Recipe, train

__all__ = ["AutoregressiveEstimator"]

_BATCH = 2048  # rows scored together
_in_float64 = Remembered(lambda network: copy.deepcopy(network).cpu().double())


class AutoregressiveEstimator(DensityEstimator):
    """Base of ``NADE`` and ``MADE``: training, exact likelihood, sampling, missing values, saving.

    A subclass says how its network is built.  The network gives logits in float32 while it trains; every
    likelihood and every draw is computed in float64.
    """

    hidden: Any
    ordering: Any
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    device: str
    random_state: int | None
    checkpoint: str | None
    log_dir: str | None
    image_shape: tuple[int, int] | None

    network_: Any
    ordering_: NDArray[np.intp]

    @abstractmethod
    def _hidden_sizes(self) -> list[int]:
        """The sizes of the hidden layers, checked."""

    def _choose_structure(self, d: int, rng: np.random.Generator) -> None:
        """Fix what the settings leave to chance, before any weight is drawn."""
        self.ordering_ = parse_ordering(self.ordering, d, rng=rng)

    @abstractmethod
    def _build(self, d: int, mean_ones: float, generator: torch.Generator) -> torch.nn.Module:
        """A fresh network for ``d`` variables of the chosen structure."""

    @abstractmethod
    def _output_bias(self) -> torch.nn.Parameter:
        """The bias of the logits (d,), set before training to the log-odds of each variable."""

    def fit(self, X: ArrayLike, y: Any = None, *, valid: ArrayLike | None = None) -> Self:
        """Maximise the likelihood of binary rows ``X`` (n, d).

        With ``valid`` (m, d) the parameters of the epoch with the best validation likelihood are kept.
        ``fit_info_`` holds the mean negative log-likelihoods by epoch in nats, the best epoch, the seconds
        and the seed.  With ``checkpoint`` an interrupted fit goes on from its last epoch.
        """
        rows = check_binary(X)
        held_out = None if valid is None else check_binary(valid, name="valid", n_columns=rows.shape[1])
        epochs = check_integer(self.epochs, "epochs", least=0)
        batch_size = check_integer(self.batch_size, "batch_size")
        learning_rate = check_real(self.learning_rate, "learning_rate", strictly=True)
        weight_decay = check_real(self.weight_decay, "weight_decay")
        device = parse_device(self.device)
        seed = int(as_generator(self.random_state).integers(2**31))
        streams = np.random.SeedSequence(seed).generate_state(3)

        d = rows.shape[1]
        if self.image_shape is not None and math.prod(self.image_shape) != d:
            raise InputError(
                f"image_shape {self.image_shape} has {math.prod(self.image_shape)} pixels, X has {d} columns; "
                "pass (height, width) of one row, or None"
            )
        self.n_features_in_ = d
        self._choose_structure(d, np.random.default_rng(streams[0]))
        means = rows.mean(0)
        generator = torch.Generator().manual_seed(int(streams[1]))
        self.network_ = self._build(d, float(means.mean()), generator)
        smoothed = (rows.sum(0) + 0.5) / (len(rows) + 1.0)  # a constant column keeps a finite start
        with torch.no_grad():
            self._output_bias().copy_(torch.from_numpy(np.log(smoothed) - np.log1p(-smoothed)))
        self.network_.to(device)
        recipe = Recipe(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            seed=int(streams[2]),
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
        )
        with _board(self) as on_epoch:
            info = train(self.network_, rows, held_out, recipe, on_epoch=on_epoch)
        self.fit_info_ = info | {"seed": seed, "n_rows": len(rows), "device": str(device)}
        return self

    def log_prob(self, X: ArrayLike) -> NDArray[np.float64]:
        """Exact log-probability of each row in nats, (n,) float64.

        NaN marks a missing value.  It is marginalised exactly; a row with more than 14 missing values
        before an observed one (in ``ordering_``) raises ``TooLargeError``.
        """
        check_is_fitted(self)
        rows = check_binary(X, n_columns=self.n_features_in_, allow_missing=True)
        if rows.dtype != np.uint8:
            return log_prob_with_missing(self._terms(), rows, self.ordering_)
        network = self._double()
        with torch.no_grad():
            return torch.cat([network.log_prob(torch.from_numpy(part)) for part in _parts(rows)]).numpy()

    def conditional_probabilities(self, X: ArrayLike) -> NDArray[np.float64]:
        """``p(x_i = 1 | the variables before i in the row)``, (n, d): what each sampling step used."""
        check_is_fitted(self)
        rows = check_binary(X, n_columns=self.n_features_in_)
        logits = self._logits()
        return sigmoid(np.concatenate([logits(part) for part in _parts(rows)]))

    def sample(
        self, n: int = 1, *, given: ArrayLike | None = None, rng: RandomState = None
    ) -> NDArray[np.uint8]:
        """``n`` independent exact draws (n, d) in {0, 1}; ``given`` (d,) fixes the values that are not NaN.

        Given values that come first in the order cost nothing; with others, the variables before the last
        given one are drawn from their exact posterior (at most 14 of them, else ``TooLargeError``).
        """
        check_is_fitted(self)
        n = check_integer(n, "n", least=0)
        generator = as_generator(rng)
        fixed = check_given(given, self.n_features_in_)
        uniforms = generator.random((n, self.n_features_in_))
        if np.isnan(fixed).all():
            return self._double().sample(uniforms)
        rows = np.repeat(fixed[None], n, axis=0)
        filled, counts = completions(fixed, self.ordering_)
        if len(filled) > 1:
            weights = self._terms()(filled)[:, counts].sum(1)
            p = np.exp(weights - weights.max())
            rows[:, counts] = filled[generator.choice(len(filled), n, p=p / p.sum())][:, counts]
        return self._double().sample(uniforms, rows)

    @property
    def factorization_(self) -> DAG:
        """Every variable depends on all that come before it in ``ordering_``."""
        check_is_fitted(self)
        names = variable_names(self.n_features_in_)
        return DAG.fully_connected([names[i] for i in self.ordering_])

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Parameters ``allocated``, and those ``in_use`` (not cut off by a mask)."""
        check_is_fitted(self)
        return self._count_parameters()

    def _count_parameters(self) -> dict[str, int]:
        n = sum(p.numel() for p in self.network_.parameters())
        return {"allocated": n, "in_use": n}

    def _double(self) -> Any:
        """The network in float64 on the CPU, so that sums over states are exact to rounding."""
        return _in_float64(self.network_)

    def _logits(self) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
        network = self._double()

        def logits(rows: NDArray[Any]) -> NDArray[np.float64]:
            with torch.no_grad():
                return network.logits(torch.from_numpy(rows)).numpy()

        return logits

    def _terms(self) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
        """``log p(x_i | before)`` (n, d) in nats, for complete rows."""
        logits = self._logits()
        return lambda rows: bernoulli_log_prob(rows, logits(rows))

    def _settings(self) -> dict[str, Any]:
        """Settings that mean something elsewhere: paths on this machine do not travel."""
        return self.get_params(deep=False) | {"checkpoint": None, "log_dir": None}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {k: v.cpu().numpy() for k, v in self.network_.state_dict().items()}
        return arrays, {}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self.ordering_ = arrays["ordering"].astype(np.intp)
        self.network_ = self._build(self.n_features_in_, 0.5, torch.Generator().manual_seed(0))
        self.network_.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})


def _parts(rows: NDArray[Any]) -> list[NDArray[Any]]:
    return [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]


class _board:
    """Scalars and sample grids to TensorBoard after each epoch, if the model has a ``log_dir``."""

    def __init__(self, model: AutoregressiveEstimator) -> None:
        self.model, self.writer = model, None

    def __enter__(self) -> Callable[[int, dict[str, float]], None] | None:
        if self.model.log_dir is None:
            return None
        from torch.utils.tensorboard import SummaryWriter

        try:
            self.writer = SummaryWriter(self.model.log_dir)
        except OSError as e:
            raise OutputError(
                f"cannot write TensorBoard logs to {self.model.log_dir} ({e.strerror or e}); "
                "choose another log_dir"
            ) from e
        return self.log

    def __exit__(self, *exception: object) -> None:
        if self.writer is not None:
            self.writer.close()

    def log(self, epoch: int, numbers: dict[str, float]) -> None:
        """One epoch: its numbers, and 25 draws from a fixed stream so that epochs can be compared."""
        assert self.writer is not None
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, epoch)
        shape = self.model.image_shape
        if shape is not None:
            draws = self.model.sample(25, rng=0).reshape(5, 5, *shape)
            grid = 1.0 - np.pad(draws, ((0, 0), (0, 0), (1, 1), (1, 1)))
            h, w = grid.shape[2:]
            self.writer.add_image("samples", grid.transpose(0, 2, 1, 3).reshape(1, 5 * h, 5 * w), epoch)
