"""The storage seam on an object store.

A run's file is put once, under the name that carries its epoch: `part-00003-0-e2.parquet`, `plan-e2.parquet` (the
first epoch is left out, as in all names of parts). The commit tells which count, so there is nothing to expose. One
name is the same for every run: a job's manifest, which lies apart until its run has committed, and is then put under
its name, unless somebody has put another one there since it was looked for.
"""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from data.duck import knowing
from data.duck_files import FilesInPieces
from data.mounts import mount
from data.object_store.client import Bucket, Head, Place, UntoldError
from data.object_store.lease import held
from data.object_store.probe import probe
from data.object_store.reading import DuckFiles, Ends, Pieces, Stream
from data.parts import MANIFEST, parse_name
from data.storage import Content, Losing, Run, Stat

_STAGED = "_tmp"
#: Stages whose runs stage a manifest; publish takes care of what launch has left.
_LAUNCH = "launch"
_WITH_MANIFEST = (_LAUNCH, "publish")
#: Lies in a folder that was retired.
_RETIRED = ".retired"
#: Objects that one request removes.
_BIT = 1_000

#: An idle stack looked six times a second, of which the listings alone cost some $ 40 a month. What is seen so much
#: later is of rare use: a lake that was moved away, a project or schedule that Redis has lost.
LOOK_S = 10.0


class ObjectStorage:
    """`data.storage.Storage` below a path that stands for a bucket's place. Cheap to make.

    `base` is the path of the place itself, `root` that or one below it; `local` a folder of this machine for what has
    to be a file for a while.
    """

    shows_uncommitted = True
    look_s = LOOK_S

    def __init__(self, root: Path, files: DuckFiles, base: Path, local: Path) -> None:
        self.root = root
        self._files, self._bucket = files, files.ends.bucket
        self._base, self._local = base, local
        #: Runs whose manifests wait for their commits, as far as this one knows.
        self._waiting: set[Run] = set()
        #: What runs of this process have put and not committed yet, by key.
        self._own: dict[Run, list[str]] = {}

    @property
    def lender(self) -> FilesInPieces | None:
        return self._files

    def key(self, file: Path) -> str:
        """What the store calls a file."""
        text = file.relative_to(self._base).as_posix()
        return "" if text == "." else text

    # ---- files of a run ----------------------------------------------------------------------------

    @contextmanager
    def stage(self, run: Run, name: str) -> Iterator[BinaryIO]:
        sink = io.BytesIO()
        yield sink
        self._put(run, name, sink.getvalue())

    @contextmanager
    def stage_at(self, run: Run, name: str) -> Iterator[Path]:
        with self._passing() as path:
            yield path
            self._put(run, name, path)

    @contextmanager
    def _passing(self) -> Iterator[Path]:
        """The path of a local file that goes with the block."""
        self._local.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._local) as folder:
            yield Path(folder, "file")

    def _put(self, run: Run, name: str, data: bytes | Path) -> None:
        if name == MANIFEST:
            self._waiting.add(run)
            file = self._manifest_of(run)
        else:
            file = self.committed(self._job(run.job_id) / name, lambda: run.epoch)
        self._own.setdefault(run, []).append(self.key(file))
        self._bucket.put(self.key(file), data)

    def _manifest_of(self, run: Run) -> Path:
        return self._job(run.job_id) / _STAGED / f"{_owner(run)}~{MANIFEST}"

    def committed(self, file: Path, epoch: Callable[[], int | None], *, carried: bool = False) -> Path:
        if parse_name(file.name) is not None or file.name == MANIFEST:
            return file  # the one carries it already, the other is exposed
        number = epoch()
        if number is not None and (number == 0 or carried):
            there = (written for public, written in map(_public, self.names(file.parent)) if public == file.name)
            number = max((written for written in there if written <= (number or written)), default=None)
        return file if number == 1 else file.with_stem(f"{file.stem}-e{number or 0}")  # no run has epoch 0

    def scratch(self, run: Run, name: str) -> Path:
        folder = self._scratch(run.job_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / f"{_owner(run)}.{name}"

    def staged(self, job_id: str, *, manifests: bool = True) -> set[tuple[str, str]]:
        if not manifests:
            return set()  # nothing else waits
        names = self.names(self._job(job_id) / _STAGED)
        runs = [run for name in names if (run := _run_of(job_id, name)) is not None]
        self._waiting.update(runs)
        return {(run.stage, run.unit) for run in runs}

    def expose(self, run: Run) -> list[str]:
        self._own.pop(run, None)
        if run not in self._waiting and run.stage not in _WITH_MANIFEST:
            return []
        public, staged = self.key(self._job(run.job_id) / MANIFEST), self.key(self._manifest_of(run))
        while True:
            before = self._bucket.head(public)  # first: whoever is faster from now on makes the put fail
            found = self._bucket.get(staged)
            if found is None or self._was_put(public, found[0], before):
                break
        self._bucket.delete([staged])
        self._waiting.discard(run)
        return [MANIFEST] if found else []

    def discard(self, run: Run) -> None:
        self._bucket.delete(self._own.pop(run, []))
        self._waiting.discard(run)
        self._drop_scratch(run.job_id, lambda of: of == run)

    def leftovers(self, job_id: str) -> list[tuple[Path, Stat]]:
        prefix = self.key(self._job(job_id) / _STAGED)
        return [(self._base / key, _stat(head)) for key, head in self._bucket.all(prefix)]

    def discard_lost(self, job_id: str, epochs: Mapping[str, int], stages: tuple[str, ...] | None = None) -> None:
        def is_lost(run: Run) -> bool:
            return (stages is None or run.stage in stages) and run.epoch <= epochs.get(run.unit, 0)

        if stages is None and epochs.get(_LAUNCH, 0) > 1:  # a manifest is no partition's; one run leaves none behind
            folder = self._job(job_id) / _STAGED
            names = self.names(folder)
            runs = {name: run for name in names if (run := _run_of(job_id, name)) is not None}
            self._bucket.delete([self.key(folder / name) for name, run in runs.items() if is_lost(run)])
        self._drop_scratch(job_id, is_lost)

    def _drop_scratch(self, job_id: str, is_meant: Callable[[Run], bool]) -> None:
        for file in self._scratch(job_id).glob("*"):
            if (run := _run_of(job_id, file.name)) is not None and is_meant(run):
                shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)

    def remove_losers(self, folder: Path, counts: Callable[[str], Losing | None]) -> None:
        runs: dict[str, dict[int, str]] = {}
        for name in self.names(folder):
            if parse_name(name) is None:
                public, epoch = _public(name)
                runs.setdefault(public, {})[epoch] = self.key(folder / name)
        losing = {public: rule for public in runs if (rule := counts(public)) is not None}
        self._bucket.delete([key for public, rule in losing.items() for key in _losers(runs[public], rule)])

    def _scratch(self, job_id: str) -> Path:
        return self._local / job_id

    def _job(self, job_id: str) -> Path:
        return self.root / "jobs" / job_id

    # ---- files under fixed names -----------------------------------------------------------------------

    def read(self, file: Path) -> Content | None:
        found = self._bucket.get(self.key(file))
        return None if found is None else Content(found[0], found[1].etag)

    def put(self, file: Path, data: bytes) -> None:
        """By a condition, too: one that is late must not come over what was put after it."""
        key = self.key(file)
        while True:
            if self._was_put(key, data, self._bucket.head(key)):
                return

    def _was_put(self, key: str, data: bytes, before: Head | None) -> bool:
        try:
            return self._bucket.put_if(key, data, before and before.etag)
        except UntoldError:  # then what is there now is another's, and this comes over it
            return False

    def swap(self, file: Path, data: bytes, seen: Content | None) -> bool:
        return self._bucket.put_if(self.key(file), data, seen and seen.version)

    def spill(self, folder: Path) -> Path:
        self._local.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._local / "spill"

    @contextmanager
    def create(self, file: Path) -> Iterator[Path]:
        with self._passing() as path:
            yield path
            self._bucket.put(self.key(file), path)

    def drop_unfinished(self, folder: Path) -> int:
        return 0  # there is no such thing: an object has all of its bytes or is not there

    def check(self) -> None:
        probe(self._bucket, self.key(self.root / ".probe-"))

    # ---- any file ---------------------------------------------------------------------------------------

    def opened(self, file: Path) -> BinaryIO:
        return cast(BinaryIO, Stream(Pieces(self._files.ends, self.key(file))))

    @contextmanager
    def local(self, file: Path) -> Iterator[Path]:
        pieces = Pieces(self._files.ends, self.key(file))
        with self._passing() as path:
            with path.open("wb") as copy:
                copy.writelines(pieces.in_order(0, pieces.head.size))
            yield path

    def chunks(self, file: Path, start: int, length: int) -> Iterator[bytes]:
        return Pieces(self._files.ends, self.key(file)).in_order(start, length)

    def addresses(self, files: Sequence[Path]) -> list[str]:
        keys = [self.key(file) for file in files]
        self._files.ends.follow(keys)
        return [self._files.address(key) for key in keys]

    def names(self, folder: Path) -> list[str]:
        files, folders = self._bucket.names(self.key(folder))
        return [] if _RETIRED in files else [*files, *folders]

    def marks(self, parts: Sequence[Path]) -> list[str | None]:
        return [""] * len(parts)

    def stats(self, files: Sequence[Path]) -> list[Stat | None]:
        """One listing a folder: it costs what asking for one file does."""
        folders = {folder: self._bucket.right_below(self.key(folder))[0] for folder in {file.parent for file in files}}
        heads = (folders[file.parent].get(self.key(file)) for file in files)
        return [None if head is None else _stat(head) for head in heads]

    def files(self, folder: Path) -> Iterator[tuple[Path, Stat]]:
        for key, head in self._bucket.all(self.key(folder)):
            yield self._base / key, _stat(head)

    def stat(self, file: Path) -> Stat | None:
        found = self._bucket.head(self.key(file))
        return None if found is None else _stat(found)

    def remove(self, file: Path) -> None:
        self._bucket.delete([self.key(file)])

    def remove_all(self, folder: Path) -> int:
        found = list(self._bucket.all(self.key(folder)))
        self._bucket.delete([key for key, _ in found])
        return sum(head.size for _, head in found)

    def move(self, file: Path, name: str) -> None:
        self.move_to(file, file.with_name(name))

    def move_to(self, file: Path, place: Path) -> None:
        if not self._bucket.copy(self.key(file), self.key(place)):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file))
        self._bucket.delete([self.key(file)])

    def retire(self, folder: Path) -> None:
        self.put(folder / _RETIRED, secrets.token_hex(8).encode())

    def sweep_retired(self, folder: Path) -> Iterator[int]:
        mark = self.key(folder / _RETIRED)
        if self._bucket.head(mark) is None:
            return
        found = [(key, head.size) for key, head in self._bucket.all(self.key(folder)) if key != mark]
        if self._bucket.head(mark) is None:
            return  # opened meanwhile: what was listed may be the new one's
        for start in range(0, len(found), _BIT):
            bit = found[start : start + _BIT]
            self._bucket.delete([key for key, _ in bit])
            yield sum(size for _, size in bit)

    def reopen(self, folder: Path) -> None:
        for _ in self.sweep_retired(folder):
            pass  # what came late is not the new one's
        mark = self.key(folder / _RETIRED)
        if self._bucket.head(mark) is not None:
            self._bucket.delete([mark])

    def sync(self, folder: Path) -> None:
        """Nothing: what was put is durable."""

    def lock(
        self, name: Path, wait_s: float, poll_s: float, waiting: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[None]:
        return held(self._bucket, self.key(name), wait_s, poll_s, waiting)


#: `<stage>.<unit>.<epoch>` before the name of a file that waits, or of a scratch file.
_RUN = re.compile(r"([^.]+)\.([^.]+)\.([0-9]+)[~.]")


def _public(name: str) -> tuple[str, int]:
    """The name that a run gave a file, and the run's epoch, as the name of the object tells."""
    found = re.fullmatch(r"(.+?)(?:-e([0-9]+))?(\.[^.]*)?", name)
    return (f"{found[1]}{found[3] or ''}", int(found[2] or 1)) if found else (name, 1)


def _losers(runs: Mapping[int, str], rule: Losing) -> list[str]:
    """Of the files that runs wrote under one name those that do not count."""
    counting = rule.committed
    if rule.carried and counting is not None:
        counting = max((epoch for epoch in runs if epoch <= counting), default=None)
    return [key for epoch, key in runs.items() if epoch != counting and epoch <= rule.highest]


def _owner(run: Run) -> str:
    return f"{run.stage}.{run.unit.replace(':', '-')}.{run.epoch}"


def _run_of(job_id: str, name: str) -> Run | None:
    found = _RUN.match(name)
    return Run(job_id, found[1], found[2].replace("-", ":", 1), int(found[3])) if found else None


def _stat(head: Head) -> Stat:
    return Stat(head.size, int(head.modified.timestamp()) * 1_000_000_000)


def mounted(place: Place, root: Path, local: Path) -> Bucket:
    """Have a bucket's place keep all files below a path; what asks it, for whoever counts.

    Args:
        root: a path that no disk has.
        local: a folder of this machine for what has to be a file for a while.
    """
    bucket = Bucket(place)
    files = DuckFiles(Ends(bucket), f"leadmill-{place.bucket}")
    knowing(files)
    mount(root, lambda below: ObjectStorage(below, files, root, local), local)
    return bucket
