"""Networks of torch that are written here, not by the package: masks, modes, precision, and what goes wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import chainrule
from chainrule import OtherModel
from chainrule.models import MADE
from tests.evaluate.audit.toys import audited, failed

D = 6


class Masked(nn.Module):
    """One hidden layer whose masks let the logit of x_i read x_1 … x_{i-1} only."""

    def __init__(self, width: int = 24, off: int = 0, useless: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.V = nn.Parameter(torch.randn(width, D, generator=generator))
        self.U = nn.Parameter(torch.randn(D, width, generator=generator))
        self.b = nn.Parameter(torch.randn(D, generator=generator))
        degree = torch.arange(width) % (D - 1) + 1  # unit h reads x_1 … x_degree
        below = (
            torch.zeros(width, D)
            if useless
            else (torch.arange(1, D + 1)[None] <= degree[:, None] + off).float()
        )
        self.register_buffer("below", below)
        self.register_buffer("above", (torch.arange(1, D + 1)[:, None] > degree[None]).float())

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """(n, D)."""
        h = torch.relu(nn.functional.linear(x, self.V * self.below))
        return nn.functional.linear(h, self.U * self.above, self.b)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """log p, (n,)."""
        return -nn.functional.binary_cross_entropy_with_logits(self.logits(x), x, reduction="none").sum(1)

    def sample(self, n: int, rng: np.random.Generator) -> torch.Tensor:
        """Ancestral draws."""
        x = torch.zeros(n, D, dtype=self.b.dtype)
        with torch.no_grad():
            for i in range(D):
                x[:, i] = (torch.from_numpy(rng.random(n)) < torch.sigmoid(self.logits(x)[:, i])).to(x.dtype)
        return x


def other(net: Any, **changed: Any) -> OtherModel:
    """The network for an audit."""
    parts = {
        "log_prob": net,
        "sizes": D,
        "sample": getattr(net, "sample", None),
        "logits": net.logits,
        "factors": range(D),
        "as_tensor": True,
    }
    return OtherModel(**parts | changed)


def test_a_network_without_a_fault_passes_in_both_precisions():
    for net in (Masked(), Masked().double()):
        found = audited(other(net))
        assert found.failed == []
        for law in (
            "mass",
            "factorisation",
            "factorisation (Jacobian)",
            "factorisation is used",
            "sampler",
            "code length",
        ):
            assert found[law].verdict == "pass", law
    assert "float32" in audited(other(Masked()))["mass"].how
    assert "float32" not in audited(other(Masked().double()))["mass"].how


def test_a_mask_off_by_one_is_found_by_the_mass_and_by_derivatives():
    assert {"mass", "factorisation", "factorisation (Jacobian)"} <= failed(other(Masked(off=1).double()))


def test_a_mask_that_is_right_and_useless_breaks_the_law_that_parents_can_matter():
    found = audited(other(Masked(useless=True).double()))
    assert found.failed == ["factorisation is used"]
    assert "0 of 15 promised parents matter" in found["factorisation is used"].figure


def test_masks_that_were_put_into_weights_once_and_trained_away_are_found():
    class InPlace(Masked):
        def __init__(self) -> None:
            super().__init__()
            with torch.no_grad():
                self.V.mul_(self.below)
                self.U.mul_(self.above)
                self.V.add_(0.1)  # a step of training

        def logits(self, x):
            return nn.functional.linear(torch.relu(nn.functional.linear(x, self.V)), self.U, self.b)

    assert {"mass", "factorisation", "factorisation (Jacobian)"} <= failed(other(InPlace().double()))


def test_masks_that_are_put_into_the_weights_by_scoring_are_found():
    class Changing(Masked):
        def logits(self, x):
            with torch.no_grad():
                self.V.mul_(self.below)
            return super().logits(x)

    found = audited(other(Changing().double()))
    assert found.failed == ["repeats"]
    assert "scoring changes the parameter 'V'" in found["repeats"].detail


@pytest.mark.parametrize(("layer", "why"), [(nn.Dropout(0.5), "again"), (nn.BatchNorm1d(D), "alone")])
def test_layers_in_their_mode_of_training_are_found(layer: nn.Module, why: str):
    class Trained(Masked):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x):
            z = self.layer(self.logits(x))
            return -nn.functional.binary_cross_entropy_with_logits(z, x, reduction="none").sum(1)

    net = Trained().double()
    assert "repeats" in failed(other(net, logits=None, factors=None, sample=None))
    if isinstance(layer, nn.Dropout):
        assert failed(other(net.eval(), logits=None, factors=None, sample=None)) == set()


def test_a_sigmoid_that_is_taken_twice_is_found():
    class Twice(Masked):
        def forward(self, x):
            z = torch.sigmoid(self.logits(x))
            return -nn.functional.binary_cross_entropy_with_logits(z, x, reduction="none").sum(1)

    assert {"factors sum to one", "sampler"} <= failed(other(Twice().double()))
    assert "sampler" in failed(other(Twice().double(), logits=None, factors=None))


def test_a_network_of_16_bits_is_found():
    net = Masked().to(torch.bfloat16)
    assert "log_prob" in failed(other(net, logits=None, factors=None, sample=None))


def _made(**settings: Any) -> MADE:
    rows = np.random.default_rng(0).integers(0, 2, (200, D))
    return MADE(hidden=12, epochs=1, random_state=0, **settings).fit(rows)


def test_a_mask_of_the_package_that_is_spoiled_is_found():
    model = _made(direct=False)
    assert failed(model, draws=2000) == set()
    with torch.no_grad():
        model.network_.masks[0].fill_(1.0)
    spoiled = chainrule.audit(model, draws=2000)
    assert spoiled.failed == ["factorisation (Jacobian)"]  # its loops read bands, and no masks
