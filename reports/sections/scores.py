"""How many leads lie in each step of ten points of the score."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from reports.figures import Bar, figure
from reports.final_rows import GOOD, FinalRows
from reports.wording import percent


def _query(rows: FinalRows) -> list[dict[str, int]]:
    """Steps from the lowest; the last one holds 100 too."""
    found = {
        row["step"]: row["count"]
        for row in rows.ask(
            f"SELECT least(floor(score / 10), 9)::INTEGER AS step, count(*) AS count FROM {rows.source} "
            f"WHERE {GOOD} AND score IS NOT NULL GROUP BY step"
        )
    }
    return [{"from": step * 10, "to": step * 10 + 10, "count": found.get(step, 0)} for step in range(10)]


def _bars(steps: list[dict[str, int]]) -> list[Bar]:
    scored = sum(step["count"] for step in steps)
    return [
        (f"{step['from']}–{step['to'] - (step['to'] < 100)}", step["count"], percent(step["count"] / scored))
        for step in reversed(steps)
        if scored
    ]


SECTION = figure(
    "scores",
    position=30,
    report_types=("comprehensive", "summary", "quality"),
    title="Scores",
    column="Score",
    query=_query,
    bars=_bars,
)
