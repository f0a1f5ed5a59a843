"""A CRM's export goes in and comes back as a file that the same CRM imports, with its ids on every line.

The files are as each system writes them; what comes back is read by the rules that its documentation gives for imports.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from leadmill import Client
from reports.layouts import LAYOUTS

Row = dict[str, str]


def hubspot(rows: list[Row]) -> None:
    """https://knowledge.hubspot.com/import-and-export/set-up-your-import-file: one header row, one row a record; a
    Record ID is a number and updates that record; without one the domain is what companies are matched by.
    """
    for row in rows:
        assert re.fullmatch(r"\d+", row["Record ID"]) or re.fullmatch(r"[\w-]+(\.[\w-]+)+", row["Company domain name"])
        assert re.fullmatch(r"\d*", row["Number of employees"]) and re.fullmatch(r"\d{4}|", row["Year founded"])


def salesforce(rows: list[Row]) -> None:
    """https://help.salesforce.com/s/articleView?id=xcloud.import_with_data_import_wizard.htm: at most 90 fields, an
    account needs its name (255 characters); a Salesforce ID has 15 or 18; a rating is of the standard list.
    """
    assert len(rows[0]) <= 90
    for row in rows:
        assert 0 < len(row["Account Name"]) <= 255 and re.fullmatch(
            r"001[0-9A-Za-z]{12}([0-9A-Z]{3})?", row["Account ID"]
        )
        assert row["Account Rating"] in ("Hot", "Warm", "Cold", "") and re.fullmatch(r"\d*", row["Employees"])


def pipedrive(rows: list[Row]) -> None:
    """https://support.pipedrive.com/en/article/importing-mandatory-fields: an organization needs its name; the category
    of each column is told by its header; an ID is a number.
    """
    assert all(header.startswith("Organization - ") for header in rows[0])
    for row in rows:
        assert row["Organization - Name"] and re.fullmatch(r"\d+", row["Organization - ID"])


HUBSPOT = """"Record ID","Company name","Company Domain Name","Company owner"
"9001","Nordwind, Solar","nordwind-solar.example","Zoë Ünal"
"9002","No site yet","",""
"9003","Nordwind (double)","www.nordwind-solar.example","Ada"
"9004","Away","nowhere.example",""
"""
SALESFORCE = """"Account ID";"Account Name";"Website";"Account Owner"
"0015g00000AbCdE";"Nordwind Müller";"http://nordwind-solar.example/";"Jörg"
"0015g00000AbCdFAAQ";"No site yet";"";"Jörg"
"""
PIPEDRIVE = """Organization - ID,Organization - Name,Organization - Website,Organization - Owner
17,Nordwind,http://nordwind-solar.example,Kim
18,Odd,not a website,Kim
"""
CASES = [
    ("hubspot", HUBSPOT.encode("utf-8-sig"), "Record ID", ["9001", "9002", "9003", "9004"], hubspot),
    (
        "salesforce_accounts",
        SALESFORCE.replace("\n", "\r\n").encode("cp1252"),
        "Account ID",
        ["0015g00000AbCdE", "0015g00000AbCdFAAQ"],
        salesforce,
    ),
    ("pipedrive", PIPEDRIVE.encode(), "Organization - ID", ["17", "18"], pipedrive),
]


@pytest.mark.parametrize(("layout", "given", "id_header", "ids", "rules"), CASES, ids=[case[0] for case in CASES])
def test_an_export_comes_back_importable_with_every_id(
    client: Client,
    tmp_path: Path,
    layout: str,
    given: bytes,
    id_header: str,
    ids: list[str],
    rules: Callable[[list[Row]], None],
) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes(given)
    handle = client.submit(csv=file, crawl={"max_pages": 1}, report={"formats": ["csv"], "layout": layout})
    job = handle.wait(120)
    assert job.status == "completed", job.error
    table = handle.report("csv", tmp_path / "back.csv").read_bytes()
    assert table.startswith(b"\xef\xbb\xbf"), "UTF-8, told by its mark"
    reader = csv.DictReader(io.StringIO(table.decode("utf-8-sig"), newline=""), strict=True)
    rows = list(reader)
    headers = [header for header in LAYOUTS.load(layout).columns if header != "*"]
    assert list(reader.fieldnames or ()) == headers, "each header once"
    assert sorted(row[id_header] for row in rows) == ids, "a row a line, each with its id"
    rules(rows)
    found = next(row for row in rows if row[id_header] == ids[0])
    assert "Nordwind" in next(text for header, text in found.items() if header.casefold().endswith("name"))
    assert found["Leadmill score" if "Leadmill score" in found else "Organization - Leadmill score"]
