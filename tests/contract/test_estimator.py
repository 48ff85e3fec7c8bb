"""Every model is a scikit-learn estimator: settings, ``clone``, cross-validation, pipelines, reproducible fits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from chainrule.homework import CountProportional
from chainrule.models import Independent
from tests.contract.cases import Case, cases_of, every_case, every_learner, fitted, settings_of


@every_case
def test_the_constructor_keeps_its_settings_and_does_nothing_else(case: Case) -> None:
    model = case.make()
    assert vars(model) == model.get_params(deep=False)


@every_case
def test_settings_can_be_read_and_set(case: Case) -> None:
    model = case.make()
    params = model.get_params()
    assert model.set_params(**params) is model
    assert model.get_params() == params
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(no_such_setting=1)


@every_case
def test_fit_returns_the_model_and_changes_neither_settings_nor_data(case: Case) -> None:
    model, X = case.make(), case.data()
    params, before = model.get_params(), X.copy()
    assert model.fit(X, case.labels(X)) is model
    assert model.get_params() == params
    assert (before == X).all()
    assert model.n_features_in_ == case.d
    assert isinstance(model.fit_info_, dict)


@every_case
def test_a_clone_has_equal_settings_and_nothing_fitted(case: Case) -> None:
    copy = clone(fitted(case))
    assert settings_of(copy) == settings_of(case.make())
    assert vars(copy) == copy.get_params(deep=False)


@every_learner
def test_a_model_that_is_not_fitted_says_so(case: Case) -> None:
    copy = clone(fitted(case))
    for use in (lambda: copy.log_prob(case.data()), lambda: copy.sample(1), lambda: copy.score(case.data())):
        with pytest.raises(NotFittedError):
            use()


@every_case
def test_a_clone_with_the_same_seed_fits_to_the_same_bits(case: Case) -> None:
    rows = case.data()
    again = case.fit(clone(fitted(case)))
    assert (again.log_prob(rows) == fitted(case).log_prob(rows)).all()
    assert (case.fit(again).log_prob(rows) == fitted(case).log_prob(rows)).all()  # and refitting starts anew


@every_case
def test_fitting_and_sampling_leave_the_global_random_streams_alone(case: Case) -> None:
    before_numpy, before_torch = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    case.fit().sample(3, rng=0)
    assert (np.random.get_state()[1] == before_numpy).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before_torch)


@every_case
def test_cross_validation_works(case: Case) -> None:
    X = case.data()
    if len(X) < 6:
        X = np.repeat(X, 3, axis=0) if not case.needs_labels else X
    scores = cross_val_score(case.make(), X, case.labels(X), cv=2)
    assert scores.shape == (2,)
    assert not np.isnan(scores).any()
    assert (scores <= 0).all()


@every_case
def test_a_model_works_at_the_end_of_a_pipeline(case: Case) -> None:
    X = case.data()
    pipeline = Pipeline([("same", "passthrough"), ("model", case.make())]).fit(X, case.labels(X))
    assert (pipeline.score_samples(X) == fitted(case).log_prob(X)).all()


@cases_of(CountProportional)
def test_a_model_with_nothing_to_learn_works_without_a_fit(case: Case) -> None:
    rows = case.data()
    assert (case.make().log_prob(rows) == fitted(case).log_prob(rows)).all()
    assert (case.make().sample(9, rng=1) == fitted(case).sample(9, rng=1)).all()


def test_a_grid_search_finds_the_better_setting() -> None:
    X = (np.random.default_rng(0).random((40, 3)) < 0.1).astype(int)
    search = GridSearchCV(Independent(), {"pseudocount": [0.5, 1e6]}, cv=2).fit(X)
    assert search.best_params_ == {"pseudocount": 0.5}
