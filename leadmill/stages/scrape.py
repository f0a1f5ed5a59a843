"""Scrape: fetch the pages of a partition's companies. A row says that and when pages were fetched."""

from leadmill.stages import Queue, Stage

STAGE = Stage(
    name="scrape",
    after="launch",
    work="tasks.scraping.task:scrape",
    takes="run",
    queue=Queue.SCRAPING,
    columns={"pages": "int32", "alias": "text"},
    columns_before="facts",
    made_at="scraped_at",
    lacks="no pages: scrape again",
)
