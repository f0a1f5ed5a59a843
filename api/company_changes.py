"""What changed of a company from one run that found it to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.company_rows import newest_row
from api.company_values import WORDS, values_of
from api.context import Context
from api.explanation import stage_of
from data.schemas import MADE_AT

#: Runs that are compared, the newest ones; each is read from its files.
MOST_RUNS = 10


class Change(NamedTuple):
    """A field that says something else than in the run before."""

    words: str
    gone: list[str]
    come: list[str]


class Run(NamedTuple):
    """A run that found a company."""

    #: Of `leadmill.answers.CompanyHistory`.
    told: Mapping[str, Any]
    #: Against the run before; None: there is none that is compared.
    changes: list[Change] | None


def runs(here: Context, company_id: str) -> tuple[list[Run], int]:
    """The runs that found a company, newest first, and how many earlier ones are not told."""
    history = here.companies.found_by(company_id)
    rows = [newest_row(here.lake, company_id, one["job_id"]) for one in history[: MOST_RUNS + 1]]
    compared = [
        None if newer is None or older is None else _changes(newer, older)
        for newer, older in zip(rows, [*rows[1:], None], strict=True)
    ]
    found = [Run(told, changes) for told, changes in zip(history, compared, strict=False)]
    return found[:MOST_RUNS], max(0, len(history) - MOST_RUNS)


def _changes(newer: Mapping[str, Any], older: Mapping[str, Any]) -> list[Change]:
    """Of the fields that both runs have looked for."""
    found = []
    for field, words in WORDS.items():
        made = MADE_AT[stage_of(field)]
        if newer.get(made) is None or older.get(made) is None:
            continue
        now, before = values_of(newer, field), values_of(older, field)
        gone, come = [one for one in before if one not in now], [one for one in now if one not in before]
        if gone or come:
            found.append(Change(words, gone, come))
    return found
