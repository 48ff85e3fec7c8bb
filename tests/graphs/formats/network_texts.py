"""One network, written by hand in each format as its description says, and any network by hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from chainrule.graphs.formats.network_description import NetworkDescription
from tests.graphs.dags import acyclic

__all__ = ["FORMATS", "HANDWRITTEN", "WET_GRASS", "named_for", "networks"]

FORMATS = ("bif", "xmlbif", "net", "uai", "xdsl")

# the parents of wet have 2 and 3 states and no two of its rows are alike, so that no other order of axes fits
WET_GRASS = NetworkDescription(
    "lawn",
    {"rain": ("no", "yes"), "hose": ("off", "low", "high"), "wet": ("dry", "wet")},
    {"rain": (), "hose": (), "wet": ("rain", "hose")},
    {
        "rain": np.array([0.8, 0.2]),
        "hose": np.array([0.5, 0.3, 0.2]),
        "wet": np.array([[[1.0, 0.0], [0.6, 0.4], [0.3, 0.7]], [[0.2, 0.8], [0.1, 0.9], [0.05, 0.95]]]),
    },
    positions={"rain": (100.0, 20.0)},
)
HANDWRITTEN = {
    "bif": """network lawn { }
variable rain { type discrete [ 2 ] { no, yes }; property position = (100, 20) ; }
variable hose { type discrete [ 3 ] { off, low, high }; }
variable wet { type discrete [ 2 ] { dry, wet }; }
probability ( rain ) { table 0.8, 0.2; }
probability ( hose ) { table 0.5, 0.3, 0.2; }
probability ( wet | rain, hose ) {
  (no, off) 1, 0; (no, low) 0.6, 0.4; (no, high) 0.3, 0.7;
  (yes, off) 0.2, 0.8; (yes, low) 0.1, 0.9; (yes, high) 0.05, 0.95;
}
""",
    "xmlbif": """<?xml version="1.0" encoding="UTF-8"?>
<!-- as JavaBayes and Weka begin -->
<!DOCTYPE BIF [
  <!ELEMENT BIF ( NETWORK )*>
  <!ATTLIST BIF VERSION CDATA #REQUIRED>
  <!ELEMENT VARIABLE ( NAME, ( OUTCOME |  PROPERTY )* ) >
  <!ATTLIST VARIABLE TYPE (nature|decision|utility) "nature">
]>
<BIF VERSION="0.3"><NETWORK><NAME>lawn</NAME>
<VARIABLE TYPE="nature"><NAME>rain</NAME><OUTCOME>no</OUTCOME><OUTCOME> yes </OUTCOME>
  <PROPERTY>position = (100, 20)</PROPERTY></VARIABLE>
<VARIABLE><NAME>hose</NAME><OUTCOME>off</OUTCOME><OUTCOME>low</OUTCOME><OUTCOME>high</OUTCOME></VARIABLE>
<VARIABLE TYPE="nature"><NAME>wet</NAME><OUTCOME>dry</OUTCOME><OUTCOME>wet</OUTCOME></VARIABLE>
<DEFINITION><FOR>wet</FOR><GIVEN>rain</GIVEN><GIVEN>hose</GIVEN>
  <TABLE>1 0 .6 .4 .3 .7 <!-- it rains --> 0.2 0.8 1e-1 0.9 0.05 0.95</TABLE></DEFINITION>
<DEFINITION><FOR>rain</FOR><TABLE>0.8 0.2</TABLE></DEFINITION>
<DEFINITION><FOR>hose</FOR><TABLE>0.5 0.3 0.2</TABLE></DEFINITION>
</NETWORK></BIF>
""",
    "net": """% as Hugin writes it
net
{
    node_size = (80 40);
    name = "lawn";
}
node rain
{
    label = "Does it rain?"; position = (100 20);
    states = ("no" "yes");
}
node hose { states = ("off" "low" "high"); }
discrete node wet { states = ("dry" "wet"); HR_Desc = "a \\"note\\"; {with} signs"; }
potential (rain) { data = ( 0.8 0.2 ); }
potential ( hose ) { data = (0.5 0.3 0.2); }
potential (wet | rain hose)
{
    data = ((( 1 0 )      %  rain=no   hose=off
             ( .6 .4 )    %  rain=no   hose=low; and so on
             ( .3 .7 ))
            (( 0.2 0.8 ) ( 0.1 0.9 ) ( 0.05 0.95 )));
}
""",
    "uai": """BAYES
3
2 3 2
3
1 0
1 1
3 0 1 2

2
 0.8 0.2
3
 0.5 0.3 0.2
12
 1 0   0.6 0.4   0.3 0.7
 0.2 0.8   0.1 0.9   0.05 0.95
""",
    "xdsl": """<?xml version="1.0" encoding="ISO-8859-1"?>
<smile version="1.0" id="lawn" numsamples="1000" discsamples="10000">
  <nodes>
    <cpt id="rain" target="true"><state id="no" /><state id="yes" /><probabilities>0.8 0.2</probabilities></cpt>
    <cpt id="hose"><state id="off" /><state id="low" /><state id="high" />
      <probabilities>0.5 0.3 0.2</probabilities></cpt>
    <cpt id="wet"><state id="dry" /><state id="wet" /><parents>rain hose</parents>
      <probabilities>1 0 0.6 0.4 0.3 0.7 0.2 0.8 0.1 0.9 0.05 0.95</probabilities>
      <property id="source">made up</property></cpt>
  </nodes>
  <extensions><genie version="1.0" app="GeNIe 4" name="lawn">
    <submodel id="weather"><node id="rain"><name>Does it rain?</name><interior color="e5f6f7" />
      <position>60 0 140 40</position></node></submodel>
    <node id="hose"><name>Hose</name></node>
  </genie></extensions>
</smile>
""",
}

_XML_SPACE = " \t\r\n"


def named_for(format: str) -> tuple[st.SearchStrategy[str], st.SearchStrategy[str]]:
    """Names of variables and of states that a format holds."""
    any_text = st.text(min_size=1, max_size=5).filter(lambda t: "\0" not in t)
    in_xml = st.text(
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"),
        min_size=1,
        max_size=5,
    ).filter(lambda t: t == t.strip(_XML_SPACE) and not any(ord(c) & 0xFFFE == 0xFFFE for c in t))
    return {
        "bif": (any_text, any_text),
        "xmlbif": (in_xml, in_xml),
        "net": (st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,3}", fullmatch=True), any_text),
        "xdsl": (st.from_regex(r"[A-Za-zé][A-Za-z0-9_é]{0,3}", fullmatch=True),) * 2,
    }[format]


@st.composite
def networks(draw: st.DrawFn, format: str = "bif") -> NetworkDescription:
    """Any network that a format holds, with any table; in UAI names are places."""
    dag = draw(acyclic(max_nodes=4))
    if format == "uai":
        names = [f"x{i + 1}" for i in range(len(dag))]
        states = [tuple(map(str, range(draw(st.integers(1, 3))))) for _ in names]
    else:
        one, state = named_for(format)
        names = draw(st.lists(one, min_size=len(dag), max_size=len(dag), unique=True))
        states = [tuple(draw(st.lists(state, min_size=1, max_size=3, unique=True))) for _ in names]
    renamed = dict(zip(dag.nodes, names, strict=True))
    variables = dict(zip(names, states, strict=True))
    parents = {
        renamed[v]: tuple(renamed[u] for u in draw(st.permutations(dag.parents(v)))) for v in dag.nodes
    }
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    tables = {}
    for v in names:
        weights = rng.random([len(variables[u]) for u in (*parents[v], v)]) ** 8
        tables[v] = weights / weights.sum(-1, keepdims=True)
    return NetworkDescription("" if format == "uai" else "n", variables, parents, tables)
