"""No number depends on what the user has set in torch or numpy, and nothing of it is changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chainrule.homework import MLPDensity
from chainrule.models import MADE, NADE, LatentMixture, load_model

SMALL: dict[str, Any] = {"epochs": 2, "random_state": 3}
MODELS: dict[str, Callable[[], Any]] = {
    "nade": lambda: NADE(hidden=9, dropout=0.1, **SMALL),
    "made": lambda: MADE(hidden=[9, 8], input_dropout=0.1, orders=2, **SMALL),
    "latent": lambda: LatentMixture(**SMALL),
    "mlp": lambda: MLPDensity(hidden=[6], **SMALL),
}


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: _default_dtype(torch.float64),
    "float16": lambda: _default_dtype(torch.float16),
    "meta": lambda: torch.device("meta"),
    "no gradients": torch.no_grad,
    "inference": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "warnings": _warnings_are_errors,
}


def _numbers(name: str, folder: Path) -> list[NDArray[Any]]:
    rng = np.random.default_rng(0)
    X = np.unique((rng.random((40, 5)) < 0.4).astype(np.uint8), axis=0)
    X.setflags(write=False)
    model = MODELS[name]()
    model.fit(X, np.full(len(X), 1 / len(X)) if name == "mlp" else None)
    model.save(folder / "model")
    again = load_model(folder / "model")
    return [model.log_prob(X), again.log_prob(X), model.sample(50, rng=1), again.sample(50, rng=1)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_what_is_set_in_torch_changes_no_number(name: str, surroundings: str, tmp_path: Path) -> None:
    usual = _numbers(name, tmp_path)
    with SURROUNDINGS[surroundings]():
        found = _numbers(name, tmp_path)
    for a, b in zip(usual, found, strict=True):
        np.testing.assert_array_equal(a, b)
