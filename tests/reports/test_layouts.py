"""Layouts: the columns of CSV and XLSX, those of one's own, and what is said of a wrong one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from data.input_columns import headers_metadata
from data.schemas import STAGE_SCHEMAS
from data.schemas import table as table_of
from leadmill.errors import ConfigError, InputError
from leadmill.settings import get_settings
from reports.layout_choice import check_choice, layout_named, layout_names, wrong_files
from reports.layouts import LAYOUTS
from reports.render import render
from tests.reports.conftest import JOB, JOB_ID, bad, good

PAGE = (Path(__file__).parents[2] / "docs" / "layouts.md").read_text(encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of layouts of one's own."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("LEADMILL_LAYOUTS_DIR", str(folder))
    get_settings.cache_clear()
    yield folder
    monkeypatch.undo()
    get_settings.cache_clear()


def table(tmp_path: Path, con: Any, rows: list[Path], layout: str, report_type: str = "leads") -> list[dict[str, str]]:
    out = tmp_path / "report.csv"
    render("csv", rows=rows, job=JOB, report_type=report_type, out=out, layout=layout, con=con)
    with out.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_crm_is_what_people_work_with(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    best, *_ = found = table(tmp_path, con, rows, "crm", "comprehensive")
    assert best == {
        "rank": "1",
        "score": "92.0",
        "tier": "A",
        "fit": "",
        "reach": best["reach"],
        "why": "E-mail found (+14); Little found (-8)",
        "name": "Best",
        "website": "https://best.de/",
        "email": "info@best.de",
        "phone": "0221 55512345",
        "phone_e164": "+4922155512345",
        "street": "Hauptstr. 5",
        "city": "Köln",
        "region": "",
        "postcode": "50667",
        "country": "Germany",
        "country_code": "DE",
        "industry": "Manufacturing",
        "size": "11–50",
        "linkedin": "https://linkedin.com/company/best",
        "error": "",
    }
    assert [row["rank"] for row in found] == [*"123456789", "", "", ""]
    assert found[-1]["error"] == "timed out after 25 s"


@pytest.mark.parametrize("layout", LAYOUTS.names)
@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_every_layout_makes_a_table(tmp_path: Path, con: Any, rows: list[Path], layout: str, fmt: str) -> None:
    out = tmp_path / f"report.{fmt}"
    result = render(fmt, rows=rows, job=JOB, report_type="comprehensive", out=out, layout=layout, con=con)
    assert result.rows == 12
    if fmt == "xlsx":
        header, *lines = CalamineWorkbook.from_path(str(out)).get_sheet_by_name("Leads").to_python()
        assert len(lines) == 12
        assert len(set(header)) == len(header)


def lines(*told: tuple[int, dict[str, str]]) -> list[dict[str, Any]]:
    return [{"line": line, "values": values} for line, values in told]


@pytest.fixture
def listed(tmp_path: Path) -> list[Path]:
    """What a CRM's list became: a company of two lines, one that is down, and a line that names none."""
    content = [
        good(
            "best.de", 92, phones=["+4922155512345"], input=lines(
                (2, {"Record ID": "101", "Company name": "Best AG (key account)", "=Owner": "=Zoë"}),
                (4, {"Record ID": "103"}),
            ),
        ),
        good("found.com", 40),
        {**bad("down.com", "network", "timed out"), "input": lines((3, {"Record ID": "102", "notes": "x;=1"}))},
        {**bad("not a host", "data", "no web address"), "company_id": "", "input": lines((5, {"Record ID": "104"}))},
    ]  # fmt: skip
    told = table_of(content, STAGE_SCHEMAS["score"], JOB_ID)
    headers = headers_metadata(["Record ID", "Company name", "=Owner", "Notes", "notes"])
    pq.write_table(told.replace_schema_metadata(headers), tmp_path / "listed.parquet")
    return [tmp_path / "listed.parquet"]


@pytest.mark.parametrize("layout", ["full", "crm"])
def test_what_the_input_held_comes_last_as_one_row_a_company(
    tmp_path: Path, con: Any, listed: list[Path], layout: str
) -> None:
    best, found, *failed = table(tmp_path, con, listed, layout, "comprehensive")
    added = ["input.Record ID", "input.Company name", "input.=Owner", "input.Notes", "input.notes (2)"]
    assert list(best)[-5:] == added
    assert (best["input.Record ID"], best["input.=Owner"]) == ("101; 103", "'=Zoë")
    assert found["input.Record ID"] == ""
    assert {row["input.Record ID"]: row["error"] for row in failed} == {
        "102": "timed out",
        "104": "no web address",
    }
    assert {row["input.notes (2)"] for row in failed} == {"x;'=1", ""}


def test_an_import_gets_each_record_by_its_id(tmp_path: Path, con: Any, listed: list[Path]) -> None:
    found = table(tmp_path, con, listed, "hubspot", "comprehensive")
    assert sorted(row["Record ID"] for row in found) == ["", "101", "102", "103", "104"]
    by_id = {row["Record ID"]: row for row in found}
    assert by_id["101"]["Company name"] == "Best AG (key account)"
    assert by_id["103"]["Company name"] == "Best"
    assert by_id["101"]["Phone number"] == by_id["103"]["Phone number"] == "+4922155512345"
    assert by_id["102"]["Leadmill error"] == "timed out"
    assert (by_id["104"]["Website URL"], by_id["104"]["Company domain name"]) == ("", "")
    assert by_id["104"]["Company name"] == "", "no record is called by what stood for an address"
    out = tmp_path / "report.xlsx"
    render("xlsx", rows=listed, job=JOB, report_type="comprehensive", out=out, layout="hubspot", con=con)
    _, *rows = CalamineWorkbook.from_path(str(out)).get_sheet_by_name("Leads").to_python()
    assert [row[0] for row in rows] == [row["Record ID"] for row in found]


@pytest.mark.parametrize("name", ["Record ID", "Record ID - Companies", "hs_object_id"])
def test_a_record_id_of_hubspot_comes_back_by_each_of_its_names(tmp_path: Path, con: Any, name: str) -> None:
    content = [{**bad("a.com", "data", "no address"), "input": [{"line": 8, "values": {name: "7"}}]}]
    told = table_of(content, STAGE_SCHEMAS["score"], JOB_ID)
    pq.write_table(told.replace_schema_metadata(headers_metadata([name])), tmp_path / "listed.parquet")
    [row] = table(tmp_path, con, [tmp_path / "listed.parquet"], "hubspot", "comprehensive")
    assert row["Record ID"] == "7" and list(row.values()).count("7") == 1


@pytest.mark.parametrize("layout", ["hubspot", "pipedrive", "salesforce", "salesforce_accounts"])
def test_ids_of_another_language_or_kind_of_record_come_back(tmp_path: Path, con: Any, layout: str) -> None:
    given = {
        "Datensatz-ID": "7",
        "accountId": "8",
        "Associated IDs": "9",
        "Firma": "Müller",
        "Idee": "x",
        "name": "Zoë",
    }
    content = [{**bad("line 8", "data", "no address"), "company_id": "", "input": [{"line": 8, "values": given}]}]
    told = table_of(content, STAGE_SCHEMAS["score"], JOB_ID)
    pq.write_table(told.replace_schema_metadata(headers_metadata(list(given))), tmp_path / "listed.parquet")
    [row] = table(tmp_path, con, [tmp_path / "listed.parquet"], layout, "comprehensive")
    assert row["Datensatz-ID"] == "7" and "8" in row.values()
    assert not {"9", "x", "Zoë", "line 8"} & set(row.values())
    assert "Müller" in row.values()


def test_hubspot_finds_companies_by_their_domain(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    best, *_ = table(tmp_path, con, rows, "hubspot")
    assert "Record ID" not in best, "the input had none"
    assert (best["Company domain name"], best["Company name"]) == ("best.de", "Best")
    assert (best["Phone number"], best["Country/Region"], best["Number of employees"]) == (
        "+4922155512345", "Germany", "11"
    )  # fmt: skip


def test_salesforce_has_what_a_lead_needs(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    found = table(tmp_path, con, rows, "salesforce", "comprehensive")
    assert all(row["Company"] and row["Last Name"] == "[not provided]" for row in found)
    assert [row["Rating"] for row in found] == ["Hot"] * 4 + ["Warm"] * 2 + ["Cold"] * 3 + [""] * 3


def test_a_byte_order_mark_comes_first_unless_it_is_not_wanted(tmp_path: Path, con: Any, rows: list[Path]) -> None:
    out = tmp_path / "report.csv"
    render("csv", rows=rows, job=JOB, report_type="leads", out=out, con=con)
    marked = out.read_bytes()
    render("csv", rows=rows, job=JOB, report_type="leads", out=out, bom=False, con=con)
    assert marked == b"\xef\xbb\xbf" + out.read_bytes()


def test_the_recipe_of_a_layout_of_ones_own(own: Path, tmp_path: Path, con: Any, rows: list[Path]) -> None:
    [(name, text)] = re.findall(r"^```toml\n# layouts/(\S+)\n(.*?)^```$", PAGE, re.M | re.S)
    (own / name).write_text(text, encoding="utf-8")
    assert layout_names()[-1] == "outreach"
    best, *_ = table(tmp_path, con, rows, "outreach")
    assert best == {"First choice": "1", "Company": "Best", "E-mail": "info@best.de", "Source": "Leadmill"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[columns]\n"A" = "emial"', "column 'A': no field 'emial'; did you mean 'email'"),
        ('[columns]\n"A" = "name | industri"', "no field 'industri'; did you mean 'industry'"),
        ('[columns]\n"A" = "name; DROP TABLE x"', "no field 'name; DROP TABLE x'"),
        ('[columns]\n"A" = "input.*"', r"write a \* into the header"),
        ('[columns]\n" " = "name"', "is no header"),
        ("[columns]\nA = 1", r"\[columns\] holds lines"),
        ("", r"\[columns\] holds lines"),
        ("[columns]", "it has no columns"),
        ('rows = "line"\n[columns]\nA = "name"', "no kind of row 'line'; did you mean 'lines'"),
        ('colums = 1\n[columns]\nA = "name"', "no key 'colums'; did you mean 'columns'"),
        ("[columns", "cannot be read"),
        pytest.param("x = " + "[" * 20_000, "cannot be read", id="deep"),
        pytest.param("x = " + "9" * 5_000, "cannot be read", id="a number without an end"),
    ],
)
def test_a_wrong_layout_is_told(own: Path, text: str, said: str) -> None:
    (own / "own.toml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        layout_named("own")
    [told] = wrong_files(own)
    assert told.startswith("LEADMILL_LAYOUTS_DIR: layout own") and re.search(said, told)


def test_a_name_that_is_taken_is_told(own: Path) -> None:
    (own / "crm.toml").write_text('[columns]\nA = "name"')
    with pytest.raises(ConfigError, match=r"crm\.toml: the name is taken"):
        layout_names()


def test_what_nothing_can_be_laid_out_by_is_refused() -> None:
    with pytest.raises(InputError, match="no layout 'crn'; did you mean 'crm'"):
        check_choice("crn", ("csv",))
    with pytest.raises(InputError, match="layout 'crm' is for csv and xlsx; json always holds the whole rows"):
        check_choice("crm", ("json",))
    check_choice("crm", ("html", "csv"))
    check_choice("full", ("json",))


@pytest.mark.parametrize("fmt", ["csv", "xlsx"])
def test_a_layout_of_nothing_but_columns_that_the_input_lacks_is_told(
    tmp_path: Path, con: Any, rows: list[Path], own: Path, fmt: str
) -> None:
    (own / "own.toml").write_text('[columns]\n"Owner" = "input.Nobody"')
    with pytest.raises(InputError, match="layout 'own' has only columns of the input"):
        render(fmt, rows=rows, job=JOB, report_type="leads", out=tmp_path / "o", layout="own", con=con)


def wide(tmp_path: Path, columns: int, companies: int) -> tuple[list[str], list[Path]]:
    """Companies whose input has many columns: the first is named by two lines, the others by one."""
    headers = [f"c{n}" for n in range(columns)]
    lines = [{"line": 1, "values": {header: f"v{header}" for header in headers}}, {"line": 2, "values": {"c0": " w "}}]
    found = [good(f"w{n}.com", 90 - n, input=lines[: 1 if n else 2]) for n in range(companies)]
    file = tmp_path / "wide.parquet"
    schema = STAGE_SCHEMAS["score"]
    pq.write_table(table_of(found, schema, JOB_ID).replace_schema_metadata(headers_metadata(headers)), file)
    return headers, [file]


def test_as_many_columns_as_a_list_has_come_back(tmp_path: Path, con: Any) -> None:
    headers, rows = wide(tmp_path, 1_500, 3)
    two, one, _ = table(tmp_path, con, rows, "crm")
    assert [one[f"input.{header}"] for header in headers] == [f"v{header}" for header in headers]
    assert (two["input.c0"], two["input.c1"]) == ("vc0; w", "vc1")


def test_more_columns_than_a_sheet_has_are_refused(tmp_path: Path, con: Any) -> None:
    _, rows = wide(tmp_path, 16_383, 1)
    with pytest.raises(InputError, match=r"16,\d{3} columns do not fit into an XLSX sheet \(16,384\)"):
        render("xlsx", rows=rows, job=JOB, report_type="leads", out=tmp_path / "o", layout="crm", con=con)
