"""Which characters the bytes of a text file are."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from leadmill.errors import InputError

_CHUNK = 1 << 20
#: Chunks with broken characters after which it is known what they are; those take the decoder long.
_FAULTY = 3
#: Bytes that begin a character of UTF-8 beyond ASCII.
_BEGIN = bytes(range(0xC2, 0xF5))
_HEAD = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8", "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF32_BE, "UTF-32", "utf-32"),
    (codecs.BOM_UTF16_LE, "UTF-16", "utf-16"),
    (codecs.BOM_UTF16_BE, "UTF-16", "utf-16"),
)
#: Files that are sent by mistake: how they begin, and what to do instead.
_OTHERS = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel file (.xls), or one with a password; save it as .xlsx or as CSV",
    ),
    (b"%PDF", "a PDF; export the list as CSV or XLSX"),
    (b"\x1f\x8b", "compressed (gzip); unpack it"),
    (b"\x89PNG", "a picture; export the list as CSV or XLSX"),
    (b"\xff\xd8\xff", "a picture; export the list as CSV or XLSX"),
    (b"{\\rtf", "a text document; export the list as CSV or XLSX"),
)
_PAGES = (b"<!doctype", b"<html", b"<table", b"<?xml")
#: Bytes that no text has, apart from NUL, which some programs leave in cells.
_NO_TEXT = bytes([*range(1, 9), *range(14, 27), 28, 29, 30, 31])


@dataclass(frozen=True)
class Encoding:
    """Its name for people, and Python's codec."""

    name: str
    codec: str

    def open(self, path: Path) -> TextIO:
        """The file as text. Line ends stay as they are: a carriage return alone is one, too."""
        return path.open(encoding=self.codec, errors="replace", newline="")


def is_workbook(path: Path) -> bool:
    """Whether a file is a ZIP archive, as XLSX files are."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def encoding_of(path: Path) -> Encoding:
    """The encoding of a text file: by its mark, by the zeros of UTF-16, UTF-8 where that is right, else Windows-1252.

    Raises:
        InputError: it is no text.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, name, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(name, codec)
    _refuse_others(head)
    zeros = (head[0::2].count(0), head[1::2].count(0))
    half = max(1, len(head) // 2)
    for many, few, codec in ((1, 0, "utf-16-le"), (0, 1, "utf-16-be")):
        if zeros[many] > half // 5 and zeros[many] > 10 * zeros[few]:
            return Encoding("UTF-16", codec)
    if len(head) - len(head.translate(None, _NO_TEXT)) > len(head) // 50:
        raise InputError("the file is no text; export the list as CSV (UTF-8) or XLSX")
    return Encoding("UTF-8", "utf-8") if _is_utf8(path) else Encoding("Windows-1252", "cp1252")


def _refuse_others(head: bytes) -> None:
    for start, what in _OTHERS:
        if head.startswith(start):
            raise InputError(f"the file is {what}")
    if head[:200].lstrip().lower().startswith(_PAGES):
        raise InputError("the file is a web page or XML, whatever its name says; open it in Excel and save it as XLSX")


def _is_utf8(path: Path) -> bool:
    """Whether nearly all that is not ASCII is UTF-8; a few broken characters make no other encoding."""
    right = broken = faulty = 0
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    with path.open("rb") as file:
        while faulty < _FAULTY and (chunk := file.read(_CHUNK)):
            if (lost := decoder.decode(chunk).count("\ufffd")) or not chunk.isascii():
                broken += lost
                right += max(0, len(chunk) - len(chunk.translate(None, _BEGIN)) - lost)
                faulty += lost > 0
    broken += len(decoder.decode(b"", final=True)) if faulty < _FAULTY else 0
    return broken == 0 or right > 3 * broken
