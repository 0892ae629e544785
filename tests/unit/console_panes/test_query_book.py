import msgspec
import pytest

from circuit_console.core.query_book import QueryBook, StoredQueries, one_line, suggested_name


def test_a_text_stands_among_the_recent_ones_once_newest_first():
    book = QueryBook()

    for text in ("a", "b", "a ", " "):
        book.add(text)

    assert book.recent == ["a", "b"]


def test_fifty_texts_are_remembered():
    book = QueryBook()

    for number in range(60):
        book.add(str(number))

    assert (len(book.recent), book.recent[0], book.recent[-1]) == (50, "59", "10")


def test_a_saved_query_gives_way_to_another_of_its_name_and_can_be_forgotten():
    book = QueryBook()
    book.save("Leads ", "SELECT id FROM Lead")
    book.save("Leads", "SELECT id, email FROM Lead ")

    assert book.forget("Leads") == "SELECT id, email FROM Lead"
    assert book.saved == {}


def test_what_is_stored_comes_back():
    book = QueryBook(recent=["a"], saved={"n": "b"})
    stored = msgspec.json.decode(msgspec.json.encode(book.stored("draft", None)), type=StoredQueries)
    other = QueryBook()

    other.restore(stored)

    assert (other, stored.draft) == (book, "draft")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SELECT id\nFROM Contact LIMIT 3", "Contact query"),
        ("SELECT COUNT(id) FROM Lead", "Lead query"),
        ("FIND {a} RETURNING Contact(id)", "Contact query"),
        ("", "Query"),
    ],
)
def test_a_query_is_named_after_its_object(text, name):
    assert suggested_name(text) == name


def test_a_menu_shows_a_query_in_one_short_line():
    shown = one_line("SELECT id,\n  email\nFROM Contact " + "x" * 200)

    assert shown.startswith("SELECT id, email FROM Contact x")
    assert len(shown) == 90
