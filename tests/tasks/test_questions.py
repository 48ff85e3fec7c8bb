"""Questions are read as they are written: quotes, brackets, do()."""

import pytest

from chainrule.core.errors import InputError, ParseError
from chainrule.tables import Schema
from chainrule.tasks.questions import Question, parse_question, parse_states


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P(a)", Question(("a",))),
        (" P( a , b ) ", Question(("a", "b"))),
        ("p (a=1)", Question(("a",), {"a": "1"})),
        ("P(a | b=x)", Question(("a",), {}, {"b": "x"})),
        ("P(a | b=(30, 40], c=> 5)", Question(("a",), {}, {"b": "(30, 40]", "c": "> 5"})),
        ("P(a | b=<= 5)", Question(("a",), {}, {"b": "<= 5"})),
        ('P("a, b" | "c|d"="x=1")', Question(("a, b",), {}, {"c|d": "x=1"})),
        ("P(pay (EUR) | do(b=x, c=y), d=1)", Question(("pay (EUR)",), {}, {"d": "1"}, {"b": "x", "c": "y"})),
        ("P(a, b | do (c=1), d=2, do( e=3 ))", Question(("a", "b"), {}, {"d": "2"}, {"c": "1", "e": "3"})),
        ('P("5"" pipe")', Question(('5" pipe',))),
    ],
)
def test_a_question_is_read(text, expected):
    assert parse_question(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smoker", "is no question: write for example"),
        ("P()", "asks about nothing"),
        ("P(a | b=1 | c=2)", "more than one '|'"),
        ("P(a | b)", "name=state"),
        ("P(a | b=1, b=2)", "each name once"),
        ("P(a | do(b))", "known or done is given as name=state"),
        ("P(a | do(b=1), do(b=2))", "each name once"),
        ("P(a | do())", "do() in 'P(a | do())' sets nothing"),
        ("P(a, do(b=1))", "do(b=1) stands before '|'"),
        ('P("a)', "never closed"),
    ],
)
def test_what_is_no_question_is_refused_with_an_example(text, message):
    with pytest.raises((ParseError, InputError)) as caught:
        parse_question(text)
    assert message in str(caught.value)


def test_states_are_read_by_name_and_near_matches_are_offered():
    schema = Schema.of({"age": 2, "smoker": ["no", "yes"]})
    assert parse_states("age=1, smoker=yes", schema) == {"age": "1", "smoker": "yes"}
    with pytest.raises(InputError, match="did you mean 'smoker'"):
        parse_states("smokr=yes", schema)
