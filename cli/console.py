"""What a command prints: results on stdout, everything else on stderr, plain text where nobody watches.

Text from outside (names, titles, error messages) passes `clean` before it reaches a terminal.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cli.streams import OutputClosedError, silence
from leadmill.one_line import one_line
from leadmill.redaction import redacted

#: Longest message of an error, characters; what was typed may be longer.
LONGEST = 1_000
#: Between two columns of a table that fits, characters.
WIDE_GAP = 3
#: Text without control characters and direction marks, on one line.
clean = one_line


def result(text: str) -> None:
    """One line of the result, never wrapped.

    Raises:
        OutputClosedError: nobody reads it any more.
    """
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error


def json_result(value: Any) -> None:
    """The result as JSON; control characters are escaped."""
    result(json.dumps(value, indent=2, ensure_ascii=not _utf8(), default=str))


def note(text: str) -> None:
    """One line for the person who watches, if there is one: the work goes on without. It tells no secret."""
    try:
        sys.stderr.write(redacted(text) + "\n")
        sys.stderr.flush()
    except OSError:
        silence("stderr")


def error(message: str, hint: str | None = None) -> None:
    """The one line that says why a command cannot go on, with a command to paste."""
    line, hint = f"error: {_short(message)}", None if hint is None else _short(hint)
    note(f"{line} Try: {hint}" if hint and line.endswith((".", "?", "!")) else f"{line}. Try: {hint}" if hint else line)


def _short(text: str) -> str:
    text = clean(redacted(text))
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 4 :]}"


def host(domain: str) -> str:
    """A domain as people read it on a terminal (`münchen.de`); a pipe gets its ASCII form."""
    from reports.display_domains import shown

    return shown(domain) if sys.stdout.isatty() else domain


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    spare: Sequence[str] = (),
    copied: str | None = None,
) -> None:
    """A table for a terminal; for a pipe, tab-separated lines under a line of names.

    A terminal gets no column that is empty throughout, and where it is narrow none of `spare`, the first of them first,
    as long as the others do not fit. Then lines break between words as far as they can, and last in the column `copied`
    (the first, unless another is named): what stands there, a job's id, is what one copies.
    """
    lines = [[("" if cell is None else clean(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in [list(headers), *lines]:
            result("\t".join(line))
        return
    if lines:
        columns = {header: [line[number] for line in lines] for number, header in enumerate(headers)}
        _draw(columns, spare, copied or headers[0])


#: What an id takes.
_ID_WIDTH = 24


def _draw(columns: dict[str, list[str]], spare: Sequence[str], copied: str) -> None:
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    screen = Console()
    columns = {header: cells for header, cells in columns.items() if any(cells)}
    natural = {header: max(map(cell_len, (header, *cells))) for header, cells in columns.items()}

    def fits(gap: int) -> bool:
        return sum(natural.values()) + gap * len(natural) <= screen.width

    for header in spare:
        if header in columns and not fits(1):
            del columns[header], natural[header]
    room = screen.width - len(columns) - 1
    words = [max(cell_len(word) for cell in (header, *cells) for word in cell.split() or [""])
             for header, cells in columns.items()]  # fmt: skip
    widths = (
        [*natural.values()]
        if fits(WIDE_GAP)
        else _narrow([*natural.values()], words, room, [*columns].index(copied) if copied in columns else 0)
    )
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1) if fits(WIDE_GAP) else 0)
    for header, width in zip(columns, widths, strict=True):
        shown.add_column(header, overflow="fold", width=width)
    for line in zip(*columns.values(), strict=True):
        shown.add_row(*(Text(cell) for cell in line))
    try:
        screen.print(shown)
    except BrokenPipeError as error:
        raise OutputClosedError from error


def _narrow(natural: Sequence[int], words: Sequence[int], room: int, copied: int) -> list[int]:
    """Widths of columns that share too little room: what is wider than its longest word gives way, then words break.

    Those of the column `copied` break last; if it is not the first, as far as they are no longer than an id.
    """
    widths = list(natural)
    part = max(1, room // (3 * max(1, len(words) - 1)))
    if copied:  # behind others what is longer gives way, too
        words = [min(word, _ID_WIDTH) if number == copied else word for number, word in enumerate(words)]
    broken = [word if number == copied else min(word, part) for number, word in enumerate(words)]
    for least in (words, broken, [1] * len(words)):
        while sum(widths) > room:
            given, number = max((width - low, n) for n, (width, low) in enumerate(zip(widths, least, strict=True)))
            if given <= 0:
                break
            widths[number] -= 1
    return widths


def width() -> int | None:
    """Columns of the terminal that shows the result; None: it goes elsewhere, and lines are as long as they are."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def duration(seconds: float | None) -> str:
    """`41.3 s`, `4 m 12 s`, `2 h 5 m`."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} m {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} m"


def age(moment: datetime | None) -> str:
    """How long ago something was: `42 s ago`, `8 m ago`, `5 h ago`, `3 d ago`."""
    if moment is None:
        return ""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def plural(count: int, noun: str) -> str:
    many = {"company": "companies", "address": "addresses", "person": "people"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else many}"


def _utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
