"""Search providers, one module each, or entry points of the group `leadmill.search_providers`.

Adding one is adding a file here that defines `PROVIDER`; `LEADMILL_SEARCH_PROVIDER=<name>:<argument>` chooses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from data.lake import Lake
from leadmill.ids import CompanyUrl
from leadmill.plugins import ExtensionPoint


@dataclass(frozen=True)
class Provider:
    """One way from a query to companies."""

    name: str
    #: (query, most results, argument of the setting, lake) → companies, best first. Raises ConfigError where the
    #: argument is wrong, InputError where the query is, WorkError where it could not search.
    search: Callable[[str, int, str, Lake], list[CompanyUrl]]
    #: What it searches, and what its argument is.
    about: str
    #: Looks at the argument before a process begins: ConfigError where it is wrong.
    check: Callable[[str], None] | None = None
    #: Its argument is no secret, such as the name of a file: messages and logs may show it.
    shows_argument: bool = False


#: Every provider, by its name.
PROVIDERS = ExtensionPoint("pipelines.request.search_providers", "leadmill.search_providers", "PROVIDER", Provider)
