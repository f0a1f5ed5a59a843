"""Search: from queries to companies, by the provider that `LEADMILL_SEARCH_PROVIDER=<name>:<argument>` chooses.

Unset, the companies already in the lake are searched.
"""

from __future__ import annotations

from collections.abc import Sequence

from data.lake import Lake
from leadmill.errors import ConfigError, ErrorCategory, WorkError
from leadmill.ids import CompanyUrl
from leadmill.plugins import at_work
from leadmill.redaction import redacted
from leadmill.settings import Settings
from leadmill.suggest import unknown
from pipelines.request.search_providers import PROVIDERS, Provider


def check_provider(settings: Settings) -> None:
    """Whether what searches could begin.

    Raises:
        ConfigError: the setting names no provider, or its argument is wrong.
    """
    provider, argument = _chosen(settings)
    if provider.check is not None:
        provider.check(argument)


def _chosen(settings: Settings) -> tuple[Provider, str]:
    """The provider, and its argument, which from now on is hidden as it wants; ConfigError where there is none."""
    name, _, argument = (settings.search_provider or "lake:").partition(":")
    if name not in PROVIDERS.names:
        raise ConfigError(f"LEADMILL_SEARCH_PROVIDER: {unknown('search provider', name, PROVIDERS.names)}")
    provider = PROVIDERS.load(name)
    if not provider.shows_argument:
        redacted.learn(argument)
    return provider, argument


def search(settings: Settings, lake: Lake, queries: Sequence[str], per_query: int) -> list[CompanyUrl]:
    """Companies for all queries, in the order found, each once.

    Raises:
        WorkError: nothing matched; says how to configure a provider.
        ConfigError: the setting names no provider, or its argument is wrong.
    """
    provider, argument = _chosen(settings)
    found: dict[str, CompanyUrl] = {}
    for query in queries:
        with at_work(f"search provider {provider.name!r}"):
            for company in provider.search(query, per_query, argument, lake):
                found.setdefault(company.company_id, company)
    if not found:
        raise WorkError(
            f"no company matches {', '.join(map(repr, queries))[:200]}; configure a directory to search with "
            "LEADMILL_SEARCH_PROVIDER=directory:FILE (CSV or Parquet with name,url,keywords)",
            ErrorCategory.DATA,
        )
    return list(found.values())
