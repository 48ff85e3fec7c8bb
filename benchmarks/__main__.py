"""The one command: see ``benchmarks/__init__.py``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks.densities import DENSITIES
from benchmarks.graphs import GRAPHS
from benchmarks.growth import GROWTH
from benchmarks.inference import INFERENCE
from benchmarks.peers import PEERS
from benchmarks.quality import QUALITY
from benchmarks.showing import Options
from benchmarks.speed import SPEED
from benchmarks.structure import STRUCTURE
from benchmarks.tables import TABLES
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.records import machine_info, to_plain, versions
from chainrule.core.units import seconds_of

BENCHMARKS = {
    b.name: b for b in (SPEED, GROWTH, QUALITY, GRAPHS, STRUCTURE, INFERENCE, TABLES, PEERS, DENSITIES)
}


def main() -> None:
    """Measure, print as it comes, keep the numbers if asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="\n".join(f"{b.name:10} {b.what}" for b in BENCHMARKS.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = [b.name for b in BENCHMARKS.values() if not b.by_name]
    parser.add_argument("what", nargs="*", help=f"benchmarks (default: {', '.join(usual)})")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller tables")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    parser.add_argument("--sets", help="tables, data sets or networks to keep to, with commas between them")
    parser.add_argument("--models", help="models or tools to keep to, with commas between them")
    parser.add_argument("--budget", help="what a model that can be cut short may take, such as 20s or 10m")
    parser.add_argument("--keep", type=Path, default=Options.keep, help="folder of results to go on from")
    given = parser.parse_args()
    if unknown := [name for name in given.what if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}")
    machine = machine_info()
    print(
        f"{machine['cpu']}, {machine['cores']} cores, {torch.get_num_threads()} threads of torch", flush=True
    )
    results = {"machine": machine, "versions": versions()}
    try:
        budget = None if given.budget is None else seconds_of(given.budget)
    except InputError as e:
        parser.error(str(e))
    options = Options(given.quick, _names(given.sets), _names(given.models), budget, given.keep)
    try:
        for name in given.what or usual:
            results[name] = BENCHMARKS[name].show(options)
    except UnknownNameError as e:
        parser.error(str(e))
    if given.json is not None:
        given.json.write_text(json.dumps(to_plain(results), indent=1) + "\n", encoding="utf-8")


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(name.strip() for name in text.split(",") if name.strip())


if __name__ == "__main__":
    main()
