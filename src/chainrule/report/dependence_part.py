"""The part of a model's page about who depends on whom: pairs by mutual information, a matrix, the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chainrule.core.figures import Heatmap, Panel
from chainrule.core.records import Block, Figure, Heading, Table, Text
from chainrule.core.text import literal, one_line
from chainrule.graphs import DirectedGraph
from chainrule.report.documents import Section
from chainrule.report.figures.names import short_name
from chainrule.report.graph_drawing import graph_drawing
from chainrule.report.numbers import counted
from chainrule.tables.schema import Schema
from chainrule.tasks.describing.record import LEAST_SHOWN, Dependence, Description, Graph, Pair

__all__ = ["dependence_section"]

_MOST_EDGES = 30  # that are drawn
_MOST_WRITTEN = 8  # columns of a matrix whose values are written into it


def dependence_section(found: Description) -> Section:
    """Pairs of columns by what they say of each other, and the graph of the model's factors where it has one."""
    dependence, names = found.dependence, Schema.from_plain(found.schema).names
    assert dependence is not None
    numbers = {name: i for i, name in enumerate(names, 1)}
    blocks: list[Block] = [
        Text(_source(dependence, found.seed)),
        _matrix(dependence, numbers),
        _ranked(dependence),
    ]
    if dependence.furthest:
        blocks.append(_furthest(dependence))
    if found.graph is not None:
        blocks += _graph_blocks(found.graph, numbers)
    return Section("Who depends on whom", blocks)


def _source(d: Dependence, seed: int) -> str:
    text = "Mutual information says how many nats knowing one column saves in telling the other; 0 is independence. "
    if d.n_draws is None:
        text += "Under the model it is exact."
    else:
        text += f"Under the model it is estimated from {d.n_draws:,} exact draws (seed {seed})."
    if d.n_rows is not None:
        text += f" In the rows it is estimated from those of the {d.n_rows:,} that know both columns."
    if d.n_draws is not None or d.n_rows is not None:
        text += (
            " The bias of an estimate, about (K - 1)(K' - 1) / 2n for K and K' states and n rows, is taken off; what "
            "is then below zero is 0."
        )
    if d.n_left_out:
        text += f" {d.n_left_out:,} columns are in no pair: all have too many states; those of most entropy were taken."
    return text


def _matrix(d: Dependence, numbers: dict[str, int]) -> Figure:
    labels = [short_name(name, numbers[name]) for name in d.columns]
    panel = Panel("", d.matrix, labels, labels)
    left_out = sum(1 for name in numbers if name not in d.columns)
    caption = (
        "Mutual information under the model, in nats; numbers in names are those of the table of columns."
    )
    if left_out:
        caption += f" The {len(d.columns)} columns of the strongest pairs; {left_out:,} are left out."
    top = d.strongest[0]
    pair = f"{one_line(top.a, 40)} and {one_line(top.b, 40)}"
    alt = f"A symmetric matrix; the strongest pair, {pair}, has {top.nats:.4f} nats."
    return Figure("dependence", Heatmap([panel], annotate=len(labels) <= _MOST_WRITTEN), caption, alt)


def _ranked(d: Dependence) -> Table:
    listed = [pair for pair in d.strongest if pair.nats >= LEAST_SHOWN] or list(d.strongest[:1])
    more = d.n_pairs - len(listed)
    caption = f"The strongest under the model, {len(listed)} of {counted(d.n_pairs, 'pair')}"
    return _pairs(listed, d, f"{caption}; {more:,} are left out." if more else f"{caption}.")


def _furthest(d: Dependence) -> Table:
    return _pairs(
        d.furthest, d, f"The {len(d.furthest)} pairs in which the rows and the model differ most, in nats."
    )


def _pairs(pairs: Sequence[Pair], d: Dependence, caption: str) -> Table:
    """Pairs with their nats, and errors where they are estimates."""
    shown: list[tuple[str, Callable[[Pair], float | None]]] = [("model (nats)", lambda p: p.nats)]
    if d.n_draws is not None:
        shown.append(("±", lambda p: p.error))
    if d.n_rows is not None:
        shown += [("rows (nats)", lambda p: p.data_nats), ("±", lambda p: p.data_error)]
    rows = [[literal(p.a, 60), literal(p.b, 60), *(f"{of(p) or 0.0:.4f}" for _, of in shown)] for p in pairs]
    heads = ["column", "and", *(head for head, _ in shown)]
    return Table(heads, rows, caption, bars=[i for i, head in enumerate(heads) if "nats" in head])


def _graph_blocks(graph: Graph, numbers: dict[str, int]) -> list[Block]:
    blocks: list[Block] = [Heading("The graph of its factors")]
    if graph.is_complete:
        shown = ", ".join(literal(name, 40) for name in graph.columns[:20])
        more = f", … {len(graph.columns):,} in all" if len(graph.columns) > 20 else ""
        return [
            *blocks,
            Text(f"Each column is told from all that come before it, in this order: {shown}{more}."),
        ]
    if not graph.edges:
        return [*blocks, Text("It has no edges: every column is on its own.")]
    drawn = graph.edges[:_MOST_EDGES]
    ends = {name for edge in drawn for name in (edge.parent, edge.child)}
    nodes = [name for name in graph.columns if name in ends]
    directed = DirectedGraph([(e.parent, e.child) for e in drawn], nodes)
    labels = {name: short_name(name, numbers[name]) for name in nodes}
    return [
        *blocks,
        Figure("graph", graph_drawing(directed, labels=labels), _graph_caption(graph), _alt(graph)),
    ]


def _graph_caption(graph: Graph) -> str:
    caption = f"{counted(len(graph.edges), 'edge')} between {counted(len(graph.columns), 'column')}"
    left = len(graph.edges) - _MOST_EDGES
    caption += (
        f"; the {_MOST_EDGES} of most mutual information are drawn, {left:,} are left out."
        if left > 0
        else "."
    )
    caption += (
        " An arrow says what a column is told from; it says nothing of causes, unless you stated the graph."
    )
    told = {name for edge in graph.edges for name in (edge.parent, edge.child)}
    if alone := [name for name in graph.columns if name not in told]:
        shown = ", ".join(literal(name, 40) for name in alone[:20]) + (", …" if len(alone) > 20 else "")
        caption += f" {len(alone):,} without any edge: {shown}."
    return caption


def _alt(graph: Graph) -> str:
    strongest, n = graph.edges[0], min(len(graph.edges), _MOST_EDGES)
    alt = f"A directed graph of {counted(n, 'edge')}"
    if strongest.nats is None:
        return f"{alt}."
    ends = f"from {one_line(strongest.parent, 40)} to {one_line(strongest.child, 40)}"
    return f"{alt}; the strongest leads {ends} ({strongest.nats:.4f} nats)."
