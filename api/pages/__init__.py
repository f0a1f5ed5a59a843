"""The dashboard: a module here is a page. It has a `router`, and a `PLACE` where the navigation leads to it.

Its template is `api/templates/pages/<module>.html`, what it shares with others a macro of `api/templates/components/`.
A page shows what the API's own calls tell, by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from leadmill.access import Role

if TYPE_CHECKING:
    from api.routing import Router


class Place(NamedTuple):
    """Where a page stands in the navigation."""

    order: int
    address: str
    words: str
    #: Who may see it.
    role: Role = Role.VIEWER
    #: It is one of those behind "More": not asked for every day.
    further: bool = False

    def holds(self, path: str) -> bool:
        """Whether an address is this page's, or of a page below it."""
        return path == self.address or (self.address != "/" and path.startswith(f"{self.address}/"))


@cache
def _modules() -> tuple[ModuleType, ...]:
    return tuple(import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__))


def routers() -> Iterator[Router]:
    """That of every page, by the names of the modules: `/ui/jobs/act` is looked for before `/ui/jobs/{job_id}`."""
    for module in _modules():
        yield module.router


@cache
def navigation(role: Role) -> tuple[Place, ...]:
    """The pages that a person with a role goes to from everywhere, in their order."""
    places = [module.PLACE for module in _modules() if hasattr(module, "PLACE")]
    return tuple(sorted((one for one in places if one.role <= role), key=lambda one: one.order))
