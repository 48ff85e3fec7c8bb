"""What an autoregressive network promises: the one protocol that estimators, training and samplers rely on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.models.shared.coding import Coding
from chainrule.models.shared.dropout import Dropout
from chainrule.models.shared.likelihood import categorical_terms

__all__ = ["AutoregressiveNetwork", "GradientLoop", "LikelihoodNetwork"]


class GradientLoop(Protocol):
    """What gives likelihoods and their gradient without autograd."""

    def __call__(
        self, x: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]], step: int = 0, /
    ) -> tuple[NDArray[np.float64], list[NDArray[Any]]]:
        """``log_prob_in_step`` (n,) of rows of codes (n, d) in float64, and the gradient of ``weights @`` it.

        That is an array for each of ``parameters()``, contiguous, in its shape and dtype.
        """
        ...


class LikelihoodNetwork(nn.Module):
    """A network that is a distribution: what training asks of it.

    Called with complete rows of codes (n, d) it gives their log-probabilities, differentiable in its
    parameters, so it works in a loop of the user's own.  ``dropout`` is for steps of training, and no answer knows it.
    """

    dropout: Dropout | None = None

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of each row in nats, (n,), differentiable in the parameters."""

    def forward(self, x: Tensor) -> Tensor:
        """``log_prob``."""
        return self.log_prob(x)

    def log_prob_in_step(self, x: Tensor, step: int) -> Tensor:
        """``log_prob`` as step number ``step`` of training maximises it.

        Where that leaves something to chance or takes turns (dropout, orders), what it takes follows from ``step``
        alone.
        """
        return self.log_prob(x)

    def gradient_loop(self) -> GradientLoop | None:
        """What gives ``log_prob_in_step`` and its gradient without autograd; ``None`` where autograd has to.

        A network that has one is trained by it (``steps``).  It reads the parameters where they are when it is asked
        for, so it holds as long as they are changed in place.
        """
        return None


class AutoregressiveNetwork(LikelihoodNetwork):
    """One network for all conditionals p(x_i | parents): rows of codes in, log-odds out.

    ``coding`` says how states become indicators and log-odds probabilities; ``output_bias`` (coding.width,) are the
    log-odds where nothing is known.
    """

    coding: Coding
    ordering: Tensor  # (d,) parents first

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Log-odds (n, coding.width) of each state against the first, given the parents; x is (n, d) codes."""

    @abstractmethod
    def sample(
        self, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None = None
    ) -> NDArray[np.integer[Any]]:
        """Rows of codes (n, d), the variable at place t of the order by ``uniforms[:, t]``.

        Its state is the first of 1, 2, ..., K - 1 up to which the probabilities add up to more than the uniform,
        and 0 where there is none.  Entries of ``known`` (n, d) from 0 on are taken as they are.  Raises
        ``ShapeError`` if the shapes do not fit.
        """

    def sample_few(
        self, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None = None
    ) -> NDArray[np.integer[Any]] | None:
        """What ``sample`` of a float64 copy of the network draws, without a copy; None where it needs one.

        A row reads most weights, and to make sure that a copy is still one reads more than that.
        """
        return None

    @property
    @abstractmethod
    def output_bias(self) -> nn.Parameter:
        """The bias of the log-odds, (coding.width,)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of each row in nats, (n,), differentiable in the parameters."""
        return categorical_terms(x, self.logits(x), self.coding).sum(1)
