"""The page of an audit: the verdicts, why some did not pass, and the pictures of what was found."""

from __future__ import annotations

from chainrule.core.figures import Cloud, ScatterPlot
from chainrule.core.records import Block, Figure, Table, Text
from chainrule.core.text import literal
from chainrule.evaluate.audit.record import Finding
from chainrule.report.documents import Document, Section, how_it_was_made
from chainrule.report.numbers import counted
from chainrule.report.rows_part import calibration_section, costs_section
from chainrule.tasks.auditing.record import Audit, DrawnShares

__all__ = ["audit_document"]

_WORDS = {"pass": "pass", "fail": "**fail**", "cannot tell": "cannot tell"}
_ORDER = ("fail", "cannot tell", "pass")


def audit_document(found: Audit) -> Document:
    """What the page of an audit shows."""
    sections = [_laws_section(found)]
    odd = [f for f in found.findings if f.verdict != "pass"]
    if odd:
        sections.append(_reasons_section(odd))
    if found.shares is not None:
        sections.append(_shares_section(found.shares))
    if found.calibration is not None:
        sections.append(calibration_section(found.calibration))
    if found.costs:
        rows = "draw" if found.n_rows is None else "complete row"
        sections.append(costs_section(found.costs, found.n_cost_rows, found.n_cost_draws, rows))
    return Document("audit", f"Audit of {found.model}", _lede(found), _facts(found), sections)


def _lede(found: Audit) -> str:
    n = len(found.findings)
    if found.failed:
        broken = ", ".join(f"**{literal(law)}**" for law in found.failed)
        verdict = f"{counted(len(found.failed), 'law')} of {n} broken: {broken}."
    else:
        verdict = f"None of {counted(n, 'law')} is broken: {found.count('pass')} hold."
    if unknown := found.count("cannot tell"):
        verdict += f" Of {unknown} nobody can tell, for the reasons below; that is no pass."
    return (
        f"{verdict}\n\nA right model fails anywhere on this page with a probability of at most "
        f"{found.false_alarm_rate:g}: the statistical checks are corrected together (Holm)."
    )


def _facts(found: Audit) -> list[tuple[str, str]]:
    facts = [
        ("Model", literal(found.model)),
        ("Size", f"{counted(found.n_columns, 'column')}, {found.n_states} different rows"),
        ("Draws", f"{found.n_draws:,}"),
        ("Rows given", "none" if found.n_rows is None else f"{found.n_rows:,}"),
        ("Seed", f"{found.seed}"),
        ("Time", f"{found.seconds:,.1f} seconds"),
    ]
    return [*facts, *how_it_was_made(found.command, found.versions)]


def _laws_section(found: Audit) -> Section:
    rows = [
        [
            _WORDS[f.verdict],
            literal(f.law),
            literal(f.how, 200),
            literal(f.figure, 200) if f.figure else "",
            f"{f.seconds:.2f}",
        ]
        for f in sorted(found.findings, key=lambda f: _ORDER.index(f.verdict))
    ]
    caption = "Each law, how it was checked, and what was found; seconds of the check."
    return Section("Laws", [Table(["verdict", "law", "how", "figure", "seconds"], rows, caption)])


def _reasons_section(odd: list[Finding]) -> Section:
    rows = [
        [_WORDS[f.verdict], literal(f.law), literal(f.detail or f.figure, 600)]
        for f in sorted(odd, key=lambda f: _ORDER.index(f.verdict))
    ]
    return Section("What did not pass, and why", [Table(["verdict", "law", "why"], rows)])


def _shares_section(shares: DrawnShares) -> Section:
    apart = [(o - e) / max(e, 1.0) ** 0.5 for o, e in zip(shares.observed, shares.expected, strict=True)]
    worst = max(range(len(apart)), key=lambda i: abs(apart[i]))
    data = ScatterPlot(
        [Cloud(shares.of, shares.expected, shares.observed)],
        "draws expected by log_prob",
        "draws counted",
        diagonal=True,
    )
    caption = (
        f"The {len(apart):,} {shares.of} that are expected or drawn most often among {shares.n_draws:,} draws; the "
        f"furthest is {apart[worst]:+.1f} standard errors off."
    )
    alt = (
        f"Points around the line y = x; the furthest is expected {shares.expected[worst]:.1f} times and drawn "
        f"{shares.observed[worst]:.0f} times."
    )
    text = (
        "What the sampler draws against what log_prob says of it: points far from the line are draws that are not the "
        "model's."
    )
    blocks: list[Block] = [Text(text), Figure("shares", data, caption, alt)]
    return Section("The sampler beside log_prob", blocks)
