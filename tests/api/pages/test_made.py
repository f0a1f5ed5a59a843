"""What pages are made of: files that are what they say, templates that a strict policy lets be, words of figures."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api import kept, page_words
from api.assets import assets
from api.page import POLICY
from api.pages import navigation, routers
from leadmill.access import Role
from leadmill.answers import Job
from pipelines.views.recent import failed_by_cause
from tests.api.pages.addresses import ADDRESSES
from tests.api.pages.conftest import AXE

TEMPLATES = sorted((Path(__file__).parents[3] / "api" / "templates").rglob("*.html"))
#: As npm's registry has them: htmx.org 4.0.1 (dist/htmx.min.js), axe-core 4.14.1 (axe.min.js).
PINNED = {
    "htmx.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    AXE.name: "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
}


def test_files_of_others_are_unchanged() -> None:
    found = {"htmx.min.js": assets()["htmx.min.js"].content, AXE.name: AXE.read_bytes()}
    assert {name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == PINNED


def test_every_page_is_tried_in_the_browser() -> None:
    assert {route.path for router in routers() for route in router.routes} == {*ADDRESSES}  # type: ignore[attr-defined]
    assert {place.address for place in navigation(Role.ADMIN)} <= {*ADDRESSES}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_what_the_policy_forbids(template: Path) -> None:
    text = template.read_text()
    assert "unsafe" not in POLICY
    if template.name == "reference.html":  # it has a policy of its own
        return
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=[\"'{]|javascript:|hx-on|\bjs:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), "all comes from here"
    assert "| safe" not in text and "autoescape" not in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.34, "0.3 s"),
        (42, "42 s"),
        (252, "4 m 12 s"),
        (3_600, "1 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert page_words.lasted(seconds) == words
    assert page_words.lasted(0.003) == "under 0.1 s"


def test_words_of_times_and_numbers() -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert page_words.ago("2026-03-01T11:57:00.000Z", now) == "3 m ago"
    assert page_words.ago("2026-03-01T14:00:00.000Z", now) == "in 2 h"
    assert page_words.exact("2026-03-01T11:57:00.123Z") == "2026-03-01 11:57:00 UTC"
    assert page_words.number(1234567) == "1,234,567" and page_words.number(None) == "–"
    assert [page_words.percent(share) for share in (0.999, 1, 0.001, 0, None)] == [
        "99 %", "100 %", "under 1 %", "0 %", "–",
    ]  # fmt: skip
    assert page_words.commands("<b> run `a < b`") == "&lt;b&gt; run <code>a &lt; b</code>"


def test_words_of_addresses_and_of_what_is_wrong() -> None:
    assert page_words.breakable("info@a.b<c.de") == "info@<wbr>a.<wbr>b&lt;c.<wbr>de"
    assert page_words.fault_words({"field": "file", "message": "it is empty"}) == "It is empty"
    assert page_words.fault_words({"field": "pipeline.crawl.max_pages", "message": "is no number"}) == (
        "Pages of a company at most: is no number"
    )
    wrong = "input should be a valid number, unable to parse string as a number"
    assert page_words.fault_words({"field": "deadline", "message": wrong}) == (
        "Give up after minutes: should be a valid number"
    )
    assert page_words.fault_words({"field": "tags[3]", "message": "is too long"}) == "Tags: is too long"


def test_words_of_points_and_of_what_a_log_says() -> None:
    assert [page_words.signed(points) for points in (8, -6.04, 0.04, 0)] == ["+8", "−6", "0", "0"]
    said = {"categories": {"network": 1, "data": 2}, "examples": ["a.example: <b>", "b.example"], "error": None}
    assert [page_words.told(one) for one in said.values()] == ["network 1, data 2", "a.example: <b>; b.example", "–"]


def failed(job_id: str, message: str) -> Job:
    error = {"category": "network", "message": message, "detail": None}
    return {"job_id": job_id, "status": "failed", "error": error}  # type: ignore[typeddict-item]


def test_failures_of_one_kind_are_one_line() -> None:
    found = failed_by_cause([
        failed("a", "list 'x.csv' has no column of 3 on line 17"),
        failed("b", "list 'y.csv' has no column of 4 on line 9"),
        failed("c", "https://x.example/ does not answer"), failed("d", "17"),
    ])  # fmt: skip
    assert [(cause.error, cause.jobs) for cause in found] == [
        ("list … has no column of … on line …", ["a", "b"]), ("… does not answer", ["c"]), ("…", ["d"]),
    ]  # fmt: skip
    assert [cause.words for cause in found] == ["has no column of", "does not answer", ""]


def test_what_costs_much_is_read_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    store, read = kept.Kept(), list[str]()

    def reading(name: str) -> Callable[[], int]:
        return lambda: read.append(name) or len(read)  # type: ignore[func-returns-value]

    assert [store.of("a", reading("a")), store.of("a", reading("a")), store.of("b", reading("b"))] == [1, 1, 2]
    with pytest.raises(ZeroDivisionError):
        store.of("c", lambda: 1 // 0)
    assert store.of("c", reading("c")) == 3, "an error is not kept"
    monkeypatch.setattr(kept, "KEPT_S", 0.0)
    assert store.of("a", reading("a")) == 4
    monkeypatch.setattr(kept, "MOST", 2)
    for name in "defg":
        store.of(name, reading(name))
    assert len(store._entries) == 2
