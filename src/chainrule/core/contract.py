"""The contract of every model: a scikit-learn estimator with an exact ``log_prob``.

Settings live in ``__init__`` and nothing else does; fitted values end in ``_``.  A model is saved as one
safetensors file whose header carries its settings as JSON and a checksum of the whole (``sealed``); nothing is ever
pickled.  What a file holds is checked once, when it is loaded: the loops of a model trust what they get.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.validation import check_is_fitted

from chainrule.core.errors import DataError, ValuesError
from chainrule.core.files import shown_path
from chainrule.core.randomness import RandomState
from chainrule.core.sealed import read_sealed, write_sealed
from chainrule.core.text import one_line

__all__ = ["DensityEstimator", "load_model", "packed", "packed_settings", "unpacked", "unpacked_settings"]

_FORMAT = 2  # of saved models; an older or a newer one is refused by its number


# what taking over plain data and arrays ends in where they are not what ``packed`` gives; a file's checksum says that
# they came from ``save``, so this is a file that was made by hand or by a model that was broken before
_NOT_A_MODEL = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


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
        """Write the fitted model to one safetensors file with a checksum, whole or not at all.

        Raises ``OutputError`` where the place cannot be written to; what was there is then untouched.  Raises
        ``ValuesError`` where a number of the model is not finite.
        """
        write_sealed(path, "model", _FORMAT, *packed(self))

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
        """The model that ``save`` wrote.

        Raises ``DataError`` where the file is missing, damaged (its checksum tells), of another format or class, or
        holds what is no such model: numbers that are not finite, shapes that do not fit, an order that is no
        permutation, probabilities that do not sum to one.
        """
        header, arrays = read_sealed(path, "model", _FORMAT)
        name = shown_path(path)
        try:
            kind = _class_named(header["class"], name)
            if not issubclass(kind, cls):
                raise DataError(
                    f"{name} holds a {kind.__name__}, not a {cls.__name__}; load it with chainrule.load_model"
                )
            return unpacked(arrays, header, name)  # type: ignore[return-value]
        except _NOT_A_MODEL as e:
            raise DataError(
                f"{name} holds what no model saves ({type(e).__name__}: {one_line(str(e), 300)}); save it again"
            ) from e


def load_model(path: str | Path) -> DensityEstimator:
    """The model that ``save`` wrote to ``path``, by the class its file names; ``DataError`` if damaged."""
    return DensityEstimator.load(path)


def packed(model: DensityEstimator) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """A fitted model as named arrays and plain data: what its file holds, or what a model made of models keeps.

    Raises ``NotFittedError``, and ``ValuesError`` where a number is not finite.
    """
    check_is_fitted(model)
    arrays, fitted = model._state()
    odd = _not_finite(arrays)
    if odd is not None:
        raise ValuesError(
            f"{odd} of this {type(model).__name__} holds what is no finite number, so it is not saved; fit it again"
        )
    more = {"variables": model._plain_variables(), "fitted": fitted, "fit_info": model.fit_info_}
    return arrays, packed_settings(model) | more


def unpacked(arrays: dict[str, NDArray[Any]], plain: dict[str, Any], path: str | Path) -> DensityEstimator:
    """The model that ``packed`` took apart; ``path`` is where it came from, for messages.

    Raises ``DataError`` where numbers are not finite, and what a model raises that is handed another one's state.
    """
    odd = _not_finite(arrays)
    if odd is not None:
        raise DataError(f"{path}: {odd} holds what is no finite number; save the model again")
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


def _not_finite(arrays: dict[str, NDArray[Any]]) -> str | None:
    """The name of an array that holds what is no finite number; ``None`` where there is none."""
    odd = (k for k, a in arrays.items() if a.dtype.kind not in "biuf" or not np.isfinite(a).all())
    return next(map(one_line, odd), None)


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
