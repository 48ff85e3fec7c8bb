"""What the compiled loops owe to whoever runs them, beside the right numbers (see test_networks.py)."""

import signal

import numpy as np
import pytest

from chainrule.models.kernels.interrupts import interruptible
from chainrule.models.kernels.nade import nade_forward


def _interrupt(*_):
    raise KeyboardInterrupt


def test_ctrl_c_inside_a_kernel_is_a_keyboard_interrupt():
    d, h = 400, 300
    x = np.ones((64, d), np.uint8)
    arrays = [np.zeros((d, h)), np.zeros((d, h)), np.zeros(d), np.zeros(h)]
    nade_forward(x[:1], np.arange(d), *arrays)  # compile first

    def for_long():
        for _ in range(10_000):
            nade_forward(x, np.arange(d), *arrays)

    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    try:
        with pytest.raises(KeyboardInterrupt):
            for_long()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_other_system_errors_pass_unchanged():
    def broken():
        raise SystemError("other")

    with pytest.raises(SystemError, match="other"):
        interruptible(broken)()
