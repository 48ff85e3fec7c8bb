"""Problem 6: masks that turn an autoencoder into an autoregressive model, worked by hand and proved."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.records import Block, Claim, Figure, Formula, Heading, Steps, StudyRecord, Table, Text
from chainrule.evaluate.enumeration import all_states
from chainrule.evaluate.factorization import allowed_dependence, jacobian_dependence
from chainrule.graphs import DAG
from chainrule.homework.context import StudyContext
from chainrule.homework.masks.worked_masks import MaskExplanation, explain_masks
from chainrule.models.made.masks import (
    assign_degrees,
    build_masks,
    check_autoregressive,
    direct_mask,
    reachability,
)
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.ordering import parse_ordering, positions, variable_names

__all__ = ["study"]

_ORDER, _HIDDEN = "x2,x4,x1,x3", [4, 4]
_LARGER = [(1, [3]), (16, [8, 8]), (784, [500]), (784, [500, 500]), (784, [8000])]


def study(context: StudyContext) -> StudyRecord:
    """Work four inputs in the order x2, x4, x1, x3; prove the masks twice; break each rule; count solutions."""
    rng = np.random.default_rng([context.seed, 6])
    e = explain_masks(_ORDER, _HIDDEN)
    dag = DAG.fully_connected([variable_names(e.ordering.size)[i] for i in e.ordering])
    network = MADENetwork(
        e.ordering, e.degrees, generator=torch.Generator().manual_seed(int(rng.integers(2**31)))
    ).double()
    proof = _proof(e, dag, network, rng)
    broken = _broken(e, network)
    counts = _count_solutions(e)
    larger = [_larger(d, hidden, rng) for d, hidden in _LARGER]
    return StudyRecord(
        problem="6",
        title="Masks for an autoregressive autoencoder",
        asks="Find masks that make an autoencoder of four inputs autoregressive in the order x2, x4, x1, x3, "
        "in detail, and show that they do what they should. The solution is not unique.",
        blocks=[
            *_worked_blocks(e),
            *_proof_blocks(e, dag, proof),
            *_broken_blocks(broken),
            *_count_blocks(counts),
            *_larger_blocks(larger),
        ],
        numbers={
            "example": e.to_plain(),
            "proof": proof,
            "broken": broken,
            "solutions": counts,
            "larger": larger,
        },
        claims=_claims(e, proof, broken, counts),
    )


# What is measured ----------------------------------------------------------------------------------------


def _proof(e: MaskExplanation, dag: DAG, network: MADENetwork, rng: np.random.Generator) -> dict[str, Any]:
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


def _broken(e: MaskExplanation, network: MADENetwork) -> list[dict[str, Any]]:
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


def _count_solutions(e: MaskExplanation) -> dict[str, Any]:
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


def _larger(d: int, hidden: list[int], rng: np.random.Generator) -> dict[str, Any]:
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


# What is shown -------------------------------------------------------------------------------------------


def _worked_blocks(e: MaskExplanation) -> list[Block]:
    names = variable_names(e.ordering.size)
    return [
        Heading("The masks, step by step"),
        Text(
            "A mask is a matrix of 0 and 1 with one row per unit and one column per unit below; the weights "
            "are multiplied by it entry by entry, so that a 0 cuts the connection. Three rules fix all masks "
            "once every unit carries a number. The number of a variable is its **place in the order**, not "
            "its index: in this order $x_2$ is number 1 and $x_1$ is number 3."
        ),
        Steps(
            f"Four inputs in the order {', '.join(names[i] for i in e.ordering)}, hidden layers of 4 and 4",
            e.steps,
        ),
        *e.tables,
        Figure(
            "p6-masks",
            "heatmap",
            {"panels": [_mask_panel(e, k) for k in range(len(e.masks))], "annotate": True},
            "The three masks. Each row is a unit, each column a unit of the layer below; 1 keeps the connection. "
            "Numbers and degrees are in brackets.",
            "Three matrices of zeros and ones, four by four.",
        ),
        Figure(
            "p6-network",
            "network",
            _network(e),
            f"What is left of the autoencoder: {sum(int(m.sum()) for m in e.masks)} of "
            f"{sum(m.size for m in e.masks)} connections (dotted: cut). The output of $x_2$ keeps none, since "
            "nothing comes before $x_2$; the unit of degree 3 below the outputs serves $x_3$ alone.",
            "Network of four inputs, two hidden layers of four units and four outputs with the surviving edges.",
        ),
    ]


def _labels(e: MaskExplanation, level: int) -> list[str]:
    """The units of a level (0 the inputs, the last the outputs) with their numbers."""
    if 0 < level <= len(e.degrees):
        return [f"h{level}.{k + 1} ({m})" for k, m in enumerate(e.degrees[level - 1])]
    names = variable_names(e.ordering.size)
    return [f"{name} ({t})" for name, t in zip(names, positions(e.ordering) + 1, strict=True)]


def _mask_panel(e: MaskExplanation, k: int) -> dict[str, Any]:
    last = k == len(e.masks) - 1
    return {
        "title": f"mask {k + 1}: " + ("output layer" if last else f"hidden layer {k + 1}"),
        "values": e.masks[k].astype(np.int64),
        "row_labels": _labels(e, k + 1),
        "column_labels": _labels(e, k),
    }


def _network(e: MaskExplanation) -> dict[str, Any]:
    """Layers, kept and cut connections; an edge is [unit below, unit above]."""
    last = len(e.masks)
    heads = ["inputs", *(f"hidden layer {k}" for k in range(1, last)), "outputs"]
    return {
        "layers": [
            {"name": head, "size": len(_labels(e, k)), "units": _labels(e, k)} for k, head in enumerate(heads)
        ],
        "edges": [np.argwhere(m.T) for m in e.masks],
        "dropped": [np.argwhere(~m.T) for m in e.masks],
    }


def _proof_blocks(e: MaskExplanation, dag: DAG, proof: dict[str, Any]) -> list[Block]:
    names = variable_names(e.ordering.size)
    ordered = [names[i] for i in e.ordering]
    in_order = np.ix_(e.ordering, e.ordering)
    return [
        Heading("Two proofs that nothing looks ahead"),
        Text(
            "**Product of the masks.** Entry $(i, j)$ of the product counts the paths from input $j$ to output "
            "$i$. Along a path the numbers never fall, and the last step rises strictly, so a path from $j$ to "
            "$i$ exists only if $x_j$ comes before $x_i$. "
            f"Of the {proof['n_forbidden']} pairs that the order forbids {proof['forbidden_paths']} have a path; "
            f"of the {proof['n_allowed']} that it allows {proof['allowed_with_path']} have one.\n\n"
            "**Jacobian.** A torch network with these masks is differentiated: $\\partial z_i / \\partial x_j$ for "
            "the logit $z_i$ of each output. All weights are random positive numbers, so that no two paths can "
            "cancel and no unit is switched off; an entry is then zero only where there is no path. "
            f"{proof['forbidden_jacobian_not_zero']} of the {proof['n_forbidden']} forbidden entries differ from "
            f"zero (exactly, not to rounding), and {proof['allowed_jacobian_not_zero']} of the "
            f"{proof['n_allowed']} allowed ones do."
        ),
        Figure(
            "p6-dependence",
            "heatmap",
            {
                "panels": [
                    _matrix("paths", e.paths, names),
                    _matrix("paths, in the order", e.paths[in_order], ordered),
                    _matrix("Jacobian, in the order", proof["jacobian"][in_order].round(4), ordered),
                ],
                "annotate": True,
            },
            "Which input reaches which output. With rows and columns in the order of generation both matrices "
            "are strictly lower triangular.",
            "Three four-by-four matrices; the last two are zero on and above the diagonal.",
        ),
        Formula(proof["factorization"], "the factorisation that the network computes: the full chain rule"),
        Text(
            "These are exactly the edges of the complete directed acyclic graph of this order "
            f"({dag.n_edges} edges). Each output is therefore a conditional probability given what comes before, "
            "and their product is a distribution: over all "
            f"{2**e.ordering.size} states it sums to {proof['total_probability']:.12f}."
        ),
    ]


def _matrix(title: str, values: NDArray[Any], names: list[str]) -> dict[str, Any]:
    """A panel of outputs (rows) by inputs (columns)."""
    return {
        "title": title,
        "values": values,
        "row_labels": names,
        "column_labels": names,
        "row_axis": "output",
        "column_axis": "input",
    }


def _broken_blocks(broken: list[dict[str, Any]]) -> list[Block]:
    rows = [
        [b["rule"], b["looks_ahead"], b["misses"], f"{b['total_probability']:.6f}", b["check"]]
        for b in broken
    ]
    return [
        Heading("What each rule is for"),
        Text(
            "The same network with one rule changed. A wrong numbering is the quiet mistake: the outputs still "
            "multiply to a distribution, but of another order, so sampling in the order that was asked for "
            "would use values that are not drawn yet. Where an output sees itself, or two outputs see each "
            "other, the product is no distribution at all."
        ),
        Table(
            ["rule", "pairs that look ahead", "allowed pairs not used", "sum over all states", "check"],
            rows,
            "Each rule and what breaks without it.",
        ),
    ]


def _count_blocks(counts: dict[str, Any]) -> list[Block]:
    return [
        Heading("How many solutions there are"),
        Text(
            f"Degrees 1 to 3 on eight hidden units allow {counts['assignments']:,} assignments. All of them were "
            f"tried: {counts['autoregressive']:,} are autoregressive, so the rules work for any numbers. But only "
            f"{counts['complete']:,} keep every edge of the chain rule; the others give a distribution with "
            "narrower factors. An edge between neighbours in the order needs a unit of just that degree in "
            "every layer, so a complete solution has every degree 1, 2, 3 in both layers, which is what an even "
            f"spread guarantees. {counts['with_a_unit_that_sees_nothing']:,} assignments have a unit in the "
            "second layer that sees nothing, because its degree is below every degree of the first.\n\n"
            "Renaming the units of a layer changes nothing that the network can compute. Up to that there are "
            f"{counts['up_to_relabelling']} solutions, {counts['complete_up_to_relabelling']} of them complete."
        ),
    ]


def _larger_blocks(larger: list[dict[str, Any]]) -> list[Block]:
    rows = [
        [
            r["inputs"],
            ", ".join(map(str, r["hidden"])),
            r["connections"],
            r["kept"],
            r["looks_ahead"],
            r["allowed_pairs"],
            r["connected_pairs"],
        ]
        for r in larger
    ]
    return [
        Heading("Any number of inputs"),
        Text(
            "The same function for other sizes, each with a random order and random degrees. With fewer units "
            "than variables some allowed pairs lose their path, which is a choice of capacity and no error."
        ),
        Table(
            [
                "inputs",
                "hidden",
                "connections",
                "kept",
                "pairs that look ahead",
                "allowed pairs",
                "with a path",
            ],
            rows,
        ),
    ]


def _claims(
    e: MaskExplanation, proof: dict[str, Any], broken: list[dict[str, Any]], counts: dict[str, Any]
) -> list[Claim]:
    _, by_index, loose, no_middle, _ = broken
    total = sum(m.size for m in e.masks)
    return [
        Claim(
            "6.ordering",
            "Start by giving inputs and outputs a random order.",
            "holds in part",
            "Any order works, but here it is given (x2, x4, x1, x3), and a variable's number has to be its "
            f"place in that order: numbering by index instead leaves {by_index['looks_ahead']} pairs that look "
            f"ahead ({by_index['check']}).",
        ),
        Claim(
            "6.hidden-numbers",
            "Number the hidden units at random, up to one less than the number of inputs.",
            "holds",
            f"All {counts['assignments']:,} numberings with 1 to 3 were tried and {counts['autoregressive']:,} are "
            f"autoregressive. Chance does not keep every edge, though: {counts['complete']:,} do.",
        ),
        Claim(
            "6.hidden-rule",
            "A hidden unit connects to the units below whose number is at most its own.",
            "holds",
            f"With the rule in both hidden layers {proof['forbidden_paths']} of {proof['n_forbidden']} forbidden "
            f"pairs have a path; without it between the hidden layers {no_middle['looks_ahead']} do.",
        ),
        Claim(
            "6.output-rule",
            "An output connects to the hidden units whose number is strictly below its own.",
            "holds",
            f"Strictly matters: with “at most” {loose['looks_ahead']} pairs look ahead or at themselves and the "
            f"outputs multiply to a total of {loose['total_probability']:.4f} instead of "
            f"{proof['total_probability']:.4f}.",
        ),
        Claim(
            "6.solution",
            "Three rules and a drawing of the network answer the question.",
            "holds in part",
            f"The rules are right, but the text gives neither a matrix (here: {len(e.masks)} masks, "
            f"{sum(int(m.sum()) for m in e.masks)} of {total} entries 1) nor the numbers of the hidden units, and "
            "nothing is checked (here: forbidden entries that are not zero, "
            f"{proof['forbidden_paths']} in the product of the masks, {proof['forbidden_jacobian_not_zero']} in the "
            "Jacobian).",
        ),
    ]
