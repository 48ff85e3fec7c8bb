"""do(x = v): x is set from outside and no longer listens to its parents (Pearl 1995, truncated factorisation),

    p(rest | do(x = v)) = ∏ over all other variables of p(x_i | parents), at x = v.

That is a statement about the world only where the arrows are: rows alone cannot tell a -> b from b -> a.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.core.progress import note
from chainrule.tables.schema import Schema

__all__ = ["LEARNED", "actions", "done_info"]

LEARNED = (
    "the arrows of this graph were learned from rows: they say how the joint is written, not what causes what; "
    "for effects that you can stand for, state it, as in BayesianNetwork('a -> b') or --model bayesnet --dag 'a -> b'"
)


def actions(schema: Schema, states: Mapping[str, Any]) -> dict[int, int]:
    """The place of each variable that is set, and the code of its state; raises ``UnknownNameError``.

    >>> actions(Schema.of({"rain": ["no", "yes"], "wet": 2}), {"wet": 0})
    {1: 0}
    """
    codes = schema.known(states)
    return {int(i): int(codes[i]) for i in np.flatnonzero(codes >= 0)}


def done_info(fit_info: Mapping[str, Any], schema: Schema, done: Mapping[int, int]) -> dict[str, Any]:
    """What a fit tells, with all that was ever set under "do"; says so where the graph was learned."""
    if fit_info.get("graph") == "learned":
        note(LEARNED)
    told = {schema.names[i]: schema.variables[i].states[code] for i, code in done.items()}
    return {**fit_info, "do": {**fit_info.get("do", {}), **told}}
