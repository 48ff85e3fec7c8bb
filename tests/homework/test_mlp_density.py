"""MLPDensity: exactly normalised, exact marginals and draws, honest about labels and about what is too large."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from chainrule.core.errors import InputError, ShapeError, TooLargeError, ValuesError
from chainrule.core.progress import listening
from chainrule.evaluate.draws import chi_square_draws
from chainrule.evaluate.enumeration import exact_table, kl_divergence, total_probability
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.mlp_network import MLPNetwork
from chainrule.models.shared.training import TrainingError
from tests.oracles import enumerate_rows, joint_table, log_of_marginal


def labelled(d: int) -> tuple[np.ndarray, np.ndarray]:
    """All states of d pixels and their probabilities."""
    X = enumerate_rows(d)
    return X, np.exp(CountProportional(1, d).log_prob(X))


def small(d: int = 4, **settings) -> MLPDensity:
    X, y = labelled(d)
    return MLPDensity(**({"hidden": [8], "epochs": 5, "random_state": 0} | settings)).fit(X, y)


@pytest.mark.parametrize("d", [1, 2, 5, 9, 12])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_it_sums_to_one_whatever_it_has_learned(d: int, loss: str) -> None:
    assert total_probability(small(d, loss=loss, epochs=1)) == pytest.approx(1.0, abs=1e-9)


def test_log_prob_is_the_score_over_the_sum_of_scores() -> None:
    model = small(5)
    X = enumerate_rows(5)
    f = np.array([1.0 / (1.0 + math.exp(-z)) for z in by_hand(model, X)])
    np.testing.assert_allclose(model.unnormalized(X), f, rtol=1e-12)
    np.testing.assert_allclose(model.log_prob(X), np.log(f / f.sum()), rtol=1e-12)
    assert model.log_partition_ == pytest.approx(math.log(f.sum()), rel=1e-12)


def by_hand(model: MLPDensity, X: np.ndarray) -> list[float]:
    """The logits by the definition: sums, and zero where a sum is negative."""
    layers = [
        (layer.weight.detach().double().tolist(), layer.bias.detach().double().tolist())
        for layer in model.network_.layers
    ]
    logits = []
    for row in X:
        h = [float(v) for v in row]
        for i, (w, b) in enumerate(layers):
            h = [sum(a * v for a, v in zip(ws, h, strict=True)) + bias for ws, bias in zip(w, b, strict=True)]
            h = h if i == len(layers) - 1 else [max(v, 0.0) for v in h]
        logits.append(h[0])
    return logits


def test_it_learns_the_labels_it_is_given() -> None:
    X, y = labelled(6)
    model = MLPDensity(epochs=400, batch_size=16, random_state=0).fit(X, y)
    with np.errstate(divide="ignore"):
        assert kl_divergence(np.log(y), exact_table(model)) < 0.01  # nats; uniform is 0.09 away


def test_missing_values_are_summed_out_exactly() -> None:
    model = small(4)
    table = joint_table(model.log_prob, 4)
    nan = math.nan
    rows = [[nan, 1, 0, nan], [nan] * 4, [1, 0, 1, 1], [0, nan, nan, nan]]
    want = [log_of_marginal(table, row) for row in rows]
    np.testing.assert_allclose(model.log_prob(rows), want, atol=1e-12)


def test_draws_match_log_prob_with_and_without_given_values() -> None:
    model = small(6, epochs=30)
    assert chi_square_draws(model, 20_000, rng=1, false_alarm_rate=1e-6).passed
    given = [math.nan, 1.0, math.nan, math.nan, 0.0, math.nan]
    assert chi_square_draws(model, 20_000, given=given, rng=2, false_alarm_rate=1e-6).passed
    assert (model.sample(20, given=given, rng=3)[:, [1, 4]] == [1, 0]).all()


def test_the_network_has_a_differentiable_exact_log_prob() -> None:
    model = small(3)
    network = model.network_.double()
    X = torch.from_numpy(enumerate_rows(3))
    log_p = network.log_prob(X)
    np.testing.assert_allclose(log_p.detach().numpy(), model.log_prob(X.numpy()), rtol=1e-12)
    # the probabilities sum to one whatever the weights, so their sum has no gradient
    gradients = torch.autograd.grad(log_p.exp().sum(), list(network.parameters()))
    assert max(float(g.abs().max()) for g in gradients) < 1e-14
    assert any(
        float(g.abs().max()) > 1e-3
        for g in torch.autograd.grad(network.log_prob(X)[0], network.layers[0].weight)
    )


def test_maximum_likelihood_training_by_hand_raises_the_likelihood() -> None:
    network = MLPNetwork(3, [8], generator=torch.Generator().manual_seed(0))
    X = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    first = float(network.log_prob(X).mean().detach())
    for _ in range(100):
        optimizer.zero_grad()
        (-network.log_prob(X).mean()).backward()
        optimizer.step()
    assert float(network.log_prob(X).mean().detach()) > first + 0.5


def test_a_constant_factor_of_the_labels_changes_nothing_once_rescaled() -> None:
    X, y = labelled(5)
    a = MLPDensity([8], epochs=20, random_state=0).fit(X, y)
    b = MLPDensity([8], epochs=20, random_state=0).fit(X, y * 2.0**-400)
    assert (a.log_prob(X) == b.log_prob(X)).all()
    assert b.label_scale_ == a.label_scale_ * 2.0**400


def test_training_starts_from_the_mean_label_and_the_labels_scale_is_kept() -> None:
    X, y = labelled(8)
    model = MLPDensity([8], epochs=0, label_peak=None, random_state=0).fit(X, y)
    assert model.label_scale_ == 1.0
    assert model.unnormalized(X).mean() == pytest.approx(y.mean(), rel=0.2)
    assert MLPDensity([8], epochs=0, centre=False, random_state=0).fit(X, y).unnormalized(X).mean() > 0.2


def test_labels_that_vanish_in_float32_are_counted_and_reported() -> None:
    X, y = labelled(4)
    heard: list[str] = []

    class Listener:
        def start(self, label: str, total: int) -> int:
            return 0

        def advance(self, task: int, detail: str) -> None:
            """Nothing to draw."""

        def stop(self, task: int) -> None:
            """Nothing to draw."""

        def note(self, text: str) -> None:
            heard.append(text)

    tiny = y * 1e-60
    with listening(Listener()):
        lost = MLPDensity([8], epochs=3, label_peak=None, random_state=0).fit(X, tiny)
        kept = MLPDensity([8], epochs=3, random_state=0).fit(X, tiny)
    assert lost.fit_info_["labels_zero_in_float32"] == (y > 0).sum()
    assert kept.fit_info_["labels_zero_in_float32"] == 0
    assert len(heard) == 1
    assert "label_peak" in heard[0]
    # nothing was learned: the scores are those of the start
    start = MLPDensity([8], epochs=0, label_peak=None, random_state=0).fit(X, tiny)
    assert (lost.log_unnormalized(X) == start.log_unnormalized(X)).all()


def test_scores_far_below_the_smallest_float_still_have_logarithms() -> None:
    X, y = labelled(3)
    model = MLPDensity([4], epochs=0, label_peak=None, random_state=0).fit(X, y * 1e-250)
    assert np.isfinite(model.log_unnormalized(X)).all()
    assert model.log_unnormalized(X).max() < -500
    assert total_probability(model) == pytest.approx(1.0, abs=1e-9)


def test_beyond_twenty_variables_it_scores_but_refuses_probabilities_and_says_the_cost() -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (10, 784))
    model = MLPDensity([8], epochs=1, random_state=0).fit(X, rng.random(10))
    assert ((f := model.unnormalized(X)) > 0).all()
    assert (f < 1).all()
    for use in (lambda: model.log_prob(X), lambda: model.sample(1), lambda: model.network_.log_partition()):
        with pytest.raises(TooLargeError, match=r"2\^784 \(about 10\^236\)"):
            use()


def test_the_same_seed_gives_the_same_bits_and_touches_no_global_generator() -> None:
    torch_state, numpy_state = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    a, b, c = small(random_state=1), small(random_state=1), small(random_state=2)
    X = enumerate_rows(4)
    assert (a.log_prob(X) == b.log_prob(X)).all()
    assert (a.log_prob(X) != c.log_prob(X)).any()
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert (numpy_state == np.random.get_state()[1]).all()  # noqa: NPY002


def test_training_leaves_the_number_of_threads_as_it_was() -> None:
    before = torch.get_num_threads()
    small()
    assert torch.get_num_threads() == before


def test_a_saved_model_comes_back_bit_equal(tmp_path) -> None:
    model = small(5, hidden=[8, 4])
    model.save(tmp_path / "m.safetensors")
    loaded = MLPDensity.load(tmp_path / "m.safetensors")
    X = enumerate_rows(5)
    assert (loaded.log_prob(X) == model.log_prob(X)).all()
    assert (loaded.sample(9, rng=1) == model.sample(9, rng=1)).all()
    assert loaded.label_scale_ == model.label_scale_


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of cross_entropy, squared_error"),
        ({"hidden": "64"}, "hidden"),
        ({"hidden": [8, 0]}, "hidden"),
        ({"epochs": -1}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"label_peak": 1.5}, r"\(0, 1\]"),
        ({"label_peak": 0.0}, "label_peak"),
        ({"device": "abacus"}, "device"),
        ({"random_state": -1}, "seed"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        small(**settings)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, InputError, r"y is missing: pass the probability of each of the 4 rows"),
        ([0.1, 0.2], ShapeError, r"shape \(4,\).*its shape is \(2,\)"),
        ([0.1, 0.2, 0.3, 1.5], ValuesError, r"y\[3\] is 1.5"),
        ([0.1, 0.2, math.nan, 0.1], ValuesError, r"y\[2\] is nan"),
        (["a", "b", "c", "d"], ValuesError, "y must hold numbers"),
        ([0.0] * 4, ValuesError, "only zeros"),
        ([0.0, 0.0, 0.0, 5e-324], ValuesError, "too small"),
    ],
)
def test_labels_that_are_no_probabilities_are_refused(y, error, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        MLPDensity([4], epochs=1, random_state=0).fit(enumerate_rows(2), y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
@pytest.mark.parametrize("epochs", [1, 5])
def test_training_that_leaves_the_finite_numbers_says_so_and_what_to_do(loss: Any, epochs: int) -> None:
    X, y = labelled(4)
    with pytest.raises(TrainingError, match=r"lower the learning rate \(it is 1e\+30\)") as caught:
        MLPDensity([8, 8], learning_rate=1e30, epochs=epochs, loss=loss, random_state=0).fit(X, y)
    assert "\n" not in str(caught.value)


def test_hidden_sizes_may_come_as_an_array() -> None:
    X, y = labelled(3)
    models = [
        MLPDensity(hidden, epochs=2, random_state=0).fit(X, y)
        for hidden in (5, [5], np.array([5]), np.int64(5))
    ]
    assert all((m.log_prob(X) == models[0].log_prob(X)).all() for m in models)


def test_one_row_and_one_variable_are_enough() -> None:
    model = MLPDensity([4], epochs=2, random_state=0).fit([[1]], [1.0])
    assert total_probability(model) == pytest.approx(1.0, abs=1e-9)
    assert model.sample(3, rng=0).shape == (3, 1)
