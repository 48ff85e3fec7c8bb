"""Quoted text of some megabytes takes memory by its size, whichever reader finds it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# by reader: what is read, with N signs between quotes
QUOTED = {
    "DAGitty": "DAG.parse('dag { \"' + 'a' * N + '\" -> b }')",
    "DAGitty, escapes": r"DAG.parse('dag { b [label=\"' + '\\\\a' * (N // 2) + '\"] }')",
    "DAGitty, never closed": "DAG.parse('dag { \"' + 'a' * N)",
    "DOT": "DAG.parse('digraph { \"' + 'a' * N + '\" -> b }')",
    "DOT, an attribute": "DAG.parse('digraph { a [label=\"' + 'a' * N + '\"] }')",
    "DOT, the graph's name": "DAG.parse('digraph \"' + 'a' * N + '\" { a -> b }')",
    "our own": "DAG.parse('\"' + 'a' * N + '\" -> b')",
    "our own, never closed": "DAG.parse('\"' + 'a' * N + chr(10) + ' -> b')",
    "rows of names": "DAG.parse('from,to' + chr(10) + '\"' + 'a' * N + '\",b', 'edges')",
    "rows, pairs of quotes": "DAG.parse('from,to' + chr(10) + '\"' + '\"\"' * (N // 2) + '\",b', 'edges')",
    "BIF": "parse_network('network n { property \"' + 'a' * N + '\" ; }')",
    "NET": "parse_network('net { x = \"' + 'a' * N + '\"; }')",
    "a table to be packed": "Pieces.of('a,b' + chr(10) + '\"' + 'a' * N + '\",c', ',', 2)",
    "a table to be filled": "list(_records('a,b' + chr(10) + '\"' + 'a' * N + '\",c', ',', 2))",
    "a table of many lines in a cell": "list(_records('\"' + chr(10) * N + '\",c', ',', 2))",
    "a separator": "separator_of('\"' + 'a' * N + '\";b')",
}
PROGRAM = """
import re
from chainrule.core.delimited import separator_of
from chainrule.core.errors import ChainruleError
from chainrule.graphs import DAG
from chainrule.graphs.formats.networks import parse_network
from chainrule.tables.filling import _records
from chainrule.tasks.compression.text import Pieces
N = 5_000_000
def peak():  # not by getrusage, which counts what the process that started this one held
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
for kind, text in TEXTS.items():
    try:
        eval(text)
    except ChainruleError as e:
        assert len(str(e)) < 1000, kind
    assert peak() - before < 16 * N, (kind, (peak() - before) / N)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read there")
def test_quoted_text_takes_memory_by_its_size():
    # in a process of its own, since what a process held at most cannot be set back
    program = textwrap.dedent(PROGRAM).replace("TEXTS.items()", f"{QUOTED!r}.items()")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
