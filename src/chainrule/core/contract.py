"""The contract of every model: a scikit-learn estimator with an exact ``log_prob``.

Settings live in ``__init__`` and nothing else does; fitted values end in ``_``.  A model is saved as one
safetensors file whose header carries its settings as JSON; nothing is ever pickled.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.core.errors import DataError, OutputError
from chainrule.core.files import replacing
from chainrule.core.randomness import RandomState
from chainrule.core.records import to_plain

__all__ = ["DensityEstimator", "load_model", "packed", "packed_settings", "unpacked", "unpacked_settings"]

_FORMAT = "chainrule-model-1"


class DensityEstimator(DensityMixin, BaseEstimator, ABC):
    """Base of all models; says what each method means, implements what follows from the others.

    A subclass implements ``fit``, ``log_prob``, ``sample``, ``_state`` and ``_set_state``.
    """

    _registry: ClassVar[dict[str, type[DensityEstimator]]] = {}

    n_features_in_: int
    fit_info_: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        DensityEstimator._registry[_full_name(cls)] = cls

    @abstractmethod
    def fit(self, X: Any, y: Any = None, *, valid: Any = None, sample_weight: Any = None) -> Self:
        """Learn from rows ``X`` (n, d); ``valid`` (m, d) chooses between candidates where a model has any."""

    @abstractmethod
    def log_prob(self, X: Any) -> NDArray[np.float64]:
        """Exact log-probability of each row in nats, (n,) float64; ``-inf`` for an impossible row.

        NaN marks a missing value: it is marginalised exactly, or refused where that would be guesswork.
        """

    @abstractmethod
    def sample(self, n: int = 1, *, given: Any = None, rng: RandomState = None) -> Any:
        """``n`` independent rows (n, d).  ``given`` (d,) fixes the values that are not NaN.

        An integer ``rng`` gives the same draws at each call; a generator goes on from where it is.
        """

    @abstractmethod
    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Fitted values as named arrays and as plain data."""

    @abstractmethod
    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        """Take over what ``_state`` gave."""

    @property
    def factorization_(self) -> Any:
        """The ``DAG`` whose factors the model promises to respect; ``None`` if it promises none."""
        return None

    def score_samples(self, X: Any) -> NDArray[np.float64]:
        """scikit-learn's name for ``log_prob``."""
        return self.log_prob(X)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-probability in nats per row (higher is better)."""
        return float(np.mean(self.log_prob(X)))

    def save(self, path: str | Path) -> None:
        """Write the fitted model to one safetensors file, whole or not at all."""
        from safetensors.numpy import save_file

        arrays, plain = packed(self)
        header = {"format": _FORMAT} | plain
        # one entry, since the order of several is not kept and equal models should give equal files
        metadata = {"chainrule": json.dumps(to_plain(header), allow_nan=False)}
        with replacing(path) as temporary:
            try:
                save_file(
                    {k: np.ascontiguousarray(v) for k, v in arrays.items()}, temporary, metadata=metadata
                )
            except OSError as e:
                raise OutputError(f"cannot write {path} ({e}); is the disk full?") from e

    def _settings(self) -> dict[str, Any]:
        """The settings that travel with a saved model; of a generator, the seed that the fit drew from it."""
        drawn = self.fit_info_.get("seed")
        settings = self.get_params(deep=False)
        return {k: drawn if isinstance(v, np.random.Generator) else v for k, v in settings.items()}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        """The settings that ``_settings`` gave, after a way through JSON."""
        return plain

    def _plain_variables(self) -> Any:
        """What the model knows of its variables, as plain data."""
        return self.n_features_in_

    def _take_variables(self, plain: Any) -> None:
        """Take over what ``_plain_variables`` gave."""
        self.n_features_in_ = plain

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model that ``save`` wrote; ``DataError`` where the file is damaged or of another class."""
        header, arrays = _read(path)
        kind = _class_named(header["class"], path)
        if not issubclass(kind, cls):
            raise DataError(
                f"{path} holds a {kind.__name__}, not a {cls.__name__}; load it with chainrule.load_model"
            )
        return unpacked(arrays, header, path)  # type: ignore[return-value]


def load_model(path: str | Path) -> DensityEstimator:
    """The model that ``save`` wrote to ``path``, by the class its file names; ``DataError`` if damaged."""
    return DensityEstimator.load(path)


def packed(model: DensityEstimator) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """A fitted model as named arrays and plain data: what its file holds, or what a model made of models keeps."""
    check_is_fitted(model)
    arrays, fitted = model._state()
    more = {"variables": model._plain_variables(), "fitted": fitted, "fit_info": model.fit_info_}
    return arrays, packed_settings(model) | more


def unpacked(arrays: dict[str, NDArray[Any]], plain: dict[str, Any], path: str | Path) -> DensityEstimator:
    """The model that ``packed`` took apart; ``path`` is where it came from, for messages."""
    model = unpacked_settings(plain, path)
    model._take_variables(plain["variables"])
    model.fit_info_ = plain["fit_info"]
    model._set_state(arrays, plain["fitted"])
    return model


def packed_settings(model: DensityEstimator) -> dict[str, Any]:
    """The class of a fitted model and its settings, as plain data."""
    return {"class": _full_name(type(model)), "settings": model._settings()}


def unpacked_settings(plain: dict[str, Any], path: str | Path) -> DensityEstimator:
    """The model that ``packed_settings`` describes, not fitted."""
    kind = _class_named(plain["class"], path)
    return kind(**kind._settings_of(plain["settings"]))


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _class_named(name: str, path: str | Path) -> type[DensityEstimator]:
    """The class of a saved model: one of ours, or one that the user's program has defined.

    A module is imported for a file only where it is ours, so no file can run anything.
    """
    module = name.rpartition(".")[0]
    if name not in DensityEstimator._registry and module.split(".")[0] == "chainrule":
        with suppress(ImportError):  # a class that this version does not have: said below
            import_module(module)
    if name not in DensityEstimator._registry:
        raise DataError(
            f"{path} holds a {name}, which is not known here; import the module that defines it, or load it by "
            "the version of chainrule that saved it"
        )
    return DensityEstimator._registry[name]


def _read(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a saved model; ``DataError`` where ``path`` is not one."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as f:
            header = json.loads((f.metadata() or {}).get("chainrule", "{}"))
            arrays = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118  # not a dict
    except FileNotFoundError as e:
        raise DataError(f"there is no file {path}; give the path of a saved model") from e
    except (OSError, ValueError, SafetensorError) as e:
        raise DataError(f"{path} is not a saved model, or is damaged ({e}); save it again") from e
    if header.get("format") != _FORMAT:
        raise DataError(
            f"{path} is not a chainrule model (format {header.get('format')!r}); save one with .save"
        )
    return header, arrays
