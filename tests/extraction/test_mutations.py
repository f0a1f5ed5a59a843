"""Pages broken in every way that chance finds are read like others: no error, no costly page, no value out of bounds.

In CI some hundred of them, the same ones each time; `make fuzz` breaks pages for minutes, others each time.
"""

from __future__ import annotations

import json
import os
import random
import time
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.extraction import own_pages
from data.schemas import STAGE_SCHEMAS, table
from extraction.enrich import enrich_rows
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company

SECONDS = float(os.environ.get("LEADMILL_TEST_FUZZ_SECONDS") or 0)
#: Broken companies in CI, of two pages each.
COMPANIES = 80
#: Longest text of a row, characters; of a fact's value.
LONGEST, LONGEST_FACT = 2_100, 500
#: Pieces that break readers: of markup, of JSON, of numbers, of what no file takes.
PIECES = tuple(
    piece.encode("utf-8", "surrogatepass")
    for piece in (
        "<", ">", "</", "<!--", "-->", "<![CDATA[", "<script>", "</script>", "<style>", "<template>", "<svg>",
        "<table>", "<div itemscope itemtype='http://schema.org/Organization'>", "<a href='tel:",
        "<a href=mailto:", "<br>" * 300, "<div>" * 200, "</td></tr>",
        '{"@type":"Organization","name":"\\ud800","telephone":["', "[[[[[[", "}}}", '"', "'", "\\", "&#0;",
        "&#x1F4A9;", "&amp;amp;", "&#xD800;", "\0", "\x07", "\x1b[31m", "\ufeff", "\u202e", "\u200b", "\ufffd",
        "\ud800", "١٢٣٤٥٦٧٨", "+49", "00000000000000000000", "0123-", "1-" * 400, "(" * 300, "@" * 50, "a@b.",
        ".@.", "%00", "%ff%fe", "http://", "https://[::1", "//", "x" * 3_000, "x@" * 300, "é" * 500,
        "GmbH " * 50, "© ", "\t\r\n", "1999 founded ", "12 employees ", "D-12345 ", "<meta charset=utf-16>",
        "<base href='javascript:0'>",
    )
)  # fmt: skip


def _cut(page: bytes, random_: random.Random) -> tuple[int, int]:
    start = random_.randrange(len(page) + 1)
    return start, min(len(page), start + int(random_.expovariate(1 / 80)))


def _delete(page: bytes, random_: random.Random, other: bytes) -> bytes:
    start, end = _cut(page, random_)
    return page[:start] + page[end:]


def _insert(page: bytes, random_: random.Random, other: bytes) -> bytes:
    start, _ = _cut(page, random_)
    return page[:start] + random_.choice(PIECES) + page[start:]


def _repeat(page: bytes, random_: random.Random, other: bytes) -> bytes:
    start, end = _cut(page, random_)
    return page[:end] + page[start:end] * random_.choice((2, 7, 60)) + page[end:]


def _swap(page: bytes, random_: random.Random, other: bytes) -> bytes:
    (a, b), (c, d) = sorted((_cut(page, random_), _cut(page, random_)))
    return page if b > c else page[:a] + page[c:d] + page[b:c] + page[a:b] + page[d:]


def _graft(page: bytes, random_: random.Random, other: bytes) -> bytes:
    start, _ = _cut(page, random_)
    of, to = _cut(other, random_)
    return page[:start] + other[of : to + 400] + page[start:]


def _flip(page: bytes, random_: random.Random, other: bytes) -> bytes:
    broken = bytearray(page)
    for _ in range(random_.choice((1, 10, 200))):
        broken[random_.randrange(len(broken))] = random_.randrange(256)
    return bytes(broken)


def _end(page: bytes, random_: random.Random, other: bytes) -> bytes:
    return page[: random_.randrange(len(page) + 1)]


def _other_case(page: bytes, random_: random.Random, other: bytes) -> bytes:
    start, end = _cut(page, random_)
    return page[:start] + page[start : end + 500].swapcase() + page[end + 500 :]


def _other_charset(page: bytes, random_: random.Random, other: bytes) -> bytes:
    return page.decode("utf-8", "replace").encode(
        random_.choice(("utf-16", "latin-1", "shift_jis", "utf-7")), "replace"
    )


WAYS: tuple[Callable[[bytes, random.Random, bytes], bytes], ...] = (
    _delete, _insert, _insert, _repeat, _swap, _graft, _flip, _end, _other_case, _other_charset,
)  # fmt: skip


def broken_pages(seed: int) -> tuple[str, list[dict[str, Any]]]:
    """(domain, two pages of it), each broken up to twelve times."""
    random_ = random.Random(seed)
    sites = own_pages.sites()
    site, other = random_.choice(sites), random_.choice(sites)
    pages = []
    for page in random_.sample(site.pages, 2):
        html = page["html"]
        for _ in range(random_.randint(1, 12)):
            html = random_.choice(WAYS)(html, random_, random_.choice(other.pages)["html"]) or b"<"
        charset = random_.choice((None, None, "utf-8", "windows-1252", "nonsense"))
        pages.append(
            {**page, "html": html, "charset": charset, "headers": {"server": "nginx\x00", "x-powered-by": "PHP"}}
        )
    return site.domain, pages


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def read(domain: str, pages: list[dict[str, Any]]) -> None:
    """Both stages over the pages: a row of each, that a file takes and no reader trips over."""
    rows, errors = process_pages([make_company(domain, len(pages))], pages, now=NOW, on_progress=lambda _: None)
    assert errors == [] and len(rows) == 1
    enriched, errors = enrich_rows(rows, pages, now=NOW, on_progress=lambda _: None)
    assert errors == [] and len(enriched) == 1
    row = dict(enriched[0])
    assert table(enriched, STAGE_SCHEMAS["enrich"], "job_x").num_rows == 1
    for text in texts(row):
        assert len(text) <= LONGEST, text[:200]
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cs")], repr(text[:300])
    assert all(len(fact["value"]) <= LONGEST_FACT and 0 <= fact["confidence"] <= 1 for fact in row["facts"])
    assert all(
        number[0] == "+" and number[1:].isdecimal() and number.isascii() for number in [*row["phones"], *row["fax"]]
    )
    assert all(address.count("@") == 1 and " " not in address and address.isprintable() for address in row["emails"])
    json.dumps(row, default=str).encode("utf-8")


@pytest.mark.timeout(120 + 2 * SECONDS)
def test_broken_pages_are_read_like_others() -> None:
    first = random.SystemRandom().randrange(10**9) if SECONDS else 0
    until = time.monotonic() + SECONDS
    seed = first
    while seed < first + COMPANIES or time.monotonic() < until:
        domain, pages = broken_pages(seed)
        try:
            read(domain, pages)
        except BaseException:
            print(f"seed {seed}, {domain}")
            raise
        seed += 1
    print(f"{2 * (seed - first)} broken pages read, seeds from {first}")
