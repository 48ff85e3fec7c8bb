"""What NET, UAI, XMLBIF and XDSL must refuse: each with its line, its column and the reason."""

from __future__ import annotations

import pytest

from chainrule.core.errors import InputError, ParseError, TooLargeError, UnknownNameError
from chainrule.graphs.formats import network_builder
from chainrule.graphs.formats.networks import parse_network, read_network
from tests.graphs.formats.network_texts import HANDWRITTEN

NET = 'net { }\nnode a { states = ("x" "y"); }\nnode b { states = ("p" "q"); }\n'
BAYES = "BAYES\n2\n2 2\n2\n1 0\n2 0 1\n"
BIF = "<BIF>\n<NETWORK>\n<VARIABLE><NAME>a</NAME><OUTCOME>x</OUTCOME><OUTCOME>y</OUTCOME></VARIABLE>\n"
SMILE = (
    '<smile>\n<nodes>\n<cpt id="a"><state id="x"/><state id="y"/><probabilities>.5 .5</probabilities></cpt>\n'
)

REFUSED = [
    ("net", "nodes { }", "line 1, column 1", "expected 'node' or 'potential', got 'nodes'"),
    ("net", NET + "decision d { }", "line 4, column 1", "decisions are not read"),
    ("net", NET + "utility u { }", "line 4, column 1", "utilities are not read"),
    ("net", NET + "continuous node c { }", "line 4, column 1", "continuous nodes are not read"),
    ("net", NET + "function node f { }", "line 4, column 1", "function nodes are not read"),
    ("net", "class C { }", "line 1, column 1", "classes are not read"),
    ("net", NET + "node c { }", "line 4, column 6", "has no states"),
    ("net", NET + 'node a { states = ("u"); }', "line 4, column 6", "declared twice"),
    ("net", NET + 'node c { states = ("u" "u"); }', "line 4, column 24", "listed twice"),
    ("net", NET + "node c { states = (); }", "line 4, column 19", "at least one state"),
    ("net", NET + "potential (a b) { data = (1 0); }", "line 4, column 14", "several nodes is not read"),
    (
        "net",
        NET + "potential (a) { data = (1 0 0); }",
        "line 4, column 24",
        "expected 2 numbers for 'a', got 3",
    ),
    ("net", NET + "potential (a) { data = (1 z); }", "line 4, column 27", "expected a number or ')'"),
    ("net", NET + "potential (a) { data = (1 0)); }", "line 4, column 29", "expected ';'"),
    ("net", NET + "potential (a) { data = ((1 0); }", "line 4, column 30", "expected a number or ')'"),
    ("net", NET + "potential (a) { data = (1 1); }", "line 4, column 11", "sum to 1, got 2"),
    ("net", NET + "potential (a) { data = (2 -1); }", "line 4, column 11", "between 0 and 1, got 2"),
    ("net", NET + 'potential (a) { model_data = ("a+1"); }', "line 4, column 30", "defined by an expression"),
    ("net", NET + "potential (a) { }", "line 4, column 18", "expected a table of probabilities for 'b'"),
    ("net", NET + "node c { position = (1 x); }", "line 4, column 21", "a position such as (100 200)"),
    ("uai", "MARKOV\n1\n2\n2\n1 0\n1 0\n", "line 4, column 1", "a Markov network is read only where"),
    ("uai", "MARKOV\n1\n2\n1\n1 0\n\n2 4 .5\n", "line 7, column 1", "is no table of probabilities of 'x1'"),
    ("uai", "BAYES\nz\n", "line 2, column 1", "expected the number of variables, from 1"),
    ("uai", "BAYES\n2\n2 2\n2\n1 0  # a\n", "line 5, column 6", "UAI has no comments"),
    ("uai", "BAYES\n2\n2 2\n2\n1 0\n1 0\n2 1 0\n2 1 0", "line 6, column 1", "second function has 'x1'"),
    ("uai", "BAYES\n2\n2 2\n1\n1 0\n", "line 4, column 1", "each of 2 variables, got 1 functions"),
    ("uai", "BAYES\n2\n2 2\n2\n1 0\n1 5\n", "line 6, column 3", "expected a variable, from 0 to 1, got '5'"),
    ("uai", BAYES + "2 .5 .5\n3 1 0 1\n", "line 8, column 1", "expected 4 as the number of entries for 'x2'"),
    ("uai", BAYES + "2 .5 .5\n4 1 0 1\n", "line 9, column 1", "expected 4 numbers for 'x2', got 3"),
    ("uai", BAYES + "2 .5 .5\n", "line 8, column 1", "expected the table of 'x2'"),
    ("uai", BAYES + "2 .5 .5\n4 1 0 1 0\n7", "line 9, column 1", "nothing after the table"),
    ("uai", BAYES + "2 .5 .5\n4 1 0 1 nan\n", "line 8, column 9", "expected a number, got 'nan'"),
    ("uai", BAYES + "2 .5 .6\n4 1 0 1 0\n", "line 7, column 1", "sum to 1, got 1.1"),
    ("uai", BAYES + "2 .5, .5\n4 1 0 1 0\n", "line 7, column 3", "expected a number, got '.5,'"),
    ("xmlbif", "<BIF>\n</NETWORK>", "line 2, column 3", "not well-formed XML (mismatched tag)"),
    ("xmlbif", "<bif/>", "line 1, column 1", "expected <BIF> as the first element"),
    ("xmlbif", BIF + "</NETWORK></BIF>", "line 4, column 17", "expected a table of probabilities for 'a'"),
    ("xmlbif", BIF + "<DEFINITION/>", "line 4, column 1", "expected one <TABLE> in <DEFINITION>, got 0"),
    (
        "xmlbif",
        BIF + "<DEFINITION>\n<TABLE>.5 x</TABLE></DEFINITION>",
        "line 5, column 1",
        "in <TABLE>, got 'x'",
    ),
    ("xmlbif", BIF + '<VARIABLE TYPE="decision"/>', "line 4, column 1", "type nature, got 'decision'"),
    ("xmlbif", BIF + "<VARIABLE><NAME>b</NAME></VARIABLE>", "line 4, column 1", "'b' has no <OUTCOME>"),
    ("xmlbif", BIF + "<VARIABLE><NAME/></VARIABLE>", "line 4, column 11", "expected a name in <NAME>"),
    ("xmlbif", BIF + "<PARAMETER/>", "line 4, column 1", "expected <VARIABLE> or <DEFINITION>"),
    ("xmlbif", BIF + "</NETWORK>\n<NETWORK>", "line 5, column 1", "a second <NETWORK>"),
    (
        "xmlbif",
        BIF + "<DEFINITION><FOR>a</FOR>\n<FOR>b</FOR><TABLE>1</TABLE></DEFINITION></NETWORK></BIF>",
        "line 5, column 1",
        "several variables",
    ),
    ("xdsl", SMILE + '<noisymax id="n"/>', "line 4, column 1", "node 'n' is a noisy MAX, which is no table"),
    ("xdsl", SMILE + '<decision id="n"/>', "line 4, column 1", "node 'n' is a decision"),
    ("xdsl", SMILE + '<utility id="n"/>', "line 4, column 1", "node 'n' is a utility"),
    ("xdsl", SMILE + '<equation id="n"/>', "line 4, column 1", "node 'n' is defined by an equation"),
    ("xdsl", SMILE + '<wheel id="n"/>', "line 4, column 1", "is of the unknown kind 'wheel'"),
    ("xdsl", SMILE + "<cpt/>", "line 4, column 1", "<cpt> has no name"),
    ("xdsl", SMILE + '<cpt id="b"/>', "line 4, column 1", "node 'b' has no <state>"),
    ("xdsl", SMILE + "</nodes>\n<dynamic/>", "line 5, column 1", "this network is dynamic"),
    (
        "xdsl",
        SMILE
        + '<deterministic id="d"><state id="u"/><parents>a</parents>\n<resultingstates>u</resultingstates>'
        "</deterministic></nodes></smile>",
        "line 5, column 1",
        "expected 2 resulting states for 'd', got 1",
    ),
]


@pytest.mark.parametrize(("format", "text", "place", "expected"), REFUSED)
def test_what_does_not_follow_its_format_is_refused_with_its_place(format, text, place, expected):
    with pytest.raises(ParseError) as caught:
        parse_network(text, format)
    assert str(caught.value).startswith(place + ": ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("format", "text", "place"),
    [
        ("net", NET + "potential (a | c) { }", "line 4, column 16: there is no variable 'c'"),
        (
            "xmlbif",
            BIF + "<DEFINITION><FOR>c</FOR><TABLE>1</TABLE></DEFINITION></NETWORK></BIF>",
            "line 4, column 13",
        ),
        (
            "xdsl",
            SMILE
            + '<cpt id="b"><state id="u"/><parents>c</parents><probabilities>1</probabilities></cpt></nodes>'
            "</smile>",
            "line 4, column 28: there is no variable 'c'",
        ),
        (
            "xdsl",
            SMILE
            + '<deterministic id="d"><state id="u"/><resultingstates>v</resultingstates></deterministic></nodes>'
            "</smile>",
            "line 4, column 38: there is no state of 'd' 'v'",
        ),
    ],
)
def test_unknown_names_come_with_their_place(format, text, place):
    with pytest.raises(UnknownNameError, match=place):
        parse_network(text, format)


def test_a_markov_network_that_is_a_bayesian_one_is_read():
    assert parse_network("MARKOV" + HANDWRITTEN["uai"][5:]) == parse_network(HANDWRITTEN["uai"])


def test_without_data_a_potential_of_net_is_uniform():
    found = parse_network(NET + "potential (a) { } potential (b | a) { data = (1 0 0 1); }")
    assert found.tables["a"].tolist() == [0.5, 0.5]
    assert found.tables["b"].tolist() == [[1, 0], [0, 1]]  # a list without inner parentheses


def test_a_deterministic_node_of_genie_is_a_table_of_zeros_and_ones():
    node = '<deterministic id="d"><state id="u"/><state id="v"/><parents>a</parents>'
    found = parse_network(
        SMILE + node + "<resultingstates>v u</resultingstates></deterministic></nodes></smile>"
    )
    assert found.tables["d"].tolist() == [[0, 1], [1, 0]]


def test_xdsl_of_pyagrum_is_refused_where_its_order_of_parents_matters():
    by_pyagrum = HANDWRITTEN["xdsl"].replace("GeNIe 4", "aGrUM 3.3.1")
    with pytest.raises(ParseError, match="pyAgrum wrote this file"):
        parse_network(by_pyagrum)


BOMBS = [
    '<!DOCTYPE BIF [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><BIF><NETWORK><NAME>&b;</NAME></NETWORK></BIF>',
    '<!DOCTYPE BIF [<!ENTITY f SYSTEM "file:///etc/passwd">]><BIF><NETWORK><NAME>&f;</NAME></NETWORK></BIF>',
    '<!DOCTYPE BIF [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><BIF/>',
    '<!DOCTYPE BIF SYSTEM "http://127.0.0.1/a.dtd"><BIF><NETWORK><NAME>&f;</NAME></NETWORK></BIF>',
    "<!DOCTYPE BIF [" + "".join(f'<!ATTLIST BIF a{i} CDATA "x">' for i in range(200)) + "]><BIF/>",
    f'<!DOCTYPE BIF [<!ATTLIST BIF a CDATA "{"x" * 1000}">]><BIF/>',
    "<BIF>" * 100,
]


@pytest.mark.parametrize("text", BOMBS)
def test_xml_that_would_grow_or_read_other_files_is_refused(text):
    for format, document in (("xmlbif", text), ("xdsl", text.replace("BIF", "smile"))):
        with pytest.raises(ParseError, match=r"entities|document type|deep"):
            parse_network(document, format)


def test_sizes_are_bounded_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(network_builder, "MOST_NUMBERS", 7)
    for text in HANDWRITTEN.values():
        with pytest.raises(TooLargeError, match="at most 7 are read"):
            parse_network(text)
    monkeypatch.setattr(network_builder, "MOST_STATES", 4)
    for text in HANDWRITTEN.values():
        with pytest.raises(TooLargeError, match="more than 4 states"):
            parse_network(text)
    monkeypatch.setattr(network_builder, "MOST_VARIABLES", 1)
    for text in HANDWRITTEN.values():
        with pytest.raises(TooLargeError, match="more than 1 variables"):
            parse_network(text)


def test_xml_in_the_encoding_that_it_declares_is_read(tmp_path):
    text = HANDWRITTEN["xdsl"].replace("rain", "r\xe9gen")
    for name in ("ISO-8859-1", "windows-1252", "UTF-8"):
        path = tmp_path / "net.xdsl"
        path.write_bytes(text.replace("ISO-8859-1", name).encode(name))
        assert "r\xe9gen" in read_network(path).variables
    path.write_bytes(text.replace("ISO-8859-1", "US-ASCII").encode("latin-1"))
    with pytest.raises(Exception, match=r"is not us-ascii text \(at byte"):
        read_network(path)


def test_text_that_is_no_unicode_is_refused():
    for format in ("xmlbif", "xdsl"):
        with pytest.raises(InputError, match="is not Unicode text"):
            parse_network("<BIF>\ud800</BIF>", format)
