"""Files that DuckDB cannot open by itself: a file system of ours, whatever brings their bytes.

DuckDB's threads share one handle of a file, so a handle has a place for each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from fsspec import AbstractFileSystem


class Pieces(Protocol):
    """One file, read in pieces from any thread."""

    size: int
    modified: datetime

    def read_at(self, start: int, length: int) -> bytes:
        """So many bytes from a place on, fewer where the file ends."""
        ...


class _Handle(threading.local):
    def __init__(self, pieces: Pieces) -> None:
        self._pieces, self._at = pieces, 0

    def seek(self, offset: int) -> int:
        self._at = offset
        return offset

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        found = self._pieces.read_at(self._at, self._pieces.size if size < 0 else size)
        self._at += len(found)
        return found

    def close(self) -> None:
        """Nothing is held open."""


class FilesInPieces(AbstractFileSystem):
    """What DuckDB asks of a file system, for files that are named one by one; it lists and writes none.

    `pieces` opens a file by its key.

    Raises:
        FileNotFoundError: there is none.
    """

    cachable = False

    def __init__(self, protocol: str, pieces: Callable[[str], Pieces]) -> None:
        super().__init__()
        self.protocol, self._open_pieces = protocol, pieces

    def address(self, key: str) -> str:
        """What DuckDB calls a file."""
        return f"{self.protocol}://{key}"

    def pieces(self, address: str) -> Pieces:
        """A file by what DuckDB calls it."""
        return self._open_pieces(address.removeprefix(f"{self.protocol}://"))

    def open(self, path: str, mode: str = "rb", **_more: Any) -> _Handle:
        return _Handle(self.pieces(path))

    def size(self, path: str) -> int:
        return self.pieces(path).size

    def modified(self, path: str) -> datetime:
        return self.pieces(path).modified

    def exists(self, path: str, **_more: Any) -> bool:
        try:
            self.pieces(path)
        except FileNotFoundError:
            return False
        return True

    def glob(self, path: str, **_more: Any) -> list[str]:
        return [path]
