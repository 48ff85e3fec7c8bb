"""The one command: see ``benchmarks/__init__.py``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.graphs import graphs
from benchmarks.growth import growth
from benchmarks.quality import quality
from benchmarks.speed import speed
from benchmarks.structure import structure
from chainrule.core.records import machine_info, versions


def main() -> None:
    """Measure, print as it comes, keep the numbers if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", nargs="*", help="speed, growth, quality, graphs, structure (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    options = parser.parse_args()
    known = ("speed", "growth", "quality", "graphs", "structure")
    chosen = options.what or known
    for name in chosen:
        if name not in known:
            parser.error(f"there is no benchmark {name!r}; choose from {', '.join(known)}")
    machine = machine_info()
    print(
        f"{machine['cpu']}, {machine['cores']} cores, {torch.get_num_threads()} threads of torch\n",
        flush=True,
    )
    results: dict[str, Any] = {"machine": machine, "versions": versions()}
    if "speed" in chosen:
        print("median of the ratio (quartiles), seconds here and of the baseline\n", flush=True)
        results["speed"] = []
        for row in speed(options.quick):
            results["speed"].append(asdict(row))
            r = row.ratio
            print(
                f"{row.name:72} {_number(r.median):>7} ({_number(r.low)} to {_number(r.high)})"
                f"   {_time(row.seconds)}, {_time(row.baseline_seconds)}",
                flush=True,
            )
    if "growth" in chosen:
        print("\nmodel, operation, variables, units, rows, threads: median (quartiles), memory\n", flush=True)
        results["growth"] = []
        for p in growth(options.quick):
            results["growth"].append(asdict(p))
            memory = "" if p.peak_bytes is None else f"{p.peak_bytes / 2**20:8.1f} MiB"
            s = p.seconds
            print(
                f"{p.model} {p.operation:14} {p.variables:5} {p.units:5} {p.rows:6} {p.threads}"
                f"   {_time(s.median)} ({_time(s.low)} to {_time(s.high)}) {memory}",
                flush=True,
            )
    if "quality" in chosen:
        print("\ntest nats per image (standard error), best validation nats, seconds of fit\n", flush=True)
        results["quality"] = []
        for fit in quality(options.quick):
            results["quality"].append(asdict(fit))
            print(
                f"{fit.name:45} {fit.test_nll_nats:7.2f} ({fit.test_standard_error:.2f}) "
                f"{fit.valid_nll_nats:7.2f} {fit.seconds:7.1f} s",
                flush=True,
            )
    if "graphs" in chosen:
        print("\nquestion, graph, tool: median (quartiles)\n", flush=True)
        results["graphs"] = []
        for a in graphs(options.quick):
            results["graphs"].append(asdict(a))
            s = a.seconds
            print(
                f"{a.question:44} {a.graph:32} {a.tool:10} {_time(s.median)} ({_time(s.low)} to {_time(s.high)})"
                f"   {a.note}",
                flush=True,
            )
    if "structure" in chosen:
        print(
            "\nnetwork, rows, tool: BIC less the true graph's, distance of CPDAGs, edges (true), seconds of CPU\n",
            flush=True,
        )
        results["structure"] = []
        for g in structure(options.quick):
            results["structure"].append(asdict(g))
            print(
                f"{g.network:12} {g.rows:6,} {g.tool:24} {g.gain_nats:10.1f} {g.distance:4} "
                f"{g.edges:4} ({g.true_edges}) {_time(g.seconds):>8}",
                flush=True,
            )
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _number(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


if __name__ == "__main__":
    main()
