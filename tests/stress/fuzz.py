"""Broken inputs by the thousand: ``python -m tests.stress.fuzz --inputs 100000`` (for all readers together).

An input is a right one, or the halves of two, changed in a few places: bits, bytes, pieces cut, doubled or moved,
numbers made large or negative, words of the formats put in.  A reader may take it, or refuse it by an error of ours
of fewer than 1,000 signs, in time and memory; anything else is a fault, and is kept as a file to begin from.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from chainrule.core.errors import ChainruleError
from chainrule.core.settings import settings
from tests.stress.readers import READERS, Reader

__all__ = ["Fault", "faults", "mutated"]

TOGETHER = 20_000  # inputs in one process
MEMORY = 6 << 30  # of the whole process, libraries and threads included
SECONDS = 5.0  # of one input of a kilobyte or so
LONGEST = 1_000  # signs of a message
_WORDS = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf0\x9f\x90\x8d", b"\xe2\x80\xae", b"\n", b"\r", b'"',
    b"'", b",", b";", b"{", b"}", b"[", b"]", b"(", b")", b"->", b"<->", b"--", b"=", b"|", b"/*", b"//", b"#", b"%",
    b"nan", b"inf", b"-1", b"1e308", b"9" * 30, b"0x7f", b"\\u0000", b"NA", b"None", b"true", b"null", b"table",
    b"default", b"latent", b"<?xml",
]  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_NUMBERS = [
    b"0",
    b"-1",
    b"1",
    b"255",
    b"256",
    b"65536",
    b"2147483648",
    b"99999999999999999999",
    b"1e400",
    b"0.1",
    b"nan",
]


@dataclass(frozen=True)
class Fault:
    """What a reader did with ``content`` that it may not."""

    reader: str
    content: bytes
    what: str


def mutated(seeds: list[bytes], rng: np.random.Generator) -> bytes:
    """One broken input."""
    content = seeds[rng.integers(len(seeds))]
    if rng.random() < 0.1:
        other = seeds[rng.integers(len(seeds))]
        content = content[: rng.integers(len(content) + 1)] + other[rng.integers(len(other) + 1) :]
    for _ in range(1 + int(rng.geometric(0.5))):
        content = _changed(bytearray(content), rng)
    return content


def _changed(content: bytearray, rng: np.random.Generator) -> bytes:
    n = len(content)
    a, b = sorted(int(i) for i in rng.integers(0, n + 1, 2))
    b = min(b, a + 1 + int(rng.geometric(0.05)))
    match int(rng.integers(8)):
        case 0 if n:
            content[a % n] ^= 1 << int(rng.integers(8))
        case 1 if n:
            content[a % n] = int(rng.integers(256))
        case 2:
            del content[a:b]
        case 3:
            content[a:a] = content[a:b] * int(rng.integers(1, 20))
        case 4:
            content[a:a] = _WORDS[rng.integers(len(_WORDS))] * int(rng.choice([1, 1, 1, 2, 50]))
        case 5 if found := list(_NUMBER.finditer(bytes(content))):
            m = found[rng.integers(len(found))]
            content[m.start() : m.end()] = _NUMBERS[rng.integers(len(_NUMBERS))]
        case 6:
            del content[a:]
        case _ if n >= 4:
            at = a % (n - 3)
            content[at : at + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF])).to_bytes(4, "little")
        case _:
            content += b"\0"
    return bytes(content)


def faults(reader: Reader, n: int, seed: int) -> Iterator[Fault]:
    """What ``reader`` does wrong with ``n`` inputs."""
    rng, seeds = np.random.default_rng([seed, sum(reader.name.encode())]), reader.seeds()
    with TemporaryDirectory() as folder, settings(verbose=False):
        path = Path(folder) / reader.name
        for k in range(n):
            content = seeds[k] if k < len(seeds) else mutated(seeds, rng)
            if (
                what := _wrong(reader, path, content, right=k < len(seeds) and reader.takes_seeds)
            ) is not None:
                yield Fault(reader.name, content, what)


def _wrong(reader: Reader, path: Path, content: bytes, *, right: bool) -> str | None:
    path.write_bytes(content)
    began = time.perf_counter()
    try:
        reader.read(path)
    except ChainruleError as e:
        if right:
            return f"a right input was refused: {e}"
        if len(str(e)) >= LONGEST or "\n" in str(e):
            return f"a message of {len(str(e))} signs, or of several lines: {str(e)[:200]!r}"
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return f"{type(e).__name__}: {str(e)[:200]}"
    seconds = time.perf_counter() - began
    if seconds > SECONDS:
        return f"{seconds:.1f} s"
    return "the input was changed" if path.read_bytes() != content else None


def main(arguments: list[str] | None = None) -> int:
    """Fuzz all readers, or those named; the number of faults found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="for all readers together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-faults"), help="the folder for inputs that break a reader"
    )
    parser.add_argument("readers", nargs="*", default=list(READERS), help=f"of {', '.join(READERS)}")
    chosen = parser.parse_args(arguments)
    total = 0
    for name in chosen.readers:
        began, kinds = time.perf_counter(), dict[str, int]()
        for fault in _in_processes(name, max(1, chosen.inputs // len(chosen.readers)), chosen.seed):
            kind = re.sub(r"\d+", "0", fault.what)[:80]
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] == 1:
                chosen.keep.mkdir(exist_ok=True)
                (chosen.keep / f"{total}-{name}").write_bytes(fault.content)
                say(f"{name}: {fault.what}")
            total += 1
        say(f"{name}: {sum(kinds.values())} faults, {time.perf_counter() - began:.1f} s")
    return total


def _in_processes(name: str, n: int, seed: int) -> Iterator[Fault]:
    """``faults`` in processes of their own: what a library keeps of damaged files goes with them, and one may crash."""
    for first in range(0, n, TOGETHER):
        with ProcessPoolExecutor(1, get_context("spawn"), _limit_memory) as pool:
            try:
                yield from pool.submit(_listed, name, min(TOGETHER, n - first), seed + first).result()
            except BrokenProcessPool:
                yield Fault(name, b"", f"the process ended, among {TOGETHER} inputs of seed {seed + first}")


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _listed(name: str, n: int, seed: int) -> list[Fault]:
    return list(faults(READERS[name], n, seed))


def say(line: str) -> None:
    """A line at once, for whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(min(main(), 1))
