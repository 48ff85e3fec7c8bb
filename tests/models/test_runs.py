"""A fit in a folder of its own: it goes on bit for bit wherever it was stopped, and what is damaged is noticed."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError, DataError, InputError, OutputError
from chainrule.core.owned_folder import owned_folder
from chainrule.core.progress import listening
from chainrule.homework import MLPDensity
from chainrule.models import MADE, NADE, LatentMixture
from chainrule.models.shared import epochs
from chainrule.models.shared.run_folder import run_folder
from chainrule.models.shared.steps import AutogradSteps, CompiledSteps
from chainrule.models.shared.training import TrainingError
from chainrule.tables import Schema
from tests.models.stopping import StopAfter

ROWS = np.random.default_rng(0).integers(0, 2, (200, 6))
KINDS = [NADE, MADE, LatentMixture, MLPDensity]
OF_THE_CLOCK = re.compile("seconds|resumed")
SETTINGS: dict[str, Any] = {"hidden": 5, "epochs": 4, "batch_size": 20, "random_state": 0}


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """Python's own handler, which a shell that runs tests in the background has switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


LABELS = np.random.default_rng(1).random(200) / 200
SMALL: dict[type[Any], dict[str, Any]] = {LatentMixture: {"n_components": 16, "n_points": 16}}


def fit(kind: Any = NADE, **settings: Any) -> Any:
    y = LABELS if kind is MLPDensity else None
    return kind(**SETTINGS | SMALL.get(kind, {}) | settings).fit(ROWS, y, valid=ROWS[:50])


def stop_in_step(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, pressed while a step is computed."""
    for kind in (AutogradSteps, CompiledSteps):

        def step(self: Any, *arguments: Any, whole: Callable[..., None] = kind.step) -> None:
            if self.taken + 1 == number and arguments[1] > 0:  # not in the warm-up
                os.kill(os.getpid(), signal.SIGINT)
            whole(self, *arguments)

        monkeypatch.setattr(kind, "step", step)


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 17, 20])  # of 10 in an epoch
def test_ctrl_c_in_the_middle_of_an_epoch_loses_nothing(
    kind: Any, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(kind)
    with monkeypatch.context() as patch:
        stop_in_step(step, patch)
        with pytest.raises(KeyboardInterrupt):
            fit(kind, run_dir=tmp_path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert f"state-{step:012d}.safetensors" in files(tmp_path)
    resumed = fit(kind, run_dir=tmp_path)
    assert resumed.fit_info_["resumed_from_epoch"] == (step - 1) // 10
    told = [{k: v for k, v in m.fit_info_.items() if not OF_THE_CLOCK.search(k)} for m in (resumed, whole)]
    assert told[0] == told[1]
    np.testing.assert_array_equal(resumed.log_prob(ROWS), whole.log_prob(ROWS))


def test_a_long_epoch_is_kept_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit(epochs=2)
    monkeypatch.setattr(epochs, "_SAVE_SECONDS", 0.0)
    kept = fit(epochs=2, run_dir=tmp_path)
    np.testing.assert_array_equal(kept.log_prob(ROWS), whole.log_prob(ROWS))
    (tmp_path / "state-000000000020.safetensors").unlink()  # as if it was killed before the last state
    fit(epochs=2, run_dir=tmp_path)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


@pytest.mark.parametrize("damage", ["cut", "bit", "newer", "another's"])
def test_of_a_damaged_state_the_one_before_is_used_and_that_is_said(damage: str, tmp_path: Path) -> None:
    whole = fit(run_dir=tmp_path)
    last, before = tmp_path / "state-000000000040.safetensors", tmp_path / "state-000000000030.safetensors"
    assert [n for n in files(tmp_path) if n.startswith("state")] == [before.name, last.name]
    content = bytearray(last.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "bit":
        content[-5] ^= 4
    elif damage == "newer":
        content = bytearray(bytes(content).replace(b"chainrule-checkpoint-3", b"chainrule-checkpoint-9"))
    else:
        fit(run_dir=tmp_path / "other", epochs=5)
        content = bytearray((tmp_path / "other" / "state-000000000050.safetensors").read_bytes())
    last.write_bytes(content)
    listener = StopAfter(100)
    with listening(listener):
        again = fit(run_dir=tmp_path)
    assert again.fit_info_["resumed_from_epoch"] == 3
    assert last.name in listener.notes[0]
    assert "the state before" in listener.notes[0]
    np.testing.assert_array_equal(again.log_prob(ROWS), whole.log_prob(ROWS))
    for path in (last, before):
        path.write_bytes(b"")
    assert fit(run_dir=tmp_path).fit_info_["resumed_from_epoch"] == 0


def test_a_folder_tells_every_setting_that_may_change_the_result(tmp_path: Path) -> None:
    for kind in KINDS:
        model = fit(kind, run_dir=tmp_path / kind.__name__, epochs=1)
        told = json.loads((tmp_path / kind.__name__ / "run.json").read_text())["parts"]["settings"]
        left_out = {"run_dir", "log_dir", "image_shape", "device", "max_bytes"}
        assert set(model.get_params(deep=False)) - set(told) == left_out & set(model.get_params())
        assert model._settings()["run_dir"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_folder_of_another_fit_is_refused_with_what_differs(kind: Any, tmp_path: Path) -> None:
    fit(kind, run_dir=tmp_path, epochs=1)
    with pytest.raises(InputError, match=r"learning_rate .* there, 0\.25 here"):
        fit(kind, run_dir=tmp_path, epochs=1, learning_rate=0.25)
    rows = ROWS[::-1]
    with pytest.raises(InputError, match="other rows"):
        kind(**SETTINGS | SMALL.get(kind, {}) | {"epochs": 1, "run_dir": tmp_path}).fit(
            rows, LABELS, valid=rows[:50]
        )


@pytest.mark.parametrize("structure", ["tree", "net"])
def test_a_latent_mixture_goes_on_whatever_its_structure_and_weights(structure: str, tmp_path: Path) -> None:
    settings = SETTINGS | SMALL[LatentMixture] | {"structure": structure, "schema": Schema.of_sizes([2] * 6)}
    weights = np.random.default_rng(2).random(len(ROWS))
    whole = LatentMixture(**settings).fit(ROWS, sample_weight=weights)
    with pytest.raises(KeyboardInterrupt), listening(StopAfter(2)):
        LatentMixture(**settings, run_dir=tmp_path).fit(ROWS, sample_weight=weights)
    resumed = LatentMixture(**settings, run_dir=tmp_path).fit(ROWS, sample_weight=weights)
    assert 0 < resumed.fit_info_["resumed_from_epoch"] < 4
    np.testing.assert_array_equal(resumed.log_odds_, whole.log_odds_)


def test_metrics_are_a_line_for_each_epoch_whatever_was_there(tmp_path: Path) -> None:
    fit(run_dir=tmp_path, epochs=2)
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('{"epoch": 3, "train_nll_')  # as a kill may leave it
    model = fit(run_dir=tmp_path, epochs=2)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert [line["valid_nll_nats"] for line in lines] == model.fit_info_["valid_nll_nats"]
    assert set(lines[0]) == {"epoch", "train_nll_nats", "valid_nll_nats", "learning_rate", "seconds"}


def test_a_second_fit_in_a_folder_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    with (
        owned_folder(tmp_path),
        pytest.raises(OutputError, match=f"in use by process {os.getpid()}; wait until it ends"),
    ):
        fit(run_dir=tmp_path)
    assert files(tmp_path) == []
    fit(run_dir=tmp_path, epochs=1)
    assert ".chainrule.lock" not in files(tmp_path)


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".state-000000000010.safetensors.0123abcd.chainrule.part").write_bytes(b"half")
    (tmp_path / ".mine.part").write_bytes(b"of another program")
    fit(run_dir=tmp_path, epochs=1)
    assert [n for n in files(tmp_path) if n.endswith(".part")] == [".mine.part"]


@pytest.mark.parametrize("rate", [1e5, 1e38])
def test_a_loss_that_runs_away_stops_with_step_and_norm(rate: float) -> None:
    with pytest.raises(
        TrainingError, match=r"in epoch 1, step \d+, where the weights have the norm .*lower the"
    ) as e:
        fit(learning_rate=rate)
    assert "is in" not in str(e.value)


def test_a_loss_that_is_lost_later_tells_where_what_was_learned_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = CompiledSteps.step, AutogradSteps.step
    for kind, step in zip((CompiledSteps, AutogradSteps), whole, strict=True):

        def lost(self: Any, *arguments: Any, step: Callable[..., None] = step) -> None:
            step(self, *arguments)
            if self.taken == 14 and arguments[1] > 0:
                self.total = float("nan")

        monkeypatch.setattr(kind, "step", lost)
    with pytest.raises(
        TrainingError, match=r"became nan in epoch 2, step 14, .*learned by epoch 1 is in .*run"
    ):
        fit(run_dir=tmp_path / "run")
    assert "state-000000000010.safetensors" in files(tmp_path / "run")


@pytest.mark.parametrize(
    ("place", "kind", "words"),
    [
        (3, InputError, "run_dir is a text or a pathlib.Path; got 3"),
        ("a\0b", InputError, "NUL"),
        ("x" * 300, OutputError, "File name too long"),
        ("/dev/null", OutputError, "choose a folder"),
        ("/proc/1/nowhere", OutputError, "choose a folder"),
    ],
)
def test_a_folder_that_cannot_be_is_refused_in_one_line(
    place: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        fit(run_dir=place)
    assert len(str(caught.value)) < 1000


def test_a_run_json_that_is_none_is_refused(tmp_path: Path) -> None:
    for content in ("", "[]", '{"format": "chainrule-run-1"}', '{"format": "x", "parts": {"settings": {}}}'):
        (tmp_path / "run.json").write_text(content)
        with pytest.raises(DataError, match="choose another folder"), run_folder(tmp_path, {"settings": {}}):
            pass
    (tmp_path / "run.json").unlink()
    (tmp_path / "state-000000000001.safetensors").write_bytes(b"")
    with pytest.raises(ChainruleError, match=r"no run\.json"), run_folder(tmp_path, {"settings": {}}):
        pass
