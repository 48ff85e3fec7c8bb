"""The masks of a network worked step by step: numbers, degrees, every comparison, and the proof.

The rules themselves are in ``masks``; here they are applied where a reader can follow, for any ordering and
any hidden layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.records import Step, Table, to_plain
from chainrule.models.made.masks import (
    Scheme,
    assign_degrees,
    build_masks,
    check_autoregressive,
    connectivity,
    direct_mask,
)
from chainrule.models.shared.ordering import Ordering, parse_ordering, positions, variable_names

__all__ = ["MaskExplanation", "explain_masks"]

_LARGEST_WORKED_TABLE = 400  # cells; a larger table of comparisons is not read by anyone


@dataclass(frozen=True)
class MaskExplanation:
    """A masked network worked step by step: what was chosen, each comparison, and the proof.

    ``paths`` (d, d) is the product of the masks; ``tables`` has one table per mask whose cells hold the
    comparison and its result (none for a mask of more than 400 cells).

    >>> e = explain_masks("x2,x1", [1])
    >>> e.sees, e.paths.tolist()
    ({'x2': [], 'x1': ['x2']}, [[0, 1], [0, 0]])
    """

    ordering: NDArray[np.intp]
    degrees: list[NDArray[np.intp]]
    masks: list[NDArray[np.bool_]]
    paths: NDArray[Any]
    steps: list[Step]
    tables: list[Table]

    @property
    def sees(self) -> dict[str, list[str]]:
        """For each variable, first generated first: the earlier ones its output depends on, in order."""
        names = variable_names(self.ordering.size)
        return {names[i]: [names[j] for j in self.ordering if self.paths[i, j]] for i in self.ordering}

    @property
    def unused(self) -> dict[str, list[str]]:
        """For each variable that does not see all earlier ones: those it misses, in order."""
        names, allowed = variable_names(self.ordering.size), direct_mask(self.ordering)
        missed = {
            names[i]: [names[j] for j in self.ordering if allowed[i, j] and not self.paths[i, j]]
            for i in self.ordering
        }
        return {name: variables for name, variables in missed.items() if variables}

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        names = variable_names(self.ordering.size)
        return to_plain(
            {
                "order": [names[i] for i in self.ordering],
                "numbers": dict(zip(names, positions(self.ordering) + 1, strict=True)),
                "degrees": self.degrees,
                "masks": [m.astype(np.int64) for m in self.masks],
                "paths": self.paths,
                "sees": self.sees,
                "unused": self.unused,
                "steps": [{"text": s.text, "latex": s.latex, "check": s.check} for s in self.steps],
            }
        )

    def to_text(self) -> str:
        """The steps and the tables of comparisons, for a terminal."""
        lines: list[str] = []
        for k, step in enumerate(self.steps, 1):
            lines += [f"{k}. {step.text}", *([f"   Check: {step.check}"] if step.check else []), ""]
        for table in self.tables:
            lines += [table.caption, *_aligned([table.columns, *table.rows]), ""]
        return "\n".join(lines).rstrip() + "\n"


def explain_masks(
    ordering: Ordering,
    hidden: Sequence[int] = (),
    *,
    d: int | None = None,
    degrees: Sequence[ArrayLike] | None = None,
    scheme: Scheme = "even",
    rng: RandomState = None,
) -> MaskExplanation:
    """Masks for any ordering and hidden layers, worked step by step; ``degrees`` overrides ``hidden``.

    ``d`` is needed where the ordering is ``"natural"`` or ``"random"``; ``rng`` draws the ordering, then the
    degrees.  Cost: the product of the masks.  Raises ``InputError`` for an ordering, a size or a degree out
    of range.

    >>> print(explain_masks("x2,x4,x1,x3", [4]).steps[-1].text)
    So the outputs depend on: x2 on nothing; x4 on x2; x1 on x2, x4; x3 on x2, x4, x1.
    """
    generator = as_generator(rng)
    o = parse_ordering(ordering, d, rng=generator)
    layers = assign_degrees(o.size, hidden, rng=generator, scheme=scheme) if degrees is None else degrees
    masks = build_masks(o, layers)
    layers = [np.asarray(m, dtype=np.intp) for m in layers]
    check_autoregressive(masks, o)
    bare = MaskExplanation(o, layers, masks, connectivity(masks), [], [])
    return MaskExplanation(o, layers, masks, bare.paths, _steps(bare), _comparisons(bare))


def _steps(e: MaskExplanation) -> list[Step]:
    return [_numbering(e), *(_layers(e) if e.degrees else [_no_layer(e)]), _proof(e), _conclusion(e)]


def _numbering(e: MaskExplanation) -> Step:
    names, number = variable_names(e.ordering.size), positions(e.ordering) + 1
    listed = _some([f"{names[i]} is {number[i]}" for i in e.ordering])
    return Step(
        f"Number the variables by their place in the order: {listed}. Input and output of a variable carry the "
        "same number.",
        r"t(x_i) = \text{place of } x_i \text{ in the order}",
    )


def _layers(e: MaskExplanation) -> list[Step]:
    """The degrees, and which rule makes each mask."""
    first = Step(
        f"Hidden layer 1: a unit of degree m sees the inputs of number t ≤ m, {_kept(e.masks[0])}.",
        r"M^{(1)}_{kj} = [\, t(x_j) \le m^{(1)}_k \,]",
    )
    later = [
        Step(
            f"Hidden layer {k}: a unit of degree m sees the units of degree m' ≤ m in layer {k - 1}, "
            f"{_kept(mask)}.",
            rf"M^{{({k})}}_{{kj}} = [\, m^{{({k - 1})}}_j \le m^{{({k})}}_k \,]",
        )
        for k, mask in enumerate(e.masks[1:-1], 2)
    ]
    output = Step(
        f"Output layer: the output of number t sees the units of degree m < t (strictly), {_kept(e.masks[-1])}.",
        rf"M^{{\mathrm{{out}}}}_{{ij}} = [\, m^{{({len(e.degrees)})}}_j < t(x_i) \,]",
    )
    return [_degree_step(e.degrees, e.ordering.size), first, *later, output]


def _no_layer(e: MaskExplanation) -> Step:
    return Step(
        f"No hidden layer: the output of number t sees the inputs of number t' < t, {_kept(e.masks[0])}."
    )


def _proof(e: MaskExplanation) -> Step:
    d, in_order = e.ordering.size, e.paths[np.ix_(e.ordering, e.ordering)]
    forbidden, allowed = np.triu(in_order), np.tril(in_order, -1)
    return Step(
        "Multiply the masks: entry (i, j) of the product counts the paths from input j to output i. With "
        "rows and columns in the order of generation, the product is zero on and above the diagonal.",
        r"t_{\mathrm{in}} \le m_1 \le \dots \le m_L < t_{\mathrm{out}}",
        f"of the {d * (d + 1) // 2} entries on and above the diagonal {np.count_nonzero(forbidden)} "
        f"differ from zero; of the {d * (d - 1) // 2} below it {np.count_nonzero(allowed)} do",
    )


def _conclusion(e: MaskExplanation) -> Step:
    seen = [f"{name} on {_some(before) if before else 'nothing'}" for name, before in e.sees.items()]
    return Step(f"So the outputs depend on: {_some(seen, '; ')}.", check=_completeness(e.unused))


def _degree_step(degrees: list[NDArray[np.intp]], d: int) -> Step:
    listed = "; ".join(f"layer {k}: {_some([str(v) for v in layer])}" for k, layer in enumerate(degrees, 1))
    reach = f"from 1 to {d - 1}" if d > 1 else "0, since one variable has nothing before it"
    return Step(
        f"Give each hidden unit a degree, {reach}; {listed}. A unit of degree m may see the variables "
        "numbered 1 to m.",
        r"1 \le m_k \le d - 1" if d > 1 else "m_k = 0",
    )


def _kept(mask: NDArray[np.bool_]) -> str:
    return f"which keeps {int(np.count_nonzero(mask))} of {mask.size} connections"


def _completeness(unused: dict[str, list[str]]) -> str:
    if not unused:
        return "every output sees every earlier variable, so no factor is narrower than the chain rule allows"
    missed = _some([f"{name} does not see {_some(vs)}" for name, vs in unused.items()], "; ")
    return f"still a distribution, but some factors are narrower than the chain rule allows: {missed}"


def _comparisons(e: MaskExplanation) -> list[Table]:
    names = variable_names(e.ordering.size)
    number = [int(t) for t in positions(e.ordering) + 1]
    inputs = list(zip(names, number, strict=True))
    hidden = [
        [(f"h{layer}.{k + 1}", int(m)) for k, m in enumerate(degrees)]
        for layer, degrees in enumerate(e.degrees, 1)
    ]
    levels = [inputs, *hidden, inputs]
    tables = []
    for k, mask in enumerate(e.masks):
        if mask.size > _LARGEST_WORKED_TABLE:
            continue
        output = k == len(e.masks) - 1
        rows = [
            [
                f"{unit} ({m})",
                *(
                    f"{t}\u00a0{'<' if output else '≤'}\u00a0{m}:\u00a0{int(v)}"
                    for (_, t), v in zip(levels[k], r, strict=True)
                ),
            ]
            for (unit, m), r in zip(levels[k + 1], mask, strict=True)
        ]
        heads = ["output (number)" if output else "unit (degree)", *(f"{n} ({t})" for n, t in levels[k])]
        kind = "output layer" if output else f"hidden layer {k + 1}"
        tables.append(
            Table(heads, rows, f"Mask {k + 1}, {kind}: each comparison and its entry (1 where it holds)")
        )
    return tables


def _some(items: list[str], separator: str = ", ", limit: int = 24) -> str:
    """The items joined; a long list keeps its two ends."""
    if len(items) <= limit:
        return separator.join(items)
    half = limit // 2
    return separator.join([*items[:half], f"… ({len(items) - 2 * half} more)", *items[-half:]])


def _aligned(rows: list[list[Any]]) -> list[str]:
    widths = [max(len(str(row[c])) for row in rows) for c in range(len(rows[0]))]
    return [
        "  " + "  ".join(str(v).ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
