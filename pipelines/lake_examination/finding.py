"""What may be wrong with a file of a lake, what that means, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

#: Below it in a lake's root lies what was taken out of the readers' sight, by the path that it had.
QUARANTINE = "quarantine"


class Fault(StrEnum):
    """A kind of finding."""

    #: It is there and cannot be read, or is of other columns.
    TORN = "torn"
    #: A commit, a manifest or a list names it, and it is not there.
    MISSING = "missing"
    #: Runs wrote it that never committed, or a job left it behind.
    ORPHANED = "orphaned"
    #: Nothing of Leadmill's is called so at that place.
    FOREIGN = "foreign"


class Meaning(NamedTuple):
    """What a fault means."""

    #: Rows, or what is said of them, are not read: somebody has to do something.
    loses: bool
    text: str
    #: What `--mend` does.
    mending: str


MEANINGS: dict[Fault, Meaning] = {
    Fault.TORN: Meaning(True, "its rows are not read", "it is set aside as damaged-…, so that no reader fails"),
    Fault.MISSING: Meaning(True, "what names it finds nothing", "nothing: what made it has to make it again"),
    Fault.ORPHANED: Meaning(False, "no reader wants it, it takes room", f"it is moved below {QUARANTINE}/"),
    Fault.FOREIGN: Meaning(False, "nobody here wrote it", f"it is moved below {QUARANTINE}/"),
}


@dataclass(frozen=True)
class Finding:
    """One file with a fault."""

    fault: Fault
    #: Where it lies, or should.
    file: Path
    #: Why, in words.
    reason: str
    job_id: str | None = None
    #: A command that helps.
    remedy: str | None = None
    #: By which error a torn one was found.
    error: Exception | None = None
    #: Whether it may be taken out of sight.
    movable: bool = True
    size: int = 0

    @property
    def key(self) -> tuple[Fault, Path]:
        """By what two looks find the same."""
        return self.fault, self.file

    def as_dict(self, root: Path, mended: str | None) -> dict[str, object]:
        """For JSON; `mended`: what was done."""
        meaning = MEANINGS[self.fault]
        return {
            "fault": self.fault.value,
            "level": "fail" if meaning.loses else "warn",
            "file": self.file.relative_to(root).as_posix(),
            "bytes": self.size,
            "job_id": self.job_id,
            "reason": self.reason,
            "means": meaning.text,
            "mending": meaning.mending,
            "mended": mended,
            "remedy": self.remedy,
        }
