"""A model, or the file that holds one."""

from __future__ import annotations

import os
from typing import Any

from chainrule.core.contract import load_model
from chainrule.core.errors import InputError
from chainrule.models.contract import DiscreteModel

__all__ = ["ModelOrPath", "loaded"]

ModelOrPath = DiscreteModel | str | os.PathLike[str]


def loaded(model: Any) -> DiscreteModel:
    """``model``, or the one in the file of this path; ``InputError`` where that is no model of tables."""
    found = load_model(os.fspath(model)) if isinstance(model, (str, os.PathLike)) else model
    if not isinstance(found, DiscreteModel):
        raise InputError(
            f"expected a fitted model of tables, or the path of one; got a {type(found).__name__}; fit one with "
            "chainrule.fit"
        )
    return found
