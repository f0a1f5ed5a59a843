"""Who may do what: roles, projects, and the caller that a request comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import total_ordering

#: The project of whoever names none, and of all that was made before there were projects.
DEFAULT_PROJECT = "default"
#: What a project may be called; use `fullmatch`.
PROJECT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: What an API key looks like: `lm_`, its id, and the secret; use `fullmatch`.
API_KEY = re.compile(r"lm_[0-9a-z]{8}_[A-Za-z0-9_-]{43}")
#: Said of what looks otherwise; it is not repeated, for it may be a secret all the same.
NO_API_KEY = "not an API key: that is lm_, 8 characters, _ and 43 more"


def checked(project: str) -> str:
    """The name of a project, which keys and folders are named by.

    Raises:
        ValueError: it is none.
    """
    if not PROJECT.fullmatch(project):
        raise ValueError(f"not the name of a project (a-z, 0-9 and dashes, at most 40): {project[:60]!r}")
    return project


@total_ordering
class Role(Enum):
    """What a caller may do; who has a role may all that the lesser ones may."""

    #: Read.
    VIEWER = "viewer"
    #: Submit, cancel, resume, plan.
    OPERATOR = "operator"
    #: Administer: keys, maintenance.
    ADMIN = "admin"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Role):
            return NotImplemented
        return _RANK[self] < _RANK[other]


_RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from."""

    #: The key's name; `local` where no key is configured.
    name: str
    role: Role
    #: All that the caller sees and makes is of this project.
    project: str
    #: The visible part of the key, by which logs and the audit name it; None without a key.
    key_id: str | None
    #: The other end of the connection, an IP address; empty where it is not known.
    address: str

    @classmethod
    def local(cls, address: str) -> Caller:
        """Whoever reaches an installation without keys: it may do everything."""
        return cls("local", Role.ADMIN, DEFAULT_PROJECT, None, address)

    @property
    def administers_all(self) -> bool:
        """True for an admin of the default project: it administers every project, and the installation."""
        return self.role is Role.ADMIN and self.sees_what_all_share

    @property
    def sees_what_all_share(self) -> bool:
        """True for callers of the default project, which is the operator's own: they see queues and workers, too.

        So a viewer's key is enough for what watches the installation.
        """
        return self.project == DEFAULT_PROJECT
