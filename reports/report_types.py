"""Report types: what a report tells of, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReportType:
    """One type of report."""

    title: str
    #: Leads that stand in a page, one by one.
    leads_shown: int
    #: Data formats hold companies with a good row only.
    good_rows_only: bool = False


#: Every type by name.
REPORT_TYPES: dict[str, ReportType] = {
    "comprehensive": ReportType("Lead report", leads_shown=500),
    "summary": ReportType("Lead summary", leads_shown=10),
    "leads": ReportType("Ranked leads", leads_shown=500, good_rows_only=True),
    "quality": ReportType("Data quality report", leads_shown=0),
}
