"""What a page says may cost a value, at most a row, never the partition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.cleaning import clean_text
from data.job_files import JobFiles
from data.jobs import JobStore
from data.lake import Lake, UnitFiles
from data.schemas import ERRORS, SCHEMA_VERSION, STAGE_SCHEMAS, table
from extraction.process import process_pages
from leadmill.ids import company_id
from pipelines.execution.unit_run import Runtime, UnitRun
from tests.extraction.conftest import make_company, make_page
from tests.pipelines.execution.test_unit_run import JOB, run, runtime

__all__ = ["runtime"]  # a fixture

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = STAGE_SCHEMAS["score"]


def row(domain: str = "a.example", **columns: Any) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/", **columns}


def written(lake: Lake, rows: list[dict[str, Any]], stage: str = "score") -> list[dict[str, Any]]:
    files = UnitFiles(lake, JOB, stage, "p0", 1)
    files.write(rows)
    lake.expose(JOB, stage, "p0", 1)
    return list(lake.iter_rows(lake.parts(JOB, stage)))


def test_a_site_whose_logo_address_holds_a_lone_surrogate(runtime: Runtime) -> None:
    """Its pages through the extractors, its row into the lake; the company beside it does not notice."""
    html = (
        "<html><head><title>Acme</title><script type='application/ld+json'>"
        '{"@context":"https://schema.org","@type":"Organization","name":"Acme \\ud800 Tools",'
        '"logo":{"@type":"ImageObject","url":"https://acme-tools.com/\\udc00logo.png"}}'
        "</script></head><body>Acme Tools, info@acme-tools.com</body></html>"
    )
    domains = ("acme-tools.com", "b.example")

    def scrape(unit: UnitRun) -> None:
        unit.write([make_company(domain) for domain in domains])
        unit.write_pages([make_page(html if domain == domains[0] else "<p>b", domain=domain) for domain in domains])

    def process(unit: UnitRun) -> None:
        rows, errors = process_pages(list(unit.read()), unit.read("pages"), now=NOW, on_progress=lambda done: None)
        unit.write(rows)
        unit.write_errors(errors)

    run(runtime, scrape)
    assert run(runtime, process, index=1), runtime.store.units(JOB)
    found = {one["domain"]: one for one in runtime.lake.iter_rows(runtime.lake.parts(JOB, "process"))}
    assert set(found) == set(domains)
    assert found["acme-tools.com"]["logo_url"] == "https://acme-tools.com/logo.png"


def test_a_row_that_does_not_fit_becomes_an_error_row_and_its_neighbours_stay(runtime: Runtime) -> None:
    odd: Any = {"not": "a list"}

    def scrape(unit: UnitRun) -> None:
        unit.write([row("a.example"), row("b.example", pages=odd), row("c.example", pages=2)])
        unit.write_pages([make_page("<p>a"), {**make_page("<p>b"), "html": None}])

    assert run(runtime, scrape)
    lake = runtime.lake
    assert [one["domain"] for one in lake.iter_rows(lake.parts(JOB, "scrape"))] == ["a.example", "c.example"]
    assert len(list(lake.iter_rows(lake.parts(JOB, "scrape", "pages")))) == 1
    errors = list(lake.iter_rows(lake.parts(JOB, "scrape", "errors")))
    assert [(one["domain"], one["scope"], one["category"]) for one in errors] == [
        ("b.example", "company", "system"),
        ("acme-tools.com", "page", "system"),
    ]
    assert "column pages" in errors[0]["error"] and "column html" in errors[1]["error"]
    units = runtime.store.units(JOB)
    assert units["p0"]["f"] == ["1,1,2"]
    record = runtime.store.read(JOB)
    assert record and (record["scrape:o"], record["scrape:e"]) == ("2", "1")


def test_an_error_with_a_lone_surrogate_ends_a_unit_like_any_other(runtime: Runtime, store: JobStore) -> None:
    def scrape(unit: UnitRun) -> None:
        raise ValueError("no \ud800 way")

    run(runtime, scrape)
    assert store.units(JOB)["p0"]["m"] == ["system", "ValueError: no  way"]


VALUES: list[tuple[str, Any, Any]] = [
    ("name", "a\ud800b", "ab"),
    ("name", "\ud83d\ude00", "\U0001f600"),
    ("name", "a\x00b\x0bc\x1f\td\n", "abc\td\n"),
    ("name", "\ufffe\uffff", ""),
    ("name", b"a\x00b\xff", "ab\ufffd"),
    ("emails", ["a\x00@b"], ["a@b"]),
    ("address", {"street": "1\x01 Main"}, {"street": "1 Main"}),
    ("social", {"x\x00": "y\ud800"}, {"x": "y"}),
    ("employees_min", 10**12, None),
    ("employees_min", 10**30, None),
    ("founded", 70_000, None),
    ("quality", float("nan"), None),
    ("score", float("inf"), None),
    ("scraped_at", datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), None),
    ("scraped_at", datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), None),
    ("facts", [{"field": "x\x00", "confidence": float("nan")}], [{"field": "x", "confidence": None}]),
]


@pytest.mark.parametrize(("column", "value", "kept"), VALUES)
def test_values_are_cleaned(lake: Lake, column: str, value: Any, kept: Any) -> None:
    rows = written(lake, [row(**{column: value}), row("b.example", name="as it is")])
    assert [one["domain"] for one in rows] == ["a.example", "b.example"] and rows[1]["name"] == "as it is"
    found = rows[0][column]
    if isinstance(kept, Mapping):
        found = {name: found[name] for name in kept}
    elif isinstance(kept, list) and isinstance(kept[0], dict):
        found = [{name: found[0][name] for name in kept[0]}]
    assert found == kept


TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)  # surrogates, too
ANY = st.one_of(TEXT, st.integers(), st.floats(), st.none(), st.lists(TEXT, max_size=2), st.dictionaries(TEXT, TEXT),
                st.binary(max_size=5), st.booleans(), st.datetimes())  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    texts=st.dictionaries(st.sampled_from([f.name for f in SCHEMA if str(f.type) == "string"][3:]), TEXT),
    any_columns=st.dictionaries(st.sampled_from([f.name for f in SCHEMA][3:-2]), ANY, max_size=3),
)
def test_whatever_comes_the_neighbour_is_written(texts: dict[str, Any], any_columns: dict[str, Any]) -> None:
    refused: list[Any] = []
    made = table([row(**texts), row(**any_columns), row("b.example")], SCHEMA, JOB, refused).to_pylist()
    assert made[-1]["domain"] == "b.example" and len(made) + len(refused) == 3
    assert made[0]["domain"] == "a.example" and not any(
        "_" in one.column and one.column in texts for one in refused[1:]
    )
    for one in made:
        text = json.dumps({name: value for name, value in one.items() if name in texts}, ensure_ascii=False)
        text.encode()
        for value in (value for name, value in one.items() if name in texts and value is not None):
            holder = ElementTree.Element("t")
            holder.text = value
            ElementTree.fromstring(ElementTree.tostring(holder))


@given(TEXT)
def test_what_is_fit_stays(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    if text.isprintable() and text.isascii():
        assert cleaned == text


def test_the_json_of_a_manifest_holds_a_lone_surrogate(lake: Lake) -> None:
    files = UnitFiles(lake, JOB, "publish", "publish", 1)
    files.write_json("manifest.json", {"input": "a\ud800b", "name": "ü"})
    lake.expose(JOB, "publish", "publish", 1)
    assert (JobFiles.unrecorded(lake, JOB).manifest() or {})["input"] == "a\ud800b"


def test_a_missing_value_that_must_be_there_is_refused_and_named() -> None:
    bad = [{"scope": "page", "stage": "scrape", "category": "data", "error": None, "at": NOW}]
    refused: list[Any] = []
    made = table(bad, ERRORS, JOB, refused)
    assert made.num_rows == 0 and refused[0].column == "error"
    with pytest.raises(ValueError, match="column error"):
        table(bad, ERRORS, JOB)


def test_a_table_is_what_arrow_makes_of_its_rows_however_many_the_last_one_had() -> None:
    row = {"scope": "page", "stage": "scrape", "category": "data", "error": "none", "at": NOW, "url": None}
    for number in (3, 1, 0, 200, 1, 3):
        rows = [{**row, "domain": f"c{i}.example" if i % 2 else None} for i in range(number)]
        whole = [{**one, "job_id": JOB, "schema_version": SCHEMA_VERSION} for one in rows]
        assert table(rows, ERRORS, JOB).equals(pa.Table.from_pylist(whole, schema=ERRORS))
