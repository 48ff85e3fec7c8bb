"""Training: it learns, it keeps the best epoch, it goes on after an interruption bit for bit."""

import numpy as np
import pytest
import torch

from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.progress import listening
from chainrule.models import MADE, NADE
from chainrule.models.shared.training import TrainingError


def _striped(n, rng):
    """Rows whose second half copies the first, with 5 % of the bits flipped."""
    left = rng.integers(0, 2, (n, 5))
    return np.hstack([left, left ^ (rng.random((n, 5)) < 0.05)])


@pytest.fixture(scope="module")
def stripes():
    rng = np.random.default_rng(0)
    return _striped(600, rng), _striped(200, rng), _striped(400, rng)


@pytest.mark.parametrize(
    "model", [NADE(20, epochs=20, random_state=0), MADE([60], epochs=20, random_state=0)]
)
def test_training_comes_close_to_the_entropy_of_the_source(model, stripes):
    train, valid, test = stripes
    model = model.set_params(learning_rate=2e-2, batch_size=40).fit(train, valid=valid)
    entropy = 5 * np.log(2) - 5 * (0.05 * np.log(0.05) + 0.95 * np.log(0.95))
    assert entropy < -model.score(test) < entropy + 0.5  # independent bits would need 6.93, the source 4.46


def test_the_epoch_with_the_best_validation_likelihood_is_kept(stripes):
    train, valid, _ = stripes
    model = NADE(60, epochs=30, learning_rate=0.05, weight_decay=0.0, random_state=1).fit(
        train[:40], valid=valid
    )
    info = model.fit_info_
    assert info["best_epoch"] == 1 + int(np.argmin(info["valid_nll_nats"])) < info["epochs"]
    assert -model.score(valid) == pytest.approx(min(info["valid_nll_nats"]), rel=1e-5)


class _StopAfter:
    """A listener that interrupts once so many epochs are over."""

    def __init__(self, epochs):
        self.left, self.notes = epochs, []

    def start(self, label, total):
        return 0

    def advance(self, task, detail):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt

    def stop(self, task):
        pass

    def note(self, text):
        self.notes.append(text)


@pytest.mark.parametrize("kind", [NADE, MADE])
def test_an_interrupted_fit_goes_on_and_ends_bit_equal(kind, stripes, tmp_path):
    train, valid, test = stripes
    settings = {"hidden": 8, "epochs": 6, "random_state": 3}
    whole = kind(**settings).fit(train, valid=valid)
    path = str(tmp_path / "state.safetensors")
    with pytest.raises(KeyboardInterrupt), listening(_StopAfter(2)):
        kind(**settings, checkpoint=path).fit(train, valid=valid)
    listener = _StopAfter(100)
    with listening(listener):
        resumed = kind(**settings, checkpoint=path).fit(train, valid=valid)
    assert resumed.fit_info_["resumed_from_epoch"] == 2
    assert "going on after epoch 2" in listener.notes[0]
    np.testing.assert_array_equal(resumed.log_prob(test), whole.log_prob(test))
    for key in ("train_nll_nats", "valid_nll_nats", "best_epoch"):
        assert resumed.fit_info_[key] == whole.fit_info_[key]


def test_a_finished_fit_is_not_run_again(stripes, tmp_path):
    train, valid, test = stripes
    model = NADE(4, epochs=3, random_state=0, checkpoint=str(tmp_path / "c")).fit(train, valid=valid)
    again = NADE(4, epochs=3, random_state=0, checkpoint=str(tmp_path / "c")).fit(train, valid=valid)
    assert again.fit_info_["resumed_from_epoch"] == 3
    np.testing.assert_array_equal(again.log_prob(test), model.log_prob(test))


@pytest.mark.parametrize("change", ["data", "settings", "ordering", "damage"])
def test_a_checkpoint_of_something_else_is_not_used_and_that_is_said(change, stripes, tmp_path):
    train, valid, _ = stripes
    path = tmp_path / "c"
    settings = {"hidden": 4, "epochs": 2, "random_state": 0, "checkpoint": str(path)}
    NADE(**settings).fit(train, valid=valid)
    if change == "data":
        train = train[1:]
    elif change == "settings":
        settings["learning_rate"] = 1e-4
    elif change == "ordering":
        settings["ordering"] = list(range(10))[::-1]
    else:
        path.write_bytes(path.read_bytes()[:100])
    listener = _StopAfter(100)
    with listening(listener):
        model = NADE(**settings).fit(train, valid=valid)
    assert model.fit_info_["resumed_from_epoch"] == 0
    assert "starts anew" in listener.notes[0]


def test_the_same_seed_gives_the_same_model_and_another_seed_another(stripes):
    train, _, test = stripes
    one, two, other = (MADE(8, ordering="random", epochs=2, random_state=s).fit(train) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.log_prob(test), two.log_prob(test))
    assert not np.array_equal(one.log_prob(test), other.log_prob(test))


def test_training_leaves_the_global_generators_alone(stripes):
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  # the state under test
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy()  # noqa: NPY002
    NADE(4, epochs=1).fit(stripes[0])
    MADE(4, epochs=1, ordering="random", degrees="random").fit(stripes[0])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_refitting_on_a_wider_table_starts_over():
    rng = np.random.default_rng(0)
    model = MADE([5, 4], epochs=1, random_state=0)
    for d in (3, 7, 1):
        model.fit(rng.integers(0, 2, (20, d)))
        assert model.log_prob(np.zeros((2, d))).shape == (2,)


def test_a_loss_that_is_no_number_is_an_error_that_says_what_to_do(stripes):
    with pytest.raises(TrainingError, match="lower the learning rate"):
        NADE(4, epochs=20, learning_rate=1e30, random_state=0).fit(stripes[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "hidden must be an integer"),
        ({"hidden": [4, 4]}, "one hidden layer"),
        ({"epochs": -1}, "epochs must be"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"weight_decay": -1}, "weight_decay"),
        ({"device": "tpu"}, "device must be"),
        ({"activation": "tanh"}, "activation must be"),
        ({"ordering": [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]}, "order"),
        ({"random_state": -3}, "seed"),
        ({"image_shape": (3, 3)}, "image_shape"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings, message, stripes):
    with pytest.raises(InputError, match=message):
        NADE(**({"hidden": 4, "epochs": 1} | settings)).fit(stripes[0])


def test_validation_rows_are_checked_like_training_rows(stripes):
    with pytest.raises(ShapeError, match="valid has 3 columns"):
        NADE(4, epochs=1).fit(stripes[0], valid=stripes[1][:, :3])
    with pytest.raises(ValuesError, match="valid must hold only 0 and 1"):
        NADE(4, epochs=1).fit(stripes[0], valid=stripes[1] * 2)


def test_scalars_and_sample_grids_go_to_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    X = np.random.default_rng(0).integers(0, 2, (40, 6))
    NADE(4, epochs=3, random_state=0, log_dir=str(tmp_path), image_shape=(2, 3)).fit(X, valid=X)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [e.step for e in events.Scalars("valid_nll_nats")] == [1, 2, 3]
    assert {"train_nll_nats", "learning_rate"} <= set(events.Tags()["scalars"])
    assert len(events.Images("samples")) == 3


def test_conditional_probabilities_multiply_to_the_likelihood(stripes):
    train, _, test = stripes
    for model in (NADE(6, epochs=2, random_state=0), MADE(6, epochs=2, random_state=0)):
        p = model.fit(train).conditionals(test)
        terms = np.where(test == 1, np.log(p), np.log1p(-p))
        np.testing.assert_allclose(terms.sum(1), model.log_prob(test), rtol=1e-12)


def test_parameters_are_counted_with_and_without_the_masks():
    X = np.random.default_rng(0).integers(0, 2, (10, 4))
    nade = NADE(3, epochs=1).fit(X).n_parameters_
    assert nade == {"allocated": 2 * 4 * 3 + 4 + 3, "in_use": 2 * 4 * 3 + 4 + 3}
    made = MADE(3, epochs=1, direct=False).fit(
        X
    )  # degrees 1, 2, 3: inputs kept 1 + 2 + 3, outputs 0 + 1 + 2 + 3
    assert [m.tolist() for m in made.degrees_] == [[1, 2, 3]]
    assert made.n_parameters_ == {"allocated": 2 * 4 * 3 + 4 + 3, "in_use": 6 + 6 + 4 + 3}
    direct = MADE(3, epochs=1).fit(X)  # and each variable to those after it: 3 + 2 + 1
    assert direct.n_parameters_ == {"allocated": 2 * 4 * 3 + 4 + 3 + 4 * 4, "in_use": 6 + 6 + 4 + 3 + 6}
