"""The report in headless Chromium: phone and desktop, light and dark, and on paper."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainrule.report import render
from tests.report.pages import pages
from tests.report.samples import figures, results

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chrome = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chrome is None or driver is None:
        pytest.skip("no Chromium with chromedriver on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = chrome
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chromium
    chromium.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(results(), tmp_path_factory.mktemp("report"))


@pytest.fixture(params=[(w, theme) for w in (360, 390, 1280) for theme in ("light", "dark")], ids=str)
def opened(request: pytest.FixtureRequest, browser: Any, page: Path) -> Any:
    width, theme = request.param
    size = {"width": width, "height": 850, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())
    browser.width, browser.theme = width, theme
    return browser


def test_the_page_opens_without_a_word_on_the_console(opened: Any):
    assert opened.get_log("browser") == []


def test_the_page_never_scrolls_sideways(opened: Any):
    assert opened.execute_script("return document.documentElement.scrollWidth") <= opened.width


def test_every_figure_is_shown_at_a_readable_size(opened: Any):
    sizes = opened.execute_script(
        "return [...document.querySelectorAll('svg[role=img]')].map(s => {"
        " const r = s.getBoundingClientRect(); return [r.width, r.height, s.checkVisibility()]; })"
    )
    assert len(sizes) == len(figures())
    assert all(width > 100 and height > 40 and visible for width, height, visible in sizes)


def test_formulas_are_typeset_and_not_shown_as_source(opened: Any):
    sizes = opened.execute_script(
        "return [...document.querySelectorAll('math')].filter(m => m.checkVisibility())"
        ".map(m => { const r = m.getBoundingClientRect(); return [r.width, r.height]; })"
    )
    assert len(sizes) > 10
    assert all(width > 3 and height > 3 for width, height in sizes)
    fraction = opened.execute_script(
        "const f = document.querySelector('mfrac'); const [a, b] = [...f.children].map(c => c.getBoundingClientRect());"
        "return a.bottom <= b.top + 2"
    )
    assert fraction, "a fraction's numerator does not stand above its denominator"


def test_the_colours_follow_the_theme_in_page_and_figures(opened: Any):
    script = """
        const grey = colour => colour.match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3;
        const paper = document.querySelector('svg[role=img] path');
        return [grey(getComputedStyle(document.body).backgroundColor), grey(getComputedStyle(document.body).color),
                grey(getComputedStyle(paper).fill)]"""
    background, ink, figure = opened.execute_script(script)
    assert (background > 240 and ink < 60) if opened.theme == "light" else (background < 40 and ink > 200)
    assert figure == background


def test_the_button_turns_the_theme_over_and_back(opened: Any):
    ask = "return getComputedStyle(document.body).backgroundColor"
    press = "document.querySelector('.theme').click()"
    before = opened.execute_script(ask)
    opened.execute_script(press)
    assert opened.execute_script(ask) != before
    opened.execute_script(press)
    assert opened.execute_script(ask) == before


def test_the_contents_stand_beside_the_text_or_fold_above_it(opened: Any):
    side, fold = opened.execute_script(
        "return ['.side', 'main > .fold'].map(s => document.querySelector(s).checkVisibility())"
    )
    assert (side, fold) == ((True, False) if opened.width > 1000 else (False, True))


@pytest.fixture(scope="module")
def task_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return pages(tmp_path_factory.mktemp("pages"))


@pytest.mark.parametrize("name", ["survey", "images", "one column", "no rows", "evil", "comparison"])
def test_pages_of_models_and_comparisons_are_readable_too(
    opened: Any, task_pages: dict[str, Path], name: str
):
    opened.get(task_pages[name].as_uri())
    assert opened.get_log("browser") == []
    assert opened.execute_script("return document.documentElement.scrollWidth") <= opened.width
    sizes = opened.execute_script(
        "return [...document.querySelectorAll('svg[role=img], svg.bar')].map(s => {"
        " const r = s.getBoundingClientRect(); return [r.width, r.height, s.checkVisibility()]; })"
    )
    assert sizes
    assert all(width > 40 and height > 2 and visible for width, height, visible in sizes)
    clear = opened.execute_script(
        "const wide = [...document.querySelectorAll('h1, h2, h3, p, dd, figcaption')];"
        "return wide.every(e => e.scrollWidth <= e.clientWidth + 1)"
    )
    assert clear, "a text is wider than its column"


def test_the_page_prints(browser: Any, page: Path):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    browser.get(page.as_uri())
    background = browser.execute_script("return getComputedStyle(document.documentElement).colorScheme")
    assert background == "light"
    assert not browser.execute_script("return document.querySelector('.side').checkVisibility()")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pdf = base64.b64decode(printed["data"])
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 2
