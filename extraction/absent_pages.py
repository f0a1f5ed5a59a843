"""Pages that a crawl asked for and that are not there, as its errors tell: nobody is sent to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

from extraction.page_keys import page_key
from leadmill.errors import WALLS, ErrorCode
from leadmill.rows import ErrorRow

#: The page is there, and shown to whoever opens it in a browser, or signs in.
_SHUT = frozenset({*WALLS, ErrorCode.LOGIN_ONLY, ErrorCode.SCRIPT_SHELL})
_GONE = (404, 410)


def absent_pages(errors: Iterable[ErrorRow]) -> dict[str, set[str]]:
    """The keys (`page_key`) of such pages by company id; errors of other kinds are passed over.

    A site's start page is never among them: one of its names may show another page than the rest do.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for error in errors:
        url, code = error["url"], error.get("code")
        is_absent = error["status"] in _GONE if code is None else code not in _SHUT
        if is_absent and url and error["scope"] == "page" and urlsplit(url).path.strip("/"):
            found[str(error["company_id"])].add(page_key(url))
    return found
