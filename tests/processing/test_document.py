"""Reading a page: charsets, layout lines, limits against hostile markup."""

from __future__ import annotations

import time

import pytest

from tasks.markup_guard import MAX_HTML, bounded
from tasks.processing.extract.document import MAX_LINE, MAX_TEXT
from tasks.processing.extract.text import clean, squash


@pytest.mark.parametrize(
    ("raw", "charset"),
    [
        ("<p>Müller".encode(), None),
        ("<meta charset=latin1><p>Müller".encode("cp1252"), None),
        ("<p>Müller".encode("cp1252"), None),
        ("<p>Müller".encode("cp1252"), "windows-1252"),
        ("<meta charset=iso-8859-1><p>Müller".encode(), "utf-8"),
        (b"\xff\xfe" + "<p>Müller".encode("utf-16-le"), None),
        (b"\xef\xbb\xbf" + "<p>Müller".encode(), "iso-8859-1"),
        ("<p>Müller".encode(), "no-such-charset"),
        ("<p>Müller".encode(), "punycode"),
    ],
)
def test_text_is_read_whatever_the_charset(document, raw, charset):
    assert document(raw, charset=charset).lines == ["Müller"]


def test_header_charset_comes_before_meta(document):
    raw = "<meta charset=utf-8><p>Łódź".encode("iso-8859-2")
    assert document(raw, charset="iso-8859-2").lines == ["Łódź"]


def test_lines_follow_the_layout(document):
    html = "<div>one<p>two <b>bold</b></p>three</div><table><tr><td>a<td>b</table>x<br>y<script>no()</script><style>n"
    assert document(html).lines == ["one", "two bold", "three", "a", "b", "x", "y"]


def test_inline_tags_do_not_cut_a_number_and_links_are_set_off(document):
    assert document("<p>Tel <b>020</b> 7946 <i>0018</i>Email<a href=x>info@x.com</a></p>").lines == [
        "Tel 020 7946 0018Email info@x.com"
    ]


def test_a_picture_of_a_fax_machine_is_a_label(document):
    assert document('<p><img src="/images/fax.gif"> 123').lines == ["fax: 123"]


def test_links_resolve_against_base(document):
    page = document('<base href="/de/"><a href="kontakt.html#x">K</a><a href="http://[">bad</a>')
    assert page.absolute(page.links[0].href) == "https://acme-tools.com/de/kontakt.html"
    assert page.absolute(page.links[1].href) == "http://["


def test_text_is_bounded(document):
    page = document("<p>" + "word " * 400_000)
    assert len(page.text) <= MAX_TEXT * 1.01
    assert max(map(len, page.lines)) <= MAX_LINE


def test_real_markup_is_left_alone():
    html = b"<html><body>" + b"<div class='a' id=b><p>x</p></div>" * 500
    assert bounded(html) is html or bounded(html) == html


#: Each of these took between 2 and 50 seconds before it was bounded.
HOSTILE = {
    "nested": b"<div>" * 100_000,
    "nested formatting": b"<b><i><u>x" * 60_000,
    "attributes": b"<a " + b" ".join(b"a%d=1" % i for i in range(100_000)) + b">",
    "attributes after quotes": b"<a " + b"".join(b'a%d=">"' % i for i in range(100_000)) + b">",
    "fonts left open": b"".join(b"<p><font a=%d></p>" % i for i in range(50_000)),
    "open comments": b"<!--" * 200_000,
    "open quotes": b'<a x="' * 150_000,
    "unclosed tables": b"<table><tr><td>" * 60_000,
    "angle brackets": b"<" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_markup_is_parsed_in_bounded_time(document, name):
    started = time.process_time()
    page = document(HOSTILE[name] + b"<p>the end")
    assert page.lines is not None
    assert time.process_time() - started < 6


def test_text_behind_too_deep_markup_is_kept(document):
    html = "<div>" * 5_000 + "<p>call 020 7946 0018</p>"
    assert "call 020 7946 0018" in document(html).text


def test_size_is_bounded():
    assert len(bounded(b"x" * (MAX_HTML + 10))) == MAX_HTML


def test_clean_and_squash():
    assert clean(" a\x00\x08b\u202e\n c \ud800", 10) == "ab c"
    assert clean("x" * 50, 10) == "x" * 10
    assert clean("<script>alert(1)</script>", 50) == "<script>alert(1)</script>"
    assert squash("Häagen & Co.") == "haagenandco"
