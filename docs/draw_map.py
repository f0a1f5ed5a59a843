"""Draws `docs/images/map.svg`: every package and module of the tree on its floor, out of the code (`make docs`)."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "images" / "map.svg"

WIDTH, LABEL, GAP, PAD = 1280, 232, 10, 12
COLUMNS = 5
#: Pixels of a letter, and of a line, of each kind of text; the first are generous, since fonts differ.
LETTER = {"title": 7.6, "text": 6.1, "name": 6.7, "uses": 6.1}
LINE = {"title": 18, "text": 15, "name": 15, "uses": 15}
FLOORS = ("#e8eefc", "#e6f4f1", "#fdf1dc", "#f9e6e4", "#efe8f8", "#e9f0dc", "#ececec")
CAPTION = "Imports go down only, and nowhere in a circle. A white box is a folder with its modules."
STYLE = """
text { font-family: system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 11.5px; fill: #333 }
.title { font-weight: 600; font-size: 13px; fill: #111 }
.name { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 11px; fill: #1d4f91 }
.uses { font-style: italic; fill: #666 }
"""


@dataclass
class Room:
    """A folder: what it says of itself, the modules right in it, and which neighbours it imports."""

    path: str
    about: str
    modules: list[str]
    uses: set[str] = field(default_factory=set)

    @property
    def package(self) -> str:
        return self.path.partition("/")[0]

    @property
    def columns(self) -> int:
        letters = sum(len(name) + 2 for name in self.modules)
        return min(COLUMNS, 1 + letters // 190)


def floors() -> list[list[str]]:
    """Packages from the top down, as the import linter holds them; those of one floor do not know each other."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def rooms(packages: Iterable[str]) -> list[Room]:
    """Every folder of the packages with modules in it."""
    found = []
    for package in packages:
        for start in sorted((ROOT / package).rglob("__init__.py")):
            folder = start.parent
            modules = sorted(file.stem for file in folder.glob("*.py") if file != start)
            about = (ast.get_docstring(ast.parse(start.read_text())) or "").split("\n\n")[0].replace("\n", " ")
            found.append(Room(str(folder.relative_to(ROOT)), about, modules))
    _note_uses(found)
    return [room for room in found if room.modules]


def _note_uses(found: list[Room]) -> None:
    by_name = {room.path.replace("/", "."): room for room in found}
    for room in found:
        for file in (ROOT / room.path).glob("*.py"):
            for name in _imported(file):
                parts = name.split(".")
                there = next(
                    (".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in by_name), ""
                )
                if there and by_name[there] is not room:
                    room.uses.add(by_name[there].path)


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def draw() -> str:
    """The picture."""
    everything = floors()
    known = rooms(name for floor in everything for name in floor)
    body: list[str] = []
    body += _lines([("text", CAPTION)], PAD, 2)
    top = PAD + LINE["text"]
    for floor, colour in zip(everything, FLOORS, strict=True):
        own = [room for room in known if room.package in floor]
        boxes, height = _boxes(own, top + PAD)
        label = _label(floor, own)
        height = max(height, _height(label))
        body.append(_box(PAD, top, WIDTH - 2 * PAD, height + PAD, f'fill="{colour}"'))
        body += _lines(label, PAD * 2, top + PAD)
        body += boxes
        top += height + PAD + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" '
        'role="img" aria-label="The packages of Leadmill from the top down, each with its modules">'
    )
    return "\n".join(
        [head, f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="#fff"/>', *body, "</svg>", ""]
    )


def _label(floor: list[str], own: list[Room]) -> list[tuple[str, str]]:
    """A floor's names, what they are, and which packages they import."""
    lines: list[tuple[str, str]] = []
    for package in floor:
        docs = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text())) or ""
        lines.append(("title", package))
        lines += [("text", line) for line in wrap(docs.split("\n\n")[0].replace("\n", " "), 34)]
        uses = {used.partition("/")[0] for room in own if room.package == package for used in room.uses} - {package}
        if uses:
            lines += [("uses", line) for line in wrap("imports " + ", ".join(sorted(uses)), 34)]
    return lines


def _boxes(own: list[Room], top: float) -> tuple[list[str], float]:
    """The rooms of a floor in rows of `COLUMNS` columns; a row's last box takes what is left of it."""
    unit = (WIDTH - LABEL - 2 * PAD) / COLUMNS
    rows: list[list[Room]] = [[]]
    for room in own:
        if rows[-1] and sum(one.columns for one in rows[-1]) + room.columns > COLUMNS:
            rows.append([])
        rows[-1].append(room)
    drawn: list[str] = []
    y = top
    for row in rows:
        share = COLUMNS / sum(room.columns for room in row)
        widths = [room.columns * share * unit - GAP for room in row]
        texts = [_text(room, width) for room, width in zip(row, widths, strict=True)]
        height = max(map(_height, texts))
        x: float = LABEL + PAD
        for lines, width in zip(texts, widths, strict=True):
            drawn.append(_box(x, y, width, height, 'fill="#fff" stroke="#bbb"'))
            drawn += _lines(lines, x + 8, y + 2)
            x += width + GAP
        y += height + GAP
    return drawn, y - top


def _text(room: Room, width: float) -> list[tuple[str, str]]:
    inner = width - 16
    title = wrap(room.path.replace("/", "/ ") + "/", int(inner / LETTER["title"]))
    lines = [("title", line.replace("/ ", "/")) for line in title]
    if "/" in room.path:
        lines += [("text", line) for line in wrap(room.about, int(inner / LETTER["text"]))]
    names = wrap("  ".join(room.modules), int(inner / LETTER["name"]), break_on_hyphens=False)
    lines += [("name", line) for line in names]
    neighbours = sorted(used.partition("/")[2] for used in room.uses if used.startswith(room.package + "/"))
    if neighbours:
        lines += [("uses", line) for line in wrap("uses " + ", ".join(neighbours), int(inner / LETTER["text"]))]
    return lines


def _height(lines: Iterable[tuple[str, str]]) -> int:
    return sum(LINE[kind] for kind, _ in lines) + PAD


def _box(x: float, y: float, width: float, height: float, look: str) -> str:
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5" {look}/>'


def _lines(lines: Iterable[tuple[str, str]], x: float, y: float) -> Iterator[str]:
    for kind, text in lines:
        y += LINE[kind]
        shown = escape(text.replace("`", ""))
        yield f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" xml:space="preserve">{shown}</text>'


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
