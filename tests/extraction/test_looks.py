"""What enrichers saw is kept without loss; pages are read again only for those of which nothing that holds is kept."""

from __future__ import annotations

import functools
import importlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data.schemas import LOOKS, STAGE_SCHEMAS, table
from extraction import look_version as versions
from extraction import looks as module
from extraction.budget import CompanyBudgets
from extraction.document import Document
from extraction.enrich import enrich_rows
from extraction.enrichers import ENRICHERS, Column, Enricher, Outcome
from extraction.findings import Finding
from extraction.look_version import look_version
from extraction.looks import KeptLooks, LookKeeper, left_out
from extraction.process import process_pages
from leadmill.errors import ErrorCategory
from leadmill.rows import LookRow, error_row
from tests.extraction.conftest import NOW, PAGES, make_company, make_page
from tests.extraction.test_enrich import shown_by

Rows = list[dict[str, Any]]
HINTS = """<title>Acme Tools</title><meta name=generator content="WordPress 6.5"><script src="https://js.stripe.com/v3/">
</script><h1>Machine tools</h1><p>We are a team of 40 people and build software, hardware and a hotel."""


def stored(looks: Rows) -> Rows:
    """Looks as they come out of the lake."""
    return list(table(looks, LOOKS, "job_x").to_pylist(maps_as_pydicts="lossy"))


def processed(pages: Rows) -> tuple[Rows, Rows]:
    """Rows of stage process, and looks."""
    looks: Rows = []
    rows, _ = process_pages([make_company()], pages, now=NOW, on_progress=lambda done: None, looks=looks)  # type: ignore[arg-type,list-item]
    return list(rows), stored(looks)  # type: ignore[arg-type]


def enriched(rows: Rows, looks: Rows | None, pages: Rows = []) -> tuple[Rows, Rows, int, str]:  # noqa: B006
    """Rows and errors of stage enrich, how many pages it opened, and why."""
    told = ""
    opened = itertools.count()

    def each() -> Iterator[dict[str, Any]]:
        for page in pages:
            next(opened)
            yield page

    def on_progress(done: int, why: str = "") -> None:
        nonlocal told
        told = why or told

    made, errors = enrich_rows(rows, each(), now=NOW, on_progress=on_progress, looks=looks)  # type: ignore[arg-type]
    return made, errors, next(opened), told


def test_nothing_is_lost_on_the_way() -> None:
    """Over the stored pages: the same findings, rows and errors as when the pages are read, and none is opened."""
    pages = [make_page(file.read_bytes(), path=f"/{file.stem}") for file in sorted(PAGES.glob("*.html"))]
    pages.append(make_page(HINTS, path="/hints"))
    rows, looks = processed(pages)
    kept = KeptLooks(looks, tuple(ENRICHERS.all().values()))  # type: ignore[arg-type]
    for name, enricher in ENRICHERS.all().items():
        assert kept.seen(rows[0]["company_id"])[name] == [
            one for page in pages for one in enricher.look(Document(page))
        ]
    again, errors, _, _ = enriched(rows, None, pages)
    assert enriched(rows, looks, pages) == (again, errors, 0, "")
    assert again[0]["technologies"] and again[0]["employees_min"]


@pytest.mark.parametrize(
    "change",
    [
        {"versions": None},
        {"versions": [1]},
        {"looks": None},
        {"looks": "[" * 100_000},
        {"looks": '{"pages":[[1,2,3,4]],"seen":{"industries":[[0,["industry"]]]}}'},
        {"looks": '{"failed":[[["x"],["u"],"system","x"]]}'},
    ],
)
def test_a_look_that_is_none_costs_a_reading_and_no_rows(change: dict[str, Any]) -> None:
    pages = [make_page(HINTS)]
    rows, looks = processed(pages)
    made, _, _, _ = enriched(rows, [{**looks[0], **change}], pages)
    assert made and table(made, STAGE_SCHEMAS["enrich"], "job_x").num_rows == 1


def own(look: Callable[..., Any], name: str = "own", version: str = "1") -> Enricher:
    def settle(row: Any, findings: Any) -> Outcome:
        return Outcome({"own": str([one.value for one in findings])}, [])

    return Enricher(name, (Column("own", "text"),), look, settle, version)


def says(value: object) -> Callable[[Document], list[Finding]]:
    return lambda page: [page.found("own", value, "test", 1.0)]


KNOWN = tuple(ENRICHERS.all().values())


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ((), (own(says("x")),), "own: it is new"),
        ((own(says("y")),), (own(says("x"), version="2"),), "own: another version of it had looked"),
        ((own(says(object)),), (own(says(object)),), "own: what it sees cannot be kept"),
        ((own(says((1, 2))),), (own(says((1, 2))),), "own: what it sees cannot be kept"),
        ((own(says([float("nan")])),), (own(says([float("nan")])),), "own: what it sees cannot be kept"),
        ((own(says("x" * 70)),), (own(says("x" * 70)),), "own: what it sees cannot be kept"),
    ],
)
def test_one_that_has_to_look_again_looks_alone(
    monkeypatch: pytest.MonkeyPatch, before: tuple[Enricher, ...], after: tuple[Enricher, ...], why: str
) -> None:
    monkeypatch.setattr(module, "MAX_STORED", 600)
    pages = [make_page(HINTS, path=f"/{number}") for number in range(9)]
    shown_by(monkeypatch, *before)
    rows, looks = processed(pages)
    looked: list[str] = []

    def seen(page: Document) -> list[Finding]:
        looked.append(page.url)
        return list(after[0].look(page))

    spied = own(seen, version=after[0].version)
    shown_by(monkeypatch, spied)
    made, errors, opened, told = enriched(rows, looks, pages)
    assert (errors, opened, told) == ([], 9, f"pages are read again ({why})")
    assert len(looked) == 9 and made[0]["own"] == enriched(rows, None, pages)[0][0]["own"]


def test_the_others_do_not_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [make_page(HINTS)]
    rows, looks = processed(pages)
    calls: list[str] = []

    def counted(enricher: Enricher) -> Enricher:
        def look(page: Document) -> list[Finding]:
            calls.append(enricher.name)
            return list(enricher.look(page))

        return Enricher(enricher.name, enricher.columns, look, enricher.settle, enricher.version)

    monkeypatch.setattr(
        module, "look_version", lambda enricher: "new" if enricher.name == "own" else known[enricher.name]
    )
    known = looks[0]["versions"]
    shown_by(monkeypatch, *map(counted, KNOWN), counted(own(says("x"))))
    made, _, _, why = enriched(rows, looks, pages)
    assert (calls, why) == (["own"], "pages are read again (own: it is new)")
    assert made[0]["technologies"] == ["Stripe", "WordPress"] and made[0]["own"] == "['x']"


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda look: None, "no look is kept"),
        (lambda look: {**look, "superseded": True}, "the pages were fetched again since"),
        (lambda look: {**look, "looks": look["looks"][:-9]}, "no look is kept"),
        (lambda look: {**look, "looks": '{"seen": []}'}, "no look is kept"),
        (lambda look: {**look, "looks": '{"failed": [[null, "u", "no category", "x"]]}'}, "no look is kept"),
    ],
)
def test_what_is_not_there_or_not_as_written_is_read_again(spoil: Callable[[Any], Any], why: str) -> None:
    pages = [make_page(HINTS)]
    rows, looks = processed(pages)
    again, *_, told = enriched(rows, [spoilt for look in looks if (spoilt := spoil(look))], pages)
    names = ", ".join(sorted(enricher.name for enricher in KNOWN))
    assert told == f"pages are read again ({names}: {why})"
    assert again == enriched(rows, looks)[0]


def test_a_failure_is_told_by_stage_enrich_as_if_it_had_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(page: Document) -> list[Finding]:
        if "bad" in page.url:
            raise RuntimeError("boom")
        while "costly" in page.url:
            pass
        return [page.found("own", page.url[-4:], "test", 1.0)]

    monkeypatch.setattr(module, "CompanyBudgets", lambda: CompanyBudgets(page_s=0.05))
    monkeypatch.setattr("extraction.enrich.CompanyBudgets", lambda: CompanyBudgets(page_s=0.05))
    shown_by(monkeypatch, own(look), own(says("s"), "second"))
    pages = [make_page(HINTS, path=path) for path in ("/bad", "/costly", "/fine")]
    rows, looks = processed(pages)
    made, errors, opened, _ = enriched(rows, looks, pages)
    assert opened == 0
    assert [(one["url"][-6:], one["stage"], one["scope"], one["category"], one["error"]) for one in errors] == [
        ("om/bad", "enrich", "page", "system", "own: RuntimeError: boom"),
        ("costly", "enrich", "page", "data", "too costly to read"),
    ]
    assert (made, errors) == enriched(rows, None, pages)[:2]
    # A page that no stage reads has the same error there; of two that say the same there is one.
    lost = left_out(error_row(pages[1], "page", "process", ErrorCategory.DATA, "too costly to read", NOW))
    assert enriched(rows, [*looks, *stored([lost])], pages)[1] == errors  # type: ignore[list-item]


def test_a_page_too_much_for_all_is_looked_at_by_all_once_one_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(page: Document) -> list[Finding]:
        while True:
            pass

    monkeypatch.setattr(module, "CompanyBudgets", lambda: CompanyBudgets(page_s=0.05))
    pages = [make_page("<p>x")]
    shown_by(monkeypatch, own(says("seen")), own(endless, "costly"))
    rows, looks = processed(pages)
    assert enriched(rows, looks)[0][0]["own"] == "[]"
    shown_by(monkeypatch, own(says("seen")))
    made, errors, _, why = enriched(rows, looks, pages)
    assert (made[0]["own"], errors) == ("['seen']", [])
    assert why == "pages are read again (own: a page was too much for all together, and one of them has changed)"


def test_a_page_that_broke_the_extractors_is_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(page: Document) -> Iterator[Finding]:
        if "bad" in page.url:
            raise RuntimeError("boom")
        yield from ()

    monkeypatch.setattr("extraction.process._EXTRACTORS", (fails,))
    rows, looks = processed([make_page("<p>Nothing"), make_page(HINTS, path="/bad")])
    assert "Stripe" in enriched(rows, looks)[0][0]["technologies"]


def test_so_many_findings_of_a_company_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FINDINGS", 5)
    monkeypatch.setattr("extraction.enrich.MAX_FINDINGS", 5)
    shown_by(monkeypatch, own(lambda page: [page.found("own", n, "test", 1.0) for n in range(3)]))
    pages = [make_page("<p>", path=f"/{n}") for n in range(3)]
    rows, looks = processed(pages)
    assert enriched(rows, looks)[0][0]["own"] == "[0, 1, 2, 0, 1]" == enriched(rows, None, pages)[0][0]["own"]


# ---- versions ----------------------------------------------------------------------------------------


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of somebody's own, with a module that has a `look`."""
    folder = tmp_path / "acme_looks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "seen.py").write_text("def look(page):\n    yield from ()\n")
    (folder / "rules.toml").write_text("a = 1")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in ("acme_looks", "acme_looks.seen"):
        sys.modules.pop(name, None)


def test_a_version_tells_a_changed_enricher(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(**more: str) -> str | None:
        versions._of_module.cache_clear()
        look = importlib.import_module("acme_looks.seen").look
        return look_version(Enricher("seen", (), functools.partial(look), lambda row, found: Outcome({}, []), **more))

    first = version()
    assert first is not None and version() == first
    (plugin / "rules.toml").write_text("a = 2")
    second = version()
    (plugin / "seen.py").write_text("def look(page):\n    return []\n")
    assert len({first, second, version()}) == 3
    stated = version(version="7")
    (plugin / "rules.toml").write_text("a = 3")
    assert stated == version(version="7") and stated is not None and stated.startswith("7+")
    monkeypatch.setattr(versions, "_of_extraction", lambda: "other")
    assert stated != version(version="7"), "what reads the pages has changed"


def test_one_enrichers_rules_are_no_others_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is told by its own files; one more in the folder changes none of the others, and a shared module all."""
    given = {enricher.name: look_version(enricher) for enricher in KNOWN}
    assert len(set(given.values())) == len(KNOWN)
    assert len({str(version).partition("+")[2] for version in given.values()}) == 1
    names = {file.name for file in versions._ENRICHERS.iterdir() if file.is_file()}
    assert {"technologies.py", "technologies.toml", "__init__.py"} <= names


def test_an_enricher_whose_source_nobody_knows_looks_in_stage_enrich(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(page: Document) -> list[Finding]:
        return [page.found("own", "x", "test", 1.0)]

    look.__module__ = "not.there"
    shown_by(monkeypatch, own(look, version=""))
    pages = [make_page("<p>")]
    rows, looks = processed(pages)
    made, _, opened, why = enriched(rows, looks, pages)
    assert (made[0]["own"], opened, why) == ("['x']", 1, "pages are read again (own: its version is not known)")


def test_a_keeper_looks_at_nothing_that_it_cannot_keep() -> None:
    looked: list[str] = []

    def look(page: Document) -> list[Finding]:
        looked.append(page.url)
        return [page.found("own", {1: 2}, "test", 1.0)]

    keeper = LookKeeper([own(look)])
    for path in ("/a", "/b", "/c"):
        page = make_page("<p>", path=path)
        keeper.look(page, Document(page))  # type: ignore[arg-type]
    row: LookRow = keeper.row(make_company())  # type: ignore[arg-type]
    assert len(looked) == 1 and row["versions"] == {"own": ""}
