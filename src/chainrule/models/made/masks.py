"""Masks that make an autoencoder follow a graph: degrees, masks, and what a product of masks lets through.

Words.  An *ordering* lists the variables (0-based columns) as they are generated: x2, x4, x1, x3 is
``[1, 3, 0, 2]``.  The *number* of a variable is its place in the ordering, counted from 1.  The *degree* m
of a hidden unit says that it may see the variables numbered 1..m and no other.  One rule per layer:

    first hidden layer     unit of degree m sees the inputs numbered t <= m
    next hidden layers     unit of degree m sees the units of degree m' <= m
    output layer           output numbered t sees the units of degree m < t

Along any path input -> ... -> output the numbers obey  t_in <= m_1 <= ... <= m_L < t_out,  so the output of
a variable depends only on variables strictly before it.  A mask has the shape (out, in) of the weight it
multiplies.

Any DAG.  The variables 1..m are the parents of variable number m + 1, so a degree names the variable whose
parents a unit may see.  With P(m) for these parents, m counted from 0, the three rules are

    first hidden layer     unit of degree m sees the inputs in P(m)
    next hidden layers     unit of degree m sees the units of degree m' with P(m') a part of P(m)
    output layer           output of place t sees the units of degree m with P(m) a part of P(t)

and along any path the input is in P(m_1), a part of P(m_2), ..., a part of the parents of the output.

Sources: Germain, Gregor, Murray, Larochelle, "MADE: Masked Autoencoder for Distribution Estimation" (2015),
equations 12 and 13 and section 4.2.  Sets in place of degrees, for any adjacency, are zuko's rule for masked
networks (Rozet and others, ``MaskedMLP``); there a unit may have the parents of any output as well.
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
from chainrule.core.text import as_written
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.ordering import Ordering

__all__ = [
    "Graph",
    "Scheme",
    "assign_degrees",
    "build_masks",
    "check_autoregressive",
    "checked_chain",
    "connectivity",
    "direct_mask",
    "reachability",
]

Graph = Factorization | Ordering  # an ordering stands for the complete graph in that order
Scheme = Literal["even", "random"]

_EXACT_IN_FLOAT64 = 2.0**53


def assign_degrees(
    graph: int | Factorization, hidden: Sequence[int], *, rng: RandomState = None, scheme: Scheme = "even"
) -> list[NDArray[np.intp]]:
    """A degree for each hidden unit, one array (h,) per hidden layer; ``graph`` d stands for d in an order.

    ``"even"`` spreads the degrees evenly (no randomness), ``"random"`` draws them uniformly from ``rng``.  Both
    choose from 1..d-1, or of a DAG from one variable for each set of parents, but for the empty set; and in the
    next layers only from what some unit of the layer before is a part of, since other units would see nothing.
    Without any parents there is nothing to see: every degree is 0.  Raises ``InputError``.

    >>> [m.tolist() for m in assign_degrees(4, [4, 3])]
    [[1, 2, 2, 3], [1, 2, 3]]
    >>> [m.tolist() for m in assign_degrees(Factorization.of_dag("a -> b; a -> c -> d", list("abcd")), [4])]
    [[1, 1, 3, 3]]
    """
    if not isinstance(graph, Factorization):
        graph = Factorization.of_order("natural", d=check_integer(graph, "the number of variables"))
    if not isinstance(scheme, str) or scheme not in ("even", "random"):
        raise InputError(
            f"the scheme of degrees is 'even' or 'random'; got {as_written(scheme)}; choose one of the two"
        )
    generator = as_generator(rng) if scheme == "random" else None
    degrees: list[NDArray[np.intp]] = []
    choices = _distinct(graph)
    for size in hidden:
        h, n = check_integer(size, "the size of a hidden layer"), len(choices)
        if generator is None:
            # midpoints of h equal parts: uniform, none left out once h >= n
            chosen = (2 * np.arange(h, dtype=np.intp) + 1) * n // (2 * h)
        else:
            chosen = generator.integers(0, n, size=h, dtype=np.intp)
        degrees.append(choices[chosen])
        choices = choices[_sees(graph, choices, np.unique(degrees[-1])).any(axis=1)]
    return degrees


def build_masks(graph: Graph, degrees: Sequence[ArrayLike]) -> list[NDArray[np.bool_]]:
    """One mask per linear layer, (out, in), from the rules at the top of this file.

    Without hidden layers the one mask is ``direct_mask``.  Raises ``InputError`` for an ordering that is no
    permutation or a degree outside 0..d-1.

    >>> [m.astype(int).tolist() for m in build_masks([1, 0], [[1]])]
    [[[0, 1]], [[1], [0]]]
    """
    f = Factorization.of(graph)
    layers = _checked_degrees(degrees, len(f))
    if not layers:
        return [direct_mask(f)]
    first = f.parents[f.order[layers[0]]]
    hidden = [_sees(f, above, below) for below, above in pairwise(layers)]
    return [first, *hidden, _sees(f, f.place, layers[-1])]


def direct_mask(graph: Graph) -> NDArray[np.bool_]:
    """The mask (d, d) of connections straight from input to output: the parents themselves.

    >>> direct_mask([1, 0]).astype(int).tolist()
    [[0, 1], [0, 0]]
    """
    return Factorization.of(graph).parents.copy()


def connectivity(masks: Sequence[ArrayLike]) -> NDArray[Any]:
    """The number of paths from input j (column) to output i (row): the product of the masks, (d, d).

    Exact: int64 below 2^53 paths, Python integers (slower) above.

    >>> connectivity(build_masks([1, 0], [[1, 1]])).tolist()
    [[0, 2], [0, 0]]
    """
    chain = checked_chain(masks)
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
    chain = checked_chain(masks)
    reached = chain[0]
    for mask in chain[1:]:
        reached = _meet(mask, reached)
    return reached


def check_autoregressive(masks: Sequence[ArrayLike], graph: Graph) -> None:
    """Raise ``InputError``, naming the pair, where an output reaches an input that is none of its parents.

    >>> check_autoregressive(build_masks([1, 0], [[1]]), [1, 0])
    """
    f, reached = Factorization.of(graph), reachability(masks)
    if reached.shape != (len(f), len(f)):
        raise InputError(
            f"the masks lead from {reached.shape[1]} inputs to {reached.shape[0]} outputs, the ordering has "
            f"{len(f)} variables; pass masks and ordering of the same network"
        )
    forbidden = np.argwhere(reached & ~f.parents)
    if forbidden.size:
        i, j = forbidden[0]
        order = ", ".join(f.names[v] for v in f.order[:12]) + (", …" if len(f) > 12 else "")
        why = f"does not come before it in the order {order}" if f.is_order else "is none of its parents"
        raise InputError(
            f"output {f.names[i]} depends on input {f.names[j]}, which {why}; build the masks with build_masks"
        )


def checked_chain(masks: Sequence[ArrayLike]) -> list[NDArray[np.bool_]]:
    """Masks of one network as booleans, first layer first; ``InputError`` where one does not fit the next."""
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


# Helpers -------------------------------------------------------------------------------------------------


def _distinct(f: Factorization) -> NDArray[np.intp]:
    """A degree for each set of parents but the empty one, those first that are known first; else just 0."""
    if f.is_order:
        return np.arange(min(1, len(f) - 1), len(f))
    sets = np.packbits(f.parents[f.order], axis=1)
    found = np.sort(np.unique(sets, axis=0, return_index=True)[1])
    found = found[f.reach[found] > 0]
    return found[np.argsort(f.reach[found], kind="stable")] if found.size else np.zeros(1, np.intp)


def _sees(f: Factorization, above: NDArray[np.intp], below: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether what a degree ``below`` may see is a part of what one ``above`` may, (above, below)."""
    if f.is_order:
        return above[:, None] >= below[None, :]
    high, at_high = np.unique(above, return_inverse=True)
    low, at_low = np.unique(below, return_inverse=True)
    sets = f.parents[f.order]
    return ~_meet(~sets[high], sets[low].T)[np.ix_(at_high, at_low)]


def _meet(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a row of ``a`` and a column of ``b`` are true in the same place."""
    return a.astype(np.float32) @ b.astype(np.float32) > 0


def _checked_degrees(degrees: Sequence[ArrayLike], d: int) -> list[NDArray[np.intp]]:
    layers = []
    for number, given in enumerate(degrees, 1):
        m = np.asarray(given)
        if m.ndim != 1 or m.size == 0 or m.dtype.kind not in "iu":
            raise InputError(
                f"the degrees of hidden layer {number} must be a list of integers; got {as_written(given)}"
            )
        if m.min() < 0 or m.max() > d - 1:
            raise InputError(
                f"a degree lies from 1 to {d - 1}, one less than the number of variables (0: sees nothing); "
                f"hidden layer {number} has {m.min() if m.min() < 0 else m.max()}; choose within the range"
            )
        layers.append(m.astype(np.intp))
    return layers
