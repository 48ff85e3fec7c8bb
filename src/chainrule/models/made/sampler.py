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
from chainrule.models.made.staircase import StaircaseWeight
from chainrule.models.shared.remembered import Remembered

if TYPE_CHECKING:
    from chainrule.models.made.network import MADENetwork

__all__ = ["Layout", "draw", "layout_of"]

_LINE = 64  # bytes of a cache line, and of the widest vector
_FEW = 2  # rows per thread that are drawn one by one; three take longer so than a tile of 32


class Layout(NamedTuple):
    """Parameters of one network by unit, sorted by degree; words as in ``sampling_loops``.

    Matrix l leads from level l to the next, of which the last are the logits; with direct connections one more
    leads from the variables to the logits.  Row k of matrix l begins at ``weights[begins[l] + k * strides[l]]``
    and has zeros where a unit must not look, and up to its end.  The units of level l have the states
    ``bases[l]`` and following of a row; those of the logits are those of the variables, ``bases[levels] = 0``.
    ``biases`` holds the bias of each unit at its state, for the variables that of the logit.
    """

    order: NDArray[np.int64]  # (d,)
    seen: NDArray[np.int64]  # (levels + 1, d + 2)
    begins: NDArray[np.int64]  # (matrices,)
    strides: NDArray[np.int64]  # (matrices,)
    bases: NDArray[np.int64]  # (levels + 1,)
    weights: NDArray[Any]
    biases: NDArray[Any]  # (states,)


def draw(
    network: MADENetwork, uniforms: NDArray[np.float64], given: NDArray[np.float64] | None = None
) -> NDArray[np.uint8]:
    """Rows (n, d) in {0, 1}: variable t of the order is on where ``uniforms[:, t]`` is below its probability.

    Entries of ``given`` (n, d), by variable, that are not NaN are taken as they are; None gives nothing.
    The arrays may have any strides.  Raises ``ShapeError`` if the shapes do not fit.
    """
    layout = layout_of(network)
    d = len(layout.order)
    _check(uniforms, "uniforms", (len(uniforms), d))
    flat_u, u_strides = _flat(uniforms)
    flat_g, g_strides = _flat(np.empty((0, d)))
    if given is not None:
        _check(given, "given", uniforms.shape)
        flat_g, g_strides = _flat(given)
    threads = use_threads()
    one_by_one = len(uniforms) <= _FEW * threads
    return made_sample(flat_u, u_strides, flat_g, g_strides, len(uniforms), threads, one_by_one, *layout)


@torch.no_grad()
def _build(network: MADENetwork) -> Layout:
    order = network.ordering.cpu().numpy().copy()
    d, dtype = len(order), network.biases[0].dtype
    line = _LINE // dtype.itemsize
    degrees = [np.arange(1, d + 1), *(np.sort(m) for m in network.degrees), np.arange(d)]  # last: the logits
    seen = np.stack([np.searchsorted(m, np.arange(d + 2)) for m in degrees])
    bases = np.cumsum([0, *(-(-len(m) // line) * line for m in degrees[:-1])])
    biases = torch.zeros(int(bases[-1]), dtype=dtype)
    bases[-1] = 0
    places = [*(np.argsort(m, kind="stable") for m in network.degrees), order]
    for at, units, bias in zip(bases[1:], places, network.biases, strict=True):
        biases[at : at + len(units)] = bias.cpu()[torch.from_numpy(units)]
    # level below, and degrees of the units that a matrix leads to
    leads = [*enumerate(degrees[1:]), *([(0, degrees[-1])] if network.direct else [])]
    strides = np.array([_odd_lines(len(degrees[below]), line) for below, _ in leads])
    begins = np.cumsum([0, *(len(m) * stride for (_, m), stride in zip(leads, strides, strict=True))])
    weights = _aligned_zeros(int(begins[-1]), dtype)
    for i, (layer, (below, m)) in enumerate(zip(network.layers, leads, strict=True)):
        assert isinstance(layer, StaircaseWeight)
        values = (
            layer.dense()
        )  # one row per logit, or, where it does not lead from units to logits, per input
        to = weights[begins[i] : begins[i + 1]].view(len(m), strides[i])[:, : len(degrees[below])]
        to.copy_(values if i == len(network.degrees) else values.T)
        reads = torch.from_numpy(seen[below, m + 1])
        to.masked_fill_(torch.arange(to.shape[1]) >= reads[:, None], 0)
    return Layout(order, seen, begins[:-1], strides, bases, weights.numpy(), biases.numpy())


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


def _flat(a: NDArray[Any]) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The numbers of a matrix as one contiguous array, and how far apart its rows and columns are in it.

    It is of one type (contiguous, read-only), so that the kernel is compiled once.  A matrix is only copied if it
    runs backwards or has another dtype.
    """
    a = np.asarray(a, np.float64)
    steps = [s // a.itemsize for s in a.strides]
    if a.size == 0 or min(steps) < 0 or any(s % a.itemsize for s in a.strides) or not a.flags.aligned:
        a = np.ascontiguousarray(a)
        steps = [a.shape[1], 1]
    reach = (a.shape[0] - 1) * steps[0] + (a.shape[1] - 1) * steps[1] + 1 if a.size else 0
    flat = np.lib.stride_tricks.as_strided(a, (reach,), (a.itemsize,), writeable=False)
    return flat, (steps[0], steps[1])


layout_of = Remembered(_build)
"""The arrays for the present parameters of a network; made again only if one of these has changed."""
