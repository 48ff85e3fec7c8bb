"""Whatever is read ends in a graph or in one line of ours: 25,000 damaged texts, and texts made to be slow."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from typing import TypeVar

import pytest

from chainrule.core.errors import ChainruleError
from chainrule.graphs import DAG, DirectedGraph
from chainrule.graphs.formats.bif import parse_bif, write_bif

T = TypeVar("T")
N_CHUNKS, N_PER_CHUNK = 5, 5000

TEXTS = {
    "chainrule": 'S -> {A, R}  # why\nR <- "air \\"p\\"" -> A; U [latent]\n/* c */ U -> S -> R\nD.1 -> E_2 -> {F}',
    "dagitty": 'dag "g" { bb="0,0,1,1"\nX [exposure,pos="-1.5,2"] "a \\"b\\"" [outcome]\nU [latent]\n'
    'X <- U -> "a \\"b\\"" [beta=.3]; X -> {M -> N {K}} <- X\nP <-> Q <-> {M N} // c\n}',
    "dot": 'strict digraph "G" { /* c */ node [class="latent" shape=box]; U; node [class=""]\nrankdir = LR\n'
    'subgraph cluster_1 { a -> b:n:sw -> {c "d" + "e"} [label="x"]; -1.5 }\nU -> a; U [pos="1,2!"] # x\n}',
    "bif": 'network "n" { property version 1.5 ; }\n'
    "variable a { type discrete [ 2 ] { <5, x-y }; property position = (1, 2) ; }\n"
    "variable b { type discrete[3] { p q r }; }\nvariable c { type discrete [ 2 ] { 0, 1 }; }\n"
    "probability ( a ) { table 0.25, 0.75; } // c\nprobability ( b | a ) { (<5) .1 .2 .7; default 0.2, 0.3, 0.5; }\n"
    "probability ( c | a, b ) { table 1 1 1 1 1 1 0 0 0 0 0 0; }",
    "edges": 'parent,child\nA,B\n"B ""x""",C\r\nD,\n A , C\n',
    "adjacency": ',A,B,"C ""x"""\nA,0,1,1\nB,0,0,1\n"C ""x""",0,0,0\n',
}
TOKENS = [
    *"{}[]()<>;:,|=+-\"'\\/*#\n\r\t \0é\u2028",
    "->", "<-", "<->", "--", "@->", "/*", "*/", "//", "dag {", "digraph {", "graph", "node", "edge", "subgraph",
    "strict", "pdag", "mag {", "network", "variable", "probability", "table", "default", "property", "type",
    "discrete", "[latent]", "[pos=\"1,2\"]", "pos=\"1e999,0\"", "latent", "0", "1", "0.5", "-1", "1e400", "nan",
    "9" * 5000, "1_0", "A", "\"\"", "\ufeff", "{A B C} -> {D E F} ->", "A,B\n", "{" * 60, "}" * 60,
]  # fmt: skip


PIECES = [
    *"{}[(\"/-\\#'1 \t\v", '"a', "/*", "<-", "A ", "A->", "->", "{A", "{A}->", '\\"', '""', "0,", "A\n", "A,B\n", "A;",
    "[a]", "graph [", "A [b=", "variable a {", "A <-> {B C} ",
]  # fmt: skip


def mutated(text: str, rng: random.Random) -> str:
    """``text`` after a few deletions, insertions, copies, swaps, flipped bits and splices."""
    for _ in range(rng.choice([1, 1, 2, 3, 5, 8])):
        i, j = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        j = min(j, i + rng.choice([1, 3, 10, 40]))
        kind = rng.randrange(6)
        if kind == 0:
            text = text[:i] + text[j:]
        elif kind == 1:
            text = text[:i] + rng.choice(TOKENS) + text[i:]
        elif kind == 2:
            text = text[:j] + text[i:j] * rng.randrange(1, 4) + text[j:]
        elif kind == 3:
            text = text[:i] + text[j : 2 * j - i] + text[i:j] + text[2 * j - i :]
        elif kind == 4 and i < len(text):
            text = text[:i] + chr(ord(text[i]) ^ (1 << rng.randrange(8))) + text[i + 1 :]
        else:
            other = rng.choice(list(TEXTS.values()))
            k = rng.randrange(len(other))
            text = text[:i] + other[k : k + rng.randrange(40)] + text[j:]
    return text


def result(read: Callable[..., T], *arguments: object) -> T | None:
    """What reading gives, or None where it ends in an error of ours that is one line."""
    try:
        return read(*arguments)
    except ChainruleError as e:
        message = str(e)
    assert len(message.splitlines()) == 1, message
    return None


def check(text: str, name: str | None, rng: random.Random) -> bool:
    """Whether ``text`` is a graph, which then can be written and read again."""
    kind = rng.choice([DAG, DirectedGraph])
    graph = result(kind.parse, text, name)
    if graph is None:
        return False
    for out in ("chainrule", "dagitty", "dot"):
        assert kind.parse(graph.to_text(out), out) == graph, text
    return True


@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_damaged_text_ends_in_a_graph_or_in_one_line_of_ours(chunk):
    rng = random.Random(chunk)
    n_graphs = 0
    for _ in range(N_PER_CHUNK):
        name = rng.choice(list(TEXTS))
        recognised = name not in ("edges", "adjacency") and rng.random() < 0.3
        n_graphs += check(mutated(TEXTS[name], rng), None if recognised else name, rng)
    assert N_PER_CHUNK / 20 < n_graphs < N_PER_CHUNK / 2  # neither harmless nor hopeless


@pytest.mark.parametrize("name", TEXTS)
def test_the_texts_to_be_damaged_are_whole(name):
    assert check(TEXTS[name], name, random.Random(0))
    if name not in ("edges", "adjacency"):
        assert DAG.parse(TEXTS[name]) == DAG.parse(TEXTS[name], name)


def test_a_damaged_network_with_tables_is_refused_or_written_again_bit_for_bit():
    rng = random.Random(0)
    texts = [mutated(TEXTS["bif"], rng) for _ in range(5000)]
    networks = [network for text in texts if (network := result(parse_bif, text)) is not None]
    assert all(parse_bif(write_bif(network)) == network for network in networks)
    assert len(networks) > 100


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("piece", PIECES)
def test_long_repetitions_take_linear_time(name, piece):
    opening = {"dagitty": "dag {", "dot": "digraph {", "bif": "network {"}.get(name, "")
    for text in (piece * (100_000 // len(piece)), opening + piece * (100_000 // len(piece))):
        check(text, name, random.Random(0))


@pytest.mark.parametrize(
    "inner", ["9" * 100_000, "1," + " " * 100_000 + "x", "1, 2" + " " * 100_000 + ",", "9e" + "9" * 100_000]
)
def test_long_positions_take_linear_time(inner):
    check(f'dag {{ A [pos="{inner}"] }}', None, random.Random(0))
    for text in (inner, f"({inner}", " " * 100_000 + inner):
        network = f"network {{}} variable a {{ type discrete [1] {{ x }}; property position = {text} ; }}"
        assert not DAG.parse(network + "probability ( a ) { table 1; }").positions


def test_damaged_files_end_in_a_graph_or_in_one_line_of_ours(tmp_path):
    rng = random.Random(0)
    whole = [
        gzip.compress(TEXTS["bif"].encode(), mtime=0),
        TEXTS["dot"].encode(),
        TEXTS["adjacency"].encode(),
    ]
    for i in range(600):
        content = bytearray(whole[i % 3])
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path = tmp_path / f"graph{rng.choice(['.bif', '.dot', '.csv', '.txt', '.bif.gz', ''])}"
        path.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
        result(DAG.read, path)
