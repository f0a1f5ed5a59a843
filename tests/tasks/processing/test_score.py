"""The score stage through its public door: plan and parts in, final rows out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.input_columns import InputWriter
from data.schemas import ERRORS, PLAN, STAGE_SCHEMAS, table
from leadmill.ids import company_id
from pipelines.scoring.rules import ScoringModel, load_rules
from reports.rows import input_headers
from tasks.processing import score as module
from tasks.processing.score import UNEXPLAINED, score_leads

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
JOB = "job_0123456789abcdefghjk"


def row(domain: str, **values: Any) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/", **values}


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> Path:
    pq.write_table(table(rows, schema, JOB), path)
    return path


def model(tmp_path: Path, rules: str, head: str = "") -> ScoringModel:
    path = tmp_path / "rules.toml"
    path.write_text(f'[model]\nname = "test"\n{head}\n{rules}', encoding="utf-8")
    return load_rules(path)


def rule(name: str, points: float, when: str) -> str:
    return f'[[rule]]\nname = "{name}"\naxis = "fit"\npoints = {points}\nreason = "{name} holds"\nwhen = {when}\n'


def score(tmp_path: Path, scoring: ScoringModel, plan: list[dict[str, Any]], **given_: Any) -> list[dict[str, Any]]:
    plan_path = write(tmp_path / "plan.parquet", [{"bare": False, "partition": 0, **p} for p in plan], PLAN)
    by_tables, row_by_row = (
        _written(tmp_path / "out.parquet", scoring, plan_path, tables_from, given_) for tables_from in (0, 1_000)
    )
    # Points that are no whole numbers are added in another order, so sums may differ in their last bit.
    sums = ("score", "fit", "reach", "tier")
    for one, other in zip(*(sorted(found, key=str) for found in (by_tables, row_by_row)), strict=True):
        assert [one[column] for column in sums[:3]] == pytest.approx([other[column] for column in sums[:3]])
        assert {**one, **dict.fromkeys(sums)} == {**other, **dict.fromkeys(sums)}
    return row_by_row


def _written(
    out: Path, scoring: ScoringModel, plan: Path, tables_from: int, given_: dict[str, Any]
) -> list[dict[str, Any]]:
    with patch.object(module, "_TABLES_FROM", tables_from):
        result = score_leads(
            duckdb.connect(),
            plan=plan,
            rows=given_.get("rows", []),
            row_errors=given_.get("row_errors", []),
            unit_errors=given_.get("unit_errors", {}),
            model=scoring,
            job_id=JOB,
            now=NOW,
            out=out,
            lines=given_.get("lines"),
            input_headers=given_.get("input_headers", ()),
        )
    found: list[dict[str, Any]] = pq.read_table(out).to_pylist()
    assert result.rows == len(found) == sum(result.tiers.values())
    assert result.failed == sum(1 for r in found if r["error"] is not None)
    return found


def test_columns_are_exactly_those_of_the_schema(tmp_path: Path) -> None:
    parts = [write(tmp_path / "p.parquet", [row("a.com", name="A", quality=0.5)], STAGE_SCHEMAS["enrich"])]
    score(tmp_path, load_rules(None), [row("a.com"), row("b.com")], rows=parts)
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [(f.name, f.type) for f in file.schema_arrow] == [(f.name, f.type) for f in STAGE_SCHEMAS["score"]]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_errors_come_from_plan_then_company_then_partition(tmp_path: Path) -> None:
    plan = [
        row("good.com"),
        row("planned.com", partition=None, error_category="data", error="not a host name"),
        row("own.com"),
        row("unit.com", partition=7),
        row("later.com", partition=7),
        row("too-late.com", partition=8),
        row("lost.com"),
    ]
    later = {"scope": "company", "stage": "scrape", "category": "network", "error": "asks later", "at": NOW}
    errors = [
        row("later.com", code="maintenance", deferred_until=NOW, **later),
        row("too-late.com", code="maintenance", deferred_until=NOW, **later),
        row("own.com", scope="company", stage="scrape", category="network", error="old", at=NOW),
        row("own.com", scope="company", stage="process", category="data", error="new", at=NOW + timedelta(1)),
        row("unit.com", scope="page", stage="scrape", category="data", error="only a page", at=NOW),
        row("good.com", scope="company", stage="scrape", category="network", error="before", at=NOW),
    ]
    found = score(
        tmp_path,
        load_rules(None),
        plan,
        rows=[write(tmp_path / "p.parquet", [row("good.com", emails=["a@good.com"])], STAGE_SCHEMAS["process"])],
        row_errors=[write(tmp_path / "e.parquet", errors, ERRORS)],
        unit_errors={7: ("poison", "killed its process three times"), 8: ("deadline", "struck")},
    )
    assert {r["domain"]: r["error_code"] for r in found if r["error_code"]} == {"too-late.com": "maintenance"}
    told = {r["domain"]: (r["error_category"], r["error"]) for r in found}
    assert told == {
        "good.com": (None, None),
        "planned.com": ("data", "not a host name"),
        "own.com": ("data", "new"),
        **dict.fromkeys(("unit.com", "later.com"), ("poison", "killed its process three times")),
        "too-late.com": ("network", "asks later"),
        "lost.com": ("system", UNEXPLAINED),
    }
    for failed in (r for r in found if r["error"]):
        assert (failed["score"], failed["tier"], failed["contributions"]) == (0.0, "D", [])


def test_each_company_has_all_its_lines_and_a_line_without_one_its_own(tmp_path: Path) -> None:
    headers = ["Id", 'Ö, "owner"', "input"]
    path = tmp_path / "lines.parquet"
    with InputWriter(path, headers, JOB) as lines:
        lines.add(company_id("twice.com"), 9, {"Id": "9", headers[1]: "Zoë", "input": ""})
        lines.add("", 4, {"Id": "4", headers[1]: "", "input": ""})
        lines.add(company_id("twice.com"), 2, {"Id": "2\x00", headers[1]: "", "input": "x"})
        lines.add("", 5, {"Id": "5", headers[1]: "", "input": ""})
        lines.add(company_id("once.com"), 3, {"Id": "", headers[1]: "", "input": ""})
    nowhere = {"company_id": "", "partition": None, "error_category": "data", "error": "no host"}
    plan = [row("twice.com", line=9), row("once.com", line=3), row("no-line.com")]
    plan += [{**nowhere, "domain": "a b", "line": 4}, {**nowhere, "domain": "a b", "line": 5}]
    found = score(tmp_path, load_rules(None), plan, lines=path, input_headers=headers)
    told = {(r["domain"], r["input"] and len(r["input"])): r["input"] for r in found}
    assert sorted(r["input"][0]["values"] for r in found if r["domain"] == "a b") == [[("Id", "4")], [("Id", "5")]]
    assert told["twice.com", 2] == [
        {"line": 2, "values": [("Id", "2"), ("input", "x")]},
        {"line": 9, "values": [("Id", "9"), (headers[1], "Zoë")]},
    ]
    assert told["once.com", 1] == [{"line": 3, "values": []}]
    assert told["no-line.com", None] is None
    assert input_headers(duckdb.connect(), [tmp_path / "out.parquet"]) == headers


def test_no_match_and_all_null_give_zero_and_the_lowest_tier(tmp_path: Path) -> None:
    scoring = model(tmp_path, rule("a", 50, '{field="country", op="equals", value="DE"}'))
    parts = [write(tmp_path / "p.parquet", [row("null.com"), row("fr.com", country="FR")], STAGE_SCHEMAS["scrape"])]
    for r in score(tmp_path, scoring, [row("null.com"), row("fr.com")], rows=parts):
        assert (r["score"], r["tier"], r["contributions"], r["error"]) == (0.0, "D", [], None)
    negative = model(tmp_path, rule("a", -50, '{field="name", op="missing"}'))
    for r in score(tmp_path, negative, [row("null.com")], rows=parts):
        assert (r["score"], r["tier"]) == (0.0, "D")
        assert [c["points"] for c in r["contributions"]] == [-50.0]


def test_newest_of_several_rows_counts_and_a_doubled_plan_gives_one(tmp_path: Path) -> None:
    new = [row("a.com", name="new", enriched_at=NOW), row("b.com", name="b")]
    old = [row("a.com", name="old", enriched_at=NOW - timedelta(1)), row("c.com", name="c")]
    parts = [
        write(tmp_path / "part-0-0.parquet", new, STAGE_SCHEMAS["enrich"]),
        write(tmp_path / "part-0-1.parquet", old, STAGE_SCHEMAS["enrich"]),
    ]
    plan = [row("a.com"), row("a.com"), row("b.com"), row("c.com")]
    found = score(tmp_path, load_rules(None), plan, rows=parts)
    assert sorted((r["domain"], r["name"]) for r in found) == [("a.com", "new"), ("b.com", "b"), ("c.com", "c")]


@pytest.mark.parametrize(
    ("when", "matching"),
    [
        ('{field="country", op="equals", value="de"}', {"full.com"}),
        ('{field="country", op="in", value=["FR", "DE"]}', {"full.com"}),
        ('{field="technologies", op="contains_any", value=["shopify", "x"]}', {"full.com"}),
        ('{field="description", op="contains_any", value=["PUMPS", "100%"]}', {"full.com"}),
        ('{field="description", op="matches", value="^we build .umps"}', {"full.com"}),
        ('{field="emails", op="exists"}', {"full.com"}),
        ('{field="emails", op="missing"}', {"none.com", "blank.com"}),
        ('{field="name", op="missing"}', {"none.com", "blank.com"}),
        ('{field="address", op="exists"}', {"full.com"}),
        ('{field="address.city", op="equals", value="Köln"}', {"full.com"}),
        ('{field="social.linkedin", op="exists"}', {"full.com"}),
        ('{field="social", op="at_least", value=2}', {"full.com"}),
        ('{field="emails", op="at_least", value=2}', {"full.com"}),
        ('{field="emails", op="at_most", value=0}', {"none.com", "blank.com"}),
        ('{field="employees_min", op="at_least", value=10}', {"full.com"}),
        ('{field="founded", op="at_most", value=1990}', {"full.com"}),
        ('{field="founded", op="in", value=[1988]}', {"full.com"}),
        ('{field="scraped_at", op="exists"}', {"full.com"}),
        ('{field="facts", op="missing"}', {"full.com", "none.com", "blank.com"}),
        ('{field="name", op="equals", value="O\'Neil; DROP TABLE x"}', {"full.com"}),
    ],
)
def test_each_operator(tmp_path: Path, when: str, matching: set[str]) -> None:
    rows = [
        row(
            "full.com",
            name="O'Neil; DROP TABLE x",
            country="DE",
            technologies=["Shopify"],
            description="We build pumps",
            emails=["a@full.com", "b@full.com"],
            address={"city": "Köln"},
            social={"linkedin": "https://linkedin.com/company/full", "x": "https://x.com/full"},
            employees_min=10,
            founded=1988,
            scraped_at=NOW,
        ),
        row("blank.com", name="  ", emails=[], address={}, social={}),
        row("none.com"),
    ]
    parts = [write(tmp_path / "p.parquet", rows, STAGE_SCHEMAS["enrich"])]
    found = score(tmp_path, model(tmp_path, rule("r", 10, when)), rows, rows=parts)
    assert {r["domain"] for r in found if r["contributions"]} == matching
    assert {r["score"] for r in found if r["contributions"]} <= {10.0}


def test_all_and_any(tmp_path: Path) -> None:
    both = '[{field="country", op="equals", value="DE"}, {field="founded", op="exists"}]'
    rules = "".join(
        f'[[rule]]\nname="{key}"\naxis="fit"\npoints=1\nreason="r"\n{key}={both}\n' for key in ("all", "any")
    )
    rows = [row("both.com", country="DE", founded=1990), row("one.com", country="DE"), row("no.com")]
    parts = [write(tmp_path / "p.parquet", rows, STAGE_SCHEMAS["enrich"])]
    found = score(tmp_path, model(tmp_path, rules), rows, rows=parts)
    assert {r["domain"]: [c["rule"] for c in r["contributions"]] for r in found} == {
        "both.com": ["all", "any"],
        "one.com": ["any"],
        "no.com": [],
    }


def test_tiers(tmp_path: Path) -> None:
    head = "[tiers]\nA = 60\nB = 40\nC = 20\n"
    rules = "".join(rule(f"r{y}", y, f'{{field="founded", op="equals", value={y}}}') for y in (60, 59, 40, 20, 19))
    rows = [row(f"f{y}.com", founded=y) for y in (60, 59, 40, 20, 19)]
    parts = [write(tmp_path / "p.parquet", rows, STAGE_SCHEMAS["enrich"])]
    found = {r["score"]: r for r in score(tmp_path, model(tmp_path, rules, head), rows, rows=parts)}
    assert {s: r["tier"] for s, r in found.items()} == {60: "A", 59: "B", 40: "B", 20: "C", 19: "D"}


def test_reach_is_the_share_of_the_points_for_contact_and_speaks_of_good_rows_only(tmp_path: Path) -> None:
    reach = "".join(
        rule(name, points, f'{{field="{field}", op="exists"}}').replace('"fit"', '"contact"')
        for name, points, field in (("mail", 30, "emails"), ("phone", 10, "phones"), ("fax", -50, "fax"))
    )
    rows = [
        row("both.com", emails=["a"], phones=["1"]),
        row("mail.com", emails=["a"]),
        row("fax.com", phones=["1"], fax=["1"]),
        row("none.com", founded=1990),
    ]
    parts = [write(tmp_path / "p.parquet", rows, STAGE_SCHEMAS["enrich"])]
    scoring = model(tmp_path, reach + rule("old", 50, '{field="founded", op="exists"}'))
    found = score(tmp_path, scoring, [*rows, row("failed.com")], rows=parts)
    assert {r["domain"]: r["reach"] for r in found} == {
        "both.com": 100, "mail.com": 75, "fax.com": 0, "none.com": 0, "failed.com": None,
    }  # fmt: skip
    assert {(r["fit"], r["probability"]) for r in found} == {(None, None)}
    without = model(tmp_path, rule("old", 50, '{field="founded", op="exists"}'))
    assert {r["reach"] for r in score(tmp_path, without, rows, rows=parts)} == {None}


WORDS = st.sampled_from(["DE", "FR", "", "  ", "'", "<b>", "é"])
COMPANY = st.fixed_dictionaries(
    {
        "country": st.none() | WORDS,
        "name": st.none() | WORDS,
        "founded": st.none() | st.integers(0, 2100),
        "emails": st.none() | st.lists(WORDS, max_size=3),
        "has_row": st.booleans(),
    }
)
CONDITION = st.sampled_from(
    [
        '{field="country", op="in", value=["DE", "\'"]}',
        '{field="name", op="missing"}',
        '{field="emails", op="contains_any", value=["<b>"]}',
        '{field="founded", op="at_least", value=1000}',
        '{field="emails", op="at_most", value=1}',
        '{field="name", op="matches", value="[a-zé]"}',
    ]
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    companies=st.lists(COMPANY, min_size=1, max_size=8),
    rules=st.lists(st.tuples(st.integers(-1000, 1000).map(lambda n: n / 10), CONDITION), min_size=1, max_size=20),
)
def test_score_is_the_clamped_sum_and_every_company_is_there_once(
    tmp_path: Path, companies: list[dict[str, Any]], rules: list[tuple[float, str]]
) -> None:
    scoring = model(tmp_path, "".join(rule(f"r{n}", points, when) for n, (points, when) in enumerate(rules)))
    plan = [row(f"c{n}.com", **c) for n, c in enumerate(companies)]
    rows = [{k: v for k, v in r.items() if k != "has_row"} for r in plan if r["has_row"]]
    parts = [write(tmp_path / "p.parquet", rows, STAGE_SCHEMAS["enrich"])]
    found = score(tmp_path, scoring, [row(r["domain"]) for r in plan], rows=parts)
    assert sorted(r["domain"] for r in found) == sorted(r["domain"] for r in plan)
    order = [r.name for r in scoring.rules]
    for r in found:
        total = sum(c["points"] for c in r["contributions"])
        assert r["score"] == pytest.approx(max(0.0, min(100.0, total)), abs=1e-9)
        names = [c["rule"] for c in r["contributions"]]
        assert names == sorted(names, key=order.index)
        assert r["tier"] == next((t for t, low in scoring.tiers if r["score"] >= low), "D")
        assert r["model_version"] == scoring.version
