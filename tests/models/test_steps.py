"""Steps of training: the compiled ones have the numbers of autograd and of torch's AdamW."""

import numpy as np
import pytest
import torch

from chainrule.models import NADE
from chainrule.models.shared import steps as steps_module
from chainrule.models.shared.adamw import AdamW
from chainrule.models.shared.checkpoint import fingerprint
from chainrule.models.shared.steps import (
    NEGATIVE_LOG_LIKELIHOOD,
    AutogradSteps,
    CompiledSteps,
    Data,
    steps_for,
)
from tests.models.nades import (
    DTYPES,
    TOLERANCE,
    distance,
    in_double,
    random_nade,
    rows_of_codes,
    torch_threads,
)

SIZES = [(2,) * 9, (3, 2, 5, 1, 4)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [3, 70_000])  # with many parameters the loop takes threads
def test_adamw_is_that_of_torch(size, dtype):
    g = torch.Generator().manual_seed(0)
    ours = [torch.randn(s, generator=g).to(dtype) for s in ((size, 2), (7,), (0,))]
    theirs = [torch.nn.Parameter(p.clone()) for p in ours]
    decay = [0.3, 0.0, 0.0]
    groups = [{"params": [p], "weight_decay": w} for p, w in zip(theirs, decay, strict=True)]
    expected, optimizer = torch.optim.AdamW(groups, lr=1.0), AdamW(ours, decay)
    with torch_threads(2):
        for k in range(6):
            for p in theirs:
                p.grad = torch.randn(p.shape, generator=g).to(dtype) * 10.0 ** (k - 3)
            for group in expected.param_groups:
                group["lr"] = 0.1 / (k + 1)
            expected.step()
            optimizer.step([p.grad.numpy() for p in theirs], 0.1 / (k + 1))
    for p, q in zip(ours, theirs, strict=True):
        assert distance(p, q.detach()) <= TOLERANCE[dtype]
    assert set(optimizer.state()) == {"step"} | {
        f"{i}.{m}" for i in range(3) for m in ("exp_avg", "exp_avg_sq")
    }


def _both(sizes, weights=None, dtype=torch.float64):
    """The two kinds of steps on networks that begin alike, and their data."""
    net, rng = random_nade(sizes, 11, 0, "relu", dtype)
    rows = rows_of_codes(rng, 120, sizes).numpy().astype(np.uint8)
    data = Data.of(rows, None if weights is None else rng.integers(0, 4, 120).astype(float))
    other = in_double(net).to(dtype)
    gradient_loop = net.gradient_loop()
    assert gradient_loop is not None
    return (
        (net, CompiledSteps(net, gradient_loop, data, 0.1)),
        (other, AutogradSteps(other, data, NEGATIVE_LOG_LIKELIHOOD, 0.1)),
        len(data),
    )


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("weights", [None, "some"])
def test_compiled_steps_have_the_numbers_of_autograd(sizes, weights):
    (net, compiled), (other, plain), n = _both(sizes, weights)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(1))
    for k, chosen in enumerate((*order.split(40), *order.split(33))):
        for steps in (compiled, plain):
            steps.step(chosen, 1e-2 / (k + 1))
    assert compiled.take_total() == pytest.approx(
        plain.take_total(), rel=1e-6
    )  # shares are kept in float32 by torch
    assert compiled.take_total() == plain.take_total() == 0.0
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert distance(p.detach(), q.detach()) <= (1e-9 if weights is None else 1e-5)


@pytest.mark.parametrize("sizes", SIZES)
def test_either_kind_goes_on_from_the_state_of_the_other(sizes):
    (net, compiled), (other, plain), n = _both(sizes)
    batches = torch.arange(n).split(40)
    for first, second, network in ((compiled, plain, other), (plain, compiled, net)):
        first.step(batches[0], 1e-2)
        second.set_state({k: v.clone() for k, v in first.state().items()})
        network.load_state_dict((other if network is net else net).state_dict())
        for steps in (first, second):
            steps.step(batches[1], 1e-2)
        for p, q in zip(net.parameters(), other.parameters(), strict=True):
            assert distance(p.detach(), q.detach()) <= 1e-9


@pytest.mark.parametrize("sizes", SIZES)
def test_a_fit_on_the_plain_path_is_the_same_fit(sizes, monkeypatch):
    rows = rows_of_codes(np.random.default_rng(0), 300, sizes).numpy()
    settings = {"hidden": 6, "epochs": 3, "batch_size": 50, "random_state": 0}
    fast = NADE(**settings).fit(rows)
    monkeypatch.setattr(steps_module, "has_loops", lambda p: False)
    plain = NADE(**settings).fit(rows)
    # float32: after 18 steps, parameters differ by some 1e-6
    np.testing.assert_allclose(fast.fit_info_["train_nll_nats"], plain.fit_info_["train_nll_nats"], rtol=1e-5)
    np.testing.assert_allclose(fast.log_prob(rows), plain.log_prob(rows), rtol=1e-3)


def test_the_way_is_chosen_by_what_the_network_can():
    net, rng = random_nade(4, 3, 0, dtype=torch.float32)
    data = Data.of(rows_of_codes(rng, 10, (2,) * 4).numpy())
    assert isinstance(steps_for(net, data, NEGATIVE_LOG_LIKELIHOOD, 0.0), CompiledSteps)
    half = in_double(net).to(torch.bfloat16)
    assert isinstance(steps_for(half, data, NEGATIVE_LOG_LIKELIHOOD, 0.0), AutogradSteps)
    net.c.requires_grad_(False)
    assert isinstance(steps_for(net, data, NEGATIVE_LOG_LIKELIHOOD, 0.0), AutogradSteps)


def test_a_fingerprint_knows_every_attribute_and_every_parameter():
    net, _ = random_nade((3, 2), 4)
    seen = {fingerprint(net)}
    net.activation = "sigmoid"
    seen.add(fingerprint(net))
    net.something_new = 3
    seen.add(fingerprint(net))
    net.something_new = np.float32(3)
    seen.add(fingerprint(net))
    with torch.no_grad():
        net.c[0] += 1e-9
    seen.add(fingerprint(net))
    net.ordering += 0
    assert fingerprint(net) in seen
    net.ordering[0], net.ordering[1] = int(net.ordering[1]), int(net.ordering[0])
    seen.add(fingerprint(net))
    assert len(seen) == 6
    assert fingerprint([[1], [2]]) != fingerprint([[1, 2]])
    assert fingerprint(["a", "b"]) != fingerprint(["ab"])
