"""What counts as missing: one rule for every kind of table.

* ``None``, NaN, NA, NaT, a null of Arrow or polars and a masked cell are missing, whatever holds them.
* In arrays of numbers a cell is the code of a state, so −1, which is none, is missing too.  In a column that has a
  name, −1 is a value like any other, unless the schema was found in an array.
* A text file has no nulls, so some of its texts stand for them: those of ``MISSING_TEXTS``, or of the setting
  ``missing``.  In memory no text is missing unless ``missing`` says so.
* A state that somebody stated is a state: with ``schema={"country": ["DE", "NA"]}`` the text ``NA`` is Namibia.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_list
from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["MISSING", "MISSING_TEXTS", "checked_missing", "hole_patterns", "missing_in"]

MISSING = -1  # the code of a missing value; it is never an index
# Cells of a text file that mean "not known".  "None" is not among them: networks have states of that name.
MISSING_TEXTS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NaT", "NULL", "null", "<NA>")

Texts = tuple[str, ...]


def checked_missing(missing: Any) -> Mapping[str, Texts] | Texts | None:
    """The setting ``missing``: a list of texts, a dict of such lists by column, or ``None`` for the defaults.

    >>> checked_missing(["?"]), checked_missing({"country": [""]})
    (('?',), {'country': ('',)})
    """
    if missing is None:
        return None
    if isinstance(missing, Mapping):
        return {str(name): _texts(texts) for name, texts in missing.items()}
    return _texts(missing)


def missing_in(name: str, missing: Mapping[str, Texts] | Texts | None) -> Texts | None:
    """The texts that are missing in the column ``name`` by this setting; ``None`` where it says nothing."""
    return missing.get(name) if isinstance(missing, Mapping) else missing


def hole_patterns(missing: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """The different rows (P, d) of ``missing`` (n, d), and which of them each row is, (n,).

    >>> hole_patterns(np.array([[True, False], [False, False], [True, False]]))[1].tolist()
    [1, 0, 1]
    """
    packed = np.packbits(missing, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return missing[first], which.reshape(-1)


def _texts(texts: Any) -> Texts:
    found = tuple(as_list(texts, "missing", of="texts, or a dict of such lists by column"))
    if not all(isinstance(text, str) for text in found):
        raise InputError(f"missing must list texts, as in missing=['', '?']; got {as_written(texts)}")
    return found
