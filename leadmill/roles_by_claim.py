"""Which role people have who sign in by an identity provider: by what it says of them in one claim."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from leadmill.access import DEFAULT_PROJECT, Role, checked


class RoleInProject(NamedTuple):
    """What somebody may do, and where."""

    role: Role
    project: str


class RolesByClaim:
    """`leads-admins=admin, sales=operator:acme`: a claim's value, the role, and the project if not the default."""

    def __init__(self, text: str) -> None:
        """Raises ValueError: it is of another form."""
        self._found: dict[str, RoleInProject] = {}
        for part in filter(None, map(str.strip, text.split(","))):
            value, equals, rest = part.rpartition("=")
            name, _, project = rest.partition(":")
            value, role = value.strip(), _ROLES.get(name.strip())
            if not equals or not value or role is None:
                raise ValueError(f"{part[:60]!r} is not of the form value=role or value=role:project; roles: {_NAMES}")
            if value == "*":
                raise ValueError(
                    "'*' is no value: whoever the provider knows would be let in; name a group or an address"
                )
            if value in self._found:
                raise ValueError(f"{value[:60]!r} stands there twice")
            self._found[value] = RoleInProject(role, checked(project.strip() or DEFAULT_PROJECT))
        if not self._found:
            raise ValueError("nobody would have a role: write value=role, comma-separated")

    def of(self, values: Iterable[str]) -> RoleInProject | None:
        """What stands first of all that somebody's values give; None: nothing."""
        had = set(values)
        return next((given for value, given in self._found.items() if value in had), None)

    @property
    def projects(self) -> frozenset[str]:
        """Those that somebody has a role in."""
        return frozenset(given.project for given in self._found.values())

    def known_first(self, values: Iterable[str]) -> list[str]:
        """The values, those that give a role before the others."""
        return sorted(values, key=lambda value: value not in self._found)


_ROLES = {role.value: role for role in Role}
_NAMES = ", ".join(_ROLES)
