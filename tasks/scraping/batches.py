"""Pages on their way out of a crawl, in batches: whoever takes them need not be asked for each."""

from __future__ import annotations

from collections.abc import Callable

from leadmill.rows import PageRow

#: Pages are handed over in batches of so many pages or bytes, whichever comes first.
BATCH_PAGES = 50
BATCH_BYTES = 8_000_000


class PageBatches:
    """Collects pages and hands them over."""

    def __init__(self, on_pages: Callable[[list[PageRow]], None]) -> None:
        self._on_pages = on_pages
        self._batch: list[PageRow] = []
        self._bytes = 0
        #: What `on_pages` raised; the crawl ends and raises it again, past Scrapy, which would only log it.
        self.broken: Exception | None = None

    def add(self, page: PageRow) -> None:
        """Take a page in, and hand the batch over when it is full."""
        self._batch.append(page)
        self._bytes += len(page["html"])
        if self.broken is None and (len(self._batch) >= BATCH_PAGES or self._bytes >= BATCH_BYTES):
            try:
                self.flush()
            except Exception as error:
                self.broken = error

    def flush(self) -> None:
        """Hand over the pages that wait for their batch to fill."""
        batch, self._batch, self._bytes = self._batch, [], 0
        if batch:
            self._on_pages(batch)
