"""The sample companies as files describe them, and what a host answers to a path.

A company is one TOML file; its pages are rendered once, when its host is first asked. Whatever is special
about a company (a delay, an old charset, robots.txt) is a key of its file.
"""

from __future__ import annotations

import gzip
import tomllib
from dataclasses import dataclass, field
from functools import cache, cached_property
from html import escape
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, complete but for the connection's own headers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def redirect(location: str, status: int = 301) -> Answer:
    """An answer that sends the client elsewhere."""
    return Answer(status, headers=(("Location", location),))


def plain_text(text: str, status: int = 200) -> Answer:
    """An answer of plain text."""
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


NOT_FOUND = Answer(404, b"<!doctype html><title>404</title><p>Not found", "text/html; charset=utf-8")


@dataclass(frozen=True)
class Page:
    """One page of a company; `title`, `description` and `body` are HTML as they stand on it."""

    path: str
    title: str
    body: str
    #: Text of its link in the navigation; empty: reached from another page only.
    label: str = ""
    description: str = ""
    #: Language tag, where the page differs from its company.
    lang: str = ""
    type: str = "text/html"


@dataclass(frozen=True)
class Company:
    """One file of `companies/`. Texts are HTML and go onto the pages unescaped: these files are ours."""

    host: str
    #: What the demo submits for it.
    submit: list[str]
    #: What a correct report says: see `truth.expected`.
    expected: dict[str, Any]
    #: Other hosts that serve the same pages, and hosts that only redirect to `host`.
    also_at: list[str] = field(default_factory=list)
    redirected_from: list[str] = field(default_factory=list)

    layout: str = "plain"
    lang: str = ""
    brand: str = ""
    head: str = ""
    footer: str = ""
    jsonld: str = ""
    social: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)

    charset: str = "utf-8"
    #: Where the charset is named: "header" (Content-Type) or "meta" (in the page only).
    charset_in: str = "header"
    #: Seconds before every answer.
    delay_s: float = 0.0
    #: Send gzip to everybody, asked or not.
    gzip: bool = False
    #: Status of the first answer to a request for a page (with `Retry-After: 1`).
    first_answer: int = 0
    #: The host cannot be connected to.
    down: bool = False
    #: Serves the traps of `hostile` beside its pages.
    hostile: bool = False
    sitemap: bool = False
    robots: str = "User-agent: *\nAllow: /\n"

    @classmethod
    def load(cls, file: Path) -> Company:
        """Read one file.

        Raises:
            TypeError: it has a key that no field has.
        """
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        pages = [Page(**page) for page in values.pop("pages", [])]
        return cls(pages=pages, **values)

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """What the company's own host answers, by path."""
        answers = {page.path: self._render(page) for page in self.pages}
        robots = self.robots
        if self.sitemap:
            robots += f"Sitemap: http://{self.host}/sitemap.xml\n"
            answers["/sitemap.xml"] = Answer(body=self._sitemap().encode(), content_type="application/xml")
        answers["/robots.txt"] = plain_text(robots)
        answers["/logo.svg"] = Answer(body=_LOGO, content_type="image/svg+xml")
        if self.pages and "/" not in answers:
            answers["/"] = redirect(self.pages[0].path, 302)
        return answers

    def _render(self, page: Page) -> Answer:
        body = page.body
        if page.type == "text/html":
            body = _layout(self.layout).render(
                company=self,
                page=page,
                lang=page.lang or self.lang,
                home=self.pages[0].path,
                nav=[item for item in self.pages if item.label],
            )
        content = body.encode(self.charset, "xmlcharrefreplace")
        headers = dict(self.headers)
        if self.gzip:
            content = gzip.compress(content, mtime=0)
            headers["Content-Encoding"] = "gzip"
        kind = f"{page.type}; charset={self.charset}" if self.charset_in == "header" else page.type
        return Answer(200, content, kind, tuple(headers.items()))

    def _sitemap(self) -> str:
        places = "".join(f"<url><loc>http://{self.host}{escape(page.path)}</loc></url>" for page in self.pages)
        return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>'


_LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4.5" cy="4.5" r="4"/></svg>'


@cache
def companies() -> tuple[Company, ...]:
    """All sample companies, in the order of their file names."""
    return tuple(Company.load(file) for file in sorted((_HERE / "companies").glob("*.toml")))


@cache
def companies_by_host() -> dict[str, Company]:
    """The company that stands behind each host name, redirecting hosts included."""
    return {
        host: company for company in companies() for host in (company.host, *company.also_at, *company.redirected_from)
    }


@cache
def _layout(name: str) -> Any:
    from jinja2 import Environment, FileSystemLoader

    # Nothing is escaped: the values are HTML of our own files, the hostile ones hostile on purpose.
    environment = Environment(loader=FileSystemLoader(_HERE / "layouts"), autoescape=False)  # noqa: S701
    return environment.get_template(f"{name}.html")
