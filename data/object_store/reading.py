"""Reading Parquet on an object store: few requests, none of them for what is known, from any thread.

The end of a file is fetched with its size, in one request; of a small file that is all of it. Of files that are read
one after the other the next ones are fetched ahead, so that their latencies pass side by side. A file never changes
under its name; should somebody have replaced one all the same, its pieces are asked for under the ETag of its end, and
reading it fails instead of mixing the two.
"""

from __future__ import annotations

import errno
import io
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Any

from data.duck_files import FilesInPieces
from data.object_store.client import Bucket, Head

#: Bytes of a file's end that are fetched with its size: a whole part of few rows, or the footer of a larger one.
END_BYTES = 128 << 10
#: Bytes of such ends that are kept, and how many are fetched ahead at once.
_KEPT_BYTES, _AHEAD = 64 << 20, 16
#: Files of which it is known which ones follow.
_MOST_FOLLOWED = 20_000
#: Bytes that one request asks for of a file that is read from its start to its end.
_CHUNK = 4 << 20


class Ends:
    """Ends of files, those that were read last; one for all readers of a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._pid = 0

    def _begin(self) -> None:
        """Have nothing of a parent's: in a child its threads do not live on, and its locks may be held."""
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self.__dict__.pop("_threads", None)
        self._lock = threading.RLock()  # what was answered at once is noted within
        self._kept: OrderedDict[str, Future[tuple[bytes, Head] | None]] = OrderedDict()
        self._bytes = 0
        self._following: dict[str, Sequence[str]] = {}

    def follow(self, keys: Sequence[str]) -> None:
        """These are about to be read in this order."""
        if len(keys) < 2:
            return
        self._begin()
        with self._lock:
            if len(self._following) > _MOST_FOLLOWED:
                self._following = {}
            self._following |= {key: keys[n + 1 : n + 1 + _AHEAD] for n, key in enumerate(keys)}

    def of(self, key: str, *, ahead: bool = False) -> tuple[bytes, Head]:
        """The end of a file, and what is known of it; `ahead`: those that follow it are fetched, too.

        Raises:
            FileNotFoundError: there is none.
        """
        self._begin()
        with self._lock:
            wanted = self._asked(key)
            for other in self._following.get(key, ()) if ahead else ():
                self._asked(other)
        found = wanted.result()
        if found is None:
            self.drop(key)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        return found

    def drop(self, key: str) -> None:
        """Ask again next time."""
        with self._lock:
            if (gone := self._kept.pop(key, None)) is not None:
                self._bytes -= _size(gone)

    def _asked(self, key: str) -> Future[tuple[bytes, Head] | None]:
        if (known := self._kept.get(key)) is not None and not (known.done() and known.exception()):
            self._kept.move_to_end(key)
            return known
        asked = self._kept[key] = self._threads.submit(self.bucket.tail, key, END_BYTES)
        asked.add_done_callback(self._note)
        return asked

    def _note(self, came: Future[tuple[bytes, Head] | None]) -> None:
        with self._lock:
            self._bytes += _size(came)
            for key in list(self._kept):
                if self._bytes <= _KEPT_BYTES:
                    break
                if self._kept[key].done():
                    self._bytes -= _size(self._kept.pop(key))

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AHEAD, "object-store-reader")


def _size(came: Future[tuple[bytes, Head] | None]) -> int:
    found = came.result() if came.done() and came.exception() is None else None
    return 0 if found is None else len(found[0])


class Pieces:
    """One file, read in pieces from any thread."""

    def __init__(self, ends: Ends, key: str, *, ahead: bool = False) -> None:
        self._ends, self.key = ends, key
        self._end, self.head = ends.of(key, ahead=ahead)
        self.size, self.modified = self.head.size, self.head.modified

    def read_at(self, start: int, length: int) -> bytes:
        """So many bytes from a place on, fewer where the file ends."""
        length = min(length, self.head.size - start)
        if length <= 0:
            return b""
        known = self.head.size - len(self._end)
        if start >= known:
            return self._end[start - known : start - known + length]
        try:
            return self._ends.bucket.range(self.key, start, length, self.head.etag)
        except OSError:
            self._ends.drop(self.key)
            raise

    def in_order(self, start: int, length: int) -> Iterator[bytes]:
        """So many bytes from a place on, a request's at a time."""
        end = min(start + length, self.head.size)
        while start < end:
            found = self.read_at(start, min(_CHUNK, end - start))
            start += len(found)
            yield found


class Stream(io.RawIOBase):
    """A file for pyarrow, which reads and seeks it under a lock of its own."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces, self._at = pieces, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._pieces.head.size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        whole = size is None or size < 0
        found = self._pieces.read_at(self._at, self._pieces.head.size if whole else size or 0)
        self._at += len(found)
        return found

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


class DuckFiles(FilesInPieces):
    """What DuckDB reads a bucket's files by; those that were told to follow are fetched ahead."""

    def __init__(self, ends: Ends, protocol: str) -> None:
        super().__init__(protocol, lambda key: Pieces(ends, key, ahead=True))
        self.ends = ends
