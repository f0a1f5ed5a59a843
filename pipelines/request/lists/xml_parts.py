"""The parts of an Office file: XML in a ZIP archive from a stranger, read in pieces within bounds.

Nothing is unpacked as a whole. How large a part says that it is, is checked before; zipfile gives no more than that.
The XML may hold no document type (so no entities), no tag of megabytes, no elements within one another without end.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from leadmill.errors import InputError
from pipelines.request.lists.budget import Budget

#: What a file may hold unpacked, and its parts that are needed whole (texts, styles), bytes.
MAX_UNPACKED = 1_000_000_000
MAX_WHOLE = 300_000_000
#: Size of an archive's list of its parts, and of one tag with its attributes, bytes; elements within one another.
_MAX_DIRECTORY = 4_000_000
_MAX_TAG = 4_000_000
_MAX_DEPTH = 60
_PIECE = 1 << 16
_END, _END_LENGTH, _MAX_COMMENT = b"PK\x05\x06", 22, 65_535
_END_64, _END_64_LENGTH, _LOCATOR, _LOCATOR_LENGTH = b"PK\x06\x06", 56, b"PK\x06\x07", 20
#: How parts may be packed (ECMA-376, part 2). zipfile unpacks what is packed otherwise without a bound on a piece.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Encodings that XML is in which Office writes or expat reads itself; Python's codecs are not tried.
_ENCODINGS = frozenset({"utf-8", "utf-16", "us-ascii", "iso-8859-1"})
DAMAGED = "the workbook is damaged or no XLSX; open it in Excel and save it again"


class Handler(Protocol):
    """What is told of the XML of a part; names are without their prefix."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, text: str) -> None: ...


#: What reading a part raises that is not as the archive says.
_BROKEN = (KeyError, zipfile.BadZipFile, zlib.error, EOFError, OSError)


class Parts:
    """An opened archive; a context. What is read of it is spent of a budget, and SpentError ends the reading."""

    def __init__(self, path: Path, budget: Budget) -> None:
        """Raises InputError: it is no archive, a damaged one, or a bomb."""
        self._budget = budget
        _check_directory(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise InputError(DAMAGED) from error
        self._sizes = {info.filename: info.file_size for info in self._archive.infolist()}
        if any(info.compress_type not in _METHODS for info in self._archive.infolist()):
            self.close()
            raise InputError(DAMAGED)
        if sum(self._sizes.values()) > MAX_UNPACKED:
            self.close()
            raise InputError(
                f"the workbook unpacks to more than {MAX_UNPACKED // 1_000_000:,} MB; split it, or give CSV"
            )

    def close(self) -> None:
        self._archive.close()

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def read(self, name: str, handler: Handler) -> None:
        """Tell a handler of all of a part that has to be known as a whole."""
        for _ in self.needed(name, handler):
            pass

    def needed(self, name: str, handler: Handler) -> Iterator[None]:
        """`pieces` of a part that is held in memory, which therefore must not be large."""
        if self._sizes.get(name, 0) > MAX_WHOLE:
            raise InputError(f"{name} of the workbook is larger than {MAX_WHOLE // 1_000_000} MB; give CSV instead")
        yield from self.pieces(name, handler)

    def pieces(self, name: str, handler: Handler) -> Iterator[None]:
        """The same in pieces: whoever has enough after one of them stops.

        Raises:
            InputError: the part is missing, damaged or hostile.
        """
        parser = _Parser(handler)
        fed = 0
        try:
            with self._archive.open(name) as part:
                while piece := part.read(_PIECE):
                    elements = parser.parse(piece)
                    fed += len(piece)
                    if fed - parser.at > _MAX_TAG:
                        raise InputError(DAMAGED)
                    yield
                    self._budget.xml(elements, len(piece))
                parser.parse(b"", last=True)
                yield
        except RuntimeError as error:  # so zipfile says that a password is wanted
            raise InputError("the workbook has a password; save it without one") from error
        except (*_BROKEN, expat.ExpatError) as error:
            raise InputError(DAMAGED) from error

    def after(self, name: str, mark: bytes) -> bytes:
        """What follows a mark in a part, at most some megabytes; empty where there is none."""
        held = b""
        try:
            with self._archive.open(name) as part:
                while piece := part.read(_PIECE):
                    self._budget.xml(0, len(piece))
                    held += piece
                    if (at := held.find(mark)) >= 0:
                        return held[at:] + part.read(10 * _MAX_TAG)
                    held = held[-len(mark) :]
        except (*_BROKEN, RuntimeError) as error:  # RuntimeError: it has a password
            raise InputError(DAMAGED) from error
        return b""


def _check_directory(path: Path) -> None:
    """An archive of a million parts of no size would take as much memory as a large one."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _MAX_COMMENT - _END_LENGTH - _LOCATOR_LENGTH - _END_64_LENGTH))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_LENGTH:
        raise InputError(DAMAGED)
    (length,) = struct.unpack_from("<L", tail, at + 12)
    locator = at - _LOCATOR_LENGTH
    if locator >= 0 and tail.startswith(_LOCATOR, locator):  # ZIP64: its own record counts, whatever this one says
        end = locator - _END_64_LENGTH
        if end < 0 or not tail.startswith(_END_64, end):
            raise InputError(DAMAGED)
        (length,) = struct.unpack_from("<Q", tail, end + 40)
    if length > _MAX_DIRECTORY:
        raise InputError(DAMAGED)


class _Parser:
    """Expat, for XML from a stranger; tells a handler."""

    def __init__(self, handler: Handler) -> None:
        self._handler, self._depth, self._elements = handler, 0, 0
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.XmlDeclHandler = _declared
        self._expat.StartElementHandler, self._expat.EndElementHandler = self._start, self._end
        self._expat.CharacterDataHandler = handler.text
        self._expat.StartDoctypeDeclHandler = _refuse

    @property
    def at(self) -> int:
        """Bytes that were understood until now."""
        return self._expat.CurrentByteIndex

    def parse(self, piece: bytes, *, last: bool = False) -> int:
        """Go on with a piece; how many elements began in it."""
        before = self._elements
        self._expat.Parse(piece, last)
        return self._elements - before

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > _MAX_DEPTH:
            raise InputError(DAMAGED)
        self._handler.start(name.rpartition(":")[2], attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._handler.end(name.rpartition(":")[2])


def _refuse(*_: object) -> None:
    raise InputError("the workbook's XML declares a document type, which no workbook has")


def _declared(version: str, encoding: str | None, standalone: int) -> None:
    if encoding is not None and encoding.lower() not in _ENCODINGS:
        raise InputError(DAMAGED)


class Attributes:
    """A handler that calls a function for each element of some names."""

    def __init__(self, **wanted: Callable[[Mapping[str, str]], None]) -> None:
        self._wanted = wanted

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name in self._wanted:
            self._wanted[name](attributes)

    def end(self, name: str) -> None:
        pass

    def text(self, text: str) -> None:
        pass
