"""Across jobs: which part files count, as whoever reads several jobs sees them in one moment.

Where a look costs nothing and shows only what was committed, as on a disk, it tells. On an object store parts lie under
their names before they count: there the record of a job that runs names them, the manifest of one that has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from data.commits import Commits, LakeOfJobs, Told, names_of
from data.parts import PartKind, newest, parse_name, part_folder, partition_in
from leadmill.ids import JOB_ID, job_id_of


class Across:
    """Parts of some jobs (None: of all)."""

    def __init__(self, lake: LakeOfJobs, job_ids: Sequence[str] | None) -> None:
        self._lake, self._asked, self._listed = lake, job_ids, not lake.storage.shows_uncommitted
        self._jobs = lake.root / "jobs"

    @cached_property
    def jobs(self) -> list[str]:
        """The jobs that may have parts, sorted where all were asked for."""
        if self._asked is not None:
            return list(self._asked)
        if self._listed:
            return sorted(name for name in self._lake.storage.names(self._jobs) if JOB_ID.match(name))
        return sorted(self.commits)

    @cached_property
    def commits(self) -> Mapping[str, Told]:
        """What `CommitsOf` answers. A lake that nobody has told of one asks the manifests."""
        if (commits_of := self._lake.commits_of) is None:
            from data.manifests import by_manifests  # it needs the records' library, which most readers do not

            commits_of = by_manifests
        return commits_of(self._lake, self._asked)

    def commits_of(self, job_id: str) -> Commits:
        """Of one of the jobs; none where nothing is known."""
        return (self.commits[job_id].commits if job_id in self.commits else None) or {}

    def knows(self, job_id: str) -> bool:
        """Whether it is told what of a job counts; else it has no parts, or nobody knows."""
        return self._listed or job_id in self.commits

    def is_scored_last(self, job_id: str) -> bool:
        """Whether it is known that a job's score holds all that its earlier stages have; the files' times tell, too."""
        return not self._listed and job_id in self.commits and self.commits[job_id].is_scored_last

    def parts(self, job_id: str, stage: str, kind: PartKind = "rows", partition: int | None = None) -> list[Path]:
        """Part files of a stage of one of the jobs that count, of one partition if given, sorted."""
        folder = self._folder(job_id, stage, kind)
        names = newest(self._names(folder, job_id, stage, kind))
        return [folder / name for name in names if partition is None or partition_in(name) == partition]

    def listed(self, job_id: str, stage: str, kind: PartKind = "rows") -> list[Path]:
        """Part files that lie there, of each partition those of its highest epoch, whether or not they count."""
        folder = self._folder(job_id, stage, kind)
        return [folder / name for name in newest(self._lake.storage.names(folder))]

    def partitions(self, job_id: str, stage: str, kind: PartKind = "rows") -> set[int]:
        """Partitions of a job that have parts of a stage, be they damaged."""
        names = self._names(self._folder(job_id, stage, kind), job_id, stage, kind)
        return {part.partition for name in names if (part := parse_name(name))}

    def _folder(self, job_id: str, stage: str, kind: PartKind) -> Path:
        """Where they lie.

        Raises:
            NotFoundError: not a job id.
        """
        return self._jobs / job_id_of(job_id) / part_folder(stage, kind)

    def _names(self, folder: Path, job_id: str, stage: str, kind: PartKind) -> list[str]:
        names = self._lake.storage.names
        if self._listed:
            return names(folder)
        return (
            names_of(self.commits[job_id].commits, stage, kind, lambda: names(folder)) if job_id in self.commits else []
        )

    def each(self, stage: str, kind: PartKind = "rows") -> Iterator[tuple[str, list[Path]]]:
        """The jobs that have parts of a stage, with these."""
        for job_id in self.jobs:
            if files := self.parts(job_id, stage, kind):
                yield job_id, files

    def all(self, stage: str, kind: PartKind = "rows") -> list[Path]:
        """The parts of a stage of all of them."""
        return [file for _, files in self.each(stage, kind) for file in files]
