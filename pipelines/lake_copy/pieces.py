"""What a copy of a lake takes: its pieces, the files of each, and how the target calls them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from data.identity import LAKE_FILE
from data.job_files import run_name
from data.lake import Lake
from data.parts import DAMAGED, kinds_of, parse_name
from data.schemas import STAGE_SCHEMAS
from data.storage import Stat
from pipelines.manifest import files_by_manifest

#: What is noted of a copy, in the target until it is whole.
NOTES = ".copy"
#: Of one machine, or made anew.
_NOT_COPIED = {"jobs", "projects", "run", NOTES, LAKE_FILE, "lost+found"}


@dataclass
class Piece:
    """What is copied as a whole."""

    name: str
    #: Source and target of each file.
    files: list[tuple[Path, Path]]
    #: The source's listing in 32 hex digits.
    listing: str
    left: int = 0
    is_job: bool = False
    #: A lock, which is not copied but taken once.
    is_lock: bool = False
    sizes: dict[Path, int] = field(default_factory=dict)


def names_of(lake: Lake) -> Iterator[str]:
    """Pieces of a lake, by their paths below its root; locks stand for nothing but that something was changed."""
    for name in sorted(lake.storage.names(lake.root)):
        if name not in _NOT_COPIED and (not name.startswith(".") or is_mark(name)):
            yield name
    yield from sorted(f"jobs/{job_id}" for job_id in lake.job_ids())


def is_mark(name: str) -> bool:
    """Whether a file of the root is a lock whose being there says that a shared file was ever written."""
    return name.startswith(".") and name.endswith(".lock") and name != ".lock"


def piece_of(source: Lake, target: Lake, name: str) -> Piece:
    """What is to be copied below a name, as it lies now."""
    below = (source.root.relative_to(source.data) / name).as_posix()
    if is_mark(name):
        return Piece(below, [(source.root / name, target.root / name)], "a lock", is_lock=True)
    folder, is_job = source.root / name, name.startswith("jobs/")
    found = {file: state for file, state in source.storage.files(folder) if not _is_passing(file, folder)}
    if not found and not is_job:  # a file itself, or an empty folder
        with suppress(IsADirectoryError):
            content = source.storage.read(folder)
            state = source.storage.stat(folder)
            found = {} if content is None or state is None else {folder: Stat(len(content.data), state.modified_ns)}
    chosen = (
        _of_job(source, target, folder.name, found)
        if is_job
        else [(one, target.root / one.relative_to(source.root)) for one in found]
    )
    told = "\n".join(f"{file.relative_to(source.root)} {found[file].size} {found[file].modified_ns}"
                     for file, _ in sorted(chosen))  # fmt: skip
    return Piece(
        below,
        chosen,
        hashlib.sha256(told.encode()).hexdigest()[:32],
        left=len(found) - len(chosen),
        is_job=is_job,
        sizes={file: found[file].size for file, _ in chosen},
    )


def _is_passing(file: Path, folder: Path) -> bool:
    """Whether a file is not done: unfinished, spilt, a lock, or under way to its name."""
    words = file.relative_to(folder).parts
    return words[:1] == ("_tmp",) or any(word.startswith(".") for word in words)


def _of_job(source: Lake, target: Lake, job_id: str, found: Iterable[Path]) -> list[tuple[Path, Path]]:
    """The files of a job that count, with their places at the target."""
    folder = source.job_dir(job_id)
    files = files_by_manifest(source, job_id)
    there, valid = set(found), set[Path]()
    if files.commits:
        valid = {file for stage in STAGE_SCHEMAS for kind in kinds_of(stage) for file in files.valid(stage, kind)}
    chosen: dict[Path, Path] = {}
    runs: dict[Path, tuple[str, int]] = {}
    for name in {run_name(file.relative_to(folder).as_posix()) for file in there}:
        if name is not None:
            place, epoch = files.run_file(name)
            runs[place] = name, epoch
    for file in there:
        below = file.relative_to(folder).as_posix()
        if file in runs:
            name, epoch = runs[file]
            chosen[file] = target.storage.committed(target.job_dir(job_id) / name, lambda: epoch)  # noqa: B023 - asked at once
        elif run_name(below) is not None:
            continue  # of a run that does not count
        elif parse_name(file.name) is None or file.name.startswith(DAMAGED) or not files.commits or file in valid:
            chosen[file] = target.job_dir(job_id) / below
    return list(chosen.items())
