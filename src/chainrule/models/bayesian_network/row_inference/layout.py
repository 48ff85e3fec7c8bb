"""What the loops over rows read and write, by name; inside them every field but a number is a pointer."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["DRAW", "MAXIMUM", "MOST", "SUM", "Net", "Room", "room_sizes"]

SUM, MAXIMUM, DRAW = 0, 1, 2  # what is asked

MOST = 2**16  # entries of all tables of a row: half a megabyte, and 0.1 ms


class Net(NamedTuple):
    """A network of d variables as flat arrays, n of which have several states and a place in the order of elimination.

    A *family* is a variable with its parents; ``cliques`` hold for each bucket the variables that can meet in it where
    nothing is known, last places first, so that its own variable is the last.
    """

    d: Any
    n: Any
    widest: Any  # variables of the largest clique
    sizes: Any  # (d,): states
    families: Any  # (d + 1,): where each family begins in members
    tables: Any  # (d,): where each table begins in values
    places: Any  # (d,): in the order of elimination, n for a constant
    members: Any  # the variables of all families
    strides: Any  # how far apart their entries are in the table
    values: Any  # all tables
    least: Any  # (d,): the least positive entry of each
    upward: Any  # (d,): the variables, children first
    order: Any  # (n,): the variable that each bucket sums out
    cliques: Any
    begins: Any  # (n + 1,): where each clique begins
    owns: Any  # (n + 1,): where the states of each variable in ``order`` begin


class Room(NamedTuple):
    """What is written while a row is answered; *item* v is the table of family v, d + i the message of bucket i."""

    matters: Any  # (d,): whether a variable is known or above one that is
    free: Any  # (d,): whether it matters and is not known
    met: Any  # (d,): whether an item of the bucket has an axis for it
    along: Any  # (d,): which axis of the bucket it is
    heads: Any  # (n,): the first item of each bucket, -1 for none
    axes: Any  # (n,): of each bucket
    nexts: Any  # (d + n,): the item after each
    bases: Any  # (d + n,): where it is read for what is known
    at: Any  # (d + n,): where it is read now, by its number in the bucket
    steps: Any  # (d + n, widest): its strides, likewise
    count: Any  # (widest,): states of the axes
    scopes: Any  # as cliques: the free variables of each bucket
    low: Any  # (d + n,): the least positive entry of each item, or less
    own: Any  # by owns: of each bucket the product of the items over its variable alone
    shares: Any  # of the states of one variable
    scale: Any  # (2,): the logarithm of what was divided by, and a factor whose logarithm is to be added
    messages: Any  # (MOST,)


def room_sizes(d: int, n: int, widest: int, cliques: int, states: int, most_states: int) -> tuple[int, int]:
    """How many integers and how many numbers ``make_room`` needs."""
    integers = 4 * d + 2 * n + (3 + widest) * (d + n) + widest + cliques
    return integers, d + n + states + most_states + 2 + MOST
