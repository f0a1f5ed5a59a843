"""What the commits of a job's units say of its files: which of them count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from data.parts import Committed, PartKind, counts_of, newest, partition_in
from data.storage import StoredLake
from leadmill.units import is_unit, partition_number, stage_of

if TYPE_CHECKING:
    from data.jobs import UnitState

#: (stage, unit) → what its commit said.
Commits: TypeAlias = Mapping[tuple[str, str], Committed]


class LakeOfJobs(StoredLake, Protocol):
    """What modules below `data.lake.Lake` know of one that holds jobs."""

    project: str
    #: None: the manifests are asked (`data.manifests`).
    commits_of: CommitsOf | None


class Told(NamedTuple):
    """What is known of a job's commits."""

    #: None: nothing; what lies there counts.
    commits: Commits | None
    #: Its score, if it has one, was made of all that it has of earlier stages: after a resume it may not have been yet.
    is_scored_last: bool


class CommitsOf(Protocol):
    """Knows the commits of a lake's jobs."""

    def __call__(self, lake: LakeOfJobs, job_ids: Sequence[str] | None) -> Mapping[str, Told]:
        """Of each job (None: of every one that may have parts) what is known of its commits.

        A job that is not in the answer has no parts, or none any more.

        Raises:
            OSError: a manifest cannot be read.
        """
        ...


def names_of(commits: Commits | None, stage: str, kind: PartKind, there: Callable[[], Sequence[str]]) -> list[str]:
    """Names of the parts of a stage that commits name, sorted; of commits that nobody knows those that lie there.

    `there` lists their folder. It is asked only where a commit does not say how many files it has, so a file that is
    missing is named all the same.
    """
    if commits is None:
        return newest(there())
    # Parts of a unit of the whole job are of partition 0.
    committed = {partition_number(unit) or 0: what for (name, unit), what in commits.items() if name == stage}
    told = {number: what.names(number, kind) for number, what in committed.items()}
    names = [name for those in told.values() for name in those or ()]
    if None in told.values():
        names += [name for name in newest(there()) if told.get(partition_in(name), ()) is None]
    return sorted(names)


def committed_parts(units: Mapping[str, UnitState], chain: Sequence[str]) -> dict[tuple[str, str], Committed]:
    """(stage, unit) → what its commit said, from the record's units; `chain` names the stages of a partition."""
    found: dict[tuple[str, str], Committed] = {}
    for unit, state in units.items():
        if not is_unit(unit):
            continue
        for index, epoch in enumerate(state.committed_epochs):
            if partition_number(unit) is None:
                stage = stage_of(unit).name
            elif index < len(chain):
                stage = chain[index]
            else:
                continue
            text = state.files[index] if epoch and index < len(state.files) else None
            found[stage, unit] = Committed(epoch, counts_of(text))
    return found
