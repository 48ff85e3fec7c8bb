"""An exact joint distribution of discrete variables from any scikit-learn classifier.

    p(x) = prod_i p(x_i | x_before i)

A clone of the classifier learns each variable from those before it.  What it says is a distribution over the states
of that variable, so the product is one over all rows, whatever classifier it is (classifier chains: Dembczynski,
Cheng and Hüllermeier 2010).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import has_fit_parameter

from chainrule.core.checks import check_real
from chainrule.core.errors import DataError, InputError
from chainrule.core.progress import track
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.models.chain_classifier.factors import Factor, best_smoothing, fit_factor
from chainrule.models.chain_classifier.plain_state import classifier_of, plain_estimator, state_of
from chainrule.models.contract import Codes, Turns
from chainrule.models.shared.chain import ChainModel
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.loaded import check_probabilities, loaded_array, loaded_factorization
from chainrule.models.shared.ordering import Ordering
from chainrule.models.shared.state_columns import state_begins
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["ChainClassifier"]

_SMOOTHING = 0.01  # where there are no rows to choose it by
_TOGETHER = 2**14  # rows that are scored together


class ChainClassifier(ChainModel):
    """A clone of ``estimator`` for each variable given all before it in ``ordering``; for tables of any sizes.

    ``estimator`` is a scikit-learn classifier with ``predict_proba``; ``None`` is a logistic regression.  It is given
    the variables before as indicators, one for each of their states but the first, and the state as its class.

    ``smoothing`` is the share of a variable's own frequencies in its conditional, so that no state is impossible by
    accident: not one that no row had, and not where the classifier says 0.  ``None`` chooses a share for each variable
    on ``valid``; without ``valid`` on a ``validation_share`` of the rows, drawn by ``random_state``, after which the
    classifiers are fitted anew on all rows.  A variable that has one state in the rows, and the first one, have their
    frequencies alone.  ``random_state`` also seeds the estimator where it leaves that open.

    ``save`` writes arrays, never a pickle, so it knows few classes of estimators, and refuses others by name.

    >>> rows = {"a": [0, 0, 1, 1] * 90, "b": [0, 0, 1, 1] * 90, "c": ["x", "y", "y", "z"] * 90}
    >>> model = ChainClassifier(random_state=0).fit(rows)
    >>> float(model.query("c", {"b": 1}).probability(c="x")) < 0.05
    True
    """

    _places: list[Factor]  # the factor of the variable at each place of the order

    def __init__(
        self,
        estimator: Any = None,
        *,
        ordering: Ordering = "natural",
        smoothing: float | None = None,
        validation_share: float = 0.1,
        random_state: RandomState = None,
        schema: Schema | None = None,
    ) -> None:
        self.estimator = estimator
        self.ordering = ordering
        self.smoothing = smoothing
        self.validation_share = validation_share
        self.random_state = random_state
        self.schema = schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        """Fit a classifier for each variable; ``fit_info_`` has the ``smoothing`` of each, seed and seconds."""
        self._need_complete(table, valid)
        seed = int(as_generator(self.random_state).integers(2**31))
        rng = np.random.default_rng(seed)
        self._factorization = Factorization.of_order(self.ordering, table.schema.names, rng=rng)
        estimator = self._checked(table.weights is not None, seed)
        began = time.perf_counter()
        table = _with_weight(table)
        smoothing, how = self._chosen(estimator, table, valid, rng)
        self._places = self._fitted(estimator, table, smoothing, "fitting classifiers")
        self.fit_info_ = {
            "n_rows": table.n_rows,
            "estimator": type(estimator).__name__,
            "validation": how,
            "smoothing": [self._places[t].smoothing for t in self._factorization.place],
            "seed": seed,
            "seconds": time.perf_counter() - began,
        }

    def _checked(self, weighted: bool, seed: int) -> Any:
        """The estimator to clone, its open seeds set; ``InputError`` where it cannot serve."""
        estimator = LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator
        name = type(estimator).__name__
        methods = ("fit", "predict_proba", "get_params")
        if isinstance(estimator, type) or not all(hasattr(estimator, m) for m in methods):
            raise InputError(
                f"estimator must be a scikit-learn classifier with predict_proba; got {as_written(estimator)}; "
                "pass for example LogisticRegression(), or wrap it in CalibratedClassifierCV"
            )
        if weighted and not has_fit_parameter(estimator, "sample_weight"):
            raise InputError(f"{name} takes no sample_weight; repeat rows, or choose an estimator that does")
        found: Any = clone(estimator)
        open_seeds = [
            k for k, v in found.get_params().items() if k.split("__")[-1] == "random_state" and v is None
        ]
        return found.set_params(**dict.fromkeys(open_seeds, seed))

    def _chosen(
        self, estimator: Any, table: Table, valid: Table | None, rng: np.random.Generator
    ) -> tuple[list[float], str]:
        """The smoothing of the variable at each place, and how it was chosen."""
        d = len(table.schema)
        if self.smoothing is not None:
            fixed = check_real(self.smoothing, "smoothing", strictly=True)
            if fixed > 1:
                raise InputError(f"smoothing must be a share, above 0 and at most 1; got {as_written(fixed)}")
            return [fixed] * d, "none: smoothing is set"
        if valid is not None:
            return self._smoothed(estimator, table, valid), "valid"
        share = check_real(self.validation_share, "validation_share", strictly=True)
        if share >= 1:
            raise InputError(
                f"validation_share must be below 1; got {as_written(share)}; pass for example 0.1"
            )
        if table.n_rows < 2:
            return [_SMOOTHING] * d, "none: one row"
        rows = rng.permutation(table.n_rows)
        n = min(max(round(share * len(rows)), 1), len(rows) - 1)
        found = self._smoothed(estimator, _part(table, rows[n:]), _part(table, rows[:n]))
        return found, f"{n} of {len(rows)} rows held out"

    def _smoothed(self, estimator: Any, table: Table, held_out: Table) -> list[float]:
        """The best smoothing of each place, by rows that its classifier has not seen."""
        places = self._fitted(estimator, table, [_SMOOTHING] * len(table.schema), "fitting classifiers")
        features, ends = self._features(held_out.codes)
        return [
            best_smoothing(factor, features[:, : ends[t]], held_out.codes[:, i], held_out.weights)
            for t, (i, factor) in enumerate(zip(self._factorization.order, places, strict=True))
        ]

    def _fitted(self, estimator: Any, table: Table, smoothing: list[float], label: str) -> list[Factor]:
        features, ends = self._features(table.codes)
        variables = table.schema.variables
        return [
            fit_factor(
                estimator,
                features[:, : ends[t]],
                table.codes[:, i],
                table.weights,
                variables[i].size,
                smoothing[t],
                variables[i].name,
            )
            for t, i in enumerate(track(self._factorization.order.tolist(), label))
        ]

    def _features(self, codes: Codes) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """The indicators of rows in the order of generation (n, width), and how many come before each place (d,)."""
        coding, order = Coding(self.schema_.sizes), self._factorization.order
        features = coding.indicators(codes)[:, coding.order(order)].astype(np.float64)
        return features, coding.of_variables(order).begins[:-1]

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        begins = state_begins(self.schema_.sizes)
        out = np.empty((len(codes), int(begins[-1])))
        for start in range(0, len(codes), _TOGETHER):
            rows = slice(start, start + _TOGETHER)
            features, ends = self._features(codes[rows])
            for t, i in enumerate(self._factorization.order):
                p = self._places[t].probabilities(features[:, : ends[t]])
                out[rows, begins[i] : begins[i + 1]] = np.log(p)
        return out

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        order = self._factorization.order  # there is no other
        coding = Coding(self.schema_.sizes).of_variables(order)
        features = np.zeros((n, coding.width))
        for t, i in enumerate(order):
            begin, end = coding.begins[t], coding.begins[t + 1]
            log_p = np.log(self._places[t].probabilities(features[:, :begin]))
            state = yield np.array([i]), [log_p]
            features[:, begin:end] = state == np.arange(1, end - begin + 1)

    def _complete_log_prob(self, codes: Codes) -> NDArray[np.float64]:
        parts = [
            self._conditionals(codes[start : start + _TOGETHER]).sum(axis=1)
            for start in range(0, max(len(codes), 1), _TOGETHER)
        ]
        return np.concatenate(parts)

    def _follow(self, uniforms: NDArray[np.float64], known: Codes | None) -> Codes:
        n, order = len(uniforms), self._factorization.order
        rows = np.full(uniforms.shape, -1, np.int32) if known is None else known.astype(np.int32)
        coding = Coding(self.schema_.sizes).of_variables(order)
        features = np.zeros((n, coding.width))
        for t, i in enumerate(order):
            begin, end = coding.begins[t], coding.begins[t + 1]
            open_rows = np.flatnonzero(rows[:, i] < 0)
            if len(open_rows):
                p = self._places[t].probabilities(features[open_rows, :begin])
                above = p[:, 1:].cumsum(axis=1) > uniforms[open_rows, t, None]
                rows[open_rows, i] = (
                    np.where(above.any(axis=1), 1 + above.argmax(axis=1), 0) if end > begin else 0
                )
            features[:, begin:end] = rows[:, i, None] == np.arange(1, end - begin + 1)
        return rows

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, places = {}, []
        for t, factor in enumerate(self._places):
            arrays[f"marginal {t}"] = factor.marginal
            numbers: Any = None
            if factor.classifier is not None:
                plain_estimator(factor.classifier)  # refuses what cannot be saved
                found, numbers = state_of(factor.classifier)
                arrays |= {f"{name} {t}": value for name, value in found.items()}
            places.append({"smoothing": factor.smoothing, "numbers": numbers})
        return arrays, {"order": self._factorization.order, "places": places}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self._factorization = loaded_factorization(self.schema_.names, plain["order"])
        estimator, self._places = self._checked(False, int(self.fit_info_["seed"])), []
        for t, place in enumerate(plain["places"]):
            classifier, numbers = None, place["numbers"]
            if numbers is not None:
                classifier = classifier_of(plain_estimator(estimator))
                own = {k.rpartition(" ")[0]: v for k, v in arrays.items() if k.endswith(f" {t}")}
                for name, value in (own | numbers).items():
                    if name.endswith("_"):  # a fitted value, and nothing that would take a method's place
                        setattr(classifier, name, value)
            self._places.append(self._loaded_factor(t, classifier, arrays, place["smoothing"]))
        if len(self._places) != len(self.schema_):
            raise DataError(f"there are factors of {len(self._places)} variables; save the model again")
        # what a classifier of scikit-learn has to hold it says when it is asked
        self._state_log_probs(np.zeros((1, len(self.schema_)), np.uint8))

    def _loaded_factor(
        self, t: int, classifier: Any, arrays: dict[str, NDArray[Any]], smoothing: Any
    ) -> Factor:
        size = self.schema_.sizes[int(self._factorization.order[t])]
        marginal = loaded_array(arrays, f"marginal {t}", (size,))
        check_probabilities(marginal, f"marginal {t}")
        if not 0 < check_real(smoothing, "smoothing") <= 1:
            raise DataError(f"a smoothing of the file is {smoothing}, above 0 and at most 1 expected")
        return Factor(classifier, marginal, smoothing)

    def _settings(self) -> dict[str, Any]:
        plain = super()._settings()
        order, estimator = plain["ordering"], plain["estimator"]
        return plain | {
            "ordering": order if isinstance(order, str) else list(order),
            "estimator": None if estimator is None else plain_estimator(estimator),
        }

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        settings = super()._settings_of(plain)
        found = settings["estimator"]
        return settings | {"estimator": None if found is None else classifier_of(found)}


def _with_weight(table: Table) -> Table:
    """The rows of ``table`` that weigh anything."""
    return table if table.weights is None else _part(table, np.flatnonzero(table.weights))


def _part(table: Table, rows: NDArray[np.intp]) -> Table:
    return Table(table.schema, table.codes[rows], None if table.weights is None else table.weights[rows])
