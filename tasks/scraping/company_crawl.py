"""One company while it is crawled: what is asked, what is met, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from leadmill.errors import ErrorCategory
from leadmill.rows import ErrorRow, ScrapedRow, error_row
from tasks.scraping.contract import CrawlOptions, Seed
from tasks.scraping.cookies import CookieJar
from tasks.scraping.entry import Entry
from tasks.scraping.failures import Fault
from tasks.scraping.links import Link, choose, page_key, site_of

#: Pages met and not yet asked for that are remembered, so that a link farm cannot fill the memory.
MAX_CANDIDATES = 400
#: Failures in a row (pages that merely do not exist aside) after which a host is left alone.
MAX_FAILURES_IN_A_ROW = 4


class CompanyCrawl:
    """A seed and the state of its crawl. It ends with exactly one row or one company-scope error."""

    def __init__(self, seed: Seed, options: CrawlOptions) -> None:
        self.seed = seed
        self._options = options
        self.entry = Entry(seed)
        self.cookies = CookieJar()
        #: Domains whose pages are the company's, each with the folder below which: its own, those given with it, and
        #: those its home page led to.
        self._sites = {seed.domain: "/", site_of(_netloc(seed.url)): "/"}
        self._all_ours = True
        #: Keys of pages requested or reached by redirect.
        self.asked: set[str] = set()
        self.candidates: dict[str, tuple[Link, int]] = {}
        #: Addresses looked at (`links_of`).
        self.met: set[str] = set()
        self._taken: set[str] = set()
        self.pending = 0
        self.attempts = 0
        self.pages = 0
        self._failures = 0
        self.done = False
        self.row: ScrapedRow | None = None
        self.errors: list[ErrorRow] = []

    def ours(self, netloc: str) -> bool:
        """Whether pages of this host and port are the company's, all or some."""
        return site_of(netloc) in self._sites

    def has(self, url: str) -> bool:
        """Whether the page at an address is the company's."""
        parts = urlsplit(url)
        folder = self._sites.get(site_of(parts.netloc))
        return folder == "/" or (folder is not None and (parts.path + "/").startswith(folder))

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

    def offer(self, links: list[Link], depth: int) -> None:
        """Remember pages that could be asked for."""
        for link in links:
            if len(self.candidates) >= MAX_CANDIDATES:
                break
            if self._all_ours or self.has(link.url):
                self.candidates.setdefault(link.key, (link, depth))

    def choose(self, most: int) -> list[tuple[Link, int]]:
        """The pages to ask for now, at most `most`; they count as asked.

        Pages of no known kind wait until nothing is under way that could still lead to better ones.
        """
        chosen = self._pick(most, any_kind=self._options.max_depth < 2)
        if not chosen and self.pending == 0:
            chosen = self._pick(most, any_kind=True)
        return chosen

    def _pick(self, most: int, *, any_kind: bool) -> list[tuple[Link, int]]:
        room = self._options.max_pages - self.pages - self.pending
        room = min(room, 2 * self._options.max_pages - self.attempts, most)
        if self._failures >= MAX_FAILURES_IN_A_ROW:
            room = 0
        if room <= 0:
            return []
        links = choose([link for link, _ in self.candidates.values()], self._taken, room, any_kind=any_kind)
        self._taken.update(link.kind for link in links)
        return [self.candidates.pop(link.key) for link in links]

    def ask(self, url: str) -> None:
        """A request was made."""
        self.asked.add(page_key(url))
        self.pending += 1
        self.attempts += 1

    def reach(self, url: str) -> None:
        """A redirect leads there: the page need not be asked for again."""
        key = page_key(url)
        self.asked.add(key)
        self.candidates.pop(key, None)

    def got(self) -> None:
        """A page arrived."""
        self.pages += 1
        self._failures = 0

    def missed(self, fault: Fault, url: str, kind: str) -> None:
        """A page did not arrive. Another of its kind may be tried; a missing home page ends the company."""
        if kind == "home":
            self.fail(fault, url)
            return
        # What is not there, or stands elsewhere, was answered by a host that works.
        self._failures += fault.status not in (404, 410) and not 300 <= (fault.status or 0) < 400
        self._taken.discard(kind)
        self.note(fault, url)

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
            "scraped_at": datetime.now(UTC),
        }

    def end_unfinished(self, category: ErrorCategory, error: str) -> None:
        """End a company that the end of the crawl found unfinished."""
        if self.row is not None:
            self.close()
        else:
            self.fail(Fault(category, error))

    def _forget(self) -> None:
        self.candidates.clear()
        self.asked.clear()
        self.met.clear()

    def _error(self, scope: Literal["company", "page"], fault: Fault, url: str) -> ErrorRow:
        now = datetime.now(UTC)
        return error_row(
            self.seed._asdict(), scope, "scrape", fault.category, fault.error, now, url=url, status=fault.status
        )


def _netloc(url: str) -> str:
    return url.split("/", 3)[2] if "://" in url else url
