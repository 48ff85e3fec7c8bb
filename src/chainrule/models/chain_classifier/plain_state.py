"""Classifiers as arrays and plain data, for files that cannot run anything; for classes that are no more than that."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import DataError, InputError

__all__ = ["SAVED", "classifier_of", "plain_estimator", "state_of"]

# scikit-learn classes whose fitted values are arrays of numbers and numbers
SAVED = {
    "BernoulliNB": "sklearn.naive_bayes",
    "ComplementNB": "sklearn.naive_bayes",
    "GaussianNB": "sklearn.naive_bayes",
    "LogisticRegression": "sklearn.linear_model",
    "MultinomialNB": "sklearn.naive_bayes",
}


def plain_estimator(estimator: Any) -> dict[str, Any]:
    """The class and the settings of an estimator as plain data; ``InputError`` for one that cannot be saved."""
    kind = type(estimator)
    room = SAVED.get(kind.__name__)
    if room is None or getattr(import_module(room), kind.__name__) is not kind:
        raise _cannot(kind.__name__, "its fitted values are more than arrays, and a pickle may run anything")
    settings = estimator.get_params(deep=False)
    for name, value in settings.items():
        if not (value is None or isinstance(value, (bool, int, float, str))):
            raise _cannot(kind.__name__, f"its setting {name} is a {type(value).__name__}")
    return {"class": kind.__name__, "settings": settings}


def classifier_of(plain: dict[str, Any]) -> Any:
    """The estimator that ``plain_estimator`` was given, not fitted."""
    if plain["class"] not in SAVED:
        raise DataError(
            f"the file holds a chain of {plain['class']}, which is never saved; save the model again"
        )
    return getattr(import_module(SAVED[plain["class"]]), plain["class"])(**plain["settings"])


def state_of(classifier: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """What a fitted classifier has learned, as arrays and as plain numbers."""
    arrays: dict[str, NDArray[Any]] = {}
    numbers: dict[str, Any] = {}
    for name, value in vars(classifier).items():
        if not name.endswith("_") or name.startswith("_"):
            continue
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            arrays[name] = value
        elif isinstance(value, (bool, int, float, np.number)):
            numbers[name] = value
        else:
            raise _cannot(type(classifier).__name__, f"its {name} is a {type(value).__name__}")
    return arrays, numbers


def _cannot(kind: str, why: str) -> InputError:
    return InputError(
        f"a chain of {kind} cannot be saved: {why}; save knows {', '.join(SAVED)} of scikit-learn, and a BoostedChain "
        "or a TreeNetwork can always be saved"
    )
