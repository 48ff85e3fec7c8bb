"""What the page shows of problem 6."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.figures import Heatmap, Layer, NetworkDrawing, Panel
from chainrule.core.records import Block, Formula, Heading, Steps, Table
from chainrule.graphs import DAG
from chainrule.homework.masks import TEXTS
from chainrule.homework.masks.worked_masks import MaskExplanation
from chainrule.models.shared.ordering import positions, variable_names

__all__ = ["broken_part", "count_part", "larger_part", "proof_part", "worked_part"]


def worked_part(e: MaskExplanation) -> list[Block]:
    """The masks step by step, and the network that they leave."""
    names = variable_names(e.ordering.size)
    return [
        Heading("The masks, step by step"),
        TEXTS.block("rules"),
        Steps(
            f"Four inputs in the order {', '.join(names[i] for i in e.ordering)}, hidden layers of 4 and 4",
            e.steps,
        ),
        *e.tables,
        TEXTS.figure(
            "p6-masks", Heatmap(panels=[_mask_panel(e, k) for k in range(len(e.masks))], annotate=True)
        ),
        TEXTS.figure(
            "p6-network",
            _network(e),
            n_kept=sum(int(m.sum()) for m in e.masks),
            n_connections=sum(m.size for m in e.masks),
        ),
    ]


def _labels(e: MaskExplanation, level: int) -> list[str]:
    """The units of a level (0 the inputs, the last the outputs) with their numbers."""
    if 0 < level <= len(e.degrees):
        return [f"h{level}.{k + 1} ({m})" for k, m in enumerate(e.degrees[level - 1])]
    names = variable_names(e.ordering.size)
    return [f"{name} ({t})" for name, t in zip(names, positions(e.ordering) + 1, strict=True)]


def _mask_panel(e: MaskExplanation, k: int) -> Panel:
    name = "output layer" if k == len(e.masks) - 1 else f"hidden layer {k + 1}"
    return Panel(f"mask {k + 1}: {name}", e.masks[k], _labels(e, k + 1), _labels(e, k))


def _network(e: MaskExplanation) -> NetworkDrawing:
    """Layers, kept and cut connections."""
    heads = ["inputs", *(f"hidden layer {k}" for k in range(1, len(e.masks))), "outputs"]
    units = [_labels(e, k) for k in range(len(heads))]
    return NetworkDrawing(
        [Layer(head, len(names), units=names) for head, names in zip(heads, units, strict=True)],
        edges=[np.argwhere(m.T) for m in e.masks],
        dropped=[np.argwhere(~m.T) for m in e.masks],
    )


def proof_part(e: MaskExplanation, dag: DAG, proof: dict[str, Any]) -> list[Block]:
    """The product of the masks and the Jacobian, side by side."""
    names = variable_names(e.ordering.size)
    ordered = [names[i] for i in e.ordering]
    in_order = np.ix_(e.ordering, e.ordering)
    return [
        Heading("Two proofs that nothing looks ahead"),
        TEXTS.block(
            "proofs",
            n_forbidden=proof["n_forbidden"],
            forbidden_paths=proof["forbidden_paths"],
            n_allowed=proof["n_allowed"],
            allowed_with_path=proof["allowed_with_path"],
            forbidden_jacobian_not_zero=proof["forbidden_jacobian_not_zero"],
            allowed_jacobian_not_zero=proof["allowed_jacobian_not_zero"],
        ),
        TEXTS.figure(
            "p6-dependence",
            Heatmap(
                panels=[
                    _matrix("paths", e.paths, names),
                    _matrix("paths, in the order", e.paths[in_order], ordered),
                    _matrix("Jacobian, in the order", proof["jacobian"][in_order].round(4), ordered),
                ],
                annotate=True,
            ),
        ),
        Formula(proof["factorization"], "the factorisation that the network computes: the full chain rule"),
        TEXTS.block(
            "product",
            n_edges=dag.n_edges,
            n_states=2**e.ordering.size,
            total_probability=proof["total_probability"],
        ),
    ]


def _matrix(title: str, values: NDArray[Any], names: list[str]) -> Panel:
    """A panel of outputs (rows) by inputs (columns)."""
    return Panel(title, values, names, names, row_axis="output", column_axis="input")


def broken_part(broken: list[dict[str, Any]]) -> list[Block]:
    """What breaks without each rule."""
    rows = [
        [b["rule"], b["looks_ahead"], b["misses"], f"{b['total_probability']:.6f}", b["check"]]
        for b in broken
    ]
    return [
        Heading("What each rule is for"),
        TEXTS.block("broken"),
        Table(
            ["rule", "pairs that look ahead", "allowed pairs not used", "sum over all states", "check"],
            rows,
            "Each rule and what breaks without it.",
        ),
    ]


def count_part(counts: dict[str, Any]) -> list[Block]:
    """How many assignments of degrees are right, and how many keep every edge."""
    return [
        Heading("How many solutions there are"),
        TEXTS.block(
            "solutions",
            assignments=counts["assignments"],
            autoregressive=counts["autoregressive"],
            complete=counts["complete"],
            with_a_unit_that_sees_nothing=counts["with_a_unit_that_sees_nothing"],
            up_to_relabelling=counts["up_to_relabelling"],
            complete_up_to_relabelling=counts["complete_up_to_relabelling"],
        ),
    ]


def larger_part(larger: list[dict[str, Any]]) -> list[Block]:
    """The same construction at other sizes."""
    rows = [
        [
            r["inputs"],
            ", ".join(map(str, r["hidden"])),
            *(r[k] for k in ("connections", "kept", "looks_ahead", "allowed_pairs", "connected_pairs")),
        ]
        for r in larger
    ]
    return [
        Heading("Any number of inputs"),
        TEXTS.block("larger"),
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
