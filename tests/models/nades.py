"""Random NADEs, their definition in float64, and what being the same means: for several test files.

The definition is ``models/nade/definition.py``, plain torch with autograd, which test_networks.py checks against an
oracle that shares no code with the package.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from chainrule.compiled.calls import use_threads
from chainrule.models.nade import definition, samplers, walks
from chainrule.models.nade.network import Activation, NADENetwork
from chainrule.models.shared.likelihood import categorical_terms

__all__ = [
    "ACTIVATIONS",
    "DTYPES",
    "NATS",
    "TOLERANCE",
    "assert_right",
    "binary_rows",
    "by_definition",
    "distance",
    "draws_by_definition",
    "extreme_nade",
    "free",
    "gradients",
    "in_double",
    "logits_by_definition",
    "random_nade",
    "rows_of_codes",
    "seeds",
    "torch_threads",
    "widths",
]

DTYPES = [torch.float32, torch.float64]
ACTIVATIONS: list[Activation] = ["relu", "sigmoid"]
# Of a gradient, against its largest entry.  float32 has rounding errors of 6e-8 and some hundred additions
# whose errors mostly cancel: test_nade_kernels.py states what was measured.  float64 has digits to spare.
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-9}
NATS = {torch.float32: 2e-4, torch.float64: 1e-9}  # of a row's likelihood
# relu has two slopes at zero, and rounding decides on which side a state is that is nearer to it
_TIE = {torch.float32: 3e-6, torch.float64: 1e-13}

seeds = st.integers(0, 2**31)
widths = st.one_of(st.integers(1, 70), st.sampled_from([1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 32, 33, 64, 65]))


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """torch, and so the compiled loops, with ``n`` threads, however little there is to do."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for module in (walks, samplers):
                patch.setattr(module, "use_threads", lambda work=None: use_threads())
            yield
    finally:
        torch.set_num_threads(before)


def random_nade(
    sizes: int | Sequence[int],
    h: int,
    seed: int = 0,
    activation: Activation = "relu",
    dtype: torch.dtype = torch.float64,
    scale: float = 0.3,
) -> tuple[NADENetwork, np.random.Generator]:
    """A network whose parameters are all random, in a random order, and a generator for its rows.

    ``sizes`` are the numbers of states, or one number of binary variables.
    """
    d = sizes if isinstance(sizes, int) else len(sizes)
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    net = NADENetwork(sizes, h, rng.permutation(d), activation=activation, generator=g).to(dtype)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(scale * torch.randn(p.shape, generator=g))
    return net, rng


def extreme_nade(
    d: int, h: int, dtype: torch.dtype = torch.float64
) -> tuple[NADENetwork, np.random.Generator]:
    """A network whose sigmoids get whole multiples of 1e4, which float32 adds and takes away exactly."""
    net, rng = random_nade(d, h, 0, "sigmoid", dtype)
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in (net.W, net.c):
            p.copy_(1e4 * torch.randint(-1, 2, p.shape, generator=g))
    return net, rng


def binary_rows(rng: np.random.Generator, n: int, d: int, share: float = 0.3) -> Tensor:
    """Rows (n, d) of 0 and 1, uint8."""
    return torch.from_numpy((rng.random((n, d)) < share).astype(np.uint8))


def rows_of_codes(rng: np.random.Generator, n: int, sizes: Sequence[int]) -> Tensor:
    """Rows (n, d) of codes, int64, each state as likely as the others."""
    return torch.from_numpy((rng.random((n, len(sizes))) * np.array(sizes)).astype(np.int64))


def free(uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """What gives no variable of these draws."""
    return np.full(uniforms.shape, -1)


def in_double(net: Any) -> Any:
    """A copy in float64."""
    return copy.deepcopy(net).double()


def logits_by_definition(net: NADENetwork, x: Tensor, order: Tensor | None = None) -> Tensor:
    """``logits`` of the plain path."""
    weights = definition.Weights(net.W, net.V, net.b, net.c)
    return definition.logits(x, net.ordering if order is None else order, weights, net.activation, net.coding)


def by_definition(net: NADENetwork, x: Tensor) -> Tensor:
    """``log_prob`` of the plain path."""
    return categorical_terms(x, logits_by_definition(net, x), net.coding).sum(1)


def draws_by_definition(
    net: NADENetwork, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.int64]:
    """``sample`` of the plain path."""
    weights = definition.Weights(net.W, net.V, net.b, net.c)
    return definition.draw(uniforms, known, net.ordering, weights, net.activation, net.coding)


def gradients(values: Tensor, weights: Tensor, net: torch.nn.Module) -> list[Tensor]:
    """Of the weighted sum of ``values``, in float64, by parameter."""
    found = torch.autograd.grad((values * weights.to(values)).sum(), list(net.parameters()))
    return [g.double() for g in found]


def distance(got: Tensor, exact: Tensor, least: float = 1e-3) -> float:
    """The largest difference, relative to the largest entry, or to ``least`` where all are smaller."""
    if exact.numel() == 0:
        return 0.0
    return float((got - exact).abs().max() / exact.abs().max().clamp(min=least))


def assert_right(
    net: NADENetwork, x: Tensor, weights: Tensor, nats: float | None = None, least: float = 1e-3
) -> float:
    """``log_prob`` of ``x``, and the gradient of its weighted sum, are those of the definition in float64.

    Hidden units that come too near to relu's kink for rounding to tell their slope are left out of the
    gradients that depend on it; returns their share.  ``least`` as ``distance`` has it.
    """
    dtype, exact_net = net.W.dtype, in_double(net)
    weights = weights.to(dtype).double()
    log_p, exact = net.log_prob(x), by_definition(exact_net, x)
    assert log_p.dtype == dtype
    torch.testing.assert_close(
        log_p.detach().double(),
        exact.detach(),
        rtol=TOLERANCE[dtype],
        atol=NATS[dtype] if nats is None else nats,
    )
    clear = _off_the_kink(exact_net, x, _TIE[dtype])
    got, want = gradients(log_p, weights, net), gradients(exact, weights, exact_net)
    for name, a, b in zip(("W", "V", "b", "c"), got, want, strict=True):
        if name in ("W", "c"):  # the others do not depend on the slope
            a, b = a[..., clear], b[..., clear]
        assert distance(a, b, least) <= TOLERANCE[dtype], name
    return 1 - float(clear.double().mean())


@torch.no_grad()
def _off_the_kink(net: NADENetwork, x: Tensor, tie: float) -> Tensor:
    """Which hidden units (h,) never come nearer to zero than ``tie`` before their activation."""
    if net.activation == "sigmoid":
        return torch.ones(len(net.c), dtype=torch.bool)
    nearest = net.c.abs().clone()
    order = net.coding.order(net.ordering.numpy())
    last = net.coding.sizes[int(net.ordering[-1])] - 1  # nothing reads what the last variable adds
    order = order[: len(order) - last]
    if len(order):
        indicators = torch.from_numpy(net.coding.indicators(x.numpy())[:, order])
        for row in indicators.to(net.W.dtype):
            states = net.c + torch.cumsum(row[:, None] * net.W[order], 0)
            nearest = torch.minimum(nearest, states.abs().amin(0))
    return nearest > tie
