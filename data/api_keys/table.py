"""All keys of a lake as they are at one time. A table never changes; a change makes another one."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from data.api_keys.key import ApiKey, OldSecret, digest_of, id_in
from leadmill.access import DEFAULT_PROJECT, Role
from leadmill.errors import KeyRefusedError

#: Most keys that are kept; revoked ones make room for new ones.
MAX_KEYS = 1_000
#: Most of them that one project may have, for its admins make them themselves; the default one may have all.
MAX_OF_PROJECT = 100
#: The form of the file that this version writes, and reads.
_FORM = 1
#: Stands where there is no key, so that looking for one takes as long as finding it.
_NO_DIGEST = "0" * 64


@dataclass(frozen=True)
class KeyTable:
    """Keys by id. `version` grows with every change; 0: there has never been a key."""

    version: int = 0
    keys: Mapping[str, ApiKey] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def asks(self) -> bool:
        """Whether a key is needed: there is one, or has been."""
        return self.version > 0

    def find(self, given: str, address: str, now: datetime) -> ApiKey:
        """The key that a caller gives, if it counts here and now.

        Raises:
            KeyRefusedError: it does not. Only who has the very secret is told more than that.
        """
        return self.find_by_digest(id_in(given), digest_of(given), address, now)

    def find_by_digest(self, key_id: str, digest: str, address: str, now: datetime) -> ApiKey:
        """The same for who came by it before: of the key nothing but its id and digest was kept.

        Raises:
            KeyRefusedError: as `find`.
        """
        key = self.keys.get(key_id)
        current = key.digest if key else _NO_DIGEST
        old = key.old.digest if key and key.old else _NO_DIGEST
        is_current, is_old = hmac.compare_digest(digest, current), hmac.compare_digest(digest, old)
        if key is None or not (is_current or is_old):
            raise KeyRefusedError("no such API key", code="key_unknown")
        if key.revoked_at is not None:
            raise KeyRefusedError(f"the API key {key.id} was revoked", code="key_revoked")
        if not key.is_living(now):
            raise KeyRefusedError(f"the API key {key.id} has expired", code="key_expired")
        if not is_current and (key.old is None or now >= key.old.until):
            raise KeyRefusedError(f"the API key {key.id} was rotated: use the new one", code="key_rotated")
        if not key.allows(address):
            raise KeyRefusedError(f"the API key {key.id} may not be used from {address}", code="key_not_from_here")
        return key

    def administrators(self, now: datetime) -> list[str]:
        """Ids of the living keys that administer the installation."""
        return [
            key.id
            for key in self.keys.values()
            if key.role is Role.ADMIN and key.project == DEFAULT_PROJECT and key.is_living(now)
        ]

    # ---- changes -----------------------------------------------------------------------------------

    def with_key(self, key: ApiKey, now: datetime) -> KeyTable:
        """With a key more, or another one in its place; the oldest revoked ones make room, its project's before others.

        Raises:
            OverflowError: there are as many as there may be, none of them revoked; the message says where.
        """
        keys = {**self.keys, key.id: key}
        if key.project != DEFAULT_PROJECT:
            _make_room(keys, MAX_OF_PROJECT, key.project)
        _make_room(keys, MAX_KEYS)
        return self._changed(keys, now)

    def revoked(self, key: ApiKey, now: datetime) -> KeyTable:
        """With a key that counts no more."""
        return self.with_key(replace(key, revoked_at=now, old=None), now)

    def rotated(self, key: ApiKey, digest: str, old_until: datetime, now: datetime) -> KeyTable:
        """With another secret of a key; the one it has counts until then."""
        old = OldSecret(key.digest, old_until) if old_until > now else None
        return self.with_key(replace(key, digest=digest, old=old), now)

    def without(self, project: str, now: datetime) -> KeyTable:
        """Without the keys of a project."""
        keys = {key_id: key for key_id, key in self.keys.items() if key.project != project}
        return self._changed(keys, now)

    def _changed(self, keys: Mapping[str, ApiKey], now: datetime) -> KeyTable:
        return KeyTable(max(self.version + 1, int(now.timestamp() * 1000)), MappingProxyType(keys))

    # ---- the file ----------------------------------------------------------------------------------

    def dumped(self) -> bytes:
        """As the file holds it."""
        stored = [key.stored() for key in self.keys.values()]
        return json.dumps({"form": _FORM, "version": self.version, "keys": stored}, indent=1).encode()

    @classmethod
    def loaded(cls, data: bytes) -> KeyTable:
        """The table that a file holds.

        Raises:
            ValueError: it holds none; the message says what is wrong, and repeats nothing of it.
        """
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ValueError("it is not JSON") from error
        if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
            raise ValueError("it is no key table")  # noqa: TRY004 - of the file, not of an argument
        if found.get("form") != _FORM:
            raise ValueError("another version of Leadmill has written it")
        version = found.get("version")
        if not isinstance(version, int) or version <= 0:
            raise ValueError("it has no version")
        keys = [ApiKey.of(one) for one in found["keys"]]
        if len({key.id for key in keys}) < len(keys):
            raise ValueError("two of its keys have one id")
        return cls(version, MappingProxyType({key.id: key for key in keys}))


def _make_room(keys: dict[str, ApiKey], most: int, project: str | None = None) -> None:
    found = [one for one in keys.values() if project in (None, one.project)]
    revoked = sorted((one.revoked_at, one.id) for one in found if one.revoked_at is not None)
    over = len(found) - most
    if over > len(revoked):
        raise OverflowError(f"there are {most} keys" if project is None else f"project {project} has {most} keys")
    for _, key_id in revoked[: max(0, over)]:
        del keys[key_id]


def listed(table: KeyTable, project: str | None = None) -> list[ApiKey]:
    """Keys as people read them: by project and name, of one project or of all."""
    found = (key for key in table.keys.values() if project in (None, key.project))
    return sorted(found, key=lambda key: (key.project, key.name, key.created_at))
