"""The ledger of a crawl: what was asked of which host, when, under which rule and with which answer; what was not.

Each request that goes out is one row, robots.txt, sitemaps, redirects and repeats among them. So is each address that
must not be asked, and, for a company at its end, some of those that were met and not asked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request

from leadmill.redaction import shown_address
from leadmill.rows import LedgerRow
from tasks.scraping.contract import Seed

#: Rows of one company that are kept; of addresses that were not asked, fewer.
MAX_ROWS, MAX_NOT_ASKED = 2_000, 50
_MAX_URL, _MAX_REASON = 2_000, 300


class Entry:
    """A request while it is under way: `with` notes it, however it ends; one that is not sent in there was refused."""

    def __init__(self, ledger: Ledger, request: Request) -> None:
        self._ledger, self._request = ledger, request
        self.is_sent = False
        self.at = datetime.now(UTC)
        self._began = 0.0
        #: Once it has ended; None where the company has no room for it.
        self.row: LedgerRow | None = None
        #: Known as soon as an answer begins to come.
        self.status: int | None = None
        #: Bytes of the answer's body.
        self.size: int | None = None

    def __enter__(self) -> Self:
        self._request.meta["ledger"] = self
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.row = self._ledger.note(self._request, self, error)
        del self._request  # which holds the entry

    @property
    def outcome(self) -> str:
        if not self.is_sent:
            return "refused"
        return "failed" if self.status is None else "answered"

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

    def request(self, request: Request) -> Entry:
        """A block that notes a request."""
        return Entry(self, request)

    def refused(self, request: Request, error: Exception) -> None:
        """Note a request that is not made because of an error."""
        self.note(request, Entry(self, request), error)

    def left_out(self, seed: Seed, addresses: Iterable[tuple[str, str]], why: str) -> None:
        """Note addresses (with their kinds) that a company's crawl met and did not ask."""
        at = datetime.now(UTC)
        for url, kind in addresses:
            if not self._has_room(seed, "left_out"):
                return
            self.rows.append(_row(seed, url, kind, at, "left_out", reason=why))

    def note(self, request: Request, entry: Entry, error: BaseException | None) -> LedgerRow | None:
        """Note how a request has ended; None where it is nobody's, or the company has no room for it."""
        meta: dict[str, Any] = request.meta
        company = meta.get("company") or meta.get("asked_for")
        if company is None:
            return None
        seed: Seed = company.seed
        if not self._has_room(seed, entry.outcome):
            return None
        kind = "robots" if "robots" in meta else meta["kind"]
        why = self._explain(error) if error is not None else _in_place_of(meta.get("instead"))
        row = _row(seed, request.url, kind, entry.at, entry.outcome, meta.get("robots_rule"), why)
        row["status"], row["bytes"], row["took_ms"] = entry.status, entry.size, entry.took_ms
        self.rows.append(row)
        return row

    def _has_room(self, seed: Seed, outcome: str) -> bool:
        asked = outcome in ("answered", "failed")
        counts, most = (self._rows_of, MAX_ROWS) if asked else (self._not_asked_of, MAX_NOT_ASKED)
        counts[seed.company_id] += 1
        return counts[seed.company_id] <= most


def _in_place_of(missing: str | None) -> str | None:
    """Why a page was asked that nobody named (`Entry.meta`)."""
    return missing and f"asked in its place: {missing}"


def _row(
    seed: Seed, url: str, kind: str, at: datetime, outcome: str, robots: str | None = None, reason: str | None = None
) -> LedgerRow:
    url = shown_address(url)[:_MAX_URL]
    return {
        "company_id": seed.company_id,
        "domain": seed.domain,
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
