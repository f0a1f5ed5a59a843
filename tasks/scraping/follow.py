"""Following redirects: with the cookies that were set on the way, without loops, and not off the company's site.

A downloader middleware in place of Scrapy's, which knows no cookies here, loses a redirect onto a page already seen,
and takes whatever page stands at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.http import Response

from leadmill.errors import ErrorCategory
from leadmill.redaction import shown_address
from tasks.scraping.company_crawl import CompanyCrawl
from tasks.scraping.cookies import CookieJar
from tasks.scraping.failures import Fault, PageError, SeenPageError
from tasks.scraping.soft_404 import PROBE

#: Longest address that a redirect is followed to, bytes: a header may be so long that reading it as an address takes
#: a third of a second, at each of eight hops, while the loop stands still.
MAX_LOCATION = 4_000


def without_user(url: str) -> str:
    """A URL without user name and password: no site logs us in to itself or to another, nor leaves its own in a row."""
    parts = urlsplit(url)
    return url if "@" not in parts.netloc else parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class Way:
    """The addresses on the way to a page, each with the cookies (`CookieJar.version`) it was asked with.

    Whoever is sent back to an address with cookies that it has not seen is not in a loop: some sites redirect until
    their cookie comes back.
    """

    def __init__(self, asked: dict[str, int] | None = None) -> None:
        self._asked = asked or {}

    def after(self, url: str, version: int) -> Way:
        """The way one step further."""
        return Way({**self._asked, url: version})

    def was_at(self, url: str, version: int) -> bool:
        """Whether an address was asked for just so."""
        return self._asked.get(url) == version

    def addresses(self) -> list[str]:
        """All addresses, the first one first."""
        return list(self._asked)


def way_of(meta: Mapping[str, Any]) -> Way:
    """The way that a request or an answer has come."""
    way: Way | None = meta.get("way")
    return way or Way()


class FollowMiddleware(RedirectMiddleware):
    """Scrapy's redirects with `meta["cookies"]`, without a second fetch of a page that the company has."""

    def process_response(  # type: ignore[override]  # Scrapy looks whether `spider` is asked for
        self, request: Request, response: Response
    ) -> Request | Response:
        """Take the cookies of an answer, and follow it where it is a redirect.

        Raises:
            PageError: it leads in a loop, to what is no address, or off the company's site.
            SeenPageError: it leads to a page asked for already.
        """
        jar: CookieJar = request.meta["cookies"]
        version = request.meta["asked_with"] = jar.version
        if b"Set-Cookie" in response.headers:
            jar.take(request.url, response.headers.getlist(b"Set-Cookie"))
        if not 300 <= response.status < 400:
            return response
        if len(response.headers.get("Location") or b"") > MAX_LOCATION:
            words = f"the page redirects to an address of more than {MAX_LOCATION:,} characters"
            raise PageError(Fault(ErrorCategory.DATA, words, status=response.status))
        try:
            result = super().process_response(request, response)
        except ValueError as error:
            fault = Fault(ErrorCategory.DATA, "redirects to what is no address, which is not followed")
            raise PageError(fault) from error
        if not isinstance(result, Request):
            return result
        result = result.replace(url=without_user(result.url))
        way = way_of(request.meta).after(request.url, version)
        if way.was_at(result.url, jar.version):
            words = "the page redirects in a loop" + (", whatever cookies are sent back" if jar.version else "")
            raise PageError(Fault(ErrorCategory.DATA, words, status=response.status))
        result.meta["way"] = way
        company: CompanyCrawl | None = request.meta.get("company")
        if company is not None:
            self._judge(company, request, result.url, way, response.status)
        return result

    @staticmethod
    def _judge(company: CompanyCrawl, request: Request, url: str, way: Way, status: int) -> None:
        """Whether the page at the end of a redirect is the company's, and one it has not got."""
        if request.meta["kind"] != "home":
            # An address that cannot be there is asked to see where it ends, be it at a page that is known.
            if request.meta["kind"] != PROBE and company.holds(url, way.addresses()):
                raise SeenPageError("redirects to a page that is there already")
            if not company.has(url):
                site = shown_address(urlsplit(url)._replace(path="", query="", fragment="").geturl())[:100]
                words = f"the page leads off the company's site, to {site}, and is left out"
                raise PageError(Fault(ErrorCategory.DATA, words, status=status))
        company.reach(url)

    def handle_referer(self, request: Request, response: Response) -> None:
        """No Referer is sent."""

    def _engine_started(self) -> None:
        """Nothing to look up: there is no Referer middleware."""
