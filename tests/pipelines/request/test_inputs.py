"""CSV files and URL lists from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadmill.errors import InputError
from leadmill.ids import CompanyUrl
from pipelines.intake.submit import Submission
from pipelines.request.inputs import BadLine, check_company_ids, check_urls, read_csv


def read(tmp_path: Path, text: str | bytes) -> list[tuple[int, CompanyUrl] | BadLine]:
    file = tmp_path / "in.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_csv(file))


@pytest.mark.parametrize(
    "text",
    [
        "url\na.com\nb.com\n",
        "name,website\nA,a.com\nB,b.com\n",
        "Name;Domain\nA;a.com\nB;b.com\n",
        "company_url\tname\na.com\tA\nb.com\tB",
        "a.com\nb.com\n",
        '\ufeffURL\r\n"a.com"\r\n\r\nb.com\r\n',
        "anything\na.com\nb.com\n",
    ],
)
def test_the_column_is_found(tmp_path: Path, text: str) -> None:
    rows = read(tmp_path, text)
    assert [row[1].domain for row in rows if not isinstance(row, BadLine)] == ["a.com", "b.com"]
    assert not [row for row in rows if isinstance(row, BadLine)]


def test_a_bad_line_is_named_by_its_number(tmp_path: Path) -> None:
    rows = read(tmp_path, 'name,url\n"two\nlines",a.com\nB,not a url\nC\n')
    bad = [row for row in rows if isinstance(row, BadLine)]
    assert [row.line for row in bad] == [4, 5]
    assert "not a url" in bad[0].error


@pytest.mark.parametrize("text", ["", "\n", "a,b\n1,2\n", b"url\n\xff\xfe"])
def test_a_file_without_urls_says_what_it_needs(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(InputError):
        read(tmp_path, text)


def test_wrong_items_are_named_by_their_place() -> None:
    with pytest.raises(InputError) as wrong:
        check_urls(["a.com", "ftp://b.com"])
    assert wrong.value.field == "company_urls[1]"
    with pytest.raises(InputError) as wrong:
        check_company_ids(["comp_0123456789abcdef", "comp_x"])
    assert wrong.value.field == "company_ids[1]"


@pytest.mark.parametrize(
    ("submission", "field"),
    [
        (Submission("pipeline"), "company_urls"),
        (Submission("pipeline", company_urls=["a.com"], stages=["scrap"]), "stages[0]"),
        (Submission("pipeline", company_urls=["a.com"], stages=["scrape", "enrich"]), "stages"),
        (Submission("pipeline", search_queries=[" "]), "search_queries[0]"),
        (Submission("pipeline", company_urls=["a.com"], tags=["x"] * 21), "tags"),
    ],
)
def test_rules_between_fields(submission: Submission, field: str) -> None:
    with pytest.raises(InputError) as wrong:
        submission.check()
        submission.checked_stages()
    assert wrong.value.field == field
