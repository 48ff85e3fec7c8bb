"""Corrected p values against their definitions, SciPy and published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from chainrule.core.errors import ValuesError
from chainrule.evaluate.corrections import benjamini_hochberg, correct, holm

p_lists = st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.02]), min_size=1, max_size=12)


def _holm_rejects(p_values, alpha):
    """Holm's procedure as he wrote it: from the smallest up, stop at the first that is too large."""
    rejected = set()
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for k, i in enumerate(order):
        if p_values[i] * (len(p_values) - k) > alpha:
            break
        rejected.add(i)
    return rejected


@given(p_lists, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, alpha):
    assert set(np.flatnonzero(holm(p_values) <= alpha)) == _holm_rejects(p_values, alpha)


@given(p_lists)
def test_benjamini_hochberg_is_that_of_scipy(p_values):
    np.testing.assert_allclose(benjamini_hochberg(p_values), false_discovery_control(p_values), rtol=1e-12)


def test_the_published_example_of_benjamini_and_hochberg():
    # 1995, section 3.2: of 15 hypotheses at 0.05, Bonferroni and Holm reject three, the new procedure four
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert int((holm(p) <= 0.05).sum()) == 3
    assert int((benjamini_hochberg(p) <= 0.05).sum()) == 4


def test_correcting_keeps_places_and_none_changes_nothing():
    p = [0.03, 0.001, 0.5]
    assert correct(p, None).tolist() == p
    assert np.argsort(correct(p, "holm")).tolist() == np.argsort(correct(p, "bh")).tolist() == [1, 0, 2]
    assert correct([], "holm").tolist() == correct([], "bh").tolist() == []


@pytest.mark.parametrize("bad", [[0.5, np.nan], [-0.1], [1.1], [[0.5]]])
def test_what_is_no_p_value_is_refused(bad):
    for function in (holm, benjamini_hochberg):
        with pytest.raises(ValuesError, match="from 0 to 1"):
            function(bad)
