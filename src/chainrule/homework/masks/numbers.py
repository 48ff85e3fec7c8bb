"""What problem 6 measures: what reaches what, what each rule is for, how many solutions there are."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.enumeration import all_states
from chainrule.evaluate.factorization import allowed_dependence, jacobian_dependence
from chainrule.graphs import DAG
from chainrule.homework.masks.worked_masks import MaskExplanation
from chainrule.models.made.masks import (
    assign_degrees,
    build_masks,
    check_autoregressive,
    direct_mask,
    reachability,
)
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.ordering import parse_ordering, positions

__all__ = ["break_rules", "count_solutions", "prove", "work_larger"]


def prove(e: MaskExplanation, dag: DAG, network: MADENetwork, rng: np.random.Generator) -> dict[str, Any]:
    """Paths, Jacobian and the full DAG side by side, and the sum of the network's probabilities."""
    allowed = allowed_dependence(dag, e.ordering.size)
    generic = jacobian_dependence(network, e.ordering.size, rng=rng)
    own = jacobian_dependence(network, e.ordering.size, generic=False, rng=rng)
    return {
        "factorization": dag.factorization().latex(),
        "paths": e.paths,
        "jacobian": generic,
        "allowed": allowed.astype(np.int64),
        "n_forbidden": int((~allowed).sum()),
        "n_allowed": int(allowed.sum()),
        "forbidden_paths": int((e.paths[~allowed] > 0).sum()),
        "allowed_with_path": int((e.paths[allowed] > 0).sum()),
        "forbidden_jacobian_not_zero": int((generic[~allowed] != 0).sum()),
        "forbidden_jacobian_not_zero_own_weights": int((own[~allowed] != 0).sum()),
        "allowed_jacobian_not_zero": int((generic[allowed] != 0).sum()),
        "total_probability": _total_probability(network, e.masks),
    }


def _total_probability(network: MADENetwork, masks: list[NDArray[np.bool_]]) -> float:
    """Sum over all states of the product of the outputs, whatever the masks."""
    states = torch.from_numpy(all_states(masks[0].shape[1]))
    with torch.no_grad():
        log_p = network.log_prob(states, [torch.from_numpy(m) for m in masks]).numpy()
    return float(np.exp(log_sum_exp(log_p)))


def break_rules(e: MaskExplanation, network: MADENetwork) -> list[dict[str, Any]]:
    """Each rule replaced by a plausible mistake: what then looks ahead, and what the outputs sum to."""
    d, top = e.ordering.size, e.degrees[-1]
    number = positions(e.ordering) + 1
    loose_output = [*e.masks[:-1], number[:, None] >= top[None, :]]
    strict_input = [number[None, :] < e.degrees[0][:, None], *e.masks[1:]]
    no_middle = [e.masks[0], np.ones_like(e.masks[1]), *e.masks[2:]]
    variants = [
        ("the rules as they are", e.masks),
        ("number = index of the variable, not its place in the order", build_masks(np.arange(d), e.degrees)),
        ("outputs see units of degree ≤ their number", loose_output),
        ("no mask between the hidden layers", no_middle),
        ("first hidden layer sees inputs numbered < its degree", strict_input),
    ]
    return [_variant(name, masks, e, network) for name, masks in variants]


def _variant(
    name: str, masks: list[NDArray[np.bool_]], e: MaskExplanation, network: MADENetwork
) -> dict[str, Any]:
    allowed, reached = direct_mask(e.ordering), reachability(masks)
    try:
        check_autoregressive(masks, e.ordering)
        verdict = "respects the order"
    except InputError as error:
        verdict = str(error).split(";")[0]
    return {
        "rule": name,
        "looks_ahead": int((reached & ~allowed).sum()),
        "misses": int((allowed & ~reached).sum()),
        "check": verdict,
        "total_probability": _total_probability(network, masks),
    }


def count_solutions(e: MaskExplanation) -> dict[str, Any]:
    """Every assignment of degrees 1..d-1 to the hidden units, tried one by one."""
    d, sizes = e.ordering.size, [len(m) for m in e.degrees]
    splits = np.cumsum(sizes)[:-1]
    allowed = direct_mask(e.ordering)
    valid = complete = idle = 0
    shapes, complete_shapes = set(), set()
    for flat in itertools.product(range(1, d), repeat=sum(sizes)):
        degrees = np.split(np.array(flat), splits)
        reached = reachability(build_masks(e.ordering, degrees))
        shape = tuple(tuple(sorted(m.tolist())) for m in degrees)
        valid += not (reached & ~allowed).any()
        shapes.add(shape)
        if (reached == allowed).all():
            complete += 1
            complete_shapes.add(shape)
        idle += any(above.min() < below.min() for below, above in itertools.pairwise(degrees))
    return {
        "assignments": (d - 1) ** sum(sizes),
        "autoregressive": valid,
        "complete": complete,
        "with_a_unit_that_sees_nothing": idle,
        "up_to_relabelling": len(shapes),
        "complete_up_to_relabelling": len(complete_shapes),
    }


def work_larger(d: int, hidden: list[int], rng: np.random.Generator) -> dict[str, Any]:
    """The same construction for a random order of ``d`` inputs, checked."""
    order = parse_ordering("random", d, rng=rng)
    masks = build_masks(order, assign_degrees(d, hidden, rng=rng, scheme="random"))
    reached, allowed = reachability(masks), direct_mask(order)
    return {
        "inputs": d,
        "hidden": hidden,
        "connections": sum(m.size for m in masks),
        "kept": sum(int(m.sum()) for m in masks),
        "looks_ahead": int((reached & ~allowed).sum()),
        "allowed_pairs": int(allowed.sum()),
        "connected_pairs": int((reached & allowed).sum()),
    }
