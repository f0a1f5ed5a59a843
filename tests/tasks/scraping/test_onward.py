"""Where home pages lead that are no pages of their own: told by the page alone, and by crawls of whole sites."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extraction.markup import Markup
from tasks.scraping.links import site_of
from tasks.scraping.onward import Step, could_lead_on, folder_of, step_from
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import BEHAVIOURS, HOME, Asked, Behaviour, HostileServer, send

URL = "https://www.acme.de/start/"
LONG = "We build pumps for small and large houses, and have done so since our grandfather began. " * 4


def _ours(netloc: str) -> bool:
    return site_of(netloc) == "acme.de"


def _step(html: str, refresh: str = "", url: str = URL, domain: str = "acme.de") -> Step | None:
    body = html.encode()
    return step_from(Markup(body), url, refresh, _ours, domain) if could_lead_on(body, refresh) else None


def _led(html: str, refresh: str = "", **where: str) -> str | None:
    step = _step(html, refresh, **where)
    return step and step.url.removeprefix("https://www.acme.de")


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/de/", "/de/"),
        ("0;URL='/de/'", "/de/"),
        ("0; url = &quot;/de/&quot;", "/de/"),
        ("0;url=“/de/”", "/de/"),
        ("0;/de/", "/de/"),
        ("0;de/", "/start/de/"),
        ("0;?lang=de", "/start/?lang=de"),
        ("0, url=/de/", "/de/"),
        ("0 url=/de/", "/de/"),
        (" 3.5 ; url=/de/#top", "/de/"),
        ("0;url=//www.acme.de/x", "/x"),
        ("0;url=https://new.example/", "https://new.example/"),
        ("0;url=/d\n e/", "/d e/"),
        ("11;url=/de/", None),
        ("url=/de/", None),
        (".5;url=/de/", "/de/"),
        ("0;url=\\de\\?a\\b", "/de/?a\\b"),
        ("soon;url=/de/", None),
    ],
)
def test_refresh_is_read_as_browsers_do(content: str, target: str | None) -> None:
    for html in (
        f'<meta http-equiv="refresh" content="{content}">',
        f'<META CONTENT="{content}" HTTP-EQUIV=" Refresh">',
    ):
        assert _led(html) == target
        assert _led(f"<style>{'x' * 9_000}</style>{html}{LONG * 9}") == target, "wherever it stands"
        assert _led(f"<script>1</script><noscript>{html}</noscript>") == target
        assert _led(f"<noscript>{html}</noscript>{LONG}") is None, (
            "a page that is for all is better than the one for few"
        )
        assert _led(f"<!-- {html} --><template>{html}</template>") is None
    assert _led("", content.replace("&quot;", '"')) == target


@pytest.mark.parametrize("content", ["0", "0;", "3;url=", "5;url=''", "90", "x"])
def test_empty_page_that_asks_for_itself_again_leads_to_itself(content: str) -> None:
    html = f'<meta http-equiv=refresh content="{content}"><p>Please wait'
    assert _led(html) == _led("", content) == ("/start/" if content[0] in "035" else None)
    assert _led(html + LONG) is None
    assert _led(f"<noscript>{html}</noscript>") == _led(html)


def test_base_counts_for_elements_and_scripts_but_not_for_the_header() -> None:
    base = "<base href='/app/'>"
    assert _led(base + "<meta http-equiv=refresh content='0;url=x'>") == "/app/x"
    assert _led(base + "<script>location='./x'</script>") == "/app/x"
    assert _led(base, "0;url=x") == "/start/x"
    assert _led("<base href='//[bad'><meta http-equiv=refresh content='0;url=x'>") == "/start/x"


@pytest.mark.parametrize(
    ("script", "target"),
    [
        ('window.location.href = "/de/";', "/de/"),
        ("location.replace('/de/')", "/de/"),
        ("window.location.assign( '/de/' );", "/de/"),
        ("document.location='\\/de\\/'", "/de/"),
        ("top.location.href='/de/' + window.location.search;", "/de/"),
        ("setTimeout(\"location.href='/de/'\", 900)", "/de/"),
        ("self.location='index_de.htm'", "/start/index_de.htm"),
        ("if (navigator.language == 'fr') { location = '/fr/' } else { location = '/de/' }", "/de/"),
        ("location.href = '/' + lang", None),
        ("if (location == '/de/') go()", None),
        ("var location = '/de/'", None),
        ("map.location = '/de/'", None),
        ("location = 'Berlin'", None),
        ("location.replace('/browser-unsupported.html')", None),
        ("location.href = 'javascript:void(0)'", None),
    ],
)
def test_script_that_only_moves_on_leads_on(script: str, target: str | None) -> None:
    assert _led(f"<title>Acme</title><script>{script}</script><p>You are being redirected.") == target
    assert _led(f"<script>{script}</script><p>{LONG}") is None
    assert _led(f"<div id=root></div><script>{script}</script>") is None, "an application"
    assert _led(f"<script src='/x.js'>{script}</script>") is None


def test_script_in_onload_and_refresh_for_browsers_that_cannot() -> None:
    assert _led("<body onload=\"location.replace('/de/')\">") == "/de/"
    assert _led("<noscript><meta http-equiv=refresh content='0;url=/no-javascript.html'></noscript>") is None


@pytest.mark.parametrize(
    ("frames", "target"),
    [
        ("<frame src=http://web.example/falk/>", "http://web.example/falk/"),
        ("<frame src=menu.htm name=menu><frame src=text.htm name=Inhalt>", "/start/text.htm"),
        ("<frame src=text.htm name=mainFrame><frame src=menu.htm name=menu>", "/start/text.htm"),
        ("<frame src=a.htm><frame src=b.htm>", "/start/b.htm"),
        ("<frame src=about:blank><frame src=a.htm><frame src=''>", "/start/a.htm"),
        ("<frame src=javascript:x()>", None),
    ],
)
def test_frameset_leads_to_the_frame_that_is_the_page(frames: str, target: str | None) -> None:
    assert (
        _led(f"<title>Acme</title><FRAMESET cols='200,*'>{frames}<noframes><body>No frames.</noframes></frameset>")
        == target
    )


def test_largest_frame_is_taken() -> None:
    assert _led("<frameset rows='10%,80%,10%'><frame src=a><frame src=b><frame src=c></frameset>") == "/start/b"
    inner = "<frameset rows='90%,10%'><frame src=b><frame src=c></frameset>"
    assert _led(f"<frameset cols='20%,80%'><frame src=a>{inner}</frameset>") == "/start/b"
    assert _led("<frameset rows='9,?,1e999'><frame src=a><frame src=b></frameset>") is not None


@pytest.mark.parametrize(
    ("html", "target"),
    [
        ("<iframe src=http://web.example/falk/ width=100% height=100%></iframe>", "http://web.example/falk/"),
        ("<noscript><iframe src=//www.googletagmanager.com/ns.html></iframe></noscript><iframe src=/x></iframe>", "/x"),
        ("<iframe src=https://www.youtube.com/embed/1></iframe>", None),
        ("<iframe src=/x height=0 width=0></iframe>", None),
        ("<iframe src=/x style='position:absolute; left: -9999px'></iframe><iframe hidden src=/y></iframe>", None),
        ("<iframe src=https://consent.cookiebot.com/x></iframe><iframe src=/start.html></iframe>", "/start.html"),
        ("<iframe src=about:blank data-src=/x></iframe>", "/x"),
        ("<object type=text/html data=/x></object>", "/x"),
        ("<object type=application/pdf data=/x></object>", None),
        ("<iframe src=/x style='display: none'></iframe>", None),
        ("<iframe src=http://web.example/></iframe><a href=/contact>Contact</a>", None),
        ("<iframe src=http://web.example/></iframe>" + LONG, None),
    ],
)
def test_frame_in_an_empty_page_is_the_page(html: str, target: str | None) -> None:
    assert _led(html) == target


LANGUAGES = "<a href=/en/>English</a> <a href=/de/>Deutsch</a> <a href=/fr/>Français</a>"


@pytest.mark.parametrize(
    ("html", "domain", "target"),
    [
        (LANGUAGES, "acme.de", "/de/"),
        (LANGUAGES, "acme.com", "/en/"),
        (LANGUAGES, "acme.fr", "/fr/"),
        (LANGUAGES.replace("/en/", "/uk/").replace("English", "Українська"), "acme.com", "/uk/"),
        (LANGUAGES + "<a href=/impressum>Impressum</a><a href=https://x.example/>Web design</a>", "acme.de", "/de/"),
        (
            "<a href=/d.htm><img src=d.gif alt=deutsch></a><a href=/e.htm><img alt='English version'></a>",
            "acme.de",
            "/d.htm",
        ),
        ("<a href=/?lang=de><img src=de.svg></a><a href=/?lang=en><img src=en.svg></a>", "acme.de", "/?lang=de"),
        ("<svg><a xlink:href=/x><text>x</text></a></svg>" + LANGUAGES, "acme.de", "/de/"),
        ("<a href=/x hreflang=de-AT></a><a href=/y hreflang=en></a>", "acme.at", "/x"),
        ("<a href=/de/>DE</a> | <a href=/nl/>NL</a>", "acme.nl", "/nl/"),
        ("<a href=/de-de/>Deutschland</a><a href=/de-at/>Österreich</a><a href=/en-gb>UK</a>", "acme.at", "/de-at/"),
        ("<a href=/de-de/>Deutschland</a><a href=/fr_fr>France</a><a href=/en-gb>UK</a>", "acme.com", "/en-gb"),
        (
            "<button onclick=\"location.href='/de/'\">Deutsch</button><a onclick=\"location='/en/'\">English</a>",
            "acme.de",
            "/de/",
        ),
        (
            "<a href=1.html><img src=img/flag_de.gif></a><a href=2.html><img src=english.png></a>",
            "acme.de",
            "/start/1.html",
        ),
        ("<a href=1.html aria-label=English></a><a href=2.html lang=de>Weiter</a>", "acme.de", "/start/2.html"),
        ("<a href=/i1.htm>Welcome</a><a href=/i2.htm>Herzlich willkommen</a>", "acme.de", "/i2.htm"),
        ("<a href=/i1.htm>D</a> <a href=/i2.htm>F</a> <a href=/i3.htm>I</a>", "acme.ch", "/i1.htm"),
        ("<a href=\"javascript:location.href='/d/'\">Deutsch</a><a href=/e/>English</a>", "acme.de", "/d/"),
        (
            "<select onchange='location=value'><option value=''><option value=/e/>English<option value=/d/>Deutsch",
            "acme.de",
            "/d/",
        ),
        (
            "<form action=/go><input type=hidden name=a><select name=l><option value=de>de<option value=en>en",
            "acme.de",
            "/go?a=&l=de",
        ),
        ("<form action=/d/><button>Deutsch</button></form><form action=/e/><button>English</button>", "acme.de", "/d/"),
        ("".join(f"<a href=/en-{chr(n)}b/>Land {n}</a>" for n in range(97, 123)) + LANGUAGES, "acme.de", "/de/"),
        ("<a href=/it/>IT services</a> <a href=/de/>Our team</a>", "acme.de", None),
        (LANGUAGES + f"<p>{LONG * 2}", "acme.de", None),
        (LANGUAGES + "<a href=mailto:info@acme.de>Mail</a>", "acme.de", None),
        (LANGUAGES + "info@acme.de", "acme.de", None),
        (LANGUAGES.replace("/de/", "/start/"), "acme.de", None),
        ("<a href=/de/>Deutsch</a>", "acme.de", None),
        ("<a href=/de/>Deutsch</a><a href=https://x.example/en/>English</a>", "acme.de", None),
        (LANGUAGES + "".join(f"<a href=/p{n}>Page {n}</a>" for n in range(6)), "acme.de", None),
    ],
)
def test_choice_of_languages_leads_to_the_companys(html: str, domain: str, target: str | None) -> None:
    assert _led(f"<h1>Acme</h1>{html}", domain=domain) == target


@pytest.mark.parametrize(
    ("html", "target"),
    [
        ("<p>Are you over 18?</p><a href=/home>Yes, I am</a><a href=https://www.google.com>No</a>", "/home"),
        ("<p>Sind Sie volljährig?</p><a href=/?alter=ja>Ja</a> <a href=/nein>Nein</a>", "/?alter=ja"),
        ("<p>Vous devez avoir l’âge légal.</p><a href=/accueil>Entrer</a><a href=/mentions>Mentions</a>", "/accueil"),
        (f"<p>We use cookies. {LONG}</p><a href=/main>I agree</a><a href=/privacy>Privacy</a>", "/main"),
        ("<p>Are you over 21?</p><a href=/no>No, I am not</a><a href=/home>Yes, I'm 21+</a>", "/home"),
        ("<p>Czy masz 18 lat?</p><a href=/nie>Nie</a><a href=/start>Tak, mam ukończone 18 lat</a>", "/start"),
        (f"<p>We use cookies. {LONG}</p><a href=/policy>Policy</a><a href=/?ok=1>Accept all cookies</a>", "/?ok=1"),
        ("<p>Nur für Fachkreise.</p><a href=/x>Ja, ich gehöre zu den Fachkreisen</a><a href=/y>Nein</a>", "/x"),
        ("<p>Are you 18?</p><form action=/ok><button name=age value=1>Yes</button></form>", "/ok?age=1"),
        ("<p>Are you 18?</p><form action=/ok method=post><button>Yes</button></form>", None),
        ("<p>Are you 18?</p><form action=/ok><input name=birthday><button>Yes</button></form>", None),
        ("<a href=/home.php><img src=logo.gif></a>", "/home.php"),
        ("<p>Vogt</p><a href=/yes><img src=logo.gif></a>", None),
        (
            "<p>We use cookies.</p><a href=/n>I do not agree</a><a href=/more>Yes to goods without sugar</a>",
            None,
        ),
        ("<a href=/index2.html><img src=a.jpg alt='Enter'></a>", "/index2.html"),
        ("<a href=/home.htm>Skip Intro</a>", "/home.htm"),
        ("<p>© 2018 Acme, cookies</p><a href=/index.html>Home</a><a href=/p>Products</a><a href=/c>Contact</a>", None),
        (f"<p>Tel. 030 18 21 18-20. {LONG}</p><a href=/p>Continue</a>", None),
        (f"<p>You must be 18 to read on. {LONG}</p><a href=/p>Continue</a>", "/p"),
        ("<p>Under construction</p><a href=/impressum>Impressum</a>", None),
        (f"<p>{LONG}</p><a href=/more>Continue</a>", None),
        (f"<p>Cookies. {LONG * 5}</p><a href=/more>Continue</a>", None),
        ("<p>Are you over 18?</p><a href=https://x.example/>Enter</a>", None),
    ],
)
def test_wall_with_a_way_on_is_passed(html: str, target: str | None) -> None:
    assert _led(html) == target


def test_ordinary_pages_stay() -> None:
    for html in (
        "",
        HOME.decode(),
        f"<p>{LONG}<iframe src=/map></iframe>",
        "<p>Refreshing drinks</p>",
        "<div id=app></div>",
    ):
        assert _step(html) is None
    with pytest.raises(ValueError):
        _step("<meta http-equiv=refresh content='0;url=http://a.example:99999/'>")


def test_folder_of_a_lent_host() -> None:
    folders = {"/falk/": "/falk/", "/falk/start/x.html": "/falk/", "/x.html": "/", "/": "/", "/de/": "/", "": "/"}
    assert {path: folder_of("http://web.example" + path) for path in folders} == folders


@pytest.mark.parametrize(
    "worst",
    [
        "<meta http-equiv=refresh content='" + " " * 900 + "0" * 90 + "'>",
        "<frameset cols='" + "1," * 99 + "'>" + "<frame src=a>",
        '<script>location="' + "a" * 400,
        "location.replace('\\\\" * 20,
        "<a href=/de/>" + "deutsch " * 50,
        "<iframe src=x><noscript>",
        "<div id=x>",
    ],
)
def test_worst_pages_take_no_time(worst: str) -> None:
    """The searches are bounded: sixteen times the page takes no more than about sixteen times the time."""
    for size in (60_000, 1_000_000):
        body = (
            "<title>x</title><meta http-equiv=refresh><frameset></frameset>" + worst * (size // len(worst))
        ).encode()
        began = time.process_time()
        step_from(Markup(body), URL, "", _ours, "acme.de")
        assert time.process_time() - began < size / 1_000_000 + 0.5


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_page_is_read(html: str, refresh: str) -> None:
    for text in (
        html,
        f"<meta http-equiv=refresh content='{html}'>",
        f"<a href='{html}'>Enter</a>",
        f"<frameset><frame src='{html}'>",
    ):
        try:
            step_from(Markup(text.encode("utf-8", "replace")), URL, refresh, _ours, "acme.de")
        except ValueError:
            assert "//" in html + refresh or "[" in html + refresh


def paged(pages: dict[str, bytes | dict[str, str]]) -> Behaviour:
    """A site of pages by path: HTML, or headers of an otherwise empty answer; 404 else."""

    async def act(asked: Asked, writer: Any) -> None:
        page = pages.get(asked.path)
        if isinstance(page, dict):
            send(writer, b"", 302 if "Location" in page else 200, page)
        else:
            send(writer, page or b"", 200 if page else 404)

    return act


def test_sites_are_got_into(crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds of ways in, each to the end, in one crawl."""
    age = "<p>Are you 18?</p><a href=/yes>Enter</a><a href=/imprint.html>Imprint</a>"
    lent = server.url("lender", "/falk/").encode()

    async def adult(asked: Asked, writer: Any) -> None:
        if asked.path == "/yes":
            send(writer, b"", 302, {"Location": "/", "Set-Cookie": "adult=1; Path=/"})
        else:
            send(writer, HOME if "adult=1" in asked.headers.get("cookie", "") else age.encode())

    sites: dict[str, Behaviour] = {
        "adult": adult,
        "steps": paged(
            {
                "/": b"<script>location.replace('/a')</script>",
                "/a": b"<meta http-equiv=refresh content='0;/b/'>",
                "/b/": b"<frameset><frame src=x.htm></frameset>",
                "/b/x.htm": LANGUAGES.encode(),
                "/en/": HOME,
            }
        ),
        "frames": paged(
            {
                "/": b"<frameset cols='30%,70%'><frame src=menu.htm><frame src=text.htm></frameset>",
                "/menu.htm": b"<a href=/impressum.htm>Impressum</a><a href=/kontakt.htm>Kontakt</a>",
                "/text.htm": b"<p>Acme",
                "/impressum.htm": b"<p>Acme GmbH",
                "/kontakt.htm": b"<p>Tel",
            }
        ),
        "tenant": paged({"/": b"<frameset rows='100%,*'><frame src=" + lent + b"></frameset>"}),
        "lender": paged(
            {
                "/": b"<p>Webspace",
                "/contact": b"<p>Hosting hotline",
                "/falk/": b"<a href=kontakt.htm>Kontakt</a><a href=/contact>Contact</a><a href=/about>About</a>",
                "/falk/kontakt.htm": b"<p>Tel",
            }
        ),
        "header": paged({"/": {"Refresh": "0; url=/real"}, "/real": HOME}),
        "header-nowhere": paged({"/": {"Refresh": "0; url=/gone"}}),
        "nowhere": paged({"/": b"<iframe src=/gone></iframe><script>1</script>"}),
        "circle": paged(
            {
                "/": b"<script>location='/a'</script>You will be taken to the workshop of Vogt.",
                "/a": b"<script>location='/'</script>You will be taken to the workshop of Vogt.",
            }
        ),
        "endless": paged(
            {
                "/"
                + "x"
                * n: f"<script>location='/{'x' * (n + 1)}'</script>You will be taken to the workshop of Vogt.".encode()
                for n in range(20)
            }
        ),
    }
    for name, act in sites.items():
        monkeypatch.setitem(BEHAVIOURS, name, act)
    crawled = crawl(*(name for name in sites if name != "lender"), max_depth=1)

    def pages(name: str) -> list[str]:
        found = [page["final_url"] for page in crawled.pages if page["domain"] == f"{name}.localhost"]
        return sorted(url.partition(f":{server.port}")[2] for url in found)

    assert crawled.company_errors() == ["the page does not exist (HTTP 404)"], "of header-nowhere"
    assert pages("header") == ["/real"]

    assert len(pages("adult")) == 6
    assert pages("steps") == ["/en/"]
    assert pages("frames") == ["/impressum.htm", "/kontakt.htm", "/menu.htm", "/text.htm"]
    assert pages("tenant") == ["/falk/", "/falk/kontakt.htm"]
    assert "/contact" not in server.paths("lender"), "what is not in the tenant's folder is the lender's"
    assert pages("nowhere") == ["/"]
    assert pages("circle") == ["/a"]
    assert pages("endless") == ["/xxxx"]
    rows = {row["domain"]: row["url"] for row in crawled.result.rows}
    assert rows["tenant.localhost"] == server.url("lender", "/falk/")
    assert not any(row["alias"] for row in crawled.result.rows), "who lends a folder is no other name of the company"


@pytest.mark.parametrize(
    "stub",
    [
        "<meta http-equiv=refresh content='0;url={}'>",
        "<script>location.replace('{}')</script>",
        "<frameset><frame src={}></frameset>",
        "<h1>Kontakt</h1><iframe src={} width=100%></iframe>",
    ],
)
def test_a_further_page_that_is_but_the_way_to_one_is_followed_within_the_site(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch, stub: str
) -> None:
    home = b"<title>Vogt</title><a href=/kontakt>Kontakt</a><a href=/impressum>Impressum</a>"
    elsewhere = stub.format(server.url("plain", "/about")).encode()
    pages: dict[str, Any] = {"/": home, "/kontakt": stub.format("/k/4.html").encode(), "/k/4.html": LONG.encode()}
    monkeypatch.setitem(BEHAVIOURS, "stubs", paged({**pages, "/impressum": elsewhere}))
    crawled = crawl("stubs", max_pages=3)
    found = {page["final_url"]: page["kind"] for page in crawled.pages}
    assert found[server.url("stubs", "/k/4.html")] == "contact"
    assert "/about" not in server.paths("plain")


@pytest.mark.parametrize(
    "how", ["<iframe src={}></iframe>", "<script>location='{}'</script>", "<frameset><frame src={}>"]
)
@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/", "file:///etc/passwd", "//10.0.0.1/"])
def test_no_step_leads_off_the_public_web(crawl: Crawl, monkeypatch: pytest.MonkeyPatch, how: str, target: str) -> None:
    monkeypatch.setitem(BEHAVIOURS, "trap", paged({"/": how.format(target).encode()}))
    crawled = crawl("trap")
    # A frameset is a page of its own; a script or a frame alone shows nothing.
    assert len(crawled.pages) == (not how.startswith("<script"))
    errors = crawled.page_errors() or crawled.company_errors()
    assert target.startswith("file") or all("not a public address" in error for error in errors)
