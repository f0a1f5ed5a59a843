"""What a caller hands in: URLs and company ids, checked before a job is recorded. Files are read in `lists/`."""

from __future__ import annotations

from collections.abc import Iterable

from leadmill.errors import InputError
from leadmill.ids import COMPANY_ID
from pipelines.request.companies import company_of

#: Most URLs in the body of one request; more come as a file.
MAX_INLINE = 10_000
#: Largest uploaded file, bytes.
MAX_UPLOAD = 50_000_000
#: Most search queries of a job, and most companies that each brings.
MAX_QUERIES = 100
MAX_RESULTS = 1_000
#: Names of what a caller gave, in `jobs/<id>/input/`: there are no others.
UPLOAD = "companies.csv"
WORKBOOK = "companies.xlsx"
LONG_LIST = "input.json"
#: Longest name of a column that a caller gives, characters.
MAX_COLUMN = 200
#: Largest list under that name, bytes: 10,000 URLs and 10,000 ids of full length fit.
MAX_LONG_LIST = 130_000_000


def check_urls(urls: Iterable[str], field: str = "company_urls") -> list[str]:
    """The URLs as given, each of which must name a company.

    Raises:
        InputError: names the first wrong one: `company_urls[17]`.
    """
    checked = []
    for i, url in enumerate(urls):
        try:
            company_of(url)
        except InputError as error:
            raise InputError(str(error), field=f"{field}[{i}]") from error
        checked.append(url)
    if len(checked) > MAX_INLINE:
        raise InputError(f"more than {MAX_INLINE} URLs; upload them as a CSV or XLSX file instead", field=field)
    return checked


def check_company_ids(ids: Iterable[str], field: str = "company_ids") -> list[str]:
    """The ids as given, each of the form `comp_` + 16 hex digits.

    Raises:
        InputError: names the first wrong one.
    """
    checked = list(ids)
    for i, value in enumerate(checked):
        if not COMPANY_ID.match(value):
            raise InputError(f"not a company id: {value[:60]!r} (comp_ and 16 hex digits)", field=f"{field}[{i}]")
    if len(checked) > MAX_INLINE:
        raise InputError(f"more than {MAX_INLINE} company ids", field=field)
    return checked
