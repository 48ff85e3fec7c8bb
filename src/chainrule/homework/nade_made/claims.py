"""The claims about NADE and MADE, each judged by the numbers that problem 5 measured."""

from __future__ import annotations

from typing import Any

from chainrule.core.records import Claim, Verdict
from chainrule.evaluate.cost import Timing, compare
from chainrule.homework.nade_made import TEXTS
from chainrule.homework.nade_made.wording import SIMILAR, plus_minus, ratio_range, written_time

__all__ = ["claims"]

_CLEAR = 3.0  # standard errors; a smaller difference decides nothing

_NADE, _NATURAL = "NADE", "MADE, natural order"

Times = dict[str, dict[str, Timing]]


def claims(n: dict[str, Any], times: Times) -> list[Claim]:
    """One verdict for each claim of the homework about quality, speed and size."""
    return [
        _made_generates_better(n),
        _random_order_is_why(n),
        _nade_samples_slower(times),
        _made_is_quicker(n, times),
        _made_has_fewer_parameters(n),
    ]


def _made_generates_better(n: dict[str, Any]) -> Claim:
    gaps = n["paired_differences"]
    natural, random = gaps["NADE − MADE, natural order"], gaps["NADE − MADE, random order"]
    worst, best = sorted((natural["z"], random["z"]))
    verdict: Verdict = "fails" if worst > _CLEAR else "holds" if best < -_CLEAR else "holds in part"
    return TEXTS.claim(
        "5.made-better",
        verdict,
        natural=plus_minus(natural),
        natural_z=natural["z"],
        random=plus_minus(random),
        random_z=random["z"],
    )


def _random_order_is_why(n: dict[str, Any]) -> Claim:
    order = n["paired_differences"]["MADE: random − natural order"]
    nade = n["paired_differences"]["NADE − MADE, random order"]
    helps = order["z"] > _CLEAR
    verdict: Verdict = "holds" if helps and nade["z"] < -_CLEAR else "holds in part" if helps else "fails"
    return TEXTS.claim(
        "5.random-order",
        verdict,
        order=plus_minus(order),
        z=order["z"],
        helps_words="does help this MADE" if helps else "does not help",
        nade=plus_minus(nade),
    )


def _nade_samples_slower(times: Times) -> Claim:
    full = times["full_passes_100"][_NATURAL].median_seconds / times["sample_100"][_NADE].median_seconds
    return TEXTS.claim(
        "5.nade-samples-slower",
        _whether_nade_takes_longer(times, ["sample_1", "sample_100"]),
        factor=SIMILAR,
        rounds=times["sample_1"][_NADE].n_rounds,
        ours_1=_ratio(times, "sample_1"),
        ours_100=_ratio(times, "sample_100"),
        full_1=_ratio(times, "full_passes_1"),
        full_100=_ratio(times, "full_passes_100"),
        made_full_over_nade=full,
    )


def _made_is_quicker(n: dict[str, Any], times: Times) -> Claim:
    return TEXTS.claim(
        "5.made-quicker",
        _whether_nade_takes_longer(times, ["epoch", "score", "sample_100"]),
        factor=SIMILAR,
        rounds=times["epoch"][_NADE].n_rounds,
        trained=n["timed_training_rows"],
        scored=n["timed_test_rows"],
        train=_ratio(times, "epoch"),
        nade_epoch=written_time(times["epoch"][_NADE]),
        made_epoch=written_time(times["epoch"][_NATURAL]),
        score=_ratio(times, "score"),
        sample=_ratio(times, "sample_100"),
    )


def _whether_nade_takes_longer(times: Times, tasks: list[str]) -> Verdict:
    """The verdict over several tasks; no clock may contradict it, else nothing is claimed."""
    found = {compare(times[task][_NADE], times[task][_NATURAL], factor=SIMILAR) for task in tasks}
    if found == {"longer"}:
        return "holds"
    if found == {"not longer"}:
        return "fails"
    return "cannot tell on this machine" if "cannot tell" in found else "holds in part"


def _ratio(times: Times, task: str) -> str:
    return ratio_range(times[task][_NADE], times[task][_NATURAL])


def _made_has_fewer_parameters(n: dict[str, Any]) -> Claim:
    nade, made = n["models"][_NADE]["parameters"], n["models"][_NATURAL]["parameters"]
    fewer_allocated = made["allocated"] < nade["allocated"]
    fewer_used = made["in_use"] < nade["in_use"]
    verdict: Verdict = (
        "holds" if fewer_allocated and fewer_used else "holds in part" if fewer_used else "fails"
    )
    return TEXTS.claim(
        "5.fewer-parameters",
        verdict,
        made_allocated=made["allocated"],
        nade_allocated=nade["allocated"],
        made_in_use=made["in_use"],
        made_share=made["in_use"] / made["allocated"],
    )
