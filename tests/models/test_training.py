"""Training: it learns, it keeps the best epoch, it goes on after an interruption bit for bit."""

import time

import numpy as np
import pytest
import torch

from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.progress import listening
from chainrule.models import MADE, NADE
from chainrule.models.shared import steps as steps_module
from chainrule.models.shared import training
from chainrule.models.shared.steps import Loss
from chainrule.models.shared.training import Recipe, TrainingError, batch_size_for, train
from tests.models.stopping import StopAfter


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


@pytest.mark.parametrize("kind", [NADE, MADE])
def test_an_interrupted_fit_goes_on_and_ends_bit_equal(kind, stripes, tmp_path):
    train, valid, test = stripes
    settings = {"hidden": 8, "epochs": 6, "random_state": 3}
    whole = kind(**settings).fit(train, valid=valid)
    path = str(tmp_path / "run")
    with pytest.raises(KeyboardInterrupt), listening(StopAfter(2)):
        kind(**settings, run_dir=path).fit(train, valid=valid)
    listener = StopAfter(100)
    with listening(listener):
        resumed = kind(**settings, run_dir=path).fit(train, valid=valid)
    assert resumed.fit_info_["resumed_from_epoch"] == 2
    assert "going on after epoch 2" in listener.notes[0]
    np.testing.assert_array_equal(resumed.log_prob(test), whole.log_prob(test))
    for key in ("train_nll_nats", "valid_nll_nats", "best_epoch"):
        assert resumed.fit_info_[key] == whole.fit_info_[key]


def test_a_finished_fit_is_not_run_again(stripes, tmp_path):
    train, valid, test = stripes
    model = NADE(4, epochs=3, random_state=0, run_dir=str(tmp_path / "c")).fit(train, valid=valid)
    again = NADE(4, epochs=3, random_state=0, run_dir=str(tmp_path / "c")).fit(train, valid=valid)
    assert again.fit_info_["resumed_from_epoch"] == 3
    np.testing.assert_array_equal(again.log_prob(test), model.log_prob(test))


CHANGES = {
    "learning_rate": 1e-4,
    "ordering": list(range(10))[::-1],
    "activation": "sigmoid",
    "hidden": 5,
    "epochs": 3,
    "batch_size": 70,
    "weight_decay": 0.1,
    "decay_epochs": 3.0,
    "dropout": 0.5,
    "input_dropout": 0.5,
    "orders": 2,
    "random_state": 1,
}
KEPT = {
    "device",
    "run_dir",
    "log_dir",
    "image_shape",
    "schema",
}  # what changes no number of a fit on one machine


def test_every_setting_of_the_networks_is_known_to_change_a_fit_or_not():
    for kind, own in ((NADE, set()), (MADE, {"dag", "degrees", "direct"})):
        assert set(kind().get_params()) <= set(CHANGES) | KEPT | own


@pytest.mark.parametrize("change", ["data", "weights", *CHANGES])
def test_a_folder_of_another_run_is_refused_with_what_differs(change, stripes, tmp_path):
    train, valid, _ = stripes
    weights = None
    settings = {"hidden": 4, "epochs": 2, "random_state": 0, "run_dir": str(tmp_path)}
    NADE(**settings).fit(train, valid=valid)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    if change == "data":
        train = train[1:]
    elif change == "weights":
        weights = np.arange(len(train))
    else:
        settings[change] = CHANGES[change]
    with pytest.raises(InputError, match="folder of another run") as caught:
        NADE(**settings).fit(train, valid=valid, sample_weight=weights)
    assert ("other rows" if change in ("data", "weights") else f"{change} ") in str(caught.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


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


@pytest.mark.parametrize("kind", [NADE, MADE])
@pytest.mark.parametrize("epochs", [1, 20])
@pytest.mark.parametrize("with_valid", [False, True])
def test_a_loss_that_is_no_number_is_an_error_that_says_what_to_do(kind, epochs, with_valid, stripes):
    # with one epoch of one step, the loss that was met is that of the start
    model = kind(4, epochs=epochs, batch_size=600, learning_rate=1e30, random_state=0)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        model.fit(stripes[0], valid=stripes[1] if with_valid else None)
    assert not hasattr(model, "network_")


def test_parameters_that_are_lost_are_noticed(stripes):
    network = NADE(4, epochs=0).fit(stripes[0]).network_
    with torch.no_grad():
        network.c[0] = float("nan")
    recipe = Recipe(epochs=2, batch_size=50, learning_rate=1e-3, weight_decay=0.0, seed=0)
    with pytest.raises(TrainingError, match="loss became nan in epoch 1"):
        train(network, stripes[0].astype(np.uint8), None, recipe)


def _fit(kind, rows, weights=None, valid=None, **settings):
    settings = {"hidden": 5, "epochs": 3, "batch_size": 50, "random_state": 0} | settings
    return kind(**settings).fit(rows, valid=valid, sample_weight=weights)


@pytest.mark.parametrize("kind", [NADE, MADE])
def test_weights_that_are_all_equal_change_nothing(kind, stripes):
    rows, _, test = stripes
    one, two = _fit(kind, rows), _fit(kind, rows, np.full(len(rows), 3.7))
    # the starting biases come from weighted counts with half a count added to each: a smaller share of them
    np.testing.assert_allclose(two.log_prob(test), one.log_prob(test), rtol=2e-3)
    np.testing.assert_allclose(two.fit_info_["train_nll_nats"], one.fit_info_["train_nll_nats"], rtol=2e-3)


@pytest.mark.parametrize("kind", [NADE, MADE])
def test_rows_of_weight_zero_do_not_count(kind, stripes):
    rows, other, test = stripes
    weights = np.repeat([1.0, 0.0], [len(rows), len(other)])
    one, two = _fit(kind, rows), _fit(kind, np.vstack([rows, 1 - other]), weights)
    np.testing.assert_array_equal(two.log_prob(test), one.log_prob(test))


@pytest.mark.parametrize("kind", [NADE, MADE])
def test_whole_weights_are_repeated_rows_in_the_losses_reported(kind, stripes):
    rows, _, _ = stripes
    counts = np.random.default_rng(0).integers(0, 4, len(rows))
    settings = {
        "learning_rate": 1e-12,
        "weight_decay": 0.0,
        "epochs": 1,
    }  # so that the loss does not move on the way
    one = _fit(kind, rows, counts, **settings).fit_info_["train_nll_nats"]
    two = _fit(kind, np.repeat(rows, counts, axis=0), **settings).fit_info_["train_nll_nats"]
    np.testing.assert_allclose(one, two, rtol=1e-6)  # sums of float32


def test_weights_of_validation_rows_count(stripes):
    rows, other, _ = stripes
    network = NADE(4, epochs=0, random_state=0).fit(rows).network_
    counts = np.random.default_rng(0).integers(0, 4, len(other)).astype(float)
    recipe = Recipe(epochs=1, batch_size=50, learning_rate=1e-12, weight_decay=0.0, seed=0)
    X, valid = rows.astype(np.uint8), other.astype(np.uint8)
    one = train(network, X, valid, recipe, valid_weights=counts)["valid_nll_nats"]
    two = train(network, X, np.repeat(valid, counts.astype(int), axis=0), recipe)["valid_nll_nats"]
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_heavy_rows_pull_the_fit_towards_themselves():
    rows = np.repeat([[0, 0, 0], [1, 1, 1]], 200, axis=0)
    model = _fit(NADE, rows, np.repeat([1.0, 9.0], 200), epochs=60, learning_rate=0.05)
    np.testing.assert_allclose(np.exp(model.log_prob([[0, 0, 0], [1, 1, 1]])), [0.1, 0.9], atol=0.03)


@pytest.mark.parametrize("kind", [NADE, MADE])
def test_a_users_own_loop_trains_the_network(kind, stripes):
    rows, _, test = stripes
    model = _fit(kind, rows, epochs=0)
    before = model.score(test)
    optimizer = torch.optim.Adam(model.network_.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        (-model.network_(torch.from_numpy(rows)).mean()).backward()
        optimizer.step()
    assert model.score(test) > before + 0.5  # and the estimator answers by the parameters as they are now


def test_an_activation_that_is_set_is_the_one_that_answers(stripes):
    rows, _, test = stripes
    model = _fit(NADE, rows)
    relu = model.log_prob(test)
    model.network_.activation = "sigmoid"
    with torch.no_grad():
        expected = model.network_.double()(torch.from_numpy(test)).numpy()
    model.network_.float()
    np.testing.assert_allclose(model.log_prob(test), expected, rtol=1e-12)
    assert not np.allclose(model.log_prob(test), relu)


def test_seconds_are_those_of_training_and_compiling_is_apart(stripes, monkeypatch):
    def slow(*arguments):
        time.sleep(0.5)  # as if it compiled
        return 0.5

    monkeypatch.setattr(training, "_warm_up", slow)
    info = _fit(NADE, stripes[0][:50], epochs=1).fit_info_
    assert info["warm_up_seconds"] == 0.5
    assert info["seconds"] < 0.5


def test_the_warm_up_leaves_no_trace(stripes, monkeypatch):
    rows, valid, test = stripes
    one = _fit(MADE, rows, valid=valid)
    monkeypatch.setattr(training, "_warm_up", lambda *_: 0.0)
    two = _fit(MADE, rows, valid=valid)
    np.testing.assert_array_equal(one.log_prob(test), two.log_prob(test))


def test_any_loss_of_rows_and_targets_can_be_trained():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 0.5]) + 0.3).astype(np.float32)
    squared = Loss("squared_error", lambda network, rows, targets: (network(rows)[:, 0] - targets).square())
    network = torch.nn.Linear(3, 1)
    recipe = Recipe(epochs=40, batch_size=20, learning_rate=0.05, weight_decay=0.0, seed=0)
    info = train(network, x, x[:50], recipe, targets=y, valid_targets=y[:50], loss=squared)
    assert info["train_squared_error"][-1] < 1e-3 < info["train_squared_error"][0]
    assert info["valid_squared_error"][-1] < 1e-3


def test_a_batch_follows_the_number_of_rows_unless_it_is_given():
    assert [batch_size_for(n) for n in (1, 50_000, 100_000, 10**6)] == [100, 100, 200, 1000]
    X = np.random.default_rng(0).integers(0, 2, (150, 3))
    steps = []

    class Watched(steps_module.CompiledSteps):
        def step(self, chosen, learning_rate):
            steps.append(len(chosen))
            super().step(chosen, learning_rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "CompiledSteps", Watched)
        NADE(3, epochs=1).fit(X)
        NADE(3, epochs=1, batch_size=60).fit(X)
    assert steps == [100, 100, 50, 60, 60, 60, 30]  # the first of each is the warm-up


def test_a_model_whose_seed_came_from_a_generator_is_saved_with_the_seed(stripes, tmp_path):
    for kind in (NADE, MADE):
        model = _fit(kind, stripes[0], epochs=1, random_state=np.random.default_rng(5))
        model.save(tmp_path / "m")
        again = kind.load(tmp_path / "m")
        assert again.random_state == model.fit_info_["seed"]
        np.testing.assert_array_equal(again.log_prob(stripes[2]), model.log_prob(stripes[2]))


@pytest.mark.parametrize("hidden", [3, np.int64(3), [3], (3,), np.array([3])])
def test_one_layer_may_be_written_in_any_way(hidden):
    X = np.random.default_rng(0).integers(0, 2, (30, 3))
    assert NADE(hidden, epochs=1).fit(X).network_.W.shape == (3, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0}, "hidden must be the size of one layer"),
        ({"hidden": [4, 4]}, "hidden must be the size of one layer"),
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
    with pytest.raises(ValuesError, match="valid must hold codes"):
        NADE(4, epochs=1).fit(stripes[0], valid=stripes[1] * 2)


def test_scalars_and_sample_grids_go_to_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    X = np.random.default_rng(0).integers(0, 2, (40, 6))
    NADE(4, epochs=3, random_state=0, log_dir=str(tmp_path), image_shape=(2, 3)).fit(X, valid=X)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [e.step for e in events.Scalars("valid_nll_nats")] == [1, 2, 3]
    assert {"train_nll_nats", "learning_rate"} <= set(events.Tags()["scalars"])
    assert len(events.Images("samples")) == 3


def test_conditional_log_probabilities_add_up_to_the_likelihood(stripes):
    train, _, test = stripes
    for model in (NADE(6, epochs=2, random_state=0), MADE(6, epochs=2, random_state=0)):
        terms = model.fit(train).conditionals(test)
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
