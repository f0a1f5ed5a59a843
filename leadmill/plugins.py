"""Plug-ins: things that are found, not listed. A plug-in is one module of a package, or one entry point of an
installed distribution.

Each extension point is declared once, as an `ExtensionPoint`, beside the type that its plug-ins have. A plug-in is
called as its module or entry point is called, so the names are known without importing one.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from leadmill.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class PluginError(ConfigError):
    """A module or an entry point is no plug-in of the kind that its place says; the message names it."""


class Named(Protocol):
    """What every plug-in has."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)


@contextmanager
def at_work(plugin: str) -> Iterator[None]:
    """While a plug-in works: an exception of its own gets a note of which one it was, to be told with it."""
    try:
        yield
    except Exception as error:
        error.add_note(plugin)
        raise


@dataclass(frozen=True)
class ExtensionPoint(Generic[T]):
    """One kind of plug-in, and where its plug-ins are found."""

    #: A module of this package is a plug-in; modules whose name begins with `_` are not.
    package: str
    #: The entry-point group of plug-ins that other distributions install.
    group: str
    #: What a module calls its plug-in. An entry point names the object itself.
    attribute: str
    type: type[T]

    @property
    def names(self) -> tuple[str, ...]:
        """Of all plug-ins: the package's own by name, then the installed ones by name. Imports none of them.

        Raises:
            PluginError: two have one name.
        """
        return tuple(self._places)

    def load(self, name: str) -> T:
        """The plug-in of this name, and no other, imported when it is first asked for.

        Raises:
            KeyError: there is none of this name.
            PluginError: it cannot be imported, or is none.
        """
        if name not in self._loaded:
            origin, load = self._places[name]
            self._loaded[name] = self._checked(name, origin, load)
        return self._loaded[name]

    def all(self) -> Mapping[str, T]:
        """Every plug-in by name, in the order of `names`.

        Raises:
            PluginError: one of them cannot be imported, or is none.
        """
        return {name: self.load(name) for name in self.names}

    @cached_property
    def _loaded(self) -> dict[str, T]:
        return {}

    @cached_property
    def _places(self) -> dict[str, tuple[str, Callable[[], Any]]]:
        """Name → (where it is, as a reader would look for it; what imports it)."""
        modules = pkgutil.iter_modules(importlib.import_module(self.package).__path__)
        own = sorted(module.name for module in modules if not module.name.startswith("_"))
        places: dict[str, tuple[str, Callable[[], Any]]] = {
            name: (f"{self.package}.{name}", partial(self._attribute_of, name)) for name in own
        }
        for point in sorted(_entry_points(self.group), key=lambda point: point.name):
            origin = f"entry point {point.name!r} of {self.group} ({point.value})"
            if point.name in places:
                raise PluginError(f"{origin}: the name is taken by {places[point.name][0]}")
            places[point.name] = (origin, point.load)
        return places

    def _attribute_of(self, name: str) -> Any:
        return getattr(importlib.import_module(f"{self.package}.{name}"), self.attribute, None)

    def _checked(self, name: str, origin: str, load: Callable[[], Any]) -> T:
        try:
            found = load()
        except (Exception, SystemExit) as error:  # one that ends the process at its import would end it silently
            said = "".join(traceback.format_exception_only(error)).split()
            raise PluginError(f"{origin}: cannot be imported ({' '.join(said)})"[:500]) from error
        if not isinstance(found, self.type):
            raise PluginError(f"{origin}: defines no {self.attribute} of type {self.type.__name__}")
        if found.name != name:
            raise PluginError(f"{origin}: calls itself {found.name!r}; it must be called as its place is, {name!r}")
        return found


@cache
def _entry_points(group: str) -> tuple[EntryPoint, ...]:
    """Those of a group. Where no distribution has one, what would read them all (50 ms) is not even imported."""
    if f"[{group}]".encode() not in _registered():
        return ()
    from importlib.metadata import entry_points

    return tuple(entry_points(group=group))


@cache
def _registered() -> bytes:
    """The entry points of all installed distributions, as they wrote them: 2 ms."""
    found = []
    for folder in sys.path:
        with suppress(OSError):
            found += [file.read_bytes() for file in Path(folder).glob("*-info/entry_points.txt")]
    return b"\n".join(found)
