"""Links to pages that the crawl found not to be there name no contact, careers or pricing page."""

from __future__ import annotations

from typing import Any

import pytest

from extraction.process import process_pages
from leadmill.errors import ErrorCategory, ErrorCode
from leadmill.rows import ErrorRow, error_row
from tests.extraction.conftest import NOW, make_company, make_page

LINKS = (
    "<a href='/contact'>Contact</a><a href='/office/find-us.html'>Find us</a>"
    "<a href='/careers/'>Careers</a><a href='/prices#hourly'>Prices</a>"
)


def missed(path: str, **about: Any) -> ErrorRow:
    url = about.pop("url", f"https://acme-tools.com{path}")
    return error_row(
        make_company(), about.pop("scope", "page"), "scrape", ErrorCategory.DATA, "x", NOW, url=url, **about
    )


def named(*errors: Any, html: str = LINKS) -> dict[str, str | None]:
    page: Any = make_page(f"<title>Acme Tools</title><h1>Acme Tools</h1>{html}")
    company: Any = make_company()
    (row,), failed = process_pages([company], [page], now=NOW, on_progress=lambda _: None, errors=errors)
    assert not failed
    urls = {"contact": row["contact_url"], "careers": row["careers_url"], "pricing": row["pricing_url"]}
    return {name: url and url.split(".com")[1] for name, url in urls.items()}


ALL = {"contact": "/contact", "careers": "/careers/", "pricing": "/prices"}


def test_a_page_that_is_not_there_is_not_named_and_the_next_best_link_is() -> None:
    assert named() == ALL
    errors = [
        missed("/contact", status=200, code=ErrorCode.SOFT_404),
        missed("/careers", status=410),
        missed("", url="http://www.acme-tools.com/prices?utm_source=x", status=404),
    ]
    assert named(*errors) == {"contact": "/office/find-us.html", "careers": None, "pricing": None}
    assert named(missed("/contact", status=404), html="<a href='/contact'>Contact</a>")["contact"] is None


@pytest.mark.parametrize(
    "about",
    [
        {},  # robots.txt forbids it, the host did not answer
        {"status": 503},
        {"status": 403},
        {"status": 403, "code": ErrorCode.BOT_WALL},
        {"status": 200, "code": ErrorCode.CAPTCHA},
        {"status": 200, "code": ErrorCode.LOGIN_ONLY},
        {"status": 200, "code": ErrorCode.SCRIPT_SHELL},
        {"status": 404, "scope": "company"},
        {"status": 404, "url": None},
    ],
    ids=str,
)
def test_one_that_may_be_there_stays_named(about: dict[str, Any]) -> None:
    assert named(missed("/contact", **about)) == ALL


def test_the_start_page_is_there_whatever_another_of_its_names_shows() -> None:
    error = missed("", url="https://www.acme-tools.com/", status=200, code=ErrorCode.DEFAULT_PAGE)
    assert named(error, html="<a href='/#contact'>Contact</a>")["contact"] == "/"


def test_what_another_company_lacks_is_its_own_affair() -> None:
    other = {**missed("/contact", status=404), "company_id": "another"}
    old = {name: value for name, value in missed("/contact", status=None).items() if name != "code"}
    assert named(other, old) == ALL
