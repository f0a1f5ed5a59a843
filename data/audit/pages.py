"""The audit read as one: what waits in the stream, what was made without Redis, and the files; newest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from data.audit.entry import moment, rows_of
from data.audit.files import AuditFiles
from data.audit.stream import AuditStream
from leadmill.ids import audit_place

#: Fields that are asked for by their value.
EXACT = ("key", "project", "action", "id", "status")


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries; None matches all."""

    #: Made at or after, and before.
    since: datetime | None = None
    until: datetime | None = None
    key: str | None = None
    project: str | None = None
    action: str | None = None
    id: str | None = None
    status: int | None = None

    def matches(self, one: dict[str, Any]) -> bool:
        """True when a row fits."""
        if (self.since and one["at"] < self.since) or (self.until and one["at"] >= self.until):
            return False
        return all(
            one[name] == value or (name == "id" and self._is_among(one)) for name, value in self._exact().items()
        )

    def _is_among(self, one: dict[str, Any]) -> bool:
        return self.id in (one["id"] or "").split(" ")

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """The same as SQL, and its parameters."""
        given = self._exact()
        among = " OR list_contains(string_split(id, ' '), $id)"
        parts = [f'("{name}" = ${name}{among if name == "id" else ""})' for name in given]
        if self.since:
            parts.append('"at" >= $since')
            given["since"] = self.since
        if self.until:
            parts.append('"at" < $until')
            given["until"] = self.until
        return parts, given

    def _exact(self) -> dict[str, Any]:
        return {name: value for name in EXACT if (value := getattr(self, name)) is not None}


class AuditPage(NamedTuple):
    """Rows (columns of `data.audit.entry.AUDIT`), newest first, and the id behind which the next page begins."""

    rows: list[dict[str, Any]]
    before: str | None


def page(
    stream: AuditStream, files: AuditFiles, wanted: AuditFilter, limit: int, before: str | None = None
) -> AuditPage:
    """One page of entries that are older than `before`.

    Raises:
        UnavailableError: Redis does not answer.
    """
    # The stream first: what a flush moves meanwhile is then in both, and counted once.
    found = {one["entry_id"]: one for one in _first(_streamed(stream, wanted, before), limit + 1)}
    for one in files.waiting():
        if wanted.matches(one) and (before is None or one["entry_id"] < before):
            found[one["entry_id"]] = one
    for one in _filed(files, wanted, before, limit + 1):
        found[one["entry_id"]] = one
    newest = sorted(found.values(), key=lambda one: str(one["entry_id"]), reverse=True)
    more = len(newest) > limit
    return AuditPage(newest[:limit], newest[limit - 1]["entry_id"] if more else None)


def _first(rows: Iterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [one for _, one in zip(range(count), rows, strict=False)]


def _streamed(stream: AuditStream, wanted: AuditFilter, before: str | None) -> Iterator[dict[str, Any]]:
    until = None if before is None else audit_place(before)[:2]
    while elements := stream.newest(until):
        for at, text in elements:
            if wanted.since and at[0] < wanted.since.timestamp() * 1000:
                return
            for one in reversed(rows_of(at, text)):
                if wanted.matches(one) and (before is None or one["entry_id"] < before):
                    yield one
        ms, number = elements[-1][0]
        until = (ms, number - 1) if number else (ms - 1, (1 << 38) - 1)


def _filed(files: AuditFiles, wanted: AuditFilter, before: str | None, limit: int) -> list[dict[str, Any]]:
    parts, given = wanted.conditions()
    last = wanted.until
    if before is not None:
        parts.append("entry_id < $before")
        given["before"] = before
        last = moment(before)
    found: list[dict[str, Any]] = []
    for month in reversed(files.months()):
        if (wanted.since and month < f"{wanted.since:%Y-%m}") or (last and month > f"{last:%Y-%m}"):
            continue
        found += files.rows(month, parts, given, limit - len(found))
        if len(found) >= limit:
            break
    return found
