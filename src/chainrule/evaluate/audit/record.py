"""What an audit found of one law: how it was checked, the figure, the verdict.

A verdict is "pass" only where the law was checked and held, "fail" where it is broken, and "cannot tell" everywhere
else: nothing to check with, too much to check, refused.  An exact law is held to a tolerance that ``how`` states.  A
statistical one has a ``p_value``; all of an audit are corrected together by Holm's rule (1979), so that a right model
fails anywhere with at most the stated probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from chainrule.core.typed import Typed
from chainrule.evaluate.corrections import holm

__all__ = ["Finding", "Verdict", "decided", "unknown"]

Verdict = Literal["pass", "fail", "cannot tell"]


@dataclass(frozen=True)
class Finding(Typed):
    """One law of one model: ``figure`` says in words what was found, ``value`` its number where there is one.

    ``detail`` says where the law is broken, or why nobody can tell.  ``p_value`` is that of a statistical check before
    the correction for the number of checks.
    """

    law: str
    how: str
    figure: str
    verdict: Verdict
    detail: str = ""
    value: float | None = None
    p_value: float | None = None
    seconds: float = 0.0


def unknown(law: str, why: str, how: str = "not checked") -> Finding:
    """The finding that nobody can tell.

    >>> unknown("sampler", "it has none").verdict
    'cannot tell'
    """
    return Finding(law, how, "", "cannot tell", why)


def decided(findings: Sequence[Finding], false_alarm_rate: float) -> list[Finding]:
    """``findings`` whose statistical checks are judged together: those up to the rate after Holm's correction fail.

    >>> one = Finding("sampler", "", "", "pass", p_value=1e-6)
    >>> [f.verdict for f in decided([one, Finding("calls", "", "", "pass", p_value=0.3)], 1e-3)]
    ['fail', 'pass']
    """
    tested = [i for i, f in enumerate(findings) if f.p_value is not None]
    corrected = holm([findings[i].p_value or 0.0 for i in tested])
    out = list(findings)
    for i, p in zip(tested, corrected, strict=True):
        if p <= false_alarm_rate:
            out[i] = replace(out[i], verdict="fail")
    return out
