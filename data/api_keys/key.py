"""One API key: `lm_<id>_<secret>`, of which the table keeps the id and the SHA-256 of the whole."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from leadmill.access import PROJECT, Caller, Role

Network = IPv4Network | IPv6Network

#: Letters and digits of an id: what is read aloud, and splits no word of a log.
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_CHARS = 8
_SECRET_BYTES = 32
_BEGIN = "lm_"
_ID = re.compile(rf"[{_ALPHABET}]{{{_ID_CHARS}}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: Most characters of a key's name.
MAX_NAME = 60


def new_id() -> str:
    """The visible part of a new key."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_CHARS))


def new_secret(key_id: str) -> str:
    """A whole new key under an id; it is shown once and kept nowhere."""
    return f"{_BEGIN}{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_in(given: str) -> str:
    """The id that a key, or what is given for one, would have."""
    return given[len(_BEGIN) : len(_BEGIN) + _ID_CHARS]


def digest_of(given: str) -> str:
    """What the table keeps of a key."""
    return hashlib.sha256(given.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True)
class OldSecret:
    """The secret that a key had before it was rotated, for as long as it still counts."""

    digest: str
    until: datetime


@dataclass(frozen=True)
class ApiKey:
    """What the table knows of a key. Times in UTC."""

    id: str
    name: str
    role: Role
    project: str
    created_at: datetime
    digest: str
    #: None: never.
    expires_at: datetime | None = None
    #: From where it may be used; none: from everywhere.
    networks: tuple[Network, ...] = ()
    revoked_at: datetime | None = None
    old: OldSecret | None = None

    def is_living(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def allows(self, address: str) -> bool:
        """Whether it may be used from an IP address."""
        if not self.networks:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks)

    def caller(self, address: str) -> Caller:
        """Who comes with it."""
        return Caller(self.name, self.role, self.project, self.id, address)

    def shown(self) -> dict[str, Any]:
        """All of it but what its secret is known by, as JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "role": self.role.value,
            "project": self.project,
            "created_at": _text(self.created_at),
            "expires_at": _text(self.expires_at),
            "networks": [str(network) for network in self.networks],
            "revoked_at": _text(self.revoked_at),
        }

    def stored(self) -> dict[str, Any]:
        """All of it as it stands in the file."""
        old = self.old and {"digest": self.old.digest, "until": _text(self.old.until)}
        return {**self.shown(), "digest": self.digest, "old": old}

    @classmethod
    def of(cls, stored: Any) -> ApiKey:
        """The key that stands in the file.

        Raises:
            ValueError: it is none; says what is wrong with it, and repeats nothing of it.
        """
        try:
            old = stored["old"]
            return cls(
                id=_matched(_ID, stored["id"]),
                name=str(stored["name"]),
                role=Role(stored["role"]),
                project=_matched(PROJECT, stored["project"]),
                created_at=_moment(stored["created_at"]),
                digest=_matched(_DIGEST, stored["digest"]),
                expires_at=None if stored["expires_at"] is None else _moment(stored["expires_at"]),
                networks=tuple(ip_network(one) for one in stored["networks"]),
                revoked_at=None if stored["revoked_at"] is None else _moment(stored["revoked_at"]),
                old=None if old is None else OldSecret(_matched(_DIGEST, old["digest"]), _moment(old["until"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"one of its keys is none ({type(error).__name__})") from error


def _matched(form: re.Pattern[str], text: Any) -> str:
    if not form.fullmatch(text):
        raise ValueError(form.pattern)
    return str(text)


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found.astimezone(UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
