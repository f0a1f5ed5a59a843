"""Search: from queries to companies, by the provider that `LEADMILL_SEARCH_PROVIDER=<name>:<argument>` chooses.

Unset, the companies already in the lake are searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.lake import Lake
from leadmill.errors import ConfigError, ErrorCategory, WorkError
from leadmill.ids import CompanyUrl
from leadmill.plugins import at_work
from leadmill.settings import Settings
from leadmill.suggest import unknown
from pipelines.request.search_providers import PROVIDERS


def check_provider(settings: Settings) -> None:
    """Whether what searches could begin.

    Raises:
        ConfigError: the setting names no provider, or its argument is wrong.
    """
    name, argument = _chosen(settings)
    check = PROVIDERS.load(name).check
    if check is not None:
        check(argument)


def _chosen(settings: Settings) -> tuple[str, str]:
    """Name and argument of the provider; ConfigError where there is none of that name."""
    name, _, argument = (settings.search_provider or "lake:").partition(":")
    if name not in PROVIDERS.names:
        raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: {unknown('search provider', name, PROVIDERS.names)}")
    return name, argument


def search(settings: Settings, lake: Lake, queries: Sequence[str], per_query: int) -> list[CompanyUrl]:
    """Companies for all queries, in the order found, each once.

    Raises:
        WorkError: nothing matched; says how to configure a provider.
        ConfigError: the setting names no provider, or its argument is wrong.
    """
    name, argument = _chosen(settings)
    provider = PROVIDERS.load(name)
    found: dict[str, CompanyUrl] = {}
    for query in queries:
        with at_work(f"search provider {name!r}"):
            for company in provider.search(query, per_query, argument, lake):
                found.setdefault(company.company_id, company)
    if not found:
        raise WorkError(
            f"no company matches {', '.join(map(repr, queries))[:200]}; configure a directory to search with "
            "LEADMILL_SEARCH_PROVIDER=directory:FILE (CSV or Parquet with name,url,keywords)",
            ErrorCategory.DATA,
        )
    return list(found.values())
