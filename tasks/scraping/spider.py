"""The spider: turns answers into page rows, links into requests, and counts both, so that no request is lost unnoticed.

Requests go straight to the engine and rows straight to the caller; the spider yields nothing, because each
yielded object would cost a task of its own.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.http import Response
from twisted.python.failure import Failure

from extraction.budget import TOO_COSTLY, CompanyBudgets, CpuBudget, TooCostlyError
from extraction.markup import Markup
from extraction.page_keys import page_key
from leadmill.errors import ErrorCategory
from leadmill.rows import PageRow
from leadmill.traffic import Traffic
from pipelines.execution.marks import marks
from tasks.scraping.answers import charset_in, fault_of_answer, header, markup_of, may_lead_on, page_row
from tasks.scraping.batches import PageBatches
from tasks.scraping.company_crawl import CompanyCrawl
from tasks.scraping.contract import CrawlOptions, CrawlProgress
from tasks.scraping.download import CrawlEndedError, Transport
from tasks.scraping.failures import Fault, SeenPageError, fault_of
from tasks.scraping.follow import way_of, without_user
from tasks.scraping.headers import sent_headers
from tasks.scraping.hosts import Hosts
from tasks.scraping.ledger import Ledger
from tasks.scraping.links import classify, links_of
from tasks.scraping.onward import Step, could_lead_on, folder_of, step_from
from tasks.scraping.page_signals import PageSignals
from tasks.scraping.robots import ROBOTS_S
from tasks.scraping.scouts import in_turn
from tasks.scraping.sitemaps import read as read_sitemap
from tasks.scraping.soft_404 import PROBE, SAME_PAGE

#: Steps from a home page that is no page of its own to the one that is.
MAX_STEPS = 4
#: CPU seconds that looking for links may take on one page, and on all of one company. Meanwhile the loop stands still
#: for every other host, so it is less than the stages behind may take; thirty attackers fit into a crawl's deadline.
LINKS_S = 0.5
COMPANY_LINKS_S = 2.0

#: Of a page that killed a process before.
_REFUSED = Fault(ErrorCategory.DATA, TOO_COSTLY)

log = logging.getLogger(__name__)


class CompanySpider(Spider):
    """Crawls companies. Its counts hold `asked == answered + failed + dropped + cut` when the crawl has ended."""

    name = "companies"

    def __init__(
        self,
        *,
        companies: Sequence[CompanyCrawl],
        options: CrawlOptions,
        transport: Transport,
        hosts: Hosts,
        deadline: float,
        stop: threading.Event,
        on_pages: Callable[[list[PageRow]], None],
        refused: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.companies = companies
        self.refused = refused
        self.options = options
        self.transport = transport
        self.hosts = hosts
        self.ledger = Ledger(lambda error: fault_of(error).error)
        #: Monotonic time at which the crawl ends.
        self.deadline = deadline
        self._stop = stop
        self.batches = PageBatches(on_pages)
        self.asked = self.answered = self.failed = self.dropped = self.cut = 0
        self.pages = self.done = 0
        #: Asks whether a company's host answers; None where no robots.txt is asked.
        self.answers: Callable[[CompanyCrawl], Awaitable[bool]] | None = None
        #: Sitemaps that robots.txt names, by origin.
        self.sitemaps: dict[str, Sequence[str]] = {}
        self._budgets = CompanyBudgets(LINKS_S, COMPANY_LINKS_S)
        self._headers = sent_headers(options.user_agent)
        self._signals = PageSignals(options)

    async def start(self) -> AsyncIterator[Request]:
        """The home page of each company."""
        async for company in in_turn(self.companies, self.answers):
            if (request := self._request(company, company.entry.url, "home", 0, company.entry.meta())) is not None:
                yield request

    @property
    def headers(self) -> dict[bytes, bytes]:
        """What every request says of us."""
        return self._headers

    def budget_of(self, request: Request) -> CpuBudget:
        """What may be spent on unpacking an answer: of what its company's pages may cost, or for a robots.txt.

        Raises:
            TooCostlyError: nothing is left.
        """
        company: CompanyCrawl | None = request.meta.get("company")
        return CpuBudget(ROBOTS_S) if company is None else self._budgets.page(company.seed.company_id)

    def progress(self) -> CrawlProgress:
        """Counts so far."""
        errors = sum(len(company.errors) for company in self.companies)
        waits = self.hosts.waits() if self.done < len(self.companies) else {}
        traffic = Traffic.of(self.transport.received, self.transport.classes(), waits)
        return CrawlProgress(self.done, len(self.companies), self.pages, errors, traffic)

    def _request(self, company: CompanyCrawl, url: str, kind: str, depth: int, meta: dict[str, Any]) -> Request | None:
        """A request, counted; None when the URL is none, which is an error of that page."""
        try:
            request = Request(
                url,
                callback=self.on_sitemap if kind == "sitemap" else self.on_answer,
                errback=self.on_failure,
                # The company remembers what was asked; Scrapy's filter would lose redirects without a word.
                dont_filter=True,
                priority=-company.number,
                meta={
                    "company": company,
                    "cookies": company.cookies,
                    "kind": kind,
                    "depth": depth,
                    "asked_url": url,
                    **meta,
                },
            )
        except ValueError:
            fault = Fault(ErrorCategory.DATA, "not a URL that can be fetched")
            self._go_without(company, fault, {"asked_url": url, "kind": kind, **meta})
            return None
        company.ask(url, kind)
        self.asked += 1
        return request

    def on_answer(self, response: Response) -> None:
        """Callback of every request."""
        meta = response.meta
        company: CompanyCrawl = meta["company"]
        company.ended(meta["kind"])
        if company.done:
            self.dropped += 1
            return
        meta["digest"] = hashlib.sha256(response.body).hexdigest()[:16]
        if meta["kind"] == PROBE:
            self.dropped += 1
            self._settle(company, response)
        else:
            self._guarded(company, response, self._receive)
        self._go_on(company)

    def _guarded(self, company: CompanyCrawl, response: Response, act: Callable[..., None]) -> None:
        """Act on a page, marked; what breaks is an error of the page."""
        counted = self.answered
        try:
            with marks().at(company.seed.company_id, response.meta["digest"]) as mark:
                if mark in self.refused:
                    self._miss(company, _REFUSED, response.meta)
                else:
                    act(company, response, markup_of(response))
        except Exception as error:
            log.exception("a page of %s could not be taken in", company.seed.domain)
            if self.answered == counted:
                self._miss(company, fault_of(error), response.meta)
            else:
                company.note(fault_of(error), response.meta["asked_url"])

    def _receive(self, company: CompanyCrawl, response: Response, page: Markup) -> None:
        meta, seed = response.meta, company.seed
        fault = self._budgets.within(seed.company_id, lambda: fault_of_answer(response, page, seed.domain))
        company.gave_page |= fault is None
        meta["is_shell"] = fault is not None and may_lead_on(fault, response, company.cookies.version)
        meta["unwanted"] = self._signals.read(response) if fault is None else None
        if (fault is None or meta["is_shell"]) and self._led_on(company, response, page):
            return
        if (fault := fault or meta["unwanted"]) is not None:
            self._miss(company, fault, meta)
        elif "guess" in meta and not company.is_guessed(meta, response.body, charset_in(response)):
            self._go_without_guess(company, None, meta)
        elif company.same_everywhere.holds_back(response):
            company.awaits(meta["kind"])
            if (url := company.same_everywhere.probe()) is not None:
                self._crawl(company, url, PROBE, meta["depth"])
        else:
            self._take_unless_same(company, response, page)

    def _take_unless_same(self, company: CompanyCrawl, response: Response, page: Markup) -> None:
        same, key = company.same_everywhere, company.seed.company_id
        if same.knows and self._budgets.within(key, lambda: same.is_one(page, response.url)):
            self._miss(company, SAME_PAGE, response.meta)
        else:
            self._take(company, response, page)

    def _settle(self, company: CompanyCrawl, probed: Response | None) -> None:
        """It is known what an address shows that does not exist: decide about the pages held back for it."""
        for response in company.same_everywhere.settle(probed, self._budgets.page(company.seed.company_id)):
            company.ended(response.meta["kind"])
            self._guarded(company, response, self._take_unless_same)

    def on_failure(self, failure: Failure) -> None:
        """Errback of every request."""
        request: Request = failure.request  # type: ignore[attr-defined]
        company: CompanyCrawl = request.meta["company"]
        company.ended(request.meta["kind"])
        error: BaseException = failure.value  # type: ignore[assignment]
        if self.transport.ended and isinstance(error, CrawlEndedError):
            self.cut += 1
            if request.meta["kind"] == PROBE and not company.done:
                self._settle(company, None)
            if "led_by" in request.meta and not company.done:
                self._go_without(company, fault_of(error), request.meta)
            return
        if request.meta["kind"] == PROBE and not company.done:
            self.dropped += 1
            self._settle(company, None)
        elif company.done or (isinstance(error, SeenPageError) and request.meta["kind"] != "home"):
            self.dropped += 1
        else:
            self._miss(company, fault_of(error), request.meta)
        self._go_on(company)

    def on_sitemap(self, response: Response) -> None:
        """Callback of sitemaps; they are no pages, and one that is not there is missed by nobody."""
        company: CompanyCrawl = response.meta["company"]
        company.ended("sitemap")
        self.dropped += 1
        if not company.done and response.status == 200:
            try:
                with self._budgets.page(company.seed.company_id):
                    company.sitemap(read_sitemap(response.body), response.url, response.meta["depth"])
            except TooCostlyError:
                company.note(_REFUSED, response.meta["asked_url"])
            except Exception as error:
                log.exception("a sitemap of %s could not be taken in", company.seed.domain)
                company.note(fault_of(error), response.meta["asked_url"])
        self._go_on(company)

    def _miss(self, company: CompanyCrawl, fault: Fault, meta: dict[str, Any]) -> None:
        if "guess" in meta or meta["kind"] == "sitemap":
            self._go_without_guess(company, fault, meta)
            return
        self.failed += 1
        self._go_without(company, fault, meta)

    def _go_without(self, company: CompanyCrawl, fault: Fault, meta: dict[str, Any]) -> None:
        led_by = meta.get("led_by")
        if led_by and company.row is None and self._take_after_all(company, led_by[-1][0]):
            company.note(fault, meta["asked_url"])
        elif meta["kind"] != "home":
            company.missed(fault, meta["asked_url"], meta["kind"])
            self._ask_again(company, fault, meta)
        elif not self.transport.ended and company.entry.turn(fault, meta["asked_url"], way_of(meta).addresses()):
            self._crawl(company, company.entry.url, "home", 0, **company.entry.meta())
        else:
            url, fault = company.entry.verdict()
            company.fail(fault, url)
            self.done += 1

    def _ask_again(self, company: CompanyCrawl, fault: Fault, meta: dict[str, Any]) -> None:
        url = company.instead_of(meta["asked_url"], fault, meta)
        if url is not None and not self.transport.ended:
            self._crawl(company, url, meta["kind"], meta["depth"], again=True)

    def _go_without_guess(self, company: CompanyCrawl, fault: Fault | None, meta: dict[str, Any]) -> None:
        self.dropped += 1
        company.lacks(fault, meta["kind"])

    def _take_after_all(self, company: CompanyCrawl, response: Response) -> bool:
        """Take a home page that led nowhere: it is a page, too, and was dropped too early; a mere script is none."""
        if response.meta["is_shell"] or response.meta["unwanted"]:
            return False
        counted = self.answered
        try:
            with marks().at(company.seed.company_id, response.meta["digest"]):
                self._take(company, response, markup_of(response))
        except Exception as error:
            log.exception("a page of %s could not be taken in", company.seed.domain)
            if self.answered != counted:
                company.note(fault_of(error), response.url)
        if self.answered == counted:
            return False
        self.dropped -= 1
        return True

    def _led_on(self, company: CompanyCrawl, response: Response, page: Markup) -> bool:
        """Take the step that a page leads to, when it is no page of its own; True when there is one."""
        meta = response.meta
        led_by: tuple[tuple[Response, Step], ...] = meta.get("led_by", ())
        refresh = header(response, b"Refresh").decode("latin-1")
        is_none = meta["kind"] == "other" or "guess" in meta or len(led_by) >= MAX_STEPS
        if is_none or not could_lead_on(response.body, refresh):
            return False
        try:
            with self._budgets.page(company.seed.company_id):
                step = step_from(page, response.url, refresh, company.ours, company.seed.domain)
        except TooCostlyError:
            company.note(_REFUSED, meta["asked_url"])
            return False
        except ValueError:  # a port that is none, for one
            company.note(Fault(ErrorCategory.DATA, "refreshes to what is no address"), meta["asked_url"])
            return False
        if step is None or not step.url.startswith(("http:", "https:")):
            return False
        url = without_user(step.url)
        way = way_of(meta).after(response.url, meta["asked_with"])
        if way.was_at(url, company.cookies.version) or not company.may_follow(meta["kind"], url, step.why):
            return False
        self.dropped += 1
        self._crawl(company, url, meta["kind"], meta["depth"], led_by=(*led_by, (response, step)), way=way)
        return True

    def _take(self, company: CompanyCrawl, response: Response, page: Markup) -> None:
        meta = response.meta
        kind, depth = meta["kind"], meta["depth"]
        row = page_row(company.seed, response, kind, depth)
        self.answered += 1
        company.got(kind, row["html"], row["page_hash"])
        if kind == "home":
            framed = any(step.why == "frame" for _, step in meta.get("led_by", ()))
            lent = framed and not company.ours(urlsplit(response.url).netloc)  # by another's host: a folder of it
            company.note_home(response.url, folder_of(response.url) if lent else "/")
            company.home(response.url)
            self._ask_further(company)
        company.reach(response.url)
        self.pages += 1
        self.batches.add(row)
        if depth < self.options.max_depth and company.pages < self.options.max_pages and not self._is_over():
            self._offer_links(company, response, page, depth + 1)
            for led_by, step in meta.get("led_by", ()):
                if step.shows_links:
                    self._offer_links(company, led_by, markup_of(led_by), int(step.why != "frame"))

    def _ask_further(self, company: CompanyCrawl) -> None:
        """Ask for the other addresses that were given for the company: they are pages of it from the beginning."""
        for url, bare in company.entry.further()[: self.options.max_pages - 1]:
            company.note_home(url)
            if page_key(url) not in company.asked:
                self._crawl(company, url, classify(url)[0], 0, **({"bare": True} if bare else {}))

    def _is_over(self) -> bool:
        """Whether the crawl has ended, also before its loop has noticed: many answers can be queued."""
        return self.transport.ended or self._stop.is_set() or time.monotonic() >= self.deadline

    def _offer_links(self, company: CompanyCrawl, response: Response, page: Markup, depth: int) -> None:
        """Look for links on a page; one that is too costly to read leads nowhere."""
        try:
            with self._budgets.page(company.seed.company_id):
                is_closed = "nofollow" in response.meta
                links = [] if is_closed else links_of(page, response.url, company.ours, company.known(), company.met)
        except TooCostlyError:
            company.note(_REFUSED, response.meta["asked_url"])
        else:
            if response.meta["kind"] == "home":
                company.learn(response.url, page.utf8, links)
            company.offer(links, depth)

    def _go_on(self, company: CompanyCrawl) -> None:
        """Ask for the company's next pages, or close it."""
        if company.done or self.transport.ended:
            return
        for url, kind, depth, meta in company.choose(self._room(company), self._sitemaps_of(company)):
            self._crawl(company, url, kind, depth, **meta)
        if company.pending == 0 and not company.done:
            self.ledger.left_out(company.seed, company.left_out(), company.why_no_more)
            company.close()
            self.done += 1

    def _sitemaps_of(self, company: CompanyCrawl) -> Sequence[str]:
        return () if company.row is None else self.sitemaps.get("/".join(company.row["url"].split("/", 3)[:3]), ())

    def _room(self, company: CompanyCrawl) -> int:
        """How many more pages the host's own delay leaves time for."""
        assert company.row is not None or company.pending
        delay = self.hosts.of(company.row["url"] if company.row is not None else company.seed.url).delay
        if not delay:
            return self.options.max_pages
        return min(1, max(0, int((self.deadline - time.monotonic()) / delay))) - company.pending

    def _crawl(self, company: CompanyCrawl, url: str, kind: str, depth: int, **meta: Any) -> None:
        request = self._request(company, url, kind, depth, meta)
        engine = self.crawler.engine
        assert engine is not None
        if request is not None:
            engine.crawl(request)
