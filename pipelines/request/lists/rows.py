"""What the readers of every format yield, and the bounds that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pipelines.request.lists.budget import SpentError

#: Most columns of a list (Excel has no more), and most rows of a workbook and lines of a text (nor of these).
MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576
#: Longest cell that is kept, characters (Excel's own limit); more of it is cut off.
MAX_CELL = 32_767
#: Rows, cells and, of text, characters from which the shape of a list is understood.
SAMPLE_ROWS = 300
SAMPLE_CHARACTERS = 400_000
SAMPLE_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file: `line` is where it begins (a workbook's row number), cells as they are."""

    line: int
    cells: Sequence[str]
    #: What is wrong with the row as a whole; its cells are the best that could be read.
    fault: str | None = None
    #: Column -> where a link leads that the cell shows by another text.
    links: Mapping[int, str] | None = None


def sample(rows: Iterable[Row]) -> list[Row]:
    """The first rows, fewer of wide ones and no more than a budget gives: a look at them never takes long."""
    found: list[Row] = []
    cells = 0
    try:
        for row in islice(rows, SAMPLE_ROWS):
            found.append(row)
            cells += len(row.cells)
            if cells > SAMPLE_CELLS:
                break
    except SpentError:
        pass
    return found
