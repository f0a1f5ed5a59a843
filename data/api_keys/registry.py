"""The key table's file: the one place where keys are read, made, revoked and rotated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from data.api_keys.key import MAX_NAME, ApiKey, Network, digest_of, new_id, new_secret
from data.api_keys.table import KeyTable
from data.ending import check_open
from data.shared_file import SharedFile
from data.storage import Stat
from leadmill.access import DEFAULT_PROJECT, PROJECT, Role
from leadmill.errors import (
    ConflictError,
    InputError,
    KeysUnreadableError,
    LeadmillError,
    NotFoundError,
)
from leadmill.log import get_logger

log = get_logger(__name__)

#: Its name in the lake's root.
FILE = "api_keys.json"
#: Longest time that an old secret may count beside the new one.
MAX_GRACE_S = 30 * 86_400


class KeyRegistry:
    """The keys of one lake. `announce` tells running API processes of a table's new version; it may fail."""

    def __init__(self, root: Path, announce: Callable[[int], None] | None = None) -> None:
        self._root = root
        self._file = SharedFile(root, FILE, "the API keys")
        self._announce = announce

    def stat(self) -> Stat | None:
        """What tells whether the file has changed; None where there is none.

        Raises:
            OSError: it cannot be told.
        """
        return self._file.stat()

    def had_one(self) -> bool:
        """Whether keys were ever changed here, as far as the folder tells: the lock of that stays.

        Raises:
            OSError: it cannot be told.
        """
        return self._file.was_changed()

    def table(self) -> KeyTable:
        """The table; an empty one where no key was ever made.

        Raises:
            KeysUnreadableError: there is one, and it cannot be read.
        """
        try:
            content = self._file.read()
        except OSError as error:
            raise self._unreadable(error.strerror or type(error).__name__) from error
        if content is None:
            return KeyTable()
        try:
            return KeyTable.loaded(content)
        except ValueError as error:
            raise self._unreadable(str(error)) from error

    def create(
        self,
        name: str,
        role: Role,
        project: str = DEFAULT_PROJECT,
        *,
        expires_at: datetime | None = None,
        networks: Sequence[str] = (),
        by_api: bool = False,
    ) -> tuple[ApiKey, str]:
        """A new key, and its secret, which is kept nowhere. `by_api`: nobody there may lock everybody out.

        Raises:
            InputError: a field is wrong.
            ConflictError: a living key of the project has that name; there are too many; the project is being removed;
                the first key of an installation that is made by the API must be one that may make others.
            StorageError, UnavailableError: the table cannot be read or written.
        """
        now = datetime.now(UTC)
        _check_name(name)
        if not PROJECT.fullmatch(project):
            raise InputError("1 to 40 of a-z, 0-9 and -, not - first", field="project")
        if expires_at is not None and expires_at <= now:
            raise InputError("is over already", field="expires_at")
        allowed = tuple(_network(text, n) for n, text in enumerate(networks))
        with self._file.changing():
            check_open(self._root, project)
            table = self.table()
            if any(one.name == name and one.project == project and one.is_living(now) for one in table.keys.values()):
                raise ConflictError(f"there is a key {name!r} in project {project}; revoke it, or choose another name")
            if by_api and not table.asks and (role, project) != (Role.ADMIN, DEFAULT_PROJECT):
                raise ConflictError(
                    f"the first key must be an {Role.ADMIN.value} of project {DEFAULT_PROJECT}: from then on nobody "
                    "without a key may make another one"
                )
            key_id = next(found for found in iter(new_id, None) if found not in table.keys)
            secret = new_secret(key_id)
            created = now.replace(microsecond=0)
            key = ApiKey(key_id, name, role, project, created, digest_of(secret), expires_at, allowed)
            after = _roomy(table, key, now)
            self._file.put(after.dumped())
        self._tell()
        return key, secret

    def revoke(self, key_id: str, project: str | None = None, *, by_api: bool = False) -> ApiKey:
        """End a key, for good; one that has ended stays so. `project`: only if it is of that one.

        Raises:
            NotFoundError: there is none (in that project).
            ConflictError: it is the last that administers the installation, and `by_api`.
            StorageError, UnavailableError: the table cannot be read or written.
        """
        now = datetime.now(UTC)
        with self._file.changing():
            table = self.table()
            key = _known(table, key_id, project)
            if key.revoked_at is not None:
                return key
            if by_api and table.administrators(now) == [key_id]:
                raise ConflictError(
                    f"{key_id} is the last key that may make others: make another one before, or revoke it on the "
                    f"machine itself: leadmill keys revoke {key_id}"
                )
            after = table.revoked(key, now.replace(microsecond=0))
            self._file.put(after.dumped())
        self._tell()
        return after.keys[key_id]

    def drop_project(self, project: str) -> None:
        """End the keys of a project and forget them.

        Raises:
            StorageError, UnavailableError: the table cannot be read or written.
        """
        now = datetime.now(UTC)
        with self._file.changing():
            table = self.table()
            if all(key.project != project for key in table.keys.values()):
                return
            self._file.put(table.without(project, now).dumped())
        self._tell()

    def rotate(self, key_id: str, grace_s: int = 0, project: str | None = None) -> tuple[ApiKey, str]:
        """Another secret for a key; the one it has counts for `grace_s` more. The new one is kept nowhere.

        Raises:
            NotFoundError: there is none (in that project).
            InputError: too long a grace.
            ConflictError: it was revoked, or has expired.
            StorageError, UnavailableError: the table cannot be read or written.
        """
        now = datetime.now(UTC)
        if not 0 <= grace_s <= MAX_GRACE_S:
            raise InputError(f"0 to {MAX_GRACE_S} seconds", field="grace_s")
        with self._file.changing():
            table = self.table()
            key = _known(table, key_id, project)
            if not key.is_living(now):
                raise ConflictError(f"the key {key_id} was revoked, or has expired; make a new one")
            secret = new_secret(key_id)
            after = table.rotated(key, digest_of(secret), now + timedelta(seconds=grace_s), now)
            self._file.put(after.dumped())
        self._tell()
        return after.keys[key_id], secret

    # ---- the file ----------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Announce a change; after the lock, for Redis may be slow. Whoever announces last so announces the newest."""
        if self._announce is not None:
            try:
                told = 0
                while told != (version := self.table().version):
                    self._announce(version)
                    told = version
            except LeadmillError as error:  # each process sees that the file has changed, too
                log.warning("a change of the API keys was not announced", error=str(error)[:200])

    def _unreadable(self, why: str) -> KeysUnreadableError:
        return KeysUnreadableError(f"the key table {self._file.path} cannot be read: {why}")


def _roomy(table: KeyTable, key: ApiKey, now: datetime) -> KeyTable:
    try:
        return table.with_key(key, now)
    except OverflowError as error:
        raise ConflictError(f"{error}, more are not kept; revoke one of them first") from error


def _known(table: KeyTable, key_id: str, project: str | None) -> ApiKey:
    key = table.keys.get(key_id)
    if key is None or (project is not None and key.project != project):
        raise NotFoundError(f"no API key {key_id[:20]!r}")
    return key


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or not name.strip():
        raise InputError(f"1 to {MAX_NAME} printable characters", field="name")


def _network(text: str, number: int) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise InputError(f"{error}; give a network like 10.1.0.0/16", field=f"networks[{number}]") from error
