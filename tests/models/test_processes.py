"""Networks in forked children, in pools, in workers of a DataLoader, in many threads: the numbers of one process."""

from tests.compiled.processes import run

# a child that hangs is ended by an alarm, and has another exit code
PROGRAM = """
import multiprocessing, os, signal, sys
import numpy as np
import chainrule as cr
x = np.random.default_rng(0).integers(0, 2, (300, 5), np.uint8)

def fit(seed=0):
    signal.alarm(100)
    return cr.NADE(hidden=3, epochs=2, random_state=seed).fit(x).log_prob(x)

def same(a, b):
    return bool((a == b).all())
"""


def test_a_child_that_is_forked_after_the_name_was_looked_up_fits():
    program = """
cr.NADE
pid = os.fork()
if pid == 0:
    os._exit(0 if np.isfinite(fit()).all() else 1)
print(os.waitpid(pid, 0)[1])
"""
    assert run(PROGRAM + program, timeout=400) == ["0"]


def test_a_pool_of_forked_processes_fits_after_its_parent_did():
    program = """
from concurrent.futures import ProcessPoolExecutor
here = [fit(seed) for seed in range(3)]
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
    print(all(map(same, pool.map(fit, range(3)), here)))
"""
    assert run(PROGRAM + program, timeout=400) == ["True"]


def test_joblib_and_the_workers_of_a_dataloader_ask_models_after_their_parent_did():
    program = """
import joblib, torch

class Rows(torch.utils.data.Dataset):
    def __init__(self, model):
        self.model = model
    def __len__(self):
        return len(x)
    def __getitem__(self, i):
        return self.model.log_prob(x[i : i + 1])[0]

for model in (cr.NADE(hidden=3, epochs=2, random_state=0).fit(x), cr.Independent().fit(x)):
    here, ask = model.log_prob(x), joblib.delayed(model.log_prob)
    for backend in ("multiprocessing", "loky"):
        there = joblib.Parallel(2, backend=backend)(ask(part) for part in (x[:150], x[150:]))
        print(same(np.concatenate(there), here))
    alone = np.array([model.log_prob(row)[0] for row in x[:, None]])
    fork = {"num_workers": 2, "multiprocessing_context": "fork", "timeout": 60}
    loader = torch.utils.data.DataLoader(Rows(model), 50, **fork)
    print(same(torch.cat(list(loader)).numpy(), alone))
"""
    assert run(PROGRAM + program, timeout=400) == ["True"] * 6


def test_one_thread_of_torch_stays_one_whatever_is_looked_up_and_fitted():
    program = """
import torch
before = torch.get_num_threads()
cr.NADE, cr.MADE
looked_up = torch.get_num_threads()
fit()
print(before, looked_up, torch.get_num_threads())
"""
    assert run(PROGRAM + program, timeout=400, OMP_NUM_THREADS=1) == ["1 1 1"]


def test_eight_threads_that_fit_score_and_sample_at_once_get_the_numbers_of_one():
    program = """
from concurrent.futures import ThreadPoolExecutor
models = {"nade": cr.NADE(3, epochs=2, random_state=0), "made": cr.MADE(4, epochs=2, random_state=0),
          "trees": cr.TreeNetwork(), "bayes": cr.BayesianNetwork("x1 -> x2 -> x3; x4; x5", pseudocount=1)}

def work(name):
    from sklearn.base import clone
    model = clone(models[name]).fit(x)
    return model.log_prob(x), model.sample(40, rng=1)

def asked(k):
    return shared["made"].log_prob(x), shared["made"].sample(40, rng=k % 2)

shared = {"made": cr.MADE(4, epochs=2, random_state=0).fit(x)}
names = list(models) * 4
alone = {name: work(name) for name in models}
answers = [asked(k) for k in range(2)]
with ThreadPoolExecutor(8) as pool:
    fitted, questions = pool.map(work, names), pool.map(asked, range(16))
    print(all((a == b).all() for name, found in zip(names, fitted) for a, b in zip(found, alone[name])))
    print(all((a == b).all() for k, found in enumerate(questions) for a, b in zip(found, answers[k % 2])))
"""
    assert run(PROGRAM + program, timeout=400, OMP_NUM_THREADS=1) == ["True", "True"]
