"""``chainrule.audit`` over every model that the package exports: no law is broken, and the exact ones can be told."""

from __future__ import annotations

import chainrule
from tests.contract.cases import Case, every_case, fitted

ALWAYS = (
    "log_prob",
    "repeats",
    "mass",
    "clipping",
    "rows possible",
    "missing values",
    "monotone",
    "calls differ",
    "seed",
)
WITH_FACTORS = ("factors sum to one", "joint over marginal", "factorisation", "code length")


@every_case
def test_an_audit_finds_no_law_broken_and_can_tell_those_of_every_distribution(case: Case) -> None:
    model = fitted(case)
    rows = model.sample(
        60, rng=0
    )  # of its own: after three epochs a network need not be calibrated on others
    found = chainrule.audit(model, rows, draws=1000)
    assert found.failed == []
    assert [law for law in ALWAYS if found[law].verdict != "pass"] == []
    if model.factors_ is not None:
        assert [law for law in WITH_FACTORS if found[law].verdict != "pass"] == []
    if getattr(model, "models_", None) is not None and hasattr(model, "weights_"):
        assert found["average"].verdict == "pass"
