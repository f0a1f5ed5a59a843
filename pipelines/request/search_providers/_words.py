"""Matching the words of a query against rows: what providers over tables share."""

from __future__ import annotations

from collections.abc import Mapping

from data.duck import connection
from leadmill.errors import InputError
from leadmill.ids import CompanyUrl
from pipelines.request.companies import company_of

#: Rows that hold every word of the query in a text column, those that hold it in the name first.
_MATCH = """
    SELECT url FROM {source}
    WHERE list_bool_and([contains(text, word) FOR word IN $words])
    ORDER BY list_sum([CAST(contains(title, word) AS INTEGER) FOR word IN $words]) DESC, url
    LIMIT $most
"""


def matching(source: str, parameters: Mapping[str, object], query: str, most: int) -> list[CompanyUrl]:
    """Companies whose `text` holds every word of the query, those that hold it in their `title` first.

    `source` may follow FROM and has the columns url, title and text, the last two in lower case; `parameters` are its
    own.

    Raises:
        InputError: the query has no word.
    """
    words = _words(query)
    if not words:
        raise InputError("a search query has no word in it")
    rows = (
        connection()
        .cursor()
        .execute(_MATCH.format(source=source), {**parameters, "words": words, "most": most})
        .fetchall()
    )
    companies = []
    for (url,) in rows:
        try:
            companies.append(company_of(url or ""))
        except InputError:
            continue  # a directory's bad line is not the caller's fault: the next match counts
    return companies


def _words(query: str) -> list[str]:
    return [word for word in query.lower().split()[:20] if word]
