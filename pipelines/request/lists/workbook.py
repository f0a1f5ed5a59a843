"""Rows of an XLSX workbook, one after another: texts, numbers as people see them, and where a cell's link leads.

Why not a library: python-calamine holds a sheet as one dense block, and a file of 5 KB with a cell in its last row took
6.6 GB; and it tells neither links nor formats (docs/decisions/0025).
"""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from leadmill.errors import InputError
from pipelines.request.lists.budget import CELL, Budget
from pipelines.request.lists.numbers import kind_of, shown
from pipelines.request.lists.rows import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Row
from pipelines.request.lists.xml_parts import DAMAGED, MAX_WHOLE, Attributes, Parts

#: Most cells of a sheet, empty ones up to the last of their row counted.
MAX_CELLS = 60_000_000
#: Most links of a sheet that are known (Excel allows no more).
MAX_LINKS = 65_530
MANY_ROWS = f"the sheet has more than {MAX_ROWS:,} rows; split it"
MANY_CELLS = f"the sheet has more than {MAX_CELLS:,} cells; delete the columns that are not needed, or split it"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")
_HYPERLINK = re.compile(r"\s*HYPERLINK\(\s*\"([^\"]{1,2000})\"", re.IGNORECASE)
_LINK_TAG = re.compile(rb"<(?:\w+:)?hyperlink\s([^<>]{1,4000})>")
_ATTRIBUTE = re.compile(r"([\w:]+)\s*=\s*\"([^\"]*)\"")


@dataclass(frozen=True)
class Sheet:
    """A visible sheet and its part in the archive."""

    name: str
    part: str


class Workbook:
    """An XLSX file; a context. Reading a sheet holds one row and the texts of the workbook up to the last one needed.

    All reading raises SpentError where the budget does not suffice.
    """

    def __init__(self, path: Path, budget: Budget) -> None:
        """Raises InputError: it is no workbook, or one that is not read within the bounds."""
        self._budget = budget
        self._parts = Parts(path, budget)
        try:
            self._since_1904 = False
            self.sheets: list[Sheet] = []
            self._kinds: list[str] = []
            self._texts = _Texts(self._parts, self._read_outline())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._parts.close()

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def rows(self, sheet: Sheet) -> Iterator[Row]:
        """Its rows that have anything in them.

        Raises:
            InputError: more rows or cells than are read, or damaged.
        """
        reader = _SheetReader(self._texts, self._kinds, self._links(sheet), since_1904=self._since_1904)
        for _ in self._parts.pieces(sheet.part, reader):
            for row in reader.done:
                self._budget.spend(CELL * len(row.cells))
                yield row
            reader.done.clear()

    def _read_outline(self) -> str:
        """Learn sheets and styles; the name of the part with the texts, "" for none."""
        main = next((part for part, kind in self._relations("").values() if kind == "officeDocument"), "")
        if main.endswith(".bin"):
            raise InputError("the file is a binary workbook (.xlsb); save it as .xlsx or as CSV")
        if main not in self._parts or "/" not in main or not main.startswith("xl/"):
            raise InputError("the file is a ZIP archive, but no Excel workbook; give the list as CSV or XLSX")
        relations = self._relations(main)
        found: list[tuple[str, str]] = []

        def sheet(attributes: Mapping[str, str]) -> None:
            if attributes.get("state", "visible") == "visible" and len(found) < 1_000:
                key = next((value for name, value in attributes.items() if name.endswith(":id")), "")
                found.append((attributes.get("name", "")[:100], key))

        def properties(attributes: Mapping[str, str]) -> None:
            self._since_1904 = attributes.get("date1904") in ("1", "true")

        self._parts.read(main, Attributes(sheet=sheet, workbookPr=properties))
        for name, key in found:
            part, kind = relations.get(key, ("", ""))
            if kind == "worksheet" and part in self._parts:
                self.sheets.append(Sheet(name, part))
        by_kind = {kind: part for part, kind in relations.values() if part in self._parts}
        if "styles" in by_kind:
            styles = _Styles()
            self._parts.read(by_kind["styles"], styles)
            self._kinds = styles.kinds
        return by_kind.get("sharedStrings", "")

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Id -> (part or address, last word of the kind) of what a part refers to."""
        folder, name = posixpath.split(part)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, tuple[str, str]] = {}

        def relation(attributes: Mapping[str, str]) -> None:
            target = attributes.get("Target", "")
            if attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/" + folder, target)).lstrip("/")
            if len(found) < 2 * MAX_LINKS:
                found[attributes.get("Id", "")] = (target[:2_000], attributes.get("Type", "").rpartition("/")[2])

        if listed in self._parts:
            self._parts.read(listed, Attributes(Relationship=relation))
        return found

    def _links(self, sheet: Sheet) -> dict[str, str]:
        """Place (`B2`) -> the address that a cell's link leads to."""
        targets = {key: target for key, (target, kind) in self._relations(sheet.part).items() if kind == "hyperlink"}
        if not targets:
            return {}
        links: dict[str, str] = {}
        for tag in _LINK_TAG.finditer(self._parts.after(sheet.part, b"</sheetData>")):
            told = dict(_ATTRIBUTE.findall(tag[1].decode("utf-8", "replace")))
            key = next((value for name, value in told.items() if name.endswith(":id")), "")
            if key in targets and len(links) < MAX_LINKS:
                links[told.get("ref", "")] = targets[key]
        return links


class _Texts:
    """The texts that cells refer to by number, in one block of memory; read as far as one is asked for."""

    def __init__(self, parts: Parts, part: str) -> None:
        self._pieces = parts.needed(part, self) if part else iter(())
        self._block, self._ends = bytearray(), array("Q", [0])
        self._now: list[str] = []
        self._aside, self._left = 0, MAX_CELL
        self._in_text = False

    def __getitem__(self, number: int) -> str:
        while number >= len(self._ends) - 1:
            if next(self._pieces, self) is self:
                break
        if not 0 <= number < len(self._ends) - 1:
            return ""
        return _unescaped(self._block[self._ends[number] : self._ends[number + 1]].decode("utf-8", "replace"))

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._aside += name == "rPh"  # how it is spoken
        self._in_text = name == "t" and not self._aside

    def end(self, name: str) -> None:
        self._aside -= name == "rPh"
        self._in_text = False
        if name == "si":
            self._block += "".join(self._now)[:MAX_CELL].encode("utf-8", "replace")
            self._ends.append(len(self._block))
            self._now.clear()
            self._left = MAX_CELL
            if 8 * len(self._ends) > MAX_WHOLE:
                raise InputError(DAMAGED)

    def text(self, text: str) -> None:
        if self._in_text and self._left > 0:
            self._now.append(text)
            self._left -= len(text)


class _Styles:
    """Style number -> what it makes of numbers (`numbers.kind_of`)."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self._codes: dict[str, str] = {}
        self._in_cells = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt":
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")[:255]
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells and len(self.kinds) < 70_000:
            number = attributes.get("numFmtId", "0")
            self.kinds.append(kind_of(_number(number, 0), self._codes.get(number)))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False

    def text(self, text: str) -> None:
        pass


class _SheetReader:
    """Makes rows of a sheet's XML; those that are whole are in `done`."""

    def __init__(self, texts: _Texts, kinds: list[str], links: Mapping[str, str], *, since_1904: bool) -> None:
        self.done: list[Row] = []
        self._texts, self._kinds, self._links, self._since_1904 = texts, kinds, links, since_1904
        self._row = self._cells_read = self._in_row = 0
        self._cells: list[str] = []
        self._targets: dict[int, str] = {}
        self._column = -1
        self._type = self._style = self._place = ""
        self._left = 0
        self._value: list[str] = []
        self._formula: list[str] = []
        self._into: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._in_row += 1
            if self._in_row > MAX_COLUMNS:  # more than a row has, whether anything is in them or not
                raise InputError(MANY_CELLS)
            self._place = attributes.get("r", "")
            self._column = _column_of(self._place) if self._place else self._column + 1
            self._type, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._value, self._formula, self._left = [], [], 2 * MAX_CELL
        elif name in ("v", "t"):
            self._into = self._value
        elif name == "f":
            self._into = self._formula
        elif name == "row":
            self._row = _number(attributes.get("r", ""), self._row + 1)
            if not 0 < self._row <= MAX_ROWS:
                raise InputError(MANY_ROWS)
            self._cells, self._targets, self._column, self._in_row = [], {}, -1, 0
        elif name == "rPh":
            self._into = None

    def end(self, name: str) -> None:
        if name in ("v", "t", "f"):
            self._into = None
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._cells_read += max(len(self._cells), self._in_row, 1)
            if self._cells_read > MAX_CELLS:
                raise InputError(MANY_CELLS)
            if any(self._cells):
                self.done.append(Row(self._row, self._cells, links=self._targets))

    def text(self, text: str) -> None:
        if self._into is not None and self._left > 0:
            self._into.append(text)
            self._left -= len(text)

    def _end_cell(self) -> None:
        column = self._column
        text = self._shown("".join(self._value)[:MAX_CELL])
        if not text.strip() or not 0 <= column < MAX_COLUMNS:
            return
        if column >= len(self._cells):
            self._cells += [""] * (column + 1 - len(self._cells))
        self._cells[column] = text
        if link := self._link():
            self._targets[column] = link

    def _link(self) -> str:
        if self._formula and (found := _HYPERLINK.match("".join(self._formula)[:4_000])):
            return found[1]
        return self._links.get(self._place, "")

    def _shown(self, value: str) -> str:
        if self._type == "s":
            return self._texts[_number(value, -1)]
        if self._type == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(value, value)
        if self._type in ("str", "inlineStr", "e", "d"):
            return _unescaped(value)
        style = _number(self._style, -1)
        kind = self._kinds[style] if 0 <= style < len(self._kinds) else ""
        return shown(value, kind, since_1904=self._since_1904) if value else ""


def _number(text: str, otherwise: int) -> int:
    """A whole number as a workbook writes those that count or name something; anything else is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else otherwise


def _column_of(place: str) -> int:
    """`B2` -> 1; -1 for what is no place."""
    found = _PLACE.match(place)
    if found is None:
        return -1
    number = 0
    for letter in found[1]:
        number = 26 * number + ord(letter) - 64
    return number - 1


def _unescaped(text: str) -> str:
    """Office writes characters that XML cannot hold as `_x000D_`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
