"""What a program does in any surroundings, and a digest of each of its answers: they are to be the same in all.

As a program it prints them as JSON: ``python -m tests.stress.surroundings FOLDER LAYOUT``, which works in the folder
and has rows lie in memory as ``LAYOUTS`` says.  The locale that the environment names is set first, as programs with
windows do.
"""

from __future__ import annotations

import hashlib
import io
import json
import locale
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYOUTS", "answers"]

TABLE = "ağ,İl,price\n" + "".join(
    f"{'ıIiİ'[i % 4]},{('straße', 'ÉTÉ', 'x y')[i * i % 3]},{('1.5', '2.25', '3.125')[i // 5 % 3]}\n"
    for i in range(120)
)
BINS = {"price": 3}
HOLES = "ağ,İl,price\nı,,1.5\nI,straße,\n,ÉTÉ,3.125\n"


def _read_only(X: NDArray[Any]) -> NDArray[Any]:
    X = np.asfortranarray(X[::-1, ::-1])[::-1, ::-1]
    X.setflags(write=False)
    return X


LAYOUTS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "usual": np.ascontiguousarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
    "read-only, columns first, backwards": _read_only,
}


def answers(folder: Path, layout: str) -> dict[str, str]:
    """Name of each thing that is done, and a digest of what it gave."""
    return {**dict(_of_models(LAYOUTS[layout])), **dict(_of_tasks(folder)), **dict(_of_commands(folder))}


def _of_models(laid_out: Callable[[NDArray[Any]], NDArray[Any]]) -> Iterator[tuple[str, str]]:
    """One of each kind of model that takes these rows: fitted, asked, and its draws."""
    from tests.contract.cases import CASES, STATES

    kinds = {}
    for case in CASES:
        kinds.setdefault((case.kind, case.sizes == STATES), case)
    for case in kinds.values():
        if case.d == 1:
            continue
        rows = case.data()
        X, states = laid_out(rows), laid_out(case.states())
        model = case.make().fit(X, case.labels(rows))
        yield f"model {case}", _digest(model.log_prob(states), model.sample(40, rng=1))


def _of_tasks(folder: Path) -> Iterator[tuple[str, str]]:
    """The lines that a user writes, on a table with words that depend on a language."""
    import chainrule as cr

    table, holes = folder / "tablo.csv", folder / "holes.csv"
    table.write_text(TABLE, encoding="utf-8")
    holes.write_text(HOLES, encoding="utf-8")
    for name in ("chowliu", "independent"):
        fitted = cr.fit(table, model=name, bins=BINS)
        yield f"fit {name}", _digest(fitted.to_dict(), folder=folder)
    model = fitted.model
    yield "score", _digest(cr.score(model, holes).to_dict(), folder=folder)
    yield "sample", _digest(cr.sample(model, 20, seed=1).to_dict(), folder=folder)
    cr.impute(model, holes, out=folder / "filled.csv")
    yield "impute", _digest((folder / "filled.csv").read_bytes())
    yield "query", _digest(cr.query(model, "P(ağ | İl=straße)").to_dict(), folder=folder)
    for method in ("forest", "hill-climb"):
        yield f"learn {method}", _digest(cr.learn(table, method=method, bins=BINS).to_dict(), folder=folder)
    yield "audit", _digest(cr.audit(model, table, draws=300).to_dict(), folder=folder)
    yield "describe", _digest(cr.describe(model, table).to_dict(), folder=folder)
    yield (
        "compare",
        _digest(cr.compare(table, bins=BINS, models=["independent", "chowliu"]).to_dict(), folder=folder),
    )
    cr.compress_file(model, table, folder / "tablo.cr")
    yield "compress", _digest((folder / "tablo.cr").read_bytes())
    dag = cr.DAG.parse("rain -> grass <- sprinkler; rain -> slip <- grass")
    yield "dag", _digest(str(dag), sorted(map(str, dag.implied_independencies())))


def _of_commands(folder: Path) -> Iterator[tuple[str, str]]:
    """Every command, its JSON and its words; the words only have to come."""
    from tests.cli.every_command import every_command

    for name, arguments in every_command(folder).items():
        json_too = [] if name == "data fetch" else ["--json"]
        yield f"command {name}", _digest(_printed([*arguments, *json_too]), folder=folder)
        if not _printed(arguments).strip():
            raise AssertionError(f"{name} printed nothing")


def _printed(arguments: list[str]) -> str:
    from chainrule import cli

    with _collected() as (out, err):
        code = cli.main(arguments)
    if code != 0:
        raise AssertionError(f"{arguments} ended with {code}: {err()}")
    return out()


@contextmanager
def _collected() -> Iterator[tuple[Callable[[], str], Callable[[], str]]]:
    """What is printed within the block, by streams of the encoding that the surroundings chose."""
    before, encoding = (sys.stdout, sys.stderr), sys.__stdout__.encoding if sys.__stdout__ else "utf-8"
    streams = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in before]
    sys.stdout, sys.stderr = streams

    def text(stream: io.TextIOWrapper) -> str:
        stream.flush()
        return stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]

    try:
        yield lambda: text(streams[0]), lambda: text(streams[1])
    finally:
        sys.stdout, sys.stderr = before


def _digest(*values: Any, folder: Path | None = None) -> str:
    sha = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            value = value.tobytes()
        if isinstance(value, str):
            with suppress(ValueError):
                value = json.loads(value)
        if not isinstance(value, bytes):
            value = json.dumps(_untimed(value), default=str).replace(str(folder), "FOLDER").encode()
        sha.update(value)
    return sha.hexdigest()


def _untimed(plain: Any) -> Any:
    """The same without how long it took, in seconds or in words."""
    if isinstance(plain, dict):
        return {
            k: _untimed(v)
            for k, v in plain.items()
            if "seconds" not in k and k not in ("machine", "versions", "available")
        }
    return [_untimed(v) for v in plain] if isinstance(plain, (list, tuple)) else plain


if __name__ == "__main__":
    with suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    print(json.dumps(answers(Path(sys.argv[1]), sys.argv[2])))  # noqa: T201
