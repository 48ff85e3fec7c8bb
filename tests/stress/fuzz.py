"""Broken inputs by the thousand: ``python -m tests.stress.fuzz --inputs 100000`` (for all readers together).

An input is a right one, or the halves of two, changed in a few places: bits, bytes, pieces cut, doubled or moved,
numbers made large or negative, words of the formats put in.  Where a format is packed or has a checksum, half of them
are changed inside, and packed or signed again.  A reader may take an input, or refuse it by an error of ours of fewer
than 1,000 signs, in time and memory; anything else is a fault, and is kept as a file to begin from.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from chainrule.core.errors import ChainruleError
from chainrule.core.settings import settings
from tests.stress.readers import READERS, Reader

__all__ = ["Fault", "faults", "mutated"]

TOGETHER = 20_000  # inputs in one process
MEMORY = 6 << 30  # of the whole process, libraries and threads included
SECONDS = 5.0  # of one input of a kilobyte or so
LONGEST = 1_000  # signs of a message
_IN_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a disk would take most of the time
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


def mutated(seeds: list[bytes], rng: Random) -> bytes:
    """One broken input."""
    content = rng.choice(seeds)
    if rng.random() < 0.1:
        other = rng.choice(seeds)
        content = content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other) + 1) :]
    for _ in range(2 + _geometric(0.5, rng)):
        content = _changed(bytearray(content), rng)
    return content


def _changed(content: bytearray, rng: Random) -> bytes:
    n = len(content)
    a, b = sorted((rng.randrange(n + 1), rng.randrange(n + 1)))
    b = min(b, a + 2 + _geometric(0.05, rng))
    match rng.randrange(8):
        case 0 if n:
            content[a % n] ^= 1 << rng.randrange(8)
        case 1 if n:
            content[a % n] = rng.randrange(256)
        case 2:
            del content[a:b]
        case 3:
            content[a:a] = content[a:b] * rng.randrange(1, 20)
        case 4:
            content[a:a] = rng.choice(_WORDS) * rng.choice([1, 1, 1, 2, 50])
        case 5 if found := list(_NUMBER.finditer(content)):
            m = rng.choice(found)
            content[m.start() : m.end()] = rng.choice(_NUMBERS)
        case 6:
            del content[a:]
        case _ if n >= 4:
            at = a % (n - 3)
            content[at : at + 4] = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF]).to_bytes(4, "little")
        case _:
            content += b"\0"
    return bytes(content)


def _geometric(p: float, rng: Random) -> int:
    """How many tries fail before one of probability ``p`` succeeds."""
    return int(math.log(1 - rng.random()) / math.log(1 - p))


def faults(reader: Reader, n: int, seed: int, seeds: list[bytes] | None = None) -> Iterator[Fault]:
    """What ``reader`` does wrong with ``n`` inputs; ``seeds`` are its own if they were made already."""
    rng, inside = Random(f"{seed} {reader.name}"), reader.seeds() if seeds is None else seeds
    seal = reader.seal or bytes
    whole = [seal(content) for content in inside]
    with TemporaryDirectory(dir=_IN_MEMORY) as folder, settings(verbose=False):
        path = Path(folder) / reader.name
        for k in range(n):
            if k < len(whole):
                content = whole[k]
            else:
                content = seal(mutated(inside, rng)) if k % 2 else mutated(whole, rng)
            what = _wrong(reader, path, content, right=k < len(whole) and reader.takes_seeds)
            if what is not None:
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
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument(
        "--keep", type=Path, default=Path("fuzz-faults"), help="the folder for inputs that break a reader"
    )
    parser.add_argument("readers", nargs="*", default=list(READERS), help=f"of {', '.join(READERS)}")
    chosen = parser.parse_args(arguments)
    total, shares = 0, sum(READERS[name].share for name in chosen.readers)
    for name in chosen.readers:
        n = max(1, round(chosen.inputs * READERS[name].share / shares))
        began, kinds = time.perf_counter(), dict[str, int]()
        for fault in _in_processes(name, n, chosen.seed, chosen.workers):
            kind = re.sub(r"\d+", "0", fault.what)[:80]
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] == 1:
                chosen.keep.mkdir(exist_ok=True)
                (chosen.keep / f"{total}-{name}").write_bytes(fault.content)
                say(f"{name}: {fault.what}")
            total += 1
        say(f"{name}: {n:,} inputs, {sum(kinds.values())} faults, {time.perf_counter() - began:.1f} s")
    return total


def _in_processes(name: str, n: int, seed: int, workers: int) -> Iterator[Fault]:
    """``faults`` in processes of their own: what a library keeps of damaged files goes with them, and one may crash."""
    seeds = READERS[name].seeds()

    def some(first: int) -> list[Fault]:
        with ProcessPoolExecutor(1, get_context("spawn"), _limit_memory) as pool:
            try:
                return pool.submit(_listed, name, min(TOGETHER, n - first), seed + first, seeds).result()
            except BrokenProcessPool:
                return [
                    Fault(name, b"", f"the process ended, among {TOGETHER} inputs of seed {seed + first}")
                ]

    with ThreadPoolExecutor(workers) as pool:
        for found in pool.map(some, range(0, n, TOGETHER)):
            yield from found


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _listed(name: str, n: int, seed: int, seeds: list[bytes]) -> list[Fault]:
    return list(faults(READERS[name], n, seed, seeds))


def say(line: str) -> None:
    """A line at once, for whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(min(main(), 1))
