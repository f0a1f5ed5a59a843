"""What deliverers do with the outbox, and what is asked of it. What each key holds is said in `data.notices`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from redis.client import NEVER_DECODE

from data import keys
from data.jobs import LIMITS, JobStore
from data.notices import entries
from data.notices.entries import Figures, Logged, NewNotice, Outcome, Taken, Target, Waiting
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ConflictError
from leadmill.notices import KINDS, RESOLVED, Notice
from leadmill.redaction import redacted

#: Seconds that a lease of a channel lasts; it is renewed at a third of that.
LEASE_S = LIMITS["CHANNEL_LEASE_MS"] / 1000
#: New notices that are looked at together.
_TOGETHER = 50
_ERROR_CHARS = 300
#: Read as bytes: what anybody may have written need not be text.
_NEVER: dict[str, Any] = {NEVER_DECODE: []}
#: Deliveries that are read together.
_PART = 100


class Outbox:
    """The outbox of all projects. Safe to share between threads.

    Every method raises UnavailableError when Redis does not answer, and StoreRefusedError when it takes no write.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store.of(DEFAULT_PROJECT)
        self._redis: Any = self._store.redis

    # ---- spreading

    def new(self) -> list[NewNotice]:
        """The first notices that are not spread yet, in their order."""
        key = self._store.key(keys.NOTICES)
        with self._store.guarded(keys.NOTICES):  # as bytes: what is damaged need not be text
            found = self._redis.execute_command("XRANGE", key, "-", "+", "COUNT", _TOGETHER, **_NEVER)
        return [entries.new_notice(entry.decode(), fields) for entry, fields in cast("list[Any]", found)]

    def spread(self, new: Sequence[tuple[NewNotice, Sequence[Target]]]) -> None:
        """Turn notices into a delivery for each of their channels; the first ones, in their order (`new`).

        Those that another deliverer has spread meanwhile are left. One that is no notice goes, and is counted as lost.
        """
        items = [_item(one, targets) for one, targets in new]
        self._store.call("notices_spread", items=items)

    # ---- delivering

    def is_due(self) -> bool:
        """Whether a deliverer has something to do."""
        with self._store.guarded(keys.NOTICES, keys.NOTICES_DUE), self._store.redis.pipeline(transaction=False) as pipe:
            pipe.xlen(self._store.key(keys.NOTICES))
            pipe.time()
            _first(pipe, self._store.key(keys.NOTICES_DUE))
            new, (seconds, micros), due = pipe.execute()
        return bool(new) or bool(due and float(due[0][1]) <= seconds * 1000 + micros / 1000)

    def take(self, owner: str, *, new_group: bool = False) -> Taken | None:
        """A lease (`LEASE_S`) of a channel that is due, with the delivery to try; None when none is.

        `new_group`: of a group alone of which nothing is being sent: the channels of a project, its callbacks, or the
        addresses that its jobs name.
        """
        body = self._store.call("notices_take", owner=owner, new_group=new_group or None).body
        found = body.get("taken")
        return found and entries.taken(found["channel"], found["id"], found["delivery"], body["now"])

    def renew(self, channel: str, owner: str) -> bool:
        """Prolong a lease; whether it is still this owner's."""
        return self._store.call("notices_renew", channel=channel, owner=owner).refused is None

    def settle(self, taken: Taken, owner: str, outcome: Outcome, took_s: float = 0.0) -> None:
        """Note what came of a try. `sent` counts also for who has lost the lease: it need not be sent again."""
        told = " ".join(redacted(outcome.why).split())[:_ERROR_CHARS].encode("ascii", "replace").decode()
        self._store.call(
            "notices_settle", channel=taken.delivery.channel, id=taken.delivery.id, owner=owner, result=outcome.result,
            error=told or None, status=outcome.status, again_in_ms=round(outcome.again_in_s * 1000),
            took_ms=round(took_s * 1000),
        )  # fmt: skip

    def put(self, notice: Notice, channel: str) -> None:
        """Have a notice sent to one channel, whatever the rules say: a replay out of the log, a test.

        Raises:
            ConflictError: the same one waits for that channel already.
        """
        answer = self._store.call(
            "notices_put", channel=channel, id=f"{notice.id}|{channel}", notice=notice.written(),
            subject=_ascii(notice.subject), weight=_weight(notice),
        )  # fmt: skip
        if answer.refused:
            raise ConflictError(f"notice {notice.id} waits for {channel} already")

    # ---- asking

    def waiting_of(self, front: str, job: str | None = None) -> Iterator[Waiting]:
        """Those to channels whose names begin so, from the newest that is more than `info` on; of no job all.

        Read as far as they are taken: there may be very many, and nearly all of other projects.
        """
        with self._store.guarded(keys.NOTICES_WAITING):
            key = self._store.key(keys.NOTICES_WAITING)
            found = self._redis.execute_command("ZREVRANGE", key, 0, -1, "WITHSCORES", **_NEVER)
        named = cast("list[tuple[bytes, float]]", found)
        ids = [(score, one.decode()) for one, score in named if one.isascii()]
        mine = sorted((_place(*one) for one in ids if one[1].partition("|")[2].startswith(front)), reverse=True)
        for some in _parts([delivery for *_, delivery in mine]):
            with self._store.guarded(keys.DELIVERIES):
                held = self._redis.execute_command("HMGET", self._store.key(keys.DELIVERIES), *some, **_NEVER)
            for delivery, text in zip(some, map(_text, cast("list[bytes | None]", held)), strict=True):
                if _names(text, job) and (found := entries.waiting(delivery, text)):
                    yield found

    def log(self, channel: str, job: str | None = None) -> Iterator[Logged]:
        """What became of the last deliveries to a channel, newest first, of one job or of all.

        Read as far as it is taken. `<project>:callback:`, `…:mail:` and `…:report:` are those of all jobs together
        that named where to themselves.
        """
        key = keys.notices_log(channel)
        for start in range(0, int(LIMITS["LOGGED"]), _PART):
            with self._store.guarded(key):
                part = ("LRANGE", self._store.key(key), start, start + _PART - 1)
                texts = [_text(one) for one in cast("list[bytes]", self._redis.execute_command(*part, **_NEVER))]
            yield from (one for text in texts if _names(text, job) and (one := entries.logged(text)))
            if len(texts) < _PART:
                return

    def figures(self) -> Figures:
        """How full it is."""
        names = (keys.NOTICES, keys.NOTICES_WAITING)
        with self._store.guarded(*names), self._store.redis.pipeline(transaction=False) as pipe:
            new, waiting = (self._store.key(name) for name in names)
            heavy = LIMITS["HEAVY"]
            pipe.xlen(new)
            pipe.zcard(waiting)
            ask: Any = pipe
            ask.execute_command("XRANGE", new, "-", "+", "COUNT", 1, **_NEVER)
            _first(pipe, waiting)
            _first(pipe, waiting, heavy)
            lengths, oldest = (rows := pipe.execute())[:2], list(_times(rows[2:]))
        return Figures(lengths[0], lengths[1], min(oldest, default=None))

    def take_lost(self) -> int:
        """How many notices were dropped since this was asked last: somebody has to tell it."""
        with self._store.guarded(keys.NOTICES_LOST):
            found = self._store.redis.getdel(self._store.key(keys.NOTICES_LOST))
        return int(str(found)) if found and str(found).isdecimal() else 0


def _first(pipe: Any, key: str, least: float | str = "-inf") -> None:
    """Asks for the first member of a sorted set and its score."""
    pipe.execute_command("ZRANGEBYSCORE", key, least, "+inf", "WITHSCORES", "LIMIT", 0, 1, **_NEVER)


def _text(held: bytes | None) -> str | None:
    return None if held is None else held.decode(errors="replace")


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[i : i + _PART] for i in range(0, len(ids), _PART))


def _place(score: float, delivery: str) -> tuple[float, int, int, str]:
    """Where a delivery stands among those that wait: those that came to be at once, by the numbers of their notices."""
    at, _, number = delivery.partition("|")[0].partition("-")
    ms, place = (int(one) if one.isdecimal() and len(one) < 20 else 0 for one in (at, number))
    return score, ms, place, delivery


def _names(text: Any, job: str | None) -> bool:
    """Whether it may be of a job, before it is read: an id stands in JSON as it is."""
    return job is None or (isinstance(text, str) and job in text)


def _times(rows: Sequence[Any]) -> Iterator[float]:
    """When each of the oldest came: of the stream, of light deliveries and of heavy ones."""
    stream, light, heavy = rows
    yield from (float(entry.partition(b"-")[0]) for entry, _ in stream)
    scores = (float(found[0][1]) for found in (light, heavy) if found)
    yield from (score if score < LIMITS["HEAVY"] else score - LIMITS["HEAVY"] for score in scores)


def _item(new: NewNotice, targets: Sequence[Target]) -> dict[str, Any]:
    """A notice as the script wants it."""
    notice = new.notice
    if notice is None:
        return {"entry": new.entry, "id": f"ntc_{new.entry}", "lost": True, "channels": [], "subject": ""}
    subject, resolved = _ascii(notice.subject), KINDS[notice.kind].resolves
    return {
        "entry": new.entry,
        "id": notice.id,
        "notice": notice.written(),
        "weight": _weight(notice),
        "subject": subject,
        "cause": _ascii(notice.cause),
        "opens": notice.kind in RESOLVED,
        "resolves": bool(resolved),
        # The next fault of the same subject is news. Of failed jobs many share a cause: that is not over.
        "clears": [] if notice.job_id else [f"{kind}:{subject}" for kind in sorted(resolved)],
        "channels": [{"name": target.name, "groups": target.groups} for target in targets],
    }


def _weight(notice: Notice) -> str:
    return "info" if notice.severity == "info" else "more"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode().replace("|", "/")
