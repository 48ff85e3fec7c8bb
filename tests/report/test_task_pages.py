"""Pages of a model and of a comparison: whole, safe whatever a table holds, and built again from their records."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import cli
from chainrule.core.errors import DataError, InputError, OutputError
from chainrule.core.records import Figure, Text
from chainrule.models import BayesianNetwork, ChainClassifier, ChowLiu, Ensemble, Independent, chow_liu
from chainrule.report import rebuild_page, write_page
from chainrule.report.comparison_page import comparison_document
from chainrule.report.description_page import description_document
from chainrule.report.figures.names import short_name
from chainrule.tasks import compare, describe
from tests.report.pages import EVIL, image_like_rows, pages

VOID = {"meta", "link", "br", "rect", "path", "use", "image"}


class Page(HTMLParser):
    """The words and elements of a page; ``faults`` are tags that are not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        self.faults += self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and (not self._open or self._open.pop() != tag):
            self.faults.append(tag)

    def handle_data(self, data):
        if not self._open or self._open[-1] not in ("style", "script"):
            self.words += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return pages(tmp_path_factory.mktemp("pages"))


NAMES = ["survey", "images", "one column", "no rows", "evil", "comparison", "audit", "evil audit"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_one_file_and_asks_for_nothing_outside(written: dict[str, Path], name: str):
    source = written[name].read_text("utf-8")
    page = Page(source)
    assert page.faults == []
    ids = [a["id"] for _, a in page.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    targets = [v for _, a in page.elements for k, v in a.items() if k in ("src", "href", "xlink:href")]
    assert all((t or "").startswith(("#", "data:")) for t in targets)
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", source)
    assert {t[1:] for t in targets if t and t.startswith("#") and t != "#"} <= set(ids)
    assert page.count("h1") == page.count("main") == page.count("script") == 1
    assert all(a.get("aria-label") for tag, a in page.elements if tag == "svg" and a.get("role") == "img")
    assert len(source) < 3_000_000


@pytest.mark.parametrize("name", ["one column", "evil", "comparison", "evil audit"])
def test_a_page_is_built_again_from_its_record_bit_for_bit(
    written: dict[str, Path], tmp_path: Path, name: str
):
    again = rebuild_page(written[name].with_suffix(".json"), tmp_path / "again.html")
    assert again.read_bytes() == written[name].read_bytes()


def test_what_a_table_holds_never_becomes_markup(written: dict[str, Path]):
    page = Page(written["evil"].read_text("utf-8"))
    assert page.count("script") == 1  # the page's own
    assert page.count("img") == page.count("b") == 0
    shown = " ".join(page.words.split())
    for word in (
        "<script>alert(1)</script>",
        "a & b",
        "$x$ costs `5` **$**",
        "日本語",
        "😀",
        "two↵lines",
        "“”",
    ):
        assert word in shown
    assert "x" * 100 not in page.words  # a very long name is cut


def test_the_numbers_on_the_page_are_those_of_the_record(tmp_path: Path):
    rows = {"a": [0, 0, 1, 1] * 30, "b": [0, 1, 1, 1] * 30}
    found = describe(BayesianNetwork("a -> b", pseudocount=1).fit(rows), rows)
    words = Page(write_page(found, tmp_path / "p.html").read_text("utf-8")).words
    assert f"{found.rows.mean_nll_nats:.4f} ± {found.rows.standard_error:.4f} nats a row" in words
    assert f"{found.calibration.expected_calibration_error:.4f}" in words
    assert f"{found.dependence.strongest[0].nats:.4f}" in words
    for m in found.marginals:
        assert all(f"{p:.3f}" in words for p in m.model)


def test_a_wide_table_says_what_it_leaves_out(written: dict[str, Path]):
    words = Page(written["images"].read_text("utf-8")).words
    assert "the first 100 are shown, 44 are left out" in words
    assert "The 40 columns in which they are furthest apart; 104 are left out" in words
    assert "The 30 costliest columns; 114 others cost" in words
    assert re.search(r"The strongest under the model, 30 of 10,296 pairs; 10,266 are left out", words)


def test_a_page_without_rows_makes_no_claim_about_any(written: dict[str, Path]):
    words = Page(written["no rows"].read_text("utf-8")).words
    assert "No rows were given" in words
    for heading in ("Calibration", "The oddest rows", "Who pays the nats"):
        assert heading not in words


def test_one_column_has_no_pairs(written: dict[str, Path]):
    words = Page(written["one column"].read_text("utf-8")).words
    assert "depend most" not in words
    assert "Who depends on whom" not in words


def test_a_complete_order_is_told_in_words_and_a_graph_is_drawn():
    rows = np.random.default_rng(0).integers(0, 2, (40, 3))
    order = description_document(describe(ChainClassifier(random_state=0).fit(rows)))
    blocks = [b for s in order.sections for b in s.blocks]
    assert any(isinstance(b, Text) and "in this order: x1, x2, x3." in b.text for b in blocks)
    assert not any(isinstance(b, Figure) and b.name == "graph" for b in blocks)
    dense = chow_liu(np.repeat(np.arange(2), 20)[:, None] * np.ones((1, 40), int))
    blocks = [b for s in description_document(describe(dense)).sections for b in s.blocks]
    (figure,) = [b for b in blocks if isinstance(b, Figure) and b.name == "graph"]
    assert (
        "39 edges between 40 columns; the 30 of most mutual information are drawn, 9 are left out"
        in figure.caption
    )
    assert len(figure.data.edges) == 30


def test_a_model_without_factors_has_no_graph_and_says_so_of_its_intervals(tmp_path: Path):
    rows = {"a": [0, 0, 1, 1] * 10, "b": [0, 1, 1, 1] * 10}
    both = [BayesianNetwork(graph, pseudocount=1).fit(rows) for graph in ("a -> b", "b -> a")]
    model = Ensemble(both, weights=[0.5, 0.5]).fit(rows)
    words = Page(write_page(describe(model, rows), tmp_path / "p.html").read_text("utf-8")).words
    assert "intervals are too narrow" in words
    assert "The graph of its factors" not in words


def test_the_leaderboard_is_on_the_page_of_a_comparison_with_what_was_left_out():
    found = compare(image_like_rows(60, 4), models=["independent", "chowliu"])
    document = comparison_document(found)
    best, second = found.leaderboard.entries
    table, chart, *_ = document.sections[0].blocks
    assert table.rows[0][0] == best.name
    assert table.rows[1][2] == f"{second.behind_nats:.4f} ± {second.behind_standard_error:.4f}"
    assert chart.data.series[0].error[1] == second.behind_standard_error
    assert f"{best.mean_nll_nats:.4f}" in document.lede


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "has the format None"),
        ('{"format": []}', "has the format"),
        ('{"format": "chainrule-description-1"}', "not a description"),
        ('{"format": "chainrule-comparison-1"}', "not a comparison"),
    ],
)
def test_a_record_that_is_none_is_named_in_one_line(content: str, message: str, tmp_path: Path):
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        rebuild_page(tmp_path / "r.json")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda plain: plain["marginals"][0].update(column="nobody"), "'nobody' is missing"),
        (lambda plain: plain["schema"]["variables"].pop(), "is missing"),
        (lambda plain: plain["dependence"].update(strongest=[]), "index out of range"),
    ],
)
def test_a_record_whose_parts_do_not_fit_together_is_told_and_its_page_stays(
    spoil: Any, message: str, tmp_path: Path
):
    rows = image_like_rows(40, 3)
    page = write_page(describe(ChowLiu(pseudocount=1).fit(rows), rows), tmp_path / "r.html")
    before, record = page.read_text("utf-8"), page.with_suffix(".json")
    plain = json.loads(record.read_text("utf-8"))
    spoil(plain)
    record.write_text(json.dumps(plain))
    with pytest.raises(DataError, match=f"do not fit together.*{message}") as caught:
        rebuild_page(record)
    assert "\n" not in str(caught.value)
    assert page.read_text("utf-8") == before


def test_places_that_are_no_page_are_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    found = describe(Independent().fit([[0], [1]]))
    with pytest.raises(InputError, match=r"ends in \.html"):
        write_page(found, tmp_path / "p.pdf")
    with pytest.raises(OutputError, match="no folder"):
        write_page(found, tmp_path / "nowhere" / "p.html")
    with pytest.raises(InputError, match="a Description, a Comparison or an Audit"):
        write_page({"x": 1}, tmp_path / "p.html")  # type: ignore[arg-type]
    assert cli.main(["compare", "/nowhere.csv", "--page", str(tmp_path / "p.txt")]) == 2
    assert "ends in .html" in capsys.readouterr().err


def test_the_command_writes_a_page_and_its_record_and_builds_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rows, model, page = tmp_path / "rows.csv", tmp_path / "m.model", tmp_path / "m.report.html"
    rows.write_text("a,b\n" + "".join(f"{i % 2},{i // 2 % 2}\n" for i in range(40)))
    chow_liu(rows).save(model)
    assert cli.main(["report", str(model), str(rows), "--seed", "1"]) == 0
    out = capsys.readouterr().out
    assert "40 of 40 rows scored" in out
    assert f"page: {page}" in out
    first = page.read_bytes()
    assert f"chainrule report {model} {rows} --seed 1" in Page(first.decode()).words
    page.unlink()
    assert cli.main(["report", str(page.with_suffix(".json"))]) == 0
    assert page.read_bytes() == first
    capsys.readouterr()
    assert cli.main(["report", str(model), "-o", str(tmp_path / "x.html"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"]["n_columns"] == 2
    for wrong in (
        ["report", str(page.with_suffix(".json")), str(rows)],
        ["report", str(tmp_path), "-o", "x.html"],
    ):
        assert cli.main(wrong) == 2
        assert "leave" in capsys.readouterr().err


def test_compare_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rows, page = tmp_path / "rows.csv", tmp_path / "board.html"
    rows.write_text("a,b\n" + "".join(f"{i % 2},{i // 2 % 2}\n" for i in range(60)))
    assert cli.main(["compare", str(rows), "--models", "independent,chowliu", "--page", str(page)]) == 0
    assert f"page: {page}" in capsys.readouterr().out
    assert "chainrule compare" in Page(page.read_text("utf-8")).words


def test_names_in_figures_are_short_and_none_is_lost():
    names = ["age", "$money$ and $more$", EVIL, "x" * 500, "x" * 501, "日本語", "line\nbreak", ""]
    shown = [short_name(name, i) for i, name in enumerate(names, 1)]
    assert len(set(shown)) == len(names)
    assert shown[5] == "column 6"
    assert all(len(s) < 30 for s in shown)
