"""The record of a job made again from what the lake knows of it, after Redis has lost it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from data.jobs.model import DOCUMENT, Status
from data.jobs.record import JobRecord, UnitState, stored_fields
from data.jobs.stored_names import RECORD_FIELDS, STAGE_FIELDS

#: What an earlier record held that is kept elsewhere, or tells of a deadline that is over.
_OF_LIVE_JOBS = tuple(RECORD_FIELDS[name] for name in ("handed_at_deadline", "ring", "served"))
_NOT_KEPT = frozenset({"id", "input", "spec", *DOCUMENT, *_OF_LIVE_JOBS})
#: Nothing is on its way in a job that was lost.
_IDLE = {"busy": 0, "waits": 0, "in_window": 0}


@dataclass(frozen=True)
class RestoredJob:
    """A record that Redis has not: the fields and the document of its record, and its units, as they are stored."""

    fields: Mapping[str, Any]
    document: Mapping[str, str]
    units: Mapping[str, UnitState]
    #: By its own publish, or sealed: not by the loss of its record.
    ended: bool = False

    @classmethod
    def made(
        cls,
        before: JobRecord | None,
        fields: Mapping[str, Any],
        *,
        source: Any,
        spec: Any,
        error: str,
        result: Mapping[str, Any] | None = None,
        units: Mapping[str, UnitState],
        stages_done: Mapping[str, int] | None = None,
        ended: bool = False,
    ) -> RestoredJob:
        """One that is like an earlier record but for some `fields` (by the names of `RECORD_FIELDS`).

        `stages_done`: how many units committed each stage, by the name that its units carry.
        """
        kept = {} if before is None else {n: value for n, value in before.stored.items() if n not in _NOT_KEPT}
        long = {} if before is None else {name: text for name in DOCUMENT if (text := before.stored.get(name))}
        new = {name: "" if value is None else value for name, value in {**fields, **_IDLE}.items()}
        done = {f"{stage}:{STAGE_FIELDS['done']}": number for stage, number in (stages_done or {}).items()}
        asked = {"input": json.dumps(source), "spec": json.dumps(spec)}
        told = {"error": error, **({} if result is None else {"result": json.dumps(result)})}
        return cls({**kept, **stored_fields(new), **done}, {**long, **asked, **told}, units, ended)

    def as_cancelled(self) -> RestoredJob:
        """The same, ended by a user instead of by the loss of its record."""
        fields = {name: value for name, value in self.fields.items() if name != "category"}
        document = {**self.document, "error": ""}
        return replace(self, fields={**fields, "status": Status.CANCELLED.value}, document=document, ended=False)

    def record(self, job_id: str, *, archived: bool) -> JobRecord:
        """As `JobStore.record` will give it once it is put back."""
        told = {name: self.document.get(name, "") for name in DOCUMENT}
        return JobRecord(job_id, {**{name: str(value) for name, value in self.fields.items()}, **told}, archived)
