"""The data of a figure: a slip fails where it is written, and JSON brings back the same."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.figures import BarChart, BarSeries, read_figure
from chainrule.core.records import Figure, dump_json
from tests.report.samples import figures

SAMPLES = {figure.name: figure for figure in figures()}
NAMES = {"x_label": "x", "y_label": "y"}


def series(*ys: Any, label: str = "s", **more: Any) -> dict[str, Any]:
    return {"label": label, "x": list(range(len(ys))), "y": list(ys), **more}


def test_an_unknown_kind_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'histogram'"):
        read_figure("histogramm", {})


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "a missing key": ("bars", {"x": ["a"]}, "needs 'series', which is missing"),
    "bars of another length": (
        "bars",
        {"x": ["a"], "series": [{"label": "s", "y": [1, 2]}], **NAMES},
        "one value per",
    ),
    "words for numbers": ("lines", {"series": [series("one")], **NAMES}, "needs numbers"),
    "x and y of other lengths": (
        "lines",
        {"series": [{"label": "s", "x": [1], "y": []}], **NAMES},
        "1 values of x",
    ),
    "errors of another length": ("lines", {"series": [series(1, 2, error=[1])], **NAMES}, "1 errors"),
    "a low end alone": ("lines", {"series": [series(1, low=[0])], **NAMES}, "low and high ends, both"),
    "an interval and errors": (
        "lines",
        {"series": [series(1, low=[0], high=[2], error=[1])], **NAMES},
        "either errors",
    ),
    "bars with too few errors": (
        "bars",
        {"x": ["a"], "series": [{"label": "s", "y": [1], "error": []}], **NAMES},
        "0 errors",
    ),
    "an unknown colour": ("lines", {"series": [series(1, 2, colour="red")], **NAMES}, "'red'"),
    "an unknown style": ("lines", {"series": [series(1, style="wavy")], **NAMES}, "'wavy'"),
    "too few edges": (
        "histogram",
        {"series": [{"label": "s", "edges": [0], "counts": [1]}], **NAMES},
        "2 edges",
    ),
    "infinite edges": (
        "histogram",
        {"series": [{"label": "s", "edges": [0, "inf"], "counts": [1]}], **NAMES},
        "finite",
    ),
    "an unknown scale": ("images", {"rows": [], "scale": "grey"}, "'grey'"),
    "a pixel of two": (
        "images",
        {"rows": [{"label": "", "images": [[[2]]]}], "scale": "probability"},
        "between 0",
    ),
    "grey in a binary image": (
        "images",
        {"rows": [{"label": "", "images": [[[0.5]]]}], "scale": "binary"},
        "0 or 1",
    ),
    "too few titles": (
        "images",
        {"rows": [{"label": "", "images": [[[0]]] * 2, "titles": ["t"]}], "scale": "binary"},
        "as many titles",
    ),
    "a ragged matrix": ("heatmap", {"panels": [{"title": "", "values": [[1], [1, 2]]}]}, "equal length"),
    "too many names": (
        "heatmap",
        {"panels": [{"title": "", "values": [[1]], "row_labels": ["a", "b"]}]},
        "not 2",
    ),
    "an edge to nowhere": (
        "graph",
        {"nodes": [{"id": "a", "label": "a", "x": 0, "y": 0}], "edges": [{"source": "a", "target": "b"}]},
        "'b'",
    ),
    "an unknown mark": (
        "graph",
        {"nodes": [{"id": "a", "label": "a", "x": 0, "y": 0, "mark": "m"}], "edges": []},
        "'m'",
    ),
    "a node twice": (
        "graph",
        {"nodes": [{"id": "a", "label": "a", "x": 0, "y": 0}] * 2, "edges": []},
        "same id",
    ),
    "no layers": ("network", {"layers": []}, "at least one layer"),
    "a layer of no units": ("network", {"layers": [{"name": "a", "size": 0}]}, "at least one unit"),
    "an edge to no unit": (
        "network",
        {"layers": [{"name": "a", "size": 1}] * 2, "edges": [[[0, 1]]]},
        "does not have",
    ),
    "edges for another gap": ("network", {"layers": [{"name": "a", "size": 1}] * 2, "edges": []}, "1 gaps"),
    "an unknown key": ("bars", {"x": ["a"], "series": [], "log": True, **NAMES}, "has no 'log'"),
    "an unknown key inside": ("lines", {"series": [series(1, errors=[1])], **NAMES}, "has no 'errors'"),
    "a number for a text": ("bars", {"x": [1], "series": [], **NAMES}, "BarChart.x must be a text; got 1"),
    "a text for a list": ("bars", {"x": "ab", "series": [], **NAMES}, "needs a sequence"),
    "a number for a switch": ("heatmap", {"panels": [], "annotate": 1}, "must be True or False"),
    "NaN": ("lines", {"series": [series(float("nan"))], **NAMES}, "NaN"),
}


@pytest.mark.parametrize("what", WRONG)
def test_data_that_do_not_fit_are_refused_in_one_line_where_they_are_written(what):
    kind, data, expected = WRONG[what]
    with pytest.raises(InputError, match=re.escape(expected)) as caught:
        read_figure(kind, data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_figure_survives_json_and_means_the_same_whatever_it_was_made_from(name):
    data = SAMPLES[name].data
    assert read_figure(data.kind, json.loads(dump_json(data.to_plain()))) == data


def test_arrays_and_lists_make_equal_figures():
    made = [BarChart(["a", "b"], [BarSeries("s", y)], "", "") for y in (np.array([1.0, np.inf]), [1, "inf"])]
    assert made[0] == made[1]


def test_a_figure_of_plain_dicts_is_refused_where_it_is_written():
    with pytest.raises(InputError, match=r"'f' must be one of chainrule.core.figures; got a dict"):
        Figure("f", {"x": []}, "", "")
