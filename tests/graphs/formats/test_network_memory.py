"""Reading a network from XML takes memory by the size of its text: a few times as much where tables are large."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# name, states, parents, numbers
Node = tuple[str, list[str], list[str], str]

PROGRAM = """
import os, re, sys
from chainrule.graphs.formats.networks import read_network
def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
path, small = sys.argv[1:]
read_network(small)
before = peak()
read_network(path)
print((peak() - before) / os.path.getsize(path))
"""


def _one_table(row: str, parents: int) -> Iterator[Node]:
    above = [f"p{i}" for i in range(parents)]
    yield from ((p, ["no", "yes"], [], "0.5 0.5") for p in above)
    yield "large", ["no", "yes"], above, " ".join([row] * 2**parents)


def _many_nodes(n: int) -> Iterator[Node]:
    for i in range(n):
        above = [f"node{j}" for j in range(max(0, i - 2), i)]
        yield f"node{i}", ["low", "high"], above, " ".join(["0.25 0.75"] * 2 ** len(above))


def _many_states(n: int) -> Iterator[Node]:
    yield "large", [f"state{i}" for i in range(n)], [], " ".join(["1", *["0"] * (n - 1)])


# what a number takes in memory, eight bytes, is four times the shortest that it can be in a text
NETWORKS = {
    "numbers of eight digits": (lambda: _one_table("0.123456 0.876544", 18), 6),
    "numbers of one digit": (lambda: _one_table("1 0", 20), 12),
    "many nodes": (lambda: _many_nodes(12_000), 14),
    "many states": (lambda: _many_states(40_000), 28),
}


def _xdsl(nodes: Iterator[Node]) -> Iterator[str]:
    yield '<smile id="n"><nodes>'
    for name, states, parents, numbers in nodes:
        yield f'<cpt id="{name}">' + "".join(f'<state id="{s}"/>' for s in states)
        yield f"<parents>{' '.join(parents)}</parents><probabilities>{numbers}</probabilities></cpt>"
    yield "</nodes></smile>"


def _xmlbif(nodes: Iterator[Node]) -> Iterator[str]:
    yield "<BIF><NETWORK>"
    for name, states, parents, numbers in nodes:
        outcomes = "".join(f"<OUTCOME>{s}</OUTCOME>" for s in states)
        yield f"<VARIABLE><NAME>{name}</NAME>{outcomes}</VARIABLE>"
        given = "".join(f"<GIVEN>{p}</GIVEN>" for p in parents)
        yield f"<DEFINITION><FOR>{name}</FOR>{given}<TABLE>{numbers}</TABLE></DEFINITION>"
    yield "</NETWORK></BIF>"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read there")
@pytest.mark.parametrize("writer", [_xdsl, _xmlbif])
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_takes_memory_by_the_size_of_its_text(kind, writer, tmp_path):
    nodes, most = NETWORKS[kind]
    path, small = tmp_path / f"n.{writer.__name__[1:]}", tmp_path / f"small.{writer.__name__[1:]}"
    path.write_text("\n".join(writer(nodes())))
    small.write_text("\n".join(writer(_many_nodes(3))))
    command = [sys.executable, "-c", PROGRAM, str(path), str(small)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 1 < float(done.stdout) < most
