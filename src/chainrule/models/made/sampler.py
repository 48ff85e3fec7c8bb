"""MADE's parameters as its compiled sampler reads them, and the call of that sampler.

The kernel wants every layer as a matrix with one row per unit, units sorted by degree.  Putting the parameters
into that shape costs more than drawing one image, so it is kept until a parameter changes: before each use
all of them are compared, bit for bit, with those that the arrays were made from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.compiled.calls import use_threads
from chainrule.core.errors import ShapeError
from chainrule.models.made.sampling_loops import made_sample
from chainrule.models.shared.remembered import Remembered

if TYPE_CHECKING:
    from chainrule.models.made.network import MADENetwork

__all__ = ["Layout", "check_shapes", "draw", "layout_of"]

_LINE = 64  # bytes of a cache line, and of the widest vector
_FEW = 2  # rows per thread that are drawn one by one; three take longer so than a tile of 32


class Layout(NamedTuple):
    """Parameters of one network by unit, sorted by degree; words as in ``sampling_loops``.

    Matrix l leads from level l to the next, of which the last are the logits; with direct connections one more
    leads from the indicators to the logits.  Row k of matrix l begins at ``weights[begins[l] + k * strides[l]]``
    and has zeros where a unit must not look, and up to its end.  The units of level l have the states
    ``bases[l]`` and following of a row; those of the logits are those of the indicators, ``bases[levels] = 0``.
    ``biases`` holds the bias of each unit at its state, for the indicators that of the logit.  The variable at place
    t has the indicators ``groups[t]`` to ``groups[t + 1]``; ``slots`` is where a tile keeps them while it draws,
    which of binary variables is where they go.
    """

    order: NDArray[np.int64]  # (d,)
    slots: NDArray[np.int64]  # (width,)
    groups: NDArray[np.int64]  # (d + 1,)
    seen: NDArray[np.int64]  # (levels + 1, d + 2)
    begins: NDArray[np.int64]  # (matrices,)
    strides: NDArray[np.int64]  # (matrices,)
    bases: NDArray[np.int64]  # (levels + 1,)
    weights: NDArray[Any]
    biases: NDArray[Any]  # (states,)


def draw(
    network: MADENetwork, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.integer[Any]]:
    """Rows of codes (n, d), the variable at place t of the order by ``uniforms[:, t]``.

    Entries of ``known`` (n, d), by variable, from 0 on are taken as they are.  The arrays may have any strides.
    """
    layout = layout_of(network)
    flat_u, u_strides = _flat(uniforms, np.float64)
    flat_k, k_strides = _NOTHING_KNOWN if known is None else _flat(known, np.int32)
    x = np.empty(uniforms.shape, network.coding.dtype)
    threads = use_threads(len(uniforms) * layout.weights.size)
    one_by_one = len(uniforms) <= _FEW * threads
    if x.size and network.coding.width:
        made_sample(x, flat_u, u_strides, flat_k, k_strides, threads, one_by_one, layout)
    else:
        x[:] = 0  # no variable has a second state
    return x


def check_shapes(
    network: MADENetwork, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None
) -> None:
    """Raise ``ShapeError`` where the arguments of a draw do not fit the network."""
    _check(uniforms, "uniforms", (len(uniforms), len(network.coding.sizes)))
    if known is not None:
        _check(known, "known", uniforms.shape)


@torch.no_grad()
def _build(network: MADENetwork) -> Layout:
    f, coding, dtype = network.factorization, network.coding, network.output_bias.dtype
    d, line = len(f), _LINE // dtype.itemsize
    groups = coding.of_variables(f.order).begins.astype(np.int64)
    of_logits = np.repeat(np.arange(d), np.diff(groups))
    hidden = [f.reach[m] for m in network.degrees]
    degrees = [of_logits + 1, *map(np.sort, hidden), of_logits]  # last: the logits
    seen = np.stack([np.searchsorted(m, np.arange(d + 2)) for m in degrees])
    bases = np.cumsum([0, *(-(-len(m) // line) * line for m in degrees[:-1])])
    biases = torch.zeros(int(bases[-1]), dtype=dtype)
    bases[-1] = 0
    for at, units, bias in zip(bases[1:], network.arrangement[1:], network.biases, strict=True):
        biases[at : at + len(units)] = bias.cpu()[torch.from_numpy(units)]
    # level below, and the number of units that a matrix leads to
    leads = [*enumerate(map(len, degrees[1:])), *([(0, coding.width)] if network.direct else [])]
    strides = np.array([_odd_lines(len(degrees[below]), line) for below, _ in leads])
    begins = np.cumsum([0, *(n * stride for (_, n), stride in zip(leads, strides, strict=True))])
    weights = _aligned_zeros(int(begins[-1]), dtype)
    for i, (layer, (below, n)) in enumerate(zip(network.staircases, leads, strict=True)):
        to = weights[begins[i] : begins[i + 1]].view(n, strides[i])[:, : len(degrees[below])]
        # the last layer has one row per logit, the others one per unit that is read
        values = layer.masked()
        to.copy_(values if i == len(network.degrees) else values.T)
    order = f.order.astype(np.int64)
    slots = order if coding.is_binary else np.arange(coding.width)
    return Layout(order, slots, groups, seen, begins[:-1], strides, bases, weights.numpy(), biases.numpy())


def _odd_lines(n: int, line: int) -> int:
    """``n`` or a little more: an odd number of cache lines, so that rows do not compete for the same ones."""
    return (-(-n // line) | 1) * line


def _aligned_zeros(n: int, dtype: torch.dtype) -> torch.Tensor:
    """Zeros that begin on a cache line."""
    line = _LINE // dtype.itemsize
    a = torch.zeros(n + line, dtype=dtype)
    start = -(a.data_ptr() // dtype.itemsize) % line
    return a[start : start + n]


def _check(a: NDArray[Any], name: str, shape: tuple[int, ...]) -> None:
    if a.shape != shape:
        raise ShapeError(f"{name} has the shape {a.shape}, expected {shape}; pass one row per draw")


def _flat(a: NDArray[Any], dtype: type[np.generic]) -> tuple[NDArray[Any], tuple[int, int]]:
    """The numbers of a matrix as one contiguous array, and how far apart its rows and columns are in it.

    It is of one type (contiguous, read-only), so that the kernel is compiled once.  A matrix is only copied if it
    runs backwards or has another dtype.
    """
    a = np.asarray(a, dtype)
    steps = [s // a.itemsize for s in a.strides]
    if a.size == 0 or min(steps) < 0 or any(s % a.itemsize for s in a.strides) or not a.flags.aligned:
        a = np.ascontiguousarray(a)
        steps = [a.shape[1], 1]
    reach = (a.shape[0] - 1) * steps[0] + (a.shape[1] - 1) * steps[1] + 1 if a.size else 0
    flat = np.lib.stride_tricks.as_strided(a, (reach,), (a.itemsize,), writeable=False)
    return flat, (steps[0], steps[1])


_NOTHING_KNOWN = _flat(np.empty((0, 1)), np.int32)
layout_of = Remembered(_build)
"""The arrays for the present parameters of a network; made again only if one of these has changed."""
