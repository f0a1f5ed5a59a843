"""One entry of the audit: what it holds, and how much of what a caller could have chosen."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

import pyarrow as pa

from data.schemas import SCHEMA_VERSION, TIME
from leadmill.ids import audit_id_at, audit_place

#: Columns of the audit's files, and names of an entry's fields everywhere.
AUDIT = pa.schema(
    [
        pa.field("entry_id", pa.string(), False),
        pa.field("at", TIME, False),
        *(pa.field(name, pa.string()) for name in ("key", "name", "role", "project", "address")),
        *(pa.field(name, pa.string()) for name in ("method", "route", "action", "id")),
        pa.field("status", pa.int16()),
        pa.field("code", pa.string()),
        pa.field("request_id", pa.string()),
        pa.field("count", pa.int64(), False),
        pa.field("schema_version", pa.int16(), False),
    ]
)
#: Most characters of a text, and of the ids of what was done together.
MAX_CHARS, MAX_IDS = 120, 10_000
#: Ids of elements that lie further ahead are of no clock, ms; numbers within a millisecond, and entries of an element,
#: that an entry's id has room for.
_AHEAD_MS, _NUMBERS, _TOGETHER = 366 * 86_400_000, 1 << 38, 1 << 12
#: A whole API key: its secret part is never kept, wherever a caller has put it.
_KEY = re.compile(r"(lm_\w{1,8})_[^\s/]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What somebody did, or was refused. A text is kept up to `MAX_CHARS`, without any key's secret part."""

    #: The visible part of the caller's key, the key's name, role and project; None where no key was shown.
    key: str | None = None
    name: str | None = None
    role: str | None = None
    project: str | None = None
    #: Where from: an IP address, or the machine for a command on it.
    address: str | None = None
    #: `POST`, …; None for a command.
    method: str | None = None
    #: The address asked, with the names of its parameters in the place of their values.
    route: str | None = None
    #: In a word or two: `submit_pipeline`, `cancel`, `create_key`.
    action: str
    #: The job, schedule, key … that it was done on; of a bulk action the first hundred, with spaces between.
    id: str | None = None
    #: HTTP status, and the code of the problem; None for a command that did what it was told to.
    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    #: How many it stands for: jobs of a bulk action, refusals of one caller within a minute, entries that were lost.
    count: int = 1

    def text(self) -> str:
        """As JSON, without what is empty."""
        return f"{{{fragment(**{name: getattr(self, name) for name in _NAMES})}}}"


_NAMES = tuple(field.name for field in fields(Entry))
#: Fields that are numbers, and what their columns do not hold any more.
_BELOW = {"status": 1 << 15, "count": 1 << 63}


def fragment(**about: str | int | None) -> str:
    """Some fields of an entry as JSON without its braces; fragments joined by a comma are an entry's text."""
    parts = []
    for name, value in about.items():
        if type(value) is str:
            parts.append(f'"{name}":{_quoted(clean(value, _most(name)))}')
        elif value is not None:
            parts.append(f'"{name}":{value}')
    return ",".join(parts)


def _most(name: str) -> int:
    return MAX_IDS if name == "id" else MAX_CHARS


def clean(text: str, most: int = MAX_CHARS) -> str:
    """A text of somebody else's as an entry may hold it."""
    if len(text) <= most and text.isascii() and text.isprintable() and "lm_" not in text:
        return text  # nearly all are
    printable = "".join(one if one.isprintable() else "�" for one in text[: 2 * most])
    return _KEY.sub(r"\1_…", printable)[:most]


def row(entry_id: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """The row (columns of `AUDIT`) of what `Entry.text` wrote; what is of another form is left out."""
    found: dict[str, Any] = {"entry_id": entry_id, "at": moment(entry_id), "schema_version": SCHEMA_VERSION}
    for name in _NAMES:
        value, below = about.get(name), _BELOW.get(name)
        if below is None:
            found[name] = clean(value, _most(name)) if isinstance(value, str) else None
        else:
            found[name] = value if type(value) is int and 0 <= value < below else None
    found["count"] = 1 if found["count"] is None else found["count"]
    return found


def is_misdated(stream_id: tuple[int, int]) -> bool:
    """Whether an element's id is of a time that nobody's clock shows: somebody else has chosen it."""
    return stream_id[0] > time.time() * 1000 + _AHEAD_MS or stream_id[1] >= _NUMBERS


def dated(stream_id: tuple[int, int]) -> tuple[int, int]:
    """The id that an element counts by: one that is misdated is of now."""
    if not is_misdated(stream_id):
        return stream_id
    # Of two that are dated within one millisecond none takes the other's place.
    digest = hashlib.sha256(f"{stream_id[0]}-{stream_id[1]}".encode()).digest()
    return int(time.time() * 1000), int.from_bytes(digest[:8]) % _NUMBERS


def rows_of(stream_id: tuple[int, int], text: str) -> list[dict[str, Any]]:
    """The rows of what was added to the stream together; of something else an entry that says so."""
    stream_id = dated(stream_id)
    try:
        together = json.loads(text)
    except (ValueError, RecursionError):
        together = None
    if (
        not isinstance(together, list)
        or len(together) > _TOGETHER
        or not all(isinstance(one, dict) for one in together)
    ):
        together = [{"action": UNREADABLE}]
    return [row(audit_id_at(*stream_id, place), about) for place, about in enumerate(together)]


#: Actions of entries that the audit makes about itself.
UNREADABLE, LOST = "unreadable_entry", "entries_lost"


def moment(entry_id: str) -> datetime:
    """When an entry was made."""
    return datetime.fromtimestamp(audit_place(entry_id)[0] / 1000, UTC)
