"""What a crawl takes and gives: plain values that know neither Scrapy nor Celery."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from leadmill.errors import InputError
from leadmill.rows import ErrorRow, LedgerRow, ScrapedRow
from leadmill.traffic import Traffic
from pipelines.request.asked import CRAWL_LIMITS

USER_AGENT = "Leadmill/0.1 (company website crawler; obeys robots.txt rules for leadmill)"


@dataclass(frozen=True)
class CrawlOptions:
    """How far and how long a crawl goes; the bounds (`CRAWL_LIMITS`) are part of the contract.

    Raises:
        InputError: a value lies outside its bounds.
    """

    #: Pages of one company.
    max_pages: int = 6
    #: Links away from the home page.
    max_depth: int = 2
    respect_robots: bool = True
    #: Also what sites ask of every robot beside it is obeyed: `noindex`, `nofollow`, `Content-Signal: search=no`.
    respect_signals: bool = False
    #: The whole crawl ends after so many seconds and keeps what it has.
    deadline_s: float = 60.0
    #: One request, from dialling to the last byte, seconds.
    timeout_s: float = 15.0
    user_agent: str = USER_AGENT
    #: The page that was given is what is wanted: where it is not there, the home page of its host is none in its place.
    only_given: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in CRAWL_LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must be between {low} and {high}", field=name)
        if not self.user_agent.isascii() or not self.user_agent.isprintable() or len(self.user_agent) > 300:
            raise InputError("user_agent must be printable ASCII of at most 300 characters", field="user_agent")


class Seed(NamedTuple):
    """A company to crawl and where to begin."""

    company_id: str
    domain: str
    url: str
    #: The caller named no scheme: when https cannot be reached, http is tried.
    bare: bool = False
    #: Other hosts that were given for the same company: address, and whether it is bare.
    further: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class CrawlProgress:
    """Counts so far."""

    companies_done: int
    companies: int
    pages: int
    errors: int
    traffic: Traffic


@dataclass
class CrawlResult:
    """What a crawl leaves besides its pages: exactly one row or one company-scope error for each seed."""

    #: Good companies: `company_id, domain, url` (where the home page was found), `pages` (count), `scraped_at`.
    rows: list[ScrapedRow] = field(default_factory=list)
    #: Rows of `data.schemas.ERRORS` without origin; scope `company` where no page was got, else `page`.
    errors: list[ErrorRow] = field(default_factory=list)
    #: Rows of `data.schemas.LEDGER` without origin: what was asked, and what was not.
    ledger: list[LedgerRow] = field(default_factory=list)
    pages_fetched: int = 0
    #: HTTP requests sent, with robots.txt, redirects and repeats.
    requests: int = 0
    #: Of these by class of the answer: `2xx` … `5xx`, `other`, `none` where none came.
    answers: Counter[str] = field(default_factory=Counter)
    #: Bytes of bodies.
    received: int = 0
    #: Addresses that were not asked, by who refused: `robots`, `egress`, `blocks`.
    refused: Counter[str] = field(default_factory=Counter)
    ended: Literal["finished", "deadline", "stopped"] = "finished"

    @property
    def traffic(self) -> Traffic:
        """As the record of its job adds it up."""
        return Traffic.of(self.received, self.answers, {})
