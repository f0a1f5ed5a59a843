"""Reading a page: charsets, layout lines, limits against hostile markup."""

from __future__ import annotations

import gc
import time
import weakref

import pytest

from extraction import process
from extraction.charset import codec_of
from extraction.document import Document
from extraction.enrichers import ENRICHERS
from extraction.findings import excerpt
from extraction.layout import MAX_LINE, MAX_TEXT
from extraction.markup_guard import MAX_HTML, bounded
from extraction.plain_markup import MAX_DEPTH, plain
from extraction.text import clean, squash
from leadmill.fact_fields import MAX_QUOTE
from tests.extraction.conftest import make_page


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


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF8", "utf-8"),
        (" 'Latin1' ", "cp1252"),
        ("x-gbk", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("shift_jis", "cp932"),
        ("utf-7", None),
        ("rot13", None),
        ("idna", None),
        ("base64", None),
        ("\0", None),
        ("", None),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label, codec):
    assert codec_of(label) == codec


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


def test_links_know_the_line_that_they_stand_in(document):
    page = document(
        "<p>one <a href=a>first</a></p><a href=b><div>two</div></a><a href=c><img alt='x'></a><p>three<a href=d></a>"
        "<noscript><a href=e>four</a></noscript>"
    )
    assert [(link.href, link.line) for link in page.links] == [("a", 0), ("b", 1), ("c", 2), ("d", 2), ("e", None)]


def test_a_finding_quotes_the_line_that_it_was_read_from(document):
    page = document(f"<p>Call 020 7946 0018<p>{'so much to say ' * 40} info@acme.com {'and more ' * 40}")
    assert page.found("phone", "020 7946 0018", "text", 0.8, line=0).quote == "Call 020 7946 0018"
    long = page.found("email", "info@acme.com", "text", 0.8, line=1)
    assert "info@acme.com" in long.quote and long.quote in page.lines[1] and len(long.quote) == MAX_QUOTE
    spelled = excerpt("Lorem ipsum. " * 20 + "Write to anna [at] acme.com", "anna@acme.com")
    parts = excerpt("Lorem ipsum. " * 20 + "Court Ulm, number HRB 7", {"number": "HRB 7", "court": None})
    assert spelled.endswith("anna [at] acme.com") and parts.endswith("HRB 7")
    said = page.found("name", "Acme", "json-ld", 0.9, node="json-ld:0", quote="Acme\ud800" * 99)
    assert (said.line, said.node, len(said.quote) <= MAX_QUOTE, "\ud800" in said.quote) == (
        None,
        "json-ld:0",
        True,
        False,
    )
    assert page.found("name", "Acme", "title", 0.9).quote == ""


def test_text_is_bounded(document):
    page = document("<p>" + "word " * 400_000)
    assert len(page.text) <= MAX_TEXT * 1.01
    assert max(map(len, page.lines)) <= MAX_LINE


def test_real_markup_is_left_alone():
    html = b"<html><body>" + b"<div class='a' id=b><p>x</p></div>" * 500
    assert bounded(html) is html or bounded(html) == html


def test_much_text_without_a_quote_of_one_kind_is_left_alone():
    html = b'<p class="a">far more words than a tag may have attributes</p>\n' * 3_000
    assert bounded(html) is html


#: Each of these took between 2 and 50 seconds before it was bounded.
HOSTILE = {
    "nested": b"<div>" * 100_000,
    "nested formatting": b"<b><i><u>x" * 60_000,
    "attributes": b"<a " + b" ".join(b"a%d=1" % i for i in range(100_000)) + b">",
    "attributes after quotes": b"<a " + b"".join(b'a%d=">"' % i for i in range(100_000)) + b">",
    "attributes between long values": b"<a "
    + b"".join(b"a%d=1 " % i if i % 12_000 else b'a%d="%b" ' % (i, b"<p>x</p> " * 7_000) for i in range(100_000))
    + b">",
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


def _depth(tree) -> int:
    deepest = depth = 0
    node = tree.root
    while node is not None:
        deepest = max(deepest, depth)
        following = node.first_child
        depth += following is not None
        while following is None and depth:
            following = node.next
            if following is None:
                node = node.parent
                depth -= 1
        node = following
    return deepest


@pytest.mark.parametrize(
    "html",
    [
        b"<!--><p>" + b"<div>" * 20_000,
        b"<!---><p>" + b"<div>" * 20_000,
        b"<!--a--!><p>" + b"<div>" * 20_000,
        b"<svg><title>" + b"<div>" * 20_000,
        b"<svg><style><!--</style>" + b"<div>" * 20_000,
        b"<math><mi><title></title>" + b"<div>" * 20_000,
        b"<select><style></select>" + b"<div>" * 20_000,
        b"<svg><![CDATA[<!--]]><p>" + b"<div>" * 20_000,
        b"<frameset><script></frameset></script>" + b"<div>" * 20_000,
        b"<script><!--<script></script>" * 5 + b"</script>" + b"<div>" * 20_000,
        b'<a =">" x=\'' + b"<div>" * 20_000,
        b"<optgroup>" * 20_000,
        b"<rtc>" * 20_000,
        b"<ul><li>" * 20_000,
        b"<table><td>" * 20_000,
        b"<button><p>" * 20_000,
        b"<a><div>" * 20_000,
        b"<svg><foreignObject>" * 20_000,
    ],
)
def test_no_markup_nests_deeper_than_the_parser_can_bear(document, html):
    page = document(html + b"<p>call 020 7946 0018")
    assert _depth(page.tree) < 5 * MAX_DEPTH


def test_formatting_elements_left_open_are_not_opened_again_without_end(document):
    fonts = b"".join(b"<font a=%d>" % number for number in range(1_000))
    page = document(b"<p>" + fonts + b"</p><p>x" * 1_000)
    assert len(page.tree.css("font")) < 300_000
    assert page.lines == ["x"] * 1_000


def test_attributes_of_all_root_tags_are_bounded(document):
    page = document(b"".join(b"<html a%d=1><body b%d=1>" % (n, n) for n in range(10_000)) + b"<p>x")
    assert sum(len(page.tree.css_first(root).attrs) for root in ("html", "body")) < 1_000
    assert page.lines == ["x"]


def test_what_a_charset_hides_is_guarded_all_the_same(document):
    raw = b"\xfe\xff" + ("<div>" * 20_000 + "<p>x").encode("utf-16-be")
    assert _depth(document(raw).tree) < 5 * MAX_DEPTH
    hidden = b"<d\x1b(Biv>" * 20_000  # an escape sequence that the charset swallows
    assert _depth(document(hidden, charset="iso-2022-jp").tree) < 5 * MAX_DEPTH


#: Real pages say these things in these ways.
ORDINARY = """<!DOCTYPE html><html lang="en"><head><title>Acme &amp; Sons</title><meta name=description
content='a "b" c'><base href="/x/"><script type="application/ld+json">{"@type":"Organization","name":"A < B","url":"http://a.b/"}</script>
<style>p > a { color: red }</style><!-- a <b> comment --></head><body class=home><h1>Acme <b>Tools</b></h1>
<p>First<p>Second <i class="fa">x</i> &copy; 2024<ul><li>one<li>two <a href=/contact>Contact <b>us</b></a></ul>
<table><tr><td>1<td>2<tr><td>a &lt; b</table><img src="logo.png" alt="Logo">
<svg><title>no</title><g><path d=x /></g></svg>
<select><option>A<option>B</select><textarea>typed <b></textarea><noscript><p>none</noscript><iframe src=/map></iframe>
<div itemscope itemtype="http://schema.org/Store"><span itemprop=name>Store</span></div><a href='/x"y'>odd</a>1 < 2
<form action=/s><input value="a>b"><button>Go</button></form><template><p>t</template></body></html>"""


def test_what_is_written_anew_says_the_same(document, monkeypatch):
    page = document(ORDINARY)
    monkeypatch.setattr("extraction.document.bounded", plain)
    again = document(ORDINARY)
    for part in ("lines", "links", "metas", "title", "html_lang", "base_url"):
        assert getattr(again, part) == getattr(page, part), part
    assert [told(node) for node in again.graph.nodes] == [told(node) for node in page.graph.nodes]
    for tag, attribute in (("img", "src"), ("iframe", "src"), ("form", "action")):
        assert again.tree.css_first(tag).attrs.get(attribute) == page.tree.css_first(tag).attrs.get(attribute)


@pytest.mark.parametrize("html", [ORDINARY, "<script>a < b</script>" * 20, "<p>1 < 2 <3 </ x>", "<a b=<c>>d"])
def test_what_is_written_anew_can_be_read_in_one_way_only(html):
    written = plain(html.encode())
    assert plain(written) == written
    assert b"<!" not in written


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


def test_a_page_is_given_back_as_soon_as_it_is_read():
    """Its tree is native memory, of which the collector knows nothing."""
    row = make_page(
        '<script type="application/ld+json">{"@type": "Organization", "name": "Acme Tools"}</script>'
        "<p>Acme Tools<p>Website by Pixel Studio, 020 7946 0018<p>12 High Street, London SW1A 1AA"
    )
    gc.disable()
    try:
        read = Document(row)
        assert any(finding.owner for finding in process._findings(read))
        assert read.graph.own
        looked = [list(enricher.look(read)) for enricher in ENRICHERS.all().values()]
        there = weakref.ref(read)
        del read
        assert looked
        assert there() is None
    finally:
        gc.enable()


def told(node):
    return node.id, node.types, {name: node.texts(name) for name in node.properties}
