"""Every kind of figure draws, from full and from meagre data, and says what it cannot draw."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, Polygon
from sklearn.isotonic import isotonic_regression

from chainrule.core.errors import InputError
from chainrule.core.figures import FIGURES, BarChart, read_figure
from chainrule.core.records import Figure
from chainrule.report.figures import draw
from chainrule.report.figures.charts import draw_bars, draw_lines
from chainrule.report.figures.graphs import draw_graph
from chainrule.report.figures.labels import spread_apart
from chainrule.report.figures.style import PALETTE, SERIES
from tests.report.samples import figures

SAMPLES = {figure.name: figure for figure in figures()}
NAMES = {"x_label": "x", "y_label": "y"}
LONG = "a name that goes on and on, far beyond what any axis, node, unit or legend has room for in one line"


def figure(kind: str, data: dict[str, Any], name: str = "f") -> Figure:
    return Figure(name, read_figure(kind, data), "A caption.", "What it shows.")


def series(*ys: Any, label: str = "s", **more: Any) -> dict[str, Any]:
    return {"label": label, "x": list(range(len(ys))), "y": list(ys), **more}


MEAGRE: dict[str, tuple[str, dict[str, Any]]] = {
    "bars without series": ("bars", {"x": ["a"], "series": [], **NAMES}),
    "bars without labels": ("bars", {"x": [], "series": [{"label": "s", "y": []}], **NAMES}),
    "one bar": ("bars", {"x": ["1"], "series": [{"label": "s", "y": [0]}], **NAMES}),
    "bars below zero": ("bars", {"x": list("ab"), "series": [{"label": "s", "y": [-3.5, -1]}], **NAMES}),
    "bars on a log axis with zero": (
        "bars",
        {"x": list("ab"), "series": [{"label": "s", "y": [0, 10]}], "log_y": True, **NAMES},
    ),
    "bars on a log axis, all zero": (
        "bars",
        {"x": ["a"], "series": [{"label": "s", "y": [0]}], "log_y": True, **NAMES},
    ),
    "infinite bars": ("bars", {"x": list("ab"), "series": [{"label": "s", "y": ["inf", "-inf"]}], **NAMES}),
    "bars with long labels": (
        "bars",
        {"x": [LONG, "b"], "series": [{"label": LONG, "y": [1, 2]}] * 3, **NAMES},
    ),
    "bars with errors": (
        "bars",
        {"x": list("abc"), "series": [{"label": "s", "y": [0, -2, "inf"], "error": [0, 0.5, 0]}], **NAMES},
    ),
    "lying bars with errors": (
        "bars",
        {"x": [LONG, "b"], "series": [{"label": "s", "y": [1, 200], "error": [0.5, 20]}], **NAMES},
    ),
    "points in intervals": (
        "lines",
        {"series": [series(0.1, 1.0, style="points", low=[0.0, 0.7], high=[0.3, 1.0])], **NAMES},
    ),
    "a line in a band": ("lines", {"series": [series(1, 2, low=[0, 1], high=[1, 4])], **NAMES}),
    "many bars": (
        "bars",
        {"x": [str(i) for i in range(80)], "series": [{"label": "s", "y": list(range(80))}], **NAMES},
    ),
    "lines without series": ("lines", {"series": [], **NAMES}),
    "an empty line": ("lines", {"series": [series()], **NAMES}),
    "a line of one point": ("lines", {"series": [series(2.0, error=[0.5])], **NAMES}),
    "a constant line": ("lines", {"series": [series(1, 1, 1, style="dashed")], **NAMES}),
    "a log line with zeros": (
        "lines",
        {"series": [series(0, 0, 3, -1)], "log_y": True, "log_x": True, **NAMES},
    ),
    "a log line, nothing positive": (
        "lines",
        {"series": [series(0, -1)], "log_y": True, "log_x": True, **NAMES},
    ),
    "infinities on lines": ("lines", {"series": [series("-inf", 1, "inf", style="points")], **NAMES}),
    "lines with long names": (
        "lines",
        {
            "series": [series(1, 2, label=LONG), series(2, 1, label=LONG)],
            "references": [{"y": 1.0, "label": LONG}, {"y": 1.0, "label": LONG}],
            "marks": [{"x": 1, "y": 2, "label": LONG}],
            "vertical": [{"x": 0.5, "label": "here"}],
            **NAMES,
        },
    ),
    "an empty scatter": (
        "scatter",
        {"series": [{"label": "s", "x": [], "y": []}], "diagonal": True, **NAMES},
    ),
    "one scattered point": ("scatter", {"series": [{"label": "s", "x": [1], "y": [2]}], **NAMES}),
    "an infinite scattered point": (
        "scatter",
        {"series": [{"label": "s", "x": [1, 2], "y": [2, "inf"]}], **NAMES},
    ),
    "an empty histogram": ("histogram", {"series": [{"label": "s", "edges": [0], "counts": []}], **NAMES}),
    "a histogram of nothing": (
        "histogram",
        {"series": [{"label": "s", "edges": [0, 1], "counts": [0]}], "log_y": True, **NAMES},
    ),
    "a row without images": ("images", {"rows": [{"label": "none", "images": []}], "scale": "binary"}),
    "no rows": ("images", {"rows": [], "scale": "binary"}),
    "an image of one pixel": ("images", {"rows": [{"label": "", "images": [[[1]]]}], "scale": "binary"}),
    "a flat image": ("images", {"rows": [{"label": "", "images": [[[0.5] * 784]]}], "scale": "probability"}),
    "titled images": (
        "images",
        {
            "rows": [{"label": LONG, "images": [[[1, 0]]] * 3, "titles": [LONG] * 3}],
            "scale": "binary",
            "columns": 2,
        },
    ),
    "a matrix of one value": ("heatmap", {"panels": [{"title": "", "values": [[0]]}], "annotate": True}),
    "an infinite matrix": (
        "heatmap",
        {"panels": [{"title": LONG, "values": [["-inf", 1.5]]}], "annotate": True},
    ),
    "no panels": ("heatmap", {"panels": []}),
    "a flat matrix": ("heatmap", {"panels": [{"title": "t", "values": [[1] * 784] * 2}]}),
    "long names": (
        "heatmap",
        {"panels": [{"title": "t", "values": [[1]], "row_labels": [LONG], "column_labels": [LONG]}]},
    ),
    "an empty graph": ("graph", {"nodes": [], "edges": []}),
    "a lonely node": ("graph", {"nodes": [{"id": "a", "label": LONG, "x": 0, "y": 0}], "edges": []}),
    "a self loop": (
        "graph",
        {
            "nodes": [{"id": "a", "label": "a", "x": 0, "y": 0}],
            "edges": [{"source": "a", "target": "a", "mark": "cycle"}],
        },
    ),
    "nodes on one spot": (
        "graph",
        {
            "nodes": [{"id": i, "label": "a", "x": 0, "y": 0} for i in "ab"],
            "edges": [{"source": "a", "target": "b"}],
        },
    ),
    "one layer": ("network", {"layers": [{"name": LONG, "size": 1}]}),
    "a network without edges": ("network", {"layers": [{"name": "a", "size": 2}] * 2, "edges": [[]]}),
    "long unit names": ("network", {"layers": [{"name": "a", "size": 1, "units": [LONG]}], "edges": []}),
}


def test_the_samples_have_every_kind():
    assert {sample.kind for sample in SAMPLES.values()} == set(FIGURES)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_figure_is_a_whole_svg_and_a_png_and_both_have_size(name):
    drawing = draw(SAMPLES[name])
    root = ET.fromstring(drawing.svg)
    assert float(root.get("width", "").removesuffix("pt")) > 100
    assert drawing.png.startswith(b"\x89PNG\r\n\x1a\n")
    assert ET.fromstring(drawing.inline).get("aria-label") == SAMPLES[name].alt


@pytest.mark.parametrize("what", MEAGRE)
def test_meagre_data_are_drawn(what):
    drawing = draw(figure(*MEAGRE[what]))
    assert len(list(ET.fromstring(drawing.svg).iter())) > 3
    assert drawing.width <= 3000


def test_the_same_record_gives_the_same_bytes():
    for name in ("curves", "digits", "cats_dogs"):
        assert draw(SAMPLES[name]) == draw(SAMPLES[name])


def test_identifiers_of_two_figures_in_one_page_never_clash():
    same = [draw(Figure(name, *list(vars(SAMPLES["curves"]).values())[1:])) for name in ("one", "two")]
    found = [set(re.findall(r'\bid="([^"]+)"', drawing.inline)) for drawing in same]
    assert found[0]
    assert not found[0] & found[1]
    for drawing, known in zip(same, found, strict=True):
        used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', drawing.inline)
        assert {name for pair in used for name in pair if name} == known


@pytest.mark.parametrize("name", SAMPLES)
def test_inside_the_page_the_palette_follows_the_theme_and_in_the_file_it_does_not(name):
    drawing = draw(SAMPLES[name])
    light = {shade.light for shade in PALETTE.values()}
    assert not light & set(re.findall(r"#[0-9a-f]{6}\b", drawing.inline))
    assert "var(--" in drawing.inline
    assert "var(--" not in drawing.svg


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_is_loaded_from_elsewhere(name):
    addresses = re.findall(r'(?:href|src)="([^"]*)"|url\(([^)]*)\)', draw(SAMPLES[name]).inline)
    assert all("".join(pair).startswith(("#", "data:")) for pair in addresses)


def test_an_alternative_text_with_quotes_and_angles_stays_text():
    data = read_figure(*MEAGRE["one bar"])
    drawing = draw(Figure("f", data, "c", 'a "quoted" <b> & more'))
    assert ET.fromstring(drawing.inline).get("aria-label") == 'a "quoted" <b> & more'


def test_drawing_leaves_the_settings_of_matplotlib_alone():
    before = dict(matplotlib.rcParams)
    draw(SAMPLES["pmf"])
    assert dict(matplotlib.rcParams) == before


def test_the_settings_of_the_user_do_not_change_a_figure():
    plain = draw(SAMPLES["pmf"])
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "figure.dpi": 40}):
        assert draw(SAMPLES["pmf"]) == plain


def test_drawing_needs_neither_pyplot_nor_a_model():
    script = (
        "import sys; from chainrule.report.figures import draw; from chainrule.core.records import Figure;"
        "from chainrule.core.figures import BarChart, BarSeries;"
        "draw(Figure('f', BarChart(['a'], [BarSeries('s', [1])], '', ''), '', ''));"
        "import chainrule.report;"
        "print([m for m in ('matplotlib.pyplot', 'torch', 'chainrule.models') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_formula_that_cannot_be_set_is_refused_in_one_line_that_names_the_figure():
    chart = BarChart([r"$\nosuch$"], [], "x", "y")
    with pytest.raises(InputError, match=r"'my-figure'.*cannot be drawn") as caught:
        draw(Figure("my-figure", chart, "", ""))
    assert "\n" not in str(caught.value)


def test_values_that_no_bar_can_show_are_written_at_their_place():
    data = {"x": list("abc"), "series": [{"label": "s", "y": [0, "inf", 10]}], "log_y": True, **NAMES}
    texts = {text.get_text(): text for text in draw_bars(read_figure("bars", data)).axes[0].texts}
    assert set(texts) == {"0", "∞", "10"}
    assert [texts[t].xy for t in ("0", "∞")] == [(0.0, 0.0), (1.0, 0.0)]


def test_series_that_belong_together_have_one_colour():
    data = {"series": [series(1, 2), series(2, 3, colour=0, style="dashed"), series(3, 4)], **NAMES}
    first, second, third = (line.get_color() for line in draw_lines(read_figure("lines", data)).axes[0].lines)
    assert first == second != third


def test_zeros_on_a_logarithmic_axis_are_marked_at_its_lower_edge_and_infinities_at_the_upper():
    data = {"series": [series(0, 5, "inf", 7)], "log_y": True, **NAMES}
    axes = draw_lines(read_figure("lines", data)).axes[0]
    below, above = axes.lines[1:]
    assert (below.get_xdata().tolist(), below.get_ydata().tolist()) == ([0], [0.0])
    assert (above.get_xdata().tolist(), above.get_ydata().tolist()) == ([2], [1.0])


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=8), st.data())
def test_names_are_moved_apart_by_as_little_as_isotonic_regression_says(wanted, data):
    places = np.sort(np.array(wanted))
    size = len(places) - 1
    gaps = np.array(data.draw(st.lists(st.floats(0, 20), min_size=size, max_size=size)))
    moved = spread_apart(places, gaps)
    offsets = np.concatenate([[0], np.cumsum(gaps)])
    assert np.all(np.diff(moved) >= gaps - 1e-9)
    np.testing.assert_allclose(moved, isotonic_regression(places - offsets) + offsets, atol=1e-9)


def test_the_name_of_a_point_does_not_hide_the_line_it_lies_on():
    x = np.linspace(0, 1, 50)
    for rising in (1, -1):
        data = {"series": [{"label": "s", "x": x, "y": rising * x}], **NAMES}
        marked = data | {"marks": [{"x": 0.5, "y": 0.5 * rising, "label": "a name of some length"}]}
        drawn = draw_lines(read_figure("lines", marked))
        drawn.draw_without_rendering()
        axes = drawn.axes[0]
        name = axes.texts[-1].get_window_extent()
        assert not name.count_contains(axes.lines[0].get_transform().transform(axes.lines[0].get_xydata()))


def random_graph(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    nodes = [
        {"id": f"{x}{y}", "label": "x" * int(rng.integers(1, 14)), "x": x + 0.4 * (y % 2), "y": y}
        for x in range(4)
        for y in range(4)
    ]
    pairs = [rng.choice(16, 2, replace=False) for _ in range(12)]
    edges = {(nodes[a]["id"], nodes[b]["id"]) for a, b in pairs}
    return {"nodes": nodes, "edges": [{"source": a, "target": b} for a, b in sorted(edges)]}


@pytest.mark.parametrize("seed", range(5))
def test_every_arrow_ends_at_the_border_of_its_node_and_no_two_nodes_overlap(seed):
    data = random_graph(seed)
    axes = draw_graph(read_figure("graph", data)).axes[0]
    boxes = [p.get_bbox() for p in axes.patches if isinstance(p, FancyBboxPatch)]
    tips = [p.get_xy()[0] for p in axes.patches if isinstance(p, Polygon)]
    where = {node["id"]: box for node, box in zip(data["nodes"], boxes, strict=True)}
    for edge, (x, y) in zip(data["edges"], tips, strict=True):
        box = where[edge["target"]]
        outside = max(box.x0 - x, x - box.x1, box.y0 - y, y - box.y1)
        assert 0 <= outside < 0.03, edge  # a hair's breadth (inches) of air before the border
    for i, a in enumerate(boxes):
        assert not any(a.overlaps(b) for b in boxes[:i])


def test_latent_and_given_nodes_are_told_apart_by_outline_and_fill_and_named_in_the_legend():
    marks = {"u": "latent", "a": "given", "b": "normal"}
    nodes = [
        {"id": name, "label": name, "x": x, "y": 0, "mark": mark}
        for x, (name, mark) in enumerate(marks.items())
    ]
    edges = [{"source": "u", "target": "b", "mark": "open"}]
    axes = draw_graph(read_figure("graph", {"nodes": nodes, "edges": edges})).axes[0]
    boxes = [p for p in axes.patches if isinstance(p, FancyBboxPatch)]
    latent, observed, plain, *in_legend = [(to_hex(p.get_facecolor()), p.get_linestyle()) for p in boxes]
    assert len({latent, observed, plain}) == 3
    assert latent[1] != "-"
    assert observed[1] == plain[1] == "-"
    assert in_legend == [latent, observed]  # the open edge is a line there
    assert {"open", "latent", "given"} <= {text.get_text() for text in axes.texts}


def luminance(code: str) -> float:
    channels = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_meets_wcag_aa_for_text_and_for_graphics_in_both_themes(theme):
    code = {name: getattr(shade, theme) for name, shade in PALETTE.items()}
    for name in ("ink", "soft", "blue", "green", "ochre", "vermillion"):  # these colour words
        assert contrast(code[name], code["paper"]) >= 4.5, name
    for fill in ("tint", "grid"):  # of boxes with words in them
        assert contrast(code["ink"], code[fill]) >= 4.5
    light = {shade.light: name for name, shade in PALETTE.items()}
    for colour in SERIES:
        assert contrast(code[light[colour]], code["paper"]) >= 3, colour
