"""Masks that make an autoencoder autoregressive: orderings, degrees, masks, and the proof that they work.

Words.  An *ordering* lists the variables (0-based columns) as they are generated: x2, x4, x1, x3 is
``[1, 3, 0, 2]``.  The *number* of a variable is its place in the ordering, counted from 1.  The *degree* m
of a hidden unit says that it may see the variables numbered 1..m and no other.  One rule per layer:

    first hidden layer     unit of degree m sees the inputs numbered t <= m
    next hidden layers     unit of degree m sees the units of degree m' <= m
    output layer           output numbered t sees the units of degree m < t

Along any path input -> ... -> output the numbers obey  t_in <= m_1 <= ... <= m_L < t_out,  so the output of
a variable depends only on variables strictly before it.  A mask has the shape (out, in) of the weight it
multiplies.

Source: Germain, Gregor, Murray, Larochelle, "MADE: Masked Autoencoder for Distribution Estimation" (2015),
equations 12 and 13 and section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.models.shared.ordering import listed, parse_ordering, positions

__all__ = [
    "Scheme",
    "assign_degrees",
    "build_masks",
    "check_autoregressive",
    "connectivity",
    "direct_mask",
    "reachability",
]

Scheme = Literal["even", "random"]

_EXACT_IN_FLOAT64 = 2.0**53


def assign_degrees(
    d: int, hidden: Sequence[int], *, rng: RandomState = None, scheme: Scheme = "even"
) -> list[NDArray[np.intp]]:
    """A degree from 1..d-1 for each hidden unit, one array (h,) per hidden layer.

    ``"even"`` spreads the degrees evenly (no randomness), ``"random"`` draws them uniformly from ``rng``.  In
    both, no degree lies below the lowest of the layer before, since such a unit would see nothing.  With
    d = 1 there is nothing to see: every degree is 0 and the output is a constant.  Raises ``InputError``.

    >>> [m.tolist() for m in assign_degrees(4, [4, 3])]
    [[1, 2, 2, 3], [1, 2, 3]]
    """
    d = check_integer(d, "the number of variables")
    if scheme not in ("even", "random"):
        raise InputError(
            f"the scheme of degrees is 'even' or 'random'; got {scheme!r}; choose one of the two"
        )
    generator = as_generator(rng) if scheme == "random" else None
    degrees: list[NDArray[np.intp]] = []
    lowest = min(1, d - 1)
    for size in hidden:
        h = check_integer(size, "the size of a hidden layer")
        if generator is None:
            # midpoints of h equal parts of lowest..d-1: uniform, none left out once h >= d - lowest
            layer = lowest + (2 * np.arange(h, dtype=np.intp) + 1) * (d - lowest) // (2 * h)
        else:
            layer = generator.integers(lowest, max(d, lowest + 1), size=h, dtype=np.intp)
        degrees.append(layer if d > 1 else np.zeros(h, dtype=np.intp))
        lowest = int(degrees[-1].min())
    return degrees


def build_masks(ordering: ArrayLike, degrees: Sequence[ArrayLike]) -> list[NDArray[np.bool_]]:
    """One mask per linear layer, (out, in), from the rules at the top of this file.

    Without hidden layers the one mask is ``direct_mask``.  Raises ``InputError`` for an ordering that is no
    permutation or a degree outside 0..d-1.

    >>> [m.astype(int).tolist() for m in build_masks([1, 0], [[1]])]
    [[[0, 1]], [[1], [0]]]
    """
    o = parse_ordering(listed(ordering))
    number = positions(o) + 1
    layers = _checked_degrees(degrees, o.size)
    if not layers:
        return [direct_mask(o)]
    seen = [number, *layers[:-1]]
    hidden = [m[:, None] >= below[None, :] for m, below in zip(layers, seen, strict=True)]
    return [*hidden, number[:, None] > layers[-1][None, :]]


def direct_mask(ordering: ArrayLike) -> NDArray[np.bool_]:
    """The mask (d, d) of connections straight from input to output: strictly earlier in the ordering.

    >>> direct_mask([1, 0]).astype(int).tolist()
    [[0, 1], [0, 0]]
    """
    number = positions(ordering)
    return number[:, None] > number[None, :]


def connectivity(masks: Sequence[ArrayLike]) -> NDArray[Any]:
    """The number of paths from input j (column) to output i (row): the product of the masks, (d, d).

    Exact: int64 below 2^53 paths, Python integers (slower) above.

    >>> connectivity(build_masks([1, 0], [[1, 1]])).tolist()
    [[0, 2], [0, 0]]
    """
    chain = _checked_chain(masks)
    product = chain[0].astype(np.float64)
    for mask in chain[1:]:
        product = mask.astype(np.float64) @ product
    if product.max(initial=0.0) < _EXACT_IN_FLOAT64:  # every partial sum was smaller still, hence exact
        return product.astype(np.int64)
    exact = chain[0].astype(np.int64).astype(object)
    for mask in chain[1:]:
        exact = mask.astype(np.int64).astype(object) @ exact
    return exact


def reachability(masks: Sequence[ArrayLike]) -> NDArray[np.bool_]:
    """Whether any path leads from input j (column) to output i (row), (d, d); quick at any size.

    >>> reachability(build_masks([1, 0], [[1, 1]])).astype(int).tolist()
    [[0, 1], [0, 0]]
    """
    chain = _checked_chain(masks)
    reached = chain[0]
    for mask in chain[1:]:
        reached = mask.astype(np.float32) @ reached.astype(np.float32) > 0
    return reached


def check_autoregressive(masks: Sequence[ArrayLike], ordering: ArrayLike) -> None:
    """Raise ``InputError``, naming the pair, where an output reaches an input not strictly before it.

    >>> check_autoregressive(build_masks([1, 0], [[1]]), [1, 0])
    """
    o = parse_ordering(listed(ordering))
    reached = reachability(masks)
    if reached.shape != (o.size, o.size):
        raise InputError(
            f"the masks lead from {reached.shape[1]} inputs to {reached.shape[0]} outputs, the ordering has "
            f"{o.size} variables; pass masks and ordering of the same network"
        )
    forbidden = np.argwhere(reached & ~direct_mask(o))
    if forbidden.size:
        i, j = forbidden[0]
        order = ", ".join(f"x{v + 1}" for v in o[:12]) + (", …" if o.size > 12 else "")
        raise InputError(
            f"output x{i + 1} depends on input x{j + 1}, which does not come before it in the order {order}; "
            "build the masks with build_masks"
        )


# Helpers -------------------------------------------------------------------------------------------------


def _checked_degrees(degrees: Sequence[ArrayLike], d: int) -> list[NDArray[np.intp]]:
    layers = []
    for number, given in enumerate(degrees, 1):
        m = np.asarray(given)
        if m.ndim != 1 or m.size == 0 or m.dtype.kind not in "iu":
            raise InputError(
                f"the degrees of hidden layer {number} must be a list of integers; got {given!r}"
            )
        if m.min() < 0 or m.max() > d - 1:
            raise InputError(
                f"a degree lies from 1 to {d - 1}, one less than the number of variables (0: sees nothing); "
                f"hidden layer {number} has {m.min() if m.min() < 0 else m.max()}; choose within the range"
            )
        layers.append(m.astype(np.intp))
    return layers


def _checked_chain(masks: Sequence[ArrayLike]) -> list[NDArray[np.bool_]]:
    chain = [np.asarray(m).astype(bool) for m in masks]
    if not chain or any(m.ndim != 2 for m in chain):
        raise InputError(
            "masks must be a non-empty list of matrices (out, in), first layer first; pass such a list"
        )
    for number, (lower, upper) in enumerate(pairwise(chain), 1):
        if upper.shape[1] != lower.shape[0]:
            raise InputError(
                f"mask {number + 1} takes {upper.shape[1]} units, mask {number} gives {lower.shape[0]}; "
                "pass the masks of one network, first layer first"
            )
    return chain
