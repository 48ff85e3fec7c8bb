"""What the user may set for the whole process: the plain path, what is heard, threads, memory.

    import chainrule as cr

    cr.settings.verbose = False  # from now on
    with cr.settings(plain=True):  # within the block
        model.log_prob(x)

No other library's settings change with these, and nothing here is part of a model or of its numbers: results
are the same up to rounding whatever is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.core.allocator import keep_freed_memory
from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["Settings", "settings"]


class Settings:
    """Settings of this process, shared by its threads; each is checked when it is set (``InputError``).

    ``plain``    True: no compiled loops anywhere, only the code that is written from the definition.  It begins
                 as the environment variable ``CHAINRULE_PLAIN`` says (1 or 0), else False.
    ``verbose``  None: work of more than two seconds says on standard error how far it is, where that is a terminal
                 or a notebook.  True: everywhere; False: nowhere.
    ``threads``  None: the compiled loops use as many threads as torch does where it is loaded, else one for each
                 core or what ``OMP_NUM_THREADS`` says.  A number is the most that they use.
    ``keep_freed_memory``  True: glibc keeps up to 256 MiB of what is freed instead of giving it back to the system,
                 which spares large networks the time of zeroing the pages again.  False: glibc's own thresholds.

    >>> Settings().threads is None
    True
    >>> Settings().threads = 0
    Traceback (most recent call last):
    chainrule.core.errors.InputError: settings.threads must be None or an integer of at least 1; got 0
    """

    plain: bool
    verbose: bool | None
    threads: int | None
    keep_freed_memory: bool

    def __init__(self) -> None:
        start = {"plain": _from_environment("CHAINRULE_PLAIN"), "verbose": None, "threads": None}
        self.__dict__.update(start, keep_freed_memory=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__dict__:
            raise InputError(f"there is no setting {name!r}; the settings are {', '.join(self.__dict__)}")
        if name == "threads":
            good = value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)
            expected = "None or an integer of at least 1"
        elif name == "verbose":
            good, expected = value is None or isinstance(value, bool), "None, True or False"
        else:
            good, expected = isinstance(value, bool), "True or False"
        if not good:
            raise InputError(f"settings.{name} must be {expected}; got {as_written(value)}")
        if name == "keep_freed_memory" and value != self.keep_freed_memory:
            keep_freed_memory(bool(value))
        self.__dict__[name] = value

    @contextmanager
    def __call__(self, **changes: Any) -> Iterator[Settings]:
        """Change settings for the block, in all threads; afterwards they are what they were.

        >>> with settings(threads=1):
        ...     settings.threads
        1
        """
        before = dict(self.__dict__)
        try:
            for name, value in changes.items():
                setattr(self, name, value)
            yield self
        finally:
            for name in changes:
                if name in before:
                    setattr(self, name, before[name])

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{k}={v!r}' for k, v in self.__dict__.items())})"


def _from_environment(name: str) -> bool:
    """Whether the variable is set to anything but 0, no, false or nothing."""
    return os.environ.get(name, "").strip().lower() not in ("", "0", "no", "false")


settings = Settings()
