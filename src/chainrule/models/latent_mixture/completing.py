"""Rows with holes where contexts are leaves of decision trees: what is missing above something known is enumerated.

A missing variable that nothing known depends on costs nothing: its factor sums to one in every component.  The others
are summed over all their completions, at most 16,384 a row (``shared.completion``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from chainrule.core.numerics import log_sum_exp
from chainrule.core.progress import track
from chainrule.models.latent_mixture.components import Components, blocks, draw_from, sum_components
from chainrule.models.latent_mixture.layout import Codes
from chainrule.models.latent_mixture.leaf_layout import LeafLayout
from chainrule.models.shared.completion import completions
from chainrule.models.shared.factorization import Factorization

__all__ = ["draw_completed", "log_prob_completed"]

_INSTEAD = (
    "fill some values, or fit with structure='tree', or a BayesianNetwork, either of which sums out any"
)


def log_prob_completed(
    components: Components, layout: LeafLayout, codes: Codes, graph: Factorization
) -> NDArray[np.float64]:
    """``log p`` of what is known of rows (n, d), (n,); ``graph`` says what each variable's tree asks for."""
    out = np.empty(len(codes))
    for r, row in enumerate(track(codes, "scoring rows with holes")):
        filled, counts = completions(row, graph, layout.sizes, instead=_INSTEAD)
        parts = [_joint(components, part, counts) for part in blocks(filled, len(components))]
        out[r] = log_sum_exp(np.concatenate([sum_components(part) for part in parts]))
    return out


def draw_completed(
    components: Components,
    layout: LeafLayout,
    codes: Codes,
    graph: Factorization,
    generator: np.random.Generator,
) -> NDArray[np.int32]:
    """``codes`` (n, d) with each -1 drawn: component and what is above known values together, then what follows."""
    out = codes.astype(np.int32)
    chosen = np.empty(len(codes), np.intp)
    distinct, which = np.unique(out, axis=0, return_inverse=True)
    for r, row in enumerate(track(distinct, "drawing components")):
        of_row = np.flatnonzero(which.reshape(-1) == r)
        filled, counts = completions(row, graph, layout.sizes, instead=_INSTEAD)
        scores = np.concatenate(
            [sum_components(_joint(components, part, counts)) for part in blocks(filled, len(components))]
        )
        completion = draw_from(scores, generator.random(len(of_row)))
        for m in np.unique(completion):
            rows = of_row[completion == m]
            joint = _joint(components, filled[m : m + 1], counts)[0]
            chosen[rows] = draw_from(joint, generator.random(len(rows)))
            out[np.ix_(rows, counts)] = filled[m, counts]
    if len(out):
        _draw_below(components, layout, out, chosen, generator.random(out.shape))
    return out


def _joint(components: Components, filled: Codes, counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``log w_n`` and the entries of the variables that count, (n, N), for filled rows (n, d)."""
    entries = components.layout.entries(filled)[:, counts]
    n, k = entries.shape
    ones = csr_array(
        (
            np.ones(n * k),
            entries.ravel(),
            np.arange(0, n * k + 1, max(k, 1))[: n + 1] if k else np.zeros(n + 1, int),
        ),
        shape=(n, components.layout.n_entries),
    )
    return ones @ components.tables + components.log_weights


def _draw_below(
    components: Components,
    layout: LeafLayout,
    rows: NDArray[np.int32],
    chosen: NDArray[np.intp],
    uniforms: NDArray[np.float64],
) -> None:
    """Draw each -1 of ``rows`` from its row's component, parents first."""
    k = np.arange(max(layout.sizes))
    states = np.array(layout.sizes)[layout.context_variables]
    entries = layout.context_begins[:-1, None] + np.minimum(k, states[:, None] - 1)
    below = np.ones((len(layout.trees), len(k)))
    by_component = np.argsort(chosen, kind="stable")
    numbers, begins = np.unique(chosen[by_component], return_index=True)
    for n, mine in zip(numbers, np.split(by_component, begins[1:]), strict=True):
        below[layout.trees.is_leaf] = np.exp(components.tables[entries, n]).cumsum(axis=1)
        drawn = rows[mine]
        layout.trees.draw(below, layout.order, uniforms[mine], drawn)
        rows[mine] = drawn
