"""Lists of companies as people export them: which column, which characters, which cells, and what each line says."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmill.errors import InputError
from pipelines.request.lists.budget import WHOLE, Budget
from pipelines.request.lists.company_list import CompanyList, InputLine
from pipelines.request.lists.csv_rows import (
    LONG_CELL,
    LONG_LINE,
    MAX_AGAIN,
    MAX_ROW_LINES,
    OPEN_QUOTE,
    _Lines,
    csv_rows,
)
from pipelines.request.lists.words import HEADERS, fold


def opened(folder: Path, text: str | bytes, column: str | None = None) -> CompanyList:
    file = folder / "list"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CompanyList(file, column)


def read(folder: Path, text: str | bytes, column: str | None = None) -> list[InputLine]:
    return list(opened(folder, text, column))


def domains(lines: list[InputLine]) -> list[str]:
    return [line.company.domain for line in lines if line.company]


# ---- columns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "url\na.com\nb.com\n",
        "name,website\nA,a.com\nB,b.com\n",
        "Name;Domain\nA;a.com\nB;b.com\n",
        "company_url\tname\na.com\tA\nb.com\tB",
        "Name | Web site\nA | a.com\nB | b.com\n",
        "a.com\nb.com\n",
        '\ufeffURL\r\n"a.com"\r\n\r\nb.com\r\n',
        "anything\na.com\nb.com\n",
        "Kunde;Netz;Umsatz\nA;a.com;1,5\nB;b.com;2,5\n",
        "A,a.com\nB,b.com\n",
        "SEP=|\nName|Site web\nA, Cie|a.com\nB|b.com\n",
        "Kunden Sommer, Stand 3. Mai\n\n;;\nFirma;Webseite\nA;a.com\nB;b.com\n",
        'Firma,"Website\n(Zentrale, ohne Filialen)"\nA,a.com\nB,b.com\n',
        "Mitarbeiter;Netz;LinkedIn\nmax.muster;a.com;https://www.linkedin.com/company/a\nida.post;b.com;\n",
        "E-Mail\ninfo@a.com\ninfo@b.com\n",
    ],
)
def test_the_column_is_found(tmp_path: Path, text: str) -> None:
    lines = read(tmp_path, text)
    assert domains(lines) == ["a.com", "b.com"]
    assert not [line for line in lines if line.error]


@pytest.mark.parametrize(
    "name", ["Company Domain Name", "Página web", "pagina web", "ИНТЕРНЕТ-САЙТ", "Strona WWW", "ホームページ"]
)
def test_a_header_is_known_whatever_its_case_and_accents(name: str) -> None:
    assert fold(name) in HEADERS


def test_a_known_header_counts_before_the_look_of_cells(tmp_path: Path) -> None:
    text = "Referrer,Company Domain Name\nportal.com,a.com\nportal.com,b.com\n"
    assert domains(read(tmp_path, text)) == ["a.com", "b.com"]


def test_of_several_columns_the_first_that_names_a_company_counts(tmp_path: Path) -> None:
    text = "Website,Name,Website,Homepage\n,A,a.com,\nfacebook.com/b,B,,b.com\n,C,,\nd.com,D,x.com,y.com\n"
    found = opened(tmp_path, text)
    lines = list(found)
    assert domains(lines) == ["a.com", "b.com", "d.com"]
    assert [line.line for line in lines if line.error] == [4]
    assert found.understood.further_columns == ("Website 2", "Homepage")
    assert lines[0].values == {"Name": "A", "Website 2": "a.com"}
    assert lines[3].values == {"Name": "D", "Website 2": "x.com", "Homepage": "y.com"}


def test_columns_that_hold_nothing_useful_come_last(tmp_path: Path) -> None:
    text = "Website;Netzauftritt;Name\n;a.com;A\n;b.com;B\n"
    found = opened(tmp_path, text)
    assert (found.understood.column, found.understood.further_columns) == ("Netzauftritt", ("Website",))


def test_an_email_address_stands_in_for_a_website_that_is_missing(tmp_path: Path) -> None:
    text = (
        "Owner E-Mail,Website,E-Mail\nme@ours.de,,info@a.com\nme@ours.de,b.com,x@c.com\nme@ours.de,,\n,,o@gmail.com\n"
    )
    found = opened(tmp_path, text)
    lines = list(found)
    assert (found.understood.column, found.understood.further_columns) == ("Website", ("E-Mail",))
    assert [line.company and line.company.domain for line in lines] == ["a.com", "b.com", None, None]
    assert lines[2].error == "no address in this line" and "gmail.com" in (lines[3].error or "")
    assert lines[0].values == {"Owner E-Mail": "me@ours.de", "E-Mail": "info@a.com"}


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("Email,Name\nann@a.com,Ann\n", "email"),
        ("Title\n\nPost,Name\nann@a.com,Ann\n", "Post"),
        ("Email\nann@a.com\n", None),
    ],
)
def test_an_address_that_a_company_is_known_by_comes_back(tmp_path: Path, text: str, column: str | None) -> None:
    (line,) = read(tmp_path, text, column)
    assert line.company is not None and line.company.domain == "a.com"
    assert "ann@a.com" in line.values.values()


def test_a_list_of_contacts_is_refused_with_the_column_that_would_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column 'E-Mail' would give the domains of its e-mail addresses"):
        opened(tmp_path, "Name,E-Mail\nLund,info@a.com\n")


def test_the_caller_may_name_the_column(tmp_path: Path) -> None:
    text = "Website,Alt\na.com,b.com\n"
    assert domains(read(tmp_path, text, "alt")) == ["b.com"]
    assert domains(read(tmp_path, "A,a.com\nB,b.com\n", "column 2")) == ["a.com", "b.com"]
    assert domains(read(tmp_path, "Name,E-Mail\nA,info@a.com\n", "E-Mail")) == ["a.com"]
    with pytest.raises(InputError, match="did you mean 'Website'") as wrong:
        opened(tmp_path, text, "Webstie")
    assert wrong.value.field == "column"


@pytest.mark.parametrize(
    "text", ["", "\n", "a,b\n1,2\n", "Name,Owner E-Mail\nA,me@ours.com\n", "Name,E-Mail\nA,i@a.com\n", ",,\n", "\0\0\n"]
)
def test_a_list_without_websites_says_what_it_has_and_what_would_do(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as wrong:
        opened(tmp_path, text)
    assert ("column" in str(wrong.value)) == bool(text.strip("\n,\0")) or "column" in str(wrong.value)


# ---- values ----------------------------------------------------------------------------------------


def test_a_cell_beyond_the_header_takes_no_headers_place(tmp_path: Path) -> None:
    [line] = read(tmp_path, "website,column 4,x\nacme.de,a,b,c\n")
    assert list(line.values.values()) == ["a", "b", "c"]


def test_other_columns_come_along(tmp_path: Path) -> None:
    text = 'ID,Website,"Name\nof it",,ID\n7,a.com,"A, Ltd",x,8\n9,b.com,,,\n10,c.com,C,,,,more\n'
    found = opened(tmp_path, text)
    assert [line.values for line in found] == [
        {"ID": "7", "Name of it": "A, Ltd", "column 4": "x", "ID 2": "8"},
        {"ID": "9"},
        {"ID": "10", "Name of it": "C", "column 7": "more"},
    ]
    assert found.understood.other_columns == ("ID", "Name of it", "column 4", "ID 2")


# ---- encodings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
        ("cp1252", "Windows-1252"),
    ],
)
def test_encodings(tmp_path: Path, codec: str, told: str) -> None:
    found = opened(tmp_path, "Firma;Webseite\r\nMöwe;möwe.de\r\nÆ – ü;b.de\r\n".encode(codec))
    lines = list(found)
    assert domains(lines) == ["xn--mwe-sna.de", "b.de"]
    assert [line.values["Firma"] for line in lines] == ["Möwe", "Æ – ü"]
    assert found.understood.encoding == told


def test_one_broken_character_makes_no_other_encoding(tmp_path: Path) -> None:
    text = "Firma;Webseite\nMöwe;a.de\nÜber;b.de\nÄra;c.de\nÖl;d.de\n".encode() + b"Caf\xe9;e.de\n"
    found = opened(tmp_path, text)
    assert found.understood.encoding == "UTF-8"
    assert next(iter(found)).values["Firma"] == "Möwe"
    assert len(domains(list(found))) == 5


@pytest.mark.parametrize(
    "start",
    [b"%PDF-1.7\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" * 9, b"<html><table>"],
)
def test_files_that_are_no_lists_are_named(tmp_path: Path, start: bytes) -> None:
    with pytest.raises(InputError, match=r"CSV|XLSX"):
        opened(tmp_path, start + b"\nurl\na.com\n")


# ---- cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        '=HYPERLINK("https://a.com","A")',
        '=hyperlink( "https://a.com" ; "A" )',
        '="a.com"',
        "a.com\u200b",
        "\u2060a.com\u00a0",
        "<https://a.com/>",
        "A <https://a.com>",
        "<a.com>",
        "[A](https://a.com/)",
        '<a href="https://a.com/x">A</a>',
        "a.com; b.com",
        "a.com, www.b.com",
        "https://a.com\nhttps://b.com",
        "Shop: https://a.com (new)",
        "www.a.com,",
        "'a.com",
        "http:/a.com",
        "http//a.com",
        "https:\\\\a.com",
        "//a.com/",
        "https://https://a.com",
        "info@a.com",
        "mailto:info@a.com",
        "A.COM.",
    ],
)
def test_cells_that_are_more_than_an_address(tmp_path: Path, cell: str) -> None:
    quoted = cell.replace('"', '""')
    (line,) = read(tmp_path, f'Name,Website\nA,"{quoted}"\n')
    assert line.company is not None and line.company.domain == "a.com", line


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("n/a", "no address"),
        (" ", "no address"),
        ("keine", "no address"),
        ("my firm.de", "spaces"),
        ("someone@gmail.com", "anyone may have one"),
        ("https://www.linkedin.com/company/a", "a social network"),
        ("https://m.facebook.com/profile.php?id=7", "a social network"),
        ("linktr.ee/a", "a link page"),
        ("https://www.tripadvisor.co.uk/Hotel_Review-a", "a directory"),
        ("https://www.google.de/maps/place/a", "a map"),
        ("bit.ly/3abc", "a link shortener"),
    ],
)
def test_lines_without_a_company_say_why(tmp_path: Path, cell: str, reason: str) -> None:
    _, line = read(tmp_path, f'Website,Name\na.com,A\n"{cell}",B\n')
    assert line.company is None and reason in (line.error or "")
    assert (line.line, line.values) == (3, {"Name": "B"})


@pytest.mark.parametrize("home", ["facebook.com", "https://www.linkedin.com/", "http://bit.ly/?x=1", "google.de/about"])
def test_a_platform_itself_is_a_company(tmp_path: Path, home: str) -> None:
    (line,) = read(tmp_path, f"url\n{home}\n")
    assert line.company is not None


# ---- rows ------------------------------------------------------------------------------------------


def test_a_bad_line_is_named_by_its_number(tmp_path: Path) -> None:
    lines = read(tmp_path, 'name,url\n"two\nlines",a.com\nB,not a url\nC\n')
    bad = [line for line in lines if line.error]
    assert [line.line for line in bad] == [4, 5]
    assert "not a url" in (bad[0].error or "")


def test_quotes_that_do_not_fit_cost_their_own_line(tmp_path: Path) -> None:
    lines = read(tmp_path, 'name,url\n"A "one" Ltd",a.com\nB,"b.com\n"C","c.com"\nD 12",d.com\n"E,e.com\nF,f.com\n')
    assert domains(lines) == ["a.com", "b.com", "c.com", "d.com", "f.com"]
    assert [(line.line, line.error) for line in lines if line.error] == [(6, OPEN_QUOTE)]


def test_hostile_rows_are_bounded(tmp_path: Path) -> None:
    cell, line = '"' + "x" * 140_000 + '"', "y" * 1_100_000
    lines = read(tmp_path, f"name,url\n{cell},a.com\n{line}\nB,b.com\nC\0,c.\0com\n")
    assert domains(lines) == ["b.com", "c.com"]
    assert [line.error for line in lines if line.error] == [LONG_CELL, LONG_LINE]
    assert lines[-1].values == {"name": "C"}


def test_too_many_columns(tmp_path: Path) -> None:
    wide = ",".join(f"c{i}" for i in range(100_000))
    found = opened(tmp_path, f"url,{wide}\na.com,{wide}\n")
    (line,) = found
    assert line.company is not None and len(line.values) < 20_000


def test_unclosed_quotes_take_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line opens a quote that none closes: what is read again stays bounded."""
    taken = 0
    step = _Lines.__next__

    def counted(lines: _Lines) -> str:
        nonlocal taken
        taken += 1
        return step(lines)

    monkeypatch.setattr(_Lines, "__next__", counted)
    lines = 30_000
    rows = list(csv_rows(io.StringIO('a,"b c\n' * lines, newline=""), ",", Budget(WHOLE)))
    assert [row.line for row in rows] == list(range(1, lines + 1))
    assert taken < lines * 2 + MAX_AGAIN + 2 * MAX_ROW_LINES


@settings(deadline=None)
@given(st.text(), st.sampled_from(",;\t|"))
def test_any_text_is_read_and_numbered(text: str, delimiter: str) -> None:
    rows = list(csv_rows(io.StringIO(text, newline=""), delimiter, Budget(WHOLE)))
    numbers = [row.line for row in rows]
    assert numbers == sorted(set(numbers))
    assert all(any(cell.strip() for cell in row.cells) for row in rows)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"])),
            st.from_regex(r"[a-z]{1,9}\.(com|de)", fullmatch=True),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_what_a_csv_writer_wrote_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], delimiter: str, codec: str, end: str
) -> None:
    import csv

    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows([("Name", "Website"), *rows])
    lines = read(tmp_path_factory.mktemp("list"), text.getvalue().encode(codec))
    assert [line.text for line in lines] == [address for _, address in rows]


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from([None, "url"]))
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, column: str | None
) -> None:
    try:
        lines = read(tmp_path_factory.mktemp("list"), b"url\n" + data, column)
    except InputError:
        return
    assert all((line.company is None) == bool(line.error) for line in lines)
