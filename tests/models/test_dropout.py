"""Dropout: what a step leaves out, that its gradient is that of what is left, and that no answer knows it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chainrule.core.errors import InputError
from chainrule.core.progress import listening
from chainrule.models import MADE, NADE
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.dropout import Dropout
from chainrule.models.shared.likelihood import categorical_terms
from chainrule.models.shared.training import decay_in_epochs
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table
from tests.models.stopping import StopAfter

SIZES = [(2,) * 6, (3, 2, 4, 1)]
KINDS = [NADE, MADE]


def _rows(sizes, n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, k, n) for k in sizes], axis=1).astype(np.uint8)


def _network(kind, sizes, dropout, **settings):
    """A network in float64 with weights of some size, and rows."""
    rows = _rows(sizes)
    net = (
        kind(**{"hidden": 7, "ordering": "random", "epochs": 1, "random_state": 0} | settings)
        .fit(Table(Schema.of_sizes(sizes), rows))
        .network_
    )
    net = net.double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.5 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    net.dropout = dropout
    return net, rows


def test_scales_keep_the_expectation_and_follow_from_seed_step_and_layer_alone():
    dropout = Dropout(0.2, 0.6, seed=4)
    inputs = dropout.input_scales(0, (400, 500), torch.float64)
    assert inputs.unique().tolist() == [0.0, 1.25]
    assert float(inputs.mean()) == pytest.approx(1.0, abs=0.01)  # 20 standard errors
    hidden = [
        dropout.hidden_scales(step, (50,), torch.float32, layer) for step, layer in ((3, 0), (3, 1), (4, 0))
    ]
    assert torch.equal(hidden[0], Dropout(0.0, 0.6, seed=4).hidden_scales(3, (50,), torch.float32))
    assert len({tuple(h.tolist()) for h in hidden}) == 3
    assert not torch.equal(hidden[0], Dropout(0.2, 0.6, seed=5).hidden_scales(3, (50,), torch.float32))


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_step_of_nade_is_that_of_a_network_whose_weights_are_scaled(sizes, activation):
    net, rows = _network(NADE, sizes, Dropout(0.3, 0.5, seed=9), activation=activation)
    coding, x = Coding(sizes), torch.from_numpy(rows)
    inputs = net.dropout.input_scales(5, (len(sizes), 1), torch.float64)[coding.owner]
    units = net.dropout.hidden_scales(5, (7,), torch.float64)
    thin, _ = _network(NADE, sizes, None, activation=activation)
    with torch.no_grad():
        thin.W *= inputs
        thin.V *= units
    torch.testing.assert_close(net.log_prob_in_step(x, 5), thin.log_prob(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("hidden", [7, [7, 6]])
@pytest.mark.parametrize("direct", [True, False])
def test_a_step_of_made_is_the_masked_network_without_some_units_and_inputs_of_each_row(
    sizes, hidden, direct
):
    net, rows = _network(MADE, sizes, Dropout(0.3, 0.5, seed=9), hidden=hidden, direct=direct)
    coding, x, n = Coding(sizes), torch.from_numpy(rows), len(rows)
    by_place = net.dropout.input_scales(5, (n, len(sizes)), torch.float64)
    place = net.factorization.place[coding.owner]
    h = read = torch.from_numpy(coding.indicators(rows)).double() * by_place[:, place]
    masked = [w * m for w, m in zip(net.weights, net.masks, strict=True)]
    last = len(net.degrees)
    for layer in range(last):
        scales = net.dropout.hidden_scales(5, (n, len(net.degrees[layer])), torch.float64, layer)
        at = np.argsort(net.arrangement[layer + 1])  # scales are of units by degree
        h = torch.relu(h @ masked[layer].T + net.biases[layer]) * scales[:, at]
    logits = h @ masked[last].T + net.biases[last] + (read @ masked[last + 1].T if direct else 0.0)
    expected = categorical_terms(x.long(), logits, coding).sum(1)
    torch.testing.assert_close(net.log_prob_in_step(x, 5), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("rates", [(0.3, 0.5), (0.0, 0.5), (0.3, 0.0)])
def test_the_loops_have_the_gradient_of_the_step(kind, sizes, rates):
    net, rows = _network(kind, sizes, Dropout(*rates, seed=2))
    weights = np.random.default_rng(3).normal(size=len(rows))
    for step in (0, 7):
        log_p, found = net.gradient_loop()(rows, weights, step)
        exact = net.log_prob_in_step(torch.from_numpy(rows), step)
        np.testing.assert_allclose(log_p, exact.detach().numpy(), rtol=1e-10)
        net.zero_grad()
        (exact @ torch.from_numpy(weights)).backward()
        for g, p in zip(found, net.parameters(), strict=True):
            np.testing.assert_allclose(g, p.grad.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_knows_of_dropout(kind):
    net, rows = _network(kind, SIZES[1], None)
    before = net.log_prob(torch.from_numpy(rows))
    net.dropout = Dropout(0.5, 0.5, seed=1)
    assert torch.equal(net.log_prob(torch.from_numpy(rows)), before)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_with_dropout_goes_on_from_a_checkpoint_and_ends_bit_equal(kind, tmp_path):
    rows = _rows(SIZES[1], 200)
    settings = {
        "hidden": 8,
        "epochs": 5,
        "batch_size": 50,
        "random_state": 3,
        "dropout": 0.4,
        "input_dropout": 0.2,
    }
    whole = kind(**settings).fit(rows, valid=rows[:50])
    path = str(tmp_path / "state")

    with pytest.raises(KeyboardInterrupt), listening(StopAfter(2)):
        kind(**settings, run_dir=path).fit(rows, valid=rows[:50])
    resumed = kind(**settings, run_dir=path).fit(rows, valid=rows[:50])
    assert resumed.fit_info_["resumed_from_epoch"] == 2
    np.testing.assert_array_equal(resumed.log_prob(rows), whole.log_prob(rows))
    assert not np.array_equal(
        kind(**settings | {"dropout": 0.0}).fit(rows).log_prob(rows), whole.log_prob(rows)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["dropout", "input_dropout"])
@pytest.mark.parametrize("value", [1.0, -0.1, "half", float("nan")])
def test_a_rate_that_is_no_share_is_named(kind, name, value):
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        kind(hidden=3, epochs=1, **{name: value}).fit(_rows(SIZES[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_decay_in_epochs_is_the_weight_decay_of_so_many_steps(kind):
    rows = _rows(SIZES[0], 130)
    settings = {"hidden": 4, "epochs": 3, "batch_size": 50, "learning_rate": 0.01, "random_state": 0}
    one = kind(**settings, decay_epochs=2.0).fit(rows)
    two = kind(**settings, weight_decay=decay_in_epochs(2.0, 0.01, 130 / 50)).fit(rows)
    np.testing.assert_array_equal(one.log_prob(rows), two.log_prob(rows))


def test_weights_without_a_gradient_fall_by_a_factor_e_in_the_epochs_of_their_decay():
    steps_an_epoch, epochs, rate = 250, 4.0, 1e-3
    decay = decay_in_epochs(epochs, rate, steps_an_epoch)
    assert (1 - rate * decay) ** (steps_an_epoch * epochs) == pytest.approx(np.exp(-1), rel=1e-3)
    assert decay_in_epochs(1.0, rate, 0.2) == decay_in_epochs(1.0, rate, 1.0)  # an epoch is one step at least


@pytest.mark.parametrize("value", [0.0, -1, "many"])
def test_a_decay_that_is_no_number_of_epochs_is_named(value):
    with pytest.raises(InputError, match="decay_epochs"):
        NADE(3, epochs=1, decay_epochs=value).fit(_rows(SIZES[0]))
