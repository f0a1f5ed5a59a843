"""The ledger of a crawl: what was asked of which host, when, under which rule and with which answer; what was not.

Each request that goes out is one row, robots.txt, sitemaps, redirects and repeats among them. So is each address that
must not be asked, and, for a company at its end, some of those that were met and not asked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response

from leadmill.redaction import shown_address
from leadmill.rows import LedgerRow

#: Rows of one company that are kept; of addresses that were not asked, fewer.
MAX_ROWS, MAX_NOT_ASKED = 2_000, 50
_MAX_URL, _MAX_REASON = 2_000, 300


class Whose(NamedTuple):
    """The company for which something is asked."""

    company_id: str
    domain: str


class Entry:
    """A request while it is under way."""

    def __init__(self) -> None:
        self.is_sent = False
        self.at = datetime.now(UTC)
        self._began = 0.0
        self.response: Response | None = None
        #: Once it has ended; None where the company has no room for it.
        self.row: LedgerRow | None = None
        #: Known as soon as an answer begins to come.
        self.status: int | None = None

    def sent(self) -> None:
        """It goes out now."""
        self.is_sent, self.at, self._began = True, datetime.now(UTC), time.monotonic()

    def tell(self, reason: str) -> None:
        """Say more of an answer, once it has been looked at."""
        if self.row is not None:
            self.row["reason"] = reason[:_MAX_REASON]

    @property
    def took_ms(self) -> int | None:
        """Since it went out."""
        return round(1_000 * (time.monotonic() - self._began)) if self.is_sent else None


class Ledger:
    """Rows of `data.schemas.LEDGER` without origin, of one crawl."""

    def __init__(self, explain: Callable[[BaseException], str]) -> None:
        """`explain` says in a sentence why a request failed or was refused."""
        self._explain = explain
        self.rows: list[LedgerRow] = []
        self._rows_of: Counter[str] = Counter()
        self._not_asked_of: Counter[str] = Counter()

    @contextmanager
    def request(self, request: Request) -> Iterator[Entry]:
        """Note a request, however it ends; one that is not sent within the block was refused."""
        entry = Entry()
        request.meta["ledger"] = entry
        why: str | None = None
        try:
            yield entry
        except BaseException as error:
            why = self._explain(error)
            raise
        finally:
            answered = entry.status is not None
            outcome = ("answered" if answered else "failed") if entry.is_sent else "refused"
            size = len(entry.response.body) if entry.response is not None else None
            entry.row = self._add(request, entry.at, outcome, entry.status, size, entry.took_ms, why)

    @contextmanager
    def refusal(self, request: Request) -> Iterator[None]:
        """Note a request that is not made because of what is raised within the block."""
        try:
            yield
        except Exception as error:
            self._add(request, datetime.now(UTC), "refused", None, None, None, self._explain(error))
            raise

    def left_out(self, whose: Whose, addresses: Iterable[tuple[str, str]], why: str) -> None:
        """Note addresses (with their kinds) that a company's crawl met and did not ask."""
        at = datetime.now(UTC)
        for url, kind in addresses:
            if not self._has_room(whose, "left_out"):
                return
            self.rows.append(_row(whose, url, kind, at, "left_out", reason=why))

    def _add(
        self,
        request: Request,
        at: datetime,
        outcome: str,
        status: int | None,
        size: int | None,
        took_ms: int | None,
        why: str | None,
    ) -> LedgerRow | None:
        meta: dict[str, Any] = request.meta
        company = meta.get("company") or meta.get("asked_for")
        if company is None:
            return None
        whose = Whose(company.seed.company_id, company.seed.domain)
        if not self._has_room(whose, outcome):
            return None
        kind = "robots" if "robots" in meta else meta["kind"]
        row = _row(whose, request.url, kind, at, outcome, meta.get("robots_rule"), why)
        row |= {"status": status, "bytes": size, "took_ms": took_ms}
        self.rows.append(row)
        return row

    def _has_room(self, whose: Whose, outcome: str) -> bool:
        asked = outcome in ("answered", "failed")
        counts, most = (self._rows_of, MAX_ROWS) if asked else (self._not_asked_of, MAX_NOT_ASKED)
        counts[whose.company_id] += 1
        return counts[whose.company_id] <= most


def _row(
    whose: Whose, url: str, kind: str, at: datetime, outcome: str, robots: str | None = None, reason: str | None = None
) -> LedgerRow:
    url = shown_address(url)[:_MAX_URL]
    return {
        "company_id": whose.company_id,
        "domain": whose.domain,
        "host": urlsplit(url).netloc.lower(),
        "url": url,
        "kind": kind,
        "at": at,
        "outcome": outcome,
        "status": None,
        "bytes": None,
        "took_ms": None,
        "robots": robots,
        "reason": reason[:_MAX_REASON] if reason else None,
    }
