"""What came of the newest jobs together: those that failed by cause, and what they did."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from leadmill.answers import Job
from pipelines.views.coverage import Covered

#: What tells two errors of one kind apart: ids, addresses, domains, quoted names, numbers.
_OWN = re.compile(
    r"job_[0-9a-z]{20}|comp_[0-9a-f]{16}|https?://\S+|\b(?:[\w-]{1,63}\.)+[a-z]{2,24}\b|'[^']*'|\"[^\"]*\"|\d+"
)
#: Stands in the place of those.
_ANY = "…"


@dataclass
class FailedCause:
    """One kind of failure, and the jobs that ended by it."""

    category: str
    #: The message without what is of one job alone.
    error: str
    #: Job ids, newest first.
    jobs: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The longest part of the message that all of them have."""
        return max((part.strip() for part in self.error.split(_ANY)), key=len)


@dataclass
class Done(Covered):
    """What jobs of companies have done."""

    jobs: int = 0
    pages: int = 0


def failed_by_cause(jobs: Iterable[Job]) -> list[FailedCause]:
    """The failed ones among jobs (newest first) by what went wrong, most frequent first."""
    found: dict[tuple[str, str], FailedCause] = {}
    for job in jobs:
        error = job["error"]
        if job["status"] == "failed" and error is not None:
            shape = _OWN.sub(_ANY, error["message"])
            cause = found.setdefault((error["category"], shape), FailedCause(error["category"], shape))
            cause.jobs.append(job["job_id"])
    return sorted(found.values(), key=lambda cause: -len(cause.jobs))


def done_by(jobs: Iterable[Job]) -> Done:
    """What jobs did together."""
    done = Done()
    for job in jobs:
        done.jobs += 1
        done.pages += job["progress"]["details"]["pages"]
        result = job["result"] or {}
        done.add(result.get("companies"), result.get("good"))
    return done
