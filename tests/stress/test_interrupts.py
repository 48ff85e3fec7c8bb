"""Ctrl-C and SIGTERM in a few moments of each command; ``python -m tests.stress.interrupts`` tries more."""

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_a_command_that_is_stopped_says_so_and_leaves_nothing_half_written():
    command = [sys.executable, "-m", "tests.stress.interrupts", "--moments", "2"]
    known = os.environ | {"CHAINRULE_PLAIN": "1", "CHAINRULE_DATA": ""}
    done = subprocess.run(command, env=known, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
