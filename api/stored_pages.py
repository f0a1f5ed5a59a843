"""Pages of a company's site as the crawl stored them, and one of them as it may be shown in a frame.

A frame's document holds nothing of the page but its text (`extraction.page_view`). Were that broken, its policy would
still let nothing run, load or be sent, in an origin of its own.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from fastapi.responses import Response

from api.company_files import places, rows_of
from data.lake import Lake
from extraction.page_view import View
from leadmill.errors import GoneError

Row = Mapping[str, Any]

#: Pages of a company that are listed.
MAX_PAGES = 200
_STYLE = Path(__file__).parent / "templates" / "stored_page.css"
_LISTED = ("final_url", "kind", "status", "page_hash", "fetched_at")
_READ = ("url", "final_url", "domain", "kind", "headers", "charset", "html", "page_hash", "fetched_at")
_FIELDS = ("facts", "candidates")
#: What is said above a page, and behind it.
_UNTOLD = "Which words told it is not kept: it was made of several things on this page"
_CUT = "The page goes on; this is its beginning"


class StoredPage(NamedTuple):
    """A page that is kept."""

    url: str
    kind: str
    status: int
    page_hash: str
    fetched_at: str
    #: What was read on it and taken, and what was not.
    facts: int
    candidates: int


def place_id(fact: Row) -> str:
    """Names a fact of a company's row in an address: the same as long as the page says the same."""
    said = "\0".join(str(fact[name]) for name in ("field", "value", "method", "page_hash"))
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:12]


def stored_pages(lake: Lake, row: Row) -> list[StoredPage]:
    """Those that the row was made of, in the order in which they were read; none where they were cleaned up."""
    found = [page for files in _files(lake, row) for page in rows_of(lake, files, row, _LISTED)]
    counts = {kind: _by_page(row, kind) for kind in _FIELDS}
    return [
        StoredPage(*(page[name] for name in _LISTED), *(counts[kind].get(page["page_hash"], 0) for kind in _FIELDS))
        for page in found[:MAX_PAGES]
    ]


def stored_page(lake: Lake, row: Row, page_hash: str) -> dict[str, Any]:
    """One of them with its HTML (of `data.schemas.PAGES`).

    Raises:
        GoneError: it is not kept, or not any more.
    """
    for files in _files(lake, row):
        if found := rows_of(lake, files, row, _READ, page_hash):
            return found[0]
    raise GoneError("this page of the site is not kept any more: it was cleaned up, or read anew since")


def facts_on(row: Row, page_hash: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """What was read on a page, each with whether it was taken."""
    for kind in _FIELDS:
        for fact in row.get(kind) or ():
            if fact["page_hash"] == page_hash:
                yield fact, kind == "facts"


def framed(view: View, *, of_fact: bool) -> Response:
    """A page as the document of a frame of ours; `of_fact`: the place of one was looked for."""
    untold = "" if view.where or not of_fact else f"<aside><h2>{_UNTOLD}</h2></aside>"
    cut = f"<aside><h2>{_CUT}</h2></aside>" if view.is_cut else ""
    document = (
        '<!doctype html><html lang="und"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>A stored page</title><style>{_style()}</style><main>{untold}{view.body}{cut}</main></html>"
    )
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src '{_digest()}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'self'; sandbox"
        ),
        "X-Frame-Options": "SAMEORIGIN",
    }
    return Response(document.encode("utf-8", "replace"), media_type="text/html; charset=utf-8", headers=headers)


@cache
def _style() -> str:
    return _STYLE.read_text(encoding="utf-8")


@cache
def _digest() -> str:
    return f"sha256-{b64encode(hashlib.sha256(_style().encode()).digest()).decode()}"


def _by_page(row: Row, kind: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for fact in row.get(kind) or ():
        found[fact["page_hash"]] = found.get(fact["page_hash"], 0) + 1
    return found


def _files(lake: Lake, row: Row) -> Iterator[list[Path]]:
    for job_id, partition in places(lake, row):
        yield lake.parts(job_id, "scrape", "pages", partition)
