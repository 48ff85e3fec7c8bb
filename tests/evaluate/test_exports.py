"""What the room exports is there, is loaded late, and nothing public of its modules is left out."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from importlib import import_module

from chainrule import evaluate

OURS = ("cost", "cyclic", "draws", "enumeration", "factorization", "likelihood", "tables")


def test_every_public_function_and_class_of_a_module_is_exported_by_the_room() -> None:
    assert set(OURS) <= {module.name for module in pkgutil.iter_modules(evaluate.__path__)}
    for name in OURS:
        module = import_module(f"chainrule.evaluate.{name}")
        own = {n for n in module.__all__ if getattr(getattr(module, n), "__module__", "") == module.__name__}
        assert own <= set(evaluate.__all__)
        assert all(getattr(evaluate, n) is getattr(module, n) for n in own)


def test_importing_the_room_loads_none_of_what_it_may_need() -> None:
    check = "import sys, chainrule.evaluate; print({'torch', 'numba', 'scipy.stats'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
