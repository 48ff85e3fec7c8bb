"""A multilayer perceptron trained on given probabilities, made a distribution by exact normalisation.

    f(x) = sigmoid(MLP(x)) is regressed on labels y = p(x);   p_model(x) = f(x) / Z,   Z = sum of f over 2^d states

The sigmoid keeps each f(x) in (0, 1); nothing makes them sum to one, so Z is computed by enumeration, where
that is possible (d ≤ 20).  Beyond, only f itself is to be had, and ``log_prob`` and ``sample`` say so.

The recipe was chosen by trying, on 200 of the 512 images of 3 × 3 (labels k / 2304 and k / 45 / C(9, k), held-out
images scored): cross-entropy and squared error do equally well on the first, cross-entropy is better on the
second (KL 0.08 against 0.15 nats), whose labels differ by factors; starting f at the mean label matters most
(labels of 0.004 under a sigmoid that starts at 0.5 are not found in 500 epochs of squared error).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.core.checks import check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.files import as_path
from chainrule.core.numerics import bernoulli_log_prob, log_sum_exp, sigmoid
from chainrule.core.progress import note
from chainrule.core.randomness import as_generator
from chainrule.homework.images.mlp_network import (
    LARGEST,
    LOSSES,
    LossName,
    MLPNetwork,
    check_enumerable,
)
from chainrule.models.contract import Codes, DiscreteModel, Marginalises
from chainrule.models.shared.devices import parse_device
from chainrule.models.shared.hidden import parse_hidden
from chainrule.models.shared.loaded_network import check_hidden, load_weights
from chainrule.models.shared.own_torch import own_torch, rows_to_torch
from chainrule.models.shared.run_folder import told_settings
from chainrule.models.shared.states import completion_numbers, state_blocks, state_numbers, states_of
from chainrule.models.shared.training import Recipe, TrainingError, train
from chainrule.tables.table import Table

__all__ = ["MLPDensity"]

_BLOCK = 2**14  # rows scored together
_OF_NO_NUMBER = {"run_dir", "device"}  # settings that change nothing that is learned


class MLPDensity(DiscreteModel):
    """An MLP that learns f(x) ≈ label of x, and p(x) = f(x) / Z with Z exact for up to 20 variables.

    ``hidden`` is a size or a list of sizes; a network has one layer of weights more.  ``loss`` is
    ``"cross_entropy"`` or ``"squared_error"``.  ``label_peak`` rescales the labels so that the largest
    becomes it (``None`` leaves them as they are; normalisation takes any factor out again).  ``centre``
    starts f at the mean label instead of near one half.  ``run_dir`` is a folder for the state of training: a fit that
    was interrupted goes on where it was.

    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0.1, 0.2, 0.3, 0.4]
    >>> model = MLPDensity([16], epochs=300, learning_rate=0.03, random_state=0).fit(X, y)
    >>> np.exp(model.log_prob(X)).round(2).tolist()
    [0.1, 0.2, 0.3, 0.4]
    """

    marginalises_: ClassVar[Marginalises] = "any"
    _is_binary: ClassVar[bool] = True
    network_: MLPNetwork
    label_scale_: float
    log_partition_: float

    def __init__(
        self,
        hidden: int | Sequence[int] = (64, 32),
        *,
        epochs: int = 500,
        batch_size: int = 100,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        loss: LossName = "cross_entropy",
        label_peak: float | None = 0.5,
        centre: bool = True,
        device: str = "cpu",
        random_state: int | None = None,
        run_dir: str | Path | None = None,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.loss: LossName = loss
        self.label_peak = label_peak
        self.centre = centre
        self.device = device
        self.random_state = random_state
        self.run_dir = run_dir

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Regress f on the labels ``y`` (n,), the probabilities of the binary rows ``X`` (n, d).

        ``valid`` is accepted and not used: there is one candidate.  With d ≤ 20 the partition function is
        computed (``log_partition_``, nats, of f after scaling by ``label_scale_``).  ``fit_info_`` holds the loss
        by epoch, the seconds, the seed, and how many positive labels are zero in float32, which is what training
        sees of them.  Raises ``TrainingError`` where training leaves the finite numbers.
        """
        self._refuse_missing(table, "f is learned from whole rows")
        if table.weights is not None:
            raise InputError("sample_weight is of no use here: y says how probable each row is; leave it out")
        rows = table.codes
        labels = _check_labels(y, len(rows))
        sizes = parse_hidden(self.hidden)
        device = parse_device(self.device)
        seed = int(as_generator(self.random_state).integers(2**31))
        streams = [int(s) for s in np.random.SeedSequence(seed).generate_state(2)]
        recipe = self._recipe(seed, streams[1])

        self.label_scale_ = self._label_scale(labels)
        scaled = labels * self.label_scale_
        start = float(np.clip(scaled.mean(), 1e-300, 1.0 - 1e-9)) if self.centre else None
        generator = torch.Generator().manual_seed(streams[0])
        self.network_ = MLPNetwork(rows.shape[1], sizes, generator=generator, start=start).to(device)
        targets = scaled.astype(np.float32)
        lost = int(((targets == 0) & (labels > 0)).sum())
        if lost:
            note(
                f"{lost} of {len(labels)} labels are positive but zero in float32; set label_peak to rescale them"
            )
        info = train(self.network_, rows, None, recipe, targets=targets, loss=LOSSES[self.loss])
        self._check_scores(rows_to_torch(rows).to(device))
        self.fit_info_ = info | {"seed": seed, "n_rows": len(rows), "labels_zero_in_float32": lost}
        self._tabulate()

    def unnormalized(self, X: Any) -> NDArray[np.float64]:
        """``f(x)`` in (0, 1), (n,): the labels' scale times ``label_scale_``; not a probability."""
        return sigmoid(self._logits(self._complete(X)))

    def log_unnormalized(self, X: Any) -> NDArray[np.float64]:
        """``log f(x)`` in nats, (n,); does not underflow where f does."""
        return bernoulli_log_prob(1, self._logits(self._complete(X)))

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """``log f(x) - log Z``; missing values are summed out.  Raises ``TooLargeError`` above 20 variables."""
        table = self._table()
        if codes.dtype.kind == "u":
            return table[state_numbers(codes)]
        return np.array([log_sum_exp(table[completion_numbers(row)]) for row in codes])

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        """From the table of all states.  Raises ``TooLargeError`` above 20 variables."""
        table, out = self._table(), codes.copy()
        distinct, which = np.unique(codes, axis=0, return_inverse=True)
        for r, row in enumerate(distinct):
            numbers = completion_numbers(row)
            p = np.exp(table[numbers] - log_sum_exp(table[numbers]))
            members = np.flatnonzero(which.reshape(-1) == r)
            out[members] = states_of(generator.choice(numbers, len(members), p=p / p.sum()), codes.shape[1])
        return out

    def _most_probable(self, codes: Codes) -> Codes:
        table = self._table()
        numbers = map(completion_numbers, codes)
        return states_of(np.array([k[table[k].argmax()] for k in numbers]), codes.shape[1])

    @torch.no_grad()
    def _check_scores(self, rows: torch.Tensor) -> None:
        """A score beyond all numbers is sigmoid's 0 or 1, which no squared error shows."""
        if not bool(torch.isfinite(self.network_(rows)).all()):
            raise TrainingError(
                "after training the scores of the training rows are not finite; lower the learning rate (it is "
                f"{self.learning_rate:g})"
            )

    def _complete(self, X: Any) -> Codes:
        table = self._rows(X)
        self._refuse_missing(table, "f is of whole rows")
        return table.codes

    def _logits(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Logits in float64, so that a row's score does not depend on the rows scored with it."""
        network = copy.deepcopy(self.network_).cpu().double()
        with torch.no_grad():
            parts = [network(rows_to_torch(rows[i : i + _BLOCK])) for i in range(0, len(rows), _BLOCK)]
        return torch.cat(parts).numpy()

    def _tabulate(self) -> None:
        """Compute Z and the table of all log-probabilities, where there are few enough states."""
        d = self.n_features_in_
        if d <= LARGEST:
            log_f = np.concatenate([bernoulli_log_prob(1, self._logits(block)) for block in state_blocks(d)])
            self.log_partition_ = float(log_sum_exp(log_f))
            self.log_table_ = log_f - self.log_partition_

    def _table(self) -> NDArray[np.float64]:
        """``log p`` of all states in binary counting order, (2^d,)."""
        check_enumerable(self.n_features_in_)
        return self.log_table_

    def _recipe(self, seed: int, shuffle: int) -> Recipe:
        check_choice(self.loss, "loss", LOSSES)
        return Recipe(
            epochs=check_integer(self.epochs, "epochs", least=0),
            batch_size=check_integer(self.batch_size, "batch_size"),
            learning_rate=check_real(self.learning_rate, "learning_rate", strictly=True),
            weight_decay=check_real(self.weight_decay, "weight_decay"),
            seed=shuffle,
            run_dir=None if self.run_dir is None else as_path(self.run_dir, "run_dir"),
            settings={} if self.run_dir is None else self._told_settings(seed),
        )

    def _label_scale(self, labels: NDArray[np.float64]) -> float:
        if self.label_peak is None:
            return 1.0
        peak = check_real(self.label_peak, "label_peak", strictly=True)
        if peak > 1.0:
            raise InputError(f"label_peak must lie in (0, 1], where a sigmoid can reach it; got {peak:g}")
        scale = peak / float(labels.max())
        if not np.isfinite(scale):
            raise ValuesError(
                f"the largest label, {labels.max():g}, is too small to be rescaled in float64; "
                "multiply y by a constant first, which normalisation takes out again"
            )
        return scale

    def _at_work(self) -> AbstractContextManager[object]:
        return own_torch()

    def _told_settings(self, seed: int) -> dict[str, Any]:
        """For the folder of a run."""
        return told_settings(self.get_params(deep=False), seed, _OF_NO_NUMBER)

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"run_dir": None}  # a path on this machine does not travel

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {k: v.cpu().numpy() for k, v in self.network_.state_dict().items()}
        return arrays, {"label_scale": self.label_scale_}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self.label_scale_ = check_real(plain["label_scale"], "label_scale", strictly=True)
        check_hidden(self.hidden, arrays.values())
        with own_torch():
            generator = torch.Generator().manual_seed(0)  # every weight is overwritten next
            self.network_ = MLPNetwork(self.n_features_in_, parse_hidden(self.hidden), generator=generator)
            load_weights(self.network_, arrays)
            self._tabulate()


def _check_labels(y: Any, n: int) -> NDArray[np.float64]:
    """The labels as float64 (n,) in [0, 1], at least one of them positive."""
    wanted = f"the probability of each of the {n} rows of X, shape ({n},)"
    if y is None:
        raise InputError(f"y is missing: pass {wanted}, for example np.exp(truth.log_prob(X))")
    try:
        labels = np.asarray(y, np.float64)
    except (TypeError, ValueError) as e:
        raise ValuesError(f"y must hold numbers, {wanted}; got {type(y).__name__} ({e})") from e
    if labels.shape != (n,):
        raise ShapeError(f"y must hold {wanted}; its shape is {labels.shape}")
    bad = ~((labels >= 0) & (labels <= 1))
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        raise ValuesError(f"y must hold probabilities in [0, 1], but y[{i}] is {labels[i]:g}; pass {wanted}")
    if not labels.any():
        raise ValuesError(
            "y holds only zeros, so there is no distribution to learn; pass positive probabilities"
        )
    return labels
