"""The store of job records: every change of a job, a method for each operation of the script (`lua/operations/`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from data import keys
from data.jobs.model import LIMITS, Answer, Bounds, Grant, HandOut, NewJob, Status
from data.jobs.reading import JobReader, decoded
from data.jobs.record import UnitState, stored_fields
from data.jobs.restored import RestoredJob
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ConflictError, ForeignLakeError, NotFoundError, StoreRefusedError, UnavailableError
from leadmill.notices import OF_EVENT, NoticeKind
from leadmill.quotas import Quotas
from leadmill.redaction import redacted

_UNBOUNDED = Bounds()


class JobStore(JobReader):
    """All reading and writing of job records. One instance a process; safe to share between threads."""

    def submit(self, job: NewJob, bounds: Bounds = _UNBOUNDED, audit: str | None = None) -> Answer:
        """Record a job. Accepted means recorded: what follows is sent again by the reconciler if it gets lost.

        A repeat (same id, or same key and body) is the same job; a record without its launch is completed. With `lost`
        in the answer the key stands for a job (`job`) that has no record: submit again under that id to make it.
        What would go over one of the `bounds` is not recorded. `audit` is the entry of who submits (`Entry.text`): with
        `audited` in the answer it stands in the stream, which holds so many; a replay, and an empty stream, leave it
        to the caller.

        Raises:
            ConflictError: the idempotency key stood for another body.
            OverloadedError, QuotaError: it would go over a bound; nothing was recorded.
            StoreRefusedError: nothing was recorded.
            UnavailableError: carries the id, since the record may have been made.
            DamagedRecordError: a key is of another type; nothing was recorded.
        """
        fields = {
            "kind": job.kind,
            "stages": ",".join(job.stages),
            "partition_stages": ",".join(job.partition_stages),
            "priority": job.priority,
            "tags": json.dumps(job.tags),
            "parent": job.parent or "",
            "min_coverage": "" if job.min_coverage is None else job.min_coverage,
            "partitions_handed": 0,
            **({"request_id": job.request_id} if job.request_id else {}),
        }
        if job.trace is not None:
            fields["trace"] = job.trace
        asked = {"notify": ",".join(job.notify), "callback_url": job.callback_url}
        fields |= {name: value for name, value in asked.items() if value}
        try:
            answer = self.call(
                "submit",
                durable=True,
                id=job.job_id,
                fields=stored_fields(fields),
                tags=job.tags,
                spec=json.dumps(job.spec, separators=(",", ":")),
                input=json.dumps(job.source, separators=(",", ":")),
                idem=job.idempotency_key,
                body=job.body_hash,
                deadline_s=job.deadline_s,
                run_at=None if job.run_at is None else int(job.run_at * 1000),
                audit=audit,
                later=job.later or None,
                **bounds.arguments,
            )
        except (ForeignLakeError, StoreRefusedError):
            raise
        except UnavailableError as error:
            error.job_id = job.job_id
            raise
        if not answer.body.get("ok"):
            raise ConflictError("this Idempotency-Key was used with another body; use a new key for a new request")
        return answer

    def begin(self, job_id: str, unit: str, epoch: int, index: int, owner: str) -> Grant | str:
        """Claim a handed-out unit for a run; the reason as a string when there is nothing to run.

        `epoch` 0 stands for the present one (messages of the close, whose epoch is not known when sent).
        """
        answer = self.call("begin", job=job_id, unit=unit, epoch=epoch, index=index, owner=owner)
        if answer.refused:
            return answer.refused
        body = answer.body
        return Grant(
            job_id, unit, body["epoch"], index, owner, body.get("kind") or "", body["attempt"], body["tries"],
            tuple((body.get("stages") or "").split(",")), decoded(body.get("spec")), tuple(body.get("epochs") or ()),
            body["created"] / 1000, body["parts"], tuple(body.get("files") or ()), body.get("category") or "",
            frozenset(name for name in body.get("refused") or () if "?" not in name),
            max(body.get("deaths") or 0, body.get("lapses") or 0) >= LIMITS["ALONE_DEATHS"],
            body.get("project") or DEFAULT_PROJECT,
            bool(body.get("quota")), body.get("pages_left"), body.get("trace"), body.get("request_id"),
            body.get("wave") or 0, body["deadline"] / 1000 if body.get("deadline") else None,
        )  # fmt: skip

    def renew(
        self,
        grant: Grant,
        progress: int | None = None,
        message: str = "",
        pages: int = 0,
        traffic: Sequence[int] | None = None,
    ) -> str | None:
        """Prolong the lease and tell progress (thousandths); why the run must stop, or None."""
        return self.call(
            "renew", job=grant.job_id, unit=grant.unit, epoch=grant.epoch, owner=grant.owner,
            progress=progress, message=message[:60] or None, pages=pages, traffic=traffic,
        ).refused  # fmt: skip

    def commit(self, grant: Grant, *, fields: Mapping[str, Any] | None = None, **what: Any) -> Answer:
        """End a stage well: rows_in, rows_out, errors, pages (counts), doc, status, mail_to (publish), chained.

        `deferred`: companies that a scrape left for later. `waves`: of each partition that launch plans for such, in
        their order, [when its hosts may be asked (ms), companies, hosts]; they are the last of `partitions`.
        `fields` of the record, by the names of `RECORD_FIELDS`.
        """
        return self.call(
            "commit",
            durable=grant.unit == "publish",  # the job's end
            job=grant.job_id,
            unit=grant.unit,
            epoch=grant.epoch,
            owner=grant.owner,
            index=grant.index,
            fields=None if fields is None else stored_fields(fields),
            **what,
        )

    def settle(self, grant: Grant, companies: int) -> Answer:
        """Count the companies that launch found, before anything is done with them.

        Raises:
            QuotaError: there are more than the project may have.
        """
        return self.call(
            "settle", job=grant.job_id, unit=grant.unit, epoch=grant.epoch, owner=grant.owner, companies=companies
        )

    def fail(self, grant: Grant, *, error: str, **what: Any) -> Answer:
        """The stage raised: category, error (kept without secrets), and max, base, cap, jitter of its retry policy."""
        told = redacted(error)
        return self.call(
            "fail", job=grant.job_id, unit=grant.unit, epoch=grant.epoch, owner=grant.owner, error=told, **what
        )

    def refuse(self, hand_out: HandOut, error: str) -> Answer:
        """End a handed-out unit that no message can be made of, for good."""
        return self.call("refuse", job=hand_out.job_id, unit=hand_out.unit, error=redacted(error))

    def release(self, job_id: str, unit: str, owner: str) -> Answer:
        """Give a running unit back at a shutdown, by the parent of the child that ran it."""
        return self.call("release", job=job_id, unit=unit, owner=owner)

    def died(
        self,
        job_id: str,
        unit: str,
        owner: str,
        error: str,
        *,
        page: str = "",
        sure: bool = False,
        lapsed: bool = False,
    ) -> Answer:
        """The parent of a pool child reports that the owner died.

        Args:
            page: what it had begun, `<company>/<digest>`: that it was the page's fault is believed when `sure`, or
                the second time. A death that a page explains does not count towards poison.
            lapsed: the parent itself killed it, after its lease was taken from it.
        """
        return self.call(
            "died", job=job_id, unit=unit, owner=owner, error=redacted(error),
            page=page or None, sure=sure or None, lapsed=lapsed or None,
        )  # fmt: skip

    def claim(
        self,
        queued: Mapping[str, bool],
        *,
        node: str | None = None,
        about: str | None = None,
        limit: int = 200,
        runs: Sequence[tuple[str, str, str]] = (),
    ) -> Answer:
        """Take what is due. `queued` names each `<stage>:<level>` whose queue holds a message.

        `runs` are those (job, unit, owner) of the caller's children; `lost` in the answer names those that hold their
        unit no more: [[place in `runs`, ms since the job ended, or -1], …].
        """
        return self.call("claim", queued=queued, node=node, about=about, limit=limit, runs=runs or None)

    def leave(self, node: str) -> None:
        """A worker says goodbye."""
        self.call("leave", node=node)

    def cancel(self, job_id: str) -> None:
        """End a job now.

        Raises:
            NotFoundError: no such job.
            ConflictError: it has ended already.
        """
        self._legal(self.call("cancel", durable=True, job=job_id), job_id, "cancel", "resume")

    def resume(
        self,
        job_id: str,
        units: Mapping[str, UnitState] | None = None,
        key: str | None = None,
        damaged: Sequence[str] | None = None,
        bounds: Bounds = _UNBOUNDED,
    ) -> Answer:
        """Plan again what is not done; `units` come from the manifest when the record's own are gone.

        `damaged`: files of the job are, so a completed one may be resumed, and these partitions are made again.
        A repeat with the same idempotency `key` changes nothing (then `replayed` in the answer). One live job
        more must not go over one of the `bounds`.

        Raises:
            NotFoundError: no such job.
            ConflictError: it runs, or everything in it is done; or the key stood for another request.
            OverloadedError, QuotaError: it would go over a bound.
        """
        stored = None if units is None else _stored(units)
        answer = self.call(
            "resume", durable=True, job=job_id, units=stored, idem=key, body=f"resume:{job_id}", damaged=damaged,
            **bounds.arguments,
        )  # fmt: skip
        if answer.refused is None and not answer.body["ok"]:
            raise ConflictError("this Idempotency-Key was used with another request; use a new key for a new request")
        return self._legal(answer, job_id, "resume", "cancel")

    def restore(self, job_id: str, lost: RestoredJob, quotas: Quotas | None = None) -> bool:
        """Put back an ended job that an emptied server has lost; whether it was missing.

        It counts for the `quotas` of its project's day, if it is of today. That it failed by the loss is a notice.
        """
        answer = self.call(
            "restore",
            job=job_id,
            fields=lost.fields,
            doc=lost.document,
            units=_stored(lost.units),
            quota=Bounds(quotas=quotas).arguments["quota"] if quotas else None,
            fails=not lost.ended and lost.fields.get("status") == Status.FAILED,
        )
        return answer.refused is None

    def keep_idempotency_key(self, key: str, job_id: str, body_hash: str, for_s: int) -> None:
        """Let a repeat of a request be the same job again, unless its key stands for one already."""
        with self.guarded():
            mark = json.dumps({"job": job_id, "body": body_hash})
            self.redis.set(self.key(keys.idempotency(key)), mark, ex=for_s, nx=True)

    def add_lines(self, job_id: str, lines: Sequence[tuple[str, str]]) -> bool:
        """Add lines (level, the rest as JSON) to the log of a job of whichever project; whether it has one."""
        return self.call("log", job=job_id, lines=lines).refused is None

    def forget(self, job_id: str) -> None:
        """Drop an ended job's record from Redis."""
        self._legal(self.call("forget", job=job_id), job_id, "forget", "cancel")

    @staticmethod
    def _legal(answer: Answer, job_id: str, move: str, other: str) -> Answer:
        if answer.refused == "gone":
            raise NotFoundError(f"no job {job_id}")
        if answer.refused == Status.COMPLETED and move == "resume":
            raise ConflictError(
                f"job {job_id} is completed with nothing missing; submit a new job, or re-run it from a stage"
            )
        if answer.refused == "illegal":
            raise ConflictError(f"cannot {move} job {job_id}: its record is wrong (a move {answer.body['illegal']})")
        if answer.refused:
            legal = "nothing but its deletion by cleanup" if answer.refused == "completed" else other
            raise ConflictError(f"cannot {move} job {job_id}: it is {answer.refused}; legal now: {legal}")
        return answer

    def is_first_to_tell(self, digest: str, kind: str, for_s: int) -> bool:
        """Whether nobody has told of this (a digest of what is told) for so long; the caller does now."""
        with self.guarded():
            return bool(self.redis.set(self.key(keys.told(digest)), kind, nx=True, ex=for_s))

    def critical(self, kind: str, about: Mapping[str, Any]) -> None:
        """Append to the capped stream of what an operator must see: poison, missed_ticks, health …

        It is a notice, too, of the kind that `leadmill.notices` says.
        """
        told = OF_EVENT.get(kind)
        if told is None:
            self.call("tell", event=kind, data=json.dumps(redacted.within(about)))
        else:
            self.tell(told, about, event=kind)

    def tell(self, kind: NoticeKind, about: Mapping[str, Any], *, event: str | None = None) -> None:
        """Put a notice into the outbox if somebody listens to its kind, of what is no move of a job.

        Args:
            about: texts and numbers by name; kept without secrets. What `kind.says` and `kind.apart_by` name is there.
            event: the critical event that it is besides.

        Raises:
            UnavailableError: Redis does not answer, or takes no write; nothing was written.
        """
        data = json.dumps(redacted.within(about))
        self.call("tell", event=event, kind=kind.name, heard=[*kind.heard_by, *kind.resolves], data=data)

    def watched(self, cause: str, kind: NoticeKind, about: Mapping[str, Any], *, is_wrong: bool) -> None:
        """What a watcher saw become wrong with the stack, or well again: a notice if it is the first to say so.

        Raises:
            UnavailableError: Redis does not answer, or takes no write.
        """
        data = json.dumps(redacted.within(about))
        heard = [*kind.heard_by, *kind.resolves]
        self.call("watched", cause=cause, is_wrong=is_wrong, kind=kind.name, heard=heard, data=data)


def _stored(units: Mapping[str, UnitState]) -> dict[str, Mapping[str, Any]]:
    return {unit: state.stored for unit, state in units.items()}
