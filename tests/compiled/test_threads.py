"""The threads of the loops are started late, alter nothing of torch's, and come back in a forked child."""

import pytest

from tests.compiled.processes import run

LOOPS = """
import os, sys
import numpy as np
threads = lambda: len(os.listdir("/proc/self/task"))
from chainrule.compiled.bernoulli import bernoulli_log_prob
from chainrule.compiled.calls import has_loops, use_threads
call = lambda: bernoulli_log_prob(np.ones((300, 5)), np.zeros((300, 5)), use_threads())[0].sum().round(3)
"""


def test_importing_the_loops_and_the_models_starts_no_thread_and_imports_no_torch_by_itself():
    assert run(
        "import os\n"
        "os.environ['OPENBLAS_NUM_THREADS'] = '1'  # numpy's own threads are not what is asked\n"
        + LOOPS
        + "print('torch' in sys.modules, threads())\n"
        "import chainrule.models.nade, chainrule.models.made\nprint(threads())"
    ) == ["False 1", "1"]


@pytest.mark.parametrize("omp", [None, 1, 2])
def test_torch_has_as_many_threads_after_the_loops_as_before(omp):
    program = (
        "import torch\nbefore = torch.get_num_threads()\n"
        + LOOPS
        + "call()\nprint(before, torch.get_num_threads(), use_threads())"
    )
    (line,) = run(program, OMP_NUM_THREADS=omp)
    before, after, ours = line.split()
    assert before == after == ours
    assert omp is None or int(before) == omp


@pytest.mark.parametrize(("omp", "most"), [(1, 1), (2, 2)])
def test_without_torch_the_loops_follow_the_variable(omp, most):
    program = LOOPS + "import numba\ncall()\nprint(use_threads() == min(%d, numba.config.NUMBA_NUM_THREADS))"
    assert run(program % most, OMP_NUM_THREADS=omp) == ["True"]


@pytest.mark.parametrize(("end", "threads"), [("omp_pause_resource_all", "2"), ("of no library", "1")])
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_in_a_forked_child_torch_and_the_loops_work_with_all_threads_that_can_be_ended(end, threads, layer):
    program = (
        "import torch\n"
        + LOOPS
        + f"""
import chainrule.compiled.threads
chainrule.compiled.threads._END = {end!r}
"""
        + """
call()
torch.ones(1_000_000).mul(2).sum()  # large enough for all threads of torch
pid = os.fork()
if pid == 0:
    import signal
    signal.alarm(20)  # a child that hangs ends by this, with another code
    print(torch.ones(1_000_000).mul(2).sum().item(), has_loops(torch.ones(3)), use_threads(), call())
    sys.stdout.flush()
    os._exit(0)
print(os.waitpid(pid, 0)[1], call())  # the parent goes on
"""
    )
    found = run(program, OMP_NUM_THREADS=2, NUMBA_NUM_THREADS=2, NUMBA_THREADING_LAYER=layer)
    assert found == [f"2000000.0 True {threads} -1039.721", "0 -1039.721"]


def test_a_child_that_was_forked_before_any_loop_runs_them():
    program = (
        "import torch\n"
        + LOOPS
        + """
pid = os.fork()
if pid == 0:
    import signal
    signal.alarm(100)
    print(call(), flush=True)
    os._exit(0)
print(os.waitpid(pid, 0)[1])
"""
    )
    assert run(program) == ["-1039.721", "0"]


def test_a_nade_fitted_before_a_fork_is_fitted_again_in_the_child():
    program = """
import multiprocessing
import numpy as np
import chainrule as cr
x = np.random.default_rng(0).integers(0, 2, (40000, 3), np.uint8)
fit = lambda: cr.NADE(hidden=2, epochs=1, batch_size=20000, random_state=0).fit(x).score(x[:50])
here = fit()
p = multiprocessing.get_context("fork").Process(target=lambda: print(fit() == here))
p.start()
p.join(60)  # a child that hangs has no exit code
print(p.exitcode)
p.kill()
"""
    assert run(program, timeout=400) == ["True", "0"]  # compiling NADE's loops takes a busy machine minutes
