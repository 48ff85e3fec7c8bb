"""All laws of an audit, in the order in which they build on each other, and the run through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from chainrule.core.errors import InputError, ShapeError, TooLargeError
from chainrule.core.progress import track
from chainrule.core.time_limit import OutOfTimeError
from chainrule.evaluate.audit.averages import law_of_averages
from chainrule.evaluate.audit.calls import law_of_calls
from chainrule.evaluate.audit.factors import law_of_conditionals, law_of_factorisation
from chainrule.evaluate.audit.held_out import law_of_duplicates, law_of_truth
from chainrule.evaluate.audit.holes import law_of_holes
from chainrule.evaluate.audit.independence import law_of_independence
from chainrule.evaluate.audit.inquiry import Inquiry
from chainrule.evaluate.audit.mass import law_of_factors_mass, law_of_mass
from chainrule.evaluate.audit.record import Finding, decided, unknown
from chainrule.evaluate.audit.sampling import law_of_given, law_of_sampling
from chainrule.evaluate.audit.scoring import law_of_clipping, law_of_reach, law_of_repeats, law_of_scores

__all__ = ["LAWS", "Law", "examine"]

Check = Callable[[Inquiry], Iterator[Finding]]


@dataclass(frozen=True)
class Law:
    """A law by its ``name`` and the function that checks it, whose first line says it in words."""

    name: str
    check: Check


LAWS: tuple[Law, ...] = (
    Law("log_prob", law_of_scores),
    Law("repeats", law_of_repeats),
    Law("mass", law_of_mass),
    Law("clipping", law_of_clipping),
    Law("reach", law_of_reach),
    Law("factors sum to one", law_of_factors_mass),
    Law("joint over marginal", law_of_conditionals),
    Law("factorisation", law_of_factorisation),
    Law("average", law_of_averages),
    Law("missing values", law_of_holes),
    Law("sampler", law_of_sampling),
    Law("sampler under given", law_of_given),
    Law("calls differ", law_of_calls),
    Law("independent draws", law_of_independence),
    Law("truth", law_of_truth),
    Law("duplicates", law_of_duplicates),
)


def examine(inquiry: Inquiry, *, more: Sequence[Law] = (), false_alarm_rate: float = 1e-3) -> list[Finding]:
    """What is found of each of ``LAWS`` and of ``more``; a right model fails anywhere with at most the stated rate.

    What a model raises is a finding: a refusal of ours that nobody can tell, anything else a fail.

    >>> from chainrule.evaluate.audit.subject import subject_of
    >>> from chainrule.models import Independent
    >>> model = Independent(pseudocount=1).fit([[0, 1], [1, 1]])
    >>> found = examine(Inquiry(subject_of(model), n_draws=1000))
    >>> [f.law for f in found if f.verdict == "fail"], found[2].law, found[2].figure
    ([], 'mass', '1')
    """
    found: list[Finding] = []
    assert inquiry.parameters is not None  # as they are before anything is asked
    for law in track([*LAWS, *more], "auditing"):
        found += _checked(law, inquiry)
    return decided(found, false_alarm_rate)


def _checked(law: Law, inquiry: Inquiry) -> list[Finding]:
    found: list[Finding] = []
    start = time.perf_counter()
    try:
        for finding in law.check(inquiry):
            found.append(replace(finding, seconds=time.perf_counter() - start))
            start = time.perf_counter()
    except OutOfTimeError:
        raise
    except Exception as e:  # of any model: whatever it raises is what was found
        found.append(replace(_raised(law.name, e), seconds=time.perf_counter() - start))
    return found


def _raised(law: str, error: Exception) -> Finding:
    said = " ".join(str(error).split())[:300]
    if isinstance(error, TooLargeError) or (
        isinstance(error, InputError)
        and not isinstance(error, ShapeError)
        and law not in ("log_prob", "repeats")
    ):
        return unknown(law, f"refused: {said}")
    return Finding(law, "asked", "", "fail", f"it raises {type(error).__name__}: {said}")
