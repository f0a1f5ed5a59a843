"""Lists in XLSX files: what people see in the cells, links, sheets, and files that were made to do harm."""

from __future__ import annotations

import struct
import zipfile
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmill.errors import InputError
from pipelines.request.lists import company_list, xml_parts
from pipelines.request.lists import rows as rows_module
from pipelines.request.lists import workbook as workbook_module
from pipelines.request.lists.budget import WHOLE, Budget
from pipelines.request.lists.company_list import CompanyList
from pipelines.request.lists.numbers import kind_of, shown
from pipelines.request.lists.workbook import Workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def made(file: Path, *sheets: list[list[Any]]) -> Path:
    book = xlsxwriter.Workbook(str(file), {"default_date_format": "dd.mm.yyyy"})
    for rows in sheets:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return file


def raw(file: Path, sheet: str, texts: str = "") -> Path:
    """A workbook of one sheet whose XML is written by hand."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            f'<R><Relationship Id="r" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></R>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="A" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData>{sheet}</sheetData></worksheet>'
        )
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{texts}</sst>')
    return file


def test_cells_as_people_see_them(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet("Kunden")
    sheet.write_row(0, 0, ["Kunden, Stand Mai"])
    sheet.write_row(2, 0, ["Record ID", "Website", "Seit", "PLZ", "Anteil", "Kontakt", "Aktiv", "Notiz"])
    sheet.write_number(3, 0, 17593848112)
    sheet.write_string(3, 1, "a.com")
    sheet.write_datetime(3, 2, datetime(2026, 5, 3), book.add_format({"num_format": "dd.mm.yyyy"}))
    sheet.write_number(3, 3, 1067, book.add_format({"num_format": "00000"}))
    sheet.write_number(3, 4, 0.125, book.add_format({"num_format": "0.0%"}))
    sheet.write_datetime(3, 5, datetime(2026, 5, 3, 14, 30), book.add_format({"num_format": 22}))
    sheet.write_boolean(3, 6, True)
    sheet.write_rich_string(3, 7, "ruft ", book.add_format({"bold": True}), "morgen", " an")
    book.close()
    found = CompanyList(tmp_path / "a.xlsx")
    (line,) = found
    assert (line.line, line.company and line.company.domain) == (4, "a.com")
    assert line.values == {
        "Record ID": "17593848112",
        "Seit": "2026-05-03",
        "PLZ": "01067",
        "Anteil": "12.5%",
        "Kontakt": "2026-05-03 14:30",
        "Aktiv": "TRUE",
        "Notiz": "ruft morgen an",
    }
    assert found.understood.told() == {"format": "xlsx", "sheet": "Kunden", "column": "Website", "header_line": 3}


def test_links_behind_cells(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["Name", "Website"])
    sheet.write_formula(1, 1, '=HYPERLINK("https://a.com/","Zur Seite")', None, "Zur Seite")
    sheet.write_url(2, 1, "https://b.com/?x=1&y=2", string="B")
    sheet.write_url(3, 1, "https://elsewhere.com/", string="c.com")
    book.close()
    lines = list(CompanyList(tmp_path / "a.xlsx"))
    assert [line.company and line.company.domain for line in lines] == ["a.com", "b.com", "c.com"]
    assert lines[1].company is not None and lines[1].company.url == "https://b.com/?x=1&y=2"


def test_the_first_sheet_that_holds_a_list(tmp_path: Path) -> None:
    file = made(
        tmp_path / "a.xlsx", [["Only notes"]], [], [["Firma", "Webseite"], ["A", "a.com"]], [["url"], ["b.com"]]
    )
    found = CompanyList(file)
    assert (found.understood.sheet, [line.text for line in found]) == ("Sheet3", ["a.com"])
    with pytest.raises(InputError, match="Only notes"):
        CompanyList(made(tmp_path / "b.xlsx", [["Only notes"], ["no list"]]))
    with pytest.raises(InputError, match="did you mean 'Webseite'"):
        CompanyList(made(tmp_path / "c.xlsx", [["Firma", "Webseite"], ["A", "a.com"]]), "Webseiten-Adresse")


def test_a_workbook_without_places_and_with_inline_texts(tmp_path: Path) -> None:
    sheet = (
        "<row><c t='inlineStr'><is><t>Website</t></is></c><c t='s'><v>0</v></c></row>"
        "<row><c t='str'><v>a.com</v></c><c t='s'><v>1</v></c><c t='e'><v>#N/A</v></c></row><row/>"
        "<row r='9'><c r='B9'><v>1E3</v></c><c r='A9' t='str'><v>b.com</v></c><c r='C9' t='s'><v>77</v></c></row>"
    )
    texts = "<si><t>Name</t></si><si><t>A_x000A_B</t><rPh><t>spoken</t></rPh></si>"
    lines = list(CompanyList(raw(tmp_path / "a.xlsx", sheet, texts)))
    assert [(line.line, line.text, line.values) for line in lines] == [
        (2, "a.com", {"Name": "A\nB", "column 3": "#N/A"}),
        (9, "b.com", {"Name": "1000"}),
    ]


@pytest.mark.parametrize(
    ("number", "code", "value", "seen"),
    [
        (14, None, "46145", "2026-05-03"),
        (0, None, "46145", "46145"),
        (164, '"am" d. mmmm', "46145", "2026-05-03"),
        (164, "[Red]0.00;General", "1.5", "1.5"),
        (164, "[h]:mm", "0.5", "12:00"),
        (164, '#,##0 "mdyhs"', "1234", "1234"),
        (164, "General", "0.1", "0.1"),
        (164, "0000", "7", "0007"),
        (9, None, "0.5", "50%"),
        (14, None, "-3", "-3"),
        (14, None, "9e99", "9e+99"),
        (0, None, "12345678901234", "12345678901234"),
        (0, None, "not", "not"),
    ],
)
def test_numbers(number: int, code: str | None, value: str, seen: str) -> None:
    assert shown(value, kind_of(number, code)) == seen


def test_1904() -> None:
    assert shown("0", "date", since_1904=True) == "00:00" and shown("1", "date", since_1904=True) == "1904-01-02"


# ---- harm ------------------------------------------------------------------------------------------


def test_a_cell_in_the_last_corner_costs_a_row(tmp_path: Path) -> None:
    sheet = "<row r='1'><c r='A1' t='str'><v>url</v></c></row><row r='2'><c r='A2' t='str'><v>a.com</v></c></row>"
    sheet += "<row r='1048576'><c r='XFD1048576' t='str'><v>x</v></c></row>"
    lines = list(CompanyList(raw(tmp_path / "a.xlsx", sheet)))
    assert [(line.line, line.text) for line in lines] == [(2, "a.com"), (1_048_576, "")]


HEAD = "<row><c t='str'><v>url</v></c></row><row><c t='str'><v>a.com</v></c></row>"


@pytest.mark.parametrize(
    "sheet",
    [
        HEAD + "<row r='1048577'><c t='str'><v>x</v></c></row>",
        HEAD + "<row>" * 100 + "</row>" * 100,
        HEAD + f"<row r='3' x='{'y' * 5_000_000}'/>",
        HEAD + "<row",
        HEAD + f"<row>{'<c/>' * 16_385}</row>",
    ],
    ids=["rows", "depth", "tag", "broken", "empty cells"],
)
def test_harmful_sheets_are_refused(tmp_path: Path, sheet: str) -> None:
    with pytest.raises(InputError, match=r"workbook|sheet"):
        list(CompanyList(raw(tmp_path / "a.xlsx", sheet)))


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = raw(tmp_path / "a.xlsx", HEAD + f"<row><c t='str'><v>{' ' * 3_000_000}</v></c></row>")
    assert file.stat().st_size < 20_000
    assert len(list(CompanyList(file))) == 1
    monkeypatch.setattr(xml_parts, "MAX_UNPACKED", 2_000_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        CompanyList(file)
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    place = data.rfind(size.to_bytes(4, "little"))
    data[place : place + 4] = (1_000).to_bytes(4, "little")  # it says less than it is: no more than that is read
    file.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        list(CompanyList(file))


def test_cells_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_module, "MAX_CELLS", 30_000)
    sheet = HEAD + "".join(f"<row r='{n}'><c r='XFD{n}' t='str'><v>x</v></c></row>" for n in (3, 4, 5))
    with pytest.raises(InputError, match="cells; delete"):
        list(CompanyList(raw(tmp_path / "a.xlsx", sheet)))


def test_empty_cells_and_rows_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_module, "MAX_CELLS", 30_000)
    for n, sheet in enumerate([f"<row>{'<c/>' * 16_000}</row>" * 2, "<row r='3'/>" * 30_000]):
        with pytest.raises(InputError, match="cells; delete"):
            list(CompanyList(raw(tmp_path / f"{n}.xlsx", HEAD + sheet)))


#: A cell that refers to the texts of the workbook: they are read where one does.
SHARED = "<row><c t='s'><v>0</v></c></row>"


def replaced(file: Path, part: str, text: str, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The workbook with another text in one of its parts, packed in another way."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name).decode() for name in old.namelist()} | {part: text}
    with zipfile.ZipFile(file, "w") as new:
        for name, data in parts.items():
            new.writestr(name, data, method)
    return file


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><sst><si><t>&b;</t></si></sst>'
    with pytest.raises(InputError, match="document type"):
        CompanyList(replaced(raw(tmp_path / "a.xlsx", HEAD + SHARED), "xl/sharedStrings.xml", bomb))


@pytest.mark.parametrize("name", ["nowhere", "shift_jis", "utf-7", "rot13", "idna"])
def test_xml_in_an_encoding_that_no_workbook_has_is_refused(tmp_path: Path, name: str) -> None:
    texts = f'<?xml version="1.0" encoding="{name}"?><sst/>'
    with pytest.raises(InputError, match="damaged"):
        CompanyList(replaced(raw(tmp_path / "a.xlsx", HEAD + SHARED), "xl/sharedStrings.xml", texts))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_parts_that_unpack_without_a_bound_are_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(InputError, match="damaged"):
        CompanyList(replaced(raw(tmp_path / "a.xlsx", HEAD + SHARED), "xl/sharedStrings.xml", "<sst/>", method))


def test_numbers_of_thousands_of_digits_name_nothing(tmp_path: Path) -> None:
    long = "1" * 5_000
    sheet = HEAD + f"<row r='{long}'><c t='str'><v>b.com</v></c><c s='{long}'><v>5</v></c></row>"
    sheet += f"<row><c t='s'><v>{long}</v></c></row>"
    assert [line.text for line in CompanyList(raw(tmp_path / "a.xlsx", sheet))] == ["a.com", "b.com"]


def test_a_wide_workbook_is_understood_by_fewer_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "SAMPLE_CELLS", 6)
    file = made(tmp_path / "a.xlsx", [["Name", "Website", "City"], *[["A", "a.com", "B"]] * 200])
    assert company_list.CompanyList(file)._source.first[-1].line == 3
    assert len(list(CompanyList(file))) == 200


def test_the_larger_archive_format_is_read_and_bounded(tmp_path: Path) -> None:
    file = raw(tmp_path / "a.xlsx", HEAD)
    data = file.read_bytes()
    at = data.rfind(b"PK\x05\x06")
    parts, size, start = struct.unpack_from("<H2L", data, at + 10)

    def with_directory(size: int) -> Path:
        record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, parts, parts, size, start)
        file.write_bytes(data[:at] + record + struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1) + data[at:])
        return file

    assert [line.text for line in CompanyList(with_directory(size))] == ["a.com"]
    with pytest.raises(InputError, match="damaged"):
        CompanyList(with_directory(50_000_000))


def test_many_parts_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    file = raw(tmp_path / "a.xlsx", HEAD)
    data = bytearray(file.read_bytes())
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = (50_000_000).to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        CompanyList(file)


def test_other_archives_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("list.csv", "url\na.com\n")
    with pytest.raises(InputError, match="ZIP archive"):
        CompanyList(tmp_path / "a.zip")


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 5_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_workbook_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, junk: bytes
) -> None:
    file = made(tmp_path_factory.mktemp("book") / "a.xlsx", [["url", "since"], ["a.com", date(2026, 5, 3)]])
    data = bytearray(file.read_bytes())
    data[place % len(data) : place % len(data) + len(junk)] = junk
    file.write_bytes(data)
    with suppress(InputError):
        list(CompanyList(file))


def test_sheets_of_a_workbook_are_read_one_row_at_a_time(tmp_path: Path) -> None:
    """Stopping early reads no further: an error behind the first rows is not met."""
    sheet = "".join(f"<row><c t='str'><v>a{n}.com</v></c></row>" for n in range(50_000))
    with Workbook(raw(tmp_path / "a.xlsx", sheet + "<row"), Budget(WHOLE)) as book:
        assert next(iter(book.rows(book.sheets[0]))).cells == ["a0.com"]
