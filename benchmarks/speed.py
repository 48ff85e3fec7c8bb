"""The fast loops against the plain programs and against what matrix multiplication would take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.peak import PEAK_FLOP, multiply_and_add
from benchmarks.plain import MaskedMADE, compiled_step, nade_log_prob, nade_sample, train_step
from benchmarks.showing import Benchmark, Options, amount, duration
from benchmarks.timing import Spread, alternate, ratio
from chainrule.core.errors import ChainruleError
from chainrule.datasets import load
from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.models.made.masks import assign_degrees
from chainrule.models.made.network import MADENetwork
from chainrule.models.nade.network import NADENetwork

__all__ = ["SPEED", "Row", "binary_rows", "speed"]

D, H = 784, 500


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the ratio, and the seconds behind it."""

    name: str
    ratio: Spread
    seconds: float
    baseline_seconds: float

    def cells(self) -> list[str]:
        """By column of the table."""
        r = self.ratio
        quartiles = f"{amount(r.low)} to {amount(r.high)}"
        return [
            self.name, amount(r.median), quartiles, duration(self.seconds), duration(self.baseline_seconds)
        ]  # fmt: skip


def binary_rows(n: int, d: int = D) -> np.ndarray:
    """Rows of static binarized MNIST where it is at hand, else as sparse ones without structure."""
    if d == D:  # the size of these images
        try:
            return np.ascontiguousarray(load("binarized-mnist").test[:n])
        except ChainruleError:
            pass  # without the data, noise of the same density
    return (np.random.default_rng(0).random((n, d)) < 0.13).astype(np.uint8)


def nade(h: int = H, d: int = D) -> NADENetwork:
    """A fresh NADE, with the biases that training begins with: as many ones as in the data."""
    net = NADENetwork(d, h, np.arange(d), generator=torch.Generator().manual_seed(0), mean_ones=0.13)
    _set_bias(net.b, d)
    return net


def made(h: int = H, d: int = D) -> MADENetwork:
    """A fresh MADE with one hidden layer, likewise."""
    net = MADENetwork(
        np.arange(d), assign_degrees(d, [h]), generator=torch.Generator().manual_seed(0), mean_ones=0.13
    )
    _set_bias(net.biases[-1], d)
    return net


@torch.no_grad()
def _set_bias(bias: torch.Tensor, d: int) -> None:
    rows = binary_rows(2000, d)
    means = (rows.sum(0) + 0.5) / (len(rows) + 1)
    bias.copy_(torch.from_numpy(np.log(means) - np.log1p(-means)))


def loss_and_gradient(net: NADENetwork, log_prob: Callable[[], torch.Tensor]) -> Callable[[], None]:
    """The step without the optimiser, which is the same for all."""

    def step() -> None:
        net.zero_grad(set_to_none=True)
        (-log_prob().mean()).backward()

    return step


def speed(options: Options) -> Iterator[Row]:
    """Every line of the table, one after the other."""
    rounds, fewer = (5, 3) if options.quick else (15, 7)
    yield from _nade_training(rounds)
    yield from _nade_steps(rounds)
    yield from _nade_sampling(fewer)
    yield from _made_sampling(fewer)
    yield from _made_training(rounds)


def _nade_training(rounds: int) -> Iterator[Row]:
    net, n = nade(), 512
    x = torch.from_numpy(binary_rows(n))
    floats = x.float()
    a, b = torch.randn(n, D), torch.randn(D, H)

    @torch.no_grad()
    def likelihood() -> None:
        net.log_prob(x)

    times = alternate(
        {
            "step": loss_and_gradient(net, lambda: net.log_prob(x)),
            "product": lambda: a @ b,
            "likelihood": likelihood,
            "peak": multiply_and_add,
        },
        3 * rounds,
    )
    slow = alternate(
        {
            "step": loss_and_gradient(net, lambda: net.log_prob(x)),
            "plain": loss_and_gradient(net, lambda: nade_log_prob(net, floats)),
        },
        max(3, rounds // 3),
    )
    yield _row("NADE step, 512 rows: times as fast as the plain loop", slow["plain"], slow["step"])
    yield _row(
        "NADE step, 512 rows: share of the speed of 3 matrix products", times["product"], times["step"], 3
    )
    yield _row(
        "NADE likelihood, 512 rows: share of the speed of 1 matrix product",
        times["product"],
        times["likelihood"],
    )
    # torch's product is far from the peak on some processors, so the peak is measured as well
    flop, peak_flop = 2 * n * D * H, PEAK_FLOP * torch.get_num_threads()
    for name, factor in (("step", 3), ("likelihood", 1), ("product", 1)):
        who = "one matrix product of torch" if name == "product" else f"NADE {name}"
        yield _row(
            f"{who}, 512 rows: share of the peak of multiplying and adding",
            times["peak"],
            times[name],
            factor * flop / peak_flop,
        )


def _nade_steps(rounds: int) -> Iterator[Row]:
    small, images = torch.from_numpy(binary_rows(100, 16)), torch.from_numpy(binary_rows(512))
    for name, x, d in (("16 variables, 100 rows", small, 16), ("784 variables, 512 rows", images, D)):
        h = 300 if d == 16 else H
        times = alternate(
            {"ours": compiled_step(nade(h, d), x), "autograd": train_step(nade(h, d), x)}, rounds
        )
        yield _row(f"NADE step, {name}: times as fast as by autograd", times["autograd"], times["ours"])
    rng, columns, states = np.random.default_rng(0), 50, 10
    codes = torch.from_numpy(rng.integers(0, states, (512, columns)).astype(np.uint8))
    order = np.arange(columns)
    many = NADENetwork(
        [states] * columns, H, order, generator=torch.Generator().manual_seed(0), mean_ones=0.1
    )
    width = columns * states
    binary = torch.from_numpy((rng.random((512, width)) < 1 / states).astype(np.uint8))
    times = alternate(
        {"many": compiled_step(many, codes), "binary": compiled_step(nade(H, width), binary)}, rounds
    )
    yield _row(
        "NADE step, 50 columns of 10 states: times as fast as 500 binary ones", times["binary"], times["many"]
    )


def _nade_sampling(rounds: int) -> Iterator[Row]:
    net = nade()
    for n in (1, 1024, 10_000):
        u = np.random.default_rng(0).random((n, D))
        as_tensor = torch.from_numpy(u)
        times = alternate(
            {"ours": lambda u=u: net.sample(u), "plain": lambda u=as_tensor: nade_sample(net, u)}, rounds
        )
        yield _row(
            f"NADE sampling, {n:,} rows: times as fast as the plain loop", times["plain"], times["ours"]
        )


def _made_sampling(rounds: int) -> Iterator[Row]:
    net = made()
    weights = [(w * m).detach() for w, m in zip(net.weights, net.masks, strict=True)]
    for n in (64, 1024):
        u = np.random.default_rng(0).random((n, D))
        x = torch.from_numpy(binary_rows(n)).float()

        @torch.no_grad()
        def dense_pass(x: torch.Tensor = x) -> None:
            hidden = torch.relu(torch.addmm(net.biases[0], x, weights[0].T))
            torch.sigmoid(torch.addmm(net.biases[1], hidden, weights[1].T))

        times = alternate({"ours": lambda u=u: net.sample(u), "pass": dense_pass}, 5 * rounds)
        slow = alternate(
            {"ours": lambda u=u: net.sample(u), "all": lambda u=u: sample_by_full_passes(net, u)}, 3
        )
        yield _row(f"MADE sampling, {n:,} rows: times as fast as {D} full passes", slow["all"], slow["ours"])
        yield _row(
            f"MADE sampling, {n:,} rows: in dense forward passes, end to end", times["ours"], times["pass"]
        )


def _made_training(rounds: int) -> Iterator[Row]:
    for h in (500, 2000, 8000):
        for n in (100, 512):
            x = torch.from_numpy(binary_rows(n))
            plain = MaskedMADE(np.arange(D), assign_degrees(D, [h]))
            times = alternate({"ours": train_step(made(h), x), "plain": train_step(plain, x.float())}, rounds)
            yield _row(
                f"MADE step, {h:,} units, {n} rows: times as fast as with masks",
                times["plain"],
                times["ours"],
            )


def _row(name: str, above: list[float], below: list[float], factor: float = 1.0) -> Row:
    """``above / below``: how many times as fast ``below`` is; for passes, how many of them fit."""
    return Row(name, ratio(above, below, factor), float(np.median(below)), float(np.median(above)))


SPEED = Benchmark(
    "speed",
    "the networks' loops against the plain programs and the floor, some minutes",
    ("measure", "median", "quartiles", "time here", "of the baseline"),
    speed,
)
