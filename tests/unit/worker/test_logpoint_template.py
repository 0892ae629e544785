"""Logpoints' messages: what f-strings have, as far as a text outside of a program can have it."""

import sys

import pytest

from circuitos.debugger.template import Template


def text_of(message, **names):
    def evaluated(word, number, table, width):
        return Template(message).text_in(sys._getframe())

    values = {"word": "it", "number": 3.14159, "table": {"a": {"b": 2}}, "width": 8}
    return evaluated(**{**values, **names})


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("plain", "plain"),
        ("{word} and {word}", "it and it"),
        ("{word!r}", "'it'"),
        ("{word!s:>5}|", "   it|"),
        ("{word!r:>6}", "  'it'"),
        ("{number:.2f}", "3.14"),
        ("{number:{width}.1f}|", "     3.1|"),
        ("{word=}", "word='it'"),
        ("{number = :.1f}", "number = 3.1"),
        ("{number != 3}", "True"),
        ("{table['a']['b']}", "2"),
        ("{table['a']!r}", "{'b': 2}"),
        ("{ {1: 2}[1] }", "2"),
        ("{[key for key in table]}", "['a']"),
        ("{(lambda value: value)(word)}", "it"),
        ("{word[1:]}", "t"),
        ("{'}'}{'{'}", "}{"),
        ("{{word}}", "{word}"),
        ("{} and {word", "{} and {word"),
    ],
)
def test_message_is_filled_in_as_an_f_string_is(message, text):
    assert text_of(message) == text


def test_format_is_the_values_own():
    class Priced:
        def __format__(self, form):
            return f"<{form}>"

    assert text_of("{word:€ 0,0}", word=Priced()) == "<€ 0,0>"


@pytest.mark.parametrize("message", ["{word +}", "{word!x}", "{\0}"])
def test_what_does_not_compile_raises_when_it_is_passed(message):
    with pytest.raises((SyntaxError, ValueError)):
        text_of(message)
