"""What a crawl makes of pages that are none of the company's: their code, and no page; and of those that are."""

from __future__ import annotations

import asyncio
import secrets
from random import choices
from typing import Any

import pytest

from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import Asked, HostileServer, send

MENU = "".join(f"<a href='/{name}.html'>{name}</a>" for name in ("kontakt", "impressum", "leistungen", "referenzen"))
HOME = f"<title>Zimmerei Vogt - Dächer</title><h1>Zimmerei Vogt</h1>{MENU}<p>Dächer und Treppen.</p>"
IMPRINT = f"<title>Zimmerei Vogt</title>{MENU}<h1>Impressum</h1><p>Vogt GmbH, Tel. 030 23125400</p>"
OOPS = f"<title>Zimmerei Vogt</title>{MENU}<h1>Hoppla</h1><p>Fragen zum Baukasten? 030 23125499</p>"
GOODS = ("Gaube", "Carport", "Treppengeländer", "Dachstuhl", "Terrassenüberdachung", "Pergola", "Fachwerk", "Balkon")
GATE = "<title>Just a moment...</title><p>Checking</p>"


@pytest.fixture(autouse=True)
def sites(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site for each name: a function of the path that gives status, page and headers."""

    def site(name: str, answer: Any) -> None:
        async def behave(asked: Asked, writer: asyncio.StreamWriter) -> None:
            status, page, *headers = answer(asked.path)
            send(writer, page.encode(), status, *headers)

        monkeypatch.setitem(hostile_server.BEHAVIOURS, name, behave)

    own = {"/": HOME, "/impressum.html": IMPRINT}
    site("challenged", lambda path: (200, GATE, {"cf-mitigated": "challenge"}))
    site("forbidding", lambda path: (403, GATE))
    site("sold", lambda path: (200, "<title>x</title><h1>This domain is for sale</h1><p>Tel. 030 23125401</p>"))
    site("to-network", lambda path: (302, "", {"Location": "https://www.facebook.com/vogt"}))
    site("soft", lambda path: (200, own.get(path, OOPS)))
    site("soft-nonce", lambda path: (200, own.get(path, OOPS + f"<i>{secrets.token_hex(4)}: {path} am 27.11.2026</i>")))
    site("soft-goods", lambda path: (200, own.get(path, OOPS + f"<p>Neu bei uns: {' '.join(choices(GOODS, k=9))}</p>")))
    site("soft-moved", lambda path: (200, own.get(path, OOPS)) if path in (*own, "/fehler.html") else
         (302, "", {"Location": "/fehler.html"}))  # fmt: skip
    site("untitled", lambda path: (200, OOPS.replace("Baukasten", path)) if "html" in path and len(path) < 18 else
         (200, HOME) if path == "/" else (302, "", {"Location": "/"}))  # fmt: skip
    site("everywhere", lambda path: (200, HOME + f"<script>{secrets.token_hex(4)}</script>"))
    site("gated", lambda path: (200, HOME) if path == "/" else (403, GATE))


def codes(crawled: Any, scope: str) -> list[str]:
    return [error["code"] for error in crawled.result.errors if error["scope"] == scope]


def test_a_stand_in_is_an_error_with_its_code_and_no_page(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("challenged", "forbidding", "sold")
    assert not crawled.pages
    assert sorted(codes(crawled, "company")) == ["bot_wall", "bot_wall", "for_sale"]
    assert all(error["category"] == "data" for error in crawled.result.errors)
    assert "a bot wall keeps programs from the page (Cloudflare, HTTP 403)" in crawled.company_errors()


def test_pages_that_are_the_same_for_every_address_are_left_out(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("soft", "soft-nonce", "soft-goods", "soft-moved")
    assert sorted(page["url"].rpartition("/")[2] for page in crawled.pages) == [*[""] * 4, *["impressum.html"] * 4]
    assert set(codes(crawled, "page")) == {"soft_404"}
    for name in ("soft", "soft-nonce"):
        unknown = [path for path in server.paths(name) if path not in ("/", "/robots.txt") and len(path) > 18]
        assert len(unknown) == 1, "an address that cannot be there is asked for once"
        assert unknown[0].endswith(".html")


def test_pages_that_only_do_not_name_themselves_are_kept(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("untitled", "everywhere")
    assert len([page for page in crawled.pages if "untitled" in page["url"]]) == 5
    assert len([page for page in crawled.pages if "everywhere" in page["url"]]) == 5
    assert not crawled.result.errors


def test_a_site_with_a_home_page_is_good_though_others_are_walled(crawl: Crawl) -> None:
    crawled = crawl("gated")
    assert crawled.kinds() == ["home"]
    assert codes(crawled, "page") == ["bot_wall"] * 4
