"""One company while it is crawled: what is asked, what is met, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from extraction.page_keys import page_key
from leadmill.errors import ErrorCategory
from leadmill.rows import ErrorRow, ScrapedRow, error_row
from tasks.scraping.contract import CrawlOptions, Seed
from tasks.scraping.cookies import CookieJar
from tasks.scraping.discovery import MANY_MISSES, MANY_PAGES, NEEDED, Discovery, is_of_kind
from tasks.scraping.entry import Entry
from tasks.scraping.expectation import ENOUGH, LUCK, Expectation
from tasks.scraping.failures import Fault
from tasks.scraping.links import Link, choose, site_of
from tasks.scraping.places import CONCURRENCY_PER_HOST
from tasks.scraping.sitemaps import Named, pages_of
from tasks.scraping.soft_404 import PROBE, SameEverywhere

#: Pages met and not yet asked for that are remembered, so that a link farm cannot fill the memory.
MAX_CANDIDATES = 400
#: Failures in a row (pages that merely do not exist aside) after which a host is left alone.
MAX_FAILURES_IN_A_ROW = 4
#: Pages that may turn out not to be there. They take none of the places of `max_pages`.
MAX_MISSES = 30


class Next(NamedTuple):
    """A request to make now."""

    url: str
    kind: str
    depth: int
    #: What else its answer must know: `guess` (no link led there), `any_type` (it need be no page).
    meta: dict[str, Any]


class CompanyCrawl:
    """A seed and the state of its crawl. It ends with exactly one row or one company-scope error."""

    def __init__(self, seed: Seed, options: CrawlOptions, number: int = 0) -> None:
        self.seed = seed
        #: Its place in line: what earlier ones ask for goes first, so that the first are done while the last begin.
        self.number = number
        self._options = options
        self.entry = Entry(seed, only_given=options.only_given)
        self.cookies = CookieJar()
        #: Domains whose pages are the company's, each with the folder below which: its own, those given with it, and
        #: those its home page led to.
        self._sites = {seed.domain: "/", site_of(_netloc(seed.url)): "/"}
        self._given = frozenset(self._sites)
        self._all_ours = True
        #: Keys of pages requested or reached by redirect.
        self.asked: set[str] = set()
        self.candidates: dict[str, tuple[Link, int]] = {}
        #: Addresses looked at (`links_of`).
        self.met: set[str] = set()
        self._taken: set[str] = set()
        self._digests: set[str] = set()
        self._discovery = Discovery()
        #: What is expected of further pages.
        self.expects = Expectation()
        self.pending = 0
        self.attempts = 0
        self.pages = 0
        self._failures = 0
        self._misses = 0
        self._lacks_time = False
        self.done = False
        #: An answer of it was a page, whether it is taken by now or not.
        self.gave_page = False
        self.row: ScrapedRow | None = None
        self.errors: list[ErrorRow] = []
        self.same_everywhere = SameEverywhere()

    def go_first(self) -> None:
        """What it still asks for goes before all others: its host let us wait, and the end is not to wait for it."""
        self.number = -1

    def ours(self, netloc: str) -> bool:
        """Whether pages of this host and port are the company's, all or some."""
        return site_of(netloc) in self._sites

    def has(self, url: str) -> bool:
        """Whether the page at an address is the company's."""
        parts = urlsplit(url)
        folder = self._sites.get(site_of(parts.netloc))
        return folder == "/" or (folder is not None and (parts.path + "/").startswith(folder))

    def may_follow(self, kind: str, url: str, why: str) -> bool:
        """Whether a page may be left for the one it leads to; one that is not the home page for ours, and new ones."""
        return kind == "home" or (why != "gate" and self.has(url) and page_key(url) not in self.asked)

    def holds(self, url: str, chain: list[str]) -> bool:
        """Whether a redirect leads to a page asked for apart from the chain that leads to it."""
        key = page_key(url)
        return key in self.asked and key not in {page_key(hop) for hop in chain}

    def known(self) -> set[str]:
        """Keys of all pages met."""
        return self.asked | self.candidates.keys()

    def note_home(self, url: str, folder: str = "/") -> None:
        """The home page was found there; its site, or a folder of it, is the company's."""
        self._sites.setdefault(site_of(_netloc(url)), folder)
        self._all_ours = self._all_ours and folder == "/"

    def learn(self, url: str, html: bytes, links: list[Link]) -> None:
        """What the home page says of where further pages may lie."""
        self._discovery.home(url, html, links)

    def offer(self, links: list[Link], depth: int) -> None:
        """Remember pages that could be asked for, those of a known kind first: there may be too many."""
        for link in sorted(links, key=lambda link: link.kind == "other"):
            if len(self.candidates) >= MAX_CANDIDATES:
                break
            if self._all_ours or self.has(link.url):
                self.candidates.setdefault(link.key, (link, depth))

    def choose(self, most: int, sitemaps: Sequence[str] = ()) -> list[Next]:
        """The requests to make now, at most `most` pages and no more than the host answers at a time.

        What was learned meanwhile decides about the next. Pages of no known kind wait until nothing is under way that
        could still lead to better ones.

        Args:
            sitemaps: addresses that the home page's robots.txt names.
        """
        self._lacks_time = most <= 0 and self.pending == 0
        room = self._room(most)
        if self.row is None or room <= 0:
            return []
        found = self._sitemaps(self.row["url"], sitemaps, room)
        found += self._pages(room - len(found))
        if not found and self.pending == 0:
            found = self._guesses(self.row["url"])[:room]
        return found

    def _room(self, most: int) -> int:
        pages = self._options.max_pages - self.pages - self.pending
        misses = self._options.max_pages + MAX_MISSES - self.attempts
        if self._failures >= MAX_FAILURES_IN_A_ROW or self._options.max_depth == 0:
            return 0
        return min(pages, misses, most, CONCURRENCY_PER_HOST - self.pending)

    def _pages(self, room: int) -> list[Next]:
        any_kind = self._options.max_depth < 2 or not self.expects.leading
        known = [link for link, _ in self.candidates.values()]
        links = choose(known, self._taken, room, self.expects, any_kind=any_kind)
        self._taken.update(link.kind for link in links)
        return [Next(link.url, link.kind, self.candidates.pop(link.key)[1], {}) for link in links]

    def _sitemaps(self, home: str, named: Sequence[str], room: int) -> list[Next]:
        """Sitemaps to ask: links led neither to contact nor imprint, or often to nothing, or many pages are wanted."""
        if not self._discovery.begun:
            met = self._taken.union(link.kind for link, _ in self.candidates.values())
            many = self._options.max_pages >= MANY_PAGES or self._misses >= MANY_MISSES
            if not many and not met.isdisjoint(NEEDED):
                return []
            self._discovery.begin(home, named)
        asked = self._discovery.next_sitemaps(self.ours, room)
        if not asked and self.expects.awaited["sitemap"] == 0:
            self._discovery.by_custom(home)
            asked = self._discovery.next_sitemaps(self.ours, room)
        return [Next(url, "sitemap", depth, {"any_type": True}) for url, depth in asked]

    def _guesses(self, home: str) -> list[Next]:
        """Of each page that matters and that nothing led to the likeliest path not tried yet."""
        found = []
        for kind in NEEDED:
            if kind not in self._taken and LUCK * self.expects.gain(kind) >= ENOUGH:
                paths = self._discovery.guesses(home, kind)
                link = next((link for link in paths if link.key not in self.asked and self.has(link.url)), None)
                if link is not None:
                    self._taken.add(kind)
                    found.append(Next(link.url, kind, 1, {"guess": True}))
        return found

    def sitemap(self, named: Named, url: str, depth: int) -> None:
        """A sitemap arrived."""
        self._discovery.take(named, url, depth)
        for link in pages_of(named, url, self.ours, self.asked):
            before, at = self.candidates.get(link.key, (link, 1))
            if link.key in self.candidates or (len(self.candidates) < MAX_CANDIDATES and self.has(link.url)):
                # A page that the site itself names is there: it goes before what only links lead to.
                self.candidates[link.key] = before._replace(strength=before.strength + 1), at

    def is_guessed(self, meta: dict[str, Any], html: bytes, charset: str | None) -> bool:
        """Whether a page that was only guessed is what it was hoped to be, and no other under any address."""
        return meta["digest"] not in self._digests and is_of_kind(html, charset, meta["kind"])

    def ask(self, url: str, kind: str) -> None:
        """A request was made."""
        self.asked.add(page_key(url))
        self.attempts += kind not in ("sitemap", PROBE)
        self.awaits(kind)

    def awaits(self, kind: str) -> None:
        """Something is under way."""
        self.pending += 1
        self.expects.awaited[kind] += 1

    def ended(self, kind: str) -> None:
        """A request is under way no more."""
        self.pending -= 1
        self.expects.awaited[kind] -= 1

    def reach(self, url: str) -> None:
        """A redirect leads there: the page need not be asked for again."""
        key = page_key(url)
        self.asked.add(key)
        self.candidates.pop(key, None)

    def got(self, kind: str, html: bytes, digest: str) -> None:
        """A page arrived."""
        self.pages += 1
        self._failures = 0
        self._digests.add(digest)
        if self.pages < self._options.max_pages:
            self.expects.take(kind, html)

    def missed(self, fault: Fault, url: str, kind: str) -> None:
        """A page did not arrive. Another of its kind may be tried; a missing home page ends the company."""
        if kind == "home":
            self.fail(fault, url)
            return
        self.lacks(fault, kind)
        self.note(fault, url)

    def instead_of(self, url: str, fault: Fault, meta: Mapping[str, Any]) -> str | None:
        """Where a page may be had that could not be reached: by http, or by the scheme and name of the home page.

        Sites name pages by `https:` that they have not, and by `www.`, or without, where nobody answers.
        """
        if not fault.unreachable or "again" in meta:
            return None
        if "bare" in meta:
            return "http" + url.removeprefix("https")
        home, asked = urlsplit(self.row["url"] if self.row is not None else url), urlsplit(url)
        is_same = (asked.hostname or "").removeprefix("www.") == (home.hostname or "").removeprefix("www.")
        other = urlunsplit(asked._replace(scheme=home.scheme, netloc=home.netloc))
        return other if is_same and other != url else None

    def lacks(self, fault: Fault | None, kind: str) -> None:
        """A page is not there; where it was only hoped for that is no fault of anybody, and no error."""
        # What is not there, or stands elsewhere, was answered by a host that works.
        status = None if fault is None else fault.status or 0
        absent = status is None or status in (404, 410) or 300 <= status < 400
        self._misses += absent
        # A host that hangs takes its time for each page: two at a time that got no answer are as telling as four.
        self._failures += 0 if absent else 2 if fault is not None and fault.hung else 1
        self._taken.discard(kind)

    def note(self, fault: Fault, url: str) -> None:
        """Something went wrong with one page."""
        self.errors.append(self._error("page", fault, url))

    def fail(self, fault: Fault, url: str | None = None) -> None:
        """The company ends without a page."""
        self.done = True
        self.errors.append(self._error("company", fault, url or self.seed.url))
        self._forget()

    def close(self) -> None:
        """The company ends with its row. Only called when it has pages."""
        self.done = True
        self._forget()
        assert self.row is not None
        self.row["pages"] = self.pages

    def home(self, url: str) -> None:
        """The home page arrived: there is a row from now on."""
        self.attempts = 1
        for failed, fault in self.entry.notes(url):
            self.note(fault, failed)
        self.row = {
            "company_id": self.seed.company_id,
            "domain": self.seed.domain,
            "url": url,
            "pages": 1,
            "alias": self._alias(url),
            "scraped_at": datetime.now(UTC),
        }

    def _alias(self, url: str) -> str | None:
        """The domain of a home page that is another one than was given; a host that lends a folder is none."""
        site = site_of(_netloc(url))
        return site if site not in self._given and self._sites.get(site) == "/" else None

    def left_out(self) -> list[tuple[str, str]]:
        """Addresses that were met and not asked, each with its kind."""
        return [(link.url, link.kind) for link, _ in self.candidates.values()]

    @property
    def why_no_more(self) -> str:
        """Why nothing more is asked of the company."""
        if self.pages >= self._options.max_pages:
            return f"{self.pages} pages were fetched, as many as the job allows"
        if self.attempts >= self._options.max_pages + MAX_MISSES:
            return f"{self.attempts} pages were asked for, and too many were not there"
        if self._failures >= MAX_FAILURES_IN_A_ROW:
            return f"{self._failures} requests in a row failed"
        if self._lacks_time:
            return "the host's own pace leaves no time for more"
        return "nothing more was expected of further pages"

    def end_unfinished(self, category: ErrorCategory, error: str) -> None:
        """End a company that the end of the crawl found unfinished."""
        if self.row is not None:
            self.close()
        else:
            self.fail(Fault(category, error))

    def _forget(self) -> None:
        self.candidates.clear()
        self._digests.clear()
        self.same_everywhere.forget()
        self.asked.clear()
        self.met.clear()

    def _error(self, scope: Literal["company", "page"], fault: Fault, url: str) -> ErrorRow:
        now = datetime.now(UTC)
        subject = self.seed._asdict()
        until = fault.until if scope == "company" else None
        return error_row(
            subject, scope, "scrape", fault.category, fault.error, now, url=url, status=fault.status, code=fault.code,
            deferred_until=datetime.fromtimestamp(until, UTC) if until is not None else None,
        )  # fmt: skip


def _netloc(url: str) -> str:
    return url.split("/", 3)[2] if "://" in url else url
