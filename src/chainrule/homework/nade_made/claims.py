"""The claims about NADE and MADE, each judged by the numbers that problem 5 measured."""

from __future__ import annotations

from typing import Any

from chainrule.core.records import Claim, Verdict

__all__ = ["claims", "suits"]

_CLEAR = 3.0  # standard errors; a smaller difference decides nothing
_SIMILAR = 1.5  # times within this factor of each other are called similar

_NADE, _NATURAL, _RANDOM = "NADE", "MADE, natural order", "MADE, random order"


def claims(n: dict[str, Any]) -> list[Claim]:
    """One verdict for each claim of the homework about quality, speed and size."""
    return [
        _made_generates_better(n),
        _random_order_is_why(n),
        _nade_samples_slower(n),
        _made_is_quicker(n),
        _made_has_fewer_parameters(n),
    ]


def suits(n: dict[str, Any]) -> str:
    """Which model suits the data, from the numbers; text with marks."""
    nll = {name: -m["test"]["mean_log_prob_nats"] for name, m in n["models"].items()}
    best = min(nll, key=lambda k: nll[k])
    second = min((k for k in nll if k != best), key=lambda k: nll[k])
    gained = -n["independent_pixels"]["mean_log_prob_nats"] - nll[best]
    nade, made = n["models"][_NADE], n["models"][_NATURAL]
    quicker, slower = sorted((_NADE, _NATURAL), key=lambda k: n["models"][k]["training_seconds"])
    direct = n["paired_differences"]["MADE: direct connections − none"]
    ratio = n["models"][slower]["training_seconds"] / n["models"][quicker]["training_seconds"]
    return (
        f"At this size and budget **{best}** has the best likelihood: {nll[best]:.2f} nats per image, "
        f"{nll[second] - nll[best]:.2f} better than {second}. Dependence between pixels is worth {gained:.1f} nats "
        f"against the independent model of problem 2. {quicker} trains {ratio:.1f} times as fast as {slower} here. "
        f"Sampling an image takes {1000 * nade['sample_1_seconds']:.2g} ms with NADE and "
        f"{1000 * made['sample_1_seconds']:.2g} ms with MADE, so it does not decide; scoring 1,000 images takes "
        f"{nade['score_seconds_per_1000']:.2g} s and {made['score_seconds_per_1000']:.2g} s. "
        f"Connections straight from pixel to pixel change MADE by {_pm(direct)} nats: a pixel depends most on its "
        "neighbours, and few hidden units see the latest ones. "
        "The homework asks for equal hidden sizes. NADE's units are shared by all pixels after their own prefix, "
        "while a MADE unit of degree $m$ serves only the pixels after $m$, so equal size is not equal capacity: "
        "published MADE results use far wider layers. For these binary images, at this size, choose by likelihood; "
        "where several hidden layers are wanted, or nothing but matrix products is at hand, MADE is the simpler engine."
    )


def _made_generates_better(n: dict[str, Any]) -> Claim:
    gaps = n["paired_differences"]
    natural, random = gaps["NADE − MADE, natural order"], gaps["NADE − MADE, random order"]
    worst, best = sorted((natural["z"], random["z"]))
    verdict: Verdict = "fails" if worst > _CLEAR else "holds" if best < -_CLEAR else "holds in part"
    return Claim(
        "5.made-better",
        "MADE generates better than NADE.",
        verdict,
        f"Test log-likelihood of NADE minus MADE: {_pm(natural)} nats per image for MADE in natural order "
        f"({natural['z']:+.0f} standard errors), {_pm(random)} in random order ({random['z']:+.0f}). "
        "Likelihood is the exact measure of how probable real images are under each model; a few samples are not.",
    )


def _random_order_is_why(n: dict[str, Any]) -> Claim:
    order = n["paired_differences"]["MADE: random − natural order"]
    nade = n["paired_differences"]["NADE − MADE, random order"]
    helps = order["z"] > _CLEAR
    verdict: Verdict = "holds" if helps and nade["z"] < -_CLEAR else "holds in part" if helps else "fails"
    return Claim(
        "5.random-order",
        "A random pixel order is the reason that MADE does better.",
        verdict,
        f"MADE in a random order minus MADE in natural order, all else equal: {_pm(order)} nats per image "
        f"({order['z']:+.0f} standard errors), so order alone "
        + ("does help this MADE" if helps else "does not help")
        + f"; NADE, in natural order, is {_pm(nade)} nats against MADE in random order.",
    )


def _nade_samples_slower(n: dict[str, Any]) -> Claim:
    nade, made = n["models"][_NADE], n["models"][_NATURAL]
    ours = {k: nade[f"sample_{k}_seconds"] / made[f"sample_{k}_seconds"] for k in (1, 100)}
    full = {
        k: nade[f"sample_{k}_full_passes_seconds"] / made[f"sample_{k}_full_passes_seconds"] for k in (1, 100)
    }
    slower = [r > _SIMILAR for r in ours.values()]
    verdict: Verdict = "holds" if all(slower) else "holds in part" if any(slower) else "fails"
    return Claim(
        "5.nade-samples-slower",
        "NADE generates slowly because it draws one pixel at a time; MADE generates faster because it is parallel.",
        verdict,
        "Both draw one pixel at a time; no order allows otherwise. Time of NADE over time of MADE: "
        f"{ours[1]:.2g} for one image and {ours[100]:.2g} for 100, each kept up to date; {full[1]:.2g} and "
        f"{full[100]:.2g} when the whole network runs once per pixel. "
        f"MADE by full passes takes {made['sample_100_full_passes_seconds'] / nade['sample_100_seconds']:.0f} times "
        "as long as NADE kept up to date.",
    )


def _made_is_quicker(n: dict[str, Any]) -> Claim:
    nade, made = n["models"][_NADE], n["models"][_NATURAL]
    train = nade["training_seconds"] / made["training_seconds"]
    score = nade["score_seconds_per_1000"] / made["score_seconds_per_1000"]
    sample = nade["sample_100_seconds"] / made["sample_100_seconds"]
    quicker = [ratio > _SIMILAR for ratio in (train, score, sample)]
    verdict: Verdict = "holds" if all(quicker) else "holds in part" if any(quicker) else "fails"
    return Claim(
        "5.made-quicker",
        "MADE runs faster than NADE because it is parallel.",
        verdict,
        f"Where all pixels are known, MADE is two matrix products: NADE's training time is {train:.2f} times MADE's "
        f"({nade['training_seconds']:.0f} s and {made['training_seconds']:.0f} s), scoring {score:.2f} times. "
        f"Sampling is another matter: {sample:.2g} times (the claim above).",
    )


def _made_has_fewer_parameters(n: dict[str, Any]) -> Claim:
    nade, made = n["models"][_NADE]["parameters"], n["models"][_NATURAL]["parameters"]
    fewer_allocated = made["allocated"] < nade["allocated"]
    fewer_used = made["in_use"] < nade["in_use"]
    verdict: Verdict = (
        "holds" if fewer_allocated and fewer_used else "holds in part" if fewer_used else "fails"
    )
    return Claim(
        "5.fewer-parameters",
        "MADE has fewer parameters because of masking.",
        verdict,
        f"Allocated: MADE {made['allocated']:,}, NADE {nade['allocated']:,}. In use after masking: MADE "
        f"{made['in_use']:,} ({made['in_use'] / made['allocated']:.1%}), NADE all. A dense implementation stores and "
        "multiplies the masked ones all the same, so this alone is no reason for speed.",
    )


def _pm(gap: dict[str, float]) -> str:
    return f"{gap['mean_nats']:+.2f} ± {gap['standard_error_nats']:.2f}"
