"""One search of a page for all hint words: what is found, where, by whom, and that no text makes it dear."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from extraction.document import Document
from extraction.scan import MARKUP, MAX_MARKS, Hints, Mark, Scan

_DAY = Hints(("tag", "day", "vierzig"))
_LONG = Hints(("vierzigtage", "day"))
_FILE = Hints(lambda: ["data-day", "<script"], scan=MARKUP)


def document(html: str) -> Document:
    return Document(
        {
            "final_url": None, "url": "https://acme.example/", "domain": "acme.example", "kind": "home", "headers": {},
            "fetched_at": datetime(2026, 1, 1, tzinfo=UTC), "page_hash": "", "html": html.encode(), "charset": None,
        }
    )  # fmt: skip


def test_lines_with_a_hint_are_told_in_order_each_once_to_who_asked():
    page = document("<p>Good DAY, day<p>nothing<p>Vierzigtage<p>Straßentag")
    assert [page.lines[number] for number in page.marked(_DAY)] == ["Good DAY, day", "Vierzigtage", "Straßentag"]
    assert [page.lines[number] for number in page.marked(_LONG)] == ["Good DAY, day", "Vierzigtage"]


def test_marks_say_where_in_the_lower_text_a_word_stands():
    page = document("<p>Éa DAY<p>A day")
    assert page.marks(_DAY) == [Mark("day", 3), Mark("day", 9)]
    assert [page.lower[mark.start :][: len(mark.word)] for mark in page.marks(_DAY)] == ["day", "day"]


def test_letters_that_grow_in_lower_case_move_no_line():
    page = document("<p>" + "İ" * 50 + "<p>day<p>none")
    assert page.marked(_DAY) == [1]


def test_markup_is_searched_by_bytes_in_any_case():
    page = document("<title>ß</title><SCRIPT></SCRIPT><p Data-Day=1>data-day")
    assert [(mark.word, page.markup[mark.start :][: len(mark.word)]) for mark in page.marks(_FILE)] == [
        ("<script", b"<SCRIPT"),
        ("data-day", b"Data-Day"),
        ("data-day", b"data-day"),
    ]


def test_hints_that_come_after_the_first_page_are_looked_for_in_it_too():
    page = document("<p>the fortnight")
    assert page.marked(_DAY) == []
    assert page.marked(Hints(["fortnight"])) == [0]


def test_a_text_that_is_no_line_can_be_asked_too():
    assert _DAY("a day") == [Mark("day", 2)]


@pytest.mark.parametrize(("word", "of_bytes"), [("", False), ("Day", False), ("a\nb", False), ("ü", True)])
def test_a_hint_is_a_word_in_lower_case_and_ascii_in_markup(word, of_bytes):
    scan = Scan(of_bytes=of_bytes)
    with pytest.raises(ValueError, match="no hint word"):
        Hints([word], scan=scan)
    Hints(lambda: [word], scan=scan)
    with pytest.raises(ValueError, match="no hint word"):
        scan.load()


def test_hostile_text_gives_a_bounded_number_of_marks():
    assert len(_DAY("day" * 500_000)) == MAX_MARKS


def test_a_word_across_two_pieces_is_found_once():
    for before in range(99_990, 100_010):
        assert _LONG("." * before + "vierzigtage" + "." * 50) == [Mark("vierzigtage", before)]
