"""How fast NADE and MADE are here, as ratios within one run.  Nothing is asserted.

    python benchmarks/nade_made.py        # about a minute

Baselines: the textbook NADE, a torch loop over the variables written from the definition; three matrix
products of the step's size, the floor of a training step; and one full pass per variable for a sample.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from chainrule.core.records import machine_info
from chainrule.evaluate.textbook import sample_by_full_passes
from chainrule.models.networks.likelihood import bernoulli_terms
from chainrule.models.networks.made import MADENetwork
from chainrule.models.networks.masks import assign_degrees
from chainrule.models.networks.nade import NADENetwork

D, H, BATCH = 784, 300, 100


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Median wall-clock seconds after one call that is not counted."""
    call()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return median(times)


def plain_log_prob(net: NADENetwork, x: torch.Tensor) -> torch.Tensor:
    """NADE one variable at a time, as its definition reads."""
    a, logits = net.c.expand(len(x), -1), []
    for i in range(D):
        logits.append(torch.relu(a) @ net.V[i] + net.b[i])
        a = a + x[:, i, None] * net.W[i]
    return bernoulli_terms(x, torch.stack(logits, 1)).sum(1)


def main() -> None:
    """Measure, and print one table."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    x = torch.from_numpy((rng.random((BATCH, D)) < 0.13).astype(np.float32))
    nade = NADENetwork(D, H, np.arange(D), generator=generator, mean_ones=0.13)
    made = MADENetwork(np.arange(D), assign_degrees(D, [H]), generator=generator, mean_ones=0.13)
    a, b = torch.randn(BATCH, D), torch.randn(D, H)
    u1, u100 = rng.random((1, D)), rng.random((100, D))

    step = seconds(lambda: nade.log_prob(x).sum().backward(), 20)
    plain = seconds(lambda: plain_log_prob(nade, x).sum().backward(), 3)
    floor = 3 * seconds(lambda: a @ b, 50)
    print(f"{machine_info()['cpu']}, {torch.get_num_threads()} threads; D = {D}, h = {H}, batch = {BATCH}\n")
    print(f"NADE step            {1e3 * step:8.2f} ms   {plain / step:6.1f} times as fast as the plain loop")
    print(f"                                   {floor / step:6.1%} of the speed of 3 matrix products")
    print(f"MADE step            {1e3 * seconds(lambda: made.log_prob(x).sum().backward(), 20):8.2f} ms")
    for name, net in (("NADE", nade), ("MADE", made)):
        for n, u in ((1, u1), (100, u100)):
            free = np.full(u.shape, np.nan)
            quick = seconds(lambda net=net, u=u, free=free: net.sample(u, free), 10)
            slow = seconds(lambda net=net, u=u: sample_by_full_passes(net, u), 1)
            print(
                f"{name} sample, {n:3d} rows {1e3 * quick:8.2f} ms   {slow / quick:6.0f} times as fast as full passes"
            )


if __name__ == "__main__":
    main()
