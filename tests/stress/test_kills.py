"""``kill -9`` in a few moments of each kind; ``make stress`` tries a thousand."""

import os
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_work_that_was_killed_comes_to_the_same_bits_and_leaves_nothing_half_written():
    command = [sys.executable, "-m", "tests.stress.kills", "--kills", "40", "--plain", "--seed", "1"]
    done = subprocess.run(command, env=os.environ | {"CHAINRULE_DATA": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "40 rounds" in done.stdout
