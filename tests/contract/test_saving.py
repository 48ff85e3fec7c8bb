"""A saved model comes back bit-equal, and a file that is no model is refused in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from sklearn.exceptions import NotFittedError

from chainrule.core.contract import DensityEstimator, packed
from chainrule.core.errors import DataError, OutputError
from chainrule.core.sealed import write_sealed
from chainrule.models import load_model
from chainrule.models.independent.estimator import Independent
from chainrule.models.nade.estimator import NADE
from tests.contract.cases import Case, every_case, fitted, settings_of


@every_case
def test_a_saved_model_comes_back_bit_equal(case: Case, tmp_path: Path) -> None:
    model, rows, path = fitted(case), case.states(), tmp_path / "model.safetensors"
    model.save(path)
    for back in (type(model).load(path), load_model(path), DensityEstimator.load(str(path))):
        assert type(back) is type(model)
        assert (back.log_prob(rows) == model.log_prob(rows)).all()
        assert (back.sample(50, rng=2) == model.sample(50, rng=2)).all()
        assert settings_of(back) == settings_of(model)
        assert back.fit_info_ == model.fit_info_
        assert back.n_features_in_ == case.d
        assert back.schema_ == model.schema_
        assert back.factorization_ == model.factorization_


@every_case
def test_a_loaded_model_saves_to_the_same_content(case: Case, tmp_path: Path) -> None:
    model = fitted(case)
    model.save(tmp_path / "a")
    load_model(tmp_path / "a").save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with safe_open(tmp_path / "a", framework="numpy") as a, safe_open(tmp_path / "b", framework="numpy") as b:
        assert a.metadata() == b.metadata()
        assert sorted(a.keys()) == sorted(b.keys())
        for name in a.keys():  # noqa: SIM118  # not a dict
            assert a.get_tensor(name).dtype == b.get_tensor(name).dtype
            assert (a.get_tensor(name) == b.get_tensor(name)).all()


@every_case
def test_a_damaged_file_is_refused_in_one_line(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "model"
    fitted(case).save(path)
    whole = path.read_bytes()
    for part in (b"", whole[:5], whole[: len(whole) // 2], whole[:-1], b"not a model at all"):
        path.write_bytes(part)
        with pytest.raises(DataError) as caught:
            load_model(path)
        assert "\n" not in str(caught.value)


@every_case
def test_an_unfitted_model_is_not_saved(case: Case, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        case.make().save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_the_users_that_is_called_like_ours_takes_the_place_of_none(tmp_path: Path) -> None:
    Mine = type("Independent", (Independent,), {"__module__": __name__})
    Independent().fit([[0, 1]]).save(tmp_path / "ours")
    Mine().fit([[0, 1]]).save(tmp_path / "mine")
    assert type(load_model(tmp_path / "ours")) is Independent
    assert type(load_model(tmp_path / "mine")) is not Independent


def test_a_class_that_is_not_known_here_is_refused_and_nothing_is_imported_for_it(tmp_path: Path) -> None:
    arrays, plain = packed(Independent().fit([[0, 1]]))
    for name, word in (
        ("elsewhere.models.Nice", "import the module"),
        ("chainrule.models.nothing.No", "not known"),
    ):
        write_sealed(tmp_path / "model", "model", 2, arrays, plain | {"class": name})
        with pytest.raises(DataError, match=word):
            load_model(tmp_path / "model")
    assert "elsewhere" not in sys.modules


def test_a_file_of_another_class_is_refused_with_its_name(tmp_path: Path) -> None:
    Independent().fit([[0, 1]]).save(tmp_path / "model")
    with pytest.raises(DataError, match=r"holds a Independent, not a NADE"):
        NADE.load(tmp_path / "model")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        load_model(tmp_path / "nothing")


def test_a_safetensors_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    save_file({"a": np.zeros(2)}, tmp_path / "other")
    with pytest.raises(DataError, match="not a chainrule model"):
        load_model(tmp_path / "other")


def test_a_place_that_cannot_be_written_to_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    model = Independent().fit([[0, 1]])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        model.save(tmp_path / "file" / "model")
    with pytest.raises(OutputError, match="cannot write"):
        model.save(tmp_path / "no such folder" / "model")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
