"""What the lines of a list came to: counts for the answer and the job's result, and examples for who looks before."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from leadmill.answers import LineReason, LineShown, ListCounts, ListLook
from leadmill.ids import CompanyUrl
from pipelines.request.lists.budget import Budget, SpentError
from pipelines.request.lists.company_list import CompanyList, InputLine

#: Examples of a reason, and companies, that a preview shows.
_EXAMPLES = 5
#: Most different reasons, and names of other columns, that are told.
_REASONS, _COLUMNS = 20, 500
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


@dataclass
class Tally:
    """Each line is counted once: a company, one that an earlier line named, without an address, or refused."""

    companies: int = 0
    repeated: int = 0
    #: Of those repeated, the ones that named their company by another address.
    merged: int = 0
    without_address: int = 0
    refused: int = 0

    @property
    def lines(self) -> int:
        return self.companies + self.repeated + self.without_address + self.refused

    def add(self, line: InputLine, known_url: str | None) -> None:
        """Count a line; `known_url`: by which an earlier line, or another input, named its company."""
        if line.company is None:
            self.refused += bool(line.text)
            self.without_address += not line.text
        elif known_url is None:
            self.companies += 1
        else:
            self.repeated += 1
            self.merged += known_url != line.company.url

    def told(self) -> ListCounts:
        return {
            "lines": self.lines,
            "companies": self.companies,
            "without_address": self.without_address,
            "refused": self.refused,
            "repeated": self.repeated,
            "merged": self.merged,
        }


class Look(NamedTuple):
    """What was seen of a list."""

    told: ListLook
    #: The ids of its companies.
    company_ids: Collection[str]


def preview(path: Path, column: str | None = None, budget: Budget | None = None) -> ListLook:
    """What `look` tells."""
    return look(path, column, budget).told


def look(path: Path, column: str | None = None, budget: Budget | None = None) -> Look:
    """What would be understood of a list, without a job: how it is read, counts, reasons with examples, first lines.

    `budget`: what may be spent on its lines; where there are more, `complete` is false. None: all are read.

    Raises:
        InputError: it is no list of companies, or has no such column; or all of it is too much.
    """
    found = CompanyList(path, column)
    tally, reasons = Tally(), _Reasons()
    known: dict[str, str] = {}
    first: list[LineShown] = []
    complete = True
    try:
        for line in found if budget is None else found.lines(budget):
            tally.add(line, known.get(line.company.company_id) if line.company else None)
            if line.company is None:
                reasons.add(line)
            elif known.setdefault(line.company.company_id, url := line.company.url) is url and len(first) < _EXAMPLES:
                first.append(_shown(line, line.company))
    except SpentError:
        complete = False
    others = found.understood.other_columns
    told: ListLook = {
        **found.understood.told(),
        "other_columns": list(others[:_COLUMNS]),
        "complete": complete,
        **tally.told(),
        "reasons": reasons.told(),
        "first": first,
    }
    return Look(told, known.keys())


def _shown(line: InputLine, company: CompanyUrl) -> LineShown:
    values = dict(list(line.values.items())[:_COLUMNS])
    return {"line": line.line, "domain": company.domain, "url": company.url, "values": values}


class _Reasons:
    """Why lines name no company, alike ones together."""

    def __init__(self) -> None:
        self._found: dict[str, LineReason] = {}

    def add(self, line: InputLine) -> None:
        reason = _QUOTED.sub("…", (line.error or "").partition(": ")[0]).removeprefix("… ")
        if reason not in self._found and len(self._found) >= _REASONS:
            reason = "other reasons"
        entry = self._found.setdefault(reason, {"reason": reason, "count": 0, "examples": []})
        entry["count"] += 1
        if len(entry["examples"]) < _EXAMPLES:
            entry["examples"].append({"line": line.line, "text": line.text[:100]})

    def told(self) -> list[LineReason]:
        return sorted(self._found.values(), key=lambda entry: -entry["count"])
