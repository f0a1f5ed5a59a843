"""Where the partitions of a job stand: a cell each, of many jobs' partitions several to a cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from data.jobs import JobRecord, UnitState, UnitStatus

#: Most cells; partitions beyond it share them.
MAX_CELLS = 400
#: What each state is called, worst first: a cell shows the worst of its partitions.
WORDS = {
    UnitStatus.FAILED: "failed",
    UnitStatus.WAITING: "waits for its next try",
    UnitStatus.RUNNING: "running",
    UnitStatus.HANDED: "waits for a process",
    UnitStatus.PLANNED: "not begun",
    UnitStatus.DONE: "done",
}


@dataclass(frozen=True)
class Cell:
    """Some partitions that follow one another."""

    first: int
    last: int
    #: How many are in each state, worst first.
    states: Mapping[UnitStatus, int]
    #: At which stage the only one is.
    stage: str | None

    @property
    def worst(self) -> UnitStatus:
        """The state that the cell shows; of partitions that are merely done and not begun that they are under way."""
        worst = next(iter(self.states))
        half_done = worst == UnitStatus.PLANNED and UnitStatus.DONE in self.states
        return UnitStatus.HANDED if half_done else worst

    @property
    def told(self) -> str:
        """It in words."""
        if self.first == self.last:
            at = f", stage {self.stage}" if self.stage and self.worst != UnitStatus.DONE else ""
            return f"p{self.first}: {WORDS[self.worst]}{at}"
        return f"p{self.first} to p{self.last}: {', '.join(f'{n} {WORDS[state]}' for state, n in self.states.items())}"


@dataclass(frozen=True)
class Grid:
    """All partitions of a job."""

    cells: list[Cell]
    #: How many are in each state.
    totals: Mapping[str, int]
    #: Partitions a cell.
    each: int


def grid(record: JobRecord, units: Mapping[str, UnitState]) -> Grid:
    """The partitions of a job, whose units are at hand (`JobStore.unit_states`)."""
    number = record.partitions
    each = max(1, -(-number // MAX_CELLS))
    chain = record.partition_stages
    cells, totals = [], Counter[UnitStatus]()
    for first in range(0, number, each):
        last = min(first + each, number) - 1
        found = [units.get(f"p{n}") for n in range(first, last + 1)]
        counted = Counter(UnitStatus.PLANNED if unit is None else unit.status for unit in found)
        totals += counted
        only = found[0] if each == 1 else None
        stage = chain[only.stage_index] if only is not None and only.stage_index < len(chain) else None
        cells.append(Cell(first, last, {state: counted[state] for state in WORDS if state in counted}, stage))
    return Grid(cells, {WORDS[state]: totals[state] for state in WORDS if state in totals}, each)
