"""Search providers: from a query to companies. Adding one is adding a function under a name in `PROVIDERS`.

`LEADMILL_SEARCH_PROVIDER=<name>:<argument>` chooses; unset, the companies already in the lake are searched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from data.damage import enduring
from data.duck import connection
from data.lake import Lake
from leadmill.errors import ConfigError, ErrorCategory, InputError, WorkError
from leadmill.ids import CompanyUrl, parse_company_url
from leadmill.settings import Settings

#: (query, most results, argument of the setting, lake) → companies, best first.
Provider = Callable[[str, int, str, Lake], list[CompanyUrl]]


def search(settings: Settings, lake: Lake, queries: Sequence[str], per_query: int) -> list[CompanyUrl]:
    """Companies for all queries, in the order found, each once.

    Raises:
        WorkError: nothing matched; says how to configure a provider.
        ConfigError: the setting names no provider, or its file cannot be read.
    """
    name, _, argument = (settings.search_provider or "lake:").partition(":")
    provider = PROVIDERS.get(name)
    if provider is None:
        raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: no provider {name!r}; there are: {', '.join(PROVIDERS)}")
    found: dict[str, CompanyUrl] = {}
    for query in queries:
        for company in provider(query, per_query, argument, lake):
            found.setdefault(company.company_id, company)
    if not found:
        raise WorkError(
            f"no company matches {', '.join(map(repr, queries))[:200]}; configure a directory to search with "
            "LEADMILL_SEARCH_PROVIDER=directory:FILE (CSV or Parquet with name,url,keywords)",
            ErrorCategory.DATA,
        )
    return list(found.values())


def _words(query: str) -> list[str]:
    return [word for word in query.lower().split()[:20] if word]


#: Rows that hold every word of the query in a text column, those that hold it in the name first.
_MATCH = """
    SELECT url FROM {source}
    WHERE list_bool_and([contains(text, word) FOR word IN $words])
    ORDER BY list_sum([CAST(contains(title, word) AS INTEGER) FOR word IN $words]) DESC, url
    LIMIT $most
"""


_DIRECTORY_ROWS = (
    "(SELECT url, lower(coalesce(name, '')) AS title, lower(concat_ws(' ', name, url, keywords)) AS text FROM "
)


def _directory(query: str, most: int, argument: str, lake: Lake) -> list[CompanyUrl]:
    path = Path(argument).expanduser()
    if not path.is_file():
        raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: no file {argument!r}")
    reader = (
        "read_parquet($file)" if path.suffix == ".parquet" else "read_csv($file, header => true, all_varchar => true)"
    )
    source = _DIRECTORY_ROWS + reader + ")"
    return _run(source, {"file": str(path)}, query, most)


def _lake(query: str, most: int, _argument: str, lake: Lake) -> list[CompanyUrl]:
    stages = ("enrich", "process")
    return enduring(
        lake,
        lambda: {stage: lake.stage_files(stage) for stage in stages},
        lambda files: _in_rows(query, most, [str(file) for stage in stages for file in files[stage]]),
    )


def _in_rows(query: str, most: int, files: Sequence[str]) -> list[CompanyUrl]:
    if not files:
        return []
    source = (
        "(SELECT arg_max(url, processed_at) AS url, lower(coalesce(arg_max(name, processed_at), '')) AS title, "
        "lower(concat_ws(' ', any_value(name), domain, any_value(description), any_value(industry))) AS text "
        "FROM read_parquet($files, union_by_name => true) GROUP BY domain)"
    )
    return _run(source, {"files": list(files)}, query, most)


def _run(source: str, parameters: dict[str, object], query: str, most: int) -> list[CompanyUrl]:
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
            companies.append(parse_company_url(url or ""))
        except InputError:
            continue  # a directory's bad line is not the caller's fault: the next match counts
    return companies


PROVIDERS: dict[str, Provider] = {"directory": _directory, "lake": _lake}
