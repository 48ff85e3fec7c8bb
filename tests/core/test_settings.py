import os
import platform
import subprocess
import sys

import pytest

import chainrule
from chainrule import settings
from chainrule.core import allocator
from chainrule.core.errors import InputError


def test_settings_are_a_name_of_the_package_and_begin_as_documented():
    assert "settings" in dir(chainrule)
    fresh = type(settings)()
    assert (fresh.verbose, fresh.threads, fresh.keep_freed_memory) == (None, None, False)


@pytest.mark.parametrize(
    ("value", "plain"), [("1", True), ("yes", True), ("0", False), ("", False), (None, False)]
)
def test_the_plain_path_begins_as_the_environment_says(monkeypatch, value, plain):
    monkeypatch.delenv("CHAINRULE_PLAIN", raising=False)
    if value is not None:
        monkeypatch.setenv("CHAINRULE_PLAIN", value)
    assert type(settings)().plain is plain


@pytest.mark.parametrize(
    "wrong",
    [{"plain": 1}, {"verbose": "yes"}, {"threads": 0}, {"threads": True}, {"threads": 1.5}, {"fast": True}],
)
def test_a_wrong_setting_is_refused_and_the_others_of_the_block_are_put_back(wrong):
    with pytest.raises(InputError, match="setting"), settings(**({"verbose": False} | wrong)):
        pass
    assert settings.verbose is None


def test_a_block_puts_back_what_was_set_before_it_also_after_an_error():
    with settings(threads=3):
        with pytest.raises(ZeroDivisionError), settings(threads=1, plain=True):
            raise ZeroDivisionError
        assert (settings.threads, settings.plain) == (3, False)
    assert settings.threads is None


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_memory_that_one_call_frees_is_at_hand_for_the_next_only_where_that_is_set():
    program = """
import resource
import numpy as np
from chainrule.core.settings import settings
settings.keep_freed_memory = %s
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(3_000_000, np.float32) for _ in range(8)]  # 92 MiB, none so large that it goes back
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    del arrays
print(faults < 2_000)  # of the 23,000 pages that they fill
"""
    for keep in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", program % keep],
            env={k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == [str(keep)]


def test_who_has_set_the_allocator_keeps_it_so(monkeypatch):
    monkeypatch.setattr(allocator.ctypes, "CDLL", pytest.fail)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    allocator.keep_freed_memory(True)
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_")
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=100000")
    allocator.keep_freed_memory(True)
