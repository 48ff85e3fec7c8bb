"""Every command of the command line once, on small inputs.

As a program it runs each in a process of its own, with the Python that runs it, and says which failed:
``python -m tests.cli.every_command``.  It needs the package only, no test library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["every_command", "names_of_all_commands"]

GRAPH = "rain -> grass <- sprinkler; rain -> slip <- grass"
NETWORK = """
network coins { }
variable a { type discrete [ 2 ] { no, yes }; }
variable b { type discrete [ 2 ] { no, yes }; }
probability ( a ) { table 0.25, 0.75; }
probability ( b | a ) { (no) 0.5, 0.5; (yes) 0.125, 0.875; }
"""


def every_command(folder: Path) -> dict[str, list[str]]:
    """Name of each command, and its arguments; their files are written to ``folder``."""
    network, rows, numbers = folder / "coins.bif", folder / "rows.csv", folder / "numbers.csv"
    network.write_text(NETWORK)
    rows.write_text("a,b,c\n" + "".join(f"{i % 2},{i // 2 % 2},{i % 3 % 2}\n" for i in range(240)))
    numbers.write_text("waiting\n1.0\n2.0\n3.5\n")
    holes, model = folder / "holes.csv", str(folder / "rows.model")
    holes.write_text("a,b,c\n0,,1\n,1,0\n1,1,1\n")
    _fit_by_hand(rows, model)
    out = str(folder / "out")
    arguments = {
        "fit": [str(rows), "-o", str(folder / "new.model"), "--model", "chowliu"],
        "score": [model, str(holes), "-o", str(folder / "scored.csv")],
        "sample": [model, "-n", "5", "--given", "a=1"],
        "impute": [model, str(holes), "-o", str(folder / "filled.csv")],
        "query": [model, "P(a | b=1)", "P(a=1, c=0)", "--likelihood", "c=(1, 3)"],
        "audit": [model, str(rows), "--draws", "500", "-o", str(folder / "audit.json")],
        "compress": [model, str(rows), "-o", str(folder / "rows.cr")],
        "decompress": [model, str(folder / "rows.cr"), "-o", str(folder / "again.csv")],
        "learn": [str(rows), "-o", str(folder / "net.bif")],
        "compare": [str(rows), "--models", "independent,chowliu", "--page", str(folder / "board.html")],
        "reproduce": ["--problems", "3,4,6", "--preset", "quick", "--data", "digits", "--out", out],
        "report": [model, str(rows), "-o", str(folder / "model.html")],
        "masks": ["--order", "x2,x4,x1,x3", "--hidden", "4,4"],
        "derive": ["exponential", "--data", str(numbers)],
        "data list": [],
        "data fetch": ["digits"],
        "data info": ["digits"],
        "dag show": [GRAPH, "--svg", str(folder / "graph.svg")],
        "dag check": [GRAPH],
        "dag independencies": [GRAPH],
        "dag separated": [GRAPH, "rain", "sprinkler", "--given", "grass"],
        "dag adjustment": [GRAPH, "rain", "slip"],
        "dag identify": [GRAPH, "rain", "slip", "--given", "sprinkler"],
        "dag convert": [str(network), str(folder / "coins.xdsl")],
        "dag factorize": [GRAPH],
        "dag test": ["a -> b; c", str(rows)],
        "dag query": [str(network), "a", "--do", "b=yes", "--most-probable", "2"],
        "dag cpdag": [GRAPH, "--members", "2"],
        "dag extend": ["rain -> grass <- sprinkler; grass -- slip"],
        "dag distance": ["rain -- grass -> slip", "rain -> grass -> slip"],
    }
    return {name: [*name.split(), *rest] for name, rest in arguments.items()}


def _fit_by_hand(rows: Path, model: str) -> None:
    """The model that others need, so that no command depends on another."""
    from chainrule.models import chow_liu

    chow_liu(rows).save(model)


def names_of_all_commands() -> list[str]:
    """What the command line itself lists."""
    import typer

    from chainrule.cli import app

    def walk(command: object, name: tuple[str, ...]) -> list[str]:
        below = getattr(command, "commands", {})
        found = [n for key, child in below.items() for n in walk(child, (*name, key))]
        return found or [" ".join(name)]

    return walk(typer.main.get_command(app), ())


def main() -> int:
    """Run each command; the exit code says whether one failed."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        commands = {"--version": ["--version"], "--help": ["--help"], **every_command(Path(folder))}
        missing = sorted(set(names_of_all_commands()) - set(commands))
        for name, arguments in commands.items():
            start = time.monotonic()
            command = [
                sys.executable,
                "-W",
                "error::DeprecationWarning:chainrule",
                "-m",
                "chainrule",
                *arguments,
            ]
            done = subprocess.run(
                command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "100"}
            )
            if "No module named 'torch'" in done.stderr:
                sys.stdout.write(f"skipped         {name}: it needs torch, which is not installed\n")
                continue
            good = done.returncode == 0 and bool(done.stdout.strip()) and "Traceback" not in done.stderr
            sys.stdout.write(f"{'ok    ' if good else 'FAILED'} {time.monotonic() - start:5.1f} s  {name}\n")
            if not good:
                failed.append(name)
                sys.stdout.write(done.stderr[-3000:] + "\n")
    for name in missing:
        sys.stdout.write(f"FAILED          {name}: not in tests/cli/every_command.py\n")
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
