"""The marks of record text become HTML, and nothing else does."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.core.text import literal, one_line
from chainrule.report.text import inline, math, paragraphs


class Words(HTMLParser):
    """The words of a piece of HTML, and the names of its elements."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words, self.elements = "", []
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)


@given(st.text().filter(lambda t: not set(t) & set("$`*\r\0")))
def test_unmarked_text_comes_through_word_for_word_without_elements(text):
    read = Words(inline(text))
    assert (read.words, read.elements) == (text, [])


@given(st.text(min_size=1).filter(lambda t: not set(t) & set("`\r\0")))
def test_code_is_shown_as_it_is_even_if_it_looks_like_markup_or_marks(text):
    read = Words(inline(f"`{text}`"))
    assert (read.words, read.elements) == (text, ["code"])


@given(st.text(max_size=60))
def test_words_that_are_not_ours_come_through_sign_for_sign_also_between_marks(text):
    read = Words(str(inline(f"**so: {literal(text)} is**, and {literal(text)}; $x$")))
    assert read.words == f"so: {one_line(text)} is, and {one_line(text)}; x"
    assert read.elements == ["strong", "math", "mi"]


def test_marks_nest_in_strong_words_and_formulas_keep_their_stars():
    read = Words(inline("**both $x$ and `y`** but $a**b$"))
    assert read.elements[:3] == ["strong", "math", "mi"]
    assert read.elements.count("math") == 2
    assert read.elements.count("strong") == 1
    assert "code" in read.elements


def test_a_blank_line_parts_paragraphs_and_one_newline_does_not():
    assert paragraphs("one\ntwo\n\n \nthree").count("<p>") == 2
    assert paragraphs("\n\n") == ""


def test_a_script_in_text_or_in_a_formula_stays_text():
    for text in ("<script>alert(1)</script>", r"$\text{<script>alert(1)</script>}$", "**<script>**"):
        assert "script" not in Words(inline(text)).elements


def test_a_formula_keeps_the_punctuation_after_it_on_its_line():
    assert inline("if $x$, then").startswith('if <span class="whole"><math>')
    assert inline("if $x$, then").endswith(",</span> then")
    assert "whole" not in inline("if $x$ then")


def test_a_formula_too_long_for_a_phone_may_scroll_within_its_line():
    assert 'class="long"' in inline("$" + "+".join("x" * 30) + "$")
    assert 'class="long"' not in inline("$x + x$")


def test_a_displayed_formula_says_so():
    assert math("x", display=True).startswith('<math display="block">')


@pytest.mark.parametrize("latex", [r"\nosuchcommand{x}", r"\frac{1}", "x & y", r"\begin{cases} x", " "])
def test_a_formula_that_is_not_latex_is_refused_in_one_line(latex):
    with pytest.raises(InputError) as caught:
        math(latex)
    assert "\n" not in str(caught.value)
    assert "formula" in str(caught.value)


def test_the_refused_formula_is_named():
    with pytest.raises(InputError, match="nosuchcommand"):
        inline(r"see $\nosuchcommand$")


def test_a_dollar_sign_without_partner_is_refused():
    with pytest.raises(InputError, match="dollar sign without its partner"):
        inline("it costs 5$ and $x$")
