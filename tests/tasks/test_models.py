"""Files that are no saved models: what they are, and which command reads them."""

from __future__ import annotations

import gzip

import pytest

from chainrule.core.errors import DataError, UnknownNameError
from chainrule.models import BayesianNetwork
from chainrule.tasks.fitting import fit
from chainrule.tasks.models import loaded

TEXTS = {
    "g.txt": "a -> b; b -> c",
    "g.dot": "digraph { a -> b }",
    "g.gv": "digraph { a }",
    "g": "dag { a -> b }",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_graph_as_text_names_the_commands_that_read_it(name, tmp_path):
    path = tmp_path / name
    path.write_text(TEXTS[name])
    with pytest.raises(
        DataError, match="a graph or a network as text, not a saved model; chainrule dag query"
    ):
        loaded(path)


@pytest.mark.parametrize("packed", [False, True])
def test_so_does_a_network_with_its_tables(packed, tmp_path):
    path = tmp_path / ("net.bif.gz" if packed else "net.bif")
    model = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, {"a": [0.5, 0.5], "b": [[1, 0], [0, 1]]})
    model.write(tmp_path / "net.bif")
    if packed:
        path.write_bytes(gzip.compress((tmp_path / "net.bif").read_bytes()))
    with pytest.raises(DataError, match="chainrule dag query"):
        loaded(str(path))


@pytest.mark.parametrize("name", ["people.csv", "people.csv.gz", "people.parquet"])
def test_a_table_names_the_command_that_learns_from_it(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"a,b\n0,1\n")
    with pytest.raises(DataError, match="a table, not a saved model; learn one from it: chainrule fit"):
        loaded(path)


@pytest.mark.parametrize("content", [b"", b"hello\n", bytes(range(256))])
def test_what_is_nothing_known_keeps_the_words_of_loading(content, tmp_path):
    path = tmp_path / "some.model"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not a saved model, or is "):
        loaded(path)


def test_a_model_that_is_not_known_is_told_of_all_that_are():
    with pytest.raises(UnknownNameError, match=r"known: auto, independent, chowliu"):
        fit([[0, 1], [1, 0]], model="nonsense")
