"""Work that may be killed: what it is, and what is left of it that has to be the same in the end.

Each is a function of a folder that has its input.  It works in the folder, so that a second call goes on from what a
first one left there, and all that it writes is whole at any time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import cli
from chainrule.homework import reproduce
from chainrule.homework.runner import PROBLEMS

__all__ = ["WORKLOADS", "digest", "load", "prepare", "whole"]

COLUMNS = "abcdef"
_PROBLEMS = ("3", "4")


def load() -> None:
    """Import what all of them need, so that processes that are forked from here need not; nothing is computed."""
    for name in cr.__all__:
        getattr(cr, name)
    for module in (
        "pyarrow.csv",
        "sklearn.datasets",
        *(f"chainrule.homework.{PROBLEMS[p]}" for p in _PROBLEMS),
    ):
        import_module(module)


def prepare(folder: Path) -> None:
    """The input of all of them: a table, one with holes, a table in three files."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (240, 6))
    rows[:, 1] = np.where(rng.random(240) < 0.8, rows[:, 0], rows[:, 1])
    lines = [",".join(map(str, row)) for row in rows]
    holes = [line if k % 3 else line[:2] + line[3:] for k, line in enumerate(lines)]
    _table(folder / "rows.csv", lines)
    _table(folder / "holes.csv", holes)
    for part in range(3):
        _table(folder / f"part-{part}.csv", lines[80 * part : 80 * part + 80])


def _table(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join([",".join(COLUMNS), *lines, ""]))


def nade(folder: Path) -> None:
    """A fit with a folder of its own."""
    model = cr.NADE(4, epochs=6, batch_size=40, random_state=1, run_dir=folder / "run")
    model.fit(folder / "rows.csv").save(folder / "out.model")


def made_in_orders(folder: Path) -> None:
    """The same of a network in several orders, with dropout."""
    settings: dict[str, Any] = {"orders": 2, "dropout": 0.2, "batch_size": 60, "random_state": 1}
    model = cr.MADE(4, epochs=4, run_dir=folder / "run", **settings)
    model.fit(folder / "rows.csv", valid=folder / "part-0.csv").save(folder / "out.model")


def latent(folder: Path) -> None:
    """The same of a mixture that is read from a latent space."""
    settings: dict[str, Any] = {"n_points": 16, "hidden": [8], "batch_size": 60, "random_state": 1}
    model = cr.LatentMixture(32, epochs=5, run_dir=folder / "run", **settings)
    model.fit(folder / "rows.csv", valid=folder / "part-0.csv").save(folder / "out.model")


def em(folder: Path) -> None:
    """Expectation maximisation over rows with holes and a latent node."""
    settings: dict[str, Any] = {"latent_states": {"h": 2}, "missing": "em", "n_starts": 1, "max_steps": 20}
    dag = cr.DAG.parse("h -> a; h -> b; h -> c; c -> d; d -> e; e -> f")
    model = cr.BayesianNetwork(cr.DAG(dag.edges, dag.nodes, latent=["h"]), random_state=0, **settings)
    model.fit(folder / "holes.csv").save(folder / "out.model")


def search(folder: Path) -> None:
    """A graph that is learned, with its tables as BIF."""
    cr.learn(folder / "rows.csv", method="hill-climb", out=folder / "out.bif")


def counts(folder: Path) -> None:
    """Counts that stream over several files."""
    model = cr.BayesianNetwork("a -> b -> c; d -> e -> f", pseudocount=1)
    model.fit([folder / f"part-{part}.csv" for part in range(3)]).save(folder / "out.model")


def homework(folder: Path) -> None:
    """Problems of the homework, kept one by one."""
    reproduce(folder / "out", problems=_PROBLEMS, data="digits")


def command(folder: Path) -> None:
    """The command line, which writes a model and a table."""
    for arguments in (
        ["fit", str(folder / "rows.csv"), "--model", "chowliu", "-o", str(folder / "out.model"), "--json"],
        [
            "impute",
            str(folder / "out.model"),
            str(folder / "holes.csv"),
            "-o",
            str(folder / "out.csv"),
            "--json",
        ],
    ):
        if cli.main(arguments) != 0:
            raise SystemExit(f"chainrule {' '.join(arguments)} failed")


WORKLOADS: dict[str, Callable[[Path], None]] = {
    work.__name__: work for work in (nade, made_in_orders, latent, em, search, counts, homework, command)
}


def whole(folder: Path) -> None:
    """Raises where a file is there and not whole."""
    for path in folder.rglob("*"):
        if path.name.endswith((".part", ".lock")) or path.is_dir():
            continue
        if path.suffix == ".model":
            cr.load_model(path)
        elif path.suffix == ".json":
            json.loads(path.read_bytes())
        elif path.suffix == ".bif":
            cr.BayesianNetwork.read(path)
        elif path.suffix == ".csv" and len(path.read_bytes().splitlines()) not in (81, 241):
            raise AssertionError(f"{path} is cut short")


def digest(folder: Path) -> str:
    """What the work came to, without times and versions; raises where something is not whole or left over."""
    left = [p.name for p in folder.rglob("*") if p.name.endswith((".part", ".lock"))]
    if left:
        raise AssertionError(f"left over: {', '.join(left)}")
    found = hashlib.sha256()
    for path in sorted(folder.rglob("out*")):
        if path.suffix == ".model":
            model: Any = cr.load_model(path)
            found.update(model.log_prob(folder / "rows.csv").tobytes())
            found.update(model.sample(20, rng=0).codes.tobytes())
        elif path.is_file():
            found.update(path.read_bytes())
    results = folder / "out" / "results.json"
    if results.exists():
        problems = json.loads(results.read_bytes())["problems"]
        found.update(json.dumps({k: [p["numbers"], p["claims"]] for k, p in problems.items()}).encode())
    return found.hexdigest()
