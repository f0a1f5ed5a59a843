"""Damaged files: found after a reader failed, named, set aside so that no reader fails again, and told until redone.

Nothing here costs anything while every file is sound. A Parquet file that cannot be read, or whose columns are not its
stage's, is renamed `damaged-…` in its folder; a note in `<data>/damaged/` says which, why and when. The note goes when
the file does: removed by publish once its rows were made again, or by the operator.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data.mounts import opened, storage_at
from data.parts import DAMAGED, is_input, is_plan
from data.schemas import INPUT, OTHER_SCHEMAS, PLAN, SCHEMA_VERSION, STAGE_SCHEMAS
from data.storage import StoredLake
from leadmill.errors import ErrorCategory, WorkError
from leadmill.ids import COMPANY_ID
from leadmill.log import get_logger

log = get_logger(__name__)
Found = TypeVar("Found")

#: A read is tried again so often, each time after something was set aside or had changed.
_TRIES = 5
#: Sound files of this process (path, size, time), so that a failure of another kind reads nothing twice.
_SOUND: set[tuple[str, int, int]] = set()
_MOST_SOUND = 50_000
#: Files that were named to a reader of this process and not there: a commit names one that was set aside for ever.
_MISSING: set[Path] = set()
_MOST_MISSING = 10_000
_REASON_CHARS = 200


class DamagedPartError(WorkError):
    """A file of the lake is missing, or not what was written: torn, changed on disk, or of other columns."""

    code = "damaged_file"

    def __init__(self, file: Path, error: BaseException) -> None:
        reason = "is missing" if isinstance(error, FileNotFoundError) else f"is damaged on disk ({first_line(error)})"
        super().__init__(f"{label(file)} {reason}"[:300], ErrorCategory.SYSTEM)
        self.file = file


def of_later_version(file: Path) -> bool:
    """Whether a Parquet file says that a later version wrote it: that this one cannot read it is no damage."""
    try:
        versions = (
            pq.read_table(opened(file), columns=["schema_version"], partitioning=None).column(0).slice(0, 1).to_pylist()
        )
        return any(version > SCHEMA_VERSION for version in versions)
    except (pa.ArrowException, OSError, ValueError, TypeError, LookupError):
        return False


class ForeignError(ValueError):
    """A sound Parquet file, or rows out of one, that is not of its place's schema."""


@dataclass(frozen=True)
class Damage:
    """One damaged file that lies in the lake. `file`: where it lay, relative to the data folder."""

    file: str
    error: str
    at: str
    note: Path
    #: Where it lies now.
    aside: Path
    #: A resume was asked for since.
    resumed: bool = False

    @property
    def job_id(self) -> str | None:
        words = Path(self.file).parts
        return words[1] if words[0] == "jobs" else None


def label(file: Path) -> str:
    """A file's path from its job, or from below the data folder, for messages."""
    words = file.parts
    for i, word in enumerate(words):
        if word in ("companies", "job_history", "audit"):
            return "/".join(words[i:])
        if word == "jobs":
            return "/".join(words[i + 1 :])
    return "/".join(words[-2:])


def first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:_REASON_CHARS] if text else type(error).__name__


def is_ours(error: BaseException) -> bool:
    """The file could not be opened or there was no memory: that says nothing of what is in it."""
    if isinstance(error, pa.ArrowMemoryError | duckdb.OutOfMemoryException | MemoryError):
        return True
    return getattr(error, "errno", None) not in (None, errno.EIO)


# ---- looking --------------------------------------------------------------------------------------


def fault_of(file: Path, *, whole: bool = True) -> Exception | None:
    """What is wrong with a Parquet file of the lake: its columns, and (`whole`) every page by its checksum.

    Raises:
        OSError: it cannot be opened for a reason of ours; FileNotFoundError when it is missing.
    """
    try:
        state = storage_at(file.parent).stat(file)
        if state is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
        known = (str(file), *state)
        if known in _SOUND:
            return None
        with pq.ParquetFile(opened(file), page_checksum_verification=True) as reader:
            check_columns(file, reader.schema_arrow)
            if whole:
                for batch in reader.iter_batches(batch_size=1_000):
                    batch.validate(full=True)  # bytes that are no text are found by no checksum
    except (pa.ArrowException, OSError, ValueError) as error:
        if is_ours(error):
            raise
        return error
    if whole and len(_SOUND) < _MOST_SOUND:
        _SOUND.add(known)
    return None


def check_columns(file: Path, found: pa.Schema, columns: Sequence[str] | None = None) -> None:
    """See that a file has the columns of its place, or those of them that were read (more are a later version's).

    Raises:
        ValueError: it has not; names the column.
    """
    wanted = _schema_at(file)
    if wanted is None or found.equals(wanted):
        return
    for field in wanted:
        index = found.get_field_index(field.name)
        if index >= 0:
            if not _alike(found.field(index).type, field.type):
                raise ForeignError(f"its column {field.name} is {found.field(index).type}, not {field.type}")
        elif field.name in columns if columns is not None else not field.nullable:
            raise ForeignError(f"it has no column {field.name}")


def _schema_at(file: Path) -> pa.Schema | None:
    if is_plan(file):
        return PLAN
    if is_input(file):
        return INPUT
    folder = file.parent.parent.name if "=" in file.parent.name else file.parent.name  # ledger/month=2026-11/
    return OTHER_SCHEMAS.get(folder) or STAGE_SCHEMAS.get(folder)


_SCALARS = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_timestamp,
    pa.types.is_boolean,
    lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind),
)


def _alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether two types hold the same kind of values, whoever wrote them (DuckDB names list items otherwise)."""
    if pa.types.is_null(found):
        return True
    if pa.types.is_nested(wanted):
        return found.id == wanted.id and _same_children(found, wanted)
    return any(is_kind(found) and is_kind(wanted) for is_kind in _SCALARS)


def _same_children(found: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_struct(wanted):
        have = {field.name: field.type for field in found}
        return all(field.name not in have or _alike(have[field.name], field.type) for field in wanted)
    if pa.types.is_map(wanted):
        return _alike(found.key_type, wanted.key_type) and _alike(found.item_type, wanted.item_type)
    return _alike(found.value_type, wanted.value_type)


# ---- setting aside --------------------------------------------------------------------------------------


def set_aside(lake: StoredLake, file: Path, error: BaseException) -> None:
    """Rename a damaged file out of every reader's sight, note it, and tell the operator.

    Raises:
        DamagedPartError: it cannot be renamed (a read-only disk), or is a plan: without one its job would look like
            one that was never planned, so it is noted and told, and stays until a resume makes it anew.
    """
    name = str(file.relative_to(lake.root)) if file.is_relative_to(lake.root) else file.name
    note = lake.root / "damaged" / f"{name.replace('/', '+')}.json"
    about = {"file": name, "error": first_line(error), "at": datetime.now(UTC).isoformat()}
    if is_plan(file) and lake.storage.stat(note) is not None:
        raise DamagedPartError(file, error) from error
    try:
        _write_note(lake, note, about)
        if not is_plan(file):
            lake.storage.move(file, f"{DAMAGED}{file.name}")
    except FileNotFoundError:
        return  # another reader was faster
    except OSError as failed:
        log.error("a damaged file cannot be set aside", file=name, error=str(failed))
        raise DamagedPartError(file, error) from error
    log.error("damaged file found" if is_plan(file) else "damaged file set aside", file=name, error=about["error"])
    if lake.tell is not None:
        try:
            lake.tell("damaged_part", {"file": name, "error": about["error"]})
        except Exception as failed:  # the note stays: health tells
            log.warning("damaged file not told", file=name, error=str(failed))
    if is_plan(file):
        raise DamagedPartError(file, error) from error


def _write_note(lake: StoredLake, note: Path, about: Mapping[str, Any]) -> None:
    lake.storage.put(note, json.dumps(about).encode())


def mend(lake: StoredLake, files: Iterable[Path], *, whole: bool = True) -> list[Path]:
    """Look into files after a failure and set aside those that are damaged; those, and the ones that are missing.

    First at their ends and columns alone; only if those are sound (and `whole`) at every page.
    """
    looked_at = list(files)
    for every_page in (False, True) if whole else (False,):
        gone: list[Path] = []
        for file in looked_at:
            try:
                error = fault_of(file, whole=every_page)
            except FileNotFoundError as missing:
                error = missing if file.is_symlink() else None  # one that leads nowhere is listed for ever
                gone.append(file)
            if error is not None:
                set_aside(lake, file, error)
                gone.append(file)
        if gone:
            _MISSING.update(gone[: _MOST_MISSING - len(_MISSING)])
            return gone
    return []


def look_at_ids(rows: Sequence[Mapping[str, Any]]) -> None:
    """See that rows are of companies: DuckDB makes texts of whatever else stands in a column of that name.

    Raises:
        ForeignError: one is not.
    """
    for row in rows:
        if not COMPANY_ID.match(row["company_id"] or ""):
            raise ForeignError(f"a row of company {str(row['company_id'])[:40]!r}")


def enduring(
    lake: StoredLake,
    files: Callable[[], Mapping[str, Sequence[Path]]],
    read: Callable[[Mapping[str, Sequence[Path]]], Found],
) -> Found:
    """What `read` makes of the files that are listed; when it fails, again without those that are damaged or went.

    Raises whatever `read` raises when every file is sound.
    """
    for left in reversed(range(_TRIES)):
        listed = _without_missing(lake, files())
        try:
            return read(listed)
        except (duckdb.Error, pa.ArrowException, OSError, ForeignError) as error:
            if not left or (is_ours(error) and not isinstance(error, FileNotFoundError)):
                raise
            if not mend(lake, (file for some in listed.values() for file in some)):
                raise
    raise AssertionError("the last try returns or raises")


def _without_missing(lake: StoredLake, listed: Mapping[str, Sequence[Path]]) -> Mapping[str, Sequence[Path]]:
    """Without files that were not there when they were looked for last, nor are now."""
    if not _MISSING:
        return listed
    named = [file for some in listed.values() for file in some if file in _MISSING]
    _MISSING.difference_update(
        file for file, state in zip(named, lake.storage.stats(named), strict=True) if state is not None
    )
    return {key: [file for file in some if file not in _MISSING] for key, some in listed.items()}


@contextmanager
def naming(lake: StoredLake, files: Sequence[Path]) -> Iterator[None]:
    """What fails in the block because of one of these files names it, after setting it aside.

    Raises:
        DamagedPartError: instead of what the block raised.
    """
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        if is_ours(error) and not isinstance(error, FileNotFoundError):
            raise
        if damaged := mend(lake, files):
            raise DamagedPartError(damaged[0], error) from error
        raise


# ---- what lies there ----------------------------------------------------------------------------------------


def damages(lake: StoredLake, job_id: str | None = None) -> list[Damage]:
    """Damaged files that lie in the lake, of one job if given. Notes of those that are gone are removed.

    A plan lies where it lay, until a resume makes it anew.
    """
    folder = lake.root / "damaged"
    found = []
    for name in sorted(lake.storage.names(folder)):
        note = folder / name
        if note.suffix != ".json" or not name.startswith(f"jobs+{job_id}+" if job_id else ""):
            continue
        try:
            if (content := lake.storage.read(note)) is None:
                continue
            about = json.loads(content.data)
            file = lake.root / about["file"]
            aside = file if is_plan(file) else file.with_name(f"{DAMAGED}{file.name}")
            one = Damage(
                about["file"], about["error"], about["at"], note, aside, bool(about.get("resumed"))
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("unreadable note of a damaged file", note=note.name, error=str(error))
            continue
        if one.aside.name in lake.storage.names(one.aside.parent):
            if is_plan(file) and not _is_damaged(file):
                lake.storage.remove(note)
            else:
                found.append(one)
        elif lake.storage.stat(file) is None:  # else it is being set aside in this moment
            lake.storage.remove(note)
    return found


def _is_damaged(file: Path) -> bool:
    try:
        return fault_of(file) is not None
    except OSError:
        return True


def mark_resumed(lake: StoredLake, damaged: Iterable[Damage]) -> None:
    """Remember that a resume was asked for, after which lost error rows need no redoing."""
    for one in damaged:
        _write_note(lake, one.note, {"file": one.file, "error": one.error, "at": one.at, "resumed": True})


def redone(lake: StoredLake, one: Damage) -> None:
    """Its rows were made again: remove the file and its note."""
    lake.storage.remove(one.aside)
    lake.storage.remove(one.note)
