"""Networks with tables: every format holds the same network, and gives it back bit for bit."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, InputError, ParseError
from chainrule.core.progress import listening
from chainrule.graphs import DAG
from chainrule.graphs.formats.networks import (
    NETWORK_SUFFIXES,
    holds_network,
    network_text,
    parse_network,
    read_network,
    write_network,
)
from chainrule.models import BayesianNetwork
from tests.graphs.formats.data import bif_folder
from tests.graphs.formats.network_texts import FORMATS, HANDWRITTEN, WET_GRASS, networks


class Notes(list):
    """What is noted."""

    def __getattr__(self, _):
        return lambda *_: None

    def note(self, text):
        self.append(text)


def by_place(network):
    """The tables, numbers of states and parents by place: all that UAI holds."""
    place = {v: i for i, v in enumerate(network.variables)}
    return [
        (len(states), [place[u] for u in network.parents[v]], network.tables[v].tobytes())
        for v, states in network.variables.items()
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_a_network_written_by_hand_means_the_same_in_every_format(format):
    found = parse_network(HANDWRITTEN[format], format)
    assert parse_network(HANDWRITTEN[format]) == found  # told by how it opens
    if format == "uai":
        assert by_place(found) == by_place(WET_GRASS)
        assert found.variables["x2"] == ("0", "1", "2")
    else:
        assert found == WET_GRASS
    assert DAG.parse(HANDWRITTEN[format]) == DAG(found.edges, found.variables)
    assert DAG.parse(HANDWRITTEN[format]).positions == found.positions


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=25)
@given(data=st.data())
def test_what_is_written_is_read_back_bit_for_bit(format, data):
    network = data.draw(networks(format))
    text = network_text(network, format)
    again = parse_network(text)
    assert by_place(again) == by_place(network)
    assert again.variables == network.variables
    assert again.name == network.name
    assert DAG.parse(text, format) == DAG(network.edges, network.variables)


@settings(max_examples=25)
@given(data=st.data())
def test_notes_and_positions_live_in_bif_and_xmlbif(data):
    network = data.draw(networks("xmlbif"))
    names = st.sampled_from(list(network.variables))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    network = replace(
        network,
        properties=("version 2",),
        variable_properties=dict.fromkeys(
            data.draw(st.sets(names)), ("note = 'of \"v;\" /* x */'", "credal")
        ),
        positions=data.draw(st.dictionaries(names, st.tuples(finite, finite))),
    )
    in_order = replace(
        network,
        variable_properties={v: n for v in network.variables if (n := network.variable_properties.get(v))},
    )
    assert parse_network(network_text(network, "bif")) == in_order
    assert parse_network(network_text(network, "xmlbif")) == in_order


@given(st.text(max_size=20))
def test_a_note_that_bif_cannot_hold_as_it_is_does_no_harm_to_the_network(note):
    network = replace(WET_GRASS, properties=(note,), variable_properties={"wet": (note,)})
    again = parse_network(network_text(network, "bif"))
    assert by_place(again) == by_place(network)
    assert again.variables == network.variables


@pytest.mark.parametrize("format", ["net", "xdsl"])
def test_positions_live_in_net_and_xdsl(format):
    placed = replace(WET_GRASS, positions={"rain": (100.5, -20.0), "hose": (0.0, 3.25)})
    assert parse_network(network_text(placed, format)).positions == placed.positions


@pytest.mark.realdata
@pytest.mark.parametrize("path", ["alarm", "asia", "cancer", "child", "earthquake", "hailfinder", "insurance",
                                  "sachs", "survey"])  # fmt: skip
def test_published_networks_live_in_every_format_bit_for_bit(path):
    network = read_network(bif_folder() / f"{path}.bif.gz")
    for format in FORMATS:
        if path == "child" and format == "xdsl":  # it has the state Asy/Patch
            with pytest.raises(InputError, match="XDSL cannot hold the state of 'ChestXray' 'Asy/Patch'"):
                network_text(network, format)
            continue
        again = parse_network(network_text(network, format))
        assert by_place(again) == by_place(network)
        if format != "uai":
            assert (again.variables, again.parents) == (network.variables, network.parents)


@pytest.mark.parametrize("suffix", [s + z for s in NETWORK_SUFFIXES for z in ("", ".gz")])
def test_a_file_is_read_by_its_suffix_and_by_its_content(tmp_path, suffix):
    path, elsewhere = tmp_path / f"net{suffix}", tmp_path / "unnamed"
    write_network(WET_GRASS, path)
    elsewhere.write_bytes(path.read_bytes())
    assert by_place(read_network(path)) == by_place(read_network(elsewhere)) == by_place(WET_GRASS)
    assert holds_network(path)
    assert holds_network(elsewhere)
    assert len(DAG.read(path).edges) == len(DAG.read(elsewhere).edges) == 2
    if suffix.endswith("gz"):
        assert gzip.decompress(path.read_bytes())


def test_uai_says_that_it_has_no_names_unless_there_are_none(tmp_path):
    with listening(heard := Notes()):
        write_network(WET_GRASS, tmp_path / "net.uai")
        write_network(read_network(tmp_path / "net.uai"), tmp_path / "again.uai")
    assert heard == ["UAI has no names: the 3 variables are x1, x2, … in their order, states 0, 1, …"]


def test_a_graph_without_tables_is_no_network(tmp_path):
    (tmp_path / "g.dot").write_text("digraph { a -> b }")
    assert not holds_network(tmp_path / "g.dot")
    with pytest.raises(ParseError, match="expected a network with tables"):
        parse_network("a -> b")
    with pytest.raises(ParseError, match=r"g\.dot: line 1, column 1: expected a network with tables"):
        read_network(tmp_path / "g.dot")
    with pytest.raises(ParseError, match="neither <BIF>"):
        DAG.parse("<html></html>")
    with pytest.raises(InputError, match="format must be one of bif"):
        parse_network("a -> b", "dot")
    with pytest.raises(InputError, match="does not tell a format of networks"):
        write_network(WET_GRASS, tmp_path / "net.dot")
    with pytest.raises(InputError, match="holds a network with its tables"):
        DAG.parse("a -> b").write(tmp_path / "g.xdsl")


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_of_the_wrong_shape_is_not_written(format):
    broken = replace(WET_GRASS, tables=WET_GRASS.tables | {"rain": np.ones(3)})
    with pytest.raises(ChainruleError, match="must have the shape"):
        network_text(broken, format)


@pytest.mark.parametrize(
    ("format", "variable", "state", "expected"),
    [
        ("net", "dog-out", "no", "NET cannot hold the variable 'dog-out'"),
        ("net", "1st", "no", "begins with no digit"),
        ("xdsl", "dog-out", "no", "XDSL cannot hold the variable 'dog-out'"),
        ("xdsl", "dog", "<5", "XDSL cannot hold the state of 'dog' '<5'"),
        ("xmlbif", "dog", " no", "of white space around a name nothing is kept"),
        ("xmlbif", "do\bg", "no", r"it has the character '\\x08'"),
    ],
)
def test_names_that_a_format_cannot_hold_are_refused(format, variable, state, expected):
    network = replace(
        WET_GRASS, variables={variable: (state,)}, parents={variable: ()}, tables={variable: np.ones(1)}
    )
    with pytest.raises(InputError, match=expected):
        network_text(network, format)
    assert parse_network(network_text(network, "bif")).variables == {variable: (state,)}


@pytest.mark.parametrize("suffix", NETWORK_SUFFIXES)
def test_a_model_has_the_same_tables_after_any_format(tmp_path, suffix):
    model = BayesianNetwork.from_tables(
        DAG(WET_GRASS.edges, WET_GRASS.variables, positions=WET_GRASS.positions),
        WET_GRASS.variables,
        WET_GRASS.tables,
    )
    model.write(tmp_path / f"net{suffix}")
    again = BayesianNetwork.read(tmp_path / f"net{suffix}")
    for table, other in zip(model.tables_.values(), again.tables_.values(), strict=True):
        assert table.tobytes() == other.tobytes()
    if suffix != ".uai":
        assert (again.dag_, again.states_, again.dag_.positions) == (
            model.dag_,
            model.states_,
            model.dag_.positions,
        )


def test_parents_in_another_order_than_the_nodes_are_read_with_their_axes(tmp_path):
    turned = replace(
        WET_GRASS,
        parents=WET_GRASS.parents | {"wet": ("hose", "rain")},
        tables=WET_GRASS.tables | {"wet": WET_GRASS.tables["wet"].swapaxes(0, 1)},
    )
    for format in FORMATS:
        write_network(turned, tmp_path / "net", format)
        again = BayesianNetwork.read(tmp_path / "net", format)
        np.testing.assert_array_equal(list(again.tables_.values())[2], WET_GRASS.tables["wet"])
