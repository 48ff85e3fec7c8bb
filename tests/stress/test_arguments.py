"""Settings that are no settings: each of every estimator, found by listing, is taken or refused by an error of ours."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse

import chainrule.models
from chainrule.core.errors import ChainruleError
from chainrule.models import MADE, BayesianNetwork, Independent, Intervened
from chainrule.models.contract import DiscreteModel


class _Odd:
    def __repr__(self) -> str:
        return "odd\n" * 1000


HOSTILE: dict[str, Any] = {
    "a half": 2.5,
    "negative": -1,
    "nan": float("nan"),
    "infinite": float("inf"),
    "huge": 10**30,
    "long text": "x" * 100_000,
    "NUL": "a\0b",
    "bytes": b"bytes",
    "complex": 1j,
    "no axes": np.array(3),
    "objects": np.array([[1, 2], [3, None]], object),
    "sparse": sparse.csr_matrix(np.eye(3)),
    "ragged": [[1, 2], [3]],
    "empty": [],
    "nothing in it": [None],
    "dict": {"a": None},
    "odd": _Odd(),
    "function": len,
}
ROWS = np.array([[0, 1, 0], [1, 0, 1], [1, 1, 0], [0, 0, 1]] * 5)
SMALL = {
    "epochs": 1,
    "rounds": 2,
    "random_state": 0,
    "budget": 0.2,
    "hidden": 4,
    "n_components": 8,
    "n_points": 8,
}
DAG = "x1 -> x2; x3"
NEEDED = {
    "dag": DAG,
    "model": Independent(),
    "models": [Independent()],
    "estimator": None,
    "states": {"x1": 1},
}


def _settings() -> list[tuple[type[Any], str]]:
    exported = (getattr(chainrule.models, name) for name in chainrule.models.__all__)
    classes = [c for c in exported if inspect.isclass(c) and issubclass(c, DiscreteModel)]
    return [(c, name) for c in classes for name in inspect.signature(c).parameters]


@pytest.mark.parametrize(("kind", "name"), _settings(), ids=lambda x: getattr(x, "__name__", x))
def test_a_setting_is_taken_or_refused_in_one_line(kind: type[Any], name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)  # a text may be taken for a path
    known = inspect.signature(kind).parameters
    small = {k: v for k, v in SMALL.items() if k in known}
    needed = {k: v for k, v in NEEDED.items() if k in known and (known[k].default is inspect.Parameter.empty)}
    if kind is BayesianNetwork:
        needed["dag"] = DAG
    if kind is Intervened:
        needed["model"] = MADE(4, dag=DAG, epochs=1)
    for what, value in HOSTILE.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            message = _refusal(lambda value=value: kind(**{**needed, **small, name: value}).fit(ROWS))
        assert len(message) < 1000, what
        assert "\n" not in message, what


def _refusal(fit: Callable[[], object]) -> str:
    """What our error says, nothing where there is none; any other error fails."""
    try:
        fit()
    except ChainruleError as e:
        return str(e)
    return ""
