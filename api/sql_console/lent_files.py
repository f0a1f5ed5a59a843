"""Files that a question's process cannot open, handed to it in pieces by its parent: it has no network, and no keys.

Both ends talk over a pair of sockets that the process has from its start. It sends a line of JSON, `{"file": …}` or
`{"file": …, "at": …, "length": …}`; the answer is a number of 8 bytes and so many bytes, of a file those of
`{"size": …, "modified": …}`; or -1, and it has no such file.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, BinaryIO

from data.duck_files import FilesInPieces, Pieces

#: Bytes of a line that asks, at most; and of a piece.
_MOST_ASKED, _MOST_PIECE = 10_000, 64 << 20
_NUMBER = struct.Struct("=q")


@contextmanager
def lent(files: FilesInPieces, places: Sequence[str]) -> Iterator[socket.socket]:
    """The other end, for a process to have, while files below some places are handed out. `places` are addresses."""
    own, theirs = socket.socketpair()
    lending = (own, files, tuple(places))
    threading.Thread(target=_lend, args=lending, name="files of a query", daemon=True).start()
    try:
        yield theirs
    finally:
        theirs.close()
        with suppress(OSError):  # its thread, which ends by this, has closed it already
            own.shutdown(socket.SHUT_RDWR)


def _lend(own: socket.socket, files: FilesInPieces, places: tuple[str, ...]) -> None:
    opened: dict[str, Pieces] = {}
    # Other errors: the process has ended, or asks what nobody does.
    with own, own.makefile("rb") as asked, suppress(OSError, ValueError, TypeError, LookupError):
        while (line := asked.readline(_MOST_ASKED)).endswith(b"\n"):
            own.sendall(_answer(json.loads(line), files, places, opened))


def _answer(asked: dict[str, Any], files: FilesInPieces, places: tuple[str, ...], opened: dict[str, Pieces]) -> bytes:
    name = asked["file"]
    if not name.startswith(places) or "/../" in name:
        return _NUMBER.pack(-1)
    try:
        if name not in opened:
            opened[name] = files.pieces(name)
        if "at" not in asked:
            found = {"size": opened[name].size, "modified": opened[name].modified.isoformat()}
            data = json.dumps(found).encode()
        else:
            data = opened[name].read_at(int(asked["at"]), min(int(asked["length"]), _MOST_PIECE))
    except OSError:
        return _NUMBER.pack(-1)
    return _NUMBER.pack(len(data)) + data


class _Borrowed:
    """`data.duck_files.Pieces` of a file, by one question at a time to who has it."""

    def __init__(self, ends: _Ends, name: str) -> None:
        self._ends, self._name = ends, name
        about = json.loads(ends.ask({"file": name}))
        self.size = int(about["size"])
        self.modified = datetime.fromisoformat(about["modified"])

    def read_at(self, start: int, length: int) -> bytes:
        length = min(length, self.size - start)
        if length <= 0:
            return b""
        return self._ends.ask({"file": self._name, "at": start, "length": length})


class _Ends:
    """The process's end, shared by its threads."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._answers: BinaryIO = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def ask(self, question: dict[str, Any]) -> bytes:
        with self._lock:
            self._socket.sendall(json.dumps(question).encode() + b"\n")
            (size,) = _NUMBER.unpack(self._answers.read(_NUMBER.size))
            if size < 0:
                raise FileNotFoundError(question["file"])
            return self._answers.read(size)


def borrowed(fd: int, protocol: str) -> FilesInPieces:
    """What DuckDB reads such files by in the process that has the other end as this file descriptor."""
    ends = _Ends(fd)
    return FilesInPieces(protocol, lambda key: _Borrowed(ends, f"{protocol}://{key}"))
