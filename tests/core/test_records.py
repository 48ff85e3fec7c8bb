import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import DataError, InputError
from chainrule.core.figures import Level, Line, LineChart
from chainrule.core.records import (
    Claim,
    Figure,
    Formula,
    Heading,
    Step,
    Steps,
    StudyRecord,
    Table,
    Text,
    dump_json,
    machine_info,
    to_plain,
    versions,
)

words = st.text(max_size=20)
cells = st.one_of(words, st.integers(), st.floats(allow_nan=False, allow_infinity=False))
numbers = st.lists(st.integers() | st.floats(allow_nan=False), min_size=2, max_size=2)
series = st.builds(Line, words, numbers, numbers, st.sampled_from(["line", "points"]), st.none() | numbers)
charts = st.builds(
    LineChart, st.lists(series, max_size=3), words, words, references=st.just([Level(1, "one")])
)
blocks = st.one_of(
    st.builds(Heading, words),
    st.builds(Text, words),
    st.builds(Formula, words, words),
    st.builds(Steps, words, st.lists(st.builds(Step, words, words, words), max_size=3)),
    st.builds(Table, st.lists(words, max_size=3), st.lists(st.lists(cells, max_size=3), max_size=3), words),
    st.builds(Figure, words, charts, words, words),
)
records = st.builds(
    StudyRecord,
    st.sampled_from("1234567"),
    words,
    words,
    st.lists(blocks, max_size=4),
    st.dictionaries(words, cells, max_size=3),
    st.lists(st.builds(Claim, words, words, st.sampled_from(["holds", "fails"]), words), max_size=2),
)


@given(records)
def test_a_record_survives_json(record):
    assert StudyRecord.from_plain(json.loads(dump_json(record.to_plain()))) == record


def test_infinities_become_words_and_nan_is_refused():
    assert to_plain([np.inf, -np.inf]) == ["inf", "-inf"]
    with pytest.raises(InputError, match="NaN"):
        to_plain({"a": [1.0, float("nan")]})


def test_a_live_object_is_refused():
    with pytest.raises(InputError, match="plain data, not set"):
        to_plain({1, 2})


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"problem": "1"},
        {"problem": "1", "title": "", "asks": "", "blocks": [{"type": "film"}]},
        {"blocks": 3},
    ],
)
def test_what_is_no_record_is_named_as_such(plain):
    with pytest.raises(DataError, match="not a study record"):
        StudyRecord.from_plain(plain)


def test_machine_and_versions_are_plain_and_name_what_matters():
    assert machine_info()["cores"] >= 1
    assert {"python", "chainrule", "numpy", "torch"} <= set(versions())
    dump_json([machine_info(), versions()])
