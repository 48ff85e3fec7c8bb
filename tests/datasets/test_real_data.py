"""The published files themselves, where ``CHAINRULE_DATA`` has them.  Loading one checks its SHA-256."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from chainrule.datasets import info, load
from chainrule.datasets.registry import DATASETS
from tests.datasets.conftest import REAL_DATA

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(REAL_DATA is None, reason="CHAINRULE_DATA names no folder of data files"),
]
PUBLISHED = [name for name, entry in DATASETS.items() if entry.files]


@pytest.fixture(autouse=True)
def real(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINRULE_DATA", str(REAL_DATA))


def available(name: str) -> None:
    if info(name)["available"] is None:
        pytest.skip(f"CHAINRULE_DATA does not hold {name}")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_set_has_the_rows_and_columns_that_the_registry_states(name):
    available(name)
    d = load(name)
    assert tuple(d.n_rows.values()) == DATASETS[name].rows
    assert d.n_columns == DATASETS[name].columns
    assert d.files == {file.name: file.sha256 for file in DATASETS[name].files}
    again = load(name)  # from the parsed rows, where there are any
    assert again.digest == d.digest


@pytest.mark.parametrize("name", ["binarized-mnist", "nltcs", "dna"])
def test_the_fast_reader_agrees_with_numpys(name):
    available(name)
    entry = DATASETS[name]
    path = f"{REAL_DATA}/{entry.files[2].folder}/{entry.files[2].name}.gz"
    with gzip.open(path, "rt") as lines:
        delimiter = " " if name == "binarized-mnist" else ","
        expected = np.loadtxt(lines, delimiter=delimiter, max_rows=500)
    np.testing.assert_array_equal(load(name).test[:500], expected)


def test_the_mean_ink_of_mnist_is_the_one_that_everybody_normalises_by():
    available("mnist")
    d = load("mnist")
    grey_mean = 0.1307  # of the 60,000 training images, rounded to four places
    # 47 million Bernoulli draws move the mean by at most 0.5 / sqrt(47e6) = 7e-5 a deviation.
    assert np.concatenate([d.train, d.valid]).mean() == pytest.approx(grey_mean, abs=5e-4)
    # Cutting at half keeps the ink only roughly.
    assert load("mnist", binarize="threshold").train.mean() == pytest.approx(grey_mean, abs=5e-3)


def test_static_binarized_mnist_is_a_draw_from_the_ink_of_mnist():
    available("mnist")
    available("binarized-mnist")
    ours, published = load("mnist"), load("binarized-mnist")
    # The same images in the same splits, each pixel drawn once more: its mean over the rows differs by
    # at most 0.5 * sqrt(2 / n) a deviation; 6 of them over 784 pixels give a false alarm of 2e-6.
    for split in ("train", "valid", "test"):
        a, b = getattr(ours, split), getattr(published, split)
        assert np.abs(a.mean(0) - b.mean(0)).max() < 6 * 0.5 * np.sqrt(2 / len(a))
