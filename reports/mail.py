"""A report as a mail: its counts and its best leads, as text and as HTML that mail programs show.

Mail programs run no script, load nothing and drop most style sheets: the HTML is a table with its styles at each
element, readable in a window of 320 pixels.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reports import display_names
from reports.final_rows import GOOD, RANKED, FinalRows, final_rows
from reports.links import MAX_URL
from reports.sections.tiers import TIERS
from reports.wording import CAUSES, counted

#: Below `reports` of a job: a mail as it was written with the report.
MAIL_FILE = "mail.json"
#: Leads shown.
BEST = 10
#: Characters of a subject.
_SUBJECT_CHARS = 120
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True)
class Mail:
    """What is sent, but for its addresses and what is attached."""

    subject: str
    text: str
    html: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def mail_of(rows: Sequence[Path], job: Mapping[str, Any], links: Mapping[str, str], con: Any) -> Mail:
    """The mail about the final rows in the given score-stage files.

    Args:
        job: see `reports.about_job`.
        links: where each format of the report can be had, by its name; empty where nobody knows the API's address.
        con: a DuckDB connection.

    Raises:
        duckdb.Error: a file is missing or no Parquet.
    """
    from reports.environment import environment

    with final_rows(con, rows) as final:
        totals, leads, failures = final.totals, _best(final), _failures(final)
        tiers = _tiers(final)
    tags = [one_line(str(tag)) for tag in job.get("tags") or ()]
    shown = {
        "title": tags[0] if tags else "Your leads",
        "totals": totals,
        "tiers": tiers,
        "leads": leads,
        "failures": failures,
        "links": links,
        "job": {"id": job["job_id"], "created_at": job.get("created_at")},
    }
    subject = f"{shown['title']}: {_counts(totals, tiers)}"
    made = environment()
    return Mail(
        subject if len(subject) <= _SUBJECT_CHARS else subject[: _SUBJECT_CHARS - 1] + "…",
        # Markup is of no use in a text, and nothing in it can be taken for any.
        made.overlay(autoescape=False).get_template("mail.txt.j2").render(shown),
        made.get_template("mail.html.j2").render(shown),
    )


def one_line(text: str) -> str:
    """A text without what ends a line or is no letter: what may stand in a header."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _counts(totals: Mapping[str, Any], tiers: Sequence[tuple[str, int]]) -> str:
    found = f"{counted(totals['leads'], 'lead', 'leads')} of {counted(totals['companies'], 'company', 'companies')}"
    best = dict(tiers).get("A", 0)
    return f"{found}, {best:,} in tier A" if best else found


def _tiers(rows: FinalRows) -> list[tuple[str, int]]:
    query = f"SELECT tier, count(*) AS count FROM {rows.source} WHERE {GOOD} AND tier IS NOT NULL GROUP BY tier"
    found = {row["tier"]: int(row["count"]) for row in rows.ask(query)}
    return [(tier, found[tier]) for tier in TIERS if found.get(tier)]


def _failures(rows: FinalRows) -> list[tuple[str, int]]:
    """Why companies have no good row, and how many, the most frequent first."""
    found = rows.ask(
        f"SELECT error_category AS category, count(*) AS count FROM {rows.source} WHERE NOT {GOOD} "
        "GROUP BY ALL ORDER BY count DESC, category LIMIT 3"
    )
    return [(CAUSES.get(row["category"], str(row["category"])), int(row["count"])) for row in found]


def _best(rows: FinalRows) -> list[dict[str, Any]]:
    leads = rows.ask(
        f"""SELECT left(domain, 120) AS domain, left(url, {MAX_URL + 1}) AS url, left(name, 80) AS name,
          left(country, 40) AS country, left(address.city, 60) AS city, left(industry, 60) AS industry, score, tier,
          left(emails[1], 254) AS email, left(phones[1], 40) AS phone
        FROM (SELECT * FROM {rows.source} WHERE {GOOD} ORDER BY {RANKED} LIMIT {BEST}) ORDER BY {RANKED}"""
    )
    for lead in leads:
        country = lead["country"]
        parts = (lead["city"], country and display_names.country(country), lead["industry"])
        lead["about"] = ", ".join(one_line(part) for part in parts if part)
        lead["name"] = one_line(lead["name"] or "") or None
        lead["shown_phone"] = display_names.phone(lead["phone"], country) if lead["phone"] else None
    return leads
