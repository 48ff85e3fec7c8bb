"""Programs that are run in a process of their own."""

import os
import subprocess
import sys


def run(program, timeout=120, **environment):
    """What ``program`` prints; its exit code must be 0."""
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    env |= {k: str(v) for k, v in environment.items() if v is not None}
    for k, v in environment.items():
        if v is None:
            env.pop(k, None)
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
