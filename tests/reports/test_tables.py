"""CSV, XLSX, JSON and Parquet: the right columns, the right order, nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import resource
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from data.duck import KeptCursor
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import InputError
from reports.formats import FORMATS
from reports.lead_fields import final_columns
from reports.render import render
from tests.reports.conftest import JOB, NOW, final_rows, good, write_rows

COLUMNS = final_columns()
RANKED = ["best.de", "same-c.com", "same-a.com", "same-b.com", "script.com", "formula.com", "rtl.com", "emoji.com",
          "long.com", "down.com", "robots.com", "slow.com"]  # fmt: skip


def made(
    tmp_path: Path, con: Any, fmt: str, rows: list[Path], report_type: str = "comprehensive", out: Path | None = None
) -> Path:
    out = out or tmp_path / f"report.{fmt}"
    result = render(fmt, rows=rows, job=JOB, report_type=report_type, out=out, con=con)
    assert result.size == out.stat().st_size
    return out


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.mark.parametrize("fmt", ["csv", "html", "json"])
def test_a_process_plans_its_queries_once_and_asks_them_of_other_rows(tmp_path: Path, con: Any, fmt: str) -> None:
    sets = [final_rows()[:9], [good("one.de", 40, name="=1")], final_rows()[3:], [good("two.de", 80), good("a.de", 90)]]
    for content in [*sets, *sets]:
        rows = [write_rows(tmp_path / "score.parquet", content)]
        apart = made(tmp_path, con, fmt, rows).read_bytes()
        with pytest.raises((OSError, duckdb.IOException)):
            made(tmp_path, None, fmt, rows, out=tmp_path)  # a folder: the rows of a report that fails stay nowhere
        assert made(tmp_path, None, fmt, rows).read_bytes() == apart


def test_a_kept_cursor_answers_more_queries_than_it_keeps_plans_of(con: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptCursor, "MOST", 2)
    kept = KeptCursor(con)
    for last in (3, 0, 5):
        name = kept.table("numbers", f"SELECT unnest(range({last})) AS n")
        for add in range(4):
            query = f"SELECT coalesce(sum(n + {add}), 0) AS s FROM {name}"
            told = sum(n + add for n in range(last))
            assert kept.again(query).fetchall() == [(told,)]
            assert kept.execute(f"SELECT * FROM {kept.result(query)}").fetchall() == [(told,)]


@pytest.mark.parametrize("fmt", FORMATS.names)
def test_a_disk_that_takes_nothing_is_told_as_what_it_is(tmp_path: Path, con: Any, rows: list[Path], fmt: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, before[1]))
    try:
        with pytest.raises((OSError, duckdb.IOException)) as caught:
            render(fmt, rows=rows, job=JOB, report_type="comprehensive", out=tmp_path / f"report.{fmt}", con=con)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.strerror(errno.EFBIG) in str(caught.value)


def test_every_format_is_found() -> None:
    assert {"html", "csv", "xlsx", "json", "parquet"} <= set(FORMATS.names)


def test_csv_has_the_final_columns_in_ranked_order(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    path = made(tmp_path, con, "csv", rows)
    raw = path.read_bytes()
    assert raw.split(b"\r\n")[0].decode() == "\ufeff" + ",".join(COLUMNS)
    assert "facts" in COLUMNS and "candidates" not in COLUMNS
    assert raw.count(b"\n") == raw.count(b"\r\n") == 13
    found = read_csv(path)
    assert [row["domain"] for row in found] == RANKED
    best = found[0]
    assert best["emails"] == "info@best.de; sales@best.de"
    assert best["address"] == "Hauptstr. 5, Köln, 50667"
    assert best["locations"] == "Hauptstr. 5, Köln, 50667; Am Kai 2, Kiel, 24103"
    assert best["social"] == "linkedin: https://linkedin.com/company/best"
    assert best["contributions"] == "has-email +14: E-mail found; thin -8: Little found"
    assert best["facts"] == "email = info@best.de (https://best.de/kontakt, 0.97)"
    assert (best["score"], best["quality"], best["scraped_at"]) == ("92.0", "0.9", "2026-11-24T09:30:00Z")
    assert best["description"] == "Pumps & valves since 1974"


def test_csv_guards_formulas_but_keeps_phone_numbers(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    row = read_csv(made(tmp_path, con, "csv", rows))[RANKED.index("formula.com")]
    assert row["name"] == "'=cmd|' /C calc'!A0"
    assert row["description"] == "' @SUM(1+1)"
    assert row["legal_name"] == "'＝1+1"
    assert row["industry"] == "'-2+3"
    assert row["emails"] == "'+evil@x.com; '=1+1"
    assert row["phones"] == "+4930123456; '+49 30; '=1"
    assert row["technologies"] == 'ok; \'=HYPERLINK("http://x")'
    assert row["social"] == "'=a: =b"
    assert row["address"] == '\'=1+1, Say "hi", ok'


#: Signs that begin a formula, what looks like them, and what may stand before them unseen.
SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₊−–—‐꞊"
UNSEEN = (
    " \t\r\n\x00\x7f\x85\xa0\xad\u0301\u034f\u061c"
    "\u180e\u200b\u200d\u200e\u202e\u2028\u2060\u2800\u3000\u3164\ufe0f\ufeff\U000e0020"
)


def unseen(char: str) -> bool:
    """What has no glyph. Of unassigned code points those that Unicode has programs ignore; others show as a box."""
    kind, point = unicodedata.category(char), ord(char)
    if kind == "Cn":
        return point in (0x2065, 0xFFFE, 0xFFFF) or 0xFFF0 <= point <= 0xFFF8 or 0xE0000 <= point <= 0xE0FFF
    return char.isspace() or kind[0] in "CM" or char in "\u2800\u3164"


def begins_formula(text: str) -> bool:
    """As a spreadsheet might see it, said without the patterns of the product."""
    shown = [c for c in text if not unseen(c)]
    return bool(shown) and (shown[0] in SIGNS or unicodedata.normalize("NFKC", shown[0])[0] in "=+-@")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(alphabet="+0123456789=-@ \n\tx＋；−\xad;", max_size=20), min_size=1, max_size=40))
def test_csv_guards_formulas_and_nothing_else(texts: list[str], tmp_path: Path, con: Any) -> None:
    rows = [good(f"c{n}.com", 100 - n, name=text) for n, text in enumerate(texts)]
    made_of = read_csv(made(tmp_path, con, "csv", [write_rows(tmp_path / "t.parquet", rows)]))
    for text, row in zip(texts, made_of, strict=True):
        parts, shown = re.sub(r"[\x00-\x1f\x7f]+", " ", text).split(";"), row["name"].split(";")
        for part, cell in zip(parts, shown, strict=True):
            phone = re.fullmatch(r"[ \xad]*\+[0-9]{6,15}", part)
            assert cell.replace("'", "", 1) == part
            assert ("'" in cell) == (begins_formula(part) and not phone), (part, cell)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(value=";\U00018d09", before="", sign="=", start="")  # assigned in no Unicode that Python 3.11 knows
@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    before=st.text(UNSEEN + '"', max_size=3),
    sign=st.sampled_from(SIGNS),
    start=st.sampled_from(["", "x;", "x; ", ";", "x\n;", '";']),
)
def test_no_csv_cell_begins_a_formula(tmp_path: Path, con: Any, value: str, before: str, sign: str, start: str) -> None:
    """Neither a cell nor, where a spreadsheet splits lines at `;`, whatever stands behind one."""
    text = start + before + sign + value
    row = good("a.com", 5, name=text, description=text, emails=[text, text], social={text: text}, industry=text)
    row |= {"address": {"street": text, "city": text}, "facts": [{"field": text, "value": text}], "error": text}
    path = made(tmp_path, con, "csv", [write_rows(tmp_path / "r.parquet", [row])])
    (found,) = read_csv(path)
    for column, cell in found.items():
        for part in cell.split(";"):
            assert not begins_formula(part) or re.fullmatch(r"\s*\+[0-9]{6,15}", part), (column, part)
        assert not re.search(r"[\x00-\x1f\x85\u2028]", cell)
    # Behind a `;` a quote opens a cell, whose first sign counts; what the file quotes is doubled there.
    for part in path.read_text(encoding="utf-8").partition("\n")[2].replace('"', "").split(";"):
        assert not begins_formula(part) or re.fullmatch(r"\s*\+[0-9]{6,15}", part), part


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a;=1+1", "a;'=1+1"), ("a; =1+1", "a; '=1+1"), ("a;;=1", "a;;'=1"), ("a;\t=1", "a; '=1"),
        ("\xad=1", "'\xad=1"), ("\u200b\ufeff=1", "'\u200b\ufeff=1"), ("\u2212 1", "'\u2212 1"), ("﹦1", "'﹦1"),
        ("+4930123456;+4930123457", "+4930123456;+4930123457"), ("+4930123456;=1", "+4930123456;'=1"),
        ("+12;=1", "'+12;'=1"), ("+1234567890123456", "'+1234567890123456"),
        ("a=b; c-d", "a=b; c-d"), ("ends;", "ends;"),
        ('a;"=1&"', "a;'\"=1&\""), ('a; "" =1', "a; '\"\" =1"), ('say; "hi"', 'say; "hi"'),
        ("a;\u2065=1", "a;'\u2065=1"),
    ],
)  # fmt: skip
def test_parts_and_look_alikes(tmp_path: Path, con: Any, text: str, cell: str) -> None:
    (row,) = read_csv(made(tmp_path, con, "csv", [write_rows(tmp_path / "r.parquet", [good("a.com", 5, name=text)])]))
    assert row["name"] == cell


def test_xlsx_has_texts_only(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    """No cell of any sheet is a formula or a link, whatever stands in it."""
    texts = [before + sign + "1+1" for before in ("", " ", "\xad", "a;") for sign in SIGNS] + ["http://a.example/"]
    facts = [[dict.fromkeys(("field", "value", "method", "quote", "source", "why"), text)] for text in texts]
    hurt = [good(f"c{n}.com", 5, name=text, error=None, facts=facts[n]) for n, text in enumerate(texts)]
    path = made(tmp_path, con, "xlsx", [write_rows(tmp_path / "r.parquet", hurt)])
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 4
    assert not any("<f>" in sheet or "<f " in sheet or "<hyperlink" in sheet for sheet in sheets)


def test_xlsx_reads_back_as_texts_and_numbers(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    book = CalamineWorkbook.from_path(str(made(tmp_path, con, "xlsx", rows)))
    assert book.sheet_names == ["Leads", "Evidence", "Summary", "About"]
    header, *lines = book.get_sheet_by_name("Leads").to_python()
    assert header[:5] == ["score", "tier", "fit", "reach", "name"]
    assert sorted(header) == sorted(COLUMNS)
    assert [line[header.index("domain")] for line in lines] == RANKED
    formula = dict(zip(header, lines[RANKED.index("formula.com")], strict=True))
    assert formula["name"] == "=cmd|' /C calc'!A0"
    assert formula["score"] == 55.0
    assert lines[RANKED.index("script.com")][header.index("url")] == "javascript:alert(1)"
    assert formula["scraped_at"] == NOW.replace(tzinfo=None), "a date, not a text"
    _, evidence = book.get_sheet_by_name("Evidence").to_python()
    assert evidence[2:8] == [
        "email",
        "info@best.de",
        "=1+1 Mail: info@best.de",
        evidence[5],
        "line 12 of its text",
        "e-mail link",
    ]
    assert evidence[5] == "https://best.de/kontakt" and round(evidence[8], 2) == 0.97
    summary = book.get_sheet_by_name("Summary").to_python()
    assert summary[0][:2] == ["Companies", 12.0]


def test_xlsx_refuses_more_rows_than_a_sheet_holds(
    tmp_path: Path, con: Any, rows: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    monkeypatch.setattr(importlib.import_module("reports.formats.xlsx"), "MAX_ROWS", 11)
    with pytest.raises(InputError, match="12 rows do not fit into an XLSX sheet"):
        made(tmp_path, con, "xlsx", rows)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("x" * 32_767, "x" * 32_767),
        ("x" * 32_768, "x" * 32_766 + "…"),
        ("🎂" * 16_383 + "x", "🎂" * 16_383 + "x"),
        ("🎂" * 16_384, "🎂" * 16_383 + "…"),
        ("x" + "🎂" * 16_384, "x" + "🎂" * 16_382 + "…"),
    ],
)
def test_xlsx_cuts_what_a_cell_cannot_hold(tmp_path: Path, con: Any, text: str, cell: str) -> None:
    """A cell holds 32,767 UTF-16 units, of which an emoji takes two."""
    long = [write_rows(tmp_path / "r.parquet", [good("a.com", 5, description=text)])]
    book = CalamineWorkbook.from_path(str(made(tmp_path, con, "xlsx", long)))
    header, row = book.get_sheet_by_name("Leads").to_python()
    assert row[header.index("description")] == cell
    assert len(cell.encode("utf-16-le")) // 2 <= 32_767


def test_json_has_the_exact_columns_and_nested_values(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    found = json.loads(made(tmp_path, con, "json", rows).read_text(encoding="utf-8"))
    assert [row["domain"] for row in found] == RANKED
    best = found[0]
    assert list(best) == STAGE_SCHEMAS["score"].names
    assert best["contributions"][1] == {"rule": "thin", "axis": "fit", "points": -8.0, "reason": "Little found"}
    assert best["social"] == {"linkedin": "https://linkedin.com/company/best"}
    assert best["facts"][0]["seen_at"] == best["scraped_at"] == "2026-11-24T09:30:00Z"
    assert (best["quality"], best["facts"][0]["confidence"]) == (0.9, 0.97)
    assert best["name"] == "Best"


def test_parquet_has_the_exact_columns(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    found = pq.read_table(made(tmp_path, con, "parquet", rows))
    assert [(f.name, f.type) for f in found.schema] == [(f.name, f.type) for f in STAGE_SCHEMAS["score"]]
    assert found["domain"].to_pylist() == RANKED
    by_domain = {row["domain"]: row for row in found.to_pylist()}
    given_ = pq.read_table(rows[0]).to_pylist()
    assert all(by_domain[row["domain"]] == row for row in given_)


@pytest.mark.parametrize("fmt", ["csv", "json", "parquet", "xlsx"])
def test_a_leads_report_holds_leads_only(tmp_path: Path, con: Any, rows: list[Path], fmt: str) -> None:
    result = render(fmt, rows=rows, job=JOB, report_type="leads", out=tmp_path / "out", con=con)
    assert (result.rows, result.total) == (9, 9)


@pytest.mark.parametrize("fmt", FORMATS.names)
def test_no_rows_at_all_still_make_a_file(tmp_path: Path, fmt: str) -> None:
    result = render(fmt, rows=[], job={}, report_type="comprehensive", out=tmp_path / "out")
    assert (result.rows, result.total) == (0, 0)
    assert result.size > 0
    if fmt == "json":
        assert json.loads(result.path.read_text()) == []


def test_wrong_format_and_type_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report format 'pdf'; there are"):
        render("pdf", rows=[], job={}, report_type="leads", out=tmp_path / "x")
    with pytest.raises(InputError, match="no report type 'all'; there are"):
        render("csv", rows=[], job={}, report_type="all", out=tmp_path / "x")


def test_paths_with_quotes_and_globs(tmp_path: Path, con: Any) -> None:
    folder = tmp_path / "it's [1] *"
    folder.mkdir()
    source = write_rows(folder / "s'core.parquet", final_rows())
    assert len(read_csv(made(folder, con, "csv", [source]))) == 12
