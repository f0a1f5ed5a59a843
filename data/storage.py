"""The storage seam: what the lake asks of the place where its files lie.

It speaks of job files, not of how a place makes them appear. A run **stages** a file, the record **commits** it,
whoever reads next **exposes** what the commit named, publish **removes the losers**. A file under a fixed name is
**swapped** if nobody changed it. On a local disk that is a temporary name, a rename, fsync and flock
(`data/local_storage.py`); an object store puts each file under the name that carries its epoch and needs no rename at
all (decision 21). Above this line nobody lists a folder, renames, removes, syncs or locks.

Files are named by paths below `root`. Every method may raise OSError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, TypeAlias

#: What pyarrow reads: a file of this machine, or a stream that can be read from anywhere in it.
Source: TypeAlias = Path | BinaryIO

if TYPE_CHECKING:
    from data.duck_files import FilesInPieces


class Run(NamedTuple):
    """One run of a stage of a unit: whose a staged file is. Of two runs the higher epoch counts."""

    job_id: str
    stage: str
    unit: str
    epoch: int


class Losing(NamedTuple):
    """Which files of runs of one unit may go."""

    #: The run whose file counts; None: none does.
    committed: int | None
    #: No run above this epoch is touched: it may be under way.
    highest: int
    #: A run may leave the file as an earlier one wrote it (`Storage.committed`).
    carried: bool = False


class Stat(NamedTuple):
    """What a place knows of a file without reading it."""

    #: Bytes.
    size: int
    #: When it was written, ns since the epoch (Unix).
    modified_ns: int


class HeldError(TimeoutError):
    """Another process held a right for longer than was waited. A place that does not answer is told as any timeout."""


class Content(NamedTuple):
    """What a file under a fixed name holds, and which one it is."""

    data: bytes
    #: Another one where the bytes are others; means something to `swap` alone.
    version: str


class Storage(Protocol):
    """A place for files. Calls of several processes and threads may meet; a process may die inside any of them."""

    root: Path
    #: Whether a listing shows a run's files before its commit, and those of runs that never committed. Then commits are
    #: asked what counts (`data.across`), and nobody looks who need not: each look is a request.
    shows_uncommitted: bool
    #: Seconds between two looks of a process at what others may have changed (`data.looks`); 0: at each time it asks.
    look_s: float

    @property
    def lender(self) -> FilesInPieces | None:
        """What opens the files that `addresses` names for a process that cannot ask this place; None: every one can."""
        ...

    # ---- files of a run ----------------------------------------------------------------------------

    def stage(self, run: Run, name: str) -> AbstractContextManager[BinaryIO]:
        """A stream into a file of a run that nobody reads yet; complete and durable when the block has ended.

        `name`: where it is exposed, below its job's folder (a part by `data.parts`, `plan.parquet`, …).
        """
        ...

    def stage_at(self, run: Run, name: str) -> AbstractContextManager[Path]:
        """The same for a writer that wants the path of a local file."""
        ...

    def scratch(self, run: Run, name: str) -> Path:
        """The path of a local file for a run alone; it is never exposed and goes with `discard` or `discard_lost`."""
        ...

    def committed(self, file: Path, epoch: Callable[[], int | None], *, carried: bool = False) -> Path:
        """Where a run's file lies that is called `file`, or would; `epoch`: of the run that committed it.

        None: none has. 0: that is not known, and the highest that lies there counts. `carried`: a run may leave the
        file as an earlier one wrote it; the highest up to this epoch counts.
        """
        ...

    def staged(self, job_id: str, *, manifests: bool = True) -> set[tuple[str, str]]:
        """(stage, unit) of a job's files that are staged and not exposed; most of those units still run.

        Without `manifests` those of a manifest alone may be left out, where that spares a look.
        """
        ...

    def expose(self, run: Run) -> list[str]:
        """Show what a committed run staged, having removed what was staged under lower epochs; names as in `stage`.

        It may be repeated, also by somebody who is late: what a higher epoch staged or exposed stays.
        """
        ...

    def discard(self, run: Run) -> None:
        """Remove what a run staged: its commit was refused or never came."""
        ...

    def leftovers(self, job_id: str) -> list[tuple[Path, Stat]]:
        """Every staged, scratch and unfinished file of a job, whosever it is."""
        ...

    def discard_lost(self, job_id: str, epochs: Mapping[str, int], stages: tuple[str, ...] | None = None) -> None:
        """Remove what is staged of each unit under an epoch up to the given one (of these stages; None: of all)."""
        ...

    def remove_losers(self, folder: Path, counts: Callable[[str], Losing | None]) -> None:
        """Remove from a folder the runs' files of other names than parts that do not count.

        `counts` is asked by the name that a run gave its file (`plan.parquet`); None: whose it is is not known.
        """
        ...

    # ---- files under fixed names -----------------------------------------------------------------------

    def read(self, file: Path) -> Content | None:
        """A whole file, None when there is none."""
        ...

    def put(self, file: Path, data: bytes) -> None:
        """Write a file whole or not at all, durable, over whatever had its name."""
        ...

    def swap(self, file: Path, data: bytes, seen: Content | None) -> bool:
        """`put`, if the file is still the one that was read (None: there is none); False, and nothing done, if not."""
        ...

    def spill(self, folder: Path) -> Path:
        """Where a query spills, on this machine, whose result goes below a folder; whoever writes there makes it."""
        ...

    def create(self, file: Path) -> AbstractContextManager[Path]:
        """The path to write a new file at, which has its name, whole and durable, once the block has ended."""
        ...

    def drop_unfinished(self, folder: Path) -> int:
        """Remove what killed calls of `create`, `put` and `swap` left in a folder, while none runs; bytes freed."""
        ...

    def check(self) -> None:
        """See, at a process's start, that this place is there and does what is promised here; costs some requests.

        Raises:
            ConfigError: it is not, or does not.
        """
        ...

    # ---- any file ---------------------------------------------------------------------------------------

    def opened(self, file: Path) -> Source:
        """What pyarrow reads a file by; one that is not there may be told only when it is read."""
        ...

    def local(self, file: Path) -> AbstractContextManager[Path]:
        """The path of a local file with the bytes of this one, for whoever reads it several times from its start.

        Raises:
            FileNotFoundError: there is none; it may be told only when it is read.
        """
        ...

    def chunks(self, file: Path, start: int, length: int) -> Iterator[bytes]:
        """So many bytes of a file from a place on, in pieces; fewer where it ends.

        Raises:
            FileNotFoundError: there is none, or it was replaced meanwhile.
        """
        ...

    def addresses(self, files: Sequence[Path]) -> list[str]:
        """What DuckDB reads files by, which it is about to do in their order."""
        ...

    def names(self, folder: Path) -> list[str]:
        """What lies in a folder, in no order; nothing when there is none."""
        ...

    def marks(self, parts: Sequence[Path]) -> list[str | None]:
        """What tells each part from others that may have its name; None: it is not there.

        Where a name is of the same bytes for ever nothing tells, and none is looked for.
        """
        ...

    def stats(self, files: Sequence[Path]) -> list[Stat | None]:
        """`stat` of each; of many in one folder with few requests."""
        ...

    def files(self, folder: Path) -> Iterator[tuple[Path, Stat]]:
        """Every file below a folder, however deep."""
        ...

    def stat(self, file: Path) -> Stat | None:
        """Size and time of a file; None when there is none."""
        ...

    def remove(self, file: Path) -> None:
        """Remove a file, or whatever else lies in its place; nothing when there is none."""
        ...

    def remove_all(self, folder: Path) -> int:
        """Remove a folder with all that is in it; bytes freed."""
        ...

    def move(self, file: Path, name: str) -> None:
        """Give a file another name in its folder, over whatever had it; after a death both may stand.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def move_to(self, file: Path, place: Path) -> None:
        """Have a file lie elsewhere below the root, where nothing is; after a death both may be there.

        Raises:
            FileNotFoundError: there is none.
        """
        ...

    def retire(self, folder: Path) -> None:
        """Take a folder away from whoever reads and writes below it, at once and until it is opened again.

        Where nobody can be kept from writing, what comes late is seen by no listing of the folder, and swept.
        """
        ...

    def sweep_retired(self, folder: Path) -> Iterator[int]:
        """Remove bit by bit what lies of a retired folder, or was written there since; the bytes of each bit.

        It may be repeated. What a folder holds that was opened again, or never retired, stays.
        """
        ...

    def reopen(self, folder: Path) -> None:
        """Let a folder be made again that was retired; one that was not stays as it is."""
        ...

    def sync(self, folder: Path) -> None:
        """Make durable what was exposed below a folder. Until then a power cut may leave it staged, as before."""
        ...

    def lock(
        self, name: Path, wait_s: float, poll_s: float, waiting: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[None]:
        """Hold a right alone among all processes; it ends with the block, or with the process.

        `waiting` is called each time another process was found to hold it, `poll_s` apart, and may raise.

        Raises:
            HeldError: another process holds it for longer than `wait_s`.
        """
        ...


class StoredLake(Protocol):
    """What modules below `data.lake.Lake` know of it."""

    root: Path
    storage: Storage
    #: Takes what an operator must see: a kind and what it is about.
    tell: Callable[[str, Mapping[str, Any]], None] | None
