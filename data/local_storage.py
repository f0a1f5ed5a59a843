"""The storage seam on a disk: a temporary name with the epoch in it, fsync, rename; locks by flock.

A staged file lies at `<job>/_tmp/<stage>.<unit>.<epoch>~<target>`, `/` in its target written as `+`, `:` in a unit's
name as `-`; a scratch file has `.` for `~`. So a plain glob over a job's folder sees what is exposed and nothing else.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from data.parts import DAMAGED, MANIFEST
from data.storage import Content, HeldError, Losing, Run, Stat

_STAGED = "_tmp"
_UNFINISHED = ".tmp"
#: Ends the name of a folder that was retired.
_RETIRED = ".retired"
#: Held while a file under a fixed name is compared and replaced.
_SWAPS = ".lock"
#: Of a file's name in that of its unfinished copy: a file system takes 255 bytes.
_NAME_CHARS = 150
#: Bytes that are read of a file at a time.
_CHUNK = 64 << 10


class LocalStorage:
    """`data.storage.Storage` below one folder of this machine. Cheap to make; holds nothing open."""

    shows_uncommitted = False
    look_s = 0.0
    lender = None

    def __init__(self, root: Path) -> None:
        self.root = root

    # ---- files of a run ----------------------------------------------------------------------------

    @contextmanager
    def stage(self, run: Run, name: str) -> Iterator[BinaryIO]:
        with self._staged_path(run, name).open("wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())

    @contextmanager
    def stage_at(self, run: Run, name: str) -> Iterator[Path]:
        path = self._staged_path(run, name)
        yield path
        _sync(path)

    def scratch(self, run: Run, name: str) -> Path:
        return self._path(run, ".", name)

    def _staged_path(self, run: Run, name: str) -> Path:
        return self._path(run, "~", name.replace("/", "+"))

    def _path(self, run: Run, mark: str, name: str) -> Path:
        folder = self._job(run.job_id) / _STAGED
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{_owner(run.stage, run.unit)}.{run.epoch}{mark}{name}"

    def committed(self, file: Path, epoch: Callable[[], int | None], *, carried: bool = False) -> Path:
        return file

    def staged(self, job_id: str, *, manifests: bool = True) -> set[tuple[str, str]]:
        found = set()
        for name in self._staged_names(job_id):
            stage, unit, _ = _words(name)
            found.add((stage, unit))
        return found

    def expose(self, run: Run) -> list[str]:
        folder = self._job(run.job_id)
        own: list[tuple[Path, str]] = []
        prefix = f"{_owner(run.stage, run.unit)}."
        for name in sorted(name for name in self._staged_names(run.job_id) if name.startswith(prefix)):
            file, written = folder / _STAGED / name, _words(name)[2]
            if written < run.epoch:  # all of them, before the first rename: nobody finds one to rename later
                file.unlink(missing_ok=True)
            elif written == run.epoch:
                own.append((file, name.partition("~")[2].replace("+", "/")))
        for file, target in own:
            public = folder / target
            public.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError), self._swapping() if target == MANIFEST else nullcontext():
                _replace(file, public)  # not found: another reader was faster
        return [target for _, target in own]

    def discard(self, run: Run) -> None:
        prefix = f"{_owner(run.stage, run.unit)}.{run.epoch}"
        folder = self._job(run.job_id) / _STAGED
        for name in self.names(folder):
            if name.startswith((f"{prefix}~", f"{prefix}.")):
                self.remove(folder / name)

    def leftovers(self, job_id: str) -> list[tuple[Path, Stat]]:
        folder = self._job(job_id)
        files = [folder / _STAGED / name for name in sorted(self.names(folder / _STAGED))]
        files += [folder / name for name in self.names(folder) if _is_unfinished(name)]
        files += [file for file, _ in self.files(folder / "reports") if _is_unfinished(file.name)]
        return [(path, state) for path in files if (state := self.stat(path)) is not None]

    def discard_lost(self, job_id: str, epochs: Mapping[str, int], stages: tuple[str, ...] | None = None) -> None:
        folder = self._job(job_id) / _STAGED
        for name in self.names(folder):
            stage, unit, epoch = _words(name)
            if (stages is None or stage in stages) and epoch <= epochs.get(unit, 0):
                self.remove(folder / name)

    def remove_losers(self, folder: Path, counts: Callable[[str], Losing | None]) -> None:
        """Nothing: what was exposed last has the name."""

    def _staged_names(self, job_id: str) -> list[str]:
        return [name for name in self.names(self._job(job_id) / _STAGED) if "~" in name]

    def _job(self, job_id: str) -> Path:
        return self.root / "jobs" / job_id

    # ---- files under fixed names -----------------------------------------------------------------------

    def read(self, file: Path) -> Content | None:
        try:
            with file.open("rb") as source:
                return Content(source.read(), _version(os.fstat(source.fileno())))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, file: Path, data: bytes) -> None:
        with self.create(file) as path:
            path.write_bytes(data)

    def swap(self, file: Path, data: bytes, seen: Content | None) -> bool:
        with self._unfinished(file) as path:
            path.write_bytes(data)
            _sync(path)
            with self._swapping():
                if self._version_of(file) != (seen and seen.version):
                    return False
                _replace(path, file)
        _sync(file.parent)
        return True

    def spill(self, folder: Path) -> Path:
        return folder / ".spill"

    @contextmanager
    def create(self, file: Path) -> Iterator[Path]:
        with self._unfinished(file) as path:
            yield path
            _sync(path)
            _replace(path, file)
        _sync(file.parent)

    @contextmanager
    def _unfinished(self, file: Path) -> Iterator[Path]:
        """A path beside a file, under a name that no reader takes; removed unless it was renamed in the block."""
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = file.with_name(f".{file.name[:_NAME_CHARS]}.{secrets.token_hex(4)}{_UNFINISHED}")
        path.touch(mode=0o600)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _swapping(self) -> AbstractContextManager[None]:
        return self.lock(self.root / _SWAPS, wait_s=30.0, poll_s=0.01)

    @staticmethod
    def _version_of(file: Path) -> str | None:
        """None where no file lies, also where a folder stands in its place."""
        try:
            return None if file.is_dir() else _version(file.stat())
        except FileNotFoundError:
            return None

    def drop_unfinished(self, folder: Path) -> int:
        freed = 0
        for name in self.names(folder):
            if _is_unfinished(name):
                freed += (folder / name).lstat().st_size
                self.remove(folder / name)
        return freed

    def check(self) -> None:
        """Nothing: what a disk refuses is told when it does (`data/probes.py`)."""

    # ---- any file ---------------------------------------------------------------------------------------

    def opened(self, file: Path) -> Path:
        return file

    def local(self, file: Path) -> AbstractContextManager[Path]:
        return nullcontext(file)

    def chunks(self, file: Path, start: int, length: int) -> Iterator[bytes]:
        with file.open("rb") as source:
            source.seek(start)
            while length > 0 and (found := source.read(min(length, _CHUNK))):
                length -= len(found)
                yield found

    def addresses(self, files: Sequence[Path]) -> list[str]:
        return [str(file) for file in files]

    def names(self, folder: Path) -> list[str]:
        try:
            return os.listdir(folder)  # noqa: PTH208 - a glob compiles its pattern anew at every call
        except (FileNotFoundError, NotADirectoryError):
            return []

    def marks(self, parts: Sequence[Path]) -> list[str | None]:
        return [state and f"{state.size}:{state.modified_ns}" for state in self.stats(parts)]

    def stats(self, files: Sequence[Path]) -> list[Stat | None]:
        return [self.stat(file) for file in files]

    def files(self, folder: Path) -> Iterator[tuple[Path, Stat]]:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                with suppress(FileNotFoundError):
                    yield path, _stat(path.lstat())

    def stat(self, file: Path) -> Stat | None:
        try:
            return _stat(file.stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def remove(self, file: Path) -> None:
        if file.is_dir() and not file.is_symlink():
            shutil.rmtree(file)
        else:
            with suppress(FileNotFoundError, NotADirectoryError):
                file.unlink()

    def remove_all(self, folder: Path) -> int:
        if not folder.is_dir():
            return 0
        freed = sum(found.size for _, found in self.files(folder))
        shutil.rmtree(folder)
        return freed

    def move(self, file: Path, name: str) -> None:
        other = file.with_name(name)
        if file.is_dir() or other.is_dir():  # a rename replaces neither a folder by a file nor the other way round
            self.remove(other)
        file.rename(other)
        _sync(file.parent)

    def move_to(self, file: Path, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.rename(place)
        for folder in (place.parent, file.parent):
            _sync(folder)

    def retire(self, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while not folder.is_file():
            with suppress(FileNotFoundError):
                folder.rename(folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{_RETIRED}"))
            with suppress(FileExistsError):  # somebody has made the folder anew between the two
                folder.touch(mode=0o600, exist_ok=False)
        _sync(folder.parent)

    def sweep_retired(self, folder: Path) -> Iterator[int]:
        start = f".{folder.name}."
        for name in self.names(folder.parent):
            if name.startswith(start) and name.endswith(_RETIRED):
                retired = folder.with_name(name)
                for part in self.names(retired):
                    for one in self.names(retired / part):
                        yield self.remove_all(retired / part / one)
                        self.remove(retired / part / one)  # one that is a file
                self.remove(retired)

    def reopen(self, folder: Path) -> None:
        if folder.is_file():
            folder.unlink(missing_ok=True)

    def sync(self, folder: Path) -> None:
        for name, _, _ in os.walk(folder):
            _sync(Path(name))

    @contextmanager
    def lock(
        self, name: Path, wait_s: float, poll_s: float, waiting: Callable[[], None] = lambda: None
    ) -> Iterator[None]:
        name.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            until = time.monotonic() + wait_s
            while not _try_lock(fd):
                if time.monotonic() > until:
                    raise HeldError(f"another process holds {name.name} for longer than {wait_s:g} s")
                waiting()
                time.sleep(poll_s)
            yield
        finally:
            os.close(fd)


def _is_unfinished(name: str) -> bool:
    return name.startswith(".") and name.endswith(_UNFINISHED)


def _owner(stage: str, unit: str) -> str:
    """Whose a staged file is, as its name begins."""
    return f"{stage}.{unit.replace(':', '-')}"


def _words(name: str) -> tuple[str, str, int]:
    """Stage, unit and epoch in a staged or scratch file's name; one of somebody else's has the highest epoch."""
    words = name.partition("~")[0].split(".")
    if len(words) < 3:
        return "", "", sys.maxsize
    return words[0], words[1].replace("-", ":", 1), int(words[2]) if words[2].isdecimal() else sys.maxsize


def _replace(file: Path, public: Path) -> None:
    if public.is_dir() and not public.is_symlink():  # nobody can read it, and no file can replace it
        aside = public.with_name(f"{DAMAGED}{public.name}")
        if aside.is_dir():
            shutil.rmtree(aside)
        public.rename(aside)
    file.replace(public)


def _version(state: os.stat_result) -> str:
    return f"{state.st_ino}:{state.st_size}:{state.st_mtime_ns}"


def _stat(state: os.stat_result) -> Stat:
    return Stat(state.st_size, state.st_mtime_ns)


def _sync(path: Path) -> None:
    """Make a written file, or a folder's entries, durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
