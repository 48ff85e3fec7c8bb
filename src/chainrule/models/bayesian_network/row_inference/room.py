"""The room of the loops over rows, cut out of two arrays."""

from __future__ import annotations

from chainrule.compiled.caching import loop
from chainrule.compiled.vectors import pointer
from chainrule.models.bayesian_network.row_inference.layout import Room

__all__ = ["make_room"]


@loop
def make_room(net, integers, numbers, states, most_states):
    """The room as parts of two arrays, which must outlive it."""
    d, n = net.d, net.n
    a, b = 4 * d + 2 * n, d + n
    c = a + (3 + net.widest) * b
    for v in range(d):
        integers[2 * d + v] = 0  # met
        numbers[v] = net.least[v]
    return Room(
        pointer(integers, 0),
        pointer(integers, d),
        pointer(integers, 2 * d),
        pointer(integers, 3 * d),
        pointer(integers, 4 * d),
        pointer(integers, 4 * d + n),
        pointer(integers, a),
        pointer(integers, a + b),
        pointer(integers, a + 2 * b),
        pointer(integers, a + 3 * b),
        pointer(integers, c),
        pointer(integers, c + net.widest),
        pointer(numbers, 0),
        pointer(numbers, b),
        pointer(numbers, b + states),
        pointer(numbers, b + states + most_states),
        pointer(numbers, b + states + most_states + 2),
    )
