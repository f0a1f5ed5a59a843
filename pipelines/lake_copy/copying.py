"""Copies a lake to another place, from a folder to a bucket or the other way.

What is copied is cut into **pieces**: a job each, and each other folder or file of a lake's root. A piece is copied
file by file, each read back and held against its source's digest, then noted under `.copy/` in the target, with a
digest of the listing that it was copied by. Whoever starts again passes over what is noted and has not changed since.

Of a job that has commits (its manifest tells) the files that count are copied; what runs wrote that never committed is
left behind. Files of a run that carry its epoch on one kind of storage and do not on the other get the name that the
target reads them by.

Passes are made until one finds nothing changed. While the target is not whole its `lake.id` says so, and nobody uses
it. A **move** has the source's say first that the lake lies elsewhere, and only then looks for the last time: at no
time do two places have the one id.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from data.identity import LAKE_FILE, place_of
from data.lake import Lake
from data.lake_note import LakeNote, note_at
from data.mounts import storage_at
from data.storage import HeldError, Storage
from leadmill.errors import ConflictError, WorkError
from pipelines.lake_copy.pieces import NOTES, Piece, is_mark, names_of, piece_of

#: What is noted of the copy, in the target until it is whole.
_DONE = "done"
#: Seconds that one copy waits for another to the same place.
_LOCK_S = 15.0
#: Files that are copied at a time: most of them are small, and a store answers late.
_THREADS = 8
_PASSES = 4
_CHUNK = 1 << 20
#: Files of up to so many bytes are read whole.
_SMALL = 8 << 20

#: Told of each piece that is done: pieces so far and in all, files and bytes so far.
Told = Callable[[int, int, int, int], None]


class UnlikeCopyError(WorkError):
    """A file that was copied is not what its source is."""


@dataclass
class Copied:
    """What a copy did."""

    source: str
    target: str
    #: The id of the lake at the target.
    lake: str
    moved: bool
    jobs: int = 0
    #: Files and bytes at the target, each held against its source by this run or an earlier one.
    files: int = 0
    bytes: int = 0
    #: Of these: copied by this run.
    copied_files: int = 0
    #: Files of runs that never committed; they stay behind.
    left_files: int = 0

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def copy_lake(source: Path, target: Path, *, move: bool = False, told: Told = lambda *_: None) -> Copied:
    """Copy the lake at `source` to `target`, where nothing is yet, or an earlier copy of it that did not end.

    Args:
        move: the target takes the source's id, and the source is refused from then on.

    Raises:
        ConflictError: the target is a lake already, or another's; the source is none, or is being changed.
        UnlikeCopyError: a file is not what its source is, although it was written.
        OSError: a place does not answer, is full, refuses …
    """
    copy, storage = _Copy(source, target, move, told), storage_at(target)
    if copy.has_ended():
        return copy.done
    copy.check_place()
    try:
        with storage.lock(target / NOTES / ".lock", _LOCK_S, 0.2):
            if not copy.has_ended():
                copy.begin()
                copy.carry_out()
    except HeldError as error:
        raise ConflictError(f"another process copies to {place_of(target)}") from error
    storage.remove_all(target / NOTES)
    return copy.done


class _Copy:
    def __init__(self, source: Path, target: Path, move: bool, told: Told) -> None:
        if target == source or target.is_relative_to(source) or source.is_relative_to(target):
            raise ConflictError(f"{place_of(target)} and {place_of(source)} lie one in the other")
        self._source, self._target, self._move, self._told = Lake(source), Lake(target), move, told
        note, self._seen = note_at(source, LAKE_FILE)
        if note is None:
            raise ConflictError(f"{place_of(source)} is no lake: it has no {LAKE_FILE}")
        if note.what == "moved to" and move and note.place == place_of(target):
            self._is_closed = True  # by an earlier run
        else:
            note.check(place_of(source))
            self._is_closed = False
        self._id = note.lake
        self.done = Copied(place_of(source), place_of(target), note.lake, move)

    # ---- the two lakes' ids ----------------------------------------------------------------------------

    def has_ended(self) -> bool:
        """Whether an earlier run came to its end, killed before it could tell so.

        Raises:
            ConflictError: the target is a lake, and none that this copy has made.
        """
        note, _ = note_at(self._target.root, LAKE_FILE)
        if note is None or note.what is not None:
            return False
        content = self._target.storage.read(self._target.root / NOTES / _DONE)
        if content is not None:
            told = Copied(**json.loads(content.data))
            if (told.source, told.lake, told.moved) == (self.done.source, note.lake, self._move):
                self.done = told
                return True
        if self._is_closed and note.lake == self._id:
            return True
        raise ConflictError(f"{place_of(self._target.root)} is lake {note.lake} already: name a place where none is")

    def check_place(self) -> None:
        """Whether the target is empty, or this copy's.

        Raises:
            ConflictError: it is not.
        """
        note, _ = note_at(self._target.root, LAKE_FILE)
        there = set(self._target.storage.names(self._target.root)) - {NOTES, "lost+found"}
        if note is None and there:
            named = ", ".join(sorted(there)[:3])
            raise ConflictError(f"{place_of(self._target.root)} is not empty ({named}): name an empty place")

    def begin(self) -> None:
        """Have the target's id say what it is going to be."""
        storage, file = self._target.storage, self._target.root / LAKE_FILE
        note, _ = note_at(self._target.root, LAKE_FILE)
        if note is None:
            lake = self._id if self._move else f"lake_{secrets.token_hex(10)}"
            storage.swap(file, LakeNote(lake, "copied from", place_of(self._source.root)).line(), None)
            note, _ = note_at(self._target.root, LAKE_FILE)
        if note is None or note.place != place_of(self._source.root):
            raise ConflictError(f"{place_of(self._target.root)} is being copied from {note and note.place}")
        if (note.lake == self._id) != self._move:
            word = "moved" if note.lake == self._id else "copied"
            raise ConflictError(f"{place_of(self._target.root)} was begun to be {word}: go on with that")
        self.done.lake = note.lake

    def _close(self) -> None:
        """Have the source say that the lake lies elsewhere; whoever asks from now on is refused."""
        note = LakeNote(self._id, "moved to", place_of(self._target.root))
        if not self._source.storage.swap(self._source.root / LAKE_FILE, note.line(), self._seen):
            raise ConflictError(f"the id of {place_of(self._source.root)} was changed meanwhile")
        self._is_closed = True

    def carry_out(self) -> None:
        """Copy until nothing has changed, then let the target be used."""
        for _ in range(_PASSES):
            changed = self._pass()
            if not changed and self._move and not self._is_closed:
                self._close()
            elif not changed:
                break
        else:
            raise ConflictError(f"{place_of(self._source.root)} is being written to: stop what works on it")
        storage, root = self._target.storage, self._target.root
        storage.put(root / NOTES / _DONE, json.dumps(self.done.as_dict()).encode())
        note, seen = note_at(root, LAKE_FILE)
        if note is None or not storage.swap(root / LAKE_FILE, LakeNote(self.done.lake).line(), seen):
            raise ConflictError(f"the id of {place_of(root)} was changed meanwhile")

    # ---- pieces ----------------------------------------------------------------------------------------

    def _pass(self) -> int:
        """Go through all pieces once; how many had to be copied."""
        lakes = [(self._source.of(name), self._target.of(name)) for name in self._projects()]
        names = [(pair, name) for pair in lakes for name in names_of(pair[0])]
        self.done = Copied(self.done.source, self.done.target, self.done.lake, self._move,
                           copied_files=self.done.copied_files)  # fmt: skip
        changed = 0
        with ThreadPoolExecutor(_THREADS, "lake-copy") as threads:
            for number, (pair, name) in enumerate(names, 1):
                piece = piece_of(*pair, name)
                changed += self._bring(piece, threads)
                self.done.jobs += piece.is_job
                self.done.files += len(piece.files)
                self.done.bytes += sum(piece.sizes.values())
                self.done.left_files += piece.left
                self._told(number, len(names), self.done.files, self.done.bytes)
        return changed

    def _projects(self) -> Sequence[str]:
        storage, folder = self._source.storage, self._source.root / "projects"
        if any(name.endswith(".ending") for name in storage.names(folder)):
            raise ConflictError("a project of it is being removed: let that end first")
        return self._source.projects()

    def _bring(self, piece: Piece, threads: ThreadPoolExecutor) -> bool:
        """Have a piece at the target; whether anything had to be done."""
        storage = self._target.storage
        note = self._target.root / NOTES / f"{piece.name.replace('/', '+')}.json"
        noted = storage.read(note)
        if noted is not None and noted.data == piece.listing.encode():
            return False
        try:
            brought = list(threads.map(lambda pair: _brought(self._source.storage, storage, *pair), piece.files))
        except FileNotFoundError:  # it was replaced meanwhile: the next pass sees what by
            return True
        self.done.copied_files += sum(brought)
        if not piece.is_lock:
            self._drop_others(piece)
        storage.put(note, piece.listing.encode())
        return True

    def _drop_others(self, piece: Piece) -> None:
        """What an earlier pass brought of files that are gone since; and see that all others are there, whole."""
        wanted = {file: piece.sizes[source] for source, file in piece.files}
        folder = self._target.root / piece.name
        there = {file: state.size for file, state in self._target.storage.files(folder)}
        if not there and len(wanted) == 1:  # a file itself
            there = {file: state.size for file in wanted if (state := self._target.storage.stat(file))}
        for file in there.keys() - wanted.keys():
            self._target.storage.remove(file)
        if unlike := [file for file, size in wanted.items() if there.get(file) != size]:
            raise UnlikeCopyError(f"{len(unlike)} files of {piece.name} are not as long as they were written")


# ---- files -------------------------------------------------------------------------------------------------


def _brought(source: Storage, target: Storage, file: Path, place: Path) -> bool:
    """Have a file at its place, and see that it is what its source is; whether it was not there before.

    Raises:
        UnlikeCopyError: it is not, although it was written.
        FileNotFoundError: the source is gone.
    """
    if is_mark(file.name):
        with target.lock(place, 5.0, 0.05):
            return False
    there = target.stat(place)
    with source.local(file) as local:
        size, digest = _digest_of(local)
        if there is not None and there.size == size and _digest_at(target, place, size) == digest:
            return False
        if size <= _SMALL:
            target.put(place, local.read_bytes())
        else:
            with target.create(place) as path, local.open("rb") as read, path.open("wb") as write:
                while chunk := read.read(_CHUNK):
                    write.write(chunk)
    if _digest_at(target, place, size) != digest:
        raise UnlikeCopyError(f"{place} is not what {file} is, although it was written")
    return True


def _digest_of(local: Path) -> tuple[int, bytes]:
    total, size = hashlib.blake2b(digest_size=16), 0
    with local.open("rb") as read:
        while chunk := read.read(_CHUNK):
            total.update(chunk)
            size += len(chunk)
    return size, total.digest()


def _digest_at(storage: Storage, file: Path, size: int) -> bytes:
    total = hashlib.blake2b(digest_size=16)
    if size <= _SMALL:
        content = storage.read(file)
        total.update(content.data if content else b"")
    else:
        for chunk in storage.chunks(file, 0, size):
            total.update(chunk)
    return total.digest()
