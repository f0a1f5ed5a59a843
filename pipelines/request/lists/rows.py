"""What the readers of every format yield, and the bounds that hold for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Most columns of a list (Excel has no more), and most rows of a workbook (nor of these).
MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576
#: Longest cell that is kept, characters (Excel's own limit); more of it is cut off.
MAX_CELL = 32_767
#: Rows, and characters of text or cells of a workbook, from which the shape of a list is understood.
SAMPLE_ROWS = 300
SAMPLE_CHARACTERS = 400_000
SAMPLE_CELLS = 60_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file: `line` is where it begins (a workbook's row number), cells as they are."""

    line: int
    cells: Sequence[str]
    #: What is wrong with the row as a whole; its cells are the best that could be read.
    fault: str | None = None
    #: Column -> where a link leads that the cell shows by another text.
    links: Mapping[int, str] | None = None
