"""Whatever a reader of networks is given ends in a network or in one line of ours, in bounded time and memory."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError
from chainrule.graphs.formats.networks import network_text, parse_network, read_network
from tests.graphs.formats.network_texts import FORMATS, HANDWRITTEN
from tests.graphs.formats.test_fuzz import mutated

N_EACH = 1500
TOKENS = {
    "bif": ["(no, off) ", "(", ");", "default 1 0;", "table", "property x;", ", ", "/**/", "//", '"no"', "| ", "1e-1"],
    "xmlbif": ["<GIVEN>", "</GIVEN>", "<TABLE/>", "&amp;", "&#0;", "&x;", "<![CDATA[", "]]>", "<!--", "-->", "<?x?>",
               "<OUTCOME>a</OUTCOME>", "<VARIABLE>", "</NETWORK>", 'TYPE="utility"', "<!DOCTYPE BIF [", "]>", "\0"],
    "net": ["(", ")", "((", "))", "data = ", ";", "% x\n", '"a"', "potential (rain) ", "node x ", "{", "}", "= ", "| "],
    "uai": ["0 ", "1 ", "12 ", "-1 ", "99999999999 ", "1e400 ", "MARKOV ", "\n", "# ", ".5 .5 ", ", "],
    "xdsl": ["<state/>", '<state id="a"/>', "<parents>", "</parents>", "<nodes>", "</nodes>", "<cpt>", "<cpt id='z'>",
             "<noisymax id='z'/>", "<resultingstates>", "<genie app='aGrUM'>", "<position>1 2 3</position>", "&lt;"],
}  # fmt: skip


def damaged(format: str, rng: random.Random) -> str:
    """The text of a format with words of the format put in, taken out, copied or moved, and other damage."""
    text = HANDWRITTEN[format]
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        i = rng.randrange(len(text) + 1)
        text = text[:i] + rng.choice(TOKENS[format]) + text[i + rng.choice([0, 0, 0, 1, 4]) :]
    if rng.random() < 0.5:
        lines = text.splitlines(keepends=True)
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[i], lines[j : j + 1] = lines[j], rng.choice([[lines[i]], [], [lines[j]] * 2])
        text = "".join(lines)
    return mutated(text, rng) if text and rng.random() < 0.5 else text


def check(text: str, format: str | None) -> bool:
    """Whether ``text`` is a network, which then is written and read again; else its refusal is short."""
    try:
        network = parse_network(text, format)  # type: ignore[arg-type]
    except ChainruleError as e:
        message = str(e)
        assert len(message.splitlines()) == 1, text
        assert len(message) < 1000, text
        return False
    for table in network.tables.values():
        assert np.isfinite(table).all(), text
        assert (np.abs(table.sum(-1) - 1) < 0.001 * table.shape[-1]).all(), text
    plain = replace(
        network, properties=(), variable_properties={}
    )  # notes that BIF cannot hold are quoted there
    assert parse_network(network_text(plain, "bif")) == plain, text
    return True


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_text_ends_in_a_network_or_in_one_line_of_ours(format):
    rng = random.Random(7)
    n_read = sum(check(damaged(format, rng), rng.choice([format, None])) for _ in range(N_EACH))
    assert N_EACH / 50 < n_read < N_EACH / 1.2  # neither harmless nor hopeless


def test_damaged_files_end_in_a_network_or_in_one_line_of_ours(tmp_path):
    rng = random.Random(3)
    for _ in range(300):
        format = rng.choice(FORMATS)
        content = bytearray(gzip.compress(HANDWRITTEN[format].encode(), mtime=0))
        if rng.random() < 0.5:
            content = bytearray(HANDWRITTEN[format].encode())
        for _ in range(rng.randrange(1, 4)):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path = tmp_path / "network"
        path.write_bytes(content)
        try:
            read_network(path)
        except ChainruleError as e:
            assert len(str(e)) < 1000  # noqa: PT017  # that it is ours is what is tested


LONG = {
    "a quoted property of BIF": "'network n { property \"' + 'a' * N + '\" ; }'",
    "a property of BIF of one word": "'network n { property ' + 'a' * N + ' ; }'",
    "escapes in BIF": r"'network n { property \"' + '\\\\a' * (N // 2) + '\" ; }'",
    "a name in BIF": "'network n { } variable ' + 'a' * N + ' { }'",
    "a comment in BIF": "'network n { } /*' + '*' * N",
    "numbers in BIF": "BIF + 'probability (a) { table ' + '1 ' * (N // 2) + '; }'",
    "parentheses in NET": "NET + 'potential (a) { data = ' + '(' * N",
    "a string in NET": "'net { x = \"' + 'a' * N + '\"; }'",
    "numbers in NET": "NET + 'potential (a) { data = (' + '10 ' * (N // 3) + '); }'",
    "numbers in UAI": "'BAYES 1 2 1 1 0 ' + '10 ' * (N // 3)",
    "variables in UAI": "'BAYES 99999 ' + '1 ' * (N // 2)",
    "text in XMLBIF": "'<BIF><NETWORK><NAME>' + 'a' * N + '</NAME></NETWORK></BIF>'",
    "elements in XMLBIF": "'<BIF><NETWORK>' + '<PROPERTY>a</PROPERTY>' * (N // 22) + '</NETWORK></BIF>'",
    "numbers in XMLBIF": "'<BIF><NETWORK><DEFINITION><TABLE>' + '10 ' * (N // 3) + '</TABLE></DEFINITION></NETWORK>'",
    "an attribute in XDSL": "'<smile id=\"' + 'a' * N + '\"></smile>'",
}
PROGRAM = """
from pathlib import Path
from chainrule.core.errors import ChainruleError
from chainrule.graphs.formats.networks import parse_network
N = 6_000_000
BIF = "network n { } variable a { type discrete [ 2 ] { x, y }; } "
NET = 'net { } node a { states = ("x" "y"); } '
def peak():
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) * 1024
before = peak()
for kind, text in TEXTS.items():
    text = eval(text)
    try:
        parse_network(text)
    except ChainruleError:
        pass
    assert peak() - before < 16 * N, (kind, (peak() - before) / N)
"""


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the system does not say what was held at most"
)
def test_memory_is_bounded_by_the_size_of_the_text():
    # in a process of its own, since what a process held at most cannot be set back
    program = textwrap.dedent(PROGRAM).replace("TEXTS.items()", f"{LONG!r}.items()")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
