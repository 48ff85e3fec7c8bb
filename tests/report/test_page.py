"""The page: whole, self-contained, safe, the same each time, and never half-written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest

from chainrule.core.errors import DataError, InputError, OutputError
from chainrule.core.figures import BarChart, BarSeries, GraphDrawing, Layer, NetworkDrawing
from chainrule.core.records import (
    Claim,
    Figure,
    Formula,
    StudyRecord,
    Table,
    Text,
    Verdict,
    dump_json,
    to_plain,
)
from chainrule.report import render, write_report
from tests.report.samples import figures, results

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(HTMLParser):
    """The elements of a page; notes every tag that is not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def small(*blocks: Any, **changes: Any) -> dict[str, Any]:
    """Results of one problem with those blocks."""
    record = StudyRecord("1", "One", "What?", list(blocks)).to_plain()
    return results() | {"problems": {"1": record}, "claims": [], "unfinished": []} | changes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    render(results(), out)
    return out


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text("utf-8"))


def test_every_tag_is_closed_in_order(page: Page):
    assert page.faults == []
    assert page.open == []


def test_identifiers_are_unique_and_every_link_within_the_page_has_its_end(page: Page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {(a["href"] or "")[1:] for a in page.all("a")}
    assert targets <= set(ids)
    assert {"claims", "p1", "p6", "p1-1", "claim-1.space"} <= targets


def test_nothing_is_asked_of_any_other_place(page: Page, folder: Path):
    for tag, attributes in page.elements:
        for name in ("href", "src", "xlink:href", "srcset", "data", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    source = (folder / "index.html").read_text("utf-8")
    assert not re.search(r"@import|url\(\s*['\"]?(?!#)|fetch\(|https?://(?!www\.w3\.org)", source)


def test_the_page_says_its_language_title_and_place_to_skip_to(page: Page):
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}


def test_headings_step_down_one_level_at_a_time(page: Page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_first_lines_say_which_data_were_used_and_why(page: Page):
    lede = page.text.index("Data: digits")
    assert lede < page.text.index("Why this: auto took digits because binarized-mnist cannot be had")
    assert page.text.index("Why this") < page.text.index("Preset quick Seed 0")
    assert "A processor, 2 cores" in page.text
    assert "2 January 2025" in page.text


def test_the_table_of_claims_carries_every_claim_with_verdict_and_evidence(page: Page):
    rows = [a["id"] for a in page.all("tr") if (a.get("id") or "").startswith("claim-")]
    assert rows == ["claim-1.labels", "claim-1.space", "claim-6.degrees"]
    for verdict in ("✓ holds", "◐ holds in part", "✗ fails"):
        assert verdict in page.text
    assert "1 ✓ holds · 1 ◐ holds in part · 1 ✗ fails" in page.text


def test_every_figure_is_in_the_page_with_number_caption_and_alternative_and_in_two_files(
    page: Page, folder: Path
):
    drawn = figures()
    shown = [a for a in page.all("svg") if a.get("role") == "img"]
    assert [a["aria-label"] for a in shown] == [figure.alt for figure in drawn]
    assert "Figure 1.1." in page.text
    assert "Figure 6.1." in page.text
    files = {path.name for path in (folder / "figures").iterdir()}
    assert files == {f"{figure.name}.{kind}" for figure in drawn for kind in ("svg", "png")}


def test_formulas_are_mathml(page: Page):
    assert len(page.all("math")) > 10
    assert any(a.get("display") == "block" for a in page.all("math"))


def test_problems_stand_in_the_order_of_their_numbers():
    many = {str(n): StudyRecord(str(n), f"Title{n}", "What?", []).to_plain() for n in (10, 2, 1)}
    found = re.findall(r"Title\d+", _page(small(problems=many)).text)
    assert found[:3] == ["Title1", "Title2", "Title10"]


def _page(plain: dict[str, Any]) -> Page:
    with tempfile.TemporaryDirectory() as folder:
        return Page(render(plain, folder).read_text("utf-8"))


def test_what_is_unfinished_is_said_and_nothing_is_said_where_all_is_done(page: Page):
    assert "Not done yet: problem 5. The same command goes on" in page.text
    assert "Not done yet" not in _page(small()).text


def test_a_run_without_data_or_claims_says_so():
    words = _page(small(data=None)).text
    assert "No data set was used" in words
    assert "No claims were judged" in words


def test_a_verdict_that_the_clocks_left_open_is_shown_counted_and_coloured():
    verdicts = ["holds", "cannot tell on this machine", "cannot tell on this machine"]
    claims = [to_plain(vars(Claim(f"1.{i}", "c", v, "e"))) for i, v in enumerate(verdicts)]
    page = _page(small(claims=claims))
    assert "2 ? cannot tell on this machine" in page.text
    assert "badge cannot-tell-on-this-machine" in {a.get("class") for a in page.all("span")}
    assert "cannot tell" not in _page(small(claims=claims[:1])).text  # nothing is said of what did not occur


def test_every_verdict_of_a_claim_has_a_sign_and_a_colour_on_the_page():
    css = (files("chainrule.report") / "templates" / "page.css").read_text("utf-8")
    for verdict in get_args(Verdict):
        assert f".badge.{verdict.replace(' ', '-')} {{ color: var(--" in css
        claim = to_plain(vars(Claim("1.x", "c", verdict, "e")))
        assert verdict in _page(small(claims=[claim])).text


def test_a_claim_of_a_problem_that_is_not_in_the_report_has_no_dead_link():
    claim = to_plain(vars(Claim("4.sum", "It is two.", "holds", "2.")))
    page = _page(small(claims=[claim]))
    assert "4.sum It is two." in page.text
    assert "#p4" not in {a["href"] for a in page.all("a")}


def test_markup_in_any_text_stays_text():
    evil = '<script>alert("x")</script>'
    data = BarChart([evil], [BarSeries(evil, [1])], evil, "")
    blocks = [Text(evil), Table([evil], [[evil]], evil), Figure("f", data, evil, evil)]
    record = StudyRecord(
        "1", evil, evil, blocks, {evil: evil}, [Claim("1.x", evil, "fails", evil)]
    ).to_plain()
    plain = small(problems={"1": record}, claims=record["claims"])
    plain["data"] = {"name": evil, "reason": evil, "files": {evil: evil}}
    plain["machine"] = plain["machine"] | {"cpu": evil}
    page = _page(plain)
    assert len(page.all("script")) == 1  # the page's own
    assert page.faults == []
    assert page.text.count(evil) >= 12


def test_numbers_in_cells_are_written_for_readers_and_aligned():
    page = _page(small(Table(["n", "p", "word"], [[12345, 1 / 3, "a"], [1, "-inf", "$x$"]])))
    assert "12 345" in page.text  # a thin space, which str.split made a plain one
    assert "0.33333" in page.text
    assert "−∞" in page.text
    assert [a.get("class") for a in page.all("th") if a.get("scope") == "col"] == ["number", "number", None]


def test_long_lists_of_numbers_are_named_but_not_poured_out():
    record = StudyRecord("1", "One", "What?", [], {"a": {"b": list(range(784))}}).to_plain()
    assert "a.b 784 entries, in results.json" in _page(small(problems={"1": record})).text


def test_two_renders_give_equal_bytes_and_a_page_rebuilt_from_the_saved_file_equals_the_first(
    folder: Path, tmp_path: Path
):
    (tmp_path / "results.json").write_text(dump_json(results()), encoding="utf-8")
    assert write_report(tmp_path) == tmp_path / "index.html"
    for name in ("index.html", "figures/pmf.svg", "figures/pmf.png", "figures/digits.png"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


BROKEN = {
    "a formula": Formula(r"\nosuchcommand"),
    "a figure": Figure("f", BarChart([r"$\nosuch$"], [], "", ""), "c", "a"),
    "a table": Table(["a", "b"], [[1]]),
    "a name": Figure("../../escape", NetworkDrawing([Layer("a", 1)]), "c", "a"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_failed_render_leaves_the_old_page_and_its_figures_alone(what: str, tmp_path: Path):
    render(small(figures()[0]), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError) as caught:
        render(small(figures()[1], BROKEN[what]), tmp_path)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


DAMAGED = {
    "an unknown kind": {"kind": "sculpture"},
    "an unknown key": {"data": {"nodes": [], "edges": [], "colour": "red"}},
    "a missing key": {"data": {"nodes": []}},
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_saved_figure_that_was_damaged_is_refused_as_data_that_cannot_be_read(what: str, tmp_path: Path):
    plain = small(Figure("f", GraphDrawing([], []), "c", "a"))
    plain["problems"]["1"]["blocks"][0].update(DAMAGED[what])
    with pytest.raises(DataError, match="not a study record"):
        render(plain, tmp_path)


def test_two_figures_of_one_name_are_refused():
    figure = figures()[0]
    with pytest.raises(InputError, match="2 figures are named 'pmf'"):
        _page(small(figure, figure))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file .*results.json; run"),
        ("{", "cannot be read as JSON"),
        ("[1]", "has the format None"),
        ('{"format": "other-2"}', "has the format 'other-2'"),
        ('{"format": "chainrule-results-1"}', "'problems' is missing"),
        (json.dumps(small() | {"problems": {"1": {"title": "x"}}}), "not a study record"),
        (json.dumps(small() | {"claims": [{"id": "1.a"}]}), "'verdict' is missing"),
        (json.dumps(small() | {"claims": [{"id": "1.a", "verdict": "maybe"}]}), "got 'maybe'"),
        (json.dumps(small() | {"started": "yesterday"}), "incomplete"),
        (json.dumps(small() | {"data": {"name": "digits"}}), "'reason' is missing"),
    ],
)
def test_results_that_cannot_be_used_are_named_in_one_line(content: str | None, message: str, tmp_path: Path):
    if content is not None:
        (tmp_path / "results.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "index.html").exists()


def test_results_that_are_not_text_are_named_in_one_line(tmp_path: Path):
    (tmp_path / "results.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        write_report(tmp_path)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path):
    (tmp_path / "figures").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot write to"):
        render(small(), tmp_path)


def test_rebuilding_a_page_loads_no_model(tmp_path: Path):
    (tmp_path / "results.json").write_text(dump_json(small()), encoding="utf-8")
    script = (
        "import sys; from chainrule.report import write_report; write_report(sys.argv[1]);"
        "print([m for m in ('torch', 'sympy', 'chainrule.models', 'chainrule.homework') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
