"""Which leads a report over companies of the lake is of: a filter on the newest scored row of each."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.schemas import STAGE_SCHEMAS
from reports.final_rows import GOOD
from reports.rows import select_rows

#: Sizes of companies by their number of people, the least that is known of it: from which number on.
SIZES = {"1-9": 0, "10-49": 10, "50-249": 50, "250+": 250}
#: How one may be reached.
REACHED_BY = ("email", "phone")
_PEOPLE = "coalesce(employees_min, employees_max)"
_SIZED = " ".join(f"WHEN {_PEOPLE} >= {least:d} THEN '{size}'" for size, least in reversed(SIZES.items()))
#: What conditions look at that is no column of a row, as SQL of its columns.
MADE = {
    "sought": "lower(concat_ws(' ', name, domain, description))",
    "size": f"CASE {_SIZED} END",
    "has_email": "coalesce(len(emails), 0) > 0",
    "has_phone": "coalesce(len(phones), 0) > 0",
}


@dataclass(frozen=True)
class LeadFilter:
    """What is left out (None, empty) matches all; of several values of a field one has to match, of the fields all.

    Texts compare without case.
    """

    #: Rows of jobs that have this tag, and of no other job.
    tag: str | None = None
    tier: tuple[str, ...] = ()
    #: ISO 3166, two letters.
    country: tuple[str, ...] = ()
    industry: tuple[str, ...] = ()
    technology: tuple[str, ...] = ()
    min_score: float | None = None
    #: Part of name, domain or description.
    text: str = ""
    #: BCP 47, as their sites declare it.
    language: tuple[str, ...] = ()
    #: Some of `SIZES`.
    size: tuple[str, ...] = ()
    #: Some of `REACHED_BY`; a company has to have each of them.
    has: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """What is not left out, as JSON says it."""
        return {name: value for name, value in asdict(self).items() if value not in (None, (), "")}

    @property
    def told(self) -> str:
        """In words: `tag fair; tier A or B`."""
        words = {name: _told(name, value) for name, value in self.given.items()}
        return "; ".join(f"{name.replace('min_score', 'score from')} {value}" for name, value in words.items())

    def conditions(self, *, prepared: bool = False) -> tuple[list[str], dict[str, Any]]:
        """What a row has to meet beside its job, as SQL, and the parameters of that.

        `prepared`: what is `MADE` lies in columns of these names.
        """
        made = {name: name if prepared else f"({sql})" for name, sql in MADE.items()}
        found: list[str] = []
        values: dict[str, Any] = {}
        for name in ("tier", "country", "industry", "language", "size"):
            if wanted := getattr(self, name):
                found.append(f"lower({made.get(name, name)}) IN (SELECT unnest(${name}))")
                values[name] = [word.lower() for word in wanted]
        if self.technology:
            found.append("list_has_any([lower(t) FOR t IN technologies], $technology)")
            values["technology"] = [word.lower() for word in self.technology]
        if self.min_score is not None:
            found.append("score >= $min_score")
            values["min_score"] = self.min_score
        found += [made[f"has_{what}"] for what in self.has]
        if self.text:
            found.append(f"contains({made['sought']}, $text)")
            values["text"] = self.text.lower()
        return found, values


def _told(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return " and ".join(value) if name == "has" else " or ".join(value)
    return f"{value:g}" if name == "min_score" else str(value)


def matching(
    con: Any, files: Sequence[Path], wanted: LeadFilter, jobs: Sequence[str] | None
) -> tuple[list[Mapping[str, Any]], int]:
    """Companies whose newest good row matches (company_id, domain, url, job_id), and of how many that is.

    `jobs`: only rows of these count; None: of all.

    Raises:
        duckdb.Error: a file cannot be read.
    """
    conditions, values = wanted.conditions()
    if jobs is not None:
        values["jobs"] = list(jobs)
    own = "AND job_id IN (SELECT unnest($jobs::VARCHAR[]))" if jobs is not None else ""
    newest = (
        f"SELECT * FROM ({select_rows(con, files, STAGE_SCHEMAS['score'])}) WHERE {GOOD} {own} "
        "QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY scored_at DESC, job_id DESC) = 1"
    )
    matches = " AND ".join(conditions) or "true"
    rows = con.execute(
        f"SELECT company_id, domain, url, job_id, coalesce({matches}, false) AS fits FROM ({newest}) ORDER BY domain",
        values,
    ).fetchall()
    names = ("company_id", "domain", "url", "job_id")
    return [dict(zip(names, row, strict=False)) for row in rows if row[4]], len(rows)
