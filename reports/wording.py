"""Numbers of an analysis in words, and why a report holds no lead and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Fewer leads than this give no shares worth a warning about their mix.
FEW = 10
#: Walls before so large a share of the companies are worth a warning: what is left is no fair part of them.
MOSTLY_WALLED = 0.5

#: Error category → why companies failed, in words.
CAUSES = {
    "network": "the site could not be reached",
    "data": "the site or the input gave nothing to read",
    "system": "a fault on our side",
    "deadline": "the deadline struck first",
    "poison": "the page ended its process again and again",
    "quota": "the project's quota was used up",
}


def cause_of(error: Mapping[str, Any]) -> str:
    """Why the companies of one group of failures failed, in words."""
    if error.get("code"):
        return str(error["cause"])
    return CAUSES.get(error["category"], error["category"])


def percent(share: float) -> str:
    """A share in words: `38 %`, `under 1 %`, never a rounded 0 or 100 that is neither."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def counted(number: int, one: str, many: str) -> str:
    """`1 lead`, `2,310 leads`."""
    return f"{number:,} {one if number == 1 else many}"


def turn_words(jobs: int, processes: int, seconds: float) -> str:
    """`12 jobs share 4 processes; next in about 3 s`; of a job that takes turns with other projects alone, that."""
    who = f"{jobs:,} jobs share" if jobs > 1 else "other projects share"
    size, unit = next((one for one in ((3_600, "h"), (60, "m")) if seconds >= 2 * one[0]), (1, "s"))
    return f"{who} {counted(processes, 'process', 'processes')}; next in about {max(1, round(seconds / size)):,} {unit}"


#: Lines of a list without an address, or with one that is refused; a job counts them as no company.
NAMELESS = "lines that name no company"
#: Told wherever leads were scored without a profile.
NO_PROFILE = (
    "The score tells how complete and reachable a lead is, not how well it fits you: no ideal customer profile was "
    "given. To get one: leadmill icp new; to use it: --icp FILE, or icp in the request."
)


def order_of(totals: Mapping[str, Any]) -> str:
    """The order of leads (`RANKED`) in words."""
    return f"{'fit' if totals['fitted'] else 'score'}, then reachability, data quality and domain"


def score_note(totals: Mapping[str, Any]) -> str | None:
    """What the scores do not say, where no ideal customer profile was given; None where each lead has a fit."""
    if totals["fitted"] or not totals["leads"] or totals["mean_score"] is None:
        return None
    return NO_PROFILE


def why_empty(analysis: Mapping[str, Any], job_id: str | None) -> tuple[str, str] | None:
    """Why there is no lead, and what to do; None when there is one."""
    totals = analysis["totals"]
    if totals["leads"]:
        return None
    if not totals["companies"]:
        return (
            "This report was asked for a set of companies that is empty.",
            "Start with a list of websites: leadmill run companies.csv",
        )
    cause = analysis["errors"][0]
    reason, said = cause_of(cause), cause["example_error"]
    why = (
        f"None of {counted(totals['companies'], 'company', 'companies')} could be read. Most often "
        f"({cause['count']:,} of {totals['companies']:,}) {reason}{f': {said}' if said != reason else ''}"
    )
    if cause.get("code"):
        return why, f"Open such a site in a browser; once it shows its own page: leadmill resume {job_id or 'JOB'}"
    if cause["category"] == "data":
        return why, "Check the addresses in the input; what is refused today will be refused again."
    return why, f"Try the failed companies again: leadmill resume {job_id or 'JOB'}"


def nameless(lines: int) -> str:
    """How many lines of the list are told beside its companies, since they name none; empty where each names one."""
    return counted(lines, "line that names no company", NAMELESS) if lines > 0 else ""


def mostly_walled(walled: int, companies: int) -> Iterator[str]:
    """A warning where bot walls and captchas stand before so many of the companies that the rest is no fair part."""
    if walled and walled >= MOSTLY_WALLED * companies:
        of = f"{walled:,} of {companies:,}"
        yield f"Bot walls or captchas keep us from {of} companies: what could be read is no fair part of the list."
